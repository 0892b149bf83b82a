# SPDX-License-Identifier: MIT
"""RTC: the vendor driver's sequences, calendar, tick and alarm interrupts."""

import pytest
from qtest import QTest

BASE, SYSCTL = 0x50460000, 0x50440000
DATE, TIME, ALARM_DATE, ALARM_TIME = 0x00, 0x04, 0x08, 0x0C
INITIAL, CURRENT, INT_CTRL, REG_CTRL, EXTENDED = 0x10, 0x14, 0x18, 0x1C, 0x28
MASKS = 0xFE << 13 | 0xFE << 21 | 1 << 29 | 1 << 30
RUN, SET = 1, 2
SECOND = 1_000_000_000


@pytest.fixture
def q():
    with QTest() as q:
        yield q


def mode(q, bits):
    q.clock_step(100)  # a driver waits for one crystal period before each change
    q.writel(BASE + REG_CTRL, (q.readl(BASE + REG_CTRL) & ~3) | bits)


def put(q, reg, value):
    mode(q, SET)
    q.writel(BASE + reg, value)
    mode(q, RUN)


def init(q):
    q.setbits(SYSCTL + 0x34, 1 << 29)
    q.clearbits(SYSCTL + 0x34, 1 << 29)
    q.writel(BASE + REG_CTRL, MASKS)
    put(q, INITIAL, 26_000_000)
    put(q, CURRENT, 1)


def date(week, day, month, year):
    return week | day << 8 | month << 16 | (year % 100) << 20


def time(hour, minute, second):
    return second << 10 | minute << 16 | hour << 24


def set_clock(q, year, month, day, hour, minute, second, week=0, leap=False):
    put(q, DATE, date(week, day, month, year))
    put(q, EXTENDED, year // 100 | leap << 5)
    put(q, TIME, time(hour, minute, second))
    put(q, CURRENT, 0)


def get_clock(q):
    d, t, e = q.readl(BASE + DATE), q.readl(BASE + TIME), q.readl(BASE + EXTENDED)
    year = (e & 31) * 100 + (d >> 20)
    return year, d >> 16 & 15, d >> 8 & 31, t >> 24 & 31, t >> 16 & 63, t >> 10 & 63


def test_stands_still_until_set_up(q):
    before = get_clock(q)
    q.clock_step(5 * SECOND)
    assert get_clock(q) == before


def test_counts_seconds(q):
    init(q)
    set_clock(q, 2024, 3, 9, 10, 11, 12)
    q.clock_step(SECOND - 10_000)
    assert get_clock(q) == (2024, 3, 9, 10, 11, 12)
    q.clock_step(20_000)
    assert get_clock(q) == (2024, 3, 9, 10, 11, 13)
    q.clock_step(50 * SECOND)
    assert get_clock(q) == (2024, 3, 9, 10, 12, 3)


@pytest.mark.parametrize(
    "start, end",
    [
        ((2024, 2, 28, 23, 59, 59), (2024, 2, 29, 0, 0, 0)),
        ((2023, 2, 28, 23, 59, 59), (2023, 3, 1, 0, 0, 0)),
        ((2023, 4, 30, 23, 59, 59), (2023, 5, 1, 0, 0, 0)),
        ((1999, 12, 31, 23, 59, 59), (2000, 1, 1, 0, 0, 0)),
    ],
)
def test_calendar(q, start, end):
    init(q)
    set_clock(q, *start, week=6, leap=start[0] % 4 == 0)
    q.clock_step(SECOND + 1000)
    assert get_clock(q) == end
    assert q.readl(BASE + DATE) & 7 == 0
    assert q.readl(BASE + EXTENDED) >> 5 & 1 == (end[0] % 4 == 0)


def test_current_count_runs_at_26_mhz(q):
    init(q)
    set_clock(q, 2024, 1, 1, 0, 0, 0)
    q.clock_step(SECOND // 4)
    assert q.readl(BASE + CURRENT) == pytest.approx(6_500_000, abs=10)


def test_masks_protect_fields(q):
    init(q)
    set_clock(q, 2024, 5, 6, 7, 8, 9)
    q.writel(BASE + REG_CTRL, (q.readl(BASE + REG_CTRL) & ~(0xFF << 13)) | 1 << (13 + 2))  # minute only
    put(q, TIME, time(1, 2, 3))
    put(q, DATE, date(1, 1, 1, 1))
    assert get_clock(q) == (2024, 5, 6, 7, 2, 9)


@pytest.mark.parametrize("tick, seconds", [(0, 1), (1, 10), (2, 10), (3, 10)])
def test_tick_interrupt(q, tick, seconds):
    init(q)
    set_clock(q, 2024, 1, 1, 23 if tick == 3 else 12, 59 if tick >= 2 else 30, 50)
    put(q, INT_CTRL, 1 | tick << 2)
    for _ in range(seconds):
        assert not q.plic_pending(20)
        q.clock_step(SECOND)
    assert q.plic_pending(20)


def test_alarm_interrupt(q):
    init(q)
    set_clock(q, 2024, 1, 1, 12, 0, 0)
    put(q, ALARM_TIME, time(0, 0, 5))
    put(q, INT_CTRL, 2 | (1 << 1) << 24)  # compare seconds
    q.clock_step(4 * SECOND)
    assert not q.plic_pending(20)
    q.clock_step(SECOND)
    assert q.plic_pending(20)


def test_write_outside_of_setting_is_a_guest_error():
    with QTest("-d", "guest_errors") as q:
        init(q)
        before = get_clock(q)
        q.writel(BASE + DATE, date(1, 2, 3, 4))
        assert get_clock(q) == before
        assert "write to register 0x00 without REG_CTRL.write_enable" in q.log


def test_host_time():
    with QTest("-global", "k210-rtc.host-time=on", "-rtc", "base=2031-05-06T07:08:09") as q:
        *date, second = get_clock(q)
        # The host's clock goes on while a busy host starts the emulator.
        assert date == [2031, 5, 6, 7, 8] and 9 <= second < 50
        q.clock_step(SECOND + 1000)
        assert get_clock(q) == (2031, 5, 6, 7, 8, second + 1)
        assert q.readl(BASE + DATE) & 7 == 2  # a Tuesday
