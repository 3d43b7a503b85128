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
            parts = [groups[noun].own(name) for noun in nouns]
            made[name] = _by_case(parts)
    if DUMP in groups:
        counters = [groups[DUMP].own(name) for name in COUNTERS]
        made["counters"] = pl.concat([counters[0], counters[1].drop("case", "capture")], how="horizontal")
    made["captures"] = _by_case(captures_of(groups))
    too_large = [issues for name, table in made.items() if (issues := _too_large(name, table)) is not None]
    stored = {name: _stored(name, table) for name, table in made.items() if table.height}
    if too_large:
        own = [stored["issues"]] if "issues" in stored else []
        stored["issues"] = pl.concat([*own, *(_stored("issues", each) for each in too_large)])
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
        rows, places = group.rows("stacks")
        traces.append(group.keyed(rows.drop("depth", "frame_ids").with_columns(fingerprints), places))
        if noun == LOG:
            made["usage"] = _usage(group, fingerprints, places)
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
    rows, places = group.rows("usage")
    stack = rows["stack_id"] + _first_rows(stack_places, len(group.kept)).gather(places)
    return group.keyed(rows.with_columns(fingerprints.gather(stack)), places)


def _first_rows(places: pl.Series, count: int) -> pl.Series:
    """Tell for each capture which row of all is the first of its own."""
    return places.search_sorted(pl.int_range(count, dtype=pl.UInt32, eager=True), side="left")


_LARGEST = 2**63 - 1


def _too_large(name: str, table: pl.DataFrame) -> pl.DataFrame | None:
    """Make issues of numbers that 63 bits do not hold: they are null in the dataset, and kept here."""
    wide = [column for column, kind in table.schema.items() if kind == pl.UInt64 and column not in ADDRESSES]
    if not wide or table.is_empty():
        return None
    largest = table.select(pl.col(wide).max()).row(0)
    wide = [column for column, most in zip(wide, largest, strict=True) if most is not None and most > _LARGEST]
    found = [
        table.filter(pl.col(column) > _LARGEST).select(
            "case" if "case" in table.columns else pl.lit(None, pl.String).alias("case"),
            "capture" if "capture" in table.columns else pl.lit(None, pl.String).alias("capture"),
            pl.lit("warning").alias("severity"),
            pl.lit("sum_overflow").alias("kind"),
            pl.format("{} of {}: {}", pl.lit(column), pl.lit(name), pl.col(column)).alias("text"),
            pl.lit("left out of the dataset: 63 bits do not hold it").alias("action"),
            pl.lit(1, pl.Int64).alias("count"),
        )
        for column in wide
    ]
    return pl.concat(found) if found else None


def _stored(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Give a table all columns of its schema, in their order: bits of addresses, values of everything else."""
    had = table.schema
    return table.select(
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
