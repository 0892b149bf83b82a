# SPDX-License-Identifier: MIT
"""What a driver does first on a Maix board, register by register, for tests that have no driver."""

from __future__ import annotations

from qtest import QTest

FPIOA = 0x502B_0000
GPIOHS = 0x3800_1000
SYSCTL = 0x5044_0000
MISC, SPI_DVP_DATA = SYSCTL + 0x54, 1 << 10

OUT, IN, I2C = 0x0000_1F00, 0x0090_0000, 0x0099_1000  # IO words of these function classes


def map_pad(q: QTest, pad: int, function: int, word: int) -> None:
    """Puts a function on a pad, with the IO word of its class."""
    q.writel(FPIOA + 4 * pad, word | function)


def gpiohs_output(q: QTest, n: int, level: int) -> None:
    """Drives a GPIOHS pin."""
    q.setbits(GPIOHS + 0x08, 1 << n)
    (q.setbits if level else q.clearbits)(GPIOHS + 0x0C, 1 << n)


class Spi:
    """A DW SSI master, polled. index 0, 1: CTRLR0 of the older core; 3: of the newer."""

    def __init__(self, q: QTest, index: int) -> None:
        self.q = q
        self.base = {0: 0x5200_0000, 1: 0x5300_0000, 3: 0x5400_0000}[index]
        self.newer = index == 3
        self.write(0x08, 0)
        self.write(0x14, 2)

    def write(self, offset: int, value: int) -> None:
        self.q.writel(self.base + offset, value)

    def read(self, offset: int) -> int:
        return self.q.readl(self.base + offset)

    def setup(self, *, tmod: int, bits: int = 8, lanes: int = 0, frames: int = 1, command: int = 0) -> None:
        """lanes: 0 standard, 1 dual, 2 quad, 3 octal; command: SPI_CTRLR0."""
        self.write(0x10, 0)
        self.write(0x08, 0)
        dfs, mode, width = (0, 10, 22) if self.newer else (16, 8, 21)
        self.write(0x00, (bits - 1) << dfs | tmod << mode | lanes << width)
        self.write(0x04, frames - 1)
        self.write(0xF4, command)
        self.write(0x08, 1)

    def wait(self, condition) -> None:
        self.q.wait_until(condition, step_ns=1000, limit_ns=100_000_000)

    def send(self, words: list[int], *, select: int, bits: int = 8, lanes: int = 0, command: int = 0) -> None:
        """Transmit only; the select rises at the end."""
        self.setup(tmod=1, bits=bits, lanes=lanes, command=command)
        self.write(0x10, 1 << select)
        for word in words:
            self.wait(lambda: self.read(0x28) & 2)
            self.write(0x60, word)
        self.wait(lambda: self.read(0x28) & 5 == 4)
        self.write(0x10, 0)

    def receive(self, words: list[int], count: int, *, lanes: int = 0, command: int = 0, tmod: int = 3) -> list[int]:
        """Sends the command words, then takes `count` byte frames (EEPROM mode)."""
        self.setup(tmod=tmod, lanes=lanes, frames=count, command=command)
        for word in words:
            self.write(0x60, word)
        self.write(0x10, 1)
        got: list[int] = []
        while len(got) < count:
            self.wait(lambda: self.read(0x24))
            got.append(self.read(0x60))
        self.write(0x10, 0)
        return got
