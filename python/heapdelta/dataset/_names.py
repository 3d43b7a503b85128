"""Names for the frames of a dataset, by what symbols said of every build of their modules.

There is a row for each frame in each build, so that the name is known for every log. Where nobody asks for one log, as
in a ranking over all cases, a frame has a name if all its builds give it the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import total_of_known
from heapdelta._symbols.doubts import doubts_of
from heapdelta._words import of_count, plural
from heapdelta.dataset._builds import builds_of_logs, frames_of_builds
from heapdelta.dataset._layout import NAMED_CAPTURES

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables

_MORE = ("offset", "file", "source_line", "decorated", "other_names")


def names_everywhere(tables: Tables) -> pl.DataFrame:
    """Give the frames that have one name in all builds in which they are: ``frame``, ``function``, and the rest."""
    names = tables.named.names
    later = _later(tables) if names.height else names.clear()
    if later.height:
        # What these logs hold was not asked for. In a build that is known it is known, too.
        there = frames_of_builds(tables, builds_of_logs(tables, later), later)
        there = there.join(names.select("frame").unique(), on="frame", how="semi")
        unknown = there.join(names, on=["frame", "build"], how="anti", nulls_equal=True)
        names = pl.concat([names, unknown], how="diagonal")
    return _one_for_each(names)


def names_of_builds(tables: Tables, builds: pl.DataFrame) -> pl.DataFrame:
    """Give the names of frames in some builds. One log can have two builds of a module: then both must agree."""
    return _one_for_each(tables.named.names.join(builds.select("build").unique(), on="build", how="semi"))


def notes_on_names(tables: Tables) -> list[str]:
    """Say what a reader of the names must know."""
    if tables.named.is_empty:
        return []
    names = tables.named.names
    notes = doubts_of(tables.named.table("symbols"), names.filter("doubtful")["frame"].n_unique())
    everywhere = names_everywhere(tables)
    rest = names.join(everywhere, on="frame", how="anti").group_by("frame")
    several = rest.agg(pl.col("function").drop_nulls().n_unique()).filter(pl.col("function") > 1).height
    lacking = names["frame"].n_unique() - everywhere.height - several
    for count, what in (
        (several, "another name in another build of the module"),
        (lacking, "no name in another build of the module, of which no symbols were found"),
    ):
        if count:
            shows = f"rankings over all cases show {of_count(count, 'it', 'them')} without"
            notes.append(f"{plural(count, 'frame')} {of_count(count, 'has', 'have')} {what}: {shows}")
    later = _later(tables).height
    if later:
        notes.append(f"{plural(later, 'log')} came after symbols were asked: ask them again (heapdelta symbolize)")
    return notes


def named_text(symbols: pl.DataFrame) -> str:
    """Say in words how much symbols named."""
    found, asked = (total_of_known(symbols[name]) for name in ("named_count", "frame_count"))
    builds = symbols.filter(pl.col("kind").is_not_null()).height
    where = f"in {builds:,} of {plural(symbols.height, 'build')} of modules"
    return f"{found:,} of {plural(asked, 'address', 'addresses')} named, {where}"


def _later(tables: Tables) -> pl.DataFrame:
    """Give the logs for which symbols were not asked: ``capture``."""
    logs = tables.scan("captures").filter(pl.col("kind") == "log").select("capture").collect()
    return logs.join(tables.named.table(NAMED_CAPTURES), on="capture", how="anti")


def _one_for_each(names: pl.DataFrame) -> pl.DataFrame:
    """Give each frame its name, if all rows of it agree; what else they do not agree on is null."""
    found = names.group_by("frame").agg(
        *(
            pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(name)
            for name in ("function", *_MORE)
        ),
        pl.col("doubtful").any().alias("doubtful"),
    )
    return found.drop_nulls("function")
