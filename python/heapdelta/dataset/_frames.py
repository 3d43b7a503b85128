"""The stacks and frames of a dataset as they are asked about: which frames are an allocator's, and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking.labels import function_label, hexadecimal
from heapdelta.blame import Allocators, frame_flags

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables


def stacks_and_frames(tables: Tables, allocators: Allocators) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read all stacks (``fingerprint``, ``frames``) and all frames, with ``allocator``."""
    offset = pl.col("offset").cast(pl.UInt64)
    wanted = tables.scan("frames").select("frame", "module", "function", offset, "address", "text")
    stacks, frames = pl.collect_all([tables.scan("stacks").select("fingerprint", "frames"), wanted])
    frames = frames.with_columns(pl.coalesce("text", address_text(frames["address"]))).drop("address")
    return stacks, frames.with_columns(frame_flags(frames, allocators))


def address_text(addresses: pl.Series) -> pl.Series:
    """Write addresses as the tools print them."""
    return hexadecimal(addresses.reinterpret(signed=False)).str.zfill(8).alias("printed")


def labels_of(frames: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
    """Name some frames, by their numbers: ``module``, ``function``; null where there is none."""
    some = frames.select(pl.col("module", "function", "offset", "text").gather(numbers))
    return some.select("module", pl.when(numbers.is_not_null()).then(function_label(some)).alias("function"))
