"""What blocks of two dumps begin with: by the place in a module; by class where another build has it elsewhere.

A place means the same in both dumps as long as the module is of one build. In a module that was built anew it does
not, so what symbols name there is compared by that name alone, where both sides have it; whatever only one side has
stays by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._capture import heap_views
from heapdelta._numbers import sum_of
from heapdelta._symbols.doubts import some
from heapdelta._words import of_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.dump import Dump

_PLACE = ["begins_with", "module", "module_offset"]
_NAME = ["begins_with", "module", "target_name"]


def alike(before: Dump, after: Dump, sums: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Give the sums of both sides keys by which what is the same can be found."""
    if all(side["target_name"].null_count() == side.height for side in sums):
        return sums
    anew = pl.col("module").is_in(built_anew([before, after]))
    of_one_build = [side.filter(~anew.fill_null(False)) for side in sums]
    of_two = [side.filter(anew) for side in sums]
    keys, measures = heap_views.KEYS["content"], heap_views.MEASURES["content"]
    return [
        pl.concat(parts).group_by(keys).agg(sum_of(pl.col(name)) for name in measures)
        for parts in zip(_by_place(of_one_build), _by_name(of_two), strict=True)
    ]


def notes(before: Dump, after: Dump) -> list[str]:
    """Say which modules were built anew, so that places in them do not compare."""
    modules = built_anew([before, after])
    if not modules:
        return []
    named = before._naming is not None and after._naming is not None
    how = "what blocks begin with there" if named else "offsets of the two builds do not compare"
    done = (
        " is compared by the names that symbols of both builds have for it"
        if named
        else ", and what blocks begin with there may be something else: symbols of both builds tell the classes"
    )
    return [f"{some(modules)} {of_count(len(modules), 'was', 'were')} built anew between the dumps: {how}{done}"]


def built_anew(dumps: Sequence[Dump]) -> list[str]:
    """Name the modules of which some dumps have different builds."""
    link = pl.concat_str("timestamp", "size", separator="-")
    ids, links = (own.drop_nulls().unique().sort().str.join("\n") for own in (pl.col("debug_id"), link))
    builds = pl.concat(
        dump.modules.group_by(module="name", maintain_order=True).agg(ids.alias("ids"), links.alias("links"))
        for dump in dumps
    )
    several = (pl.col(own).filter(pl.col(own) != "").n_unique() > 1 for own in ("ids", "links"))
    differs = pl.when((pl.col("ids") != "").all()).then(next(several)).otherwise(next(several))
    return (
        builds.group_by("module", maintain_order=True)
        .agg(differs.alias("differs"))
        .filter("differs")["module"]
        .to_list()
    )


def _by_place(sums: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Let both sides have the names that one has: places of one build are the same."""
    known = pl.concat(sums).drop_nulls("target_name").unique(_PLACE, keep="last", maintain_order=True)
    names = known.select(*_PLACE, "target_name")
    return [
        side.drop("target_name")
        .join(names, on=_PLACE, how="left", nulls_equal=True, maintain_order="left")
        .select(side.columns)
        for side in sums
    ]


def _by_name(sums: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Take the places away of what has a name on both sides; where that is one place, it stays."""
    named = [side.drop_nulls("target_name") for side in sums]
    on_both = named[0].select(_NAME).unique().join(named[1].select(_NAME).unique(), on=_NAME)
    places = pl.concat(named).group_by(_NAME).agg(pl.col("module_offset").unique().alias("places"))
    common = on_both.join(places, on=_NAME).select(
        *_NAME, pl.when(pl.col("places").list.len() == 1).then(pl.col("places").list.first()).alias("common")
    )
    common = common.with_columns(pl.lit(True).alias("is_common"))
    place = pl.when("is_common").then("common").otherwise("module_offset").alias("module_offset")
    return [side.join(common, on=_NAME, how="left").with_columns(place).select(side.columns) for side in sums]
