# SPDX-License-Identifier: MIT
"""One-shot DMA transfers in the order of the vendor driver, for tests of the blocks that use them."""

from __future__ import annotations

from qtest import QTest

SYSCTL, DMAC = 0x50440000, 0x50000000
MEM_MEM, MEM_PER, PER_MEM = 0, 1, 2
WIDTH = {8: 0, 16: 1, 32: 2, 64: 3}
MSIZE = {1: 0, 4: 1, 8: 2, 16: 3}


def start(
    q: QTest,
    channel: int,
    source: int,
    destination: int,
    items: int,
    *,
    request: int | None,
    kind: int,
    bits: int = 32,
    msize: int = 1,
) -> None:
    """Starts a transfer of `items` beats. The memory end counts up, the peripheral end stays."""
    if request is not None:
        register, shift = (SYSCTL + 0x64, 6 * channel) if channel < 5 else (SYSCTL + 0x68, 0)
        q.writel(register, (q.readl(register) & ~(0x3F << shift)) | request << shift)
    base = DMAC + 0x100 + 0x100 * channel
    q.writeq(base + 0x98, 0xFFFFFFFF)
    q.writeq(DMAC + 0x18, 1 << (8 + channel))
    q.writeq(base + 0x20, kind << 32 | channel << 39 | channel << 44)
    q.writeq(base + 0x00, source)
    q.writeq(base + 0x08, destination)
    source_fixed, destination_fixed = kind == PER_MEM, kind == MEM_PER or destination >> 20 == 0x504
    q.writeq(
        base + 0x18,
        1 << 2
        | source_fixed << 4
        | destination_fixed << 6
        | WIDTH[bits] << 8
        | WIDTH[bits] << 11
        | MSIZE[msize] << 14
        | MSIZE[msize] << 18,
    )
    q.writeq(base + 0x10, items - 1)
    q.writeq(DMAC + 0x10, 3)
    q.writeq(DMAC + 0x18, 1 << channel | 1 << (8 + channel))


def busy(q: QTest, channel: int) -> bool:
    return bool(q.readq(DMAC + 0x18) >> channel & 1)


def wait(q: QTest, channel: int, limit_ns: int = 1_000_000_000, step_ns: int = 10_000) -> None:
    q.wait_until(lambda: not busy(q, channel), limit_ns=limit_ns, step_ns=step_ns)
