"""What the heaps of the dumps of a series hold, by heap, size, content or source line; and memory by class.

Each dump is walked once, and its walk is not kept. A dump that does not tell all of its blocks is no point of these
curves: the least there can be is no number to draw a curve through. Of single heaps, those that are known in full are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._capture import heap_views
from heapdelta._capture.dump_lists import DAMAGED, WHOLE, list_state
from heapdelta._capture.heap_walk import ISSUES, missing, state_of
from heapdelta._numbers import sum_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.dump import Dump

KINDS = (*heap_views.KINDS, "region_class")
"""What dumps are followed by, beside what they count."""

_TYPES: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "heap": {"heap_base": pl.UInt64},
    "size": {"size": pl.UInt64},
    "size_class": {"smallest_size": pl.UInt64, "largest_size": pl.UInt64},
    "content": {
        "begins_with": pl.String,
        "module": pl.String,
        "module_offset": pl.UInt64,
        "target_name": pl.String,
    },
    "source": {"file": pl.String, "source_line": pl.UInt32, "block_use": pl.String},
    "region_class": {"region_class": pl.String},
}


class Told(NamedTuple):
    """What one dump tells: the bytes of each key, whether others are known to have none, and the state of its list."""

    values: pl.DataFrame
    complete: bool
    state: str
    symbols: pl.DataFrame | None = None
    """Where names in it are from."""


def keys(kind: str) -> list[str]:
    """Give the key columns of a kind."""
    return [*_TYPES[kind], "unit", "status"]


def schema(kind: str) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Give the types of the key columns."""
    return {**_TYPES[kind], "unit": pl.String, "status": pl.String}


def told_by(dump: Dump, kind: str) -> Told:
    """Sum up what a dump holds, by the keys of a kind: ``value`` beside them."""
    if kind == "region_class":
        return _of_regions(dump)
    tables, symbols = dump._passing(list({*heap_views.NEEDS[kind], "heaps", ISSUES}))
    heaps, issues = tables["heaps"], tables[ISSUES]
    state = state_of(heaps, issues)
    sums = heap_views.sums(tables, kind)
    whole = state == WHOLE
    if kind == "heap":
        certain = (pl.col("trust") == "proved") & (pl.col("unknown_bytes") == 0)
        named = sums.filter(pl.col("heap_base").is_not_null())
        value = pl.when(certain).then("requested_bytes").alias("value")
        found = heaps.height > 0 and heaps["base"].null_count() == 0 and not missing(issues)
        return Told(named.select(*_TYPES[kind], value), found, state)
    values = sums.select(*_TYPES[kind], pl.col("requested_bytes").alias("value"))
    return Told(values if whole else values.clear(), whole, state, symbols)


def _of_regions(dump: Dump) -> Told:
    state = list_state(dump, "regions")
    committed = dump.regions.filter(pl.col("state") == "commit")
    sums = committed.group_by(region_class=pl.col("class").cast(pl.String)).agg(sum_of(pl.col("size")).alias("value"))
    return Told(sums if state == WHOLE else sums.clear(), state == WHOLE, state)


def amounts(told: Sequence[Told], kind: str, built_anew: Sequence[str]) -> pl.DataFrame:
    """Give the bytes of every key at every point, in the order of the keys, then of the points.

    What begins in a module that was `built_anew` in between has no name but its own dump's.
    """
    columns = list(_TYPES[kind])
    parts = [
        one.values.with_columns(pl.lit(point, pl.UInt32).alias("point"), pl.lit(True).alias("here"))
        for point, one in enumerate(told)
    ]
    rows = _named_alike(pl.concat(parts), built_anew) if kind == "content" else pl.concat(parts)
    every = rows.select(columns).unique().sort(columns, nulls_last=True)
    complete = pl.Series("complete", [one.complete for one in told], dtype=pl.Boolean)
    points = pl.DataFrame({"point": pl.Series(range(len(told)), dtype=pl.UInt32), "complete": complete})
    placed = every.join(points, how="cross", maintain_order="left_right")
    placed = placed.join(rows, on=[*columns, "point"], how="left", nulls_equal=True, maintain_order="left")
    absent = pl.when(pl.col("complete")).then(pl.lit(0, pl.UInt64))
    value = pl.when(pl.col("here").fill_null(False)).then("value").otherwise(absent)
    unit, status = pl.lit("bytes").alias("unit"), pl.lit("ok").alias("status")
    return placed.select("point", *columns, unit, status, value.alias("value"))


def _named_alike(rows: pl.DataFrame, built_anew: Sequence[str]) -> pl.DataFrame:
    """Let a place have its name at all points, where those that name it agree."""
    place = ["begins_with", "module", "module_offset"]
    names = pl.col("target_name").drop_nulls().unique()
    of_one_build = rows.filter(~pl.col("module").is_in(built_anew))
    known = of_one_build.group_by(place).agg(names.alias("names")).filter(pl.col("names").list.len() == 1)
    named = rows.join(known, on=place, how="left", nulls_equal=True, maintain_order="left")
    name = pl.coalesce("target_name", pl.col("names").list.first()).alias("target_name")
    return named.with_columns(name).drop("names")


def lacking(told: Sequence[Told]) -> tuple[list[int], list[int]]:
    """Tell which points lack what is followed, and which have a part of it."""
    partly = [point for point, one in enumerate(told) if one.state == DAMAGED]
    absent = [point for point, one in enumerate(told) if one.state not in (DAMAGED, WHOLE)]
    return absent, partly
