"""What tests ask of the heaps of a dump."""

from __future__ import annotations

import heapdelta as hd
import polars as pl

PARTS = ["busy_bytes", "free_bytes", "overhead_bytes", "uncommitted_bytes", "unknown_bytes"]


def busy_of(dump: hd.Dump) -> set[tuple[int, int, int, str]]:
    heaps = dump.heaps.select("heap_id", heap="base")
    busy = dump.allocations.filter(pl.col("state") == "busy").join(heaps, on="heap_id")
    return set(busy.select("heap", "address", "requested_bytes", pl.col("front_end").cast(pl.String)).rows())


def add_up(dump: hd.Dump) -> None:
    for table in (dump.segments, dump.heaps.drop_nulls("busy_bytes")):
        sums = table.select(pl.sum_horizontal(PARTS).alias("parts"), "reserved_bytes")
        assert sums["parts"].to_list() == sums["reserved_bytes"].to_list()
