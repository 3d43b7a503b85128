"""A reader of NT heaps in full minidumps, as plain as can be: for tests, slow, and independent of the package.

Offsets are written down here anew, from public symbols; the writer and the reader of the package have tables of their
own. It knows Windows 7, Windows 10 from 1809 on and the made-up build, 32 and 64 bits. What does not hold is in
`Heap.wrong`.
"""

from __future__ import annotations

import bisect
import struct
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Where fields stand; names begin with whose they are: heap, segment, zone, sub(segment), ub (UserBlocks)."""

    windows: str
    width: int  # bytes of a pointer
    unit: int
    header: int  # of the 8 bytes in an entry
    heap_mask: int
    heap_encoding: int
    heap_interceptor: int
    heap_signature: int
    heap_total_free: int
    heap_large: int
    heap_segments: int
    heap_free: int
    heap_front: int
    heap_front_type: int
    segment_list: int
    segment_last: int
    lfh_zones: int
    zone_first: int
    sub_bytes: int
    sub_users: int
    sub_size: int
    sub_count: int
    ub_signature: int
    ub_first: int  # bytes before the bitmap, or before the slots where there is none


TEN_64 = Layout("10", 8, 16, 8, 0x7C, 0x80, 0x90, 0x98, 0xC0, 0x110, 0x120, 0x150, 0x198, 0x1A2, 0x18, 0x48,
                0x8, 0x20, 0x40, 0x8, 0x24, 0x28, 0x14, 0x30)  # fmt: skip
TEN_32 = Layout("10", 4, 8, 0, 0x4C, 0x50, 0x58, 0x60, 0x74, 0x9C, 0xA4, 0xC0, 0xE4, 0xEA, 0x10, 0x28,
                0x4, 0x10, 0x28, 0x4, 0x14, 0x18, 0xC, 0x1C)  # fmt: skip
SEVEN_64 = Layout("7", 8, 16, 8, 0x7C, 0x80, 0x98, 0xA0, 0xC8, 0x118, 0x128, 0x158, 0x178, 0x182, 0x18, 0x48,
                  0x28, 0x20, 0x30, 0x8, 0x18, 0x1C, 0x18, 0x20)  # fmt: skip
SEVEN_32 = Layout("7", 4, 8, 0, 0x4C, 0x50, 0x5C, 0x64, 0x78, 0xA0, 0xA8, 0xC4, 0xD4, 0xDA, 0x10, 0x28,
                  0x18, 0x10, 0x20, 0x4, 0x10, 0x14, 0xC, 0x10)  # fmt: skip
# A build of which only `tests/data/symbols/ntdll/ntdll.c` tells where fields stand.
UNKNOWN_64 = Layout("unknown", 8, 16, 8, 0x9C, 0xA0, 0xB0, 0xB8, 0xE0, 0x130, 0x140, 0x170, 0x1B8, 0x1C2, 0x18, 0x48,
                    0x10, 0x20, 0x38, 0x10, 0x2C, 0x30, 0x1C, 0x38)  # fmt: skip
UNKNOWN_32 = Layout("unknown", 4, 8, 0, 0x5C, 0x60, 0x68, 0x70, 0x84, 0xAC, 0xB4, 0xC8, 0xEC, 0xF2, 0x10, 0x28,
                    0x8, 0x10, 0x20, 0x8, 0x18, 0x1C, 0x10, 0x20)  # fmt: skip
LAYOUTS = (TEN_64, SEVEN_64, UNKNOWN_64, TEN_32, SEVEN_32, UNKNOWN_32)


class LackingError(Exception):
    """Memory that the dump does not hold."""


class Dump:
    """Memory and allocations of a dump."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        _, _, count, directory = struct.unpack_from("<4sIII", self.data)
        streams = {}
        for number, size, offset in struct.iter_unpack("<III", self.data[directory : directory + 12 * count]):
            streams.setdefault(number, (offset, size))
        self.ranges = []
        if 9 in streams:
            at = streams[9][0]
            count, offset = struct.unpack_from("<QQ", self.data, at)
            for base, size in struct.iter_unpack("<QQ", self.data[at + 16 : at + 16 + 16 * count]):
                self.ranges.append((base, size, offset))
                offset += size
        if 5 in streams:
            at = streams[5][0]
            (count,) = struct.unpack_from("<I", self.data, at)
            for base, size, offset in struct.iter_unpack("<QII", self.data[at + 4 : at + 4 + 16 * count]):
                self.ranges.append((base, size, offset))
        self.ranges.sort()
        self.starts = [base for base, _, _ in self.ranges]
        at = streams[16][0]
        head, size, count = struct.unpack_from("<IIQ", self.data, at)
        rows = [struct.unpack_from("<QQIIQII", self.data, at + head + size * row) for row in range(count)]
        # Base of the allocation, and bytes by state.
        self.regions = [(row[0], row[1], row[4], row[5]) for row in rows]
        self.allocations = sorted({row[1] for row in rows if row[5] != 0x10000})
        at = streams[3][0]
        self.tebs = [struct.unpack_from("<Q", self.data, at + 4 + 48 * row + 16)[0]
                     for row in range(struct.unpack_from("<I", self.data, at)[0])]  # fmt: skip
        at = streams[4][0]
        self.modules = [struct.unpack_from("<QI", self.data, at + 4 + 108 * row)
                        for row in range(struct.unpack_from("<I", self.data, at)[0])]  # fmt: skip

    def read(self, address: int, count: int) -> bytes:
        found = b""
        while count:
            place = bisect.bisect_right(self.starts, address) - 1
            if place < 0 or address >= self.ranges[place][0] + self.ranges[place][1]:
                raise LackingError(f"{address:#x}")
            base, size, offset = self.ranges[place]
            some = min(count, base + size - address)
            part = self.data[offset + address - base : offset + address - base + some]
            if len(part) < some:
                raise LackingError(f"{address:#x}")
            found, address, count = found + part, address + some, count - some
        return found

    def number(self, address: int, count: int) -> int:
        return int.from_bytes(self.read(address, count), "little")

    def ring(self, head: int, width: int) -> list[int]:
        """Links of a list, without its head; a link that comes again ends it."""
        found: dict[int, None] = {}
        at = self.number(head, width)
        while at != head and at not in found:
            found[at] = None
            at = self.number(at, width)
        return list(found)


@dataclass
class Entry:
    """An entry of a segment."""

    address: int
    bytes: int
    flags: int
    unused: int

    @property
    def is_busy(self) -> bool:
        return bool(self.flags & 1)


@dataclass
class Block:
    """A block that the program has."""

    address: int
    requested: int
    front_end: str
    trace: int | None


@dataclass
class Heap:
    """A heap with everything that was found in it."""

    base: int
    layout: Layout
    is_encoded: bool
    has_traces: bool
    segments: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    free_bytes: int = 0
    counted_free: int = 0
    lfh_free: int = 0
    uncommitted: int = 0
    keys: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def find(dump: Dump) -> list[Heap]:
    """Every heap by its signatures, of both widths."""
    heaps = []
    for base in dump.allocations:
        for layout in LAYOUTS:
            sign, owner = (0x10, 0x28) if layout.width == 8 else (0x8, 0x18)
            try:
                if dump.number(base + sign, 4) != 0xFFEEFFEE or dump.number(base + owner, layout.width) != base:
                    continue
                if dump.number(base + layout.heap_signature, 4) == 0xEEFFEEFF:
                    heaps.append(_heap(dump, base, layout))
                    break
            except LackingError:
                continue
    return heaps


def _heap(dump: Dump, base: int, layout: Layout) -> Heap:
    is_encoded = dump.number(base + layout.heap_mask, 4) != 0
    heap = Heap(base, layout, is_encoded, dump.number(base + layout.heap_interceptor, 4) != 0)
    encoding = dump.read(base + layout.heap_encoding + layout.header, 8) if is_encoded else bytes(8)
    heap.counted_free = dump.number(base + layout.heap_total_free, layout.width) * layout.unit
    links = dump.ring(base + layout.heap_segments, layout.width)
    heap.segments = [link - layout.segment_list for link in links]
    for segment in heap.segments:
        _walk(dump, heap, segment, encoding)
    users, own = _slots(dump, heap)
    _blocks(dump, heap, users | own)
    _large(dump, heap, encoding, own)
    heap.free_bytes = sum(entry.bytes for entry in heap.entries if not entry.is_busy)
    if heap.free_bytes != heap.counted_free:
        heap.wrong.append("free bytes are not what the heap counts")
    free = {entry.address for entry in heap.entries if not entry.is_busy}
    front = layout.header + 8
    if {link - front for link in dump.ring(base + layout.heap_free, layout.width)} != free:
        heap.wrong.append("the list of free entries is not the free entries")
    heap.blocks.sort(key=lambda block: block.address)
    return heap


def _walk(dump: Dump, heap: Heap, segment: int, encoding: bytes) -> None:
    layout = heap.layout
    last = dump.number(segment + layout.segment_last, layout.width)
    at, before = segment, 0
    while at < last:
        try:
            raw = dump.read(at + layout.header, 8)
        except LackingError:
            heap.wrong.append(f"no memory at {at:#x}")
            return
        head = bytes(byte ^ code for byte, code in zip(raw, encoding, strict=True))
        units, flags, check, previous, _, unused = struct.unpack("<HBBHBB", head)
        if heap.is_encoded and head[0] ^ head[1] ^ head[2] != check:
            heap.wrong.append(f"checksum at {at:#x}")
            return
        if previous != before:
            heap.wrong.append(f"chain at {at:#x}")
        if units == 0:
            heap.wrong.append(f"no size at {at:#x}")
            return
        heap.entries.append(Entry(at, units * layout.unit, flags, unused))
        before = units
        at += units * layout.unit
        if flags & 1 and unused == 3:
            descriptor = heap.entries[-1].address + layout.header + 8
            start = dump.number(descriptor + 4 * layout.width, layout.width)
            size = dump.number(descriptor + 5 * layout.width, layout.width)
            if start != at:
                heap.wrong.append(f"uncommitted range at {at:#x}")
                return
            heap.uncommitted += size
            at, before = start + size, 0
    if at != last:
        heap.wrong.append(f"segment {segment:#x} ends elsewhere")


def _slots(dump: Dump, heap: Heap) -> tuple[set[int], set[int]]:
    """Adds the blocks of the low-fragmentation heap; user addresses of UserBlocks, and of what else is its own."""
    layout, width = heap.layout, heap.layout.width
    if dump.number(heap.base + layout.heap_front_type, 1) != 2:
        return set(), set()
    store = dump.number(heap.base + layout.heap_front, width)
    zones = dump.ring(store + layout.lfh_zones, width)
    users_found = set()
    for zone in zones:
        if layout.windows != "7":
            count = dump.number(zone + 2 * width, 4)
        else:
            count = (dump.number(zone + 2 * width, width) - zone - layout.zone_first) // layout.sub_bytes
        for number in range(count):
            sub = zone + layout.zone_first + number * layout.sub_bytes
            users = dump.number(sub + layout.sub_users, width)
            if users == 0:
                continue
            if dump.number(users + layout.ub_signature, 4) != 0xF0E0D0C0 or dump.number(users, width) != sub:
                heap.wrong.append(f"UserBlocks at {users:#x}")
                continue
            users_found.add(users)
            stride = dump.number(sub + layout.sub_size, 2) * layout.unit
            _slots_of(dump, heap, (sub, users, store), stride, dump.number(sub + layout.sub_count, 2))
    return users_found, {*zones, store}


def _slots_of(dump: Dump, heap: Heap, places: tuple[int, int, int], stride: int, count: int) -> None:
    layout, width = heap.layout, heap.layout.width
    sub, users, store = places
    first, bits = layout.ub_first, None
    if layout.windows != "7":
        words = -(-count // (8 * width))
        first += words * width
        bits = dump.number(users + layout.ub_first, words * width)
        if dump.number(users + layout.ub_first - 2 * width, 4) != count:
            heap.wrong.append(f"bitmap of {users:#x}")
    first = -(-first // layout.unit) * layout.unit
    if layout.windows != "7":
        offsets = dump.number(users + layout.ub_signature + 4, 4)
        key = offsets ^ (first | stride << 16) ^ (users & 0xFFFFFFFF) ^ (store & 0xFFFFFFFF)
        heap.keys.add(key)
    for number in range(count):
        entry = users + first + number * stride
        code, _, _, mark = struct.unpack("<IHBB", dump.read(entry + layout.header, 8))
        place = (entry // layout.unit ^ heap.base ^ code) & 0xFFFFFFFF
        if layout.windows != "7":
            place ^= (entry - users) // layout.unit << 16
        else:
            place ^= sub & 0xFFFFFFFF
        heap.keys.add(place)
        is_busy = mark != 0x80
        if not mark & 0x80:
            heap.wrong.append(f"mark at {entry:#x}")
        if bits is not None and bool(bits >> number & 1) != is_busy:
            heap.wrong.append(f"bit of {entry:#x}")
        if is_busy:
            _busy(dump, heap, entry, stride, mark & 0x3F, "lfh")
        else:
            heap.lfh_free += stride


def _busy(dump: Dump, heap: Heap, entry: int, size: int, unused: int, front_end: str) -> None:
    layout = heap.layout
    front, user = layout.header + 8, 0x30 if layout.width == 8 else 0x18
    if heap.has_traces:
        index, _, length, back, sign = struct.unpack("<HHHBB", dump.read(entry + user - 8, 8))
        if (index, back, sign) == (1, 2, 5):
            trace = dump.number(entry + front, layout.width)
            heap.blocks.append(Block(entry + user, size - length, front_end, trace))
            return
    heap.blocks.append(Block(entry + front, size - unused, front_end, None))


def _blocks(dump: Dump, heap: Heap, own: set[int]) -> None:
    front = heap.layout.header + 8
    for entry in heap.entries:
        # Less than a header's bytes unused: the heap's own.
        if entry.is_busy and entry.unused >= 8 and entry.address + front not in own:
            _busy(dump, heap, entry.address, entry.bytes, entry.unused, "backend")


def _large(dump: Dump, heap: Heap, encoding: bytes, own: set[int]) -> None:
    layout, width = heap.layout, heap.layout.width
    for base in dump.ring(heap.base + layout.heap_large, width):
        committed = dump.number(base + 4 * width, width)
        raw = dump.read(base + 6 * width + layout.header, 4)
        low, high, flags, check = (byte ^ code for byte, code in zip(raw, encoding, strict=False))
        if heap.is_encoded and low ^ high ^ flags != check:
            heap.wrong.append(f"checksum of {base:#x}")
            continue
        front = 6 * width + layout.header + 8
        requested, trace = committed - (low | high << 8), None
        if base + front in own:
            continue
        if heap.has_traces:
            trace = dump.number(base + front, width)
            front += 0x20 if width == 8 else 0x10
        heap.blocks.append(Block(base + front, requested, "large", trace))


def stack(dump: Dump, heap: Heap, trace: int) -> list[int] | None:
    """Return addresses of a trace: the field of depth that gives 1 to 32 with all of them in modules."""
    width = heap.layout.width
    for at in (0xC, 0xE) if width == 8 else (0x8, 0xA):
        depth = dump.number(trace + at, 2)
        if 1 <= depth <= 32:
            first = trace + (0x10 if width == 8 else 0xC)
            frames = [dump.number(first + width * number, width) for number in range(depth)]
            if all(any(base <= frame < base + size for base, size in dump.modules) for frame in frames):
                return frames
    return None


def listed(dump: Dump, width: int) -> list[int]:
    """The heaps that the environment block of the process lists."""
    teb, is_wow = dump.tebs[0], False
    if width == 4:
        try:
            is_wow = dump.number(teb + 0x2000 + 0x18, 4) == teb + 0x2000
        except LackingError:
            is_wow = False
    if width == 8:
        peb, count, heaps = dump.number(teb + 0x60, 8), 0xE8, 0xF0
    else:
        peb, count, heaps = dump.number(teb + (0x2000 if is_wow else 0) + 0x30, 4), 0x88, 0x90
    first = dump.number(peb + heaps, width)
    return [dump.number(first + number * width, width) for number in range(dump.number(peb + count, 4))]
