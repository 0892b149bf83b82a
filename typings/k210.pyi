# SPDX-License-Identifier: MIT
"""What only this chip has."""

class Flash:
    """A block device of 4 KiB sectors; without arguments the file system's."""

    def __init__(self, *, start: int = ..., len: int = ...) -> None: ...
    def readblocks(self, block: int, buf: bytearray | memoryview, offset: int = 0) -> None: ...
    def writeblocks(self, block: int, buf: bytes | bytearray | memoryview, offset: int = ...) -> None: ...
    def ioctl(self, op: int, arg: int) -> int | None: ...

def build() -> tuple[str, str]:
    """(commit, build id)"""

def flash_id() -> int: ...
def flash_size() -> int: ...
def flash_read(addr: int, n: int) -> bytes: ...
def harts() -> int:
    """Harts that work."""

def pool() -> list[tuple[int, int, str | None]]:
    """The memory pool: (address, bytes, owner)."""

def pool_free() -> tuple[int, int]:
    """(free bytes, largest block)"""
