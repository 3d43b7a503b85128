"""`read_many`: many files become a `Batch`, in parallel, and one bad file never stops the others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from heapdelta import _html
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._options import checked_threads
from heapdelta._read.archive import checked_opening
from heapdelta._read.encoding import encoding_name
from heapdelta._read.source import as_text
from heapdelta._read.sources import listed_sources
from heapdelta._read.work import How, Work
from heapdelta._words import moment, plural
from heapdelta.exceptions import HeapdeltaError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from heapdelta._read.archive import ArchiveLimits
    from heapdelta._read.source import Source

    Sources: TypeAlias = "str | os.PathLike[str] | Iterable[Source]"

__all__ = ["Batch", "read_many"]

_FAILURES = {"position": pl.UInt32, "path": pl.String, "kind": pl.String, "line": pl.UInt64, "message": pl.String}


class Batch:
    """Snapshots and dumps of many files, and what went wrong with the others. Made by `heapdelta.read_many`.

    Iterating over it, and ``len``, are about the snapshots.

    Attributes
    ----------
    snapshots : list of Snapshot
        The heap logs that were read, in the order of the sources.
    dumps : list of Dump
        The minidumps that were read, in the order of the sources.
    paths : list of str or None
        All sources, failed ones too, in their order, and in place of an archive its files (``case.zip!a.txt``, of bytes
        ``<bytes>!a.txt``); None for bytes and nameless file objects that are no archive.
    failures : polars.DataFrame
        One row per source that is neither, in the order of the sources: ``position`` u32 (in the sources, from 0),
        ``path`` str, ``kind`` str (stable name of the reason: the ``kind`` of the exception, ``not_a_snapshot`` for a
        comparison), ``line`` u64 (null where it is about the whole file), ``message`` str.
    """

    def __init__(self, paths: Sequence[str | None], outcomes: Sequence[Snapshot | Dump | BaseException]) -> None:
        self.paths = list(paths)
        self.snapshots = [outcome for outcome in outcomes if isinstance(outcome, Snapshot)]
        self.dumps = [outcome for outcome in outcomes if isinstance(outcome, Dump)]
        failed = [
            _failure(place, path, outcome)
            for place, (path, outcome) in enumerate(zip(paths, outcomes, strict=True))
            if isinstance(outcome, BaseException)
        ]
        self.failures = pl.DataFrame(failed, schema=_FAILURES, orient="row")

    def __len__(self) -> int:
        return len(self.snapshots)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self.snapshots)

    def __repr__(self) -> str:
        size = sum(snapshot.byte_count for snapshot in self.snapshots)
        parts = [f"{plural(len(self), 'snapshot')} of {plural(size, 'byte')} of text"]
        parts += [plural(len(self.dumps), "dump")] if self.dumps else []
        parts += [plural(self.failures.height, "failure")] if self.failures.height else []
        return f"<Batch: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        if self.failures.height:
            facts, of = {"shown": "failures"}, self.failures.height
            return _html.page(repr(self), facts, self.failures.head(_html.TOP), of=of)
        return _html.page(repr(self), {}, self._first(), of=len(self) + len(self.dumps))

    def _first(self) -> pl.DataFrame:
        first: list[Snapshot | Dump] = [*self.snapshots[: _html.TOP]]
        first += self.dumps[: _html.TOP - len(first)]
        rows = [(each.path, _shown(each), each.machine, each.pid, each.format) for each in first]
        return pl.DataFrame(rows, schema=_SHOWN, orient="row")


_SHOWN = {"path": pl.String, "taken_at": pl.String, "machine": pl.String, "pid": pl.UInt32, "format": pl.String}


def _shown(capture: Snapshot | Dump) -> str | None:
    """Write when it was taken: logs tell the time of their machine, dumps that of UTC."""
    taken = moment(capture.taken_at)
    return f"{taken} UTC" if taken is not None and isinstance(capture, Dump) else taken


def read_many(
    sources: Sources,
    *,
    threads: int | None = None,
    blocks: bool = False,
    on_error: Literal["collect", "raise"] = "collect",
    encoding: str | None = None,
    password: str | None = None,
    limits: ArchiveLimits | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Batch:
    r"""Read many heap logs and minidumps at once.

    Small files are read side by side, each by one thread; a file of 256 MiB or more has all threads for itself. The
    result does not depend on it.

    Parameters
    ----------
    sources : str, os.PathLike or iterable of sources
        A folder: its files and those of all folders in it, hidden ones left out, sorted by name as people sort
        (``after_2`` before ``after_10``). A pattern such as ``"logs/*.txt"`` (``**`` stands for any folders), sorted in
        the same way. Each folder is looked at once, whatever links lead to it, and one further in that cannot be read
        is a failure. The path of one file. Or anything that `read` takes, several of them, in the order given. An
        archive, by its path, as bytes or as a file object, is its files, in one pass, those of archives in it included.
    threads : int, optional
        Threads in all, at least 1; by default one per core.
    blocks : bool, default False
        Keep one row for each block, which `Series.survival` needs. Without them only the sums per heap and stack stay
        in memory, and thousands of logs fit.
    on_error : {"collect", "raise"}, default "collect"
        Make a row of `Batch.failures` of a file that cannot be read, or raise what the first of them says.
    encoding, password, limits : optional
        Code page of the logs that do not prove their own, and how archives are opened, as for `read`.
    progress : callable, optional
        Called in the caller's thread with the files done and the files in all, at the start and after every file. What
        it raises stops the reading and comes out of this call.

    Returns
    -------
    Batch
        The snapshots and the dumps, each in the order of `sources`, and the failures.

    Raises
    ------
    OptionError
        If a folder is empty, a pattern matches nothing, nothing is given, or an option has a value it does not take.
    TypeError
        If `sources` is none of the above, or something in it is.
    PermissionDeniedError, ReadError
        If the folder cannot be read.
    HeapdeltaError
        With ``on_error="raise"``, what `read` raises about the first file that failed; if what was read is a
        comparison, an `OptionError` of kind ``not_a_snapshot``.

    Notes
    -----
    Ctrl-C stops all reading within a moment. Memory: at most as many small files as there are threads are being read at
    a time, or one large one; then about as much as `read` says for each snapshot. A dump is mapped. One of an archive
    stays unpacked as long as the batch, in memory or in a nameless file, as ``memory_bytes`` of `ArchiveLimits` says.

    Examples
    --------
    >>> import heapdelta as hd
    >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n"
    >>> batch = hd.read_many([log, b"", log])
    >>> batch
    <Batch: 2 snapshots of 196 bytes of text, 1 failure>
    >>> batch.failures.select("position", "kind").rows()
    [(1, 'empty')]
    """
    if on_error not in ("collect", "raise"):
        raise OptionError(f"expected collect or raise for on_error, found {on_error!r}", kind="option")
    checked_threads(threads)
    checked_opening(password, limits)
    listed = listed_sources(sources)
    how = How(
        threads=threads or os.cpu_count() or 1,
        blocks=blocks,
        encoding=encoding_name(encoding),
        password=password,
        limits=limits,
        stop_early=on_error == "raise",
    )
    outcomes = Work(listed, how).run(progress)
    return Batch([path for path, _ in outcomes], [outcome for _, outcome in outcomes])


def _failure(place: int, path: str | None, error: BaseException) -> tuple[int, str | None, str, int | None, str]:
    path = None if path is None else as_text(path)
    if isinstance(error, HeapdeltaError):
        return place, path, error.kind or "internal", error.line, as_text(error.message)
    kind = "io" if isinstance(error, OSError) else type(error).__name__
    return place, path, kind, None, as_text(f"{path or '<bytes>'}: {error}")
