"""What nodes of a tree stand for, by number: what has no frames to show, modules and functions."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native
from heapdelta._ranking import labels

if TYPE_CHECKING:
    from heapdelta._ranking.matched import Matched

KINDS = tuple(_native.path_kinds())
"""What is no module and no function, by number."""
NOT_RECORDED, NOT_IN_FILE = map(KINDS.index, ("no stack recorded", "stack not in file"))
MODULE, FRAME = "module", "frame"
"""The kinds of all others."""


class Codes:
    """The modules and functions of matched frames, numbered as rankings number them, behind `KINDS`."""

    def __init__(self, matched: Matched) -> None:
        self._frames = matched.frames
        self._flags = matched.passed_over

    @cached_property
    def _module_groups(self) -> tuple[pl.Series, pl.DataFrame]:
        return labels.module_groups(self._frames)

    @cached_property
    def _function_groups(self) -> tuple[pl.Series, pl.DataFrame]:
        return labels.function_groups(self._frames)

    @cached_property
    def modules(self) -> pl.Series:
        """The number of each frame's module."""
        return (self._module_groups[0] + len(KINDS)).cast(pl.UInt32).rechunk()

    @cached_property
    def functions(self) -> pl.Series:
        """The number of each frame's function."""
        return (self._function_groups[0] + len(KINDS) + self._module_groups[1].height).cast(pl.UInt32).rechunk()

    def table(self, *, with_functions: bool) -> pl.DataFrame:
        """Give what each number stands for: ``kind``, ``module``, ``function``, ``allocator``.

        A module is an allocator's if all of its frames are.
        """
        nothing = pl.DataFrame({"kind": KINDS}).select(
            "kind",
            pl.lit(None, pl.String).alias("module"),
            pl.lit(None, pl.String).alias("function"),
            pl.lit(False).alias("allocator"),
        )
        parts = [nothing, self._named(*self._module_groups, MODULE)]
        if with_functions:
            parts.append(self._named(*self._function_groups, FRAME))
        return pl.concat(parts, rechunk=True)

    def _named(self, codes: pl.Series, names: pl.DataFrame, kind: str) -> pl.DataFrame:
        others = codes.filter(~self._flags).unique()
        allocator = pl.repeat(True, names.height, eager=True).scatter(others, False)
        function = pl.col("function") if "function" in names.columns else pl.lit(None, pl.String).alias("function")
        return names.select(pl.lit(kind).alias("kind"), "module", function, allocator.alias("allocator"))
