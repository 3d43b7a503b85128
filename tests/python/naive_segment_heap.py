"""A reader of the segment heaps that `heapdelta.testing` writes, as plain as can be: for tests, slow, and independent.

Offsets are those of `tests/data/symbols/ntdll/ntdll.c`, written down here anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from naive_heap import Dump

LOW = 0xFFFFFFFF


@dataclass(frozen=True)
class Layout:
    """Where fields stand; names begin with whose they are: heap, context, segment, descriptor, vs, lfh, large."""

    width: int  # bytes of a pointer
    unit: int
    units: int  # of a page segment
    heap_signature: int
    heap_tree: int
    heap_contexts: tuple[int, int]
    context_shift: int
    context_list: int
    segment_signature: int
    descriptor: int  # bytes of one
    descriptor_committed: int
    descriptor_units: int
    vs_signature: int
    vs_first: int
    chunk_header: int
    chunk_sizes: int
    lfh_offsets: int
    lfh_bitmap: int
    lfh_word: int
    large_address: int  # from the node on

    def chunk(self, sizes: int) -> tuple[int, int, int]:
        """Units, whether it is busy, and units of the one before."""
        if self.width == 8:
            return sizes & 0xFFFF, sizes >> 32 & 0xFF, sizes >> 40 & 0xFFFF
        return sizes >> 16 & 0x7FFF, sizes >> 15 & 1, sizes & 0x7FFF

    def words(self, count: int) -> int:
        """Bytes up to the end of the bitmap of so many blocks."""
        return self.lfh_bitmap + -(-2 * count // (8 * self.lfh_word)) * self.lfh_word


WIDE = Layout(8, 16, 256, 0x10, 0x40, (0x90, 0x110), 0x10, 0x28, 0x18, 0x20, 0x18, 0x1E,
              0x28, 0x30, 16, 8, 0x28, 0x38, 8, 0x18)  # fmt: skip
NARROW = Layout(4, 8, 128, 0x08, 0x28, (0x50, 0x94), 0x08, 0x18, 0x0C, 0x14, 0x0C, 0x12,
                0x20, 0x28, 8, 4, 0x14, 0x24, 4, 0x0C)  # fmt: skip


@dataclass
class Heap:
    """A segment heap with what was found in it."""

    base: int
    layout: Layout
    blocks: set[tuple[int, int, str]] = field(default_factory=set)
    """Address, bytes asked for, and who gave it."""
    free: list[tuple[str, int]] = field(default_factory=list)
    """Who has it, and bytes with memory."""
    keys: set[int] = field(default_factory=set)


@dataclass
class Area:
    """A subsegment of the low-fragmentation heap."""

    layout: Layout
    start: int
    size: int
    committed: list[bool]

    def encoded(self, dump: Dump) -> tuple[int, int]:
        """Blocks, and their places but for the key."""
        at = self.start + self.layout.lfh_offsets
        return dump.number(at + 4, 2), dump.number(at, 4) ^ self.start >> 12 & LOW

    def places(self, dump: Dump, key: int) -> tuple[int, int, int] | None:
        """Blocks, bytes of one, and where the first is, if a key is possible."""
        count, plain = self.encoded(dump)
        plain ^= key
        first, block, unit = plain & 0xFFFF, plain >> 16, self.layout.unit
        words = self.layout.words(count)
        room = first + count * block <= self.size < first + (count + 1) * block + unit
        fits = words <= first <= words + 0x40 and room and not block % unit and not first % unit
        return (count, block, first) if fits and block else None

    def keys(self, dump: Dump) -> set[int]:
        """Keys that are possible."""
        (count, encoded), unit = self.encoded(dump), self.layout.unit
        words = self.layout.words(count)
        return {
            encoded ^ (first | block << 16)
            for first in range(-(-words // unit) * unit, words + 0x41, unit)
            for block in range(unit, 0x4000, unit)
            if first + count * block <= self.size < first + (count + 1) * block + unit
        }


def find(dump: Dump) -> list[Heap]:
    """Every segment heap."""
    found = []
    for base in dump.allocations:
        if not any(at <= base < at + size for at, size, _ in dump.ranges):
            continue
        for layout in (WIDE, NARROW):
            if dump.number(base + layout.heap_signature, 4) == 0xDDEEDDEE:
                found.append(Heap(base, layout))
    for layout in (WIDE, NARROW):
        # Each width has keys of its own.
        heaps = [heap for heap in found if heap.layout is layout]
        areas = [(heap, area) for heap in heaps for area in _segments(dump, heap)]
        assert len({key for heap in heaps for key in heap.keys}) <= 1
        if areas:
            (key,) = set.intersection(*(area.keys(dump) for _, area in areas))
            for heap, area in areas:
                _area(dump, heap, area, key)
    return found


def _segments(dump: Dump, heap: Heap) -> list[Area]:
    layout, areas = heap.layout, []
    for context in (heap.base + at for at in layout.heap_contexts):
        shift, first = (dump.number(context + layout.context_shift + at, 1) for at in (0, 2))
        for segment in dump.ring(context + layout.context_list, layout.width):
            signature = dump.number(segment + layout.segment_signature, layout.width)
            key = signature ^ segment ^ context ^ 0xA2E64EADA2E64EAD & (1 << 8 * layout.width) - 1
            heap.keys.add(key)
            areas += _segment(dump, heap, segment, (shift, first, key))
    _large(dump, heap)
    return areas


def _segment(dump: Dump, heap: Heap, segment: int, told: tuple[int, int, int]) -> list[Area]:
    layout = heap.layout
    shift, at, key = told
    pages = 1 << shift - 12
    areas = []
    while at < layout.units:
        descriptor = segment + layout.descriptor * at
        units = dump.number(descriptor + layout.descriptor_units, 1)
        flags = dump.number(descriptor + layout.descriptor_committed + 1, 1)
        assert units, f"unit {at} of {segment:#x}"
        places = [segment + layout.descriptor * unit for unit in range(at, at + units)]
        counts = [dump.number(place + layout.descriptor_committed, 1) for place in places]
        committed = [page < count for count in counts for page in range(pages)]
        start, size = segment + (at << shift), units << shift
        kind = flags >> 2 & 3
        if not flags & 1:
            heap.free.append(("backend", 0x1000 * sum(committed)))
        elif kind == 0:
            heap.blocks.add((start, size - dump.number(descriptor + 4, 4), "backend"))
        elif kind == 2:
            areas.append(Area(layout, start, size, committed))
        elif kind == 3:
            _chunks(dump, heap, start, key, committed)
        at += units
    assert at == layout.units
    return areas


def _memory(committed: list[bool], start: int, end: int) -> int:
    """Bytes with memory between two offsets."""
    pages = range(start & ~0xFFF, end, 0x1000)
    return sum(min(end, at + 0x1000) - max(start, at) for at in pages if committed[at >> 12])


def _unused(dump: Dump, end: int, bits: int) -> int:
    word = dump.number(end - 2, 2)
    return 1 if word >> 15 else word & (1 << bits) - 1


def _chunks(dump: Dump, heap: Heap, start: int, key: int, committed: list[bool]) -> None:
    layout = heap.layout
    unit, header = layout.unit, layout.chunk_header
    size = dump.number(start + layout.vs_signature + 2, 2)
    assert (size ^ dump.number(start + layout.vs_signature, 2) ^ 0x2BED) & 0x7FFF == 0
    at, before = start + layout.vs_first, 0
    while at < start + layout.vs_first + unit * size:
        sizes = dump.number(at + layout.chunk_sizes, layout.width) ^ at ^ key
        units, is_busy, previous = layout.chunk(sizes)
        assert units, f"chunk at {at:#x}"
        assert previous == before, f"chunk at {at:#x}"
        end = at + unit * units
        if is_busy:
            unused = _unused(dump, end, 13) if dump.number(at, 4) >> 23 & 1 else 0
            heap.blocks.add((at + header, unit * units - header - unused, "vs"))
        else:
            heap.free.append(("vs", _memory(committed, at - start, end - start)))
        at, before = end, units


def _area(dump: Dump, heap: Heap, area: Area, key: int) -> None:
    places = area.places(dump, key)
    assert places, f"area at {area.start:#x}"
    count, block, first = places
    for number in range(count):
        bits = dump.number(area.start + heap.layout.lfh_bitmap + number // 4, 1) >> number % 4 * 2 & 3
        at = area.start + first + number * block
        if bits & 1:
            heap.blocks.add((at, block - (_unused(dump, at + block, 14) if bits & 2 else 0), "lfh"))
        else:
            offset = at - area.start
            heap.free.append(("lfh", _memory(area.committed, offset, offset + block)))


def _large(dump: Dump, heap: Heap) -> None:
    width, address_at = heap.layout.width, heap.layout.large_address
    tree = heap.base + heap.layout.heap_tree
    is_encoded = dump.number(tree + width, 1) & 1

    def pointer(holder: int, at: int) -> int:
        value = dump.number(holder + at, width)
        return value ^ holder if value and is_encoded else value

    nodes = [pointer(tree, 0)]
    while nodes:
        node = nodes.pop()
        if node:
            address, pages = (dump.number(node + address_at + at, width) for at in (0, width))
            heap.blocks.add((address & ~0xFFFF, (pages >> 12) * 0x1000 - (address & 0xFFFF), "large"))
            nodes += [pointer(node, 0), pointer(node, width)]
