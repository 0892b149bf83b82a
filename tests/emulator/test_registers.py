# SPDX-License-Identifier: MIT
"""Every register of every block: what it reads after reset, which of its bits keep what is written, what is read-only.

What the fields do is the business of the other tests. Bits that nobody has published are left alone.
"""

import pytest
from qtest import QTest

ALL = 0xFFFF_FFFF


def words(first, count, step=4, mask=ALL, reset=0):
    return {first + step * i: (reset, mask) for i in range(count)}


SPI = {
    0x04: (0, 0xFFFF), 0x08: (0, 1), 0x10: (0, 0xF), 0x14: (0, 0xFFFE), 0x20: (0, 0), 0x24: (0, 0), 0x28: (6, 0),
    0x2C: (0x3F, 0x7F), 0x30: (0, 0), 0x34: (0, 0), **words(0x38, 5, mask=0), 0x4C: (0, 3), 0x50: (0, 0x1F),
    0x54: (0, 0x1F), 0xF0: (0, 0xFF), 0xF4: (0x200, 0x7FB3F), 0x118: (0, 1),
}  # fmt: skip
I2S_CHANNELS = {
    offset + 0x40 * n: value
    for n in range(4)
    for offset, value in {
        0x28: (1, 1), 0x2C: (1, 1), 0x30: (0, 7), 0x34: (0, 7), 0x38: (0x10, 0), 0x3C: (0x33, 0x33), 0x40: (0, 0),
        0x44: (0, 0), 0x48: (0, 0xF), 0x4C: (0, 0xF),
    }.items()
}  # fmt: skip
I2S = {
    **words(0x00, 4, mask=1), 0x10: (0, 0xFFF), **I2S_CHANNELS, 0x1C0: (0, 0), 0x1FC: (0x4457_01A0, 0),
}  # fmt: skip
UART = {
    0x04: (0, 0x8F), 0x08: (1, 0), 0x0C: (0, 0x7F), 0x10: (0, 0x73), 0x14: (0x60, 0), 0x1C: (0, 0xFF), 0x70: (0, 1),
    0x7C: (6, 0), 0x80: (0, 0), 0x84: (0, 0), 0x8C: (0, 1), 0x90: (0, 1), 0x94: (0, 1), 0x98: (0, 1), 0x9C: (0, 3),
    0xA0: (0, 3), 0xA4: (0, 1), 0xAC: (None, 0x1F), 0xB0: (0, 1), 0xB4: (0, 1), 0xB8: (0, 0xFF_00FF),
    0xBC: (0, 0xFFFF_FFFF), 0xC0: (0, 0xF), 0xC4: (0, 0xFF), 0xC8: (0, 0xFF), 0xCC: (0, 0xF), 0xF8: (0x3430_312A, 0),
    0xFC: (0x4457_0110, 0),
}  # fmt: skip
I2C = {
    0x00: (None, 0x1FF), 0x04: (None, 0x1FFF), 0x08: (None, 0x3FF), 0x14: (None, 0xFFFF), 0x18: (None, 0xFFFF),
    0x1C: (None, 0xFFFF), 0x20: (None, 0xFFFF), 0x2C: (0, 0), 0x30: (0x8FF, 0xFFF), 0x34: (0, 0), 0x38: (0, 7),
    0x3C: (0, 7), **words(0x40, 11, mask=0), 0x6C: (0, 5), 0x70: (6, 0), 0x74: (0, 0), 0x78: (0, 0),
    0x7C: (None, 0xFF_FFFF), 0x80: (0, 0), 0x88: (0, 3), 0x8C: (0, 7), 0x90: (0, 7), 0x94: (None, 0xFF),
    0x98: (1, 1), 0x9C: (0, 0), 0xA0: (None, 0xFF), 0xFC: (0x4457_0140, 0),
}  # fmt: skip
TIMER = {
    **words(0x00, 4, 0x14), **words(0x04, 4, 0x14, 0), **words(0x08, 4, 0x14, 0xF), **words(0x0C, 4, 0x14, 0),
    **words(0x10, 4, 0x14, 0), 0xA0: (0, 0), 0xA4: (0, 0), 0xA8: (0, 0), **words(0xB0, 4),
}  # fmt: skip
WDT = {0x00: (0, 0x1F), 0x04: (0, 0xFF), 0x0C: (0, 0), 0x10: (0, 0), 0x14: (0, 0), 0xFC: (0x4457_0120, 0)}

# Base, and (reset value, bits that keep what is written) per register; a reset value None is not published.
WORDS = {
    "sysctl": (0x5044_0000, {
        0x00: (0, 0), 0x04: (26_000_000, 0), 0x08: (0x022E_C7B0, 0x7FF_FFFF), 0x0C: (None, 0x3FF_FFFF),
        0x10: (None, 0xFFF_FFFF), 0x18: (0x3_0303, 0x8_0808), 0x1C: (0, 0), 0x20: (0x249, 0xFFFF), 0x24: (0, 1),
        0x28: (0x3F, 0x3F), 0x2C: (0x2FFF_FFFF, 0x2FFF_FFFF), 0x34: (0, 0x27FF_FFFF), 0x38: (0, 0xF_FFFF),
        0x3C: (0, ALL), 0x40: (0, 0xFF_FFFF), 0x44: (0, ALL), 0x48: (0, ALL), 0x4C: (0, ALL), 0x50: (0, 0xFFFF),
        0x54: (0, 0x43F), 0x58: (0, 0x1FF_FFFF), 0x5C: (0, 0xF), 0x64: (0, 0x3FFF_FFFF), 0x68: (0, 0x3F),
        0x6C: (0, 0xFF),
    }),
    "fpioa": (0x502B_0000, {
        **words(0x00, 48, mask=0xFB_FFFF, reset=None), **words(0xC0, 16, reset=0),
    }),
    "uarths": (0x3800_0000, {
        0x00: (0, 0), 0x04: (1 << 31, 0), 0x08: (0, 0x7_0003), 0x0C: (0, 0x7_0001), 0x10: (0, 3), 0x14: (0, 0),
        0x18: (None, 0xFFFF),
    }),
    "uart1": (0x5021_0000, UART), "uart2": (0x5022_0000, UART), "uart3": (0x5023_0000, UART),
    "gpiohs": (0x3800_1000, {
        0x00: (0, 0), **words(0x04, 6), 0x1C: (0, 0), 0x20: (0, ALL), 0x24: (0, 0), 0x28: (0, ALL), 0x30: (0, ALL),
        0x38: (0, ALL), 0x3C: (0, ALL), 0x40: (0, ALL),
    }),
    "gpio": (0x5020_0000, {
        **words(0x00, 3, mask=0xFF), **words(0x30, 4, mask=0xFF), 0x40: (0, 0), 0x44: (0, 0), 0x48: (0, 0xFF),
        0x4C: (0, 0), 0x60: (0, 1), 0x64: (0, 0), 0x68: (0, 0xFF),
    }),
    "spi0": (0x5200_0000, {**SPI, 0x00: (0x7_0000, 0x7F_03F0), 0x5C: (0x3430_312A, 0)}),
    "spi1": (0x5300_0000, {**SPI, 0x00: (0x7_0000, 0x7F_03F0), 0x5C: (0x3430_312A, 0)}),
    "spi2": (0x5024_0000, {
        0x00: (0x7_0000, 0x1F_07F0), 0x04: (0, 0xFFFF), 0x08: (0, 1), 0x20: (0, 0), 0x24: (0, 0), 0x28: (6, 0),
        0x2C: (0x3F, 0x1F), 0x30: (0, 0), 0x34: (0, 0), 0x4C: (0, 3), 0x5C: (0x3430_312A, 0),
    }),
    "spi3": (0x5400_0000, {
        **SPI, 0x00: (7, 0xC0_0FDF), 0x5C: (0x3130_312A, 0), 0xFC: (0, 0xFFFF), 0x100: (0, 0xFFFF), 0x104: (0, 0xFFFF),
        0x108: (0, 0x3FC3_F6FF), 0x10C: (0, 1), 0x110: (0, 0), 0x114: (0, 0xFF),
    }),
    "i2c0": (0x5028_0000, I2C), "i2c1": (0x5029_0000, I2C), "i2c2": (0x502A_0000, I2C),
    "i2s0": (0x5025_0000, I2S), "i2s1": (0x5026_0000, I2S), "i2s2": (0x5027_0000, I2S),
    "apu": (0x5025_0000, {
        0x200: (0, 0), 0x204: (0, 0), **words(0x208, 32, mask=0x3F3F_3F3F), **words(0x288, 36), 0x318: (0, 0x1FFF),
        0x31C: (0, 0x11FF), 0x328: (0, 0), 0x32C: (0, 3), 0x330: (0, 0), 0x334: (0, ALL),
    }),
    "timer0": (0x502D_0000, TIMER), "timer1": (0x502E_0000, TIMER), "timer2": (0x502F_0000, TIMER),
    "wdt0": (0x5040_0000, WDT), "wdt1": (0x5041_0000, WDT),
    "aes": (0x5045_0000, {
        **words(0x00, 4), 0x10: (0, 1), 0x14: (0, 0x7FF), **words(0x18, 4), 0x28: (0, 1), 0x30: (0, 1),
        0x34: (None, ALL), 0x3C: (None, ALL), 0x48: (0, 0), **words(0x50, 4), 0x60: (0, 0), 0x68: (0, 0), 0x6C: (0, 0),
        **words(0x74, 4, mask=0), **words(0x84, 4),
    }),
    "sha256": (0x502C_0000, {**words(0x00, 8, mask=0), 0x28: (0, 0xFFFF), 0x2C: (0, 0x1_0000), 0x34: (0, 1)}),
    "dvp": (0x5043_0000, {
        0x00: (0, 0x3FFF_F71F), 0x04: (0, ALL), 0x08: (0, ALL), 0x0C: (0, ALL), 0x10: (0, 0x101_01FF),
        0x14: (0, 0xFF_FF03), 0x18: (0, ALL), 0x1C: (0, 0xFF), 0x24: (0, ALL), 0x28: (0, ALL),
    }),
    "plic": (0x0C00_0000, {
        0x00: (0, 0), **words(0x04, 65, mask=7), **words(0x1000, 3, mask=0),
        **{0x2000 + 0x80 * c + 4 * i: (0, m) for c in range(4) for i, m in enumerate([0xFFFF_FFFE, ALL, 3])},
        **words(0x20_0000, 4, 0x1000, 7), **words(0x20_0004, 4, 0x1000, 0),
    }),
    "clint": (0x0200_0000, {0x00: (0, 1), 0x04: (0, 1), **words(0x4000, 4, reset=ALL)}),
}  # fmt: skip

DMA_CHANNEL = {
    0x00: (0, ALL), 0x08: (0, ALL), 0x10: (0, 0x3F_FFFF), 0x18: (None, 0xC7FF_FFC0_403F_FF55),
    0x20: (None, 0x7FFE_F79F << 32 | 0xF), 0x28: (0, 0xFFFF_FFC1), 0x30: (0, 0), 0x50: (0, 0xFF), 0x58: (0, 0xFF),
    0x60: (0, 0), 0x68: (0, 0), 0x70: (0, ALL), 0x78: (0, ALL), 0x80: (ALL, 0xF83F_7FFB), 0x90: (ALL, 0xF83F_7FFB),
}  # fmt: skip
DOUBLE_WORDS = {
    "kpu": (0x4080_0000, {
        0x08: (0, 0), 0x10: (0, 0), 0x18: (None, 7), 0x28: (0, 0xFF), 0x30: (0, 0), 0x38: (0x1F, 0x1F), 0x40: (0, 1),
    }),
    "fft": (0x4200_0000, {0x08: (0, 0x3_FFFF), 0x10: (7, 7), 0x18: (0, 1), 0x28: (0, 0), 0x30: (0, 0)}),
    "dmac": (0x5000_0000, {
        0x00: (None, 0), 0x08: (None, 0), 0x10: (0, 3), 0x30: (0, 0), 0x40: (None, 0x10F), 0x48: (None, 0x10F),
        **{0x100 + 0x100 * n + o: v for n in range(6) for o, v in DMA_CHANNEL.items()},
    }),
}  # fmt: skip


@pytest.mark.parametrize("block", [*WORDS, *DOUBLE_WORDS])
def test_reset_values_and_writable_bits(block):
    base, registers = WORDS.get(block) or DOUBLE_WORDS[block]
    wrong = []
    with QTest(serials=4, panel="none", sensor="none") as q:
        read, write = (q.readl, q.writel) if block in WORDS else (q.readq, q.writeq)
        ones = ALL if block in WORDS else (1 << 64) - 1
        # All reset values first: nothing has been touched by then.
        found = {offset: read(base + offset) for offset in registers}
        for offset, (reset, mask) in registers.items():
            if reset is not None and found[offset] != reset:
                wrong.append(f"{offset:#x} is {found[offset]:#x} after reset, not {reset:#x}")
            if not mask:
                continue
            for value in (0x5555_5555_5555_5555 & mask, 0xAAAA_AAAA_AAAA_AAAA & mask, mask, 0):
                write(base + offset, value | found[offset] & ones & ~mask)
                if (back := read(base + offset)) & mask != value:
                    wrong.append(f"{offset:#x} keeps {back & mask:#x} of {value:#x}")
            write(base + offset, found[offset])
        for offset, (_, mask) in registers.items():
            if not mask and block not in ("apu", "plic"):  # there a write is an order
                write(base + offset, ones)
                if offset not in (0x08, 0x30) and read(base + offset) != found[offset]:
                    wrong.append(f"{offset:#x} is read-only, but reads {read(base + offset):#x} after a write")
    assert not wrong, "\n".join(wrong)
