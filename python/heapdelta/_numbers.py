"""Exact sums and differences of bytes and counts: null where a part is not known, or 64 bits do not hold the result.

Every such sum of the package is made here (a test looks for others): polars adds modulo 2^64 and passes over nulls, so
one damaged size would be enough for a wrong number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence


def wide_sum(values: pl.Expr, *, may_lack: bool = True) -> pl.Expr:
    """Sum up in 128 bits. `may_lack=False` says that no value is null, and saves looking."""
    total = values.cast(pl.Int128).sum()
    return pl.when(values.null_count() == 0).then(total) if may_lack else total


def sum_of(values: pl.Expr, *, may_lack: bool = True) -> pl.Expr:
    """Sum up into u64."""
    return wide_sum(values, may_lack=may_lack).cast(pl.UInt64, strict=False)


def sum_of_signed(values: pl.Expr) -> pl.Expr:
    """Sum up differences into i64."""
    return wide_sum(values).cast(pl.Int64, strict=False)


def group_sums(rows: pl.DataFrame, by: list[str], measures: Sequence[str]) -> pl.DataFrame:
    """Sum up measures by group, into u64; in 64 bits where no sum can be larger, which takes a third of the time."""
    largest = [most or 0 for most in rows.select(pl.col(measures).max()).row(0)]
    if max(largest, default=0) * rows.height < 1 << 63:
        sums = [pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).cast(pl.UInt64) for name in measures]
    else:
        sums = [sum_of(pl.col(name)) for name in measures]
    return rows.group_by(by).agg(sums)


def running_sum(values: pl.Expr) -> pl.Expr:
    """Sum up from the first row to each row, in 128 bits."""
    return values.cast(pl.Int128).cum_sum()


def wide_difference(after: pl.Expr, before: pl.Expr) -> pl.Expr:
    """After - before, in 128 bits."""
    return after.cast(pl.Int128) - before.cast(pl.Int128)


def difference(after: pl.Expr, before: pl.Expr) -> pl.Expr:
    """After - before, into i64."""
    return wide_difference(after, before).cast(pl.Int64, strict=False)


def delta(measure: str) -> pl.Expr:
    """Make the column ``…_delta`` of the columns ``…_before`` and ``…_after``."""
    return difference(pl.col(f"{measure}_after"), pl.col(f"{measure}_before")).alias(f"{measure}_delta")


def sums_of_ranges(values: pl.Series, start: pl.Series, end: pl.Series) -> pl.Series:
    """Sum up the values of ranges of rows: from `start` up to `end`, which is not in it; null where one of them is.

    A range without rows is zero, unless nothing is known at all.
    """
    if len(values) and values.null_count() == len(values):
        return pl.repeat(None, len(start), dtype=values.dtype, eager=True)
    kind = pl.Int64 if _fits(values) else pl.Int128
    sums = _between(values.fill_null(0).cast(kind, strict=False), start, end).cast(values.dtype, strict=False)
    if not values.null_count():
        return sums
    lacking = _between(values.is_null().cast(pl.UInt32), start, end)
    return sums.set(lacking > 0, None)


def _fits(values: pl.Series) -> bool:
    """Tell whether no sum of some of the values passes 63 bits."""
    largest = max((abs(number) for number in (values.min(), values.max()) if isinstance(number, int)), default=0)
    return largest * len(values) < 1 << 63


def _between(values: pl.Series, start: pl.Series, end: pl.Series) -> pl.Series:
    # In one piece: to gather from two takes twice as long.
    running = pl.concat([pl.Series([0], dtype=values.dtype), values.cum_sum()], rechunk=True)
    return running.gather(end) - running.gather(start)


def starts_of(counts: pl.Series) -> pl.Series:
    """Tell where parts of these sizes begin, one behind the other, and where the last one ends: i64, one row more."""
    return pl.concat([pl.Series([0], dtype=pl.Int64), counts.cast(pl.Int64, strict=False).cum_sum()], rechunk=True)


def differences(after: pl.Series, before: pl.Series) -> pl.Series:
    """After - before, into i64; in 64 bits where both have room for a sign, which takes a third of the time."""
    largest = [number for number in (after.max(), before.max()) if isinstance(number, int)]
    kind = pl.Int64 if max(largest, default=0) < 1 << 63 else pl.Int128
    return (after.cast(kind, strict=False) - before.cast(kind, strict=False)).cast(pl.Int64, strict=False)


def count_of_rows() -> pl.Expr:
    """Count rows, in a type that can be added to sums."""
    return pl.len().cast(pl.Int128)


def total(values: pl.Series) -> int | None:
    """Sum up a column; None if a value of it is null. Whole numbers of Python have no limit."""
    return None if values.null_count() else _sum(values)


def total_of_known(values: pl.Series) -> int:
    """Sum up what is known of a column, for a caller that also says how much is not."""
    return _sum(values)


def as_u64(number: int | None) -> int | None:
    """Let a number pass that a column u64 holds; None for others."""
    return number if number is None or 0 <= number < 1 << 64 else None


def issue_count(issues: pl.DataFrame) -> int:
    """Count issues: a row can stand for many."""
    return _sum(issues["count"])


def issues_by_kind(issues: pl.DataFrame) -> pl.DataFrame:
    """Count issues by ``severity`` and ``kind``, the most frequent first: ``count``."""
    counts = issues.group_by("severity", "kind").agg(sum_of(pl.col("count"), may_lack=False))
    return counts.sort("count", "kind", descending=[True, False])


def _sum(values: pl.Series) -> int:
    return int(values.cast(pl.Int128).sum())
