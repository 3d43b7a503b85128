"""What blocks of heaps begin with, by the names of symbols; and what is to be said of these names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._symbols.doubts import by_less_than_an_identity, some

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapdelta import _native as core
    from heapdelta._symbols.store import SymbolStore


class Naming(NamedTuple):
    """Where names are looked for, and how: what `Dump.with_symbols` was asked."""

    store: SymbolStore
    by_name: bool
    threads: int | None

    def named(self, dump: core.Dump, contents: core.Table) -> tuple[core.Table, core.Table]:
        """Give the tables `contents`, with names, and `content_symbols`."""
        return self.store._native.name_contents(dump, contents, by_name=self.by_name, threads=self.threads)


def notes(symbols: Iterable[pl.DataFrame]) -> list[str]:
    """Say what a reader of these names must know, of one table of symbols or of those of several dumps."""
    tables = [table for table in symbols if table.height]
    if not tables:
        return []
    rows = pl.concat(tables)
    lacking = rows.filter(pl.col("match").is_in(["none", "mismatch"]))["module"].unique(maintain_order=True).to_list()
    # Images are found by the time and size that a dump tells, which is as good.
    found = by_less_than_an_identity(rows.filter(pl.col("match") != "image"))
    if lacking:
        found.append(
            f"no symbols of the right build were found for {some(lacking)}: what begins there has no name "
            "(content_symbols says why)"
        )
    return found
