"""The tables of many captures become those of a dataset: one behind the other, with keys that mean the same in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta.dataset._captures import captures_of
from heapdelta.dataset._gather import Group, Kept, groups_of
from heapdelta.dataset._layout import ADDRESSES, COMPARISON, COUNTERS, DUMP, LOG, nouns_of, tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapdelta._native import Keys

_TEXT = (LOG, COMPARISON)


def tables_of(
    kept: Sequence[Kept], *, blocks: bool, known: Keys | None = None
) -> tuple[dict[str, pl.DataFrame], list[Keys]]:
    """Make the tables of a dataset of captures; those without rows are left out.

    Stacks and frames that are `known` are left out, too. Gives the keys of the others beside the tables.
    """
    groups = groups_of(kept)
    made, fresh = _stack_tables(groups, known)
    for name in tables():
        nouns = [noun for noun in nouns_of(name) if noun in groups]
        if nouns and (name != "allocations" or blocks):
            made[name] = _by_case([groups[noun].rows(name) for noun in nouns])
    if DUMP in groups:
        counters = [groups[DUMP].rows(name) for name in COUNTERS]
        own = counters[1].select(pl.exclude("place", "case", "capture"))
        made["counters"] = pl.concat([counters[0], own], how="horizontal")
    made["captures"] = _by_case(captures_of(groups))
    made = {name: table for name, table in made.items() if table.height}
    stored = dict(zip(made, pl.collect_all(_stored(name, table) for name, table in made.items()), strict=True))
    if too_large := _too_large(made):
        issues = pl.collect_all(_stored("issues", each) for each in too_large)
        stored["issues"] = pl.concat([*([stored["issues"]] if "issues" in stored else []), *issues])
    return stored, fresh


def _stack_tables(groups: Mapping[str, Group], known: Keys | None) -> tuple[dict[str, pl.DataFrame], list[Keys]]:
    """Make `usage`, `traces`, `stacks` and `frames`: stacks by their content, whatever file they are from."""
    traces, stacks, frames, fresh = [], [], [], []
    made: dict[str, pl.DataFrame] = {}
    for noun in _TEXT:
        if noun not in groups:
            continue
        group = groups[noun]
        of_frames, of_stacks, fingerprints, keys = group.shared(known)
        fresh.append(keys)
        # Where a module was, its source lines, and how frames were printed, is each capture's own; what is left is the
        # same wherever it is from.
        nowhere, nothing = pl.col("module").is_null(), pl.col("address").is_null()
        address = pl.when(nowhere).then("address").alias("address")
        frames.append(of_frames.with_columns(pl.when(nowhere & nothing).then("text").alias("text"), address))
        stacks.append(of_stacks)
        rows = group.rows("stacks")
        traces.append(rows.with_columns(fingerprints))
        if noun == LOG:
            made["usage"] = _usage(group, fingerprints, rows["place"])
    if traces:
        made |= {"traces": _by_case(traces), "stacks": _once(stacks, "fingerprint"), "frames": _once(frames, "frame")}
    return made, fresh


def _by_case(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Put the rows of captures of several kinds together; those of each kind are by case already."""
    return parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal").sort("case", maintain_order=True)


def _once(parts: list[pl.DataFrame], key: str) -> pl.DataFrame:
    """Put parts together whose rows are each there once, and once in all."""
    return parts[0] if len(parts) == 1 else pl.concat(parts).unique(key, keep="first", maintain_order=True)


def _usage(group: Group, fingerprints: pl.Series, stack_places: pl.Series) -> pl.DataFrame:
    """Give every row of `usage` the fingerprint of its stack."""
    captures = pl.int_range(len(group.kept), dtype=pl.UInt32, eager=True)
    first_rows = stack_places.search_sorted(captures, side="left")
    stack = pl.col("stack_id") + pl.lit(first_rows).gather("place")
    return group.rows("usage").with_columns(pl.lit(fingerprints).gather(stack).alias("fingerprint"))


_LARGEST = 2**63 - 1


def _too_large(made: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    """Make issues of numbers that 63 bits do not hold: they are null in the dataset, and kept here."""
    wide = {
        name: [column for column, kind in table.schema.items() if kind == pl.UInt64 and column not in ADDRESSES]
        for name, table in made.items()
    }
    largest = pl.collect_all(made[name].lazy().select(pl.col(columns).max()) for name, columns in wide.items())
    return [
        made[name]
        .select(
            "case" if "case" in made[name].columns else pl.lit(None, pl.String).alias("case"),
            "capture" if "capture" in made[name].columns else pl.lit(None, pl.String).alias("capture"),
            pl.lit("warning").alias("severity"),
            pl.lit("sum_overflow").alias("kind"),
            pl.format("{} of {}: {}", pl.lit(column), pl.lit(name), pl.col(column)).alias("text"),
            pl.lit("left out of the dataset: 63 bits do not hold it").alias("action"),
            pl.lit(1, pl.Int64).alias("count"),
            column,
        )
        .filter(pl.col(column) > _LARGEST)
        .drop(column)
        for (name, columns), most in zip(wide.items(), largest, strict=True)
        for column in columns
        if (most[column].item() or 0) > _LARGEST
    ]


def _stored(name: str, table: pl.DataFrame) -> pl.LazyFrame:
    """Give a table all columns of its schema, in their order: bits of addresses, values of everything else."""
    had = table.schema
    return table.lazy().select(
        _column(column, had[column], kind) if column in had else pl.lit(None, kind).alias(column)
        for column, kind in tables()[name].items()
    )


def _column(name: str, had: pl.DataType, kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    column = pl.col(name)
    if had == kind:
        return column
    if name in ADDRESSES and had == pl.UInt64:
        return column.reinterpret(signed=True)
    if isinstance(had, pl.Duration):
        return column.dt.total_nanoseconds()
    # What is too large is null, and told by `_too_large`.
    return column.cast(kind, strict=had != pl.UInt64)
