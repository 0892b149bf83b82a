# SPDX-License-Identifier: MIT
"""Accesses of a wrong width, misaligned ones and unknown registers, on every bus: a strict machine names them."""

import pytest
from qtest import QTest

APB = {
    "gpio": 0x5020_0000, "spi-slave": 0x5024_0000, "i2s0": 0x5025_0000, "i2c0": 0x5028_0000, "fpioa": 0x502B_0000,
    "sha256": 0x502C_0000, "timer0": 0x502D_0000, "wdt0": 0x5040_0000, "dvp": 0x5043_0000, "sysctl": 0x5044_0000,
    "aes": 0x5045_0000, "rtc": 0x5046_0000, "spi0": 0x5200_0000, "spi3": 0x5400_0000,
    "uart1": 0x5021_0000, "uarths": 0x3800_0000, "gpiohs": 0x3800_1000,
}  # fmt: skip
WIDE = {"kpu": 0x4080_0000, "fft": 0x4200_0000, "dmac": 0x5000_0000}


def complaint(access: str, address: int) -> str:
    with QTest(strict="on") as q:
        if access.startswith("read"):
            getattr(q, access)(address)
        else:
            getattr(q, access)(address, 1)
        return next((line for line in q.log.splitlines() if "strict: " in line), "")


@pytest.mark.parametrize("block", APB)
@pytest.mark.parametrize(("access", "offset"), [("writeb", 8), ("writew", 8), ("writel", 6)])
def test_blocks_with_32_bit_registers_take_aligned_words(block, access, offset):
    assert f"k210-{block}".rstrip("01") in complaint(access, APB[block] + offset)


def test_a_byte_for_the_console():
    assert complaint("writeb", APB["uarths"]) == ""


@pytest.mark.parametrize("block", WIDE)
@pytest.mark.parametrize(("access", "offset"), [("writeb", 8), ("readw", 8), ("writel", 6)])
def test_axi_and_ahb_blocks_take_64_bits(block, access, offset):
    assert f"k210-{block}" in complaint(access, WIDE[block] + offset)
