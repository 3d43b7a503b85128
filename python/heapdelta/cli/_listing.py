"""Tables for people that give up columns where there is no room for them, and say which."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING

from heapdelta.cli import _output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

ROOMY = 100
"""Columns of a console from which on a table has all it can have: names may wrap there."""

# Wider than any table.
_ENDLESS = 1 << 16
# So much room is enough for free text, over several lines.
_LOOSE = 12


class Listing:
    """A table in the making.

    Parameters
    ----------
    title : str, optional
        Above it.
    numbers, names : sequence of str
        Headings of columns to the right, then of those that wrap rather than lose text.
    spare : sequence of sequence of str
        Headings of columns to give up together below `ROOMY`, the first first, until the table fits.
    unbroken : sequence of str
        Headings of names that are not to wrap.
    loose : sequence of str
        Headings of free text, which wraps before any name does. A column of it in which nothing stands is not shown.
    """

    def __init__(
        self,
        title: str | None,
        numbers: Sequence[str],
        names: Sequence[str],
        *,
        spare: Sequence[Sequence[str]],
        unbroken: Sequence[str] = (),
        loose: Sequence[str] = (),
    ) -> None:
        self._title = title
        self._parts = (numbers, names)
        self._spare = [
            there for together in spare if (there := [name for name in together if name in (*numbers, *names)])
        ]
        self._unbroken = unbroken
        self._loose = loose
        self._rows: list[tuple[str | Text, ...]] = []

    def add(self, *cells: str | Text) -> None:
        """Add a row, with cells for all columns; the last ones may lack."""
        self._rows.append(cells)

    def show(self, target: Console) -> list[str]:
        """Print it, and what it has no room for; that is given back."""
        left_out: list[str] = []
        empty = self._empty()
        made = self._made(empty)
        for together in self._spare:
            if target.width >= ROOMY or self._needs(target, made) <= target.width:
                break
            left_out += together
            made = self._made([*empty, *left_out])
        if self._needs(target, made) <= target.width:
            for column in made.columns:
                column.no_wrap = column.header not in self._loose
        target.print(made)
        _output.left_out(target, left_out)
        return left_out

    def _empty(self) -> list[str]:
        """Name the columns of free text in which there is none."""
        headings = [heading for part in self._parts for heading in part]
        filled = {heading for cells in self._rows for heading, cell in zip(headings, cells, strict=False) if cell}
        return [heading for heading in self._loose if heading not in filled]

    def _needs(self, target: Console, table: Table) -> int:
        """Tell how wide a table is of which nothing but free text wraps."""
        spare = 0
        for column in table.columns:
            if column.header in self._loose:
                widest = max((width(target, cell) for cell in column.cells), default=0)
                spare += max(0, max(widest, len(str(column.header))) - _LOOSE)
        return width(target, table) - spare

    def _made(self, left_out: Sequence[str]) -> Table:
        kept = [[heading for heading in part if heading not in left_out] for part in self._parts]
        made = _output.table(self._title, *kept)
        for column in made.columns:
            column.no_wrap = column.no_wrap or column.header in self._unbroken
        shown = [heading not in left_out for part in self._parts for heading in part]
        for cells in self._rows:
            made.add_row(*compress(cells, shown))
        return made


def width(target: Console, shown: RenderableType) -> int:
    """Tell how wide something is of which nothing wraps."""
    return target.measure(shown, options=target.options.update_width(_ENDLESS)).maximum
