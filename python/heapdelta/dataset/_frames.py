"""The stacks and frames of a dataset as they are asked about: which frames are an allocator's, and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking.labels import function_label, hexadecimal
from heapdelta.blame import Allocators, frame_flags
from heapdelta.dataset._names import names_everywhere

if TYPE_CHECKING:
    from heapdelta.dataset._tree import Tables


def stacks_and_frames(tables: Tables, allocators: Allocators) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read all stacks (``fingerprint``, ``frames``) and all frames, with ``allocator`` and ``sure``.

    A frame that has one name by symbols has it here; ``sure`` tells that this is its own, and null that no symbols
    named it.
    """
    offset = pl.col("offset").cast(pl.UInt64)
    wanted = tables.scan("frames").select("frame", "module", "function", offset, "address", "text")
    stacks, frames = pl.collect_all([tables.scan("stacks").select("fingerprint", "frames"), wanted])
    frames = frames.with_columns(pl.coalesce("text", address_text(frames["address"]))).drop("address")
    names = names_everywhere(tables)
    given = names.select(
        "frame",
        pl.col("function").alias("name"),
        pl.col("offset").cast(pl.UInt64).alias("behind"),
        (~pl.col("doubtful").fill_null(False)).alias("sure"),
    )
    frames = frames.join(given, on="frame", how="left", maintain_order="left")
    has_name = pl.col("name").is_not_null()
    frames = frames.with_columns(
        pl.when(has_name).then("name").otherwise("function").alias("function"),
        pl.when(has_name).then("behind").otherwise("offset").alias("offset"),
    ).drop("name", "behind")
    return stacks, frames.with_columns(frame_flags(frames, allocators))


def address_text(addresses: pl.Series) -> pl.Series:
    """Write addresses as the tools print them."""
    return hexadecimal(addresses.reinterpret(signed=False)).str.zfill(8).alias("printed")


def labels_of(frames: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
    """Name some frames, by their numbers: ``module``, ``function``; null where there is none."""
    some = frames.select(pl.col("module", "function", "offset", "text").gather(numbers))
    return some.select("module", pl.when(numbers.is_not_null()).then(function_label(some)).alias("function"))
