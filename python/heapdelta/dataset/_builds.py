"""Builds of modules in a dataset: which of them each log had, and which frames lie in each.

A frame of a dataset is a module and an offset, and two builds of a module have other functions there. What is known of
a build is the file, its size, and where the log's tool had its symbols from, or what a dump of the same process says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables

BUILD = ("file", "size", "symbol_file", "timestamp", "debug_id")
"""What tells builds apart."""

_OF_STORE = r"(?i)^[0-9a-f]{9,40}\\"
"""How the place of symbols begins that is in a folder for one build: GUID and age, or time stamp and size."""

_SAME_PLACE = ("case", "pid", "file", "base", "size")

LOWER = pl.col("module").str.to_lowercase().alias("lower")


def builds_of_logs(tables: Tables, captures: pl.DataFrame | None = None) -> pl.DataFrame:
    """Tell which builds of which modules logs have: ``capture``, ``lower``, ``build``, ``module``, and what shows it.

    Modules of comparisons have no addresses, and so no build. A log that names a module twice has both.
    """
    wanted = tables.scan("captures").select("capture", "case", "machine", "pid", "modules_key", "kind")
    if captures is not None:
        asked = wanted.join(captures.lazy().select("capture"), on="capture", how="semi")
        # Dumps of their cases tell of their modules.
        dumps = wanted.filter(pl.col("kind") == "dump").join(asked.select("case"), on="case", how="semi")
        wanted = pl.concat([asked, dumps])
    file = pl.col("path").str.split("\\").list.last().str.split("/").list.last().str.to_lowercase().alias("file")
    columns = ("capture", pl.col("name").alias("module"), "path", file, "base", "size", "symbol_file")
    modules = tables.scan("modules").select(*columns, "timestamp", "debug_id", "debug_file")
    rows = modules.join(wanted, on="capture", how="inner")
    logs = rows.filter(pl.col("kind") == "log").drop("timestamp", "debug_id", "debug_file")
    # What lies at one place of one process is one file.
    dumped = rows.filter((pl.col("kind") == "dump") & pl.col("pid").is_not_null())
    dumped = dumped.select(*_SAME_PLACE, "timestamp", "debug_id", "debug_file").unique()
    # Two dumps that do not agree are of two processes.
    dumped = dumped.unique(_SAME_PLACE, keep="none")
    found = logs.join(dumped, on=_SAME_PLACE, how="left").collect()
    # Of the place of symbols the file counts, and the folder, which is the build where it is a store's.
    place = pl.coalesce("symbol_file", "debug_file").str.replace_all("/", "\\", literal=True).str.split("\\")
    found = found.with_columns(LOWER, place.list.tail(2).list.join("\\").alias("symbol_file")).drop("debug_file")
    # Where nothing tells the build, each process has its own: a program can be replaced, and stay at its place.
    of_store = pl.col("symbol_file").str.contains(_OF_STORE)
    has_id = pl.col("debug_id").is_not_null() | pl.col("timestamp").is_not_null() | of_store
    process = pl.concat_str("case", "machine", "pid", "modules_key", separator="\n")
    own = pl.coalesce(process, "capture")
    found = found.with_columns(pl.when(has_id.fill_null(False)).then(None).otherwise(own).alias("own"))
    by = [*BUILD, "own"]
    distinct = found.select(by).unique()
    texts = ["\n".join("" if each is None else str(each).lower() for each in row) for row in distinct.iter_rows()]
    keys = distinct.with_columns(pl.Series("build", [_native.key_of(text) for text in texts], dtype=pl.String))
    keyed = found.join(keys, on=by, how="left", nulls_equal=True)
    return keyed.select("capture", "lower", "build", "module", "path", "base", *BUILD)


def frames_of_builds(tables: Tables, builds: pl.DataFrame, captures: pl.DataFrame | None = None) -> pl.DataFrame:
    """Tell which nameless frames lie in which builds: ``frame``, ``build`` (null where a log does not tell it).

    A comparison has no builds; what it shares with a log of its case is known from there.
    """
    bare = pl.col("module").is_not_null() & pl.col("function").is_null() & pl.col("offset").is_not_null()
    frames = tables.scan("frames").filter(bare).select("frame", LOWER)
    stacks = tables.scan("stacks").select("fingerprint", "frames")
    traces = tables.scan("traces").select("case", "capture", "fingerprint").drop_nulls().unique()
    if captures is not None:
        traces = traces.join(captures.lazy().select("capture"), on="capture", how="semi")
    kinds = tables.scan("captures").select("capture", "kind")
    frames_, stacks_, rows = pl.collect_all([frames, stacks, traces.join(kinds, on="capture")])
    frames_, stacks_ = frames_.with_row_index("number"), stacks_.with_row_index("stack")
    is_log = pl.col("kind") == "log"
    logs = rows.filter(is_log)
    rows = pl.concat([logs, rows.filter(~is_log).join(logs, on=["case", "fingerprint"], how="anti")])
    # Millions of numbers are joined in a fraction of the time that text takes.
    modules = frames_.select("lower").unique().with_row_index("module_number")
    keys = builds.select("build").unique().with_row_index("key")
    of_logs = builds.join(modules, on="lower").join(keys, on="build").select("capture", "module_number", "key").unique()
    # Logs of one set of builds are one.
    sets = of_logs.group_by("capture").agg(pl.col("key").sort().cast(pl.String).str.join(" ").alias("set"))
    sets = rows.select("capture").unique().join(sets, on="capture", how="left")
    sets = sets.with_columns(pl.col("set").rank("dense").cast(pl.UInt32).fill_null(0))
    rows = rows.join(sets, on="capture").join(stacks_.select("fingerprint", "stack"), on="fingerprint")
    rows = rows.select("set", "stack").unique()
    inside = stacks_.select("stack", pl.col("frames").alias("frame")).explode("frame", empty_as_null=True)
    inside = inside.join(frames_.join(modules, on="lower"), on="frame").select("stack", "number", "module_number")
    # Most builds are in many sets: first which stacks are in which build, then which of their frames.
    of_sets = of_logs.join(sets, on="capture").select("set", "module_number", "key").unique()
    of_stacks = rows.join(inside.select("stack", "module_number").unique(), on="stack")
    of_stacks = of_stacks.join(of_sets, on=["set", "module_number"], how="left")
    of_stacks = of_stacks.select("key", "stack", "module_number").unique()
    found = of_stacks.join(inside, on=["stack", "module_number"]).select("key", "number").unique()
    found = found.join(frames_.select("number", "frame"), on="number").join(keys, on="key", how="left")
    return found.select("frame", "build").sort("frame", "build", nulls_last=True)
