"""Paths become nodes, by the core: a node is a range of paths, and its sums are differences of running sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native

if TYPE_CHECKING:
    from heapdelta._tree.paths import Paths


@dataclass(frozen=True)
class Nodes:
    """Nodes in preorder, and the order of paths of which they are ranges."""

    table: pl.DataFrame
    """One row per node: ``parent_id`` u32, null for the root, ``depth`` u32, ``code`` u32; ``span`` u32, its row of
    `spans`; ``ending`` u32: how many paths, from the first of the span on, end in it."""
    spans: pl.DataFrame
    """Ranges of paths: ``start``, ``end`` u32."""
    order: pl.Series
    """The paths in that order."""


def nodes(paths: Paths, weight: pl.Series) -> Nodes:
    """Make the tree of some paths; children of more `weight` come first, those of which it is not known last."""
    table, spans, order = _native.tree_nodes(paths.table, weight.cast(pl.UInt64).to_frame())
    return Nodes(pl.DataFrame(table), pl.DataFrame(spans), pl.DataFrame(order)["path"])
