"""Stacks become paths: what a tree shows of each, from the root on, as numbers of `Codes`.

    total → module blamed → function blamed → its callers → …    (outward)
    total → start of the thread → … → function blamed            (inward)

Every stack has a path of at least one step, so that no bytes are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import polars as pl

from heapdelta._numbers import places_of, starts_of
from heapdelta._tree.codes import ALL_HIDDEN, CUT_OFF, NONE, NOT_IN_FILE, NOT_RECORDED

if TYPE_CHECKING:
    from heapdelta._ranking.matched import Matched


class Numbered(Protocol):
    """What steps are: frames by number, behind `KINDS`."""

    @property
    def modules(self) -> pl.Series:
        """The number of each frame's module."""

    @property
    def functions(self) -> pl.Series:
        """The number of each frame's function, or of what is shown in its place."""


@dataclass(frozen=True)
class Shape:
    """How a tree is to be."""

    inward: bool
    of_modules: bool
    """Neighbours of one module are one step."""
    keep_allocators: bool


@dataclass(frozen=True)
class Paths:
    """Steps of all paths, one path behind the other."""

    steps: pl.Series
    starts: pl.Series
    """Where each path begins, and where the last one ends."""
    rows: pl.Series
    """Whose paths they are."""

    @property
    def lengths(self) -> pl.Series:
        """How many steps each path has; none has none."""
        return self.starts.diff().slice(1)

    def reversed(self) -> Paths:
        """Turn each path round, and with them their order."""
        starts = (self.starts[-1] - self.starts).reverse()
        return Paths(self.steps.reverse(), starts, self.rows.reverse())


@dataclass(frozen=True)
class _Frames:
    """Frames of stacks, as numbers, one stack behind the other; and what is shown of each: `count` from `begin` on."""

    numbers: pl.Series
    begin: pl.Series
    count: pl.Series

    def without(self, out: pl.Series) -> _Frames:
        """Take frames out."""
        before = starts_of(~out)
        begin, end = before.gather(self.begin), before.gather(self.begin + self.count)
        return _Frames(self.numbers.filter(~out), begin, end - begin)


def paths(matched: Matched, codes: Numbered, stacks: pl.Series, hidden: pl.Series, shape: Shape) -> Paths:
    """Give the path of each of some stacks; null stands for blocks without one. `hidden` frames are no step."""
    listed, rows = _listed(matched, stacks)
    blamed = _blamed(pl.concat(matched.flags, rechunk=True).gather(listed.numbers), listed)
    frames = listed
    if not shape.keep_allocators:
        frames = _Frames(listed.numbers, blamed, listed.begin + listed.count - blamed)
    if hidden.any():
        frames = frames.without(hidden.gather(frames.numbers))
    cut_off = pl.concat([source.stacks["truncated"] for source in matched.sources]).gather(stacks.gather(rows))
    end = pl.select(
        pl.when(pl.lit(frames.count == 0)).then(ALL_HIDDEN).when(pl.lit(cut_off)).then(CUT_OFF).otherwise(NONE)
    ).to_series()
    start = pl.repeat(NONE, len(rows), dtype=pl.UInt32, eager=True)
    if not shape.inward:
        start = codes.modules.gather(listed.numbers.gather(blamed))
    if shape.of_modules:
        frames = _Frames(codes.modules.gather(frames.numbers), frames.begin, frames.count)
        frames = frames.without(_repeated(frames, start))
    else:
        frames = _Frames(codes.functions.gather(frames.numbers), frames.begin, frames.count)
    made = _joined(start, frames, end.cast(pl.UInt32), _without_frames(stacks, rows), rows)
    return made.reversed() if shape.inward else made


def _listed(matched: Matched, stacks: pl.Series) -> tuple[_Frames, pl.Series]:
    """Give the frames of those stacks that have some, and the rows of these."""
    has_frames = matched.stacks["frame"].gather(stacks).is_not_null()
    parts, rows, counts = [], [], []
    frames_seen, stacks_seen = 0, 0
    for source in matched.sources:
        height = source._height("stacks")
        own = stacks.is_between(stacks_seen, stacks_seen + height, closed="left").fill_null(False) & has_frames
        lists = source.stacks["frame_ids"].gather(stacks.filter(own) - stacks_seen)
        numbers = lists.explode().cast(pl.UInt32)
        parts.append(numbers + frames_seen if frames_seen else numbers)
        rows.append(own.arg_true())
        counts.append(lists.list.len())
        frames_seen += source.frames.height
        stacks_seen += height
    count = pl.concat(counts).cast(pl.Int64, strict=False)
    starts = starts_of(count)
    numbers = pl.concat(parts).head(int(starts[-1]))
    return _Frames(numbers, starts.head(-1), count), pl.concat(rows)


def _blamed(passed_over: pl.Series, listed: _Frames) -> pl.Series:
    """Tell where the frame is that each stack counts for: the first that is not passed over, else the last."""
    last = listed.begin + listed.count - 1
    others = (~passed_over).arg_true().cast(pl.Int64, strict=False)
    if others.is_empty():
        return last
    next_one = others.search_sorted(listed.begin)
    found = others.gather(next_one.clip(upper_bound=len(others) - 1))
    return found.set((found < listed.begin) | (found > last), None).fill_null(last)


def _repeated(frames: _Frames, start: pl.Series) -> pl.Series:
    """Tell which modules are that of their neighbour before them; the first has the step at the `start` there."""
    same = (frames.numbers == frames.numbers.shift(1)).fill_null(False)
    some = frames.count > 0
    first = frames.begin.filter(some)
    return same.scatter(first, frames.numbers.gather(first) == start.filter(some))


def _without_frames(stacks: pl.Series, rows: pl.Series) -> pl.DataFrame:
    """Give the rows that have none, with the ``step`` that says why."""
    others = pl.repeat(True, len(stacks), eager=True).scatter(rows, False).arg_true()
    unrecorded = stacks.gather(others).is_null()
    step = pl.when(pl.lit(unrecorded)).then(NOT_RECORDED).otherwise(NOT_IN_FILE).cast(pl.UInt32)
    return pl.select(pl.lit(others).alias("row"), step.alias("step"))


def _joined(start: pl.Series, frames: _Frames, end: pl.Series, others: pl.DataFrame, rows: pl.Series) -> Paths:
    """Put paths together: a step at the start and one at the end where there are some, frames between them."""
    has_start, has_end = (step != NONE for step in (start, end))
    lengths = has_start.cast(pl.Int64, strict=False) + frames.count + has_end.cast(pl.Int64, strict=False)
    ones = pl.repeat(1, others.height, dtype=pl.Int64, eager=True)
    lengths = pl.concat([lengths, ones])
    starts = starts_of(lengths)
    # Where each step comes from among the frames: one behind the other along a path, with a leap to the next path. Room
    # for one before and one behind them: the steps at start and end are written over what is there.
    first = pl.concat([frames.begin - has_start.cast(pl.Int64, strict=False), ones - 1]) + 1
    leaps = first - (first + lengths - 1).shift(1, fill_value=0)
    at = places_of(pl.repeat(1, int(starts[-1]), dtype=pl.Int64, eager=True).scatter(starts.head(-1), leaps))
    room = pl.Series([NONE], dtype=pl.UInt32)
    steps = pl.concat([room, frames.numbers, room], rechunk=True).gather(at.cast(pl.UInt32))
    of_listed = starts.head(len(rows) + 1)
    steps = steps.scatter(of_listed.head(-1).filter(has_start), start.filter(has_start))
    steps = steps.scatter((of_listed.slice(1) - 1).filter(has_end), end.filter(has_end))
    steps = steps.scatter(starts.slice(len(rows)).head(others.height), others["step"])
    return Paths(steps, starts, pl.concat([rows, others["row"]]))
