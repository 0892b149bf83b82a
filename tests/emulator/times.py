# SPDX-License-Identifier: MIT
"""How long things take in virtual time, next to what they take on the real parts.

test_times.py checks the figures and the table in docs/emulator.md, which `python tests/emulator/times.py` prints.
"real" is worked out from the parts' own clocks and data sheets, or, for the KPU, the published measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dma
from board_io import IN, OUT, Spi, gpiohs_output, map_pad
from qtest import QTest

SYSCTL = 0x5044_0000
RAM = 0x8010_0000  # of a machine that is not strict; these tests have no caches
PLL0 = 390e6  # halved twice for what hangs on the APB
DC, LCD_SELECT = 31, 3

KPU = 0x4080_0000
KPU_FIFO, KPU_RAW, KPU_CLEAR, KPU_MASK, KPU_EIGHT_BIT = 0x00, 0x10, 0x20, 0x18, 0x40
KPU_HZ = 299e6
# 16-bit weights, 128 to 128 channels, 3x3, at 300 MHz: picture size, ms (Sipeed forum). The larger ones that were
# published do not fit into AI SRAM with their 128 planes.
KPU_PUBLISHED = {
    (4, 4): 0.339, (16, 4): 0.339, (16, 16): 0.417, (32, 16): 0.692, (32, 32): 1.138, (64, 32): 2.125,
    (64, 64): 3.891, (128, 64): 7.709,
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What is measured; how long the real part takes in ms, and within what share of that it must be."""

    name: str
    real: float
    source: str
    measure: Callable[[QTest], float]
    tolerance: float = 0.01


def elapsed(q: QTest, condition: Callable[[], object], step_ns: int) -> float:
    """ms until the condition holds."""
    return q.wait_until(condition, step_ns=step_ns, limit_ns=10_000_000_000) / 1e6


def uart_bytes(q: QTest) -> float:
    """64 characters at 115200 baud, 8N1, on UART1."""
    base = 0x5021_0000
    divisor = 195_000_000 / 115_200
    whole = int(divisor) >> 4
    q.writel(base + 0x0C, 0x80)
    q.writel(base + 0x00, whole & 255)
    q.writel(base + 0x04, whole >> 8)
    q.writel(base + 0xC0, round(divisor) & 15)
    q.writel(base + 0x0C, 3)
    q.writel(base + 0x08, 1)
    q.writel(base + 0x04, 0x80)  # PTIME: bit 5 of LSR says "full"
    start = q.clock_ns()
    for _ in range(64):
        q.wait_until(lambda: not q.readl(base + 0x14) & 0x20, step_ns=1000)
        q.writel(base, 0x55)
    q.wait_until(lambda: q.readl(base + 0x14) & 0x40, step_ns=1000)
    return (q.clock_ns() - start) / 1e6


def lcd_frame(q: QTest) -> float:
    """320x240 pixels by DMA to the ST7789 on SPI0, eight lanes, 15 MHz."""
    for pad, function in ((36, 12 + LCD_SELECT), (37, 54), (38, 24 + DC), (39, 17)):
        map_pad(q, pad, function, OUT)
    q.setbits(SYSCTL + 0x54, 1 << 10)
    gpiohs_output(q, 30, 1)
    spi = Spi(q, 0)
    spi.write(0x14, 26)
    gpiohs_output(q, DC, 0)
    for command in (0x01, 0x11, 0x29, 0x2C):
        spi.send([command], select=LCD_SELECT, lanes=3, command=2 << 8 | 2)
    gpiohs_output(q, DC, 1)
    spi.setup(tmod=1, bits=32, lanes=3, command=8 << 2 | 2)
    spi.write(0x4C, 3)
    spi.write(0x50, 16)
    spi.write(0x10, 1 << LCD_SELECT)
    dma.start(q, 0, RAM, spi.base + 0x60, 320 * 240 // 2, request=1, kind=dma.MEM_PER, msize=4)
    return elapsed(q, lambda: not dma.busy(q, 0) and spi.read(0x28) & 5 == 4, 5000)


def flash(q: QTest) -> Spi:
    q.setbits(SYSCTL + 0x20, 1 << 12)  # SPI3 from PLL0, halved
    spi = Spi(q, 3)
    spi.write(0x14, 10)
    for words in ([0x06], [0x31, 0x02]):
        spi.send(words, select=0)
    flash_ready(spi)
    return spi


def flash_ready(spi: Spi, step_ns: int = 20_000) -> float:
    return elapsed(spi.q, lambda: not spi.receive([0x05], 1)[0] & 1, step_ns)


def flash_read(q: QTest) -> float:
    """64 KiB with EBh by DMA, 32-bit frames, 39 MHz."""
    spi = flash(q)
    spi.setup(tmod=3, bits=32, lanes=2, frames=16384, command=2 << 8 | 8 << 2 | 1 | 4 << 11)
    spi.write(0x4C, 3)
    spi.write(0x54, 0)
    dma.start(q, 0, spi.base + 0x60, RAM, 16384, request=6, kind=dma.PER_MEM, msize=1)
    spi.write(0x60, 0xEB)
    spi.write(0x60, 0)
    spi.write(0x10, 1)
    return elapsed(q, lambda: not dma.busy(q, 0), 2000)


def flash_program(q: QTest) -> float:
    spi = flash(q)
    spi.send([0x06], select=0)
    spi.send([0x02, 0, 0, 0, *range(256)], select=0)
    return flash_ready(spi)


def flash_erase(command: int) -> Callable[[QTest], float]:
    def measure(q: QTest) -> float:
        spi = flash(q)
        spi.send([0x06], select=0)
        spi.send([command, 0, 0, 0], select=0)
        return flash_ready(spi, 100_000)

    return measure


def camera_frames(q: QTest) -> float:
    """The mean of ten frames of an OV2640, SVGA array, XCLK 24.375 MHz."""
    dvp = 0x5043_0000
    for pad, function, word in ((43, 135, IN), (45, 136, IN), (47, 137, IN), (46, 132, OUT), (42, 133, OUT)):
        map_pad(q, pad, function, word)
    map_pad(q, 44, 134, OUT)
    map_pad(q, 41, 146, 0x0099_3000)
    map_pad(q, 40, 147, 0x0099_3000)
    q.setbits(SYSCTL + 0x54, 1 << 10)
    q.writel(dvp + 0x10, 0x0001_0103)
    for register, value in ((0xFF, 1), (0x12, 0x40)):
        q.writel(dvp + 0x14, 0x00FF_FF02)
        q.writel(dvp + 0x18, 0x61 | register << 8 | value << 16)
        q.writel(dvp + 0x20, 3 << 24)
        q.wait_until(lambda: not q.readl(dvp + 0x20) >> 24 & 1)

    def frame_start() -> None:
        q.writel(dvp + 0x20, 3)
        q.wait_until(lambda: q.readl(dvp + 0x20) & 1, step_ns=50_000)

    frame_start()
    frame_start()
    start = q.clock_ns()
    for _ in range(10):
        frame_start()
    return (q.clock_ns() - start) / 1e7


def sccb_write(q: QTest) -> float:
    """A register write over the DVP's SCCB engine: three bytes of nine bits."""
    dvp = 0x5043_0000
    q.writel(dvp + 0x14, 0x00FF_FF02)
    q.writel(dvp + 0x18, 0x61)
    q.writel(dvp + 0x20, 3 << 24)
    return elapsed(q, lambda: not q.readl(dvp + 0x20) >> 24 & 1, 1000)


def timer_period(q: QTest) -> float:
    """Ten periods of TIMER0, load 12999 at 13 MHz."""
    base = 0x502D_0000
    q.writel(base, 12999)
    q.writel(base + 8, 3)
    start = q.clock_ns()
    for _ in range(10):
        q.wait_until(lambda: q.readl(base + 0x10), step_ns=1000)
        q.readl(base + 0x0C)
    return (q.clock_ns() - start) / 1e7


def watchdog(q: QTest) -> float:
    """WDT0 from the kick to its interrupt, 2^20 clocks of 13 MHz."""
    base = 0x5040_0000
    q.writel(base + 4, 0x44)
    q.writel(base + 0x0C, 0x76)
    q.writel(base, 3)
    return elapsed(q, lambda: q.readl(base + 0x10), 10_000)


def rtc_seconds(q: QTest) -> float:
    """Five seconds of the calendar."""
    base = 0x5046_0000

    def control(bits: int) -> None:
        q.clock_step(100)
        q.writel(base + 0x1C, (q.readl(base + 0x1C) & ~3) | bits)

    q.writel(base + 0x1C, 0xFE << 13 | 0xFE << 21 | 1 << 29 | 1 << 30)
    for register, value in ((0x10, 26_000_000), (0x00, 1 << 8 | 1 << 16), (0x04, 0), (0x14, 0)):
        control(2)
        q.writel(base + register, value)
        control(1)

    def second() -> int:
        return q.readl(base + 4) >> 10 & 63

    q.wait_until(lambda: second() == 1, step_ns=100_000, limit_ns=2_000_000_000)
    return elapsed(q, lambda: second() == 6, 1_000_000)


def kpu_layer(width: int, height: int, channels: int = 128) -> Callable[[QTest], float]:
    def measure(q: QTest) -> float:
        group = 4 if width <= 16 else 2 if width <= 32 else 1
        row_lines = -(-width // 64)
        plane = row_lines * height
        loads = 4  # the parameter memory does not take all kernels at once
        size = channels // loads * channels * 9 * 2
        words = [
            1,
            0,
            channels - 1 | (channels - 1) << 32 | (channels // loads - 1) << 48,
            width - 1 | height - 1 << 10 | width - 1 << 32 | height - 1 << 42,
            1 | 1 << 10 | 15 << 16 | RAM << 32,
            1 | (loads - 1) << 1 | size << 15 | RAM << 32,
            0,
            plane | row_lines << 16 | group << 28 | 1 << 31 | RAM << 32,
            plane | row_lines << 16 | group << 20,
            0,
            0,
            (width * height - 1) << 16 | (width * height * channels - 1) << 32,
        ]
        for register, value in ((KPU_CLEAR, 7), (KPU_MASK, 7), (KPU_EIGHT_BIT, 0)):
            q.writeq(KPU + register, value)
        for word in words:
            q.writeq(KPU + KPU_FIFO, word)
        return elapsed(q, lambda: q.readq(KPU + KPU_RAW) & 1, 2000)

    return measure


ROWS = [
    Row("UART, 64 characters at 115200 baud", 64 * 10 / 115.2, "10 bits each", uart_bytes),
    Row("LCD frame 320x240, SPI0 octal, 15 MHz", 320 * 240 * 2 / 15e3, "one clock per byte", lcd_frame),
    Row("flash, 64 KiB with EBh at 39 MHz", (65536 * 2 + 20) / 39e3, "8 + 12 clocks, then 2 per byte", flash_read),
    Row("flash, page program", 0.4, "W25Q128JV, typical", flash_program, 0.1),
    Row("flash, 4 KiB erase", 45, "W25Q128JV, typical", flash_erase(0x20), 0.02),
    Row("flash, 64 KiB erase", 150, "W25Q128JV, typical", flash_erase(0xD8), 0.02),
    Row("camera frame, OV2640 SVGA, XCLK 24.375 MHz", 1190 * 672 / 24375, "1190 x 672 pixel clocks", camera_frames),
    Row("SCCB register write", 27 * 512 / 195e3, "27 bits of 512 APB1 clocks", sccb_write, 0.15),
    Row("TIMER, load 12999 at 13 MHz", 1, "13000 clocks", timer_period),
    Row("WDT, TOP 4 at 13 MHz", 2**20 / 13e3, "2^20 clocks", watchdog),
    Row("RTC, five seconds", 5000, "26 MHz crystal", rtc_seconds),
] + [
    Row(f"KPU 3x3, 128 to 128 channels, {w}x{h}", ms * 300e6 / KPU_HZ, "published at 300 MHz", kpu_layer(w, h), 0.12)
    for (w, h), ms in KPU_PUBLISHED.items()
]  # fmt: skip


def table_row(row: Row, measured: float) -> str:
    """The row of the table in docs/emulator.md."""
    return f"| {row.name} | {row.real:.4g} ms ({row.source}) | {measured:.4g} ms |"


def measure(row: Row) -> float:
    with QTest() as q:
        return row.measure(q)


if __name__ == "__main__":
    print("| What | Real part | Emulator |\n|---|---|---|")
    for row in ROWS:
        print(table_row(row, measure(row)), flush=True)
