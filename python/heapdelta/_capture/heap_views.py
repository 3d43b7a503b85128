"""What the blocks of a dump come to: sums by heap, by size, by what they begin with, by the line that asked for them.

Sums are exact: made in 128 bits, and null where 64 do not hold them. They count the blocks that were read; what of a
heap is not known is a number of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from heapdelta._numbers import sum_of, wide_difference
from heapdelta._ranking import size_classes
from heapdelta._words import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("heap", "size", "size_class", "content", "source")
"""What blocks are ranked by."""

SIZED = ("requested_bytes", "allocation_count")
MEASURES = {
    "heap": (*SIZED, "free_bytes", "overhead_bytes", "unknown_bytes", "committed_bytes"),
    "size": SIZED,
    "size_class": SIZED,
    "content": SIZED,
    "source": SIZED,
}
KEYS = {
    "heap": ("heap_base",),
    "size": ("size",),
    "size_class": ("smallest_size", "largest_size"),
    "content": ("begins_with", "module", "module_offset", "target_name"),
    "source": ("file", "source_line", "block_use"),
}
"""Key columns and sums of each kind."""
NEEDS = {
    "heap": ("heaps", "segments"),
    "size": ("sizes",),
    "size_class": ("sizes",),
    "content": ("contents",),
    "source": ("crt_blocks",),
}
"""The tables of a walk that each kind is made of."""
FACTS = ("bits", "trust", "free_count", "largest_free_bytes", "held_free_bytes", "fragmentation")
"""What a heap has beside sums."""


class _Noted(Protocol):
    """What knows of blocks."""

    @property
    def heap_notes(self) -> list[str]: ...

    @property
    def content_notes(self) -> list[str]: ...


def notes_of(asked: _Noted, kind: str | None) -> list[str]:
    """Collect the notes of a ranking; with None those of all of them."""
    return [*asked.heap_notes, *(asked.content_notes if kind in (None, "content") else ())]


def sums(tables: Mapping[str, pl.DataFrame], kind: str) -> pl.DataFrame:
    """Sum up the blocks of a dump: the columns of `KEYS`, then those of `MEASURES`; of heaps their facts, too.

    `tables` are those of a walk that `NEEDS` names.
    """
    if kind == "heap":
        return _heaps(tables["heaps"], tables["segments"])
    table = tables[NEEDS[kind][0]]
    if kind in ("size", "size_class"):
        size = pl.col("requested_bytes")
        keys = [size.alias("size")] if kind == "size" else size_classes.bounds(size)
        of_size = size.cast(pl.Int128) * pl.col("allocation_count")
        counted = table.group_by(keys).agg(sum_of(of_size).alias("requested_bytes"), sum_of(pl.col("allocation_count")))
        return counted.select(*KEYS[kind], *SIZED)
    return table.group_by(KEYS[kind]).agg(sum_of(pl.col(name)) for name in SIZED)


def ranked(tables: Mapping[str, pl.DataFrame], kind: str) -> pl.DataFrame:
    """Rank what one dump holds; `Dump.by` tells the columns."""
    rows = sums(tables, kind)
    keys = list(KEYS[kind])
    if kind == "heap":
        rows = rows.select(*keys, *FACTS[:2], *MEASURES[kind], *FACTS[2:])
    return rows.sort(["requested_bytes", *keys], descending=[True] + [False] * len(keys), nulls_last=True)


def _heaps(heaps: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    in_use = segments.filter(pl.col("busy_count") > 0).group_by("heap_id")
    held = in_use.agg(sum_of(pl.col("free_bytes")).alias("held_free_bytes"))
    rows = heaps.join(held, on="heap_id", how="left", maintain_order="left")
    free, largest = pl.col("free_bytes"), pl.col("largest_free_bytes")
    scattered = wide_difference(free, largest).cast(pl.Float64) / free.cast(pl.Float64)
    return rows.select(
        pl.col("base").alias("heap_base"),
        "bits",
        "trust",
        pl.col("busy_bytes").alias("requested_bytes"),
        pl.col("busy_count").alias("allocation_count"),
        *MEASURES["heap"][2:],
        "free_count",
        "largest_free_bytes",
        pl.when(free.is_not_null()).then(pl.col("held_free_bytes").fill_null(0)).alias("held_free_bytes"),
        pl.when(free > 0).then(scattered).alias("fragmentation"),
    )


_WORDS = {
    "heap": "a pointer into a heap",
    "text": "text",
    "wide_text": "text of UTF-16",
    "zero": "zeros",
    "other": "other bytes",
    "short": "too short for a pointer",
    "absent": "not in the dump",
}


def label(row: Mapping[str, Any]) -> str:
    """Name a row of any ranking for people: ``64 bytes``, ``Basket (vtable at app+0x1F40)``, ``main.cpp:12``."""
    if "heap_base" in row:
        return "part, header not in the dump" if row["heap_base"] is None else f"{row['heap_base']:X}"
    if "size" in row:
        return plural(row["size"], "byte")
    if "smallest_size" in row:
        return size_classes.text(row["smallest_size"].bit_length() - 1)
    if "begins_with" in row:
        return _content(row)
    named = "no source named" if row["file"] is None else row["file"]
    if row["source_line"] is not None:
        named += f":{row['source_line']}"
    return named if row["block_use"] == "normal" else f"{named} ({row['block_use']})"


def _content(row: Mapping[str, Any]) -> str:
    begins, module, offset, name = (row[key] for key in KEYS["content"])
    if module is None:
        return _WORDS.get(begins, f"{begins} outside of all modules")
    # Of a class that two builds have at two places, there is no one place.
    place = module if offset is None else f"{module}+0x{offset:X}"
    if name is None:
        return f"{place} ({begins})"
    what = "vtable" if begins == "vtable" else "data"
    return f"{name} ({what} {'in' if offset is None else 'at'} {place})"
