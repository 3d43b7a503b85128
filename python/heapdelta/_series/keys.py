"""The keys of a series: the sums of all snapshots by stack or heap, and what each stack counts for.

Stacks of equal content count for the same frame in every snapshot. So each distinct stack is looked at once, where it
was seen last, however many snapshots have it; modules and functions are sums over stacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._native import Grid
from heapdelta._ranking import labels
from heapdelta._ranking.labels import NOT_IN_FILE, NOT_RECORDED, OK, STATUSES
from heapdelta.blame import Allocators, frame_flags

if TYPE_CHECKING:
    from heapdelta._capture.snapshot import Snapshot

KEYS = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "module", "function", "depth", "status"],
    "heap": ["heap_base", "status"],
}
"""The key columns of each kind."""


def grid_of(
    snapshots: list[Snapshot], by: str, allocators: Allocators, *, inclusive: bool, threads: int | None = None
) -> tuple[Grid, pl.DataFrame]:
    """Sum up snapshots. Gives every key at every point; and `key` with the key columns, in the order of the grid."""
    natives = [snapshot._native for snapshot in snapshots]
    if by == "heap":
        heaps = Grid(natives, "heap", threads=threads)
        found = pl.DataFrame(heaps.keys())
        status = labels.heap_status(pl.col("value"))
        return heaps, _numbered(found.select(pl.col("value").alias("heap_base"), status))
    stacks = Grid(natives, "stack", threads=threads)
    found = pl.DataFrame(stacks.keys()).with_row_index("key")
    passed, frames, depths = _frames_of(found.filter(pl.col("status") == OK), snapshots)
    blamed = _blamed(passed, frames, allocators)
    if by == "stack":
        return stacks, _stack_keys(found, blamed, frames, depths)
    return _grouped(stacks, found, passed if inclusive else blamed, frames, by)


def _frames_of(found: pl.DataFrame, snapshots: list[Snapshot]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Look up the frames of stacks where they were seen last.

    Gives `key` and `frame` for every frame of every stack, innermost first; the frames by that number; `key` and
    `depth`.
    """
    passed, frames, depths, frames_seen = [], [], [], 0
    for point, part in (
        found.select("point", "key", "row").sort("point", "key").partition_by("point", as_dict=True).items()
    ):
        snapshot = snapshots[int(point[0])]
        stacks = snapshot.stacks.select(pl.col("frame_ids", "depth").gather(part["row"]))
        listed = pl.DataFrame([part["key"], stacks["frame_ids"].alias("frame")]).explode("frame").drop_nulls("frame")
        used = listed.select(pl.col("frame").unique().sort()).with_row_index("number", offset=frames_seen)
        named = snapshot.frames.select("module", "function", "offset", "text")
        frames.append(named.select(pl.all().gather(used["frame"])))
        numbered = listed.join(used, on="frame", how="left", maintain_order="left")
        passed.append(numbered.select("key", pl.col("number").alias("frame")))
        depths.append(pl.DataFrame([part["key"], stacks["depth"]]))
        frames_seen += used.height
    if not frames:
        empty = pl.DataFrame(schema={"key": pl.UInt32, "frame": pl.UInt32})
        named = snapshots[0].frames.select("module", "function", "offset", "text").clear()
        return empty, named, pl.DataFrame(schema={"key": pl.UInt32, "depth": pl.UInt32})
    return pl.concat(passed), pl.concat(frames), pl.concat(depths)


def _blamed(passed: pl.DataFrame, frames: pl.DataFrame, allocators: Allocators) -> pl.DataFrame:
    """Choose the frame that each stack counts for: the first that no allocator owns, else the outermost."""
    marked = passed.with_columns(frame_flags(frames, allocators).gather(passed["frame"]))
    outermost = marked.group_by("key", maintain_order=True).agg(pl.col("frame").last())
    own = marked.filter(~pl.col("allocator")).group_by("key", maintain_order=True).agg(own=pl.col("frame").first())
    joined = outermost.join(own, on="key", how="left", maintain_order="left")
    return joined.select("key", pl.coalesce("own", "frame").alias("frame"))


def _stack_keys(found: pl.DataFrame, blamed: pl.DataFrame, frames: pl.DataFrame, depths: pl.DataFrame) -> pl.DataFrame:
    named = frames.select("module", labels.function_label(frames)).with_row_index("frame")
    shown = found.join(blamed, on="key", how="left", maintain_order="left")
    shown = shown.join(named, on="frame", how="left", maintain_order="left")
    shown = shown.join(depths, on="key", how="left", maintain_order="left")
    of_stack = labels.stack_status(recorded=pl.lit(True), frame=pl.col("frame"), module=pl.col("module"))
    status = pl.when(pl.col("status") == OK).then(of_stack).otherwise("status")
    code = shown.select(status.cast(pl.UInt8).alias("status"))["status"]
    words = labels.status_text(pl.lit(code)).alias("status")
    return shown.select("key", pl.col("value").alias("fingerprint"), "module", "function", "depth", words)


def _grouped(
    stacks: Grid, found: pl.DataFrame, counted: pl.DataFrame, frames: pl.DataFrame, by: str
) -> tuple[Grid, pl.DataFrame]:
    """Add stacks up by the module or function of the frames they count for, or pass."""
    # Of several spellings of a module the one seen last is shown: its frames are last.
    backwards = frames.reverse()
    codes, names = (labels.module_groups if by == "module" else labels.function_groups)(backwards)
    codes = codes.reverse()
    pairs = counted.select("key", codes.gather(counted["frame"]).alias("group")).unique(maintain_order=True)
    rest = found.join(pairs, on="key", how="anti", maintain_order="left")
    # After the groups of frames come those of stacks without any: not recorded, not in the file.
    kind = pl.when(pl.col("status") == NOT_RECORDED).then(NOT_RECORDED).otherwise(NOT_IN_FILE)
    extra = rest.select("key", kind.alias("kind")).with_columns(
        group=(names.height - 1 + pl.col("kind")).cast(pl.UInt32)
    )
    pairs = pl.concat([pairs, extra.select("key", "group")])
    special = pl.DataFrame({"status": [STATUSES[NOT_RECORDED], STATUSES[NOT_IN_FILE]]})
    shown = pl.concat([names, special], how="diagonal").with_row_index("group")
    used = pairs.select(pl.col("group").unique().sort()).with_row_index("key")
    renamed = pairs.join(used.rename({"key": "new"}), on="group", how="left", maintain_order="left")
    grid = stacks.sum(renamed["key"].to_list(), renamed["new"].to_list(), used.height)
    keys = used.join(shown, on="group", how="left", maintain_order="left").select("key", *KEYS[by])
    return grid, keys


def _numbered(keys: pl.DataFrame) -> pl.DataFrame:
    return keys.with_row_index("key")
