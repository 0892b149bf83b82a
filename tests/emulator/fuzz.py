# SPDX-License-Identifier: MIT
"""Random register accesses to every block, as a program gone wild would make them.

    python tests/emulator/fuzz.py --seed 1 --rounds 100

Each round is a machine of its own; the same seed makes the same accesses. A round fails when the emulator ends or
does not answer any more; what was done last is printed then.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator

from qtest import QemuError, QTest

BOARDS = ["maix_bit", "maix_dock", "maix_go", "maixduino", "maix_cube", "maix_amigo", "m5stickv", "kd233"]
# Base, span that holds registers, bytes of a register.
BLOCKS = {
    "clint": (0x0200_0000, 0xC000, 4), "plic": (0x0C00_0000, 0x20_4000, 4),
    "uarths": (0x3800_0000, 0x20, 4), "gpiohs": (0x3800_1000, 0x48, 4),
    "kpu": (0x4080_0000, 0x48, 8), "fft": (0x4200_0000, 0x40, 8), "dmac": (0x5000_0000, 0x700, 8),
    "gpio": (0x5020_0000, 0x70, 4),
    "uart1": (0x5021_0000, 0x100, 4), "uart2": (0x5022_0000, 0x100, 4), "uart3": (0x5023_0000, 0x100, 4),
    "spi2": (0x5024_0000, 0x120, 4),
    "i2s0": (0x5025_0000, 0x338, 4), "i2s1": (0x5026_0000, 0x200, 4), "i2s2": (0x5027_0000, 0x200, 4),
    "i2c0": (0x5028_0000, 0x100, 4), "i2c1": (0x5029_0000, 0x100, 4), "i2c2": (0x502A_0000, 0x100, 4),
    "fpioa": (0x502B_0000, 0x100, 4), "sha256": (0x502C_0000, 0x38, 4),
    "timer0": (0x502D_0000, 0xC0, 4), "timer1": (0x502E_0000, 0xC0, 4), "timer2": (0x502F_0000, 0xC0, 4),
    "wdt0": (0x5040_0000, 0x100, 4), "wdt1": (0x5041_0000, 0x100, 4), "otp": (0x5042_0000, 0x100, 4),
    "dvp": (0x5043_0000, 0x2C, 4), "sysctl": (0x5044_0000, 0x70, 4), "aes": (0x5045_0000, 0x94, 4),
    "rtc": (0x5046_0000, 0x2C, 4),
    "spi0": (0x5200_0000, 0x120, 4), "spi1": (0x5300_0000, 0x120, 4), "spi3": (0x5400_0000, 0x120, 4),
}  # fmt: skip
MEMORY = [0x8000_0000, 0x805F_F000, 0x8060_0000, 0x807F_FFC0, 0x4000_0000, 0x4060_0000, 0x8800_0000, 0x5400_0000]
PORTS = [0x4080_0030, 0x4200_0000, 0x4200_0038, 0x5045_0040, 0x5045_0060, 0x5200_0060, 0x5300_0060, 0x5400_0060]
PORTS += [0x5025_01C0, 0x5025_01C8, 0x5028_0010, 0x5021_0000, 0x502C_0020]
BATCH = 64


class Program:
    """The accesses of one round, as lines of the qtest protocol."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.board = self.random.choice(BOARDS)
        self.strict = self.random.random() < 0.3
        # A few blocks at a time get deeper than all of them at once.
        names = self.random.sample(sorted(BLOCKS), self.random.choice([1, 2, 4, len(BLOCKS)]))
        self.blocks = [BLOCKS[name] for name in names]
        self.structured = [self.kpu_layer, self.dma, self.pads, self.lli, self.spi_command, self.camera]

    def address(self) -> int:
        r = self.random
        return r.choice(MEMORY) + r.randrange(0, 1 << 20, 8) if r.random() < 0.7 else r.choice(PORTS)

    def value(self) -> int:
        r = self.random
        kind = r.randrange(7)
        if kind == 0:
            return r.getrandbits(64)
        if kind == 1:
            return r.randrange(16)
        if kind == 2:
            return 1 << r.randrange(64)
        if kind == 3:
            return (1 << 64) - 1
        if kind == 4:
            return self.address()
        return r.getrandbits(r.randrange(1, 33))

    def access(self) -> str:
        r = self.random
        base, span, width = r.choice(self.blocks)
        at = base + r.randrange(0, span, width)
        letter = "l" if width == 4 else "q"
        if r.random() < 0.1:
            letter = r.choice("bwlq")
            at += r.randrange(width)
        if r.random() < 0.35:
            return f"read{letter} {at:#x}"
        mask = (1 << 8 * {"b": 1, "w": 2, "l": 4, "q": 8}[letter]) - 1
        return f"write{letter} {at:#x} {self.value() & mask:#x}"

    def kpu_layer(self) -> Iterator[str]:
        r = self.random
        if r.random() < 0.5:
            yield "writeq 0x40800018 0x0"
        wide, high = r.randrange(1, 130), r.randrange(1, 70)
        ins, outs = r.randrange(1, 9), r.randrange(1, 9)
        memory = 0x8000_0000 + r.randrange(0, 1 << 20, 128)
        words = [
            r.getrandbits(4), r.randrange(0x8000) | r.randrange(0x8000) << 32,
            ins - 1 | (outs - 1) << 32 | (outs - 1) << 48,
            wide - 1 | (high - 1) << 10 | (wide - 1) << 32 | (high - 1) << 42,
            r.randrange(2) | r.randrange(11) << 4 | r.randrange(256) << 24 | 1 << 10 | memory << 32,
            1 | r.randrange(1024) << 15 | memory << 32, 0,
            r.randrange(512) | r.randrange(9) << 16 | r.randrange(5) << 28 | 1 << 31 | memory << 32,
            r.randrange(512) | r.randrange(9) << 16 | r.randrange(5) << 20,
            r.getrandbits(64), r.getrandbits(40), r.randrange(2) | r.getrandbits(48) << 16,
        ]  # fmt: skip
        if r.random() < 0.4:
            words[r.randrange(12)] ^= 1 << r.randrange(64)
        for word in words:
            yield f"writeq 0x40800000 {word:#x}"

    def dma(self) -> Iterator[str]:
        r = self.random
        base = 0x5000_0100 + 0x100 * r.randrange(6)
        width = r.randrange(4)
        control = width << 8 | r.choice([width, width, r.randrange(8)]) << 11
        control |= r.randrange(9) << 14 | r.randrange(9) << 18
        control |= r.getrandbits(2) << 4 | r.getrandbits(1) << 6 | r.getrandbits(2) << 62
        yield f"writeq 0x50440064 {r.getrandbits(30):#x}"
        yield f"writeq {base + 0x20:#x} {r.randrange(4) << 32 | r.choice([0, 0, 0, 15, r.getrandbits(40)]):#x}"
        yield f"writeq {base:#x} {self.address():#x}"
        yield f"writeq {base + 8:#x} {self.address():#x}"
        yield f"writeq {base + 0x10:#x} {r.randrange(1 << r.randrange(1, 16)):#x}"
        yield f"writeq {base + 0x18:#x} {control:#x}"
        yield f"writeq {base + 0x28:#x} {0x8000_0000 + 64 * r.randrange(8):#x}"
        yield "writeq 0x50000010 0x3"
        yield f"writeq 0x50000018 {0x101 << (base - 0x5000_0100 >> 8):#x}"

    def lli(self) -> Iterator[str]:
        """A list item where dma() looks for it."""
        r = self.random
        at = 0x8000_0000 + 64 * r.randrange(8)
        for i, word in enumerate([self.address(), self.address(), r.randrange(256), at ^ 64, r.getrandbits(64)]):
            yield f"writeq {at + 8 * i:#x} {word:#x}"

    def pads(self) -> Iterator[str]:
        r = self.random
        yield f"writel {0x502B_0000 + 4 * r.randrange(48):#x} {r.getrandbits(24) << 8 | r.randrange(256):#x}"

    def spi_command(self) -> Iterator[str]:
        r = self.random
        base = r.choice([0x5200_0000, 0x5300_0000, 0x5400_0000])
        yield f"writel {base + 8:#x} 0x0"
        frame, tmod, lines = (0, 10, 22) if base == 0x5400_0000 else (16, 8, 21)
        control = r.choice([7, 31, r.randrange(32)]) << frame | r.randrange(4) << tmod
        control |= r.choice([0, 0, r.randrange(4)]) << lines
        yield f"writel {base:#x} {control:#x}"
        yield f"writel {base + 4:#x} {r.randrange(64):#x}"
        yield f"writel {base + 0x14:#x} {r.choice([2, 4, 10, r.randrange(65536)]):#x}"
        yield f"writel {base + 0xF4:#x} {r.choice([0x218, 0x2219, r.getrandbits(16)]):#x}"
        yield f"writel {base + 8:#x} 0x1"
        yield f"writel {base + 0x10:#x} {1 << r.randrange(4):#x}"
        command = [0x9F, 0x06, 0x02, 0x20, 0x0B, 0xEB, 0xBB, 0xAB, 0x66, 0x99, 0x2C, 0x2A, 0x36, 0x40, 0x48, 0x77, 0x51]
        yield f"writel {base + 0x60:#x} {r.choice([*command, r.randrange(256)]):#x}"
        for _ in range(r.randrange(12)):
            yield f"writel {base + 0x60:#x} {r.choice([0, 0xFF, r.getrandbits(32)]):#x}"

    def camera(self) -> Iterator[str]:
        r = self.random
        for pad, function in zip(range(40, 48), [147, 134, 133, 135, 132, 136, 146, 137], strict=True):
            yield f"writel {0x502B_0000 + 4 * pad:#x} {0x0090_3F00 | function:#x}"
        yield "writel 0x50440054 0x400"
        yield "writel 0x50430010 0x10103"
        control = r.choice([3, 0x1F]) | r.randrange(8) << 8 | r.randrange(64) << 12 | r.randrange(600) << 20
        yield f"writel 0x50430000 {control:#x}"
        for at in (4, 8, 12, 0x28):
            yield f"writel {0x5043_0000 + at:#x} {self.address():#x}"
        yield f"writel 0x50430014 {r.randrange(4) | r.getrandbits(16) << 8:#x}"
        device = r.choice([0x60, 0x78, 0x42])
        yield f"writel 0x50430018 {1 | device | r.getrandbits(24) << 8:#x}"
        yield "writel 0x50430020 0x3030303"

    def time(self) -> str:
        r = self.random
        return f"clock_step {r.choice([1, 100, 10_000, 1_000_000, r.randrange(1, 40_000_000)])}"

    def lines(self, count: int) -> Iterator[str]:
        made = 0
        while made < count:
            kind = self.random.random()
            if kind < 0.06:
                lines = list(self.random.choice(self.structured)())
            elif kind < 0.10:
                lines = [self.time()]
            else:
                lines = [self.access()]
            made += len(lines)
            yield from lines


def run(seed: int, count: int) -> None:
    """One round; QemuError when the emulator did not survive it."""
    program = Program(seed)
    done: list[str] = []
    with QTest(serials=2, board=program.board, strict="on" if program.strict else "off") as q:
        try:
            batch: list[str] = []
            for line in program.lines(count):
                batch.append(line)
                if len(batch) == BATCH:
                    done += batch
                    q.commands(batch)
                    batch = []
                    if program.random.random() < 0.03:
                        done.append("system_reset")
                        q.qmp("system_reset")
            done += batch
            q.commands(batch)
            q.qmp("query-status")
        except (OSError, QemuError) as error:
            if q.process.poll() == 0:
                return  # a power chip has switched the board off
            q.close()
            tail = "\n".join(done[-3 * BATCH :])
            raise QemuError(
                f"seed {seed}, {count} accesses, board {program.board}: {error}, exit status {q.process.returncode}\n"
                f"{tail}\n{q.log[-3000:]}"
            ) from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--count", type=int, default=4000, help="accesses in a round")
    args = parser.parse_args()
    failures = 0
    for seed in range(args.seed, args.seed + args.rounds):
        try:
            run(seed, args.count)
        except QemuError as error:
            failures += 1
            print(error, flush=True)
    print(f"{args.rounds} rounds, {failures} failures")
    raise SystemExit(failures != 0)


if __name__ == "__main__":
    main()
