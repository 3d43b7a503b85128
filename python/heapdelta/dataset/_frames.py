"""The stacks and frames of a dataset as they are asked about: which frames are an allocator's, and their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking.labels import function_label, hexadecimal
from heapdelta.blame import Allocators, frame_flags
from heapdelta.exceptions import OptionError

_DIGITS = re.compile(r"#?(?:0[xX])?([0-9A-Fa-f]{1,16})")

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


def one_stack(known: pl.Series, asked: str | int, place: str) -> str:
    """Find the stack of a dataset whose fingerprint begins with some digits."""
    if isinstance(asked, int) and not isinstance(asked, bool):
        digits = f"{asked % (1 << 64):016X}"
    else:
        match = _DIGITS.fullmatch(asked) if isinstance(asked, str) else None
        if match is None:
            message = f"expected a fingerprint such as C291BD or its 16 digits, found {asked!r}"
            hint = None if asked is not None else "rows without one are blocks whose stack is not known"
            raise OptionError(message, hint=hint, kind="option")
        digits = match[1].upper()
    found = known.filter(known.str.starts_with(digits)).unique().sort()
    if found.len() != 1:
        said = "none" if found.is_empty() else f"{found.len():,}, the first {', '.join(found.head(3))}"
        hint = "give more of its digits" if found.len() else "the stacks of rank(by='stack') are those that grew"
        message = f"{place}: expected one stack of fingerprint {digits}, found {said}"
        raise OptionError(message, path=place, hint=hint, kind="no_such_stack")
    return str(found[0])
