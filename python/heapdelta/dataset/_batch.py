"""`ingest_batch`: files become parts of the tables, and count by the part of the manifest that is written last."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._native import __version__
from heapdelta._safe_text import visible
from heapdelta.dataset._layout import MANIFEST, is_dataset, part
from heapdelta.dataset._objects import fetched
from heapdelta.dataset._outcome import FAILED
from heapdelta.dataset._plan import Batch, text_of
from heapdelta.dataset._store import Place, Store, not_there, store_of
from heapdelta.dataset._work import Work
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from threading import Event

    from heapdelta._native import Keys


@dataclass(frozen=True)
class BatchOutcome:
    """What became of a batch: for progress alone, the manifest is what counts.

    Attributes
    ----------
    batch : str
        Its name.
    files, failures : int
        Files of its inputs and of the archives among them, and how many of them failed.
    input_count, size : int
        Inputs, and their bytes.
    """

    batch: str
    files: int
    failures: int
    input_count: int
    size: int


def ingest_batch(batch: Batch, destination: Place) -> BatchOutcome:
    """Read some files into a dataset. A bad file is a row of the manifest, never an error.

    Depends on nothing but its arguments. Done twice, it counts once.

    Parameters
    ----------
    batch : Batch
        Made by `plan`.
    destination : str, os.PathLike or a store of obstore
        A dataset that is there.

    Returns
    -------
    BatchOutcome
        What became of it, for progress: only the manifest counts, which `finish` reads.

    Raises
    ------
    WriteError
        If the dataset cannot be written to.
    """
    return run_batch(batch, store_of(destination))


def run_batch(batch: Batch, store: Store, known: Keys | None = None, stop: Event | None = None) -> BatchOutcome:
    """Do what `ingest_batch` does. Stacks and frames that are `known` need not be written again.

    They must be in batches that count; what this one adds is known once it counts itself. After `stop` only the files
    in hand are finished, and these count.
    """
    _check(batch, store)
    before = store.get(part(MANIFEST, batch.id))
    if before is not None:
        rows = pl.read_parquet(io.BytesIO(before), columns=["input", "outcome"]).drop_nulls()
        return _outcome_of(batch, rows["input"].to_list(), rows["outcome"].to_list())
    work = _worked(batch, store, known, stop)
    if not work.rows:
        # Stopped before the first of them: a part of the manifest would say that all is done.
        return _outcome_of(batch, [], [])
    work.commit()
    if work.is_swept:
        # A run that began meanwhile took its parts for those of a dead one.
        work = _worked(batch, store)
        work.commit(over=True)
    return _outcome_of(batch, [row["input"] for row in work.rows], [row["outcome"] for row in work.rows])


def _check(batch: Batch, store: Store) -> None:
    """See that this machine has the same dataset and the same heapdelta as the one that made the plan."""
    if not is_dataset(store):
        raise not_there(store.place)
    if batch.how.version != __version__:
        message = f"expected a batch of heapdelta {__version__}, which is here, found one of {batch.how.version}"
        raise OptionError(message, hint="install the same heapdelta on all machines", kind="executor")


def _worked(batch: Batch, store: Store, known: Keys | None = None, stop: Event | None = None) -> Work:
    """Read the files of a batch."""
    work = Work(batch, store, known)
    for each in batch.inputs:
        if each.trouble is not None or each.of is not None:
            work.rows.append(work.unread(each))
    opened = [each for each in batch.inputs if each.trouble is None and each.of is None]
    with fetched(opened, batch.sources, batch.how.limits) as places:
        for several, is_archive in work.in_a_row(work.reachable(opened, places)):
            if stop is not None and stop.is_set():
                break
            work.read(several, is_archive=is_archive)
        if not work.is_as_before:
            work.flush()
    return work


def _outcome_of(batch: Batch, inputs: Iterable[str], outcomes: Sequence[str]) -> BatchOutcome:
    have = set(inputs)
    done = [each for each in batch.inputs if text_of(each.path) in have]
    failures = sum(outcome == FAILED for outcome in outcomes)
    return BatchOutcome(batch.id, len(outcomes), failures, len(done), sum(each.size for each in done))


def unreadable(batch: Batch, destination: Place, why: str) -> None:
    """Note that no worker lives through a file."""
    work = Work(batch, store_of(destination))
    for each in batch.inputs:
        expected = f"{visible(text_of(each.path))}: expected a worker to read it"
        reason = f"{expected}, found that none lived through it: {visible(why)}"
        work.rows.append(work.row(each, each.path, outcome=FAILED, kind="killed_worker", reason=reason))
    work.commit()
