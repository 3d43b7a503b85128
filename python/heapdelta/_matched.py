"""Rows of two sides brought together: what a `Delta` and a `Comparison` rank, by module, stack, function, heap, trace.

Stacks and frames of both sides are numbered through (the after side first), so that every step is one gather, one join
or one group-by over whole columns. One row stands for one stack on one side, with zeros for the other side; a row of a
comparison fills both. The sums of any grouping of the rows are therefore the same.
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, cast

import polars as pl

from heapdelta import _labels, _usage
from heapdelta._labels import NOT_IN_FILE, NOT_RECORDED, OK, STATUSES
from heapdelta._usage import AFTER, MEASURES, PAIRS
from heapdelta.blame import Allocators, frame_flags

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapdelta._snapshot import Comparison, Snapshot

NUMBERS = tuple(f"{measure}_{part}" for measure in MEASURES for part in ("before", "after", "delta"))

# Keys of groups that have no code of their own count down from here.
_SPECIAL = 0xFFFF_FFFF

_SHOWN = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "trace_id_before", "trace_id_after", "module", "function", "depth", "status"],
    "trace": ["trace_id", "fingerprint", "module", "function", "depth", "status"],
    "heap": ["heap_base", "status"],
}


class Matched:
    """See the module. `sources` are the captures in the order in which stacks and frames are numbered through."""

    def __init__(
        self,
        sources: Sequence[Snapshot | Comparison],
        rows: pl.DataFrame,
        allocators: Allocators,
        *,
        one_run: bool,
        sums: Sequence[_usage.Sums] = (),
    ) -> None:
        self.sources = list(sources)
        self.sums = list(sums)
        self.one_run = one_run
        self.frames = pl.concat([source.frames.select("module", "function", "offset", "text") for source in sources])
        self.flags = [frame_flags(source.frames, allocators) for source in sources]
        self.stacks = _number_through(self.sources, self.flags)
        self.rows = _found_elsewhere(rows, self.stacks) if one_run and len(self.sources) > 1 else rows

    @classmethod
    def from_snapshots(cls, before: Snapshot, after: Snapshot, allocators: Allocators, *, one_run: bool) -> Matched:
        """Bring together the sums of two snapshots."""
        new, old = _usage.by_stack([after, before])
        numbered = old.rows.with_columns(pl.col("stack") + new.contents.len())
        rows = _usage.both_sides(after, before, new.rows, numbered)
        return cls([after, before], rows, allocators, one_run=one_run, sums=[new, old])

    @classmethod
    def from_comparison(cls, comparison: Comparison, allocators: Allocators) -> Matched:
        """Take the lines of a comparison, which hold both sides at once."""
        absent = pl.lit(None, dtype=pl.UInt64)
        rows = comparison.rows.select(
            pl.lit(None, dtype=pl.UInt8).alias("side"),
            pl.col("stack_id").alias("stack"),
            "requested_bytes_before",
            "requested_bytes_after",
            absent.alias("overhead_bytes_before"),
            absent.alias("overhead_bytes_after"),
            "allocation_count_before",
            "allocation_count_after",
        )
        return cls([comparison], rows, allocators, one_run=True)

    def total(self) -> pl.DataFrame:
        """Sum up everything, in one row."""
        return _with_deltas(self.rows.select(self._sums())).select(NUMBERS)

    def by(self, kind: str, *, inclusive: bool = False, stack: bool = False) -> pl.DataFrame:
        """Rank: key columns, then `NUMBERS`; with `stack` also the number of a stack, for kinds that have one."""
        if kind == "module":
            ranking = self._by_frames(_labels.module_groups, inclusive=inclusive)
        elif kind == "function":
            ranking = self._by_frames(_labels.function_groups, inclusive=inclusive)
        elif kind == "stack":
            ranking = self._by_stack()
        elif kind == "trace":
            ranking = self._by_trace()
        else:
            ranking = self._by_heap()
        keys = _SHOWN[kind]
        shown = ranking.select(*keys, *NUMBERS, *(["stack"] if stack else []))
        if kind == "stack" and shown["fingerprint"].null_count() == 0:
            return shown  # `_by_stack` has sorted it
        return shown.sort(["requested_bytes_delta", *keys], descending=[True] + [False] * len(keys), nulls_last=True)

    def _by_frames(
        self, groups: Callable[[pl.DataFrame], tuple[pl.Series, pl.DataFrame]], *, inclusive: bool
    ) -> pl.DataFrame:
        codes, labels = groups(self.frames)
        stack = self.rows["stack"]
        if inclusive:
            keyed = self._passed(codes)
        else:
            keys = codes.gather(self.stacks["frame"]).alias("key")
            keyed = self.rows.with_columns(
                pl.coalesce(keys.gather(stack), self._special_key(pl.lit(stack))).alias("key")
            )
        sums = keyed.group_by("key").agg(self._sums())
        known = sums["key"].set(sums["key"] >= labels.height, None)
        named = labels.select(pl.all().gather(known))
        special = (_SPECIAL - sums["key"]).set(known.is_not_null(), OK)
        return pl.concat([named, _with_deltas(sums.select(PAIRS))], how="horizontal").with_columns(
            pl.coalesce("status", _labels.status_text(pl.lit(special))).alias("status")
        )

    def _special_key(self, stack: pl.Expr) -> pl.Expr:
        """Key of a row whose stack has no frame to go by."""
        status = pl.when(stack.is_null()).then(pl.lit(NOT_RECORDED)).otherwise(pl.lit(NOT_IN_FILE))
        return pl.lit(_SPECIAL, dtype=pl.UInt32) - status.cast(pl.UInt32)

    def _passed(self, codes: pl.Series) -> pl.DataFrame:
        """Sum up by group of frames, each stack once for every group it passes; rows without frames by their status.

        A gigabyte of stacks passes tens of millions of groups, so one source and one column are in memory at a time.
        """
        listed = self.stacks["fingerprint"].is_not_null().gather(self.rows["stack"]).fill_null(False)
        rest = self.rows.filter(~listed)
        parts = [rest.select(self._special_key(pl.col("stack")).alias("key"), *PAIRS)]
        frames_seen, stacks_seen = 0, 0
        for source in self.sources:
            groups = codes.slice(frames_seen, source.frames.height)
            pairs = pl.DataFrame(source._native.stack_groups(words(groups)))
            own = pl.col("stack").is_between(stacks_seen, stacks_seen + source.stacks.height, closed="left")
            rows = self.rows.filter(listed).filter(own)
            parts.append(_sums_of_pairs(rows.with_columns(pl.col("stack") - stacks_seen), pairs, source.stacks.height))
            frames_seen += source.frames.height
            stacks_seen += source.stacks.height
        return pl.concat(parts)

    def _by_stack(self) -> pl.DataFrame:
        # Equal contents have equal fingerprints; the numbers of contents are places as well.
        contents = pl.concat([sums.contents for sums in self.sums]) if self.sums else self.stacks["fingerprint"]
        rows = self.rows.with_columns(contents.gather(self.rows["stack"]).alias("content"))
        known, rest = _parted(rows, rows["content"].is_not_null())
        known = self._merged(known, ["content"])
        unrecorded = pl.col("stack").is_null()
        # Outside one run the side is a part of the key: an id there says nothing about the other side's.
        apart = pl.when(unrecorded | pl.lit(self.one_run)).then(pl.lit(0, dtype=pl.UInt8)).otherwise("side")
        rest = rest.with_columns(
            self.stacks["trace_id"].gather(rest["stack"]), apart.alias("apart"), unrecorded.alias("unrecorded")
        )
        keys = ["unrecorded", "apart", "trace_id"]
        ranking = pl.concat([known.drop("content"), self._merged(rest, keys).drop(keys)])
        fingerprints = self.stacks["fingerprint"].gather(ranking["stack"])
        if fingerprints.null_count() == 0:
            # The numbers of contents are in the order of fingerprints.
            order = _ranked(ranking["requested_bytes_delta"], None if self.sums else fingerprints)
            ranking = ranking.select(pl.all().gather(order))
        ids = pl.lit(self.stacks["trace_id"])
        return ranking.with_columns(
            ids.gather(pl.col("stack_before")).alias("trace_id_before"),
            ids.gather(pl.col("stack_after")).alias("trace_id_after"),
            *self._describe(ranking["stack"]),
        )

    def _by_trace(self) -> pl.DataFrame:
        rows = self.rows.with_columns(self.stacks["trace_id"].gather(self.rows["stack"]))
        ranking = self._merged(rows, ["trace_id"])
        return ranking.with_columns(self._describe(ranking["stack"]))

    def _by_heap(self) -> pl.DataFrame:
        # A comparison has no heaps; whoever asks for them has two snapshots (`Views.by` sees to it).
        after, before = cast("list[Snapshot]", self.sources)
        rows = _usage.both_sides(after, before, _usage.by_heap(after), _usage.by_heap(before))
        ranking = _with_deltas(rows.group_by("heap_base").agg(_sums_of(rows)))
        named = pl.when(pl.col("heap_base").is_null()).then(pl.lit("no heap named")).otherwise(pl.lit(STATUSES[OK]))
        return ranking.with_columns(named.alias("status"))

    def _merged(self, rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
        """Sum up by `keys`; `stack_after` and `stack_before` are the first of each side, `stack` the one to show.

        Where both sides are apart, bringing them side by side takes less than half the time of grouping them together.
        """
        first = pl.col("stack").first()
        if len(self.sources) == 1:
            sides = [first.alias("stack_after"), first.alias("stack_before")]
            return _with_deltas(rows.group_by(keys).agg(first, *sides, *self._sums()))
        parts = []
        # A stack that lacks its frames counts for one of the other log, of which there may be an equal one here.
        may_repeat = keys != ["content"] or self.stacks["fingerprint"].null_count() > 0
        of_after = int((rows["side"] == AFTER).sum())
        sides_of_rows = {"after": rows.slice(0, of_after), "before": rows.slice(of_after)}
        for (name, part), sums in zip(sides_of_rows.items(), self.sums, strict=True):
            columns = [f"{measure}_{name}" for measure in MEASURES]
            part = part.select(*keys, "stack", *columns)
            if (may_repeat or sums.repeats) and _repeats(part, keys):
                part = part.group_by(keys).agg(first, *(_sum(part, column) for column in columns))
            parts.append(part.rename({"stack": f"stack_{name}"}).with_columns(pl.lit(True).alias(f"in_{name}")))
        joined = _joined(parts[0], parts[1], keys)
        filled = [_filled(self.rows, joined, name) for name in PAIRS]
        merged = joined.with_columns(pl.coalesce("stack_after", "stack_before").alias("stack"), *filled)
        return _with_deltas(merged.drop("in_after", "in_before"))

    def _describe(self, stack: pl.Series) -> list[pl.Series]:
        """Give what is shown of each stack: fingerprint, depth, and module and function it counts for."""
        stacks = self.stacks.select(pl.col("fingerprint", "depth", "frame", "status").gather(stack))
        shown = self._named(stacks["frame"])
        status = stacks["status"].fill_null(NOT_RECORDED)
        words = pl.select(_labels.status_text(pl.lit(status)).alias("status")).to_series()
        return [stacks["fingerprint"], stacks["depth"], *shown, words]

    def _named(self, frames: pl.Series) -> pl.DataFrame:
        """Name module and function of frames, for the display; each is named once."""
        used = frames.drop_nulls().unique()
        named = self.frames.select(pl.all().gather(used))
        named = named.select("module", _labels.function_label(named))
        return named.select(pl.all().gather(_places(used, self.frames.height).gather(frames)))

    def _sums(self) -> list[pl.Expr]:
        return _sums_of(self.rows)


def words(groups: pl.Series) -> bytes:
    """Write numbers as the core takes them: four bytes each, little-endian."""
    numbers = array("I", groups.to_list())
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _sums_of_pairs(rows: pl.DataFrame, pairs: pl.DataFrame, stack_count: int) -> pl.DataFrame:
    """Sum up rows by the groups that their stacks pass; `pairs` has each stack with each of its groups."""
    if rows["stack"].n_unique() < rows.height:
        rows = rows.group_by("stack").agg(_sums_of(rows))
    place = _places(rows["stack"], stack_count).gather(pairs["stack_id"])
    in_use = pl.DataFrame({"key": pairs["group"], "place": place}).drop_nulls("place")
    sums = in_use.select(pl.col("key").unique())
    for name in PAIRS:
        column = in_use.select("key", rows[name].gather(in_use["place"]))
        sums = sums.join(column.group_by("key").agg(_sum(rows, name)), on="key", how="left")
    return sums.select("key", *PAIRS)


def _places(numbers: pl.Series, count: int) -> pl.Series:
    """Give the place of every number below `count` among `numbers`, which are distinct; null for those that are not."""
    place = pl.repeat(None, count, dtype=pl.UInt32, eager=True)
    return place.scatter(numbers, pl.int_range(numbers.len(), dtype=pl.UInt32, eager=True))


def _parted(rows: pl.DataFrame, first: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part rows into those of the first kind, which often are all, and the rest."""
    return (rows, rows.clear()) if first.all() else (rows.filter(first), rows.filter(~first))


def _repeats(rows: pl.DataFrame, keys: list[str]) -> bool:
    return rows.select(keys).n_unique() < rows.height


def _joined(after: pl.DataFrame, before: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Bring rows of equal keys side by side, each of which stands once on a side; contents by their numbers alone."""
    if keys != ["content"]:
        return after.join(before, on=keys, how="full", coalesce=True, nulls_equal=True)
    largest = pl.concat([after["content"], before["content"]]).max()
    count = largest + 1 if isinstance(largest, int) else 0
    places = [_places(part["content"], count) for part in (after, before)]
    used = places[0].is_not_null() | places[1].is_not_null()
    content = pl.int_range(count, dtype=pl.UInt32, eager=True).alias("content")
    sides = [
        part.select(pl.all().exclude("content").gather(place))
        for part, place in zip((after, before), places, strict=True)
    ]
    together = pl.concat([content.to_frame(), *sides], how="horizontal")
    return together if used.all() else together.filter(used)


def _sums_of(rows: pl.DataFrame) -> list[pl.Expr]:
    return [_sum(rows, name) for name in PAIRS]


def _sum(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Null if any part is null: what is not written is not zero."""
    if rows[name].null_count() == 0:
        return pl.col(name).sum()
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)


def _filled(rows: pl.DataFrame, joined: pl.DataFrame, name: str) -> pl.Expr:
    """Fill in for a side that lacks the key: 0, or null where that side's tool never writes the number."""
    if joined[name].null_count() == 0 or rows[name].null_count() == rows.height:
        return pl.col(name)
    missing = pl.col(f"in_{name.rpartition('_')[2]}").is_null()
    return pl.when(missing).then(pl.lit(0, dtype=pl.UInt64)).otherwise(name).alias(name)


def _ranked(delta: pl.Series, fingerprints: pl.Series | None) -> pl.Series:
    """Give the places of rows by growth, largest first, then by fingerprint; without any the rows are in that order.

    The numbers decide alone, so nothing else has to be moved twice, and two sorts by one column take a quarter of the
    time of one sort by two (690,000 rows, 2026-11-25).
    """
    keys = pl.DataFrame({"delta": delta}).with_row_index("place")
    if fingerprints is not None:
        keys = keys.with_columns(fingerprints.alias("fingerprint")).sort("fingerprint").select("place", "delta")
    return keys.sort("delta", descending=True, nulls_last=True, maintain_order=True)["place"]


def _with_deltas(sums: pl.DataFrame) -> pl.DataFrame:
    def signed(name: str) -> pl.Expr:
        # A sum of 2^63 and more has no signed form; its difference is then null, not wrong.
        return pl.col(name).cast(pl.Int64, strict=False)

    return sums.with_columns(
        (signed(f"{measure}_after") - signed(f"{measure}_before")).alias(f"{measure}_delta") for measure in MEASURES
    )


def _number_through(sources: Sequence[Snapshot | Comparison], flags: Sequence[bytes]) -> pl.DataFrame:
    """Put the stacks of all sources one after the other; `frame` is the blamed one, numbered through as well."""
    parts, frames, origins, frames_seen = [], [], [], 0
    for index, (source, flag) in enumerate(zip(sources, flags, strict=True)):
        blamed = pl.DataFrame(source._native.blame(flag))
        part = source._columns("stacks", ["stack_id", "trace_id", "fingerprint", "depth", "alias_of"])
        frame = blamed["frame_id"] + frames_seen
        if blamed.height < part.height:
            # A stack's id is its row number.
            frame = pl.repeat(None, part.height, dtype=pl.UInt32, eager=True).scatter(blamed["stack_id"], frame)
        frames.append(frame)
        origins.append(pl.repeat(index, part.height, dtype=pl.UInt8, eager=True))
        parts.append(part)
        frames_seen += source.frames.height
    # Rows are taken out of these columns in any order, which is quick only where each is in one piece.
    stacks = pl.concat(parts, rechunk=True).with_columns(
        pl.concat(frames, rechunk=True).alias("frame"), pl.concat(origins, rechunk=True).alias("source")
    )
    modules = pl.concat([source.frames.select("module") for source in sources])["module"]
    no_module = modules.is_null().gather(stacks["frame"])
    status = pl.when(pl.col("frame").is_null()).then(NOT_IN_FILE).when(no_module).then(_labels.NO_MODULE).otherwise(OK)
    return stacks.with_columns(status.cast(pl.UInt8).alias("status"))


def _found_elsewhere(rows: pl.DataFrame, stacks: pl.DataFrame) -> pl.DataFrame:
    """Inside one run an id means one stack: where a log lacks its frames, the other log's stand for it."""
    if stacks["fingerprint"].null_count() == 0:
        return rows
    numbered = stacks.select("trace_id", "source", "fingerprint", "alias_of").with_row_index("stack")
    first = numbered.filter(pl.col("fingerprint").is_not_null() & pl.col("alias_of").is_null())
    there = first.select("trace_id", source=1 - pl.col("source"), found="stack").unique(
        ["trace_id", "source"], keep="first", maintain_order=True
    )
    lacking = numbered.filter(pl.col("fingerprint").is_null()).join(there, on=["trace_id", "source"], how="inner")
    found = rows.join(lacking.select("stack", "found"), on="stack", how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("found", "stack").alias("stack")).drop("found")
