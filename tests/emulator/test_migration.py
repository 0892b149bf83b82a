# SPDX-License-Identifier: MIT
"""Saving the machine to a file and going on from there in another process."""

import hashlib
import time

import pytest
from qtest import QTest
from test_aes import BASE as AES
from test_aes import CBC, OUT, TEXT, pattern, reference, words
from test_aes import setup as aes_setup
from test_fft import BASE as FFT
from test_fft import CTRL, INPUT, STATUS_RAW, control
from test_rtc import get_clock, set_clock
from test_rtc import init as rtc_init
from test_sha256 import BASE as SHA
from test_sha256 import EN_BIG, FUNC0, NUM, digest, feed, message, padded
from test_timer import BASE as TIMER
from test_timer import start as timer_start
from test_uart import BASE as UART
from test_uart import TFL
from test_uart import configure as uart_configure
from test_wdt import BASE as WDT
from test_wdt import CCVR, STAT
from test_wdt import start as wdt_start


def wait_migrated(q):
    deadline = time.monotonic() + 20
    while (status := q.qmp("query-migrate").get("status")) != "completed":
        assert status != "failed" and time.monotonic() < deadline, status
        time.sleep(0.05)


@pytest.fixture
def move(tmp_path):
    """Returns a function that ends a machine and gives its successor."""
    running = []

    def move(q):
        q.qmp("stop")
        q.qmp("migrate", uri=f"file:{tmp_path}/state")
        wait_migrated(q)
        q.close()
        successor = QTest("-incoming", "defer", serials=2)
        running.append(successor)
        successor.qmp("migrate-incoming", uri=f"file:{tmp_path}/state")
        wait_migrated(successor)
        successor.qmp("cont")
        successor.clock_step(q.clock_ns())  # the test's clock is not part of the machine
        return successor

    yield move
    for q in running:
        q.close()


def test_blocks_go_on_where_they_were(move):
    q = QTest(serials=2)
    key, iv, text = pattern(16, 1), pattern(16, 2), pattern(48, 3)
    data, blocks = padded(message(100))

    rtc_init(q)
    set_clock(q, 2024, 12, 31, 23, 59, 59, week=2, leap=True)
    timer_start(q, 1, 0, 25_999)  # 2 ms
    wdt_start(q, 0, top=1)  # 10 ms
    q.clock_step(1_000_000)
    aes_setup(q, CBC, key, iv, len(text))
    for w in words(text)[:6]:
        q.writel(AES + TEXT, w)
    q.writel(SHA + NUM, blocks)
    q.writel(SHA + FUNC0, EN_BIG)
    feed(q, data[:68])
    q.writeq(FFT + CTRL, control(64, 0, 0))
    for _ in range(32):
        q.writeq(FFT + INPUT, 0)
    uart_configure(q, 1)
    for c in b"abcdef":
        q.writel(UART[1], c)
    count = q.readl(WDT[0] + CCVR)

    q = move(q)
    q.irq_intercept_in("/machine/soc/plic")

    assert q.readl(WDT[0] + CCVR) == pytest.approx(count, abs=20)
    assert q.readl(UART[1] + TFL) == 5
    for w in words(text)[6:]:
        q.writel(AES + TEXT, w)
    out = b"".join(q.readl(AES + OUT).to_bytes(4, "little") for _ in range(12))
    assert out == reference(CBC, key, iv, text, False)
    feed(q, data[68:])
    assert digest(q) == hashlib.sha256(message(100)).digest()
    assert q.readq(FFT + STATUS_RAW) & 2
    q.clock_step(1_100_000)
    assert q.readq(FFT + STATUS_RAW) == 1
    assert q.irq(16) and q.readl(TIMER[1] + 0xA0) == 1
    q.clock_step(8_200_000)
    assert q.readl(WDT[0] + STAT) == 1
    q.writel(WDT[0], 0)
    assert q.serial_read(b"f", line=1)[-5:] == b"bcdef"
    assert get_clock(q) == (2024, 12, 31, 23, 59, 59)
    q.clock_step(1_000_000_000 - 9_000_000)
    assert get_clock(q) == (2025, 1, 1, 0, 0, 0)
