"""The modules of two dumps, matched by file name and build: what was loaded, unloaded, built anew.

Addresses change with every run, so the build tells which rows are one module: the debug id, or where there is none,
time stamp and size. A file of which each side has one build that the other lacks was built anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._capture.dump_lists import DAMAGED, knows, list_state
from heapdelta._diff.dump_views import Side, file_key, paired
from heapdelta._numbers import count_of_rows, delta, sum_of, wide_sum

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump

MODULE_MEASURES = ("image_bytes", "unload_count")

_KEYS = ["file", "build"]
_SIDES = ("before", "after")
_OWN = ("version", "debug_id", "base", "copies")
# What a dump tells of a module that had been unloaded, too.
_LINK = pl.concat_str("timestamp", "size", separator="-").alias("link")


def by_module(before: Dump, after: Dump, *, same_process: bool) -> pl.DataFrame:
    """Sum up images by module; `DumpDelta.by` tells the columns."""
    dumps = (before, after)
    links = pl.concat([_loaded(dump).select("file", "link", "build") for dump in dumps]).unique(["file", "link"])
    known = [{"image_bytes": knows(dump, "modules"), "unload_count": knows(dump, "unloaded_modules")} for dump in dumps]
    sides = [Side(_sums(dump, links), knowing) for dump, knowing in zip(dumps, known, strict=True)]
    rows = _rebuilt(paired(sides, _KEYS, MODULE_MEASURES, ["module"], own=_OWN))
    change = _change(same_process=same_process) if all(knows(dump, "modules") for dump in dumps) else pl.lit(None)
    return _unknown_left_open(rows.with_columns(change.cast(pl.String).alias("change")), dumps)


def _unknown_left_open(rows: pl.DataFrame, dumps: tuple[Dump, Dump]) -> pl.DataFrame:
    """Say nothing of what a damaged list does not have: it may be there all the same."""
    for side, dump in zip(_SIDES, dumps, strict=True):
        if list_state(dump, "modules") == DAMAGED:
            here = pl.col(f"copies_{side}") > 0
            rows = rows.with_columns(pl.when(here).then(name) for name in (f"image_bytes_{side}", "change"))
        if list_state(dump, "unloaded_modules") == DAMAGED:
            name = f"unload_count_{side}"
            rows = rows.with_columns(pl.when(pl.col(name) > 0).then(name))
    return rows.with_columns(delta(name) for name in MODULE_MEASURES)


def _loaded(dump: Dump) -> pl.DataFrame:
    return dump.modules.with_columns(file_key(), _LINK).with_columns(
        pl.coalesce("debug_id", "link").alias("build"), _named()
    )


def _named() -> pl.Expr:
    return pl.when(pl.col("name") != "").then("name").alias("module")


def _sums(dump: Dump, links: pl.DataFrame) -> pl.DataFrame:
    """Sum up the modules of one dump, those that had been unloaded beside those that are loaded."""
    loaded = (
        _loaded(dump)
        .group_by(_KEYS)
        .agg(
            pl.col("module", "version", "debug_id").first(),
            # Several copies of one file have no address that could be compared.
            pl.when(pl.len() == 1).then(pl.col("base").first()).alias("base"),
            pl.len().alias("copies"),
            wide_sum(pl.col("size")).alias("image_bytes"),
        )
    )
    gone = dump.unloaded_modules.with_columns(file_key(), _LINK, _named()).join(links, on=["file", "link"], how="left")
    gone = gone.with_columns(pl.coalesce("build", "link").alias("build"))
    unloads = gone.group_by(_KEYS).agg(
        pl.col("module").first().alias("unloaded"), count_of_rows().alias("unload_count")
    )
    both = loaded.join(unloads, on=_KEYS, how="full", coalesce=True)
    return both.with_columns(
        pl.coalesce("module", "unloaded").alias("module"),
        pl.col("copies", "unload_count", "image_bytes").fill_null(0),
    ).drop("unloaded")


def _rebuilt(rows: pl.DataFrame) -> pl.DataFrame:
    """Make one row of two builds of a file, where one took the place of the other."""
    rows = rows.with_columns(pl.col("copies_before", "copies_after").fill_null(0))
    copies = [pl.col(f"copies_{side}") for side in _SIDES]
    gone, came = (copies[0] > 0) & (copies[1] == 0), (copies[0] == 0) & (copies[1] > 0)
    alone = (wide_sum(gone).over("file") == 1) & (wide_sum(came).over("file") == 1)
    replaced = alone & (gone | came) & (pl.col("file") != "")
    rows = rows.with_columns(replaced.alias("replaced"), pl.when(~replaced).then("build").alias("build"))
    known = [pl.col(f"{own}_{side}").drop_nulls().first() for own in _OWN if own != "copies" for side in _SIDES]
    sums = [sum_of(pl.col(f"{name}_{side}")) for name in MODULE_MEASURES for side in _SIDES]
    return (
        rows.group_by("file", "build", "replaced")
        .agg(
            # The newer name, if both sides have one.
            pl.col("module").sort_by("copies_after").drop_nulls().last(),
            *known,
            *(wide_sum(pl.col(f"copies_{side}")) for side in _SIDES),
            *sums,
        )
        .with_columns(delta(name) for name in MODULE_MEASURES)
    )


def _change(*, same_process: bool) -> pl.Expr:
    before, after = (pl.col(f"copies_{side}") for side in _SIDES)
    moved = pl.lit(same_process) & (pl.col("base_before") != pl.col("base_after"))
    unloaded_since = pl.lit(same_process) & (pl.col("unload_count_delta") > 0)
    return (
        pl.when("replaced")
        .then(pl.lit("rebuilt"))
        .when(after > before)
        .then(pl.lit("loaded"))
        .when(after < before)
        .then(pl.lit("unloaded"))
        # One debug id and another size: the image was changed and its id was not.
        .when((after > 0) & (pl.col("image_bytes_delta") != 0))
        .then(pl.lit("rebuilt"))
        .when(after > 0)
        .then(pl.when(moved).then(pl.lit("reloaded")).otherwise(pl.lit("same")))
        .when(pl.lit(same_process) & pl.col("unload_count_delta").is_null())
        .then(None)
        .when(unloaded_since)
        .then(pl.lit("came and went"))
        .otherwise(pl.lit("unloaded earlier"))
    )
