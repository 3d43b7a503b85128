"""The call tree: what it promises of every two logs, one log and a comparison; and against one made stack by stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import heapdelta as hd
import naive_tree
import polars as pl
import pytest
from heapdelta import _compat
from heapdelta.exceptions import OptionError
from hypothesis import given, settings
from hypothesis import strategies as st
from small_hogs import hogs
from small_log import APP_FRAME, NTDLL_FRAME, Log
from tree_promises import (
    MEASURES,
    PARTS,
    SHAPES,
    SUMS,
    TOLD,
    children_add_up,
    holds,
    is_preorder,
    siblings_are_sorted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Tree = pl.DataFrame

SOME = settings(max_examples=20, deadline=None)

# Few names, so that stacks share callers, call themselves, and differ in the case of a module.
frames = st.sampled_from(
    ["ntdll!RtlAllocateHeap", "msvcrt!malloc", "app!main", "app!load", "APP!load", "net!read", "net!wait", "db!query"]
)
ids = st.sampled_from(["1", "2", "3", "4", "5", "6", "7"])
# 16 frames are the limit of the tool: such a stack may be cut off.
lists = st.lists(frames, min_size=1, max_size=7) | st.lists(frames, min_size=16, max_size=16)
stacks = st.dictionaries(ids, lists)
held = st.dictionaries(ids | st.just("0"), st.integers(0, 1 << 20))


@st.composite
def deltas(draw) -> hd.Delta:
    known = draw(stacks)
    lacking = draw(st.sets(ids, max_size=2))
    sides = []
    for side in ("before", "after"):
        own = {trace: each for trace, each in known.items() if side == "after" or trace not in lacking}
        sides.append(hd.read_log(hogs(draw(held), own, pid=draw(st.sampled_from([812, 813]))).encode()))
    return hd.diff(*sides)


@SOME
@given(deltas())
def test_promises_hold_for_every_two_logs(delta: hd.Delta) -> None:
    holds(delta)


@SOME
@given(deltas(), st.sampled_from(["net", "app!load", "ntdll", "*!main", "none"]))
def test_a_filter_and_its_complement_are_all(delta: hd.Delta, pattern: str) -> None:
    parts = [delta.filter(focus=pattern), delta.filter(ignore=pattern)]
    for part in parts:
        holds(part)
        assert part.tree()["requested_bytes_left_out"][0] == part.left_out["requested_bytes_delta"].item()
    for shape in SHAPES:
        whole, *halves = (sums_by_path(view.tree(**shape)) for view in (delta, *parts))
        for path, sums in whole.items():
            there = [half[path] for half in halves if path in half]
            assert sums == tuple(map(sum, zip(*there, strict=True)))
        assert set(whole) == set.union(*map(set, halves))


def sums_by_path(tree: Tree) -> dict[Any, tuple[int, ...]]:
    lower = tree.with_columns(pl.col("module").str.to_lowercase())
    return dict(zip(naive_tree.paths_of(lower), tree.select("stack_count", *TOLD).rows(), strict=True))


@SOME
@given(
    deltas(), st.sampled_from(SHAPES), st.sampled_from([[], ["net"], ["app", "db"], ["ntdll", "msvcrt", "app", "net"]])
)
def test_nodes_are_those_of_a_tree_made_stack_by_stack(delta: hd.Delta, shape: dict[str, Any], hide: list[str]) -> None:
    tree = delta.tree(**shape, hide=hide).with_columns(pl.col("module").str.to_lowercase())
    found = naive_tree.tree(
        [lowered(stack) for stack in naive_tree.stacks_of(delta.before, delta.after)],
        inward=shape["direction"] == "inward",
        of_modules=shape["by"] == "module",
        keep=shape["allocators"] == "keep",
        hidden=set(hide),
    )
    paths = naive_tree.paths_of(tree)
    assert len(set(paths)) == len(paths)
    assert set(paths) == set(found)
    for path, row in zip(paths, tree.to_dicts(), strict=True):
        node = found[path]
        expected = naive_tree.numbers(node.below) | naive_tree.numbers(node.own, "self_")
        expected = {name: number for name, number in expected.items() if "overhead" not in name}
        expected["stack_count"] = sum(stack.recorded for stack in node.below)
        assert {name: row[name] for name in expected} == expected, path


def lowered(stack: naive_tree.Stack) -> naive_tree.Stack:
    if stack.frames is not None:
        stack.frames = [(module and module.lower(), function, own) for module, function, own in stack.frames]
    return stack


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[hd.Snapshot, hd.Snapshot]:
    story = hd.testing.write_investigation(tmp_path_factory.mktemp("tree"), stack_count=80)
    return hd.read_log(story.before), hd.read_log(story.after)


def test_promises_hold_for_the_investigation_and_its_parts(pair: tuple[hd.Snapshot, hd.Snapshot]) -> None:
    delta = hd.diff(*pair)
    holds(delta)
    for part in (delta.filter(focus="fhcatalog"), delta.filter(hide="fhpreview"), delta.filter(show="fh*")):
        holds(part)


def test_promises_hold_for_the_text_of_the_old_tool(pair: tuple[hd.Snapshot, hd.Snapshot], tmp_path: Path) -> None:
    text = tmp_path / "compared.txt"
    text.write_text(_compat.dhcmp_text(hd.diff(*pair), verbose=True), encoding="utf-8")
    comparison = hd.read_comparison(text)
    assert comparison.rows.height > 10
    holds(comparison)
    holds(comparison.filter(ignore="fhpreview"))
    delta = hd.diff(*pair)
    # Stacks that did not change are not in the text, so their nodes lack.
    of_text, of_logs = (
        {path: parts for path, parts in changes(view.tree()) if any(parts)} for view in (comparison, delta)
    )
    assert of_text == of_logs


def changes(tree: Tree) -> Iterator[tuple[Any, tuple[int, ...]]]:
    yield from zip(naive_tree.paths_of(tree), tree.select(PARTS).rows(), strict=True)


def test_a_log_has_the_after_side_of_the_tree_of_a_difference_with_itself(
    pair: tuple[hd.Snapshot, hd.Snapshot],
) -> None:
    log = pair[1]
    for shape in SHAPES:
        live = log.tree(**shape)
        is_preorder(live)
        children_add_up(live, list(MEASURES))
        siblings_are_sorted(live, pl.col("requested_bytes"))
        itself = hd.diff(log, log).tree(**shape)
        of_log, of_both = (
            dict(zip(naive_tree.paths_of(each), rows, strict=True))
            for each, rows in (
                (live, live.select("stack_count", *MEASURES, *(f"self_{name}" for name in MEASURES)).rows()),
                (
                    itself,
                    itself.select(
                        "stack_count", *(f"{own}{name}_after" for own in ("", "self_") for name in MEASURES)
                    ).rows(),
                ),
            )
        )
        assert of_log == of_both
    part = log.live().filter(focus="fhcatalog").tree()
    assert part["requested_bytes_left_out"][0] + part["requested_bytes"][0] == log.tree()["requested_bytes"][0]


def test_what_is_not_known_is_null_up_to_the_root_and_nowhere_else() -> None:
    stacks = {"7": [NTDLL_FRAME, APP_FRAME], "8": [NTDLL_FRAME, APP_FRAME + 4, APP_FRAME]}
    before = Log([(0x10000, "7", 5, 0), (0x10000, "8", 5, 0)], stacks).read()
    after = Log([(0x10000, "7", 8, 0), *[(0x10000, "8", 2**64 - 1, 0)] * 2, (0x10000, "0", 1, 0)], stacks).read()
    delta = hd.diff(before, after)
    holds(delta)
    tree = delta.tree(direction="inward").select(
        "function", "kind", "depth", *SUMS[:3], *PARTS, "self_requested_bytes_delta"
    )
    assert tree.rows() == [
        (None, "total", 0, 10, None, None, None, None, 0),
        (None, "no stack recorded", 1, 0, 1, 1, 1, 0, 1),
        ("app+0x100", "frame", 1, 10, None, None, None, None, 3),
        ("app+0x104", "frame", 2, 5, None, None, None, None, None),
    ]


def test_a_function_that_calls_itself_is_a_node_for_each_call() -> None:
    log = hd.read_log(
        hogs({"1": 10, "2": 7}, {"1": ["app!walk", "app!walk", "app!main"], "2": ["app!walk", "app!main"]}).encode()
    )
    tree = log.tree(direction="inward")
    assert tree.select("depth", "function", "requested_bytes", "self_requested_bytes").rows() == [
        (0, None, 17, 0),
        (1, "main", 17, 0),
        (2, "walk", 17, 7),
        (3, "walk", 10, 10),
    ]
    joined = log.tree(by="module").select("depth", "kind", "module", "requested_bytes", "self_requested_bytes")
    assert joined.rows() == [(0, "total", None, 17, 0), (1, "module", "app", 17, 17)]


def test_frames_that_are_hidden_leave_what_stacks_count_for() -> None:
    known = {"1": ["ntdll!RtlAllocateHeap", "net!read", "app!main"], "2": ["net!wait"]}
    log = hd.read_log(hogs({"1": 10, "2": 7}, known).encode())
    assert log.tree(hide="net").select("depth", "kind", "module", "function", "self_requested_bytes").rows() == [
        (0, "total", None, None, 0),
        (1, "module", "net", None, 0),
        (2, "frame", "app", "main", 10),
        (2, "all frames hidden", None, None, 7),
    ]
    inward = log.tree(hide="net", direction="inward", allocators="keep")
    assert inward.select("depth", "kind", "function", "allocator", "self_requested_bytes").rows() == [
        (0, "total", None, False, 0),
        (1, "frame", "main", False, 0),
        (2, "frame", "RtlAllocateHeap", True, 10),
        (1, "all frames hidden", None, False, 7),
    ]


def test_a_stack_that_is_cut_off_says_so_where_its_outer_frames_would_be() -> None:
    deep = ["app!f", *["net!read"] * 15]
    known = {"1": deep, "2": ["app!f", "app!main"]}
    log = hd.read_log(hogs({"1": 10, "2": 7}, known).encode())
    assert log.stacks["truncated"].to_list() == [True, False]
    inward = log.tree(direction="inward", by="module").select("depth", "kind", "module", "requested_bytes")
    assert inward.rows() == [
        (0, "total", None, 17),
        (1, "outer frames cut off", None, 10),
        (2, "module", "net", 10),
        (3, "module", "app", 10),
        (1, "module", "app", 7),
    ]
    outward = log.tree(by="module").select("depth", "kind", "module", "self_requested_bytes")
    assert outward.rows() == [
        (0, "total", None, 0),
        (1, "module", "app", 7),
        (2, "module", "net", 0),
        (3, "outer frames cut off", None, 10),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "up"}, "expected outward or inward for direction, found 'up'"),
        ({"by": "stack"}, "expected function or module for by, found 'stack'"),
        ({"allocators": "some"}, "expected trim or keep for allocators, found 'some'"),
        ({"hide": "!"}, "found '!'"),
    ],
)
def test_what_is_no_choice_is_refused(options: dict[str, Any], message: str) -> None:
    log = hd.read_log(hogs({"1": 10}, {"1": ["app!f"]}).encode())
    with pytest.raises(OptionError, match=message):
        log.tree(**options)
