"""What a call tree promises, whatever it is of."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.testing import assert_frame_equal

if TYPE_CHECKING:
    Tree = pl.DataFrame

MEASURES = ("requested_bytes", "overhead_bytes", "allocation_count")
NINE = [f"{measure}_{part}" for measure in MEASURES for part in ("before", "after", "delta")]
PARTS = ["requested_bytes_grown", "requested_bytes_shrunk"]
SUMS = [*NINE, *PARTS]
# What logs of sums tell.
TOLD = [name for name in SUMS if "overhead" not in name]
SHAPES = [
    {"direction": direction, "by": by, "allocators": allocators}
    for direction in ("outward", "inward")
    for by in ("function", "module")
    for allocators in ("trim", "keep")
]


def children_add_up(tree: Tree, sums: list[str]) -> None:
    """Children and what ends in a node are the node."""
    own = [f"self_{name}" for name in sums]
    below: dict[int, list[Any]] = defaultdict(lambda: [0] * len(sums))
    unknown: dict[int, set[int]] = defaultdict(set)
    for parent, *row in tree.select("parent_id", *sums).rows():
        for place, number in enumerate(row):
            if number is None:
                unknown[parent].add(place)
            else:
                below[parent][place] += number
    for node, *row in tree.select("node_id", *sums, *own).rows():
        for place, (number, ending) in enumerate(zip(row[: len(sums)], row[len(sums) :], strict=True)):
            if number is None:
                continue
            assert place not in unknown[node]
            assert number == below[node][place] + ending, (node, sums[place])


def is_preorder(tree: Tree) -> None:
    assert tree["node_id"].to_list() == list(range(tree.height))
    open_nodes: list[int] = []
    for node, parent, depth in tree.select("node_id", "parent_id", "depth").rows():
        assert len(open_nodes) >= depth
        del open_nodes[depth:]
        assert parent == (open_nodes[-1] if open_nodes else None)
        open_nodes.append(node)


def siblings_are_sorted(tree: Tree, amount: pl.Expr) -> None:
    for _, group in tree.with_columns(amount.alias("amount")).group_by("parent_id"):
        known = group["amount"].drop_nulls()
        assert known.is_sorted(descending=True)
        assert group["amount"].head(len(known)).null_count() == 0, "what is not known comes last"


def holds(view: Any) -> None:
    """Check what a tree promises."""
    trees = [view.tree(**shape) for shape in SHAPES]
    for shape, tree in zip(SHAPES, trees, strict=True):
        is_preorder(tree)
        children_add_up(tree, SUMS)
        change = pl.col("requested_bytes_grown") - pl.col("requested_bytes_shrunk")
        siblings_are_sorted(tree, change)
        assert_frame_equal(tree.head(1).select(NINE), view.total)
        assert_frame_equal(tree.head(1), trees[0].head(1))
        parts = tree.drop_nulls(PARTS)
        assert (parts["requested_bytes_grown"] + parts["requested_bytes_shrunk"]).equals(parts["requested_bytes_delta"])
        if shape["direction"] == "outward":
            first_level_is_the_ranking(tree, view)
        if shape == {"direction": "inward", "by": "function", "allocators": "trim"}:
            ends_are_the_ranking(tree, view)


def first_level_is_the_ranking(tree: Tree, view: Any) -> None:
    first = tree.filter(depth=1).select(pl.col("module").str.to_lowercase(), "kind", *SUMS)
    kind = pl.when(pl.col("status").is_in(["ok", "no module"])).then(pl.lit("module")).otherwise("status").alias("kind")
    ranking = view.by("module").select(pl.col("module").str.to_lowercase(), kind, *SUMS)
    assert_frame_equal(first, ranking, check_row_order=False)


def ends_are_the_ranking(tree: Tree, view: Any) -> None:
    ends = tree.filter(pl.col("kind") == "frame").with_columns(pl.col("module").str.to_lowercase())
    named = {name: f"self_{name}" for name in SUMS}
    sums = [pl.when(pl.col(own).null_count() == 0).then(pl.col(own).sum()).alias(name) for name, own in named.items()]
    found = ends.group_by("module", "function").agg(*sums).filter(pl.any_horizontal(pl.col(NINE[2], NINE[-1]) != 0))
    ranking = view.by("function").filter(pl.col("status").is_in(["ok", "no module"]))
    ranking = ranking.select(pl.col("module").str.to_lowercase(), "function", *SUMS)
    ranking = ranking.filter(pl.any_horizontal(pl.col(NINE[2], NINE[-1]) != 0))
    assert_frame_equal(found.select(ranking.columns), ranking, check_row_order=False)
