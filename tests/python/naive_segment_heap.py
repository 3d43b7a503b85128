"""A reader of the segment heaps that `heapdelta.testing` writes, as plain as can be: for tests, slow, and independent.

Offsets are those of `tests/data/symbols/ntdll/ntdll.c`, written down here anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from naive_heap import Dump

UNITS = 256
LOW = 0xFFFFFFFF


@dataclass
class Heap:
    """A segment heap with what was found in it."""

    base: int
    blocks: set[tuple[int, int, str]] = field(default_factory=set)
    """Address, bytes asked for, and who gave it."""
    free: list[tuple[str, int]] = field(default_factory=list)
    """Who has it, and bytes with memory."""
    keys: set[int] = field(default_factory=set)


@dataclass
class Area:
    """A subsegment of the low-fragmentation heap."""

    start: int
    size: int
    committed: list[bool]

    def places(self, dump: Dump, key: int) -> tuple[int, int, int] | None:
        """Blocks, bytes of one, and where the first is, if a key is possible."""
        count = dump.number(self.start + 0x2C, 2)
        plain = dump.number(self.start + 0x28, 4) ^ key ^ self.start >> 12 & LOW
        first, block = plain & 0xFFFF, plain >> 16
        words = 0x38 + (count + 31) // 32 * 8
        fits = words <= first <= words + 0x40 and first + count * block <= self.size < first + (count + 1) * block + 16
        return (count, block, first) if fits and block and not block % 16 and not first % 16 else None


def find(dump: Dump) -> list[Heap]:
    """Every segment heap."""
    found, areas = [], []
    for base in dump.allocations:
        if any(at <= base < at + size for at, size, _ in dump.ranges) and dump.number(base + 0x10, 4) == 0xDDEEDDEE:
            heap = Heap(base)
            for context in (base + 0x90, base + 0x110):
                shift, first = dump.number(context + 0x10, 1), dump.number(context + 0x12, 1)
                for segment in dump.ring(context + 0x28, 8):
                    key = dump.number(segment + 0x18, 8) ^ segment ^ context ^ 0xA2E64EADA2E64EAD
                    heap.keys.add(key)
                    areas += [(heap, area) for area in _segment(dump, heap, segment, (shift, first, key))]
            _large(dump, heap)
            found.append(heap)
    possible: set[int] = set()
    for number, (_, area) in enumerate(areas):
        count = dump.number(area.start + 0x2C, 2)
        encoded = dump.number(area.start + 0x28, 4) ^ area.start >> 12 & LOW
        words = 0x38 + (count + 31) // 32 * 8
        keys = {
            encoded ^ (first | block << 16)
            for first in range(-(-words // 16) * 16, words + 0x41, 16)
            for block in range(16, 0x4000, 16)
            if first + count * block <= area.size < first + (count + 1) * block + 16
        }
        possible = keys if number == 0 else possible & keys
    if areas:
        (key,) = possible
        for heap, area in areas:
            _area(dump, heap, area, key)
    return found


def _segment(dump: Dump, heap: Heap, segment: int, told: tuple[int, int, int]) -> list[Area]:
    shift, at, key = told
    pages = 1 << shift - 12
    areas = []
    while at < UNITS:
        descriptor = segment + 0x20 * at
        units, flags = dump.number(descriptor + 0x1E, 1), dump.number(descriptor + 0x19, 1)
        assert units, f"unit {at} of {segment:#x}"
        counts = [dump.number(segment + 0x20 * unit + 0x18, 1) for unit in range(at, at + units)]
        committed = [page < count for count in counts for page in range(pages)]
        start, size = segment + (at << shift), units << shift
        kind = flags >> 2 & 3
        if not flags & 1:
            heap.free.append(("backend", 0x1000 * sum(committed)))
        elif kind == 0:
            heap.blocks.add((start, size - dump.number(descriptor + 4, 4), "backend"))
        elif kind == 2:
            areas.append(Area(start, size, committed))
        elif kind == 3:
            _chunks(dump, heap, start, key, committed)
        at += units
    assert at == UNITS
    return areas


def _memory(committed: list[bool], start: int, end: int) -> int:
    """Bytes with memory between two offsets."""
    pages = range(start & ~0xFFF, end, 0x1000)
    return sum(min(end, at + 0x1000) - max(start, at) for at in pages if committed[at >> 12])


def _unused(dump: Dump, end: int, bits: int) -> int:
    word = dump.number(end - 2, 2)
    return 1 if word >> 15 else word & (1 << bits) - 1


def _chunks(dump: Dump, heap: Heap, start: int, key: int, committed: list[bool]) -> None:
    size = dump.number(start + 0x2A, 2)
    assert (size ^ dump.number(start + 0x28, 2) ^ 0x2BED) & 0x7FFF == 0
    at, before = start + 0x30, 0
    while at < start + 0x30 + 16 * size:
        sizes = dump.number(at + 8, 8) ^ at ^ key
        units, is_busy, previous = sizes & 0xFFFF, sizes >> 32 & 0xFF, sizes >> 40 & 0xFFFF
        assert units, f"chunk at {at:#x}"
        assert previous == before, f"chunk at {at:#x}"
        end = at + 16 * units
        if is_busy:
            unused = _unused(dump, end, 13) if dump.number(at, 4) >> 23 & 1 else 0
            heap.blocks.add((at + 16, 16 * units - 16 - unused, "vs"))
        else:
            heap.free.append(("vs", _memory(committed, at - start, end - start)))
        at, before = end, units


def _area(dump: Dump, heap: Heap, area: Area, key: int) -> None:
    places = area.places(dump, key)
    assert places, f"area at {area.start:#x}"
    count, block, first = places
    for number in range(count):
        bits = dump.number(area.start + 0x38 + number // 4, 1) >> number % 4 * 2 & 3
        at = area.start + first + number * block
        if bits & 1:
            heap.blocks.add((at, block - (_unused(dump, at + block, 14) if bits & 2 else 0), "lfh"))
        else:
            offset = at - area.start
            heap.free.append(("lfh", _memory(area.committed, offset, offset + block)))


def _large(dump: Dump, heap: Heap) -> None:
    tree = heap.base + 0x40
    is_encoded = dump.number(tree + 8, 1) & 1

    def pointer(holder: int, at: int) -> int:
        value = dump.number(holder + at, 8)
        return value ^ holder if value and is_encoded else value

    nodes = [pointer(tree, 0)]
    while nodes:
        node = nodes.pop()
        if node:
            address, pages = dump.number(node + 0x18, 8), dump.number(node + 0x20, 8) >> 12
            heap.blocks.add((address & ~0xFFFF, pages * 0x1000 - (address & 0xFFFF), "large"))
            nodes += [pointer(node, 0), pointer(node, 8)]
