"""The heaps of a dump, walked when they are first asked for; and how much of them the dump holds at all."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple, Protocol

import polars as pl

from heapdelta._capture.dump_lists import ABSENT, DAMAGED, WHOLE, knows
from heapdelta._numbers import total_of_known
from heapdelta._words import bytes_text, of_count, plural, share_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from heapdelta import _native as core
    from heapdelta._symbols.store import SymbolStore

TABLES = ("heaps", "segments", "allocations", "sizes", "usage", "stacks", "frames")
"""What a walk gives."""
CONTENTS = ("contents", "crt_blocks")
"""What only a walk gives that looks into the blocks as well."""
ISSUES = "issues"

CAPTURE_HINT = "procdump -ma captures all of it: docs/capture.md"
_ENOUGH = 0.95
"""From this share on, a dump counts as one that holds its heaps."""


class _Dump(Protocol):
    @property
    def regions(self) -> pl.DataFrame: ...

    @property
    def memory(self) -> pl.DataFrame: ...

    @property
    def streams(self) -> pl.DataFrame: ...

    @property
    def issues(self) -> pl.DataFrame: ...


class HeldMemory(NamedTuple):
    """How much of its heap memory a dump holds: what is committed in segments of heaps.

    These are the allocations that start with a segment of a heap, of class ``heap``, which the dump's lists tell; and
    the page segments of segment heaps, of class ``private``, which only a walk by symbols of ntdll tells. Blocks with
    an allocation of their own (large ones, those of page heap) are in no segment, and not counted.
    """

    of: str
    """``heap``; ``private`` where no heap is recognised, so that all private memory is what there may be of heaps."""
    held_bytes: int | None
    """Bytes of it whose contents are in the dump; None where the dump does not list its regions."""
    committed_bytes: int | None
    """Bytes of it that the process had; None where the dump does not list its regions."""
    unread_segment_heaps: int
    """Segment heaps that were not read, so that their page segments are not counted."""

    @property
    def little(self) -> bool:
        """True where a good part of it is not in the dump, or that is not known."""
        if self.held_bytes is None or self.committed_bytes is None:
            return True
        return self.held_bytes < _ENOUGH * self.committed_bytes

    def __str__(self) -> str:
        if self.held_bytes is None or self.committed_bytes is None:
            return "how much heap memory there was is not known: the dump does not list its regions"
        amounts = f"{bytes_text(self.held_bytes)} of {bytes_text(self.committed_bytes)}"
        share = share_text(self.held_bytes, self.committed_bytes)
        if self.of == "private":
            return f"no heap is recognised; {amounts} of private memory are in this dump ({share})"
        words = f"{amounts} in segments of heaps are in this dump ({share})"
        if not self.unread_segment_heaps:
            return words
        return f"{words}; not counted are the page segments of {plural(self.unread_segment_heaps, 'segment heap')}"


class Walks:
    """The walks through the heaps of one dump: none before one is asked for, and the largest is kept."""

    def __init__(self, native: core.Dump, symbols: core.HeapSymbols | None = None) -> None:
        self.native = native
        self._symbols = symbols
        self._kept: core.HeapWalk | None = None
        self._has_contents = False

    @property
    def done(self) -> bool:
        """True once the heaps were walked."""
        return self._kept is not None

    def page_segments(self, *, walk: bool) -> tuple[list[tuple[int, int]], int]:
        """Give base and size of all page segments, and how many segment heaps were not read.

        Without symbols of ntdll no such heap is read, so that no walk is needed to tell; with them, heaps are walked
        if they were not, unless `walk` is False.
        """
        count = self.native.segment_heap_count
        if not count or not (self.done or (walk and self._symbols is not None)):
            return [], count
        heaps = pl.DataFrame(self.table("heaps")).filter(pl.col("kind") == "segment")
        segments = pl.DataFrame(self.table("segments")).filter(pl.col("kind") == "segment")
        own = segments.join(heaps, on="heap_id", how="semi").select("base", "reserved_bytes")
        return list(own.iter_rows()), heaps["busy_bytes"].null_count()

    def with_symbols(self, store: SymbolStore) -> Walks:
        """Give the walks that take layouts from the PDB of the dump's own ntdll; these, where a store has none."""
        symbols = self.native.heap_symbols(store._native)
        return self if symbols is None else Walks(self.native, symbols)

    def table(self, name: str) -> core.Table:
        """Give a table, and keep the walk that has it."""
        if self._kept is None or (name in CONTENTS and not self._has_contents):
            self._kept = self._walk([name])
            self._has_contents = name in CONTENTS
        return self._kept.table(name)

    def passing(self, names: Sequence[str]) -> dict[str, core.Table]:
        """Give tables without keeping the walk that they need: those of many dumps are too much to keep."""
        walk = self._kept
        if walk is None or (not self._has_contents and not set(CONTENTS).isdisjoint(names)):
            walk = self._walk(names)
        return {name: walk.table(name) for name in names}

    def _walk(self, names: Iterable[str]) -> core.HeapWalk:
        if set(CONTENTS).isdisjoint(names):
            return self.native.heap_walk(symbols=self._symbols)
        return self.native.heap_walk(contents=True, symbols=self._symbols)


def held_memory(dump: _Dump, page_segments: list[tuple[int, int]], unread: int) -> HeldMemory:
    """Tell how much of its heap memory a dump holds; `unread` segment heaps have more than these page segments."""
    if not knows(dump, "regions"):
        return HeldMemory("heap", None, None, unread)
    committed = dump.regions.filter(pl.col("state") == "commit")
    is_heap = pl.col("class") == "heap"
    heaps = committed.filter(is_heap)
    of = "heap" if heaps.height else "private"
    rows = heaps if heaps.height else committed.filter(pl.col("type") == "private")
    ranges = list(rows.select("base", "size").iter_rows())
    if heaps.height and page_segments:
        private = committed.filter(~is_heap & (pl.col("type") == "private"))
        ranges += _within(private.select("base", "size").iter_rows(), page_segments)
    held = _overlap(ranges, list(dump.memory.select("base", "size").iter_rows()))
    return HeldMemory(of, held, sum(size for _, size in ranges), unread)


def _within(ranges: Iterable[tuple[int, int]], parts: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut ranges to what is in some parts of the address space; what is in several counts once."""
    others = _apart(parts)
    part = next(others, None)
    for base, size in _apart(ranges):
        while part is not None:
            start, end = max(base, part[0]), min(base + size, sum(part))
            if start < end:
                yield start, end - start
            if sum(part) > base + size:
                break
            part = next(others, None)


def _apart(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sort ranges, and make one of those that meet: a damaged list may have any."""
    start = end = 0
    for base, size in sorted(ranges):
        if base > end:
            if end > start:
                yield start, end - start
            start = end = base
        end = max(end, base + size)
    if end > start:
        yield start, end - start


def _overlap(wanted: Iterable[tuple[int, int]], held: Iterable[tuple[int, int]]) -> int:
    """Count the bytes of ranges that are held; ranges that are held may overlap."""
    starts, sizes, before = [0], [0], [0]
    for base, size in sorted(held):
        end = max(starts[-1] + sizes[-1], base + size)
        start = max(starts[-1] + sizes[-1], base)
        starts.append(start)
        before.append(before[-1] + sizes[-1])
        sizes.append(end - start)

    def below(address: int) -> int:
        place = bisect_right(starts, address) - 1
        return before[place] + min(address - starts[place], sizes[place])

    return sum(below(base + size) - below(base) for base, size in wanted)


def state_of(heaps: pl.DataFrame, issues: pl.DataFrame) -> str:
    """Tell whether all blocks of all heaps are known: ``whole``, ``damaged`` (some are) or ``absent`` (none is)."""
    read = heaps.filter(pl.col("busy_bytes").is_not_null())
    if read.is_empty():
        return ABSENT
    proved = (heaps["trust"] == "proved").all() and (read["unknown_bytes"] == 0).all()
    return WHOLE if proved and not missing(issues) else DAMAGED


def missing(issues: pl.DataFrame) -> int:
    """Count the heaps that the process lists and the dump does not have."""
    return total_of_known(issues.filter((pl.col("kind") == "heap_list") & (pl.col("severity") != "info"))["count"])


def doubts_of(heaps: pl.DataFrame, issues: pl.DataFrame) -> list[str]:
    """Say what of the heaps is not known or not proved, one sentence each."""
    lost = missing(issues)
    notes = [
        f"{plural(lost, 'heap')} of the process {of_count(lost, 'is', 'are')} not in the memory that the dump holds: "
        "what is in there is in no sum"
    ] * bool(lost)
    if heaps.is_empty():
        return [*notes, "no heap was found in the memory that the dump holds"]
    unread = heaps.filter(pl.col("busy_bytes").is_null())
    segment = unread.filter(pl.col("kind") == "segment").height
    if segment:
        notes.append(
            f"{plural(segment, 'segment heap')} of Windows 10 and later {of_count(segment, 'is', 'are')} not read: "
            "what is in there is in no sum; with_symbols reads such heaps where the store has the ntdll.pdb of the dump"
        )
    other = unread.height - segment
    if other:
        notes.append(
            f"the layout of {plural(other, 'heap')} is not proved, so {of_count(other, 'it was', 'they were')} not "
            "read: what is in there is in no sum"
        )
    unknown = total_of_known(heaps["unknown_bytes"])
    if unknown:
        notes.append(
            f"of {bytes_text(unknown)} in heaps nothing is known, most often because their pages are not in the dump: "
            "there are at least as many blocks and bytes as are counted"
        )
    read_segment = heaps.filter((pl.col("kind") == "segment") & pl.col("busy_bytes").is_not_null()).height
    if read_segment:
        notes.append(
            f"{plural(read_segment, 'segment heap')} {of_count(read_segment, 'was', 'were')} read by the symbols of "
            "ntdll, which is experimental: no real process with segment heaps was at hand"
        )
    page = heaps.filter(pl.col("kind") == "page").height
    if page:
        notes.append(
            f"{plural(page, 'page heap')} {of_count(page, 'was', 'were')} read, which is experimental: no real process "
            "with page heap was at hand"
        )
    damaged = heaps.filter(pl.col("trust") == "damaged").height
    if damaged:
        notes.append(
            f"{plural(damaged, 'heap')} {of_count(damaged, 'contradicts itself', 'contradict themselves')}: the "
            "program may have written past a block; the issues of the heaps have the places"
        )
    return notes
