"""What symbols said of a log of a dataset, on its way back: names in its frames, and the tables about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta.dataset._builds import LOWER, builds_of_logs
from heapdelta.dataset._names import names_of_builds

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables

FRAME = ("function", "offset", "file", "source_line")


class NamesOfLogs:
    """The names that each of some logs has, by the builds of its modules."""

    def __init__(self, tables: Tables, captures: pl.DataFrame) -> None:
        self._tables = tables
        self._symbols, self._inlines = (tables.named.table(name) for name in ("symbols", "inlines"))
        self._builds: dict[str, pl.DataFrame] = {}
        if self._symbols.height:
            builds = builds_of_logs(tables, captures)
            self._builds = {str(key): rows for (key,), rows in builds.partition_by("capture", as_dict=True).items()}

    def named(self, capture: str, frames: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
        """Give the frames of a log with their names, and the tables ``symbols``, ``inlines`` and ``frame_symbols``.

        Frames have ``frame``, the key, beside the columns of a log's own. Without symbols there are no such tables.
        """
        builds = self._builds.get(capture)
        if builds is None:
            return frames, {}
        names = names_of_builds(self._tables, builds)
        asked = frames.select(
            "frame", "frame_id", "base", LOWER, pl.col("offset").alias("module_offset"), pl.col("function").is_null()
        ).filter(pl.col("base").is_not_null() & pl.col("function") & pl.col("module_offset").is_not_null())
        found = asked.drop("function").join(names, on="frame", how="inner", maintain_order="left")
        given = found.select("frame_id", *FRAME)
        frames = frames.join(given, on="frame_id", how="left", suffix="_given", maintain_order="left")
        has_name = pl.col("function_given").is_not_null()
        frames = frames.with_columns(
            pl.when(has_name).then(f"{name}_given").otherwise(name).alias(name) for name in FRAME
        ).drop(f"{name}_given" for name in FRAME)
        return frames, {
            "symbols": self._of_modules(builds, asked, found),
            "inlines": self._inlined(builds, found),
            "frame_symbols": found.with_columns(pl.col("other_names").fill_null(0)),
        }

    def _of_modules(self, builds: pl.DataFrame, asked: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
        """Give the rows of symbols of the log's modules, with what is its own: bases, and how many frames they have."""
        own = builds.select("build", "lower", "base").unique(maintain_order=True)
        rows = own.join(
            self._symbols.drop("frame_count", "named_count"), on="build", how="inner", maintain_order="left"
        )
        counts = [
            each.group_by("lower").agg(pl.len().cast(pl.UInt32).alias(name))
            for each, name in ((asked, "frame_count"), (found, "named_count"))
        ]
        for each in counts:
            rows = rows.join(each, on="lower", how="left", maintain_order="left")
        return rows.with_columns(pl.col("named_count").fill_null(0)).drop_nulls("frame_count")

    def _inlined(self, builds: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
        """Give the calls that were inlined at frames whose names are known."""
        own = self._inlines.join(builds.select("build").unique(), on="build", how="semi").unique(
            ["frame", "depth"], keep="first", maintain_order=True
        )
        return found.select("frame", "frame_id").join(own, on="frame", how="inner").sort("frame_id", "depth")
