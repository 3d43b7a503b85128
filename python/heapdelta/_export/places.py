"""Places of the program, as a viewer shows them: frames that look alike are one, with lines and inlined calls."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking.names import named
from heapdelta._safe_text import visible
from heapdelta._tree.codes import KINDS, Codes

if TYPE_CHECKING:
    from heapdelta._ranking.matched import Matched
    from heapdelta._ranking.sides import Side

_LOOKS = ["function", "file", "source_line", "inlined"]
_CALL = {"place": pl.UInt32, "name": pl.String, "file": pl.String, "source_line": pl.UInt32}


class Places(Codes):
    """Frames of one function are one place unless lines or inlined calls tell them apart; numbered behind `KINDS`."""

    def __init__(self, matched: Matched) -> None:
        super().__init__(matched)
        self._sources = matched.sources

    @cached_property
    def _looks(self) -> pl.DataFrame:
        """How each frame looks: the number of its function, then lines and inlined calls."""
        lines = pl.concat([source.frames.select("file", "source_line") for source in self._sources])
        inlined = pl.concat([_inlined_texts(source) for source in self._sources])
        return lines.select(self._function_groups[0].alias("function"), "file", "source_line", inlined)

    @cached_property
    def _groups(self) -> tuple[pl.Series, pl.DataFrame]:
        """The number of each frame's place, and of each place how it looks and a ``frame`` there."""
        looks = self._looks
        keys = [name for name in _LOOKS if name == "function" or looks[name].null_count() < looks.height]
        shown = [pl.col(name).first() for name in (*_LOOKS, "frame") if name not in keys]
        groups = looks.with_row_index("frame").group_by(keys, maintain_order=True).agg(shown)
        if keys == ["function"]:
            return looks["function"], groups.sort("function")
        numbered = groups.select(*keys, pl.int_range(pl.len(), dtype=pl.UInt32).alias("place"))
        place = looks.select(keys).join(numbered, on=keys, how="left", nulls_equal=True, maintain_order="left")["place"]
        return place, groups

    @cached_property
    def numbers(self) -> pl.Series:
        """The number of each frame's place."""
        return (self._groups[0] + len(KINDS)).cast(pl.UInt32).rechunk()

    def shown(self, modules: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Give all places, and the calls that were inlined there, each with the number of its place.

        `modules` are those of `listed_modules`.
        """
        kinds = pl.DataFrame({"name": [f"[{kind}]" for kind in KINDS]}).select(
            "name",
            pl.lit(None, pl.UInt32).alias("module"),
            pl.lit(None, pl.Boolean).alias("allocator"),
            pl.lit(None, pl.String).alias("file"),
            pl.lit(None, pl.UInt32).alias("source_line"),
            pl.lit(None, pl.UInt32).alias("frame"),
        )
        groups = self._groups[1]
        names = self._function_groups[1].select(pl.all().gather(groups["function"]))
        row = pl.DataFrame({"key": names["module"].str.to_lowercase()}).join(
            modules.select("key", pl.int_range(pl.len(), dtype=pl.UInt32).alias("module")),
            on="key",
            how="left",
            maintain_order="left",
        )
        frames = groups.select(
            safe(named(names)["name"]),
            row["module"],
            self._flags.gather(groups["frame"]).alias("allocator"),
            safe(groups["file"]),
            "source_line",
            pl.col("frame").cast(pl.UInt32),
        )
        places = pl.concat([kinds, frames], rechunk=True)
        return places.drop("frame"), self._inlined(places)

    def listed_modules(self) -> pl.DataFrame:
        """Give the modules of all places, the program first: ``key``, ``name``, ``path``, ``debug_id``.

        A viewer takes the first for the program.
        """
        names = self._function_groups[1]["module"].drop_nulls()
        keyed = pl.DataFrame({"key": names.str.to_lowercase(), "name": names}).unique("key", maintain_order=True)
        listed = pl.concat([_modules(source) for source in self._sources]).unique("key", keep="first")
        told = keyed.join(listed, on="key", how="left", maintain_order="left")
        is_program = pl.col("path").str.to_lowercase().str.ends_with(".exe").fill_null(False)
        path = pl.coalesce("path", "name")
        ordered = told.sort(~is_program, maintain_order=True).with_columns(path)
        return ordered.with_columns(safe(ordered["name"]), safe(ordered["path"]), safe(ordered["debug_id"]))

    def _inlined(self, places: pl.DataFrame) -> pl.DataFrame:
        parts, seen = [], 0
        for source in self._sources:
            calls = _inlines(source)
            if calls.height:
                at = places.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("place"), "module", "frame")
                own = at.filter(pl.col("frame").is_between(seen, seen + source.frames.height, closed="left"))
                own = own.with_columns((pl.col("frame") - seen).cast(pl.UInt32).alias("frame_id"))
                module = source.frames["module"]
                found = own.join(calls, on="frame_id", how="inner").sort("place", "depth")
                names = pl.DataFrame(
                    {"module": module.gather(found["frame_id"]), "function": found["function"].fill_null("?")}
                )
                parts.append(found.select("place", safe(named(names)["name"]), safe(found["file"]), "source_line"))
            seen += source.frames.height
        return pl.concat(parts).sort("place", maintain_order=True) if parts else pl.DataFrame(schema=_CALL)


def safe(texts: pl.Series) -> pl.Series:
    """Write out what a terminal would obey, or hide; each text that has such a character is looked at."""
    odd = texts.str.contains(r"[^ -~]").fill_null(False).arg_true()
    if odd.is_empty():
        return texts
    written = pl.Series([visible(text) for text in texts.gather(odd).to_list()], dtype=pl.String)
    return texts.clone().scatter(odd, written)


def _inlined_texts(source: Side) -> pl.Series:
    calls = source._inlined().select("frame_id", pl.col("inlined").list.join("\n"))
    ids = pl.DataFrame({"frame_id": pl.int_range(source.frames.height, dtype=pl.UInt32, eager=True)})
    return ids.join(calls, on="frame_id", how="left", maintain_order="left")["inlined"]


def _inlines(source: Side) -> pl.DataFrame:
    """Give the inlined calls of a log; a comparison has none."""
    calls = getattr(source, "inlines", None)
    empty = {"frame_id": pl.UInt32, "depth": pl.UInt32, "function": pl.String, "file": pl.String}
    return pl.DataFrame(schema=empty | {"source_line": pl.UInt32}) if calls is None else calls


def _modules(source: Side) -> pl.DataFrame:
    path = pl.when(pl.col("path") != "").then("path")
    return source.modules.select(pl.col("name").str.to_lowercase().alias("key"), path.alias("path"), "debug_id")
