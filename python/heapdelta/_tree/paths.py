"""Stacks become paths: what a tree shows of each, from the root on, as numbers of `Codes`.

    total → module blamed → function blamed → its callers → …    (outward)
    total → start of the thread → … → function blamed            (inward)

Every stack has a path of at least one step, so that no bytes are lost. The core walks along the stacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from heapdelta._native import Table
    from heapdelta._ranking.matched import Matched


@dataclass(frozen=True)
class Shape:
    """How a tree is to be."""

    inward: bool
    of_modules: bool
    """Neighbours of one module are one step."""
    keep_allocators: bool


@dataclass(frozen=True)
class Paths:
    """Steps of all paths, one path behind the other."""

    table: Table
    """The table `paths` of the core."""

    @cached_property
    def lists(self) -> pl.Series:
        """The steps of each path."""
        return pl.DataFrame(self.table)["steps"]

    @property
    def steps(self) -> pl.Series:
        """The steps of all paths."""
        return self.lists.explode().rechunk()

    @property
    def lengths(self) -> pl.Series:
        """How many steps each path has; none has none."""
        return self.lists.list.len()


def paths(
    matched: Matched, stacks: pl.Series, hidden: pl.Series, shape: Shape, *, steps: pl.Series, first: pl.Series | None
) -> Paths:
    """Give the path of each of some stacks, in their order; null for blocks without one.

    Parameters
    ----------
    matched : Matched
        Whose stacks they are.
    stacks : polars.Series
        Numbers of stacks.
    hidden : polars.Series
        Frames that are no step.
    shape : Shape
        How the paths are to be.
    steps : polars.Series
        The step that each frame is.
    first : polars.Series or None
        The step that an outward path begins with, if its stack counts for that frame.
    """
    table = matched.core.paths(
        stacks.to_frame(),
        matched.passed_over.to_frame(),
        hidden.to_frame(),
        steps.to_frame(),
        None if first is None else first.to_frame(),
        inward=shape.inward,
        merged=shape.of_modules,
        keep_allocators=shape.keep_allocators,
    )
    return Paths(table)
