"""Fingerprints of stacks as people write them: ``#C291BD``, the first digits of sixteen."""

from __future__ import annotations

import re
from operator import index
from typing import SupportsIndex

import polars as pl

from heapdelta._ranking.labels import hexadecimal
from heapdelta.exceptions import OptionError

SHORT = 6
"""Digits of the short form."""

_DIGITS = re.compile(r"#?(?:0[xX])?([0-9A-Fa-f]{1,16})")
_DECIMAL = re.compile(r"[0-9]{17,20}")
"""What is longer than any of 16 digits was written as a number."""


def digits_of(fingerprints: pl.Series) -> pl.Series:
    """Write fingerprints as 16 hexadecimal digits."""
    return hexadecimal(fingerprints).str.zfill(16)


def short_forms(fingerprints: pl.Series, known: pl.Series | None = None) -> pl.Series:
    """``#C291BD``: the first six digits of each, more where another one begins with the same; nulls stay.

    The others are those that are `known`, by default these themselves.
    """
    asked = fingerprints.cast(pl.UInt64)
    others = asked if known is None else known.cast(pl.UInt64)
    # To write those of 100,000 stacks takes longer than to tell which begin as one of these do.
    others = others.filter(_first_digits(others).is_in(_first_digits(asked).unique().implode()))
    digits = digits_of(asked)
    distinct = pl.concat([digits, digits_of(others)]).drop_nulls().unique()
    short = pl.DataFrame({"digits": distinct, "short": distinct.str.head(SHORT)})
    for count in range(SHORT + 1, 17):
        shared = short["short"].is_duplicated()
        if not shared.any():
            break
        longer = pl.col("digits").str.head(count)
        short = short.with_columns(pl.when(shared).then(longer).otherwise("short").alias("short"))
    found = digits.to_frame("digits").join(short, on="digits", how="left", maintain_order="left")["short"]
    return ("#" + found).alias("short")


def _first_digits(fingerprints: pl.Series) -> pl.Series:
    return fingerprints // (1 << 4 * (16 - SHORT))


def asked_digits(asked: object) -> str:
    """Read a fingerprint: a number, or its first digits as text, with ``#`` or ``0x`` before them or not.

    Text of 17 to 20 decimal digits is the whole number, as tables write it.

    Raises
    ------
    OptionError
        If it is neither.
    """
    if isinstance(asked, SupportsIndex) and not isinstance(asked, bool):
        number = index(asked)
        if -(1 << 63) <= number < 1 << 64:
            return f"{number % (1 << 64):016X}"
    if isinstance(asked, str) and _DECIMAL.fullmatch(asked.strip()) and int(asked) < 1 << 64:
        return f"{int(asked):016X}"
    match = _DIGITS.fullmatch(asked.strip()) if isinstance(asked, str) else None
    if match is None:
        hint = None if asked is not None else "rows without one are blocks whose stack is not known"
        message = f"expected a fingerprint such as #C291BD or its 16 digits, found {asked!r}"
        raise OptionError(message, hint=hint, kind="option")
    return match[1].upper()


def only_one(known: pl.Series, asked: object, where: str, traces: pl.Series | None = None) -> str:
    """Find the one fingerprint that begins with some digits, among those written as 16 digits.

    `traces` are the log's own ids of stacks, one of which may be what was meant.

    Raises
    ------
    OptionError
        If none begins with them, or several do.
    """
    digits = asked_digits(asked)
    found = known.filter(known.str.starts_with(digits)).unique().sort()
    if found.len() == 1:
        return str(found[0])
    said = "none" if found.is_empty() else f"{found.len():,}, the first {', '.join(found.head(3))}"
    hint = "give more of its digits" if found.len() else "a ranking by stack shows those that there are"
    if traces is not None and (traces.str.to_uppercase() == digits).any():
        hint = f"is it BackTrace{digits}?"
    raise OptionError(
        f"{where}expected one stack of fingerprint {digits}, found {said}", hint=hint, kind="no_such_stack"
    )
