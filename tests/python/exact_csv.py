"""CSV of the command line read back into the table it was written from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_back(text: bytes, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Read a table; fingerprints and addresses are hexadecimal text in it."""
    named = ("fingerprint", "base", "heap_base", "allocation_base")
    hexadecimal = [name for name, kind in schema.items() if kind == pl.UInt64 and name.startswith(named)]
    table = pl.read_csv(text, schema={**schema, **dict.fromkeys(hexadecimal, pl.String())})
    for name in hexadecimal:
        texts = table[name].drop_nulls()
        assert texts.str.contains("^0x[0-9A-F]{16}$" if name.startswith("fingerprint") else "^0x[0-9A-F]+$").all()
        numbers = [None if each is None else int(each, 16) for each in table[name]]
        table = table.with_columns(pl.Series(name, numbers, pl.UInt64))
    return table
