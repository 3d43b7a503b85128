"""Paths become nodes: the paths are put in an order in which those below one node are neighbours.

So a node is a range of paths, and its sums are differences of running sums. Paths are sorted step by step, as long as
others begin with the same steps; what a path goes on alone is a chain, whose nodes all have the sums of that path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._numbers import parts_of, starts_of, sums_of_ranges
from heapdelta._tree.codes import NONE, TOTAL

if TYPE_CHECKING:
    from heapdelta._tree.paths import Paths

_ROOM = 1 << 32
"""Room for the number of a step beside that of a path, in one key."""


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


@dataclass
class _Sorted:
    """What is known of paths when they are sorted."""

    shared: list[pl.DataFrame]
    """Nodes of which the parent has several paths, a table for each step: ``parent``, ``code``, ``start``, ``count``,
    ``depth``. The first is the root; they are numbered in this order."""
    alone: list[pl.DataFrame] = field(default_factory=list)
    """Paths that go on alone, or end, below a node: ``path``, ``start``, ``node``, ``step``."""
    ended: list[pl.DataFrame] = field(default_factory=list)
    """Paths that end in a node where others do, or through which others go: ``path``, ``start``, ``node``."""


@dataclass(frozen=True)
class _Chains:
    """The nodes of paths that go on alone, chain by chain."""

    heads: pl.DataFrame
    """``start``, ``node``, ``step`` of each chain."""
    starts: pl.Series
    """Where each begins among the nodes of all, and where the last one ends."""
    part: pl.Series
    """The chain of each node."""
    codes: pl.Series

    def counted_from(self, first: pl.Series) -> pl.Series:
        """Give numbers to the nodes of each chain, from a first one on."""
        number = pl.int_range(len(self.part), dtype=pl.Int64, eager=True)
        return (number + (first.cast(pl.Int64, strict=False) - self.starts.head(-1)).gather(self.part)).cast(pl.UInt32)


def nodes(paths: Paths, weight: pl.Series) -> Nodes:
    """Make the tree of some paths; children of more `weight` come first, those of which it is not known last."""
    found = _sorted(paths)
    alone, ended, shared = (pl.concat(parts) for parts in (found.alone, found.ended, found.shared))
    chains = _chains(paths, alone)
    placed = pl.concat([alone.select("path", "start"), ended.select("path", "start")])
    order = pl.repeat(0, len(weight), dtype=pl.UInt32, eager=True).scatter(placed["start"], placed["path"])
    before = _before(shared, chains, paths.lengths.gather(order), weight.gather(order))
    place = _preorder([level.height for level in found.shared], shared["parent"], before)
    of_chains = chains.counted_from(place.gather(chains.heads["node"]) + 1)
    columns = {
        "parent_id": (place.gather(shared["parent"]), of_chains - 1),
        "depth": (shared["depth"], chains.counted_from(chains.heads["step"] + 1)),
        "code": (shared["code"], chains.codes),
        "span": (
            pl.int_range(shared.height, dtype=pl.UInt32, eager=True),
            (chains.heads["start"] + shared.height).gather(chains.part),
        ),
        "ending": _ending(shared.height, alone, ended, chains),
    }
    places = pl.concat([place, of_chains])
    at = pl.repeat(0, len(places), dtype=pl.UInt32, eager=True)
    at = at.scatter(places, pl.int_range(len(places), dtype=pl.UInt32, eager=True))
    table = pl.DataFrame([pl.concat(parts, rechunk=True).gather(at).alias(name) for name, parts in columns.items()])
    one = pl.int_range(len(weight), dtype=pl.UInt32, eager=True)
    spans = pl.concat(
        [shared.select("start", end=pl.col("start") + pl.col("count")), pl.DataFrame({"start": one, "end": one + 1})]
    )
    return Nodes(table.with_columns(table["parent_id"].set(table["depth"] == 0, None)), spans, order)


def _sorted(paths: Paths) -> _Sorted:
    count = len(paths.lengths)
    root = {"parent": 0, "code": TOTAL, "start": 0, "count": count, "depth": 0}
    found = _Sorted([pl.DataFrame({name: pl.Series([value], dtype=pl.UInt32) for name, value in root.items()})])
    path = pl.int_range(count, dtype=pl.UInt32, eager=True).alias("path")
    nothing = pl.lit(0, pl.UInt32)
    going = path.to_frame().with_columns(nothing.alias("start"), nothing.alias("node"))
    known, step = 1, 0
    while going.height or not found.alone:
        path = going["path"]
        at = (paths.starts.gather(path) + step).set(paths.lengths.gather(path) <= step, None)
        code = paths.steps.gather(at).fill_null(NONE).cast(pl.UInt64)
        going = going.with_columns((going["start"].cast(pl.UInt64) * _ROOM + code).alias("key")).sort("key")
        runs = _runs(going, known)
        of_run = runs.select("code", "count", "first", "place", "id").select(pl.all().gather(going["key"].rle_id()))
        now = going.hstack(of_run).with_row_index("index")
        goes_on, one = pl.col("code") != NONE, pl.col("count") == 1
        place = (pl.col("place") + pl.col("index") - pl.col("first")).alias("start")
        found.ended.append(now.filter(~goes_on).select("path", place, "node"))
        further = now.filter(goes_on).select(
            "path",
            pl.col("place").alias("start"),
            pl.col("id").alias("node"),
            pl.lit(step + 1, pl.UInt32).alias("step"),
            "count",
        )
        found.alone.append(further.filter(one).drop("count"))
        depth = pl.lit(step + 1, pl.UInt32).alias("depth")
        level = runs.filter(goes_on).select("parent", "code", pl.col("place").alias("start"), "count", depth)
        found.shared.append(level)
        going = further.filter(~one).drop("count", "step")
        known += level.height
        step += 1
    return found


def _runs(going: pl.DataFrame, known: int) -> pl.DataFrame:
    """Tell which paths take the same step from the same node; those that are `going` on are in order.

    ``first`` row of the run, ``count``, ``code``, ``parent``, ``place`` among all paths, ``id`` of the node.
    """
    runs = going["key"].rle().struct.unnest()
    first = starts_of(runs["len"]).head(-1).cast(pl.UInt32)
    code = (runs["value"] % _ROOM).cast(pl.UInt32)
    group = (runs["value"] // _ROOM).cast(pl.UInt32)
    first_of_group = first.gather(starts_of(group.rle().struct.unnest()["len"]).head(-1)).gather(group.rle_id())
    return pl.DataFrame(
        {
            "first": first,
            "count": runs["len"].cast(pl.UInt32),
            "code": code,
            "parent": going["node"].gather(first),
            "place": group + first - first_of_group,
            "id": (starts_of(code != NONE).head(-1) + known).cast(pl.UInt32),
        }
    )


def _chains(paths: Paths, alone: pl.DataFrame) -> _Chains:
    left = paths.lengths.gather(alone["path"]) - alone["step"]
    heads = alone.filter(left > 0)
    starts = starts_of(left.filter(left > 0))
    made = _Chains(heads.select("start", "node", "step"), starts, parts_of(starts), paths.steps)
    at = made.counted_from(paths.starts.gather(heads["path"]) + heads["step"])
    return _Chains(made.heads, starts, made.part, paths.steps.gather(at))


def _before(shared: pl.DataFrame, chains: _Chains, lengths: pl.Series, weight: pl.Series) -> pl.Series:
    """Tell how many nodes are in and below the siblings that come before; `lengths` are those of paths in order.

    A path begins the nodes that it does not share with the path before it, down to its end.
    """
    begun = shared["start"].slice(1).value_counts(name="begun")
    begins = pl.repeat(0, len(lengths), dtype=pl.Int64, eager=True).scatter(begun.to_series(0), begun["begun"])
    at = chains.heads["start"]
    begins = begins.scatter(at, begins.gather(at) + chains.starts.diff().slice(1))
    end = shared["start"] + shared["count"]
    size = sums_of_ranges(begins, (shared["start"] + 1).clip(upper_bound=end), end)
    if len(lengths):
        size = size + lengths.gather(shared["start"]) + 1 - shared["depth"]
    siblings = pl.DataFrame(
        {
            "id": pl.int_range(shared.height, dtype=pl.UInt32, eager=True),
            "parent": shared["parent"],
            "code": shared["code"],
            "size": size,
            "weight": sums_of_ranges(weight, shared["start"], end),
        }
    ).slice(1)
    siblings = siblings.sort("parent", "weight", "code", descending=[False, True, False], nulls_last=True)
    running = starts_of(siblings["size"]).head(-1)
    first = starts_of(siblings["parent"].rle().struct.unnest()["len"]).head(-1)
    before = running - running.gather(first).gather(siblings["parent"].rle_id())
    return pl.repeat(0, shared.height, dtype=pl.Int64, eager=True).scatter(siblings["id"], before)


def _preorder(levels: list[int], parent: pl.Series, before: pl.Series) -> pl.Series:
    """Give the nodes of several levels their numbers in preorder."""
    done = 0
    above = pl.Series([], dtype=pl.Int64)
    parts = []
    for height in levels:
        places = before.slice(done, height)
        if done:
            places = places + 1 + above.gather(parent.slice(done, height) - (done - len(above)))
        parts.append(places)
        done, above = done + height, places
    return pl.concat(parts).cast(pl.UInt32)


def _ending(known: int, alone: pl.DataFrame, ended: pl.DataFrame, chains: _Chains) -> tuple[pl.Series, pl.Series]:
    """Count the paths that end in each node: of those that are shared, and of those of chains."""
    counted = ended["node"].value_counts(name="count")
    shared = pl.repeat(0, known, dtype=pl.UInt32, eager=True)
    shared = shared.scatter(alone["node"], 1).scatter(chains.heads["node"], 0)
    shared = shared.scatter(counted.to_series(0), counted["count"])
    own = pl.repeat(0, len(chains.part), dtype=pl.UInt32, eager=True)
    return shared, own.scatter(chains.starts.slice(1) - 1, 1)
