# SPDX-License-Identifier: MIT
"""Gives buffers their addresses: lifetimes from the order of the nodes, the largest first, reuse wherever possible."""

from __future__ import annotations

from dataclasses import dataclass

from k210.compiler.importer import shape_text
from k210.compiler.machine import MAIN_ALIGN, Buffer, Machine, Map, Node
from k210.errors import K210Error
from k210.model.kpu import LINES


@dataclass(frozen=True)
class Life:
    """From the node that makes it to the last that reads it."""

    place: Buffer | Map
    first: int
    last: int
    size: int


def lives(machine: Machine, kind: type) -> list[Life]:
    first: dict[Buffer | Map, int] = {_root(p): -1 for p in machine.inputs if isinstance(p, kind)}
    last: dict[Buffer | Map, int] = dict(first)
    for i, node in enumerate(machine.nodes):
        for place in map(_root, (*node.writes, *node.reads)):
            if isinstance(place, kind) and getattr(place, "data", None) is None:
                first.setdefault(place, i)
                last[place] = i
    for place in machine.outputs:
        if isinstance(place, kind):
            first.setdefault(place, -1)
            last[place] = len(machine.nodes)
    return [
        Life(p, first[p], last[p], p.lines if isinstance(p, Map) else -(-p.size // MAIN_ALIGN) * MAIN_ALIGN)
        for p in first
    ]


def _root(place: Buffer | Map) -> Buffer | Map:
    """Parts of a map live as long as the whole."""
    return place.root if isinstance(place, Map) else place


def _place(found: list[Life]) -> tuple[dict[Buffer | Map, int], int]:
    """Start of each and how much is used."""
    starts: dict[Buffer | Map, int] = {}
    placed: list[tuple[int, Life]] = []
    top = 0
    for life in sorted(found, key=lambda x: (-x.size, x.first)):
        at = 0
        for start, other in sorted(placed, key=lambda x: x[0]):
            if other.first > life.last or other.last < life.first:
                continue
            if start - at >= life.size:
                break
            at = max(at, start + other.size)
        starts[life.place] = at
        placed.append((at, life))
        top = max(top, at + life.size)
    return starts, top


def _peak(found: list[Life], count: int) -> tuple[int, int]:
    """The node with the most alive, and how much."""
    best, where = 0, 0
    for i in range(-1, count + 1):
        alive = sum(x.size for x in found if x.first <= i <= x.last)
        if alive > best:
            best, where = alive, i
    return where, best


def plan_ai(machine: Machine) -> None:
    """Addresses in AI memory. What does not fit goes to main memory meanwhile."""
    for _ in range(len(machine.nodes) + 1):
        found = lives(machine, Map)
        starts, top = _place(found)
        if top <= LINES:
            machine.lines_used = top
            for place, start in starts.items():
                assert isinstance(place, Map)
                place.start = start
            return
        where, need = _peak(found, len(machine.nodes))
        if not _spill(machine, found, where):
            node = machine.nodes[min(max(where, 0), len(machine.nodes) - 1)]
            alive = ", ".join(
                f"{x.place.value} {shape_text(x.place.shape)}" for x in found if x.first <= where <= x.last
            )
            raise K210Error(
                f"node {node.name}: the feature maps that are needed at the same time take {need * 64 >> 10:,} KiB "
                f"({alive}); the KPU has {LINES * 64 >> 10:,} KiB: use a smaller picture or fewer channels"
            )
    raise K210Error("the feature maps do not fit AI memory, however they are arranged: use a smaller picture")


def _spill(machine: Machine, found: list[Life], where: int) -> bool:
    """Takes the largest map that waits at that time out of AI memory until it is read again."""
    node = machine.nodes[where] if 0 <= where < len(machine.nodes) else None
    busy = set(map(_root, node.reads + node.writes)) if node else set()
    parts = {p.root for p in machine.maps() if p.whole is not None}
    found = [x for x in found if x.place not in parts]
    waiting = [x for x in found if x.first < where < x.last and x.place not in busy]
    if not waiting:
        # Fragmented: whatever waits anywhere.
        waiting = [x for x in found if any(_gap(machine, x))]
    for life in sorted(waiting, key=lambda x: -x.size):
        place = life.place
        assert isinstance(place, Map)
        uses = [i for i, n in enumerate(machine.nodes) if place in n.reads]
        at = where if life.first < where < life.last and place not in busy else max(_gap(machine, life), default=-1)
        later = [i for i in uses if i > at]
        if not later or at < 0:
            continue
        source = _main_copy(machine, place, life.first)
        if source is None:
            continue
        fresh = Map(place.value, place.shape)
        for i in later:
            machine.nodes[i].reads = [fresh if p is place else p for p in machine.nodes[i].reads]
        upload = Node("upload", machine.nodes[later[0]].name, [source], [fresh], value=place.value)
        machine.nodes.insert(later[0], upload)
        return True
    return False


def _gap(machine: Machine, life: Life) -> list[int]:
    """Nodes between two uses of a map at which it only waits."""
    uses = [i for i, n in enumerate(machine.nodes) if life.place in n.reads]
    return [i for i in range(life.first + 1, life.last) if i not in uses]


def _main_copy(machine: Machine, place: Map, made: int) -> Buffer | None:
    """The map's values in main memory."""
    if made < 0:
        return None
    node = machine.nodes[made]
    if node.kind == "upload":
        return node.reads[0] if isinstance(node.reads[0], Buffer) else None
    for other in node.writes:
        if isinstance(other, Buffer):
            return other
    c, h, w = place.shape
    copy = Buffer(place.value, "u1", c * h * w)
    node.writes.append(copy)
    return copy


def plan_main(machine: Machine) -> None:
    starts, top = _place(lives(machine, Buffer))
    for place, start in starts.items():
        place.start = start
    machine.main_size = top
    at = 0
    for constant in machine.constants():
        constant.start = at
        at += -(-constant.size // MAIN_ALIGN) * MAIN_ALIGN
