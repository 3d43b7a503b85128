"""What lies where in a heap, as cells along its addresses: tables of a walk in, small lists out, no drawing.

A cell has some thousand bytes, and tells how many of them are busy, free, overhead, unknown and uncommitted. The sums
of all cells of a heap are those of its segments, but for half a header of a free block before an uncommitted range.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._capture.dump_lists import knows
from heapdelta._numbers import starts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapdelta._capture.dump import Dump

KINDS = ("busy", "overhead", "unknown", "free", "uncommitted")
"""What a byte of a segment is, in the order in which they are drawn from the bottom up."""

CELLS = 1_440
"""Most cells of a picture."""
_ROWS = 24
_FEW = 8
_WORD = 16


class Cell(NamedTuple):
    """A piece of a heap: its row of the picture, where in that, first address, and bytes by `KINDS`."""

    row: int
    left: int
    address: int
    size: int
    parts: tuple[int, ...]


class Layout(NamedTuple):
    """The cells of a heap. `width` is bytes of a row; `rows` are the first addresses; `starts` where segments begin."""

    cells: list[Cell]
    width: int
    rows: list[int]
    starts: list[tuple[int, int]]


class _Ranges:
    """Ranges of addresses that do not overlap, of which is asked how many bytes lie below an address."""

    def __init__(self, starts: pl.Series, sizes: pl.Series) -> None:
        ordered = pl.DataFrame({"start": starts, "size": sizes}).sort("start")
        self._starts, self._sizes = ordered["start"], ordered["size"]
        self._below = starts_of(self._sizes).head(-1)

    def between(self, edges: pl.Series) -> list[int]:
        """Count the bytes from each edge to the next."""
        if not len(self._starts):
            return [0] * (len(edges) - 1)
        places = self._starts.search_sorted(edges, side="right").cast(pl.Int64, strict=False) - 1
        held = places.clip(lower_bound=0)
        inside = pl.DataFrame({"into": edges - self._starts.gather(held), "size": self._sizes.gather(held)})
        part = inside.select(pl.min_horizontal("into", "size").alias("part"))["part"].cast(pl.Int64, strict=False)
        below = (self._below.gather(held) + part).to_list()
        known = places.to_list()
        counts = [amount if place >= 0 else 0 for amount, place in zip(below, known, strict=True)]
        return [after - before for before, after in pairwise(counts)]


def layout(dump: Dump, heap_id: int) -> Layout:
    """Cut the segments of a heap into cells, one behind the other, in rows of equal length."""
    segments = dump.segments.filter((pl.col("heap_id") == heap_id) & (pl.col("kind") != "large")).sort("base")
    pieces = _drawn(dump, segments)
    total = sum(size for _, size in pieces)
    if not total:
        return Layout([], 1, [], [])
    rows = min(_ROWS, max(_FEW, len(pieces)))
    cell = _rounded(-(-total // (CELLS - 2 * (rows + len(pieces)))) if total > CELLS else 1)
    width = cell * -(-total // (rows * cell))
    cuts, first, starts = _cuts(pieces, cell, width)
    parts = _parts(dump, segments, heap_id, cuts)
    return Layout([Cell(*cut, parts=part) for cut, part in zip(cuts, parts, strict=True)], width, first, starts)


def _drawn(dump: Dump, segments: pl.DataFrame) -> list[tuple[int, int]]:
    """Give the base of each segment, and its bytes up to the last committed one: what follows is nothing to look at."""
    committed = [(base, base + size) for base, size in zip(*_columns(dump.regions.filter(state="commit")), strict=True)]
    starts = [start for start, _ in committed]
    pieces = []
    for row in segments.iter_rows(named=True):
        base, end = row["base"], row["base"] + row["reserved_bytes"]
        inside = committed[bisect_left(starts, base) : bisect_left(starts, end)]
        ends = [min(end, last) for _, last in inside]
        pieces.append((base, max(ends) - base if ends else end - base))
    return pieces


def _rounded(size: int) -> int:
    """Make cells of a size that reads well."""
    step = max(_WORD, 1 << max(0, size.bit_length() - 3))
    return -(-size // step) * step


def _cuts(
    pieces: Sequence[tuple[int, int]], cell: int, width: int
) -> tuple[list[tuple[int, int, int, int]], list[int], list[tuple[int, int]]]:
    """Give row, place in it, address and size of each cell; the first address of each row; where segments begin."""
    cuts: list[tuple[int, int, int, int]] = []
    first: list[int] = []
    starts: list[tuple[int, int]] = []
    at = 0
    for base, size in pieces:
        starts.append((at // width, at % width))
        done = 0
        while done < size:
            row, left = divmod(at, width)
            step = min(cell, size - done, width - left)
            if row == len(first):
                first.append(base + done)
            cuts.append((row, left, base + done, step))
            done, at = done + step, at + step
    return cuts, first, starts


def _parts(
    dump: Dump, segments: pl.DataFrame, heap_id: int, cuts: Sequence[tuple[int, int, int, int]]
) -> list[tuple[int, ...]]:
    """Count the bytes of each kind in each cell."""
    blocks = dump.allocations.filter((pl.col("heap_id") == heap_id) & (pl.col("front_end") != "large"))
    busy, free = (blocks.filter(pl.col("state") == state) for state in ("busy", "free"))
    counted = {
        "busy": _in_cells(busy["address"], busy["requested_bytes"], cuts),
        # A block goes on over the first half of the next one's header, so that of a free one begins in the middle, too.
        "free": _in_cells(free["address"] - _WORD // 2, free["block_bytes"], cuts),
        "held": _in_cells(*_columns(dump.memory), cuts),
        "uncommitted": [0] * len(cuts),
    }
    if knows(dump, "regions"):
        counted["uncommitted"] = _in_cells(*_columns(dump.regions.filter(pl.col("state") != "commit")), cuts)
    elif not segments["unknown_bytes"].any():
        counted["uncommitted"] = [cut[3] - held for cut, held in zip(cuts, counted["held"], strict=True)]
    parts: list[tuple[int, ...]] = []
    for cut, *numbers in zip(cuts, *(counted[name] for name in ("busy", "free", "held", "uncommitted")), strict=True):
        in_use, unused, held, uncommitted = numbers
        # Before an uncommitted range it has no next one.
        unused = min(unused, cut[3] - in_use - uncommitted)
        left = cut[3] - in_use - unused - uncommitted
        unknown = min(left, max(0, cut[3] - uncommitted - held))
        parts.append((in_use, left - unknown, unknown, unused, uncommitted))
    return parts


def _columns(ranges: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    return ranges["base"], ranges["size"]


def _in_cells(starts: pl.Series, sizes: pl.Series, cuts: Sequence[tuple[int, int, int, int]]) -> list[int]:
    """Count the bytes of ranges in each cell; between two segments there is none."""
    ranges = _Ranges(starts, sizes)
    edges: list[int] = []
    for _, _, address, size in cuts:
        if not edges or edges[-1] != address:
            edges.append(address)
        edges.append(address + size)
    counts = dict(zip(edges, ranges.between(pl.Series(edges, dtype=pl.UInt64)), strict=False))
    return [counts[address] for _, _, address, _ in cuts]


def merged(cells: Iterable[Cell]) -> list[Cell]:
    """Put neighbours of one row together that are of one kind, whole: most of a heap is uncommitted, or busy."""
    found: list[Cell] = []
    for cell in cells:
        last = found[-1] if found else None
        if last is not None and last.row == cell.row and last.left + last.size == cell.left:
            alike = [
                kind for kind in range(len(KINDS)) if last.parts[kind] == last.size and cell.parts[kind] == cell.size
            ]
            if alike:
                sums = tuple(one + other for one, other in zip(last.parts, cell.parts, strict=True))
                found[-1] = Cell(last.row, last.left, last.address, last.size + cell.size, sums)
                continue
        found.append(cell)
    return found
