"""The sums of a snapshot per stack and per heap, and two such sums side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._native import usage_by_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._snapshot import Snapshot

MEASURES = ("requested_bytes", "overhead_bytes", "allocation_count")
PAIRS = tuple(f"{measure}_{side}" for measure in MEASURES for side in ("before", "after"))

AFTER, BEFORE = 0, 1


def by_stack(snapshots: Sequence[Snapshot]) -> list[pl.DataFrame]:
    """Sum up each over its heaps: `stack` u32 (null: none recorded) and the measures, a row for each stack in use."""
    return [pl.DataFrame(sums) for sums in usage_by_stack([snapshot._native for snapshot in snapshots])]


def by_heap(snapshot: Snapshot) -> pl.DataFrame:
    """Sum up over stacks: `heap_base` u64 (null: not named) and the measures, a row for each heap in use."""
    known = pl.when(pl.col("overhead_bytes").null_count() == 0).then(pl.col("overhead_bytes").sum())
    sums = snapshot.usage.group_by("heap_id").agg(
        pl.col("requested_bytes").sum(), known.alias("overhead_bytes"), pl.col("allocation_count").sum()
    )
    return sums.select(snapshot.heaps["base"].gather(sums["heap_id"]).alias("heap_base"), *MEASURES)


def both_sides(after: Snapshot, before: Snapshot, new: pl.DataFrame, old: pl.DataFrame) -> pl.DataFrame:
    """Put the sums of two snapshots one below the other: `side`, the key, and six columns, zeros for the other side.

    All rows of `after` stand before those of `before`.
    """
    overhead = {"after": _writes_overhead(after), "before": _writes_overhead(before)}
    sides = [("after", AFTER, new), ("before", BEFORE, old)]
    return pl.concat([sums.select(_columns(sums, side, number, overhead)) for side, number, sums in sides])


def _columns(sums: pl.DataFrame, side: str, number: int, overhead: dict[str, bool]) -> list[pl.Expr]:
    zero, absent = pl.lit(0, dtype=pl.UInt64), pl.lit(None, dtype=pl.UInt64)
    columns = [pl.lit(number, dtype=pl.UInt8).alias("side"), pl.col(sums.columns[0])]
    for name in PAIRS:
        measure, _, its_side = name.rpartition("_")
        if its_side == side:
            column = pl.col(measure)
        else:
            column = zero if measure != "overhead_bytes" or overhead[its_side] else absent
        columns.append(column.cast(pl.UInt64).alias(name))
    return columns


def _writes_overhead(snapshot: Snapshot) -> bool:
    overhead = snapshot.usage["overhead_bytes"]
    return overhead.null_count() < overhead.len() if overhead.len() else snapshot.format == "umdh2"
