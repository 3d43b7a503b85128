"""Matched rows become what the core writes: places, the steps of each stack, and its sums as whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._export.places import Places, safe
from heapdelta._ranking.measures import MEASURES
from heapdelta._tree.codes import NOT_IN_FILE, NOT_RECORDED
from heapdelta._tree.paths import Shape, paths
from heapdelta._words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._ranking.matched import Matched

WRITTEN = {"bytes": MEASURES[0], "blocks": MEASURES[2]}
"""What is written of each stack at each point."""
NO_MODULE = "[no module]"
"""Whose the bytes are of a stack that counts for a frame in no module."""


@dataclass(frozen=True)
class Tables:
    """What the core is given, which leaves out places, modules and owners that no stack has."""

    places: pl.DataFrame
    inlined: pl.DataFrame
    modules: pl.DataFrame
    steps: pl.Series
    """Places of all stacks, outermost first."""
    stacks: pl.DataFrame
    """``length`` u32, ``owner`` u32, ``bytes_0``, ``blocks_0`` i64 and so on for each point."""
    owners: pl.Series
    """Modules that stacks count for."""

    def unknown(self) -> list[str]:
        """Say of how many stacks a number is not known, which no format can write."""
        said = []
        for noun in ("bytes", "blocks"):
            lacks = pl.any_horizontal(pl.col(rf"^{noun}_\d+$").is_null())
            count = self.stacks.filter(lacks).height
            if count:
                shown = ", each with the outermost frame [bytes not known]" if noun == "bytes" else ""
                said.append(f"the {noun} of {plural(count, 'stack')} are not known, and written as 0{shown}")
        return said


def tables(matched: Matched, sides: Sequence[str], *, keep_allocators: bool) -> Tables:
    """Make the tables of matched rows; `sides` are those that are written, the earlier first."""
    codes = Places(matched)
    rows = matched.stack_sums(codes.functions)
    sums = [
        pl.col(f"{measure}_{side}").alias(f"{noun}_{place}")
        for place, side in enumerate(sides)
        for noun, measure in WRITTEN.items()
    ]
    return tables_of(matched, codes, rows.select("stack", *sums), keep_allocators=keep_allocators)


def tables_of(matched: Matched, codes: Places, rows: pl.DataFrame, *, keep_allocators: bool) -> Tables:
    """Make the tables of `rows`: ``stack``, then ``bytes_0``, ``blocks_0`` and so on, a pair for each point."""
    # In the order of the files: rankings have stacks of one growth in any.
    rows = rows.sort("stack", nulls_last=True, maintain_order=True)
    shape = Shape(inward=True, of_modules=False, keep_allocators=keep_allocators)
    ways = paths(matched, rows["stack"], matched.hidden, shape, steps=codes.numbers, first=None)
    modules = codes.listed_modules()
    places, inlined = codes.shown(modules)
    owner, owners = _owners(matched, codes, rows["stack"])
    sums = rows.select(pl.exclude("stack").cast(pl.Int64, strict=False))
    stacks = sums.select(ways.lengths.cast(pl.UInt32).alias("length"), owner.alias("owner"), pl.all())
    # Blocks of some points alone would look like growth, and no frame says that the others are not known.
    blocks = pl.col(r"^blocks_\d+$")
    stacks = stacks.with_columns(pl.when(pl.all_horizontal(blocks.is_not_null())).then(blocks).name.keep())
    return Tables(places, inlined, modules.drop("key"), ways.steps.alias("step"), stacks, owners)


def _owners(matched: Matched, codes: Places, stacks: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Tell which module each stack counts for: its number, and the names of all."""
    module = codes.modules.gather(matched.stacks["frame"].gather(stacks))
    absent = pl.select(pl.when(pl.lit(stacks).is_null()).then(NOT_RECORDED).otherwise(NOT_IN_FILE)).to_series()
    number = module.zip_with(module.is_not_null(), absent.cast(pl.UInt32))
    named = codes.table(with_functions=False)
    word = pl.when(pl.col("kind") == "module").then(pl.col("module").fill_null(NO_MODULE))
    names = named.select(word.otherwise("[" + pl.col("kind") + "]").alias("owner"))["owner"]
    return number, safe(names)
