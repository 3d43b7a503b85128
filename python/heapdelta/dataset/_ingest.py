"""`ingest`: a tree of what customers sent becomes a dataset, without anyone watching and without losing a file."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta import _native
from heapdelta._native import Keys
from heapdelta._options import checked_threads
from heapdelta._read.archive import ArchiveLimits, checked_opening
from heapdelta._read.encoding import encoding_name
from heapdelta._symbols.store import SymbolStore, checked_store
from heapdelta.dataset._answer import Ingest
from heapdelta.dataset._commit import parquet
from heapdelta.dataset._compact import settle, sweep
from heapdelta.dataset._layout import MARK, VANISHED, is_dataset, mark
from heapdelta.dataset._lock import NAME, only_writer
from heapdelta.dataset._manifest import Manifest, manifest_of, vanished_lists, vanished_of, within
from heapdelta.dataset._objects import look_through
from heapdelta.dataset._plan import Batch, CaseRule, How, batches, inputs_of, left, text_of
from heapdelta.dataset._progress import default_report
from heapdelta.dataset._run import Run, cores
from heapdelta.dataset._store import Folder, Place, Store, not_there, store_of
from heapdelta.dataset._symbolize import symbolize
from heapdelta.dataset._tree import Tables
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from concurrent.futures import Executor

    from heapdelta.dataset._progress import Report
    from heapdelta.dataset._walk import Walk

    Sources = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
    """A file, a folder, a pattern, or several of them."""

__all__ = ["finish", "ingest", "plan"]


def plan(
    source: Sources,
    destination: Place | None = None,
    *,
    case: CaseRule = None,
    blocks: bool = False,
    resume: bool = True,
    encoding: str | None = None,
    password: str | None = None,
    limits: ArchiveLimits | None = None,
) -> list[Batch]:
    """List what is to be read, in batches of 25 files or 50 MB: for machines that `ingest` cannot reach by an executor.

    Parameters
    ----------
    source : str, path-like, store or iterable of them
        As for `heapdelta.ingest`.
    destination : str, path-like or store, optional
        A dataset, whose files are left out; it is made if there is none.
    case, blocks, resume, encoding, password, limits : optional
        As for `heapdelta.ingest`.

    Returns
    -------
    list of Batch
        For `ingest_batch`, in any order, anywhere where the paths mean the same files.

    Raises
    ------
    HeapdeltaError
        What `heapdelta.ingest` raises.
    """
    how = how_to_read(blocks=blocks, encoding=encoding, password=password, limits=limits)
    store = None if destination is None else store_of(destination)
    found = look_through(source, store)
    known = {}
    if store is not None:
        prepare(store)
        known = manifest_of(store).known
    todo = left(inputs_of(found.files, case), known, how, token="" if resume else token_hex(4))
    return batches(todo, how, found.stores)


def how_to_read(*, blocks: bool, encoding: str | None, password: str | None, limits: ArchiveLimits | None) -> How:
    """Check how files are to be read."""
    checked_opening(password, limits)
    return How(blocks=blocks, encoding=encoding_name(encoding), password=password, limits=limits)


def prepare(store: Store) -> None:
    """Make a dataset where there is none; what is there and is none stays as it is.

    Raises
    ------
    OptionError
        If the place holds something else, or a dataset of a newer layout.
    WriteError
        If it cannot be written to.
    """
    if is_dataset(store):
        return
    others = [name for name in store.names() if name not in (NAME, MARK)] + store.folders()
    # Another may have made it meanwhile.
    if others and not is_dataset(store):
        message = (
            f"{store.place}: expected a dataset of heapdelta, or an empty folder, found others' files: {others[0]}"
        )
        raise OptionError(message, path=store.place, hint="name a folder that is not there yet", kind="not_a_dataset")
    if isinstance(store, Folder):
        store.make()
    store.put(MARK, mark())


def ingest(
    source: Sources,
    destination: Place,
    *,
    case: CaseRule = None,
    threads: int | None = None,
    blocks: bool = False,
    resume: bool = True,
    encoding: str | None = None,
    password: str | None = None,
    limits: ArchiveLimits | None = None,
    executor: Executor | None = None,
    symbols: SymbolStore | None = None,
    symbols_by_name: bool = False,
    progress: Report | None = None,
) -> Ingest:
    r"""Read all that customers sent into one dataset, and go on where an earlier run stopped.

    Every file is looked at, whatever its name says, archives with all that is in them. Each becomes a row of the
    manifest, with what became of it; nothing is left out in silence. A file that is there already, and has the size and
    the time it had, is not read again.

    Parameters
    ----------
    source : str, os.PathLike or iterable of them
        A folder, with the folders in it; a file or an archive; a pattern; or several of these. A dataset in it is left
        out. A link to a folder is followed once.
    destination : str, os.PathLike or a store of obstore
        The dataset: a folder that is not there yet, is empty or holds a dataset; or the address of a bucket
        (``s3://bucket/cases``).
    case : str, re.Pattern or callable, optional
        Whose files they are: one case for all; a pattern that is searched in the path under the source (its first
        group, else all it matches); or a function of the path. By default, and where these say nothing, the first
        folder under the source; for a file in none, the name of an archive without its ending, else that of the
        source's folder.
    threads : int, optional
        Threads in all, at least 1; by default one per core. The dataset never depends on it.
    blocks : bool, default False
        Keep one row for each block, the table ``allocations``.
    resume : bool, default True
        False reads every file again.
    encoding, password, limits : optional
        Code page of the logs that do not prove their own, and how archives are opened, as for `read`. What failed for
        want of a password is tried again when one is given.
    executor : concurrent.futures.Executor, optional
        Who works, in place of threads of this process: ``client.get_executor(retries=3)`` of Dask, or any other. Paths
        must mean the same files there.
    symbols : SymbolStore, optional
        Where symbols are, made by `heapdelta.symbols`: when all is read, they are asked for the addresses of all logs
        of the dataset, as by `Dataset.symbolize`; `Ingest.symbols` says what was found. Without it, names that are
        there stay, and those of new logs are asked for later.
    symbols_by_name : bool, default False
        Take symbols that nothing but their name, or name and size, shows to be of the right build.
    progress : callable, optional
        Called in the caller's thread with a `heapdelta.dataset.Progress`, at the start, after every batch, and while
        one takes long. By default a bar of tqdm in a notebook, and nothing elsewhere.

    Returns
    -------
    Ingest
        What became of every file, as the manifest says.

    Raises
    ------
    NotFoundError
        If a source is not there.
    OptionError
        If the destination holds something else, is of a newer layout (the hint says what reads it), or another process
        writes to it; or an option has a value it does not take.
    WriteError
        If the dataset cannot be written to, as when the disk is full. What was written counts, and the next run goes
        on.
    TypeError
        If `source`, `destination` or `symbols` is none of the above.

    Notes
    -----
    Can be killed at any moment: files appear whole or not at all, and batches count only once their part of the
    manifest is there. Ctrl-C finishes the files in hand; `Ingest.interrupted` says so.
    Memory: some hundred megabytes for each thread, whatever the tree.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     uploads = Path(folder, "uploads")
    ...     for case in ("case-1", "case-2"):
    ...         (uploads / case).mkdir(parents=True)
    ...         story = hd.testing.write_investigation(uploads / case, stack_count=60)
    ...     found = hd.ingest(uploads, Path(folder, "dataset"))
    >>> found.new_files, found.outcomes()
    (4, '4 logs, comparisons and dumps')
    """
    checked_threads(threads)
    if symbols is not None:
        checked_store(symbols)
    how = how_to_read(blocks=blocks, encoding=encoding, password=password, limits=limits)
    started = time.monotonic()
    store = store_of(destination)
    found = look_through(source, store)
    prepare(store)
    with only_writer(store, "threads" if executor is None else "executor") as earlier:
        manifest = manifest_of(store)
        sweep(manifest, age=sweep_age(earlier))
        inputs = inputs_of(found.files, case)
        todo = left(inputs, manifest.known, how, token="" if resume else token_hex(4))
        keys = known_keys(manifest) if executor is None and todo else None
        workers = threads or cores()
        run = Run(store, executor, workers, progress or default_report(), keys)
        cut = batches(todo, how, found.stores, threads=workers if executor is None and not found.stores else None)
        whole = run.work_through(cut) if todo else True
        mark_vanished(store, found, manifest)
        manifest = settle(manifest_of(store) if todo else manifest)
        named = None if symbols is None else symbolize(manifest, symbols, by_name=symbols_by_name, threads=threads)
    seconds = time.monotonic() - started
    known = len(inputs) - len(todo)
    facts: dict[str, Any] = {"new_files": run.files, "known_files": known, "seconds": seconds}
    return Ingest(store, manifest, **facts, interrupted=not whole, symbols=named)


def finish(destination: Place) -> Ingest:
    """Count what a dataset holds, after batches were read on other machines, and put in order what they left.

    Parameters
    ----------
    destination : str, os.PathLike or a store of obstore
        The dataset.

    Returns
    -------
    Ingest
        What became of every file, as the manifest says; answers of tasks do not count.

    Raises
    ------
    NotFoundError
        If there is no dataset.
    OptionError
        If it is of a newer layout, or another process writes to it.
    """
    store = store_of(destination)
    if not is_dataset(store):
        raise not_there(store.place)
    with only_writer(store, "executor") as earlier:
        manifest = manifest_of(store)
        sweep(manifest, age=sweep_age(earlier))
        return Ingest(store, settle(manifest))


def sweep_age(earlier: str) -> float:
    """Tell from which age on, in seconds, parts that no batch names are of no use.

    The threads of a run are gone with its process; the workers of an executor may still be writing.
    """
    return 3600.0 if earlier == "executor" else 0.0


def known_keys(manifest: Manifest) -> Keys:
    """Give the keys of all stacks and frames that a dataset has: they need not be written again."""
    found = Tables(manifest)
    frames, stacks = [
        found.scan(table).select(pl.col(key).str.to_integer(base=16, dtype=pl.UInt64)).collect()
        for table, key in (("frames", "frame"), ("stacks", "fingerprint"))
    ]
    return Keys(frames, stacks)


def mark_vanished(store: Store, found: Walk, manifest: Manifest) -> None:
    """Note which inputs under the folders of a run are no longer there; what cannot be looked into may be there."""
    rows = manifest.current
    known = rows["input"].unique(maintain_order=True)
    there = {text_of(each.path) for each in found.files}
    closed = tuple(within(text_of(each.path)) for each in found.files if each.trouble is not None)
    earlier = vanished_lists(store)
    folders = [text_of(root) for root in found.folders]
    covered = tuple(within(root) for root in folders)
    back = [path for path in rows.filter(vanished_of(store, rows))["input"].unique() if path in there]
    # It is later than all that was noted before, whatever the clock says.
    moments: list[Any] = [manifest.rows["read_at"].max(), *(each["looked_at"][0] for each in earlier)]
    now = datetime.now(UTC).replace(tzinfo=None)
    when = max([now, *(moment + timedelta(microseconds=1) for moment in moments if moment is not None)])
    for root in [*folders, *sorted(path for path in back if not path.startswith(covered))]:
        inside = known.filter(known.str.starts_with(within(root)))
        gone = [path for path in inside if path not in there and not path.startswith(closed)]
        # What other runs said of it before is older from now on.
        if gone or earlier:
            lists = {
                "root": [root] * max(1, len(gone)),
                "path": gone or [None],
                "looked_at": [when] * max(1, len(gone)),
            }
            content = parquet(pl.DataFrame(lists, schema_overrides={"path": pl.String}))
            store.put(f"{VANISHED}/{_native.key_of(root)}.parquet", content)
