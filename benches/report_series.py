"""Rows of the table of benches/README.md about several logs of one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rows import at_least, at_most, row


def many_rows(medians: Mapping[str, Mapping[str, Any]], kind: str, size: int) -> Iterator[str]:
    """Many small logs, against one large one; a verdict on every stack of many snapshots."""
    result = medians["read-many"]
    rate, large = result["byte_count"] / result["seconds"], size / medians[f"read {kind} sums"]["seconds"]
    yield row(
        f"`read_many` of 100 logs of {result['byte_count'] / 1e8:,.0f} MB; times `read(blocks=False)` of one large log",
        kind,
        f"{rate / 1e6:,.0f} MB/s",
        *at_least(rate / large, 0.9),
    )
    passing = result["peak_bytes"] - result["held_bytes"]
    yield row(
        f"highest memory during it less the {result['held_bytes'] / 1e6:,.0f} MB that stay; times two logs",
        kind,
        f"{passing / 1e6:,.0f} MB",
        *at_most(passing / (2 * result["byte_count"] / 100), 1),
    )
    result = medians["read-many small"]
    count = result["block_count"] / 2
    words = f"`read_many` of {count:,.0f} logs of {result['byte_count'] / count:,.0f} B"
    yield row(f"{words}, seconds", "", f"{result['seconds']:.2f} s", *at_most(result["seconds"], 3))
    peak = result["peak_bytes"] / 1e6
    yield row("highest memory during it, MB", "", f"{peak:,.0f} MB", *at_most(peak, 300))
    result = medians["growth"]
    yield row(
        f"`series` and `growth` over 200 snapshots of {result['rows']:,.0f} stacks, seconds",
        "",
        f"{result['seconds']:.2f} s",
        *at_most(result["seconds"], 2),
    )


def series_rows(medians: Mapping[str, Mapping[str, Any]], kind: str) -> Iterator[str]:
    """Survival of blocks, against the time it takes to read the logs."""
    result = medians[f"survival {kind}"]
    yield row(
        "`survival` over five logs to the ranking per stack; times `read_many` of them",
        kind,
        f"{result['seconds']:.2f} s",
        *at_most(result["seconds"] / result["reads_seconds"], 0.5),
    )
    yield row(
        f"the same and `Survival.table` of {result['rows']:,.0f} rows; times `read_many`",
        kind,
        f"{result['table_seconds']:.2f} s",
        "",
        f"{result['table_seconds'] / result['reads_seconds']:.3g}",
    )
