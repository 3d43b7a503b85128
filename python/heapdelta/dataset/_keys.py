"""What the stacks of a dataset count for: module, function, or themselves; each distinct stack is looked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native
from heapdelta._ranking import labels
from heapdelta._ranking.labels import NO_MODULE, NOT_IN_FILE, NOT_RECORDED, OK
from heapdelta.dataset._frames import labels_of, stacks_and_frames

if TYPE_CHECKING:
    from heapdelta.blame import Allocators
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
    stacks, frames = stacks_and_frames(tables, allocators)
    blamed = _native.blamed_frames(stacks.select("frames"), frames.select("frame", "allocator"))
    number = pl.DataFrame(blamed).to_series().alias("number")
    return stacks.select("fingerprint", number).hstack(labels_of(frames, number))


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
