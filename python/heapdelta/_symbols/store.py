"""`symbols`: folders, symbol stores and symbol paths become a `SymbolStore`, which names the addresses of captures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import polars as pl

from heapdelta import _native
from heapdelta._long_path import for_system
from heapdelta._safe_text import visible
from heapdelta._words import plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SymbolStore", "symbols"]


class _Named(Protocol):
    """A capture whose addresses can have names."""

    @property
    def symbols(self) -> pl.DataFrame: ...

    def with_symbols(self, store: SymbolStore) -> _Named: ...


class SymbolStore:
    """Where symbols are looked for. Made by `heapdelta.symbols`.

    A file is opened when an address of its module is asked for, and stays open as long as the store lives: so the
    second log of a program costs the lookups alone.
    """

    def __init__(self, native: _native.SymbolStore) -> None:
        self._native = native

    @property
    def places(self) -> list[Path]:
        """Folders and files of this machine, in the order in which they are searched."""
        return self._native.places

    @property
    def notes(self) -> list[str]:
        """What is not searched, one sentence each: servers, and places that are not there."""
        notes = [
            f"{visible(server)} is on a network and was left alone: named by itself it is searched"
            if server.startswith(("\\\\", "//"))
            else f"{visible(server)} is a server: heapdelta asks nobody"
            for server in self._native.servers
        ]
        return [
            *notes,
            *(f"{visible(os.fspath(path))} is not searched: {said}" for path, said in self._native.faults()),
        ]

    def joined(self, other: SymbolStore) -> SymbolStore:
        """Give a store with the places of both, this one's first.

        Parameters
        ----------
        other : SymbolStore
            Whose places come behind.

        Returns
        -------
        SymbolStore
            A new one, or this one where the other has no place that it lacks.
        """
        new = [place for place in other.places if place not in self.places]
        return SymbolStore(_native.SymbolStore([*self.places, *new])) if new else self

    def needed(self, log: _Named) -> pl.DataFrame:
        """List the symbols that a log would need and that are not here.

        Parameters
        ----------
        log : Snapshot or Dump
            A capture; of one whose addresses have names already, the places of these count, too.

        Returns
        -------
        polars.DataFrame
            One row per module, sorted by ``frame_count``, largest first, then by module: ``module`` str, ``debug_file``
            str (name of the file), ``id`` str (GUID and age; null where the log does not tell the build),
            ``frame_count`` u32 (addresses without a name), ``path`` str (where a symbol server has it:
            ``name.pdb/GUIDAGE/name.pdb``; null without an id), ``reason`` str.
        """
        lacking = log.with_symbols(self).symbols.filter(pl.col("match").is_in(["none", "mismatch"]))
        path = pl.format("{}/{}/{}", "debug_file", "wanted_id", "debug_file").alias("path")
        columns = ["module", "debug_file", pl.col("wanted_id").alias("id"), "frame_count", path, "reason"]
        return lacking.select(columns).sort("frame_count", "module", descending=[True, False])

    def __repr__(self) -> str:
        return f"<SymbolStore: {plural(len(self.places), 'place')}>"


def symbols(*paths: str | os.PathLike[str]) -> SymbolStore:
    r"""Tell where symbols are.

    Parameters
    ----------
    *paths : str or os.PathLike
        Folders, of which all that lies below is searched; symbol stores (``name.pdb\GUIDAGE\name.pdb``); single files;
        or texts as in ``_NT_SYMBOL_PATH``, such as ``srv*C:\Symbols*https://msdl.example``. ``%NAME%`` stands for a
        variable of the environment, and ``~`` in front for your home. Read are PDBs, packed ones too (``name.pd_``),
        Breakpad's ``.sym`` and images with DWARF.

    Returns
    -------
    SymbolStore
        To be given to `Snapshot.with_symbols`. Nothing is read before.

    Raises
    ------
    OptionError
        If no path is given, or a path that names one place only is not there.

    Notes
    -----
    There is no network: servers of a symbol path are named in `SymbolStore.notes` and left alone. ``docs/symbols.md``
    says where to get symbols, and what each match is worth.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hd.symbols(folder)
    <SymbolStore: 1 place>
    """
    if not paths:
        raise OptionError("expected at least one path of symbols, found none", kind="option")
    for path in paths:
        text = os.fspath(path)
        if not text.strip():
            raise OptionError("expected a folder or file of symbols, found an empty text", kind="option")
        if not any(sign in text for sign in ";*") and "://" not in text and not _is_there(text):
            raise OptionError(
                f"{text}: expected a folder or file of symbols, found nothing there", path=text, kind="option"
            )
    store = SymbolStore(_native.SymbolStore([os.fspath(path) for path in paths]))
    if not store.places and not store.notes:
        message = (
            f"{'; '.join(os.fspath(path) for path in paths)}: expected a place with symbols, found none in this text"
        )
        raise OptionError(message, kind="option")
    return store


def _is_there(text: str) -> bool:
    """Tell whether one place is there, with variables and the user's home put in."""
    return any(os.path.lexists(for_system(str(place))) for place in [text, *_native.SymbolStore([text]).places])


def checked_store(store: SymbolStore) -> SymbolStore:
    """Give a store back, if it is one.

    Raises
    ------
    TypeError
        If it is something else, such as a path.
    """
    if not isinstance(store, SymbolStore):
        raise TypeError(f"expected a SymbolStore, found {type(store).__name__}")
    return store


def nowhere() -> SymbolStore:
    """Give a store without a place: it tells what a capture would need."""
    return SymbolStore(_native.SymbolStore([]))
