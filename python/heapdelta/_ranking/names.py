"""What the rows of a ranking are called where they are shown: in a chart, or in a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from heapdelta._ranking.labels import hexadecimal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Text: TypeAlias = "Callable[[pl.Series], pl.Series]"

_NOUNS = {"trace_id": "traces", "fingerprint": "stacks", "heap_base": "heaps", "function": "functions"}
# Columns of a table of a series that say what a row is about.
_KEYS = ("module", "function", "fingerprint", "depth", "heap_base", "status")
# Digits of a fingerprint that tell stacks of one function apart.
_DIGITS = 6


def noun_of(frame: pl.DataFrame) -> str:
    """Say what the rows of a ranking are."""
    return next((noun for key, noun in _NOUNS.items() if key in frame.columns), "modules")


def named(frame: pl.DataFrame, *, text: Text | None = None) -> pl.DataFrame:
    """Add ``name``: what a row of a ranking is called in full; `text` makes it safe for where it is shown."""
    noun = noun_of(frame)
    if noun == "heaps":
        name = pl.col("heap_base").map_elements(lambda base: f"heap {base:X}", return_dtype=pl.String)
    elif noun == "modules":
        name = pl.col("module")
    else:
        # A raw address is shown as `module+0x1C3F`, which names its module already.
        with_module = pl.concat_str("module", pl.lit("!"), "function")
        starts_with_module = pl.col("function").str.starts_with(pl.concat_str("module", pl.lit("+")))
        name = pl.when(starts_with_module | pl.col("module").is_null()).then("function").otherwise(with_module)
    if noun in {"stacks", "traces"}:
        ids = [column for column in ("trace_id", "trace_id_after", "trace_id_before") if column in frame.columns]
        if ids:
            name = pl.concat_str(name, pl.coalesce(ids), separator="  #", ignore_nulls=True)
    status = pl.col("status") if "status" in frame.columns else pl.lit("no name")
    with_names = frame.with_columns(pl.coalesce(name, status).cast(pl.String).alias("name"))
    return with_names if text is None else with_names.with_columns(text(with_names["name"]).alias("name"))


def distinct(labels: Sequence[str]) -> list[str]:
    """Make labels that are alike differ, as an axis keeps one place for each text."""
    seen: dict[str, int] = {}
    told_apart = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        told_apart.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return told_apart


def key_columns(frame: pl.DataFrame) -> list[str]:
    """Columns of a table of the series that say what a row is about."""
    return [name for name in frame.columns if name in _KEYS]


def named_keys(keys: pl.DataFrame, *, text: Text | None = None) -> pl.DataFrame:
    """Add ``name``, which no two different keys share: stacks of one function get digits of their fingerprint."""
    rows = named(keys, text=text)
    if "fingerprint" in keys.columns:
        digits = pl.lit(hexadecimal(rows["fingerprint"]).str.zfill(16).str.head(_DIGITS))
        several = pl.col("name").is_duplicated() & pl.col("fingerprint").is_not_null()
        with_digits = pl.concat_str("name", pl.lit("  #"), digits)
        rows = rows.with_columns(pl.when(several).then(with_digits).otherwise("name").alias("name"))
    return rows.with_columns(pl.Series("name", distinct(rows["name"].to_list()), dtype=pl.String))
