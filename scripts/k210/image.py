# SPDX-License-Identifier: MIT
"""Flash contents: FILE[@ADDR] arguments, kfpkg archives and the format that the mask ROM boots.

A bootable image in flash is: flag byte 0, payload length as u32 little-endian, payload, SHA-256 of
all of that.
"""

import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from k210.errors import K210Error

__tracebackhide__ = True  # a failed test's report ends at the test's own line

BOOT_HEADER_SIZE = 5
MODEL_ADDRESS = 0x300000
LARGEST_FLASH = 32 << 20
ERASED = 0xFF


@dataclass(frozen=True)
class FlashPart:
    """Bytes that belong at one flash address.

    bootable: the data is a program; in flash it stands with the boot header and digest around it.
    """

    name: str
    address: int
    data: bytes
    bootable: bool = False

    def flash_bytes(self) -> bytes:
        return boot_image(self.data) if self.bootable else self.data

    @property
    def end(self) -> int:
        """First address after the part as it stands in flash."""
        extra = BOOT_HEADER_SIZE + hashlib.sha256().digest_size if self.bootable else 0
        return self.address + len(self.data) + extra

    def describe(self) -> str:
        return f"{self.name} (0x{self.address:06x}-0x{max(self.end - 1, self.address):06x})"


def boot_image(payload: bytes) -> bytes:
    """The payload with the header and digest that the mask ROM checks."""
    body = struct.pack("<BI", 0, len(payload)) + payload
    return body + hashlib.sha256(body).digest()


def parse_address(text: str) -> int:
    try:
        address = int(text, 0)
    except ValueError:
        raise K210Error(f"{text!r} is not an address; write it like 0x300000") from None
    if address < 0:
        raise K210Error(f"the flash address {text} is negative")
    return address


def split_argument(argument: str) -> tuple[Path, int | None]:
    """FILE[@ADDR] as path and address. A file whose own name has an @ wins over the address."""
    if "@" in argument and not Path(argument).exists():
        name, _, address = argument.rpartition("@")
        return Path(name), parse_address(address)
    return Path(argument), None


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise K210Error(f"cannot read {path}: {e.strerror}") from None


def load_argument(argument: str) -> list[FlashPart]:
    """What one FILE[@ADDR] puts into flash: .bin with boot header (default address 0), .kmodel raw
    (default 0x300000), .kfpkg as its list says, anything else raw at the address that must be given."""
    path, address = split_argument(argument)
    kind = path.suffix.lower()
    if kind == ".kfpkg":
        if address is not None:
            raise K210Error(f"{path} is a kfpkg, its addresses stand inside; leave out @0x{address:x}")
        return load_kfpkg(path)
    data = read_file(path)
    if not data:
        raise K210Error(f"{path} is empty")
    if kind == ".bin":
        return [FlashPart(path.name, address or 0, data, bootable=True)]
    if address is None:
        if kind != ".kmodel":
            raise K210Error(f"{path}: please say where in flash it belongs, like {path.name}@0x800000")
        address = MODEL_ADDRESS
    return [FlashPart(path.name, address, data)]


def load_kfpkg(path: Path) -> list[FlashPart]:
    """The parts of a kfpkg archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            # The vendor's packages write addresses as bare 0x literals, which JSON does not know.
            text = re.sub(r"([:\[,]\s*)(0[xX][0-9a-fA-F]+)", _decimal, archive.read("flash-list.json").decode())
            listing = json.loads(text)
            return [_kfpkg_entry(path, archive, entry) for entry in listing["files"]]
    except OSError as e:
        raise K210Error(f"cannot read {path}: {e.strerror or e}") from None
    # RuntimeError: encrypted; NotImplementedError: a compression that nobody has heard of.
    except (zipfile.BadZipFile, zlib.error, ValueError, TypeError, KeyError, RuntimeError, EOFError) as e:
        raise K210Error(f"{path} is not a kfpkg: {e}") from None


def _decimal(match: re.Match) -> str:
    return match[1] + str(int(match[2], 16))


def _kfpkg_entry(path: Path, archive: zipfile.ZipFile, entry: dict) -> FlashPart:
    name = entry["bin"]
    address = entry["address"]
    if isinstance(address, str):  # some writers quote it, with 0x or without
        address = parse_address(address)
    if not isinstance(address, int) or address < 0:
        raise K210Error(f"{path}: {name} has no usable address ({address!r})")
    size = archive.getinfo(name).file_size
    if size > LARGEST_FLASH:
        raise K210Error(f"{path}: {name} has {size} bytes, no flash is larger than {LARGEST_FLASH}")
    data = archive.read(name)
    if entry.get("reverse4Bytes"):
        data += bytes(-len(data) % 4)
        data = b"".join(data[i : i + 4][::-1] for i in range(0, len(data), 4))
    return FlashPart(f"{path.name}:{name}", address, data, bootable=bool(entry.get("sha256Prefix")))


def check_layout(parts: Iterable[FlashPart], size: int) -> None:
    """Refuses parts that overlap or that go past the end of a flash of that many bytes."""
    in_order = sorted(parts, key=lambda p: p.address)
    for part in in_order:
        if part.end > size:
            raise K210Error(
                f"{part.describe()} goes past the end of the flash (0x{size:06x} bytes, 0x000000-0x{size - 1:06x})"
            )
    # The part that reaches furthest so far is the one a later part can run into.
    furthest: FlashPart | None = None
    for part in in_order:
        if furthest and part.address < furthest.end:
            raise K210Error(f"{furthest.describe()} and {part.describe()} overlap in flash")
        if furthest is None or part.end > furthest.end:
            furthest = part


def load_arguments(arguments: Sequence[str], size: int) -> list[FlashPart]:
    """All parts of several FILE[@ADDR], checked against each other."""
    parts = [part for argument in arguments for part in load_argument(argument)]
    check_layout(parts, size)
    return parts


def build_image(parts: Sequence[FlashPart], size: int) -> bytearray:
    """A whole flash as bytes; what no part covers is erased."""
    check_layout(parts, size)
    flash = bytearray([ERASED]) * size
    for part in parts:
        flash[part.address : part.end] = part.flash_bytes()
    return flash


def write_parts(path: Path, parts: Sequence[FlashPart], size: int) -> None:
    """Programs the parts into a flash file, which is made when it does not exist."""
    check_layout(parts, size)
    if not path.exists():
        path.write_bytes(build_image(parts, size))
        return
    if path.stat().st_size != size:
        raise K210Error(f"{path} has 0x{path.stat().st_size:x} bytes, the board's flash has 0x{size:x}")
    with path.open("r+b") as file:
        for part in parts:
            file.seek(part.address)
            file.write(part.flash_bytes())
