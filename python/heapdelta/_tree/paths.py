"""Stacks become paths: what a tree shows of each, from the root on, as numbers of `Codes`.

    total → module blamed → function blamed → its callers → …    (outward)
    total → start of the thread → … → function blamed            (inward)

Every stack has a path of at least one step, so that no bytes are lost. The core walks along the stacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import starts_of

if TYPE_CHECKING:
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

    steps: pl.Series
    starts: pl.Series
    """Where each path begins, and where the last one ends."""

    @property
    def lengths(self) -> pl.Series:
        """How many steps each path has; none has none."""
        return self.starts.diff().slice(1)


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
    found = matched.core.paths(
        stacks.to_frame(),
        pl.concat(matched.flags).to_frame(),
        hidden.to_frame(),
        steps.to_frame(),
        None if first is None else first.to_frame(),
        inward=shape.inward,
        merged=shape.of_modules,
        keep_allocators=shape.keep_allocators,
    )
    lists = pl.DataFrame(found)["steps"]
    return Paths(lists.explode().rechunk(), starts_of(lists.list.len()))
