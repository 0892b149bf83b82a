# SPDX-License-Identifier: MIT
"""The SD card driver against cards made of a few lines: every kind, bad lines, and hands that pull them out."""

import ctypes as ct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import pytest

from k210 import paths

SelectFn = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_bool)
TransferFn = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.POINTER(ct.c_uint8), ct.POINTER(ct.c_uint8), ct.c_size_t)
HzFn = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_uint32)
NowFn = ct.CFUNCTYPE(ct.c_uint64, ct.c_void_p)

ENODEV, EIO, EINVAL, ETIMEDOUT, EMEDIUMTYPE = 19, 5, 22, 110, 124
BYTE_US = 2


class Bus(ct.Structure):
    _fields_ = [
        ("select", SelectFn), ("transfer", TransferFn), ("set_hz", HzFn), ("now_us", NowFn), ("ctx", ct.c_void_p),
    ]  # fmt: skip


class Card(ct.Structure):
    _fields_ = [
        ("bus", ct.POINTER(Bus)),
        ("ready", ct.c_bool),
        ("known", ct.c_bool),
        ("by_block", ct.c_bool),
        ("mmc", ct.c_bool),
        ("blocks", ct.c_uint32),
        ("csd", ct.c_uint8 * 16),
        ("cid", ct.c_uint8 * 16),
    ]


@cache
def lib() -> ct.CDLL:
    out = paths.BUILD / "tests" / "sdcard.so"
    out.parent.mkdir(parents=True, exist_ok=True)
    source = paths.ROOT / "ports" / "k210" / "sdcard.c"
    new = out.with_suffix(f".{id(out)}.so")
    command = [
        "cc",
        "-std=gnu11",
        "-O1",
        "-g",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-shared",
        "-fPIC",
        "-o",
        str(new),
        str(source),
    ]
    subprocess.run(command, check=True)
    new.replace(out)
    library = ct.CDLL(str(out))
    library.sd_csd_blocks.restype = ct.c_uint32
    return library


def crc7(data: bytes) -> int:
    crc = 0
    for byte in data:
        for i in range(7, -1, -1):
            crc = (crc << 1) ^ (0x09 if (crc >> 6 ^ byte >> i) & 1 else 0)
            crc &= 0x7F
    return crc << 1 | 1


def crc16(data: bytes) -> bytes:
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "big")


def csd_v2(blocks: int) -> bytes:
    return ((1 << 126) | ((blocks // 1024 - 1) << 48)).to_bytes(16, "big")


def csd_v1(size: int, size_mult: int, block_bits: int) -> bytes:
    return ((block_bits << 80) | (size << 62) | (size_mult << 47)).to_bytes(16, "big")


@dataclass
class Model:
    """A card at the level of bytes: commands come in, answers go out, CRC on both."""

    kind: str = "sdhc"  # sdhc, sdsc, sdv1, mmc
    blocks: int = 8192
    cid: bytes = bytes(range(16))
    present: bool = True
    busy_rounds: int = 3
    corrupt: Callable[[int], bool] = lambda n: False  # damages the n-th block that is sent
    fail_after: int = -1  # taken out after so many bytes
    never_ready: bool = False
    content: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.time = 0
        self.selected = False
        self.hz: list[int] = []
        self.sent_blocks = 0
        self.errors: list[str] = []
        self.power_up()
        # The callbacks live as long as the bus that points to them.
        self.bus = Bus(SelectFn(self.select), TransferFn(self.transfer), HzFn(self.set_hz), NowFn(self.now), None)
        self.c = Card()
        lib().sd_open(ct.byref(self.c), ct.byref(self.bus))

    def power_up(self) -> None:
        self.out: list[int] = []
        self.frame = b""
        self.idle, self.app, self.rounds = True, False, 0
        self.reading: int | None = None
        self.writing: int | None = None
        self.multi = False
        self.data: bytearray | None = None

    # ---- wires

    def select(self, _: object, on: bool) -> None:
        self.selected = on
        self.frame = b""

    def set_hz(self, _: object, hz: int) -> None:
        self.hz.append(hz)

    def now(self, _: object) -> int:
        return self.time

    def transfer(self, _: object, tx: "ct._Pointer[ct.c_uint8]", rx: "ct._Pointer[ct.c_uint8]", n: int) -> int:
        for i in range(n):
            self.time += BYTE_US
            if self.fail_after == 0:
                self.present = False
            self.fail_after -= 1
            byte = self.byte(tx[i] if tx else 0xFF) if self.selected and self.present else 0xFF
            if rx:
                rx[i] = byte
        return 0

    # ---- card

    def byte(self, given: int) -> int:
        answer = self.out.pop(0) if self.out else 0xFF
        if not self.out and self.reading is not None and self.multi:
            self.send_block()
        if self.writing is not None:
            self.take(given)
        elif self.frame or given & 0xC0 == 0x40:
            self.frame += bytes([given])
            if len(self.frame) == 6:
                frame, self.frame = self.frame, b""
                if crc7(frame[:5]) != frame[5]:
                    self.errors.append(f"crc of {frame!r}")
                self.command(frame[0] & 63, int.from_bytes(frame[1:5], "big"))
        return answer

    def answer(self, r1: int, more: bytes = b"") -> None:
        self.out = [0xFF, r1 | (1 if self.idle else 0), *more]

    def command(self, cmd: int, arg: int) -> None:
        app, self.app = self.app, False
        if cmd == 0:
            self.power_up()
            self.answer(0)
        elif cmd == 8 and self.kind in ("sdhc", "sdsc"):
            self.answer(0, arg.to_bytes(4, "big"))
        elif cmd == 55 and self.kind != "mmc":
            self.app = True
            self.answer(0)
        elif (app and cmd == 41) or (cmd == 1 and self.kind == "mmc"):
            self.rounds += 1
            self.idle = self.never_ready or self.rounds < 3
            self.answer(0)
        elif cmd in (16, 59) or (app and cmd == 23):
            self.answer(0)
        elif cmd == 13:
            self.answer(0, b"\0")
        elif cmd == 58:
            self.answer(0, bytes([0xC0 if self.kind == "sdhc" else 0x80, 0xFF, 0x80, 0]))
        elif cmd in (9, 10):
            self.answer(0)
            self.send(self.csd() if cmd == 9 else self.cid)
        elif cmd in (17, 18, 24, 25):
            block = arg if self.kind == "sdhc" else arg // 512
            if self.idle or block >= self.blocks:
                self.answer(0x40)
                return
            self.answer(0)
            self.multi = cmd in (18, 25)
            if cmd < 20:
                self.reading = block
                self.send_block()
            else:
                self.writing = block
        elif cmd == 12:
            self.reading, self.multi = None, False
            self.out = [0xFF, 0xFF, 0, 0, 0, 0xFF]  # a stuff byte, R1, busy
        else:
            self.answer(4)

    def csd(self) -> bytes:
        return csd_v2(self.blocks) if self.kind == "sdhc" else csd_v1(self.blocks // 512 - 1, 7, 9)

    def send(self, data: bytes) -> None:
        self.out += [0xFF] * 5 + [0xFE, *data, *crc16(data)]

    def send_block(self) -> None:
        assert self.reading is not None
        data = self.content.get(self.reading, bytes(512))
        start = len(self.out)
        self.send(data)
        if self.corrupt(self.sent_blocks):
            self.out[start + 100] ^= 1
        self.sent_blocks += 1
        self.reading = self.reading + 1 if self.multi else None

    def take(self, given: int) -> None:
        assert self.writing is not None
        if self.data is None:
            if given == 0xFD and self.multi:
                self.writing, self.multi = None, False
                self.out = [0xFF] + [0] * self.busy_rounds
            elif given == (0xFC if self.multi else 0xFE):
                self.data = bytearray()
            return
        self.data.append(given)
        if len(self.data) == 514:
            good = crc16(bytes(self.data[:512])) == bytes(self.data[512:]) and not self.corrupt(self.sent_blocks)
            self.sent_blocks += 1
            if good:
                self.content[self.writing] = bytes(self.data[:512])
                self.writing += 1
            self.out = [0xE5 if good else 0xEB] + [0] * self.busy_rounds
            self.data = None
            if not self.multi:
                self.writing = None

    # ---- calls

    def init(self) -> int:
        return lib().sd_init(ct.byref(self.c))

    def read(self, block: int, n: int) -> bytes | int:
        buffer = (ct.c_uint8 * (512 * n))()
        result = lib().sd_read(ct.byref(self.c), block, buffer, n)
        return bytes(buffer) if result == 0 else result

    def write(self, block: int, data: bytes) -> int:
        return lib().sd_write(
            ct.byref(self.c), block, (ct.c_uint8 * len(data)).from_buffer_copy(data), len(data) // 512
        )


def pattern(block: int) -> bytes:
    return bytes((block * 7 + i * 3) & 255 for i in range(512))


@pytest.mark.parametrize("kind", ["sdhc", "sdsc", "sdv1", "mmc"])
def test_every_kind_of_card(kind: str) -> None:
    m = Model(kind=kind)
    assert m.init() == 0
    assert (m.c.blocks, m.c.by_block, m.c.mmc) == (8192, kind == "sdhc", kind == "mmc")
    assert m.hz[0] == 400000
    assert m.hz[-1] > 400000
    for n in (1, 5):
        data = b"".join(pattern(n + i) for i in range(n))
        assert m.write(100, data) == 0
        assert [m.content[100 + i] for i in range(n)] == [pattern(n + i) for i in range(n)]
        assert m.read(100, n) == data
    assert m.errors == []


def test_sizes_of_csd() -> None:
    def blocks(csd: bytes, mmc: bool = False) -> int:
        return lib().sd_csd_blocks((ct.c_uint8 * 16).from_buffer_copy(csd), mmc)

    assert blocks(csd_v2(62333952)) == 62333952  # 32 GB
    assert blocks(csd_v2(1 << 32)) == (1 << 32) - 1  # 2 TB
    assert blocks(csd_v1(4095, 7, 10)) == 4096 * 512 * 2  # 2 GB in blocks of 1024
    assert blocks(csd_v1(0, 0, 0)) == 0
    assert blocks(b"\xff" * 16) == 0


def test_no_card() -> None:
    m = Model(present=False)
    assert m.init() == -ENODEV
    assert m.time < 1000 * BYTE_US
    assert m.read(0, 1) == -ENODEV


def test_a_card_that_is_never_ready() -> None:
    m = Model(never_ready=True)
    assert m.init() == -ETIMEDOUT
    assert 1_000_000 <= m.time < 2_000_000


def test_damaged_blocks_are_read_again() -> None:
    m = Model(corrupt=lambda n: n in (1, 4))
    m.content = {i: pattern(i) for i in range(8)}
    assert m.read(0, 8) == b"".join(pattern(i) for i in range(8))


def test_damaged_blocks_are_written_again() -> None:
    m = Model(corrupt=lambda n: n in (0, 3))
    assert m.write(10, b"".join(pattern(i) for i in range(6))) == 0
    assert [m.content[10 + i] for i in range(6)] == [pattern(i) for i in range(6)]


def test_a_line_that_is_always_bad() -> None:
    m = Model(corrupt=lambda n: True)
    m.content = {0: pattern(0)}
    assert m.read(0, 1) == -EIO
    assert m.write(0, pattern(1)) == -EIO
    assert m.content[0] == pattern(0)


def test_beyond_the_end() -> None:
    m = Model()
    assert m.read(8191, 2) == -EINVAL
    assert m.read(8192, 1) == -EINVAL
    assert m.read(8191, 1) == bytes(512)


@pytest.mark.parametrize("after", [*range(0, 60, 7), 300, 600, 1200, 1580])
def test_pulled_out_in_the_middle(after: int) -> None:
    m = Model()
    assert m.init() == 0
    m.fail_after = after
    assert m.write(0, pattern(1) * 3) in (-ENODEV, -EIO, -ETIMEDOUT)
    assert m.time < 5_000_000
    assert m.read(0, 1) == -ENODEV
    # The same card comes back, then another one.
    m.present = True
    m.power_up()
    assert m.write(0, pattern(1)) == 0
    m.cid = bytes(16)
    m.power_up()
    m.present = False
    assert m.read(0, 1) == -ENODEV
    m.present = True
    assert m.read(0, 1) == -EMEDIUMTYPE
