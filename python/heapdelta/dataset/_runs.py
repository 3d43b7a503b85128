"""Captures of a dataset fall into runs of processes, across the files of a case.

As `heapdelta.group` does it for snapshots: same machine, same process id, and module lists that agree. Logs that name
no machine or no process, as those of DH, are of one run on the sender's word alone: if they lie in one folder or
archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._read.sources import natural_key
from heapdelta._series.runs import group
from heapdelta.dataset._restore import headers

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables

RUNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "run": pl.UInt32,
    "case": pl.String,
    "machine": pl.String,
    "pid": pl.Int64,
    "program": pl.String,
    "proved": pl.Boolean,
    "restart": pl.Boolean,
    "captures": pl.UInt32,
    "first_taken_at": pl.Datetime("us"),
    "last_taken_at": pl.Datetime("us"),
    "time_source": pl.String,
    "capture": pl.List(pl.String),
}


def points_of(tables: Tables) -> pl.DataFrame:
    """Put the logs of a dataset in order: ``run``, ``point`` of each run from 0, ``time``, and what `captures` says.

    Logs whose order nothing tells are left out.
    """
    logs = tables.scan("captures").filter(pl.col("kind") == "log").collect()
    logs = logs.join(tables.modified(), on="capture", how="left", maintain_order="left")
    names = pl.col("machine").is_not_null() & pl.col("pid").is_not_null()
    logs = logs.with_columns(
        names.alias("proved"),
        pl.when(names).then(pl.col("machine").str.to_lowercase()).otherwise(_folder()).alias("who"),
        pl.when(names).then("pid").alias("process"),
    )
    keys = ["case", "proved", "who", "process"]
    same = logs.filter(pl.col("proved")).group_by(keys).agg(pl.col("modules_key").n_unique().alias("lists"))
    logs = logs.join(same, on=keys, how="left", nulls_equal=True, maintain_order="left")
    logs = _numbered(logs.join(_parted(tables, logs), on="capture", how="left", maintain_order="left"), keys)
    by_log = pl.col("taken_at").is_not_null().all().over("part")
    logs = logs.with_columns(
        pl.when(by_log).then("taken_at").otherwise("modified").alias("time"), by_log.alias("by_log")
    )
    # Of a log without a run and a time of its own nothing tells what was before it and what after.
    told = pl.col("time").is_not_null().all().over("part") & (
        pl.col("time").n_unique().over("part") == pl.len().over("part")
    )
    logs = logs.filter(told | by_log)
    logs = logs.with_columns(_natural(logs["path"])).sort("part", "time", "place", maintain_order=True).drop("place")
    first = pl.col("time").min().over("part").alias("began")
    logs = logs.with_columns(first).sort("case", "began", "part", "time", maintain_order=True)
    logs = logs.with_columns((pl.col("part").rle_id()).cast(pl.UInt32).alias("run"))
    return logs.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over("run").alias("point"))


def _natural(paths: pl.Series) -> pl.Series:
    """Give each path its place as people sort: of logs of one minute, the name tells which was first."""
    order = sorted(range(paths.len()), key=lambda row: natural_key(paths[row]))
    return pl.Series("place", order, dtype=pl.UInt32).arg_sort()


def runs_of(points: pl.DataFrame) -> pl.DataFrame:
    """Make one row of each run."""
    runs = points.group_by("run", maintain_order=True).agg(
        pl.col("case", "machine", "pid").first(),
        pl.col("program").drop_nulls().first(),
        pl.col("proved").first(),
        pl.len().cast(pl.UInt32).alias("captures"),
        pl.col("time").min().alias("first_taken_at"),
        pl.col("time").max().alias("last_taken_at"),
        pl.when(pl.col("by_log").first()).then(pl.lit("log")).otherwise(pl.lit("mtime")).alias("time_source"),
        pl.col("capture"),
    )
    who = ["case", pl.col("machine").str.to_lowercase(), pl.col("program").str.to_lowercase()]
    ended = pl.col("last_taken_at").cum_max().shift(1).over(who, order_by="first_taken_at")
    named = pl.col("machine").is_not_null() & pl.col("program").is_not_null()
    return (
        runs.with_columns((named & (ended <= pl.col("first_taken_at"))).fill_null(False).alias("restart"))
        .select(list(RUNS))
        .cast(pl.Schema(RUNS))
    )


def _folder() -> pl.Expr:
    """Name the folder or archive that a log lies in."""
    return pl.col("path").str.replace(r"[^!/\\]*$", "")


def _parted(tables: Tables, logs: pl.DataFrame) -> pl.DataFrame:
    """Tell apart the runs of logs that name the same process and list other modules."""
    doubtful = logs.filter(pl.col("lists") > 1)
    rows: list[tuple[str, int]] = []
    for some in doubtful.partition_by("case", "who", "process"):
        by_key = {str(key): snapshot for key, snapshot in headers(tables, some)}
        keys = {id(snapshot): key for key, snapshot in by_key.items()}
        for number, run in enumerate(group(by_key.values())):
            rows += [(keys[id(snapshot)], number) for snapshot in run]
    return pl.DataFrame(rows, schema={"capture": pl.String, "within": pl.UInt32}, orient="row")


def _numbered(logs: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    place = pl.struct(*keys, "within", pl.when(~pl.col("proved")).then("format"))
    return logs.with_columns(place.rank("dense").alias("part"))
