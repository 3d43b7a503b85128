"""What the rows of a ranking are called where they are shown: in a chart, or in a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from heapdelta._ranking.fingerprints import short_forms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Text: TypeAlias = "Callable[[pl.Series], pl.Series]"

_NOUNS = {"trace_id": "traces", "fingerprint": "stacks", "heap_base": "heaps", "size": "sizes", "function": "functions"}
# Columns of a table of a series that say what a row is about.
_KEYS = ("module", "function", "fingerprint", "depth", "heap_base", "status")


def noun_of(frame: pl.DataFrame) -> str:
    """Say what the rows of a ranking are; by stack or by trace, what is first is the key."""
    if {"trace_id", "fingerprint"} <= set(frame.columns):
        return next(_NOUNS[name] for name in frame.columns if name in ("trace_id", "fingerprint"))
    return next((noun for key, noun in _NOUNS.items() if key in frame.columns), "modules")


def named(frame: pl.DataFrame, *, text: Text | None = None) -> pl.DataFrame:
    """Add ``name``: what a row of a ranking is called in full; `text` makes it safe for where it is shown.

    Stacks and traces of one function have one name: `named_keys` tells them apart.
    """
    return _with_name(frame, _name(frame), text)


def _with_name(frame: pl.DataFrame, name: pl.Expr, text: Text | None) -> pl.DataFrame:
    with_names = frame.with_columns(name.cast(pl.String).alias("name"))
    return with_names if text is None else with_names.with_columns(text(with_names["name"]).alias("name"))


def _name(frame: pl.DataFrame) -> pl.Expr:
    noun = noun_of(frame)
    if noun == "heaps":
        name = pl.col("heap_base").map_elements(lambda base: f"heap {base:X}", return_dtype=pl.String)
    elif noun == "sizes":
        name = pl.format("{} bytes", pl.col("size"))
    elif noun == "modules":
        name = pl.col("module")
    else:
        # A raw address is shown as `module+0x1C3F`, which names its module already.
        with_module = pl.concat_str("module", pl.lit("!"), "function")
        starts_with_module = pl.col("function").str.starts_with(pl.concat_str("module", pl.lit("+")))
        name = pl.when(starts_with_module | pl.col("module").is_null()).then("function").otherwise(with_module)
    return pl.coalesce(name, pl.col("status") if "status" in frame.columns else pl.lit("no name"))


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
    """Add ``name``, which no two different keys share: a stack has digits of its fingerprint, a trace its id."""
    name = pl.concat_str(_name(keys), _identity(keys), separator="  ", ignore_nulls=True)
    rows = _with_name(keys, name, text)
    return rows.with_columns(pl.Series("name", distinct(rows["name"].to_list()), dtype=pl.String))


def _identity(keys: pl.DataFrame) -> pl.Expr:
    """``#C291BD`` is a fingerprint and nothing else; what only an id of the log stands for is ``trace 1A2B``."""
    ids = [name for name in ("trace_id", "trace_id_after", "trace_id_before") if name in keys.columns]
    trace = pl.concat_str(pl.lit("trace "), pl.coalesce(ids)) if ids else pl.lit(None, dtype=pl.String)
    if noun_of(keys) == "traces" or "fingerprint" not in keys.columns:
        return trace if ids else pl.lit(None, dtype=pl.String)
    return pl.coalesce(pl.lit(short_forms(keys["fingerprint"])), trace)
