"""The table of symbols as people read it: which file names the addresses of each module, or why none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from rich.cells import cell_len

from heapdelta._safe_text import visible
from heapdelta._words import count_text
from heapdelta.cli import _output
from heapdelta.cli._listing import width
from heapdelta.cli._safe import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from heapdelta._symbols.store import SymbolStore

_COLORS = {"id": "green", "id_from_log": "green", "image": "green", "mismatch": "red", "none": "dim"}


def show(target: Console, table: pl.DataFrame, store: SymbolStore) -> None:
    """Print a row for each module, and what is not searched."""
    _modules(target, table)
    for note in store.notes:
        target.print(Text(f"- {note}"), soft_wrap=True)


def _modules(target: Console, table: pl.DataFrame) -> None:
    """Print the modules; files and reasons below them where there is no room: a path cut in two cannot be copied."""
    taken = pl.col("kind").is_not_null()
    paths = table.select(pl.when(taken).then("found_path"))["found_path"].to_list()
    words = [": ".join(filter(None, both)) for both in zip(paths, table["reason"], strict=True)]
    narrow = _listed(table)
    widest = max((cell_len(visible(path)) for path in paths if path is not None), default=0)
    if width(target, narrow) + len("   ") + widest <= target.width:
        target.print(_listed(table, words))
        return
    target.print(narrow)
    target.print(Text("Files and reasons", "bold"))
    for module, told in zip(table["module"], words, strict=True):
        target.print(Text(f"- {module}: {told}"), soft_wrap=True)
    target.print()


def _listed(table: pl.DataFrame, words: Sequence[str] | None = None) -> Table:
    names = ["module", "match", *(["file or reason"] if words is not None else [])]
    shown = _output.table("Symbols", ["addresses", "named"], names)
    for place, row in enumerate(table.iter_rows(named=True)):
        shown.add_row(
            count_text(row["frame_count"]),
            count_text(row["named_count"]),
            Text(row["module"]),
            Text(row["match"], _COLORS.get(row["match"], "yellow")),
            *([Text(words[place])] if words is not None else []),
        )
    return shown
