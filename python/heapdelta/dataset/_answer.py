"""`Ingest`: what became of every file."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _html
from heapdelta._numbers import total_of_known
from heapdelta._words import bytes_text, plural
from heapdelta.dataset._names import named_text, notes_on_names
from heapdelta.dataset._outcome import ARCHIVE, DUPLICATE, FAILED, NOT_OURS, PART, READ
from heapdelta.dataset._tree import Tables

if TYPE_CHECKING:
    from heapdelta.dataset._manifest import Manifest
    from heapdelta.dataset._store import Store

__all__ = ["Ingest"]

_FAILURES = ("case", "path", "kind", "reason", "size", "modified")


class Ingest:
    """What a dataset holds of its sources, and what became of every file. Made by `heapdelta.ingest`.

    Attributes
    ----------
    destination : str
        The dataset.
    manifest : polars.DataFrame
        One row per file, and per file of every archive, sorted by case and path: ``case``, ``path`` str, ``outcome``
        str (``read``, ``archive``, ``not ours``, ``failed``, ``duplicate``, ``part``), ``kind`` str (the format of what
        was read, else the stable name of the reason), ``reason`` str, ``of`` str (what it is a duplicate or a part of),
        ``size`` i64 (bytes), ``modified`` datetime, ``hash`` str (XXH128 of its bytes; null if not all were read),
        ``captures``, ``rows``, ``issues`` i64, ``seconds`` f64, ``read_at`` datetime (UTC), ``vanished`` bool (it was
        no longer there when its source was last looked through; what was read stays).
    new_files : int
        Files that this run read, those of archives not counted.
    known_files : int
        Files that were there already, and are as they were.
    seconds : float
        How long it took.
    interrupted : bool
        Ctrl-C ended it early; the next run goes on.
    symbols : polars.DataFrame or None
        What `Dataset.symbolize` gives, where symbols were asked.
    """

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        *,
        new_files: int = 0,
        known_files: int = 0,
        seconds: float = 0.0,
        interrupted: bool = False,
        symbols: pl.DataFrame | None = None,
    ) -> None:
        self.destination = store.place
        self._tables = Tables(manifest)
        self.manifest = self._tables.manifest
        self.new_files = new_files
        self.known_files = known_files
        self.seconds = seconds
        self.interrupted = interrupted
        self.symbols = symbols

    @cached_property
    def notes(self) -> list[str]:
        """What a reader of names must know, one sentence each; see `Dataset.notes`."""
        return notes_on_names(self._tables)

    @property
    def failures(self) -> pl.DataFrame:
        """What could not be read and is still there: some columns of `manifest`."""
        # Of what was read once, and could not be read again, the row says why.
        failed = (pl.col("outcome") == FAILED) | ((pl.col("outcome") == READ) & pl.col("reason").is_not_null())
        return self.manifest.filter(failed & ~pl.col("vanished")).select(_FAILURES)

    def count(self, outcome: str) -> int:
        """Count the files of an outcome.

        Parameters
        ----------
        outcome : str
            As the manifest has it, such as ``"read"``.

        Returns
        -------
        int
            Files.
        """
        return self.manifest.filter(pl.col("outcome") == outcome).height

    @property
    def size(self) -> int:
        """Bytes of all files, unpacked."""
        return total_of_known(self.manifest.filter(pl.col("outcome") != ARCHIVE)["size"])

    @property
    def vanished(self) -> pl.DataFrame:
        """The rows of files that are no longer there."""
        return self.manifest.filter("vanished")

    def outcomes(self) -> str:
        """Say in words what became of the files.

        Returns
        -------
        str
            Each outcome with its files, in one line.
        """
        words = {
            READ: "log, comparison or dump",
            DUPLICATE: "duplicate",
            ARCHIVE: "archive",
            PART: "further part of an archive",
            NOT_OURS: "file of another kind",
            FAILED: "failure",
        }
        several = {
            READ: "logs, comparisons and dumps",
            PART: "further parts of archives",
            NOT_OURS: "files of other kinds",
        }
        counts = dict(self.manifest.group_by("outcome").len().iter_rows())
        said = []
        for outcome, word in words.items():
            count = counts.get(outcome, 0)
            if count:
                said.append(
                    f"{count:,} {several[outcome]}" if count > 1 and outcome in several else plural(count, word)
                )
        return ", ".join(said) or "nothing"

    def __repr__(self) -> str:
        new = f"{plural(self.new_files, 'file')} read now" if self.new_files else "nothing new"
        named = "" if self.symbols is None else f", {named_text(self.symbols)}"
        early = ", ended early" if self.interrupted else ""
        gone = f", {self.vanished.height:,} of them vanished" if self.vanished.height else ""
        return f"<Ingest into {self.destination}: {new}{early}{named}; in all {self.outcomes()}{gone}>"

    def _repr_html_(self) -> str:
        facts = {
            "read now": plural(self.new_files, "file"),
            "known before": plural(self.known_files, "file"),
            "in all": self.outcomes(),
            "bytes": bytes_text(self.size),
        }
        if self.symbols is not None:
            facts["names"] = named_text(self.symbols)
        failures = self.failures
        return _html.page(repr(self), facts, failures.head(_html.TOP), of=failures.height)
