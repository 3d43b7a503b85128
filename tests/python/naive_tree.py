"""A call tree made stack by stack in plain Python, to hold that of the package against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import heapdelta as hd
import polars as pl
from heapdelta import blame
from heapdelta._ranking.labels import function_label
from heapdelta.blame import frame_flags

Step = tuple[str, str | None, str | None]
MEASURES = ("requested_bytes", "overhead_bytes", "allocation_count")
Sums = dict[str, int | None]


@dataclass
class Stack:
    """One stack of both sides: its frames, innermost first, as (module, label, allocator), and what it holds."""

    frames: list[tuple[str | None, str, bool]] | None
    recorded: bool
    truncated: bool
    sums: Sums


@dataclass
class Node:
    """What passes a node, and what ends in it."""

    below: list[Stack] = field(default_factory=list)
    own: list[Stack] = field(default_factory=list)


def stacks_of(before: hd.Snapshot, after: hd.Snapshot) -> list[Stack]:
    """Join two logs by what their stacks contain; inside one run an id stands for the frames that either log has."""
    found: dict[Any, Stack] = {}
    one_run = hd.diff(before, after).one_run
    known: dict[str, Any] = {}
    by_side: dict[str, Any] = {}
    for log, side in ((after, "after"), (before, "before")):
        flags = frame_flags(log.frames, blame.DEFAULT).to_list()
        named = list(zip(log.frames["module"].to_list(), function_label(log.frames).to_list(), flags, strict=True))
        listed = {row["stack_id"]: row for row in log.stacks.to_dicts()}
        frames_of = {
            stack["fingerprint"]: [named[frame] for frame in stack["frame_ids"]]
            for stack in listed.values()
            if stack["fingerprint"] is not None
        }
        known |= {
            stack["trace_id"]: (stack["fingerprint"], frames_of[stack["fingerprint"]], stack["truncated"])
            for stack in listed.values()
            if stack["fingerprint"] is not None and one_run
        }
        by_side[side] = (log, listed, frames_of)
    for side, (log, listed, frames_of) in by_side.items():
        for row in log.usage.to_dicts():
            stack = listed.get(row["stack_id"])
            frames, truncated = None, False
            if stack is None:
                key: Any = "none"
            elif stack["fingerprint"] is not None:
                key, truncated = stack["fingerprint"], stack["truncated"]
                frames = frames_of[key]
            elif stack["trace_id"] in known:
                key, frames, truncated = known[stack["trace_id"]]
            else:
                key = ("id", stack["trace_id"], None if one_run else side)
            found.setdefault(key, Stack(frames, stack is not None, truncated, {}))
            sums = found[key].sums
            for measure in MEASURES:
                sums[f"{measure}_{side}"] = sums.get(f"{measure}_{side}", 0) + (row[measure] or 0)
    return list(found.values())


def path_of(stack: Stack, *, inward: bool, of_modules: bool, keep: bool, hidden: set[str]) -> tuple[Step, ...]:
    """Give the steps below the root."""
    if not stack.recorded:
        return (("no stack recorded", None, None),)
    if not stack.frames:
        return (("stack not in file", None, None),)
    outside = [place for place, (_, _, allocator) in enumerate(stack.frames) if not allocator]
    blamed = outside[0] if outside else len(stack.frames) - 1
    shown = [frame for place, frame in enumerate(stack.frames) if keep or place >= blamed]
    shown = [frame for frame in shown if frame[0] not in hidden]
    steps: list[Step] = [
        ("module", module, None) if of_modules else ("frame", module, function) for module, function, _ in shown
    ]
    end: list[Step] = [("outer frames cut off", None, None)] * stack.truncated
    if not shown:
        end = [("all frames hidden", None, None)]
    start: Step = ("module", stack.frames[blamed][0], None)
    steps = [*end, *steps[::-1]] if inward else [start, *steps, *end]
    if of_modules:
        steps = [step for place, step in enumerate(steps) if not place or step != steps[place - 1]]
    return tuple(steps)


def tree(stacks: list[Stack], **shape: Any) -> dict[tuple[Step, ...], Node]:
    """Make all nodes, by the steps from the root."""
    nodes: dict[tuple[Step, ...], Node] = {(): Node()}
    for stack in stacks:
        path = path_of(stack, **shape)
        for length in range(len(path) + 1):
            nodes.setdefault(path[:length], Node()).below.append(stack)
        nodes[path].own.append(stack)
    return nodes


def numbers(stacks: list[Stack], prefix: str = "") -> dict[str, int]:
    """Sum up."""
    sums: dict[str, int] = {}
    for measure in MEASURES:
        old, new = (sum(stack.sums.get(f"{measure}_{side}", 0) for stack in stacks) for side in ("before", "after"))
        sums |= {f"{measure}_before": old, f"{measure}_after": new, f"{measure}_delta": new - old}
    grown = [
        stack.sums.get("requested_bytes_after", 0) - stack.sums.get("requested_bytes_before", 0) for stack in stacks
    ]
    sums["requested_bytes_grown"] = sum(change for change in grown if change > 0)
    sums["requested_bytes_shrunk"] = sum(change for change in grown if change < 0)
    return {prefix + name: number for name, number in sums.items()}


def paths_of(table: pl.DataFrame) -> list[tuple[Step, ...]]:
    """Give the steps from the root of each row of a tree."""
    paths: list[tuple[Step, ...]] = []
    for row in table.iter_rows(named=True):
        step = (row["kind"], row["module"], row["function"])
        paths.append(() if row["parent_id"] is None else (*paths[row["parent_id"]], step))
    return paths
