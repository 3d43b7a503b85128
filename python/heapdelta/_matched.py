"""Rows of two sides brought together: what a `Delta` and a `Comparison` rank, by module, stack, function, heap, trace.

Stacks and frames of both sides are numbered through (the after side first), so that every step is one gather or one
group-by over whole columns. One row stands for the usage of one heap by one stack on one side, with zeros for the other
side; a row of a comparison fills both. The sums of any grouping of the rows are therefore the same.
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _labels
from heapdelta._labels import NOT_IN_FILE, NOT_RECORDED, OK, STATUSES
from heapdelta.blame import Allocators, frame_flags

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapdelta._snapshot import Comparison, Snapshot

MEASURES = ("requested_bytes", "overhead_bytes", "allocation_count")
PAIRS = tuple(f"{measure}_{side}" for measure in MEASURES for side in ("before", "after"))
NUMBERS = tuple(f"{measure}_{part}" for measure in MEASURES for part in ("before", "after", "delta"))

AFTER, BEFORE = 0, 1
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
        self, sources: Sequence[Snapshot | Comparison], rows: pl.DataFrame, allocators: Allocators, *, one_run: bool
    ) -> None:
        self.sources = list(sources)
        self.one_run = one_run
        self.frames = pl.concat([source.frames.select("module", "function", "offset", "text") for source in sources])
        self.flags = [frame_flags(source.frames, allocators) for source in sources]
        self.stacks = _number_through(self.sources, self.flags)
        self.rows = _found_elsewhere(rows, self.stacks) if one_run and len(self.sources) > 1 else rows
        self._shown_frames: pl.DataFrame | None = None

    @classmethod
    def from_snapshots(cls, before: Snapshot, after: Snapshot, allocators: Allocators, *, one_run: bool) -> Matched:
        """Bring together the sums of two snapshots."""
        overhead = {"after": _writes_overhead(after), "before": _writes_overhead(before)}
        rows = pl.concat(
            [
                _usage_rows(after, "after", 0, overhead),
                _usage_rows(before, "before", after.stacks.height, overhead),
            ]
        )
        return cls([after, before], rows, allocators, one_run=one_run)

    @classmethod
    def from_comparison(cls, comparison: Comparison, allocators: Allocators) -> Matched:
        """Take the lines of a comparison, which hold both sides at once."""
        absent = pl.lit(None, dtype=pl.UInt64)
        rows = comparison.rows.select(
            pl.lit(None, dtype=pl.UInt8).alias("side"),
            pl.col("stack_id").alias("stack"),
            absent.alias("heap_base"),
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
        order = ["requested_bytes_delta", *keys]
        return (
            _with_deltas(ranking)
            .select(*keys, *NUMBERS, *(["stack"] if stack else []))
            .sort(order, descending=[True] + [False] * len(keys), nulls_last=True)
        )

    def _by_frames(
        self, groups: Callable[[pl.DataFrame], tuple[pl.Series, pl.DataFrame]], *, inclusive: bool
    ) -> pl.DataFrame:
        codes, labels = groups(self.frames)
        stack = self.rows["stack"]
        if inclusive:
            per_stack = self.rows.group_by("stack").agg(self._sums())
            passed = self._passed(codes).rename({"group": "key"})
            listed = per_stack.join(passed, on="stack", how="inner")
            unlisted = per_stack.join(passed, on="stack", how="anti").with_columns(
                self._special_key(pl.col("stack")).alias("key")
            )
            keyed = pl.concat([listed.select("key", *PAIRS), unlisted.select("key", *PAIRS)])
        else:
            keys = codes.gather(self.stacks["frame"]).alias("key")
            keyed = self.rows.with_columns(
                pl.coalesce(keys.gather(stack), self._special_key(pl.lit(stack))).alias("key")
            )
        sums = keyed.group_by("key").agg(self._sums())
        known = sums["key"].set(sums["key"] >= labels.height, None)
        named = labels.select(pl.all().gather(known))
        special = (_SPECIAL - sums["key"]).set(known.is_not_null(), OK)
        return pl.concat([named, sums.select(PAIRS)], how="horizontal").with_columns(
            pl.coalesce("status", _labels.status_text(pl.lit(special))).alias("status")
        )

    def _special_key(self, stack: pl.Expr) -> pl.Expr:
        """Key of a row whose stack has no frame to go by."""
        status = pl.when(stack.is_null()).then(pl.lit(NOT_RECORDED)).otherwise(pl.lit(NOT_IN_FILE))
        return pl.lit(_SPECIAL, dtype=pl.UInt32) - status.cast(pl.UInt32)

    def _passed(self, codes: pl.Series) -> pl.DataFrame:
        """Every stack with every group of frames it passes, each pair once."""
        parts, frames_seen, stacks_seen = [], 0, 0
        for source in self.sources:
            own = array("I", codes.slice(frames_seen, source.frames.height).to_list())
            if sys.byteorder == "big":
                own.byteswap()
            pairs = pl.DataFrame(source._native.stack_groups(own.tobytes()))
            parts.append(pairs.select((pl.col("stack_id") + stacks_seen).alias("stack"), "group"))
            frames_seen += source.frames.height
            stacks_seen += source.stacks.height
        return pl.concat(parts)

    def _by_stack(self) -> pl.DataFrame:
        first_and_last = [
            pl.col("stack").first(),
            pl.col("stack").last().alias("last_stack"),
            pl.col("side").first(),
            pl.col("side").last().alias("last_side"),
        ]
        rows = self.rows.with_columns(self.stacks["fingerprint"].gather(self.rows["stack"]))
        # One column to group by is twice as fast as three, and nearly every row has a fingerprint.
        known = rows.filter(pl.col("fingerprint").is_not_null())
        known = known.group_by("fingerprint").agg(*first_and_last, *self._sums())
        rest = rows.filter(pl.col("fingerprint").is_null())
        rest = rest.with_columns(
            self.stacks["trace_id"].gather(rest["stack"]),
            (pl.lit(0, dtype=pl.UInt8) if self.one_run else pl.col("side")).alias("apart"),
            pl.col("stack").is_null().alias("unrecorded"),
        ).with_columns(pl.when("unrecorded").then(pl.lit(0, dtype=pl.UInt8)).otherwise("apart").alias("apart"))
        rest = rest.group_by("unrecorded", "apart", "trace_id").agg(*first_and_last, *self._sums())
        ranking = pl.concat([known.drop("fingerprint"), rest.drop("unrecorded", "apart", "trace_id")])
        first = self._trace_of(ranking, "stack", "side", AFTER).alias("trace_id_after")
        last = self._trace_of(ranking, "last_stack", "last_side", BEFORE).alias("trace_id_before")
        return ranking.with_columns(first, last, *self._describe(ranking["stack"]))

    def _trace_of(self, ranking: pl.DataFrame, stack: str, side: str, wanted: int) -> pl.Series:
        """Give the id on one side: rows of the after side come first, rows of the before side last in every group."""
        there = ranking.select(pl.when(pl.col(side).eq_missing(wanted) | pl.col(side).is_null()).then(stack))
        return self.stacks["trace_id"].gather(there.to_series())

    def _by_trace(self) -> pl.DataFrame:
        rows = self.rows.with_columns(self.stacks["trace_id"].gather(self.rows["stack"]))
        ranking = rows.group_by("trace_id").agg(pl.col("stack").first(), *self._sums())
        return ranking.with_columns(self._describe(ranking["stack"]))

    def _by_heap(self) -> pl.DataFrame:
        ranking = self.rows.group_by("heap_base").agg(self._sums())
        named = pl.when(pl.col("heap_base").is_null()).then(pl.lit("no heap named")).otherwise(pl.lit(STATUSES[OK]))
        return ranking.with_columns(named.alias("status"))

    def _describe(self, stack: pl.Series) -> list[pl.Series]:
        """Give what is shown of each stack: fingerprint, depth, and module and function it counts for."""
        stacks = self.stacks.select(pl.col("fingerprint", "depth", "frame", "status").gather(stack))
        shown = self._blamed_frames().select(pl.all().gather(stacks["frame"]))
        status = stacks["status"].fill_null(NOT_RECORDED)
        words = pl.select(_labels.status_text(pl.lit(status)).alias("status")).to_series()
        return [stacks["fingerprint"], stacks["depth"], *shown, words]

    def _blamed_frames(self) -> pl.DataFrame:
        """Name module and function of every frame, for the display."""
        if self._shown_frames is None:
            self._shown_frames = self.frames.select("module", _labels.function_label(self.frames))
        return self._shown_frames

    def _sums(self) -> list[pl.Expr]:
        return [self._sum(name) for name in PAIRS]

    def _sum(self, name: str) -> pl.Expr:
        """Null if any part is null: what is not written is not zero."""
        nulls = self.rows[name].null_count()
        if nulls == 0:
            return pl.col(name).sum()
        return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)


def _with_deltas(sums: pl.DataFrame) -> pl.DataFrame:
    def signed(name: str) -> pl.Expr:
        # A sum of 2^63 and more has no signed form; its difference is then null, not wrong.
        return pl.col(name).cast(pl.Int64, strict=False)

    return sums.with_columns(
        (signed(f"{measure}_after") - signed(f"{measure}_before")).alias(f"{measure}_delta") for measure in MEASURES
    )


def _number_through(sources: Sequence[Snapshot | Comparison], flags: Sequence[bytes]) -> pl.DataFrame:
    """Put the stacks of all sources one after the other; `frame` is the blamed one, numbered through as well."""
    parts, frames_seen = [], 0
    for index, (source, flag) in enumerate(zip(sources, flags, strict=True)):
        blamed = pl.DataFrame(source._native.blame(flag)).with_columns(pl.col("frame_id") + frames_seen)
        part = source.stacks.select("stack_id", "trace_id", "fingerprint", "depth", "truncated", "alias_of")
        part = part.join(blamed, on="stack_id", how="left", maintain_order="left").rename({"frame_id": "frame"})
        parts.append(part.with_columns(pl.lit(index, dtype=pl.UInt8).alias("source")))
        frames_seen += source.frames.height
    stacks = pl.concat(parts)
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


def _writes_overhead(snapshot: Snapshot) -> bool:
    overhead = snapshot.usage["overhead_bytes"]
    return overhead.null_count() < overhead.len() if overhead.len() else snapshot.format == "umdh2"


def _usage_rows(snapshot: Snapshot, side: str, stacks_seen: int, overhead: dict[str, bool]) -> pl.DataFrame:
    zero, absent = pl.lit(0, dtype=pl.UInt64), pl.lit(None, dtype=pl.UInt64)
    columns = [
        pl.lit(AFTER if side == "after" else BEFORE, dtype=pl.UInt8).alias("side"),
        (pl.col("stack_id") + stacks_seen).alias("stack"),
        pl.lit(snapshot.heaps["base"]).gather("heap_id").alias("heap_base"),
    ]
    for name in PAIRS:
        measure, _, its_side = name.rpartition("_")
        if its_side == side:
            column = pl.col(measure)
        else:
            column = zero if measure != "overhead_bytes" or overhead[its_side] else absent
        columns.append(column.cast(pl.UInt64).alias(name))
    return snapshot.usage.select(columns)
