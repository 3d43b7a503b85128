"""Where the threads of a dump started and were, by the names that symbols give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking.frame_text import frame_text
from heapdelta._words import count_text, plural
from heapdelta.cli import _output
from heapdelta.cli._safe import Text

if TYPE_CHECKING:
    from rich.console import Console


def show(target: Console, addresses: pl.DataFrame, top: int) -> None:
    """Print the places of `Dump.addresses`, those of most threads first; the exception before all."""
    if addresses.is_empty():
        return
    places = addresses.group_by(pl.exclude("thread_id"), maintain_order=True).len("threads")
    is_last = pl.col("what") != "exception"
    places = places.sort(is_last, "what", "threads", "address", descending=[False, False, True, False])
    table = _output.table("Places in code", ["threads"], ["what", "place"])
    for row in places.head(top).iter_rows(named=True):
        address = f"{row['address']:X}"
        text = frame_text(row | {"text": address if row["module"] is None else f"{row['module']}, at {address}"})
        table.add_row(count_text(row["threads"]), row["what"], Text(text))
    target.print(table)
    if places.height > top:
        target.print(f"and {plural(places.height - top, 'more place')}\n")
