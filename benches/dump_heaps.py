"""The cases of the heaps of a dump: one walk through all of them, on one core and on two, and what is asked of it.

Imports are not timed. Each case gives sums that `run.py` checks against the answer of the dump.
"""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from typing import Any

from memory import anonymous_bytes, private_bytes

Result = dict[str, Any]

TABLES = ("heaps", "segments", "allocations", "sizes", "usage", "issues")


def _walk(path: Path, cores: int) -> Result:
    """Every table of a walk in polars; time and memory."""
    import heapdelta as hd
    import polars as pl

    dump = hd.read_dump(path)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    gc.collect()
    anonymous, private = anonymous_bytes(), private_bytes()
    start = time.perf_counter()
    walk = dump._native.heap_walk(cores)
    frames = {name: pl.DataFrame(walk.table(name)) for name in TABLES}
    seconds = time.perf_counter() - start
    blocks = frames["allocations"]
    busy = blocks.filter(pl.col("state") == "busy")
    return {
        "seconds": seconds,
        "anonymous_bytes": anonymous_bytes() - anonymous,
        "private_bytes": private_bytes() - private,
        "heap_count": frames["heaps"].height,
        "busy_count": busy.height,
        "busy_bytes": int(busy["requested_bytes"].sum()),
        "proved_count": int((frames["heaps"]["trust"] == "proved").sum()),
    }


def one_core(path: Path) -> Result:
    """Walk on one core."""
    return _walk(path, 1)


def two_cores(path: Path) -> Result:
    """Walk on two."""
    return _walk(path, 2)


def unasked(path: Path) -> Result:
    """Read the dump and its lists, without a word about heaps."""
    import dumps

    return dumps.read(path)


def ranking(path: Path) -> Result:
    """Rank the blocks by size and by what they begin with: two walks."""
    import heapdelta as hd

    dump = hd.read_dump(path)
    gc.collect()
    start = time.perf_counter()
    sizes, contents = dump.by("size"), dump.by("content")
    seconds = time.perf_counter() - start
    counts = [int(table["allocation_count"].sum()) for table in (sizes, contents)]
    return {"seconds": seconds, "busy_count": counts[0], "content_count": counts[1]}


def heap_map(path: Path) -> Result:
    """Draw the map of the largest heap, after the walk."""
    import heapdelta as hd

    dump = hd.read_dump(path)
    held = int(dump.allocations.height)
    gc.collect()
    start = time.perf_counter()
    drawn = hd.chart.heap_map(dump)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "row_count": held, "cell_count": len(drawn.to_dict()["datasets"]["cells"])}


CASES = {
    "heaps-one-core": one_core,
    "heaps-two-cores": two_cores,
    "heaps-unasked": unasked,
    "heaps-ranking": ranking,
    "heaps-map": heap_map,
}
