"""What is written of a batch: parts of tables, and at last the part of the manifest by which they count."""

from __future__ import annotations

import io
from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from heapdelta.dataset._layout import BATCH_COLUMNS, MANIFEST, SCHEMA, part
from heapdelta.exceptions import WriteError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta.dataset._store import Store


def commit(
    store: Store, batch: str, rows: pl.DataFrame, parts: list[str], replaces: Sequence[str] = (), *, over: bool = False
) -> None:
    """Write the part of a manifest that makes a batch count, and others whose rows it has count no more.

    Its first row is that of the batch itself: which parts it has, and which batches it replaces. The first who writes
    it decides, and another with the same batch changes nothing.
    """
    own = pl.DataFrame(
        {"batch": [batch], "parts": [parts], "replaces": [list(replaces)]}, schema_overrides=BATCH_COLUMNS
    )
    write = store.put if over else store.put_new
    write(part(MANIFEST, batch), parquet(pl.concat([own, rows], how="diagonal").select(list(BATCH_COLUMNS))))


def put_part(store: Store, table: str, batch: str, content: pl.DataFrame, number: int = 0) -> str:
    """Write a part of a table, under a name that no other content has.

    So two workers of a batch cannot spoil what the other wrote.
    """
    file = parquet(content)
    name = part(table, f"{batch}-{blake2b(file, digest_size=4).hexdigest()}", number)
    try:
        store.put(name, file)
    except WriteError:
        # On Windows no file is replaced that a reader has open. One of this name holds the same.
        if store.get(name) != file:
            raise
    return name


def parquet(table: pl.DataFrame) -> bytes:
    """Write a table as the content of a Parquet file."""
    content = io.BytesIO()
    # The first level is twice as fast as the one that polars takes, and makes no larger files of such tables.
    table.write_parquet(content, compression="zstd", compression_level=1, metadata={"heapdelta.schema": str(SCHEMA)})
    return content.getvalue()
