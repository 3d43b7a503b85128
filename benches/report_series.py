"""Rows of the table of benches/README.md about several logs of one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rows import at_most, row


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
