"""`Capture`: what every file that was read has, whatever it holds: its path, its format, tables and issues."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, NoReturn, TypeVar

import polars as pl

from heapdelta._ranking.live import Live
from heapdelta._safe_text import visible
from heapdelta._words import listed
from heapdelta.exceptions import NoTableError, OptionError

if TYPE_CHECKING:
    from heapdelta import _native as core

__all__ = ["Capture"]

Native = TypeVar("Native", bound="core.Snapshot | core.Comparison | core.Dump")

_KINDS: dict[str, type[object]] = {}
"""The kinds of captures by what they are called: each class below that has a noun of its own."""


class Capture(Generic[Native]):
    """What snapshots, comparisons and dumps have in common. Cannot be changed after it was made."""

    _noun: ClassVar[str] = ""
    """What a capture of this kind is called in messages; empty for what has kinds below it."""
    _names: ClassVar[tuple[str, ...]] = ()
    """Its tables."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls._noun:
            _KINDS[cls._noun] = cls

    def __init__(self, native: Native) -> None:
        self._native: Native = native
        self._tables: dict[str, pl.DataFrame] = {}

    @property
    def path(self) -> str | None:
        """The file it was read from; None for bytes and file objects."""
        return self._native.path

    @property
    def format(self) -> str:
        """Who wrote it.

        ``umdh2``, ``umdh1``, ``dh`` or ``dhcmp-sites``; for a comparison ``dhcmp`` or ``umdh-compare``; for a dump
        ``minidump``.
        """
        return self._native.format

    @property
    def byte_count(self) -> int:
        """Bytes of the file."""
        return self._native.byte_count

    @property
    def modules(self) -> pl.DataFrame:
        """One row per loaded module, in the order of the file."""
        return self._table("modules")

    @property
    def issues(self) -> pl.DataFrame:
        """One row per thing that could not be read or is in doubt, in the order of the file.

        A kind has at most 1,000 rows; one row more has in ``count`` how many others there are.
        """
        return self._table("issues")

    def arrow(self, name: str) -> core.Table:
        """Give a table to anyone who speaks the Arrow C stream: pyarrow, pandas, DuckDB.

        Parameters
        ----------
        name : str
            Name of the table, such as ``"modules"``.

        Returns
        -------
        Table
            An object with ``__arrow_c_stream__``. Nothing is copied.

        Raises
        ------
        OptionError
            If there is no such table.
        """
        if name not in self._names:
            raise OptionError(f"expected a table ({', '.join(self._names)}), found {name!r}", kind="option")
        return self._native.table(name)

    def _inlined(self) -> pl.DataFrame:
        """Give the calls that are inlined at frames: ``frame_id``, ``inlined`` list of str, innermost first."""
        return pl.DataFrame(schema={"frame_id": pl.UInt32, "inlined": pl.List(pl.String)})

    def _height(self, name: str) -> int:
        """Count the rows of a table: handing over all columns of all batches takes time."""
        return len(self._native.table(name))

    def _table(self, name: str) -> pl.DataFrame:
        if name not in self._tables:
            self._tables[name] = pl.DataFrame(self._native.table(name))
        return self._tables[name]

    def _label(self) -> str:
        return visible(self.path or "<bytes>")

    def _called(self) -> str:
        """Say what it is, for messages."""
        return self._noun

    if not TYPE_CHECKING:
        # Not for type checkers, which would believe that there is every name.

        def __getattr__(self, name: str) -> NoReturn:
            # Reached only for names that the class does not have; tells what kind of file has them.
            others = {noun: kind for noun, kind in _KINDS.items() if not isinstance(self, kind)}
            owners = sorted(noun for noun, kind in others.items() if hasattr(kind, name))
            if name.startswith("_") or not owners:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            hint = f"its tables are {', '.join(self._names)}"
            if hasattr(type(self), "live") and hasattr(Live, name):
                hint = f"live() has it, as in log.live().{name}: what one log holds"
                message = f"{self._called()} has no {name} of its own: live() and {listed(owners)} have"
            else:
                message = f"{self._called()} has no {name}: only {listed(owners)} has"
            raise NoTableError(message, hint=hint, kind="no_table")

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} cannot be changed: {name}")
        super().__setattr__(name, value)
