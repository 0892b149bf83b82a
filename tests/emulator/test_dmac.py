# SPDX-License-Identifier: MIT
"""The DMA controller, driven register by register."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from qtest import QTest

DMAC = 0x5000_0000
CFG, CHEN, INTSTATUS, COM_CLEAR, COM_STATUS, RESET = 0x10, 0x18, 0x30, 0x38, 0x50, 0x58
SAR, DAR, BLOCK_TS, CTL, CH_CFG, LLP, STATUS = 0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30
SWHSSRC, SWHSDST, BLK_TFR = 0x38, 0x40, 0x48
INT_EN, INT_STATUS, INT_SIGNAL, INT_CLEAR = 0x80, 0x88, 0x90, 0x98
DONE, BLOCK = 2, 1

SRAM = 0x4000_0000
AI_CACHED = 0x8060_0000
SYSCTL = 0x5044_0000
DMA_SEL0 = SYSCTL + 0x64


class Dmac:
    def __init__(self, q: QTest) -> None:
        self.q = q

    def base(self, ch: int) -> int:
        return DMAC + 0x100 + 0x100 * ch

    def get(self, ch: int, reg: int) -> int:
        return self.q.readq(self.base(ch) + reg)

    def set(self, ch: int, reg: int, value: int) -> None:
        self.q.writeq(self.base(ch) + reg, value)

    def enabled(self, ch: int) -> bool:
        return bool(self.q.readq(DMAC + CHEN) >> ch & 1)

    def enable(self, ch: int, on: bool = True) -> None:
        self.q.writeq(DMAC + CHEN, on << ch | 1 << (ch + 8))

    def start(
        self, ch: int, src: int, dst: int, count: int, width: int = 3, dst_width: int | None = None, *,
        src_fixed: bool = False, dst_fixed: bool = False, msize: int = 3, tt_fc: int = 0, cfg: int = 0, ctl: int = 0,
    ) -> None:  # fmt: skip
        """A transfer as the vendor's driver sets it up."""
        self.set(ch, INT_CLEAR, 0xFFFF_FFFF)
        self.set(ch, CH_CFG, tt_fc << 32 | ch << 39 | ch << 44 | cfg)
        self.set(ch, SAR, src)
        self.set(ch, DAR, dst)
        dst_width = width if dst_width is None else dst_width
        bits = 1 << 2 | src_fixed << 4 | dst_fixed << 6 | width << 8 | dst_width << 11 | msize << 14 | msize << 18
        self.set(ch, CTL, bits | ctl)
        self.set(ch, BLOCK_TS, count - 1)
        self.q.writeq(DMAC + CFG, 3)
        self.enable(ch)

    def wait(self, ch: int, limit_ns: int = 100_000_000, step_ns: int = 1000) -> int:
        return self.q.wait_until(lambda: not self.enabled(ch), limit_ns=limit_ns, step_ns=step_ns)

    def select(self, ch: int, request: int) -> None:
        reg, shift = (DMA_SEL0, 6 * ch) if ch < 5 else (DMA_SEL0 + 4, 0)
        old = self.q.readl(reg)
        self.q.writel(reg, old & ~(63 << shift) | request << shift)


@pytest.fixture
def q() -> Iterator[QTest]:
    with QTest() as q:
        yield q


@pytest.fixture
def dmac(q: QTest) -> Dmac:
    return Dmac(q)


def pattern(n: int, seed: int = 1) -> bytes:
    return bytes((seed + 7 * i + (i >> 8)) & 0xFF for i in range(n))


def test_vendor_init_sequence(q: QTest) -> None:
    q.writeq(DMAC + RESET, 1)
    assert q.readq(DMAC + RESET) & 1 == 0
    q.writeq(DMAC + COM_CLEAR, 0x10F)
    q.writeq(DMAC + CFG, 0)
    assert q.readq(DMAC + CFG) == 0
    q.writeq(DMAC + CHEN, q.readq(DMAC + CHEN) & ~0xF)
    assert q.readq(DMAC + CHEN) == 0
    q.writeq(DMAC + CFG, 3)
    assert q.readq(DMAC + CFG) == 3


@pytest.mark.parametrize("width", [0, 1, 2, 3])
def test_memory_to_memory(dmac: Dmac, q: QTest, width: int) -> None:
    data = pattern(4096)
    q.write(SRAM + 0x1000, data)
    dmac.start(0, SRAM + 0x1000, SRAM + 0x40_0000, 4096 >> width, width)
    assert dmac.enabled(0)
    dmac.wait(0)
    assert q.read(0x8040_0000, 4096) == data
    assert dmac.get(0, INT_STATUS) == DONE | BLOCK
    assert q.read(SRAM + 0x40_1000, 16) == bytes(16)


@pytest.mark.parametrize(("src", "dst"), [(0, 3), (3, 0), (2, 1), (0, 2)])
def test_widths_may_differ(dmac: Dmac, q: QTest, src: int, dst: int) -> None:
    data = pattern(1024, 3)
    q.write(SRAM, data)
    dmac.start(2, SRAM, SRAM + 0x8000, 1024 >> src, src, dst)
    dmac.wait(2)
    assert q.read(SRAM + 0x8000, 1024) == data


def test_largest_block_takes_its_time(dmac: Dmac, q: QTest) -> None:
    data = pattern(1 << 20)
    q.write(SRAM, data)
    dmac.start(0, SRAM, SRAM + 0x20_0000, len(data) // 8)
    taken = dmac.wait(0, step_ns=10_000)
    assert q.read(SRAM + 0x20_0000, len(data)) == data
    # Several hundred MB/s, and no faster than a 64-bit bus can be.
    assert 300e6 < len(data) / (taken / 1e9) < 3.2e9


def test_fill_from_one_word(dmac: Dmac, q: QTest) -> None:
    q.writel(SRAM, 0xCAFE_F00D)
    dmac.start(1, SRAM, SRAM + 0x100, 64, 2, src_fixed=True)
    dmac.wait(1)
    assert q.read(SRAM + 0x100, 256) == bytes.fromhex("0df0feca") * 64


def test_interrupt_of_a_channel(dmac: Dmac, q: QTest) -> None:
    dmac.set(3, INT_EN, DONE)
    dmac.start(3, SRAM, SRAM + 0x100, 8)
    assert not q.plic_pending(30)
    dmac.wait(3)
    assert dmac.get(3, INT_STATUS) == DONE
    assert q.readq(DMAC + INTSTATUS) == 1 << 3
    assert q.plic_pending(30)
    dmac.set(3, INT_CLEAR, 0xFFFF_FFFF)
    assert q.readq(DMAC + INTSTATUS) == 0


def test_signal_enable_and_common_enable_gate_the_line(dmac: Dmac, q: QTest) -> None:
    assert dmac.get(0, INT_SIGNAL) == 0xFFFF_FFFF
    dmac.set(0, INT_SIGNAL, 0)
    dmac.start(0, SRAM, SRAM + 0x100, 8)
    dmac.wait(0)
    assert dmac.get(0, INT_STATUS) & DONE
    assert not q.plic_pending(27)
    q.writeq(DMAC + CFG, 1)
    dmac.set(0, INT_SIGNAL, 0xFFFF_FFFF)
    assert not q.plic_pending(27)
    q.writeq(DMAC + CFG, 3)
    assert q.plic_pending(27)


def test_halves_of_registers(dmac: Dmac, q: QTest) -> None:
    base = dmac.base(4)
    q.write(SRAM, pattern(64))
    for reg, value in ((SAR, SRAM), (DAR, SRAM + 0x200), (CTL, 3 << 8 | 3 << 11), (CH_CFG, 0)):
        q.writel(base + reg, value)
        q.writel(base + reg + 4, 0)
    q.writel(base + CH_CFG + 4, 4 << 7)
    assert dmac.get(4, CH_CFG) == 4 << 39
    q.writel(base + CH_CFG, 0)
    assert dmac.get(4, CH_CFG) == 4 << 39
    q.writel(base + BLOCK_TS, 7)
    q.writel(DMAC + CFG, 3)
    q.writel(DMAC + CHEN, 1 << 4 | 1 << 12)
    assert q.readl(DMAC + CHEN) == 1 << 4
    dmac.wait(4)
    assert q.read(SRAM + 0x200, 64) == pattern(64)


def test_two_channels_at_once(dmac: Dmac, q: QTest) -> None:
    q.write(SRAM, pattern(0x10000))
    dmac.start(0, SRAM, SRAM + 0x2_0000, 0x1000)
    dmac.start(5, SRAM + 0x8000, SRAM + 0x40_0000, 0x1000)
    dmac.wait(0)
    dmac.wait(5)
    assert q.read(SRAM + 0x2_0000, 0x8000) == pattern(0x10000)[:0x8000]
    assert q.read(SRAM + 0x40_0000, 0x8000) == pattern(0x10000)[0x8000:]


def test_disabled_controller_starts_nothing(dmac: Dmac, q: QTest) -> None:
    q.write(SRAM, pattern(64))
    dmac.set(0, SAR, SRAM)
    dmac.set(0, DAR, SRAM + 0x400)
    dmac.set(0, CTL, 3 << 8 | 3 << 11)
    dmac.set(0, BLOCK_TS, 7)
    dmac.enable(0)
    q.clock_step(1_000_000)
    assert q.read(SRAM + 0x400, 64) == bytes(64)
    q.writeq(DMAC + CFG, 1)
    dmac.wait(0)
    assert q.read(SRAM + 0x400, 64) == pattern(64)


def test_suspend_and_resume(dmac: Dmac, q: QTest) -> None:
    data = pattern(1 << 19)
    q.write(SRAM, data)
    dmac.start(0, SRAM, SRAM + 0x20_0000, len(data) // 8)
    q.clock_step(100_000)
    q.writeq(DMAC + CHEN, 1 << 16 | 1 << 24)
    done = dmac.get(0, STATUS) & 0x3F_FFFF
    assert 0 < done < len(data) // 8
    q.clock_step(10_000_000)
    assert dmac.get(0, STATUS) & 0x3F_FFFF == done
    assert q.readq(DMAC + CHEN) == 1 | 1 << 16
    assert dmac.get(0, INT_STATUS) & 1 << 29
    q.writeq(DMAC + CHEN, 1 << 24)
    dmac.wait(0)
    assert q.read(SRAM + 0x20_0000, len(data)) == data


@pytest.mark.parametrize(("command", "interrupt"), [(1 << 32 | 1 << 40, 31), (1 << 8, 30)])
def test_abort_and_disable(dmac: Dmac, q: QTest, command: int, interrupt: int) -> None:
    dmac.start(0, SRAM, SRAM + 0x20_0000, 1 << 16)
    q.clock_step(50_000)
    q.writeq(DMAC + CHEN, command)
    assert q.readq(DMAC + CHEN) == 0
    assert dmac.get(0, INT_STATUS) == 1 << interrupt
    q.clock_step(10_000_000)
    assert dmac.get(0, INT_STATUS) == 1 << interrupt


@pytest.mark.parametrize(("src", "dst", "bit"), [(0x9000_0000, SRAM, 5), (SRAM, 0x9000_0000, 6)])
def test_decode_error_ends_the_channel(dmac: Dmac, q: QTest, src: int, dst: int, bit: int) -> None:
    dmac.start(1, src, dst, 8)
    dmac.wait(1)
    assert dmac.get(1, INT_STATUS) == 1 << bit


def lli(sar: int, dar: int, count: int, following: int, *, last: bool, ioc: bool = False, valid: bool = True) -> bytes:
    ctl = 3 << 8 | 3 << 11 | 3 << 14 | 3 << 18 | ioc << 58 | last << 62 | valid << 63
    words = [sar, dar, count - 1, following, ctl, 0, 0, 0]
    return b"".join(w.to_bytes(8, "little") for w in words)


def test_linked_list(dmac: Dmac, q: QTest) -> None:
    table = SRAM + 0x10_0000
    for i in range(3):
        q.write(SRAM + 0x1000 * i, pattern(64, 10 * i))
        q.write(
            table + 64 * i,
            lli(SRAM + 0x1000 * i, SRAM + 0x20_0000 + 64 * i, 8, table + 64 * (i + 1), last=i == 2, ioc=i == 1),
        )
    dmac.set(0, CH_CFG, 3 | 3 << 2)
    dmac.set(0, LLP, table)
    q.writeq(DMAC + CFG, 3)
    dmac.enable(0)
    dmac.wait(0)
    assert q.read(SRAM + 0x20_0000, 192) == pattern(64, 0) + pattern(64, 10) + pattern(64, 20)
    assert dmac.get(0, INT_STATUS) == DONE | BLOCK


def test_linked_list_waits_for_a_valid_item(dmac: Dmac, q: QTest) -> None:
    table = SRAM + 0x10_0000
    q.write(SRAM, pattern(64))
    q.write(table, lli(SRAM, SRAM + 0x400, 8, table, last=True, valid=False))
    dmac.set(0, CH_CFG, 3 | 3 << 2)
    dmac.set(0, LLP, table)
    q.writeq(DMAC + CFG, 3)
    dmac.enable(0)
    q.clock_step(1_000_000)
    assert dmac.enabled(0)
    assert dmac.get(0, INT_STATUS) == 1 << 13
    q.write(table, lli(SRAM, SRAM + 0x400, 8, table, last=True))
    dmac.set(0, INT_CLEAR, 1 << 13)
    dmac.set(0, BLK_TFR, 1)
    dmac.wait(0)
    assert q.read(SRAM + 0x400, 64) == pattern(64)


def test_reload_stops_for_the_block_interrupt(dmac: Dmac, q: QTest) -> None:
    q.write(SRAM, pattern(64))
    dmac.start(0, SRAM, SRAM + 0x400, 8, cfg=1)  # source reloads, destination goes on
    q.clock_step(1_000_000)
    assert dmac.enabled(0)
    assert dmac.get(0, INT_STATUS) == BLOCK
    assert q.read(SRAM + 0x400, 128) == pattern(64) + bytes(64)
    dmac.set(0, CH_CFG, 0)  # the next block is the last
    dmac.set(0, INT_CLEAR, BLOCK)
    dmac.wait(0)
    assert q.read(SRAM + 0x400, 128) == pattern(64) * 2
    assert dmac.get(0, INT_STATUS) == BLOCK | DONE


def test_hardware_request_paces_a_peripheral(dmac: Dmac, q: QTest) -> None:
    """Nothing moves without a request, and a request that is gone when the bus gets round to it moves nothing."""
    request = "/machine/soc/dmac"
    dmac.select(2, 40)  # a number that no block drives
    dmac.start(2, SRAM, 0x5044_0000, 4, 2, dst_fixed=True, tt_fc=1, msize=0)
    q.clock_step(10_000_000)
    assert dmac.enabled(2)
    assert dmac.get(2, STATUS) == 0
    q.set_irq_in(request, "hs", 40, 3)
    q.set_irq_in(request, "hs", 40, 0)
    q.clock_step(1_000_000)
    assert dmac.get(2, STATUS) == 0
    q.set_irq_in(request, "hs", 40, 4)
    dmac.wait(2)
    assert dmac.get(2, INT_STATUS) & DONE


def test_software_handshake(dmac: Dmac, q: QTest) -> None:
    dmac.start(2, 0x5044_0000, SRAM + 0x100, 8, 2, src_fixed=True, tt_fc=2, msize=1, cfg=1 << 35)
    q.clock_step(1_000_000)
    assert dmac.get(2, STATUS) == 0
    dmac.set(2, SWHSSRC, 4 | 8)  # a single one
    q.clock_step(100_000)
    assert dmac.get(2, STATUS) == 1
    dmac.set(2, SWHSSRC, 1 | 2)  # a burst of four
    q.clock_step(100_000)
    assert dmac.get(2, STATUS) == 5
    assert dmac.get(2, SWHSSRC) == 0
    dmac.set(2, SWHSSRC, 1 | 2)
    q.clock_step(100_000)
    assert not dmac.enabled(2)


def test_cached_ai_sram_as_a_peripheral(dmac: Dmac, q: QTest) -> None:
    """The vendor's driver declares this window a peripheral without choosing a request for it."""
    data = pattern(2048)
    q.write(SRAM, data)
    dmac.start(0, SRAM, AI_CACHED, 256, tt_fc=1)
    dmac.wait(0)
    assert q.read(0x4060_0000, 2048) == data
    dmac.start(0, AI_CACHED, SRAM + 0x8000, 256, tt_fc=2)
    dmac.wait(0)
    assert q.read(SRAM + 0x8000, 2048) == data


def test_wrong_accesses_are_reported(q: QTest) -> None:
    with QTest("-d", "guest_errors") as q:
        q.writeb(DMAC + CFG, 3)
        assert q.readq(DMAC + CFG) == 0
        q.readq(DMAC + 0x68)
        assert q.readq(DMAC + COM_STATUS) == 0x100
        q.writeq(DMAC + INTSTATUS, 1)
        assert q.readq(DMAC + COM_STATUS) == 0x102
        q.writeq(DMAC + COM_CLEAR, 0x10F)
        assert q.readq(DMAC + COM_STATUS) == 0
        log = q.log
    assert "k210-dmac: 1-byte write at 0x010" in log
    assert "k210-dmac: read at 0x068, where there is no register" in log


def test_strict_machine_stops_on_a_cached_address() -> None:
    with QTest(strict="on") as q:
        dmac = Dmac(q)
        dmac.start(0, 0x8000_0000, SRAM + 0x1000, 8)
        q.clock_step(100_000)
        q.wait_event("STOP")
        assert "k210-dmac: channel 0 has the cached source address 0x80000000" in q.log
