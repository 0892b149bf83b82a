# SPDX-License-Identifier: MIT
"""The serial loader of an ESP8285: the mask ROM's commands, and those of esptool's stub once that runs."""

import hashlib
import struct
import zlib
from collections.abc import Callable

from k210.netmodel.server import Watcher

END, ESCAPE = 0xC0, 0xDB
CHECKSUM_SEED = 0xEF
FLASH_SIZE = 1 << 20
FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA, SYNC = 0x05, 0x06, 0x07, 0x08
WRITE_REG, READ_REG, SPI_SET_PARAMS = 0x09, 0x0A, 0x0B
CHANGE_BAUDRATE, DEFLATE_BEGIN, DEFLATE_DATA, DEFLATE_END, FLASH_MD5 = 0x0F, 0x10, 0x11, 0x12, 0x13
BAD_CHECKSUM, BAD_DATA, FAILED = 0xC1, 0xC0, 0x05
CHIP_MAGIC = {0x40001000: 0xFFF0C101}
SPI_CMD, SPI_W0 = 0x60000200, 0x60000240
FLASH_ID = 0x1440EF  # 1 MiB
UART_DIVIDER = 0x60000014
ROM_DATE = 0x20120707


class EspRom:
    """`answers` false: GPIO0 was high, so the module runs its firmware and takes nothing of this for its own."""

    def __init__(self, answers: bool = True) -> None:
        self.due: float | None = None
        self.answers = answers
        self.flash = bytearray(b"\xff" * FLASH_SIZE)
        self.log: list[int] = []
        self._write: Callable[[bytes], None] = lambda data: None
        self._registers = {**CHIP_MAGIC, SPI_W0: FLASH_ID, UART_DIVIDER: 26_000_000 * 2 // 115200}
        self._frame = bytearray()
        self._inside = False
        self._escaped = False
        self.stub = False
        self._at = 0
        self._stream: zlib._Decompress | None = None

    def attach(self, write: Callable[[bytes], None], watcher: Watcher) -> None:
        self._write = write

    def tick(self) -> None:
        self.due = None

    def close(self) -> None:
        pass

    def feed(self, data: bytes) -> None:
        for c in data:
            if c == END:
                if self._inside and self._frame:
                    self._command(bytes(self._frame))
                    self._inside = False
                else:
                    self._inside = True
                self._frame.clear()
            elif self._inside:
                if self._escaped:
                    c = {0xDC: END, 0xDD: ESCAPE}.get(c, c)
                    self._escaped = False
                elif c == ESCAPE:
                    self._escaped = True
                    continue
                self._frame.append(c)

    def _send(self, packet: bytes) -> None:
        self._write(
            bytes([END])
            + packet.replace(bytes([ESCAPE]), b"\xdb\xdd").replace(bytes([END]), b"\xdb\xdc")
            + bytes([END])
        )

    def _command(self, frame: bytes) -> None:
        if not self.answers or len(frame) < 8 or frame[0] != 0:
            return
        command, size, checksum = frame[1], *struct.unpack_from("<HI", frame, 2)
        data = frame[8:]
        self.log.append(command)
        if size != len(data):
            self._reply(command, status=BAD_DATA)
            return
        if command in (MEM_DATA, FLASH_DATA, DEFLATE_DATA):
            check = CHECKSUM_SEED
            for c in data[16:]:
                check ^= c
            if check != checksum:
                self._reply(command, status=BAD_CHECKSUM)
                return
        handler = HANDLERS.get(command)
        if handler is None or (command > SPI_SET_PARAMS and not self.stub):
            self._reply(command, status=FAILED)
        else:
            handler(self, command, data)

    def _reply(self, command: int, value: int = 0, data: bytes = b"", status: int = 0) -> None:
        body = data + bytes([status != 0, status])
        self._send(struct.pack("<BBHI", 1, command, len(body), value) + body)

    def _sync(self, command: int, data: bytes) -> None:
        # esptool tells by the value whether its stub is running already.
        for _ in range(1 if self.stub else 8):
            self._reply(command, 0 if self.stub else ROM_DATE)

    def _read_reg(self, command: int, data: bytes) -> None:
        self._reply(command, self._registers.get(struct.unpack("<I", data)[0], 0))

    def _write_reg(self, command: int, data: bytes) -> None:
        address, value = struct.unpack_from("<II", data)
        # A flash command is done at once; it leaves its answer in W0.
        self._registers[address] = 0 if address == SPI_CMD else FLASH_ID if address == SPI_W0 else value
        self._reply(command)

    def _accept(self, command: int, data: bytes) -> None:
        self._reply(command)

    def _mem_end(self, command: int, data: bytes) -> None:
        self._reply(command)
        if not struct.unpack_from("<I", data)[0]:
            self.stub = True
            self._send(b"OHAI")

    def _flash_begin(self, command: int, data: bytes) -> None:
        size, _, _, self._at = struct.unpack_from("<IIII", data)
        self._stream = zlib.decompressobj() if command == DEFLATE_BEGIN else None
        good = self._at + size <= FLASH_SIZE
        if good:
            first, last = self._at // 4096 * 4096, -(-(self._at + size) // 4096) * 4096
            self.flash[first:last] = b"\xff" * (last - first)
        self._reply(command, status=0 if good else FAILED)

    def _flash_data(self, command: int, data: bytes) -> None:
        part = data[16:]
        try:
            part = self._stream.decompress(part) if self._stream else part
        except zlib.error:
            self._reply(command, status=FAILED)
            return
        part = part[: FLASH_SIZE - self._at]
        self.flash[self._at : self._at + len(part)] = part
        self._at += len(part)
        self._reply(command)

    def _flash_md5(self, command: int, data: bytes) -> None:
        address, size = struct.unpack_from("<II", data)
        self._reply(command, data=hashlib.md5(self.flash[address : address + size], usedforsecurity=False).digest())


HANDLERS: dict[int, Callable[[EspRom, int, bytes], None]] = {
    SYNC: EspRom._sync,
    READ_REG: EspRom._read_reg,
    WRITE_REG: EspRom._write_reg,
    MEM_BEGIN: EspRom._accept,
    MEM_DATA: EspRom._accept,
    MEM_END: EspRom._mem_end,
    SPI_SET_PARAMS: EspRom._accept,
    FLASH_BEGIN: EspRom._flash_begin,
    FLASH_DATA: EspRom._flash_data,
    FLASH_END: EspRom._accept,
    CHANGE_BAUDRATE: EspRom._accept,
    DEFLATE_BEGIN: EspRom._flash_begin,
    DEFLATE_DATA: EspRom._flash_data,
    DEFLATE_END: EspRom._accept,
    FLASH_MD5: EspRom._flash_md5,
}
