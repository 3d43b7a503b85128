"""Classes of sizes: from one power of two to the next, as charts draw them and rankings of blocks sum them up.

There are 65 at most, few enough to read, and the same for every file, so that two of them compare.
"""

from __future__ import annotations

import polars as pl

from heapdelta._words import UNITS


def exponent(size: pl.Expr) -> pl.Expr:
    """Give the number of the highest bit of a size, -1 for 0: exact for whole numbers, which a logarithm is not."""
    return 63 - size.cast(pl.UInt64).bitwise_leading_zeros().cast(pl.Int32)


def bounds(size: pl.Expr) -> list[pl.Expr]:
    """Give ``smallest_size`` and ``largest_size`` of the class of a size, bytes; both are in it."""
    power = exponent(size)
    return [
        power.replace_strict(_POWERS, _SMALLEST, return_dtype=pl.UInt64).alias("smallest_size"),
        power.replace_strict(_POWERS, _LARGEST, return_dtype=pl.UInt64).alias("largest_size"),
    ]


def text(power: int) -> str:
    """``0 bytes``, ``1 byte``, ``64 to 127 bytes``, ``1 to 2 KiB``: what the class of an exponent holds."""
    if power < 1:
        return "0 bytes" if power < 0 else "1 byte"
    if power < 10:
        return f"{1 << power} to {(2 << power) - 1} bytes"
    unit = next(unit for unit in UNITS if 1 << power >= unit.size)
    return f"{(1 << power) // unit.size} to {(2 << power) // unit.size} {unit.name}"


_POWERS = list(range(-1, 64))
_SMALLEST = [0, *(1 << power for power in range(64))]
_LARGEST = [0, *((2 << power) - 1 for power in range(64))]
