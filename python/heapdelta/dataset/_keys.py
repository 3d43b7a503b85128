"""What the stacks of a dataset count for: module, function, or themselves; each distinct stack is looked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking import labels
from heapdelta._ranking.labels import NO_MODULE, NOT_IN_FILE, NOT_RECORDED, OK
from heapdelta.blame import Allocators, frame_flags

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables

KEYS = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "module", "function", "status"],
}

_GROUPS = {
    "module": ["lower", "status"],
    "function": ["lower", "function", "status"],
    "stack": ["fingerprint", "status"],
}
"""What makes a key one: a module is the same however its name is written."""


def blamed_stacks(tables: Tables, allocators: Allocators) -> pl.DataFrame:
    """Tell of every stack which of its frames it counts for: ``fingerprint``, ``number``, ``module``, ``function``."""
    stacks = tables.scan("stacks").select("fingerprint", "frames").collect()
    frames = named_frames(tables, allocators)
    passed = stacks.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("stack"), "frames")
    passed = passed.explode("frames", empty_as_null=True).drop_nulls("frames").select("stack", number("frames"))
    flags = frames.select(number("frame").alias("frames"), "number", "allocator")
    passed = passed.join(flags, on="frames", how="left", maintain_order="left")
    outermost = passed.group_by("stack").agg(pl.col("number").last())
    own = passed.filter(~pl.col("allocator")).group_by("stack").agg(pl.col("number").first())
    joined = outermost.join(own, on="stack", how="left", suffix="_own")
    chosen = joined.select("stack", pl.coalesce("number_own", "number").alias("number"))
    shown = stacks.select("fingerprint").with_row_index("stack")
    shown = shown.join(chosen, on="stack", how="left", maintain_order="left")
    return shown.join(frames.drop("frame", "allocator"), on="number", how="left", maintain_order="left").drop("stack")


def named_frames(tables: Tables, allocators: Allocators) -> pl.DataFrame:
    """Name every frame: ``number``, ``frame``, ``module``, ``function``, ``allocator``."""
    offset = pl.col("offset").cast(pl.UInt64)
    frames = tables.scan("frames").select("frame", "module", "function", offset, "address", "text").collect()
    frames = frames.with_columns(pl.coalesce("text", address_text(frames["address"])))
    flags = frame_flags(frames, allocators)
    named = frames.select("frame", "module", labels.function_label(frames), flags)
    return named.with_row_index("number")


def address_text(addresses: pl.Series) -> pl.Series:
    """Write addresses as the tools print them."""
    return labels.hexadecimal(addresses.reinterpret(signed=False)).str.zfill(8).alias("printed")


def number(key: str) -> pl.Expr:
    """Make a number of a key: millions of them are joined in a fraction of the time."""
    return pl.col(key).str.to_integer(base=16, dtype=pl.UInt64)


def keys_of(tables: Tables, by: str, allocators: Allocators) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give a number to all that stacks count for: ``key`` with its columns; and the ``key`` of every stack."""
    blamed = blamed_stacks(tables, allocators)
    status = (
        pl.when(pl.col("number").is_null())
        .then(NOT_IN_FILE)
        .when(pl.col("module").is_null())
        .then(NO_MODULE)
        .otherwise(OK)
    )
    rows = blamed.select("fingerprint", "module", "function", status.alias("code"), pl.lit(True).alias("recorded"))
    none = pl.DataFrame(
        {"fingerprint": [None, None], "code": [NOT_IN_FILE, NOT_RECORDED], "recorded": [True, False]},
        schema_overrides={"fingerprint": pl.String, "code": pl.Int32},
    )
    rows = pl.concat([rows.with_columns(pl.col("code").cast(pl.Int32)), none], how="diagonal")
    rows = rows.with_columns(labels.status_text(pl.col("code")).alias("status"))
    group = _GROUPS[by]
    rows = rows.with_columns(pl.col("module").str.to_lowercase().alias("lower"))
    first = [name for name in KEYS[by] if name not in group]
    keys = rows.group_by(group, maintain_order=True).agg(pl.col(first).first()).with_row_index("key")
    of_stacks = rows.select("fingerprint", "recorded", *(name for name in group if name != "fingerprint")).join(
        keys.select("key", *group), on=group, how="left", nulls_equal=True, maintain_order="left"
    )
    return keys.select("key", *KEYS[by]), of_stacks.select("fingerprint", "recorded", "key")


def numbered(keys: pl.DataFrame, rows: pl.DataFrame, by: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give rows that have the columns of keys the numbers of these; keys that were not known get new ones."""
    lower = pl.col("module").str.to_lowercase().alias("lower")
    group = _GROUPS[by]
    known, rows = keys.with_columns(lower), rows.with_columns(lower)
    new = rows.join(known, on=group, how="anti", nulls_equal=True).unique(group, keep="first", maintain_order=True)
    first = 0 if keys.is_empty() else int(keys["key"].max()) + 1  # type: ignore[arg-type]
    new = new.select("lower", *KEYS[by]).with_row_index("key", offset=first)
    known = pl.concat([known, new.select(known.columns)])
    found = rows.join(known.select("key", *group), on=group, how="left", nulls_equal=True, maintain_order="left")
    return known.drop("lower"), found
