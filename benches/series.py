"""Cases with several logs of one process. `case.py` runs each in a process of its own."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any


def survival(*paths: Path) -> dict[str, Any]:
    """Time of reading the logs with their blocks, and of following these from log to log up to the ranking."""
    import heapdelta as hd
    import polars as pl

    gc.collect()
    start = time.perf_counter()
    batch = hd.read_many(paths, blocks=True, on_error="raise")
    reads = time.perf_counter() - start
    series = hd.series(batch)
    start = time.perf_counter()
    found = series.survival()
    stacks = found.stacks
    seconds = time.perf_counter() - start
    table = found.table
    table_seconds = time.perf_counter() - start
    births = table.filter((pl.col("born") == pl.col("point")) & (pl.col("point") > 0))
    return {
        "seconds": seconds,
        "reads_seconds": reads,
        "table_seconds": table_seconds,
        "rows": table.height,
        "block_count": int(table["allocation_count"].sum()),
        "requested_bytes": int(table["requested_bytes"].sum()),
        "born_block_count": int(births["allocation_count"].sum()),
        "born_requested_bytes": int(births["requested_bytes"].sum()),
        "died_block_count": int(stacks["died_count"].sum()),
    }


CASES = {"survival": survival}
