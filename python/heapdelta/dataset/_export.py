"""A dataset for houses that keep their tables in Delta Lake."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from heapdelta.dataset._layout import MANIFEST, NAME_TABLES, tables
from heapdelta.exceptions import OptionError, WriteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapdelta.dataset._tree import Tables


def to_delta(
    found: Tables, place: str | os.PathLike[str], *, storage_options: Mapping[str, str] | None = None
) -> list[str]:
    """Write each table that has rows, and the manifest, as a Delta table of its own under a place. Gives their names.

    A Delta table that is there gets a new version with the content of now.

    Raises
    ------
    OptionError
        If the package deltalake is not installed.
    WriteError
        If a table cannot be written.
    """
    try:
        from deltalake.exceptions import DeltaError  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        message = "expected the package deltalake for tables of Delta Lake, found it not installed"
        raise OptionError(message, hint="pip install deltalake", kind="option") from None
    root = os.fspath(place).rstrip("/")
    options = None if storage_options is None else dict(storage_options)
    written = []
    for name in (*tables(), *NAME_TABLES, MANIFEST):
        rows = found.scan(name).collect()
        if rows.is_empty():
            continue
        target = f"{root}/{name}"
        try:
            rows.write_delta(
                target,
                mode="overwrite",
                storage_options=options,
                delta_write_options={"schema_mode": "overwrite", "description": f"{name} of a dataset of heapdelta"},
            )
        except (DeltaError, OSError) as error:
            raise WriteError(f"{target}: cannot write: {error}", path=target, kind="write") from error
        written.append(name)
    return written
