"""Rows of two sides brought together: what a `Delta` and a `Comparison` rank, by module, stack, function, heap, trace.

Stacks and frames of both sides are numbered in one go (the after side first). The core sums up and ranks by any key of
stacks; here are the names, and rows without a key. One row stands for one stack on one side, with zeros for the other
side; a row of a comparison fills both. The sums of any grouping of the rows are therefore the same.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._native import Diff
from heapdelta._numbers import sum_of_signed
from heapdelta._ranking import by_heap, by_size, labels
from heapdelta._ranking import rows as rows_of
from heapdelta._ranking import sums as sums_of
from heapdelta._ranking.filters import Filter
from heapdelta._ranking.inclusive import inclusive_sums
from heapdelta._ranking.labels import NOT_IN_FILE, NOT_RECORDED, OK, SEVERAL_STACKS
from heapdelta._ranking.measures import AFTER, BEFORE, MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapdelta._ranking.sides import BothSides, LogSide, Side
    from heapdelta.blame import Allocators

NUMBERS = tuple(f"{measure}_{part}" for measure in MEASURES for part in ("before", "after", "delta"))
PARTS = ("requested_bytes_grown", "requested_bytes_shrunk")
"""What the stacks of a row grew that did, and what the others shrank; together its growth."""

# Keys of groups that have no code of their own count down from here.
_SPECIAL = 0xFFFF_FFFF

_SHOWN = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "trace_id_before", "trace_id_after", "module", "function", "depth", "status"],
    "trace": ["trace_id", "fingerprint", "module", "function", "depth", "status"],
    "heap": ["heap_base", "status"],
    "size": ["size", "status"],
}


class Matched:
    """The stacks of two snapshots, or of a comparison, matched; those of `sources` are numbered in their order."""

    def __init__(
        self,
        sources: Sequence[Side],
        allocators: Allocators,
        *,
        one_run: bool,
        rows: pl.DataFrame | None = None,
        filtered: Filter | None = None,
        threads: int | None = None,
    ) -> None:
        self.sources = list(sources)
        self.one_run = one_run
        self.frames = pl.concat([source.frames.select("module", "function", "offset", "text") for source in sources])
        self.filtered = filtered or Filter()
        self.passed_over = self.filtered.passed_over(self.frames, allocators)
        ends = list(accumulate((source.frames.height for source in sources), initial=0))
        self.flags = [self.passed_over.slice(start, end - start) for start, end in pairwise(ends)]
        flags = [flag.to_frame() for flag in self.flags]
        self.core = diff = Diff([source._native for source in self.sources], flags, threads=threads)
        if rows is None:
            rows = pl.DataFrame(diff.sides("stack"))
        self.stacks = pl.DataFrame(diff.stacks())
        may_lack = one_run and len(self.sources) > 1 and self.stacks["fingerprint"].null_count() > 0
        self.kept = self.filtered.keeps(self) if self.filtered else None
        if may_lack:
            found = rows_of.found_elsewhere(self.located(self.stacks))
            rows = rows.with_columns(found.gather(rows["stack"]).alias("stack"))
            self.kept = None if self.kept is None else self.kept.gather(found)
        self.rows = rows if self.kept is None else rows.filter(self._is_kept(rows["stack"]))
        self.left_out = rows.clear() if self.kept is None else rows.filter(~self._is_kept(rows["stack"]))

    @cached_property
    def hidden(self) -> pl.Series:
        """Which of all frames filters do not show."""
        return self.filtered.hidden(self.frames)

    @classmethod
    def from_snapshots(
        cls,
        before: LogSide,
        after: LogSide,
        allocators: Allocators,
        *,
        one_run: bool,
        filtered: Filter | None = None,
        threads: int | None = None,
    ) -> Matched:
        """Bring together the sums of two snapshots."""
        return cls([after, before], allocators, one_run=one_run, filtered=filtered, threads=threads)

    @classmethod
    def from_snapshot(cls, log: LogSide, allocators: Allocators, *, filtered: Filter | None = None) -> Matched:
        """Take the sums of one snapshot, beside nothing."""
        return cls([log], allocators, one_run=True, rows=rows_of.log(log), filtered=filtered)

    @classmethod
    def from_comparison(
        cls, comparison: BothSides, allocators: Allocators, *, filtered: Filter | None = None
    ) -> Matched:
        """Take the lines of a comparison, which hold both sides at once."""
        return cls([comparison], allocators, one_run=True, rows=rows_of.comparison(comparison), filtered=filtered)

    def located(self, stacks: pl.DataFrame) -> pl.DataFrame:
        """Tell where each of all stacks is from: `source`, its place among them, and `stack_id`, the row there."""
        rows = [source._height("stacks") for source in self.sources]
        own = [pl.int_range(count, dtype=pl.UInt32, eager=True) for count in rows]
        source = [pl.repeat(place, count, dtype=pl.UInt8, eager=True) for place, count in enumerate(rows)]
        return stacks.with_columns(pl.concat(source).alias("source"), pl.concat(own).alias("stack_id"))

    def total(self, rows: pl.DataFrame | None = None) -> pl.DataFrame:
        """Sum up everything, or some rows, in one row."""
        rows = self.rows if rows is None else rows
        return sums_of.with_deltas(rows.select(sums_of.of_rows(rows))).select(NUMBERS)

    def with_rows(self, rows: pl.DataFrame) -> Matched:
        """Make the same of fewer rows."""
        other = copy(self)
        other.rows = rows
        other.__dict__.pop("_sums_by_stack", None)
        return other

    def _is_kept(self, stack: pl.Series) -> pl.Series:
        """Tell which rows a filter leaves, by their stacks."""
        assert self.kept is not None
        return self.kept.gather(stack).fill_null(self.filtered.keeps_unrecorded)

    def by(self, kind: str, *, inclusive: bool = False, stack: bool = False) -> pl.DataFrame:
        """Rank: key columns, then `NUMBERS`; with `stack` also the number of a stack, for kinds that have one."""
        if kind == "module":
            ranking = self._by_frames(labels.module_groups, inclusive=inclusive)
        elif kind == "function":
            ranking = self._by_frames(labels.function_groups, inclusive=inclusive)
        elif kind == "stack":
            ranking = self._by_stack()
        elif kind == "trace":
            ranking = self._by_trace()
        elif kind == "size":
            ranking = by_size.held(self) if len(self.sources) == 1 else by_size.grown(self)
        else:
            # A comparison has no heaps; only snapshots are asked for them (`Views.by` sees to it).
            rows = by_heap.rows(self)
            ranking = sums_of.with_deltas(rows.group_by("heap_base").agg(sums_of.of_rows(rows)))
            ranking = ranking.with_columns(labels.heap_status(pl.col("heap_base")))
        keys = _SHOWN[kind]
        parts = [name for name in PARTS if name in ranking.columns]
        shown = ranking.select(*keys, *NUMBERS, *parts, *(["stack"] if stack else []))
        if kind == "stack" and shown["fingerprint"].null_count() == 0:
            return shown  # `_by_stack` has sorted it
        return shown.sort(["requested_bytes_delta", *keys], descending=[True] + [False] * len(keys), nulls_last=True)

    def _by_frames(
        self, groups: Callable[[pl.DataFrame], tuple[pl.Series, pl.DataFrame]], *, inclusive: bool
    ) -> pl.DataFrame:
        codes, names = groups(self.frames)
        if inclusive:
            passed = inclusive_sums(self, codes)
            # A part can be null although no row is: a sum that is too large.
            sums = sums_of.with_deltas(passed.group_by("key").agg(sums_of.of_rows(passed)))
        else:
            ranking, rest = self._ranked(codes.gather(self.stacks["frame"]))
            rest = rest.with_columns(self.special_key(pl.col("stack")).alias("key"))
            rest = sums_of.with_deltas(rest.group_by("key").agg(self._sums()))
            sums = pl.concat([part.select("key", *NUMBERS) for part in (ranking, rest)])
            sums = sums.join(self._parts(codes), on="key", how="left", maintain_order="left")
        known = sums["key"].set(sums["key"] >= names.height, None)
        named = names.select(pl.all().gather(known))
        special = (_SPECIAL - sums["key"]).set(known.is_not_null(), OK)
        return pl.concat([named, sums.drop("key")], how="horizontal").with_columns(
            pl.coalesce("status", labels.status_text(pl.lit(special))).alias("status")
        )

    def _parts(self, codes: pl.Series) -> pl.DataFrame:
        """Sum up growth by group of frames, apart for stacks that grew and stacks that shrank: ``key``, `PARTS`."""
        stacks = self.stack_sums(codes)
        own = codes.gather(self.stacks["frame"].gather(stacks["stack"])).cast(pl.UInt32)
        change = pl.col("requested_bytes_delta")
        keyed = stacks.select("stack", change).with_columns(
            pl.coalesce(pl.lit(own), self.special_key(pl.col("stack"))).alias("key")
        )
        parts = (change.clip(lower_bound=0), change.clip(upper_bound=0))
        return keyed.group_by("key").agg(
            sum_of_signed(part).alias(name) for name, part in zip(PARTS, parts, strict=True)
        )

    def _ranked(self, keys: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rank by a key of stacks, a small number for each: sums and growth by key, and the rows without a key."""
        stacks = self.rows["stack"]
        all_have_one = keys.null_count() == 0 and stacks.null_count() == 0
        rest = self.rows.clear() if all_have_one else self.rows.filter(keys.gather(stacks).is_null())
        return pl.DataFrame(self.core.rank(self._sides(self.rows), keys.to_frame())), rest

    def _sides(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """Part rows of two sources by side, which is what they are ordered by; each part is in one piece then."""
        if len(self.sources) == 1:
            return [rows]
        of_after = int((rows["side"] == AFTER).sum())
        return [rows.slice(0, of_after), rows.slice(of_after)]

    def special_key(self, stack: pl.Expr) -> pl.Expr:
        """Key of a row whose stack has no frame to go by."""
        status = pl.when(stack.is_null()).then(pl.lit(NOT_RECORDED)).otherwise(pl.lit(NOT_IN_FILE))
        return pl.lit(_SPECIAL, dtype=pl.UInt32) - status.cast(pl.UInt32)

    def passed(self, source: int, groups: pl.Series) -> pl.DataFrame:
        """Give every group of frames that each stack of a source passes: `stack_id`, `group`."""
        return pl.DataFrame(self.core.passed(source, groups.to_frame()))

    def _by_stack(self) -> pl.DataFrame:
        ranking = self._sums_by_stack
        ids = pl.lit(self.stacks["trace_id"])
        return ranking.with_columns(
            ids.gather(pl.col("stack_before")).alias("trace_id_before"),
            ids.gather(pl.col("stack_after")).alias("trace_id_after"),
            *self._describe(ranking["stack"]),
        )

    @cached_property
    def _sums_by_stack(self) -> pl.DataFrame:
        """Rank stacks by their content; those without frames by their id."""
        ranking, rest = self._ranked(self.stacks["content"])
        if rest.is_empty():
            return ranking
        unrecorded = pl.col("stack").is_null()
        # Outside one run the side is a part of the key: an id there says nothing about the other side's.
        apart = pl.when(unrecorded | pl.lit(self.one_run)).then(pl.lit(0, dtype=pl.UInt32)).otherwise("side")
        trace_id = self.stacks["trace_id"].gather(rest["stack"])
        rest = rest.with_columns(trace_id, apart.alias("apart"), unrecorded.alias("unrecorded"))
        return pl.concat([ranking, self._grouped(rest, ["unrecorded", "apart", "trace_id"])], how="diagonal")

    def stack_sums(self, codes: pl.Series) -> pl.DataFrame:
        """Sum up by stack: ``stack``, `NUMBERS`; each side apart where the sides count for frames of different codes.

        So do those of two logs if symbols name only one of them.
        """
        sums = self._sums_by_stack
        after, before = (
            codes.gather(self.stacks["frame"].gather(sums[f"stack_{side}"])) for side in ("after", "before")
        )
        differ = (after != before).fill_null(False)
        return sums_of.apart(sums, differ) if differ.any() else sums

    def _by_trace(self) -> pl.DataFrame:
        ids = self.stacks["trace_id"]
        ranking, rest = self._ranked(ids.cast(pl.Categorical).to_physical())
        rest = rest.with_columns(ids.gather(rest["stack"]))
        ranking = pl.concat([ranking, self._grouped(rest, ["trace_id"])], how="diagonal")
        described = ranking.with_columns(ids.gather(ranking["stack"]), *self._describe(ranking["stack"]))
        return self._several_told(described)

    def _several_told(self, traces: pl.DataFrame) -> pl.DataFrame:
        """Name no stack for the sum of several: rows of a comparison have own frames each, also under one id."""
        counted = self.stacks.select("trace_id", "fingerprint", "alias_of").select(pl.all().gather(self.rows["stack"]))
        aliases = counted.filter(pl.col("alias_of").is_not_null())
        if aliases.is_empty():
            return traces
        contents = counted.join(aliases, on="trace_id", how="semi").group_by("trace_id").n_unique()
        several = contents.filter(pl.col("fingerprint") > 1)["trace_id"]
        mixed = pl.col("trace_id").is_in(several.implode())
        unnamed = [pl.when(~mixed).then(name).alias(name) for name in ("fingerprint", "module", "function", "depth")]
        words = labels.status_text(pl.lit(SEVERAL_STACKS))
        return traces.with_columns(*unnamed, status=pl.when(mixed).then(words).otherwise("status"))

    def kept_of(self, place: int, stack_ids: pl.Series) -> pl.Series | None:
        """Tell which rows of a source a filter leaves, by their stacks; None for all."""
        if self.kept is None:
            return None
        first = sum(source._height("stacks") for source in self.sources[:place])
        kept = self.kept.slice(first, self.sources[place]._height("stacks"))
        return kept.gather(stack_ids).fill_null(self.filtered.keeps_unrecorded)

    def _grouped(self, rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
        """Sum up rows by columns that are no key of stacks, into what `_ranked` gives."""
        sides = [
            pl.col("stack").filter(pl.col("side") != other).first().alias(f"stack_{name}")
            for name, other in (("after", BEFORE), ("before", AFTER))
        ]
        sums = sums_of.with_deltas(rows.group_by(keys).agg(*sides, *self._sums()))
        stack = pl.coalesce("stack_after", "stack_before").alias("stack")
        return sums.select("stack_after", "stack_before", stack, *NUMBERS)

    def _describe(self, stack: pl.Series) -> list[pl.Series]:
        """Give what is shown of each stack: fingerprint, depth, and module and function it counts for."""
        stacks = self.stacks.select(pl.col("fingerprint", "depth", "frame").gather(stack))
        shown = self._named(stacks["frame"])
        status = labels.stack_status(
            recorded=pl.lit(stack).is_not_null(), frame=pl.lit(stacks["frame"]), module=pl.lit(shown["module"])
        )
        words = pl.select(labels.status_text(status).alias("status")).to_series()
        return [stacks["fingerprint"], stacks["depth"], *shown, words]

    def _named(self, frames: pl.Series) -> pl.DataFrame:
        """Name module and function of frames, for the display; each is named once."""
        is_used = pl.repeat(False, self.frames.height, eager=True).scatter(frames.drop_nulls(), True)
        used = is_used.arg_true()
        named = self.frames.select(pl.all().gather(used))
        named = named.select("module", labels.function_label(named)).rechunk()
        return named.select(pl.all().gather(sums_of.places(used, self.frames.height).gather(frames)))

    def _sums(self) -> list[pl.Expr]:
        return sums_of.of_rows(self.rows)
