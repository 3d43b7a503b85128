"""Rows of archives in the table of benches/README.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rows import at_least, at_most, row


def archive_rows(medians: Mapping[str, dict[str, Any]], kind: str, size: int) -> Iterator[str]:
    """Rows of a zipped log; `size` is that of the log."""

    def rate(name: str) -> float:
        return size / medians[name]["seconds"] / 1e6

    top, ours, python = rate("zip ceiling"), rate("zip read"), rate("zip python")
    yield row(
        "inflate of the zipped log by zlib-rs on one thread, and nothing else: the ceiling", kind, f"{top:,.0f} MB/s"
    )
    yield row(
        "`read(blocks=False)` of the zip; share of the ceiling", kind, f"{ours:,.0f} MB/s", *at_least(ours / top, 0.9)
    )
    yield row(
        "inflate by Python's `zipfile`; `read` of the zip is … times as fast",
        kind,
        f"{python:,.0f} MB/s",
        "",
        f"{ours / python:.3g}",
    )
    peak = medians["zip read"]["peak_bytes"]
    yield row("highest memory during `read` of the zip, MB", kind, f"{peak / 1e6:,.0f} MB", *at_most(peak / 1e6, 100))
