"""What symbols said of the frames of a dataset, kept beside its tables: written whole, and replaced whole."""

from __future__ import annotations

import io
import json
from functools import cached_property
from secrets import token_hex
from typing import TYPE_CHECKING

import polars as pl

from heapdelta.dataset._commit import parquet
from heapdelta.dataset._layout import NAME_TABLES, NAMES
from heapdelta.exceptions import ReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapdelta.dataset._store import Store

_POINTER = f"{NAMES}/current.json"
"""Says which files count. It is written last."""


class Names:
    """The tables of what symbols said, as they were when this was made; empty before anybody asked symbols."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files = _files(store)

    @property
    def is_empty(self) -> bool:
        """True before anybody asked symbols."""
        return not self._files

    def table(self, name: str) -> pl.DataFrame:
        """Give one of them."""
        file = self._files.get(name)
        if file is None:
            return pl.DataFrame(schema=dict(NAME_TABLES[name]))
        content = self._store.get(file)
        if content is None:
            message = f"{self._store.place}: expected the names that were there when it was opened, found {file} gone"
            raise ReadError(message, path=self._store.place, hint="open it again", kind="changed_dataset")
        return pl.read_parquet(io.BytesIO(content))

    @cached_property
    def names(self) -> pl.DataFrame:
        """One row per frame and build, where at least one build has a name for it: see ``docs/datasets.md``."""
        return self.table("names")


def write_names(store: Store, tables: Mapping[str, pl.DataFrame]) -> None:
    """Write the tables, in place of those that were there. They count all at once."""
    name = token_hex(8)
    files = {table: f"{NAMES}/{table}-{name}.parquet" for table in tables}
    for table, file in files.items():
        store.put(file, parquet(tables[table]))
    store.put(_POINTER, json.dumps(files).encode())
    current = {_POINTER, *files.values()}
    for old in store.names(NAMES):
        if f"{NAMES}/{old}" not in current:
            store.discard(f"{NAMES}/{old}")


def _files(store: Store) -> dict[str, str]:
    content = store.get(_POINTER)
    if content is None:
        return {}
    try:
        return {str(table): str(file) for table, file in json.loads(content).items() if table in NAME_TABLES}
    except (ValueError, AttributeError) as error:
        path = f"{store.place}/{_POINTER}"
        raise ReadError(f"{path}: expected names of files, found something else", path=path, kind="io") from error
