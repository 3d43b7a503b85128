"""`Dataset.symbolize`: symbols are asked for all frames without a function, in every build of their modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta.dataset._builds import builds_of_logs, frames_of_builds
from heapdelta.dataset._layout import CAPTURES, LOG, NAME_TABLES, NAMED_CAPTURES, native_schema
from heapdelta.dataset._named import write_names
from heapdelta.dataset._restore import native_rows, snapshot_of
from heapdelta.dataset._tree import Tables

if TYPE_CHECKING:
    from heapdelta._symbols.store import SymbolStore
    from heapdelta.dataset._manifest import Manifest

_STRIDE = 1 << 32
"""No module is larger."""

_HEADER = dict.fromkeys(CAPTURES) | {"format": "umdh2", "encoding": "utf-8", "pointer_width": 64, "byte_count": 0}


def symbolize(
    manifest: Manifest, symbols: SymbolStore, *, by_name: bool = False, threads: int | None = None
) -> pl.DataFrame:
    """Write what symbols say in place of what was there. Gives the table ``symbols``: a row per build."""
    tables = Tables(manifest)
    builds = builds_of_logs(tables)
    pairs = frames_of_builds(tables, builds)
    made = _asked(tables, builds, pairs.drop_nulls("build"), symbols, by_name=by_name, threads=threads)
    known = made["names"].select("frame").unique()
    # Builds that have no name for a frame count where another has one.
    every = pairs.join(known, on="frame", how="semi", maintain_order="left")
    names = every.join(made["names"], on=["frame", "build"], how="left", maintain_order="left")
    captures = tables.scan("captures").filter(pl.col("kind") == "log").select("capture").collect()
    made |= {"names": names, NAMED_CAPTURES: captures}
    made = {name: _conformed(name, table) for name, table in made.items()}
    write_names(manifest.store, made)
    return made["symbols"]


def _asked(
    tables: Tables,
    builds: pl.DataFrame,
    pairs: pl.DataFrame,
    symbols: SymbolStore,
    *,
    by_name: bool,
    threads: int | None,
) -> dict[str, pl.DataFrame]:
    """Ask as for one log that has all builds, each at a place of its own, and a frame for each pair of both."""
    place = (pl.int_range(1, pl.len() + 1, dtype=pl.UInt64) * _STRIDE).alias("base")
    modules = builds.sort("lower", "build", "module").unique("build", keep="first", maintain_order=True)
    modules = modules.with_columns(place)
    offsets = tables.scan("frames").select("frame", pl.col("offset").cast(pl.UInt64)).collect()
    rows = pairs.join(modules.select("build", "base", "module"), on="build", how="inner", maintain_order="left")
    rows = rows.join(offsets, on="frame", how="inner", maintain_order="left").filter(pl.col("offset") < _STRIDE)
    rows = rows.with_row_index("frame_id").with_columns((pl.col("base") + pl.col("offset")).alias("address"))
    log = snapshot_of(
        _HEADER,
        {
            "modules": _native("modules", modules.rename({"module": "name"})),
            "frames": _native("frames", rows.with_columns(pl.lit("").alias("text"))),
        },
    ).with_symbols(symbols, by_name=by_name, threads=threads)
    own = rows.select("frame_id", "frame", "build")
    names = log.frames.join(log.frame_symbols, on="frame_id", how="inner", maintain_order="left")
    of_builds = modules.select("base", "build", "path", "size")
    return {
        "symbols": log.symbols.join(of_builds, on="base", how="left", maintain_order="left").sort(
            "frame_count", "module", "build", descending=[True, False, False]
        ),
        "names": names.join(own, on="frame_id", how="left", maintain_order="left"),
        "inlines": log.inlines.join(own, on="frame_id", how="left", maintain_order="left"),
    }


def _native(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows all columns of a log's table."""
    lacking = [
        pl.lit(False if kind == pl.Boolean else None, kind).alias(column)
        for column, kind in native_schema(LOG, name).items()
        if column not in rows.columns
    ]
    return native_rows(name, rows.with_columns(lacking))


def _conformed(name: str, table: pl.DataFrame) -> pl.DataFrame:
    return table.select(list(NAME_TABLES[name])).cast(pl.Schema(NAME_TABLES[name]))
