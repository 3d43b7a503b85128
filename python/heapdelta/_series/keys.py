"""The keys of a series: the sums of all snapshots by stack or heap, and what each stack counts for.

Stacks of equal content count for the same frame in every snapshot. So each distinct stack is looked at once, where it
was seen last, however many snapshots have it; modules and functions are sums over stacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._native import Grid
from heapdelta._ranking import labels
from heapdelta._ranking.filters import Filter
from heapdelta._ranking.labels import NOT_IN_FILE, NOT_RECORDED, OK, STATUSES
from heapdelta._ranking.measures import MEASURES
from heapdelta._series import heap_sums

if TYPE_CHECKING:
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta.blame import Allocators

KEYS = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "module", "function", "depth", "status"],
    "heap": ["heap_base", "status"],
}
"""The key columns of each kind."""


class Keyed(NamedTuple):
    """Every key at every point; and `keys`: ``key`` with the key columns, in the order of the grid.

    What a filter leaves out is one key of `left_out`, None without a filter; `stacks_left_out` counts its stacks that
    have frames, and `others_left_out` tells whether there are blocks beside these.
    """

    grid: Grid
    keys: pl.DataFrame
    left_out: Grid | None = None
    stacks_left_out: int = 0
    others_left_out: bool = False


def grid_of(
    snapshots: list[Snapshot],
    by: str,
    allocators: Allocators,
    *,
    inclusive: bool,
    filtered: Filter | None = None,
    threads: int | None = None,
) -> Keyed:
    """Sum up snapshots by what one key stands for, without what a filter leaves out."""
    filtered = filtered or Filter()
    natives = [snapshot._native for snapshot in snapshots]
    if by == "heap" and not filtered:
        heaps = Grid(natives, "heap", threads=threads)
        found = pl.DataFrame(heaps.keys())
        return Keyed(heaps, _heap_keys(found.select(pl.col("value").alias("heap_base"))))
    stacks = Grid(natives, "stack", threads=threads)
    found = pl.DataFrame(stacks.keys()).with_row_index("key")
    passed, frames, depths = _frames_of(found.filter(pl.col("status") == OK), snapshots)
    blamed = _blamed(passed, filtered.passed_over(frames, allocators))
    left: tuple[Grid, int, bool] | tuple[()] = ()
    if filtered:
        keep = filtered.keeps_keys(found, passed, blamed, frames)
        left = _left_out(stacks, found.filter(~keep))
        kept = found.filter(keep)
        if by == "heap":
            grid, bases = heap_sums.of_stacks(
                snapshots,
                kept["value"].drop_nulls(),
                others=filtered.keeps_unrecorded,
                writes_overhead=_written(stacks),
                threads=threads,
            )
            return Keyed(grid, _heap_keys(bases), *left)
        # From here on the keys that stay are the only ones.
        stacks = stacks.sum(kept["key"].to_list(), list(range(kept.height)), kept.height)
        places = kept.select("key").with_row_index("place")
        found = kept.drop("key").with_row_index("key")
        passed, blamed, depths = (_renumbered(table, places) for table in (passed, blamed, depths))
    if by == "stack":
        return Keyed(stacks, _stack_keys(found, blamed, frames, depths), *left)
    return Keyed(*_grouped(stacks, found, passed if inclusive else blamed, frames, by), *left)


def table_of(grid: Grid, keys: pl.DataFrame, points: pl.DataFrame, by: str) -> pl.DataFrame:
    """Write down every key, in the order of `keys`, at every point; see `Series.table`."""
    cells = pl.DataFrame(grid.cells(keys["key"].to_list()))
    order = pl.int_range(keys.height, dtype=pl.UInt32, eager=True)
    place = pl.repeat(0, keys.height, dtype=pl.UInt32, eager=True).scatter(keys["key"], order)
    named = keys.select(KEYS[by]).select(pl.all().gather(place.gather(cells["key"])))
    when = points.select("run", "point", "taken_at").select(pl.all().gather(cells["point"]))
    table = pl.concat([when, named, cells.select("present", *MEASURES)], how="horizontal")
    if by != "heap" or points["run"].n_unique() == 1:
        return table
    # At the points of other runs a heap has no rows: there its address is another one.
    return table.filter(pl.col("present").any().over("run", *KEYS[by]))


def _left_out(stacks: Grid, out: pl.DataFrame) -> tuple[Grid, int, bool]:
    """Add up what a filter leaves out; how many stacks these are, and whether blocks of no known stack are beside."""
    with_frames = out.filter(pl.col("status") == OK).height
    return stacks.sum(out["key"].to_list(), [0] * out.height, 1), with_frames, with_frames < out.height


def _written(grid: Grid) -> list[bool]:
    """Tell of every point whether its log writes overhead: then what is not there has none, else it is not known."""
    nothing: list[int] = []
    return pl.DataFrame(grid.sum(nothing, nothing, 1).cells([0]))["overhead_bytes"].is_not_null().to_list()


def _renumbered(table: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Give keys the numbers of their places; others go."""
    found = table.join(places, on="key", maintain_order="left")
    return found.select(pl.col("place").alias("key"), pl.exclude("key", "place"))


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


def _blamed(passed: pl.DataFrame, passed_over: pl.Series) -> pl.DataFrame:
    """Choose the frame that each stack counts for: the first that is not passed over, else the outermost."""
    marked = passed.with_columns(passed_over.gather(passed["frame"]).alias("allocator"))
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


def _heap_keys(bases: pl.DataFrame) -> pl.DataFrame:
    return bases.with_columns(labels.heap_status(pl.col("heap_base"))).with_row_index("key")
