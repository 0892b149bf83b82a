# SPDX-License-Identifier: MIT
"""FPIOA: pad functions, drive, pulls, inversion, input enable, ties."""

import pytest
from qtest import QemuError, QTest

FPIOA, GPIOHS = 0x502B_0000, 0x3800_1000
INPUT_VAL, INPUT_EN, OUTPUT_EN, OUTPUT_VAL = (GPIOHS + o for o in (0, 4, 8, 0xC))
PATH = "/machine/soc/fpioa"
OE_EN, OE_INV, DO_SEL, DO_INV = 1 << 12, 1 << 13, 1 << 14, 1 << 15
PU, PD, IE_EN, IE_INV, DI_INV, PAD_DI = 1 << 16, 1 << 17, 1 << 20, 1 << 21, 1 << 22, 1 << 31
GPIO_WORD = 0x0090_1F00
GPIOHS0, RESV0, CONSTANT = 24, 120, 222
Z = 2  # not driven from outside


@pytest.fixture
def q():
    with QTest() as qtest:
        qtest.writel(INPUT_EN, 0xFFFF_FFFF)
        yield qtest


def pad(q, n):
    level = bool(q.readl(FPIOA + 4 * n) & PAD_DI)
    assert bool(q.qom_get(PATH, "pads") >> n & 1) == level
    return level


def drive(q, n, level):
    q.set_irq_in(PATH, "pad-in", n, level)


def test_functions_after_reset(q):
    expected = [0, 1, 2, 3, 18, 19, 120, 120, *range(56, 64), *range(24, 56)]
    assert [q.readl(FPIOA + 4 * n) & 0xFF for n in range(48)] == expected


def test_gpiohs_output_reaches_the_pad(q):
    assert not pad(q, 20)
    q.writel(OUTPUT_VAL, 1 << 4)
    assert not pad(q, 20), "output not enabled yet"
    q.writel(OUTPUT_EN, 1 << 4)
    assert pad(q, 20)
    assert q.readl(INPUT_VAL) >> 4 & 1, "and can be read back"
    q.writel(OUTPUT_VAL, 0)
    assert not pad(q, 20)


def test_inversions(q):
    q.writel(OUTPUT_EN, 1 << 4)
    q.writel(FPIOA + 4 * 20, GPIO_WORD | DO_INV | GPIOHS0 + 4)
    assert pad(q, 20)
    assert q.readl(INPUT_VAL) >> 4 & 1
    q.writel(FPIOA + 4 * 20, GPIO_WORD | DO_INV | DI_INV | GPIOHS0 + 4)
    assert not q.readl(INPUT_VAL) >> 4 & 1
    q.writel(FPIOA + 4 * 20, GPIO_WORD | OE_INV | PU | GPIOHS0 + 4)
    assert pad(q, 20), "driver off: the pull-up wins"
    q.writel(FPIOA + 4 * 20, GPIO_WORD | DO_SEL | GPIOHS0 + 4)
    assert pad(q, 20), "data = output enable"


@pytest.mark.parametrize(("pulls", "level"), [(0, 0), (PU, 1), (PD, 0)])
def test_pulls(q, pulls, level):
    q.writel(FPIOA + 4 * 20, GPIO_WORD | pulls | GPIOHS0 + 4)
    assert pad(q, 20) == level
    drive(q, 20, 1 - level)
    assert pad(q, 20) == 1 - level
    drive(q, 20, Z)
    assert pad(q, 20) == level


def test_input_enable(q):
    drive(q, 20, 1)
    assert q.readl(INPUT_VAL) >> 4 & 1
    q.writel(FPIOA + 4 * 20, GPIO_WORD & ~IE_EN | GPIOHS0 + 4)
    assert not q.readl(INPUT_VAL) >> 4 & 1
    assert pad(q, 20), "pad_di shows the pad all the same"
    q.writel(FPIOA + 4 * 20, GPIO_WORD | IE_INV | GPIOHS0 + 4)
    assert q.readl(INPUT_VAL) >> 4 & 1, "ie_inv alone does not switch an input off"


def test_a_function_moves_to_another_pad(q):
    drive(q, 20, 1)
    assert q.readl(INPUT_VAL) >> 4 & 1
    q.writel(FPIOA + 4 * 20, RESV0)
    assert not q.readl(INPUT_VAL) >> 4 & 1, "an unmapped function reads 0"
    q.writel(FPIOA + 4 * 47, GPIO_WORD | GPIOHS0 + 4)
    drive(q, 47, 1)
    assert q.readl(INPUT_VAL) >> 4 & 1


def test_one_function_on_two_pads(q):
    q.writel(FPIOA + 4 * 21, GPIO_WORD | GPIOHS0 + 4)
    q.writel(OUTPUT_EN, 1 << 4)
    q.writel(OUTPUT_VAL, 1 << 4)
    assert pad(q, 20) and pad(q, 21)


def test_tie(q):
    q.writel(FPIOA + 0xE0, 1 << 28)
    assert not q.readl(INPUT_VAL) >> 4 & 1
    q.writel(FPIOA + 0xC0, 1 << 28)
    assert q.readl(INPUT_VAL) >> 4 & 1
    q.writel(FPIOA + 0xE0, 0)
    drive(q, 20, 1)
    assert not q.readl(INPUT_VAL) >> 4 & 1
    assert q.readl(FPIOA + 0xC0) == 1 << 28


@pytest.mark.parametrize("level", [0, 1])
def test_constant(q, level):
    q.writel(FPIOA + 4 * 20, OE_EN | DO_INV * level | CONSTANT)
    assert pad(q, 20) == level


def test_boot_key():
    with QTest() as q:
        q.writel(INPUT_EN, 1)
        assert q.readl(INPUT_VAL) & 1, "pulled up on the board"
        q.qom_set("/machine", "isp", True)
        assert not q.readl(INPUT_VAL) & 1
    with QTest(isp="on") as q:
        q.writel(INPUT_EN, 1)
        assert not q.readl(INPUT_VAL) & 1


def test_jumper_carries_levels_both_ways(q):
    assert q.qom_get(PATH, "jumpers") == ""
    q.qom_set(PATH, "jumpers", "20-30,22-23")
    assert q.qom_get(PATH, "jumpers") == "20-30,22-23"
    q.setbits(OUTPUT_EN, 1 << 4)  # pads 16.. have GPIOHS0..
    q.setbits(OUTPUT_VAL, 1 << 4)
    assert pad(q, 30) and q.readl(INPUT_VAL) >> 14 & 1
    q.clearbits(OUTPUT_VAL, 1 << 4)
    assert not pad(q, 30)
    drive(q, 23, 1)
    assert pad(q, 22)
    drive(q, 23, Z)
    q.writel(FPIOA + 4 * 23, GPIO_WORD | PU | (GPIOHS0 + 7))
    assert pad(q, 22)  # by the other pad's pull
    q.qom_set(PATH, "jumpers", "")
    assert not pad(q, 22)


@pytest.mark.parametrize("text", ["20", "20-20", "20-48", "20-21,21-22", "20-21;22-23", "x-1", "-1-2"])
def test_jumper_that_cannot_be(q, text):
    with pytest.raises(QemuError, match="jumpers are pairs"):
        q.qom_set(PATH, "jumpers", text)
    assert q.qom_get(PATH, "jumpers") == ""
