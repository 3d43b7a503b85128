"""Call trees of logs with names: of both logs, of one alone, and of two builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import programs
import pytest
from tree_promises import NINE, SHAPES, children_add_up, ends_are_the_ranking, holds, is_preorder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[hd.Snapshot, hd.Snapshot, hd.SymbolStore]:
    """A log before and after, without names, and where these are."""
    identity = programs.expected("x64")["id"]
    text = programs.log("x64", symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb")
    grown = text.replace(b"\n10 bytes + 18", b"\n100010 bytes + 18")
    return hd.read_log(text), hd.read_log(grown), hd.symbols(programs.stored(tmp_path, "x64"))


def test_promises_hold_with_names(pair: tuple[hd.Snapshot, hd.Snapshot, hd.SymbolStore]) -> None:
    before, after, store = pair
    named = hd.diff(before.with_symbols(store), after.with_symbols(store))
    holds(named)
    assert named.after.inlines.height > 0
    functions = named.tree().filter(kind="frame")["function"]
    assert "shop::Basket::add" in functions.to_list()
    assert named.tree().height <= hd.diff(before, after).tree().height, "places in one function are one node"


def test_sides_that_are_called_differently_are_apart_as_in_a_ranking(
    pair: tuple[hd.Snapshot, hd.Snapshot, hd.SymbolStore],
) -> None:
    before, after, store = pair
    mixed = hd.diff(before, after.with_symbols(store))
    for shape in SHAPES:
        tree = mixed.tree(**shape)
        is_preorder(tree)
        children_add_up(tree, NINE)
        assert tree.head(1).select(NINE).equals(mixed.total)
    ends_are_the_ranking(mixed.tree(direction="inward"), mixed)
    ranking = mixed.by("function")
    parts = ranking.select("requested_bytes_grown", "requested_bytes_shrunk")
    assert parts.null_count().rows() == [(0, 0)]
    assert ranking.select(pl.sum_horizontal(parts).alias("both"))["both"].equals(
        ranking["requested_bytes_delta"].alias("both")
    )


def test_promises_hold_for_names_of_two_builds(tmp_path: Path) -> None:
    builds = []
    for build in ("x64", "rebuilt"):
        store = hd.symbols(programs.stored(tmp_path / build, build))
        builds.append(hd.read_log(programs.log(build)).with_symbols(store, by_name=True))
    delta = hd.diff(*builds, match="name")
    holds(delta)
    assert "shop::Basket::add" in delta.tree()["function"].to_list()
