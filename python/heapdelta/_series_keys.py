"""What one snapshot of a series holds, key by key: the same keys that `Delta.by` ranks, with the sums of one side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _usage
from heapdelta._labels import STATUSES
from heapdelta._matched import Matched
from heapdelta._usage import MEASURES

if TYPE_CHECKING:
    from heapdelta._snapshot import Snapshot
    from heapdelta.blame import Allocators

KEYS = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "module", "function", "depth", "status"],
    "heap": ["heap_base", "status"],
}
"""The key columns of each kind."""


def identity(by: str) -> list[pl.Expr]:
    """Say what makes two keys the same: modules are told apart without regard to case, stacks by their content."""
    if by == "stack":
        return [pl.col("fingerprint"), pl.col("status")]
    if by == "heap":
        return [pl.col("heap_base"), pl.col("status")]
    names = [pl.col("module").str.to_lowercase().alias("folded")]
    return [*names, *([pl.col("function")] if by == "function" else []), pl.col("status")]


def sums(snapshot: Snapshot, by: str, allocators: Allocators, *, inclusive: bool) -> pl.DataFrame:
    """Sum up one snapshot: the key columns of `by`, then requested bytes, overhead and blocks, a row for each key."""
    if by == "heap":
        heaps = _usage.by_heap(snapshot).group_by("heap_base").agg(_total(name) for name in MEASURES)
        named = pl.when(pl.col("heap_base").is_null()).then(pl.lit("no heap named")).otherwise(pl.lit(STATUSES[0]))
        return heaps.select("heap_base", named.alias("status"), *MEASURES)
    rows = _usage.by_stack(snapshot)
    absent = pl.lit(0, dtype=pl.UInt64)
    sides = [
        column
        for name in MEASURES
        for column in (absent.alias(f"{name}_before"), pl.col(name).cast(pl.UInt64).alias(f"{name}_after"))
    ]
    matched = Matched(
        [snapshot], rows.select(pl.lit(0, dtype=pl.UInt8).alias("side"), "stack", *sides), allocators, one_run=True
    )
    ranked = matched.by(by, inclusive=inclusive)
    shown = ranked.select(*KEYS[by], *(pl.col(f"{name}_after").alias(name) for name in MEASURES))
    if by != "stack":
        return shown
    # A stack whose frames are nowhere has no content to go by: they share one key.
    shared = shown.filter(pl.col("fingerprint").is_null())
    if shared.height < 2:
        return shown
    merged = shared.group_by(KEYS[by]).agg(_total(name) for name in MEASURES)
    return pl.concat([shown.filter(pl.col("fingerprint").is_not_null()), merged])


def all_sums(
    snapshots: list[Snapshot], by: str, allocators: Allocators, *, inclusive: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sum up every snapshot. Gives the keys (one row each, as last seen) and the cells: `key`, `point`, measures."""
    parts = []
    for point, snapshot in enumerate(snapshots):
        part = sums(snapshot, by, allocators, inclusive=inclusive)
        parts.append(part.with_columns(pl.lit(point, dtype=pl.UInt32).alias("point")))
    rows = pl.concat(parts)
    same = identity(by)
    names = [expression.meta.output_name() for expression in same]
    rows = rows.with_columns(expression.alias(f"same_{name}") for expression, name in zip(same, names, strict=True))
    same_names = [f"same_{name}" for name in names]
    keys = rows.group_by(same_names, maintain_order=True).agg(pl.col(KEYS[by]).last()).with_row_index("key")
    coded = rows.join(keys.select("key", *same_names), on=same_names, how="left", nulls_equal=True)
    return keys.select("key", *KEYS[by]), coded.select("key", "point", *MEASURES)


def writes_overhead(snapshot: Snapshot) -> bool:
    """Tell whether a log says how much overhead there is, so that what is not there has none."""
    return _usage._writes_overhead(snapshot)


def _total(name: str) -> pl.Expr:
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)
