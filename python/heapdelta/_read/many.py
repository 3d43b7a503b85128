"""`read_many`: many files become a `Batch`, in parallel, and one bad file never stops the others."""

from __future__ import annotations

import os
from collections import deque
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from heapdelta import _html
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._options import checked_threads
from heapdelta._read.one import encoding_name, read, read_each
from heapdelta._read.pattern import UnreadableFolder
from heapdelta._read.sources import label_of, listed_sources, size_of
from heapdelta._words import plural
from heapdelta.exceptions import CancelledError, HeapdeltaError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from heapdelta._read.one import AnyCapture, Source

    Sources: TypeAlias = "str | os.PathLike[str] | Iterable[Source]"
    Outcome: TypeAlias = "AnyCapture | BaseException"

__all__ = ["Batch", "read_many"]

# A file from this size on is read by all threads at once, and alone: so two of them are never in memory together.
_LARGE = 256 << 20

# Files below this size are read several in a row by one call of the core: to start each on its own takes longer than to
# read it.
_SMALL = 1 << 20
_IN_A_ROW = 32

_FAILURES = {"position": pl.UInt32, "path": pl.String, "kind": pl.String, "line": pl.UInt64, "message": pl.String}

# How often the waiting thread wakes up, in seconds: on Windows Ctrl-C reaches it only between two waits.
_TICK = 0.1


class Batch:
    """Snapshots of many files, and what went wrong with the others. Made by `heapdelta.read_many`.

    Iterating over it, and ``len``, are about the snapshots.

    Attributes
    ----------
    snapshots : list of Snapshot
        What was read, in the order of the sources.
    paths : list of str or None
        All sources, failed ones too, in their order; None for bytes and nameless file objects.
    failures : polars.DataFrame
        One row per source without a snapshot, in the order of the sources: ``position`` u32 (in the sources, from 0),
        ``path`` str, ``kind`` str (stable name of the reason: the ``kind`` of the exception, ``not_a_snapshot`` for a
        comparison or a minidump), ``line`` u64 (null where it is about the whole file), ``message`` str.
    """

    def __init__(self, paths: Sequence[str | None], outcomes: Sequence[Snapshot | BaseException]) -> None:
        self.paths = list(paths)
        self.snapshots = [outcome for outcome in outcomes if isinstance(outcome, Snapshot)]
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
        failed = f", {plural(self.failures.height, 'failure')}" if self.failures.height else ""
        size = sum(snapshot.byte_count for snapshot in self.snapshots)
        return f"<Batch: {plural(len(self), 'snapshot')} of {plural(size, 'byte')} of text{failed}>"

    def _repr_html_(self) -> str:
        if self.failures.height:
            facts, of = {"shown": "failures"}, self.failures.height
            return _html.page(repr(self), facts, self.failures.head(_html.TOP), of=of)
        return _html.page(repr(self), {}, self._first(), of=len(self))

    def _first(self) -> pl.DataFrame:
        first = self.snapshots[: _html.TOP]
        rows = [(each.path, each.taken_at, each.machine, each.pid, each.format) for each in first]
        return pl.DataFrame(rows, schema=["path", "taken_at", "machine", "pid", "format"], orient="row")


def read_many(
    sources: Sources,
    *,
    threads: int | None = None,
    blocks: bool = False,
    on_error: Literal["collect", "raise"] = "collect",
    encoding: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Batch:
    r"""Read many heap logs at once.

    Small files are read side by side, each by one thread; a file of 256 MiB or more has all threads for itself. The
    result does not depend on it.

    Parameters
    ----------
    sources : str, os.PathLike or iterable of sources
        A folder: all its files, not those of folders inside it, hidden ones left out, sorted by name as people sort
        (``after_2`` before ``after_10``). A pattern such as ``"logs/*.txt"`` (``**`` stands for any folders, each of
        which is looked at once, whatever links lead to it), sorted in the same way; a folder in it that cannot be read
        is a failure. The path of one file. Or anything that `read` takes, several of them, in the order given.
    threads : int, optional
        Threads in all, at least 1; by default one per core.
    blocks : bool, default False
        Keep one row for each block, which `Series.survival` needs. Without them only the sums per heap and stack stay
        in memory, and thousands of logs fit.
    on_error : {"collect", "raise"}, default "collect"
        Make a row of `Batch.failures` of a file that cannot be read, or raise what the first of them says.
    encoding : str, optional
        Code page of the logs that do not prove their own, as for `read`.
    progress : callable, optional
        Called in the caller's thread with the files done and the files in all, at the start and after every file. What
        it raises stops the reading and comes out of this call.

    Returns
    -------
    Batch
        The snapshots in the order of `sources`, and the failures.

    Raises
    ------
    OptionError
        If a folder is empty, a pattern matches nothing, nothing is given, or an option has a value it does not take.
    TypeError
        If `sources` is none of the above, or something in it is.
    PermissionDeniedError, ReadError
        If the folder cannot be read.
    HeapdeltaError
        With ``on_error="raise"``, what `read` raises about the first file that failed; if what was read is no snapshot
        of a heap log, an `OptionError` of kind ``not_a_snapshot``.

    Notes
    -----
    Ctrl-C stops all reading within a moment. Memory: at most as many small files as there are threads are being read at
    a time, or one large one; then about as much as `read` says for each snapshot.

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
    listed = listed_sources(sources)
    work = _Work(
        listed,
        threads or os.cpu_count() or 1,
        blocks=blocks,
        encoding=encoding_name(encoding),
        stop_early=on_error == "raise",
    )
    outcomes = work.run(progress)
    return Batch([label_of(source) for source in listed], outcomes)


class _Work:
    """The reading of a list of sources."""

    def __init__(
        self, sources: list[Source], threads: int, *, blocks: bool, encoding: str | None, stop_early: bool
    ) -> None:
        self.sources = sources
        self.sizes = [size_of(source) for source in sources]
        self.threads = threads
        self.blocks = blocks
        self.encoding = encoding
        self.stop_early = stop_early
        self.stop = Event()
        self.outcomes: dict[int, Snapshot | BaseException] = {}

    def run(self, progress: Callable[[int, int], object] | None) -> list[Snapshot | BaseException]:
        """Read everything, small files first; gives an outcome for each source."""

        def report() -> None:
            if progress is not None:
                progress(len(self.outcomes), len(self.sources))

        report()
        large = {place for place, size in enumerate(self.sizes) if size >= _LARGE}
        small = [place for place in range(len(self.sources)) if place not in large]
        self._side_by_side(small, min(self.threads, len(small)), 1, report)
        self._side_by_side(sorted(large), min(1, len(large)), self.threads, report)
        return [self.outcomes[place] for place in range(len(self.sources))]

    def _side_by_side(self, places: list[int], workers: int, threads: int, report: Callable[[], None]) -> None:
        """Read some sources on workers, each with a number of threads; an interrupt leaves none of them behind.

        No pool of the standard library: interrupted while it starts a thread, it forgets that one.
        """
        todo, done = deque(self._portions(places, workers)), SimpleQueue[tuple[int, Snapshot | BaseException]]()
        crew = [
            Thread(target=self._work, args=(todo, done, threads), name=f"heapdelta-{number}")
            for number in range(workers)
        ]
        try:
            for worker in crew:
                worker.start()
            for _ in places:
                place, outcome = _next(done)
                if isinstance(outcome, BaseException) and (self.stop_early or not isinstance(outcome, Exception)):
                    raise outcome
                self.outcomes[place] = outcome
                report()
        except BaseException:
            self.stop.set()
            raise
        finally:
            for worker in crew:
                if worker.ident is not None:
                    worker.join()

    def _portions(self, places: list[int], workers: int) -> Iterator[list[int]]:
        """Cut the places into what one call reads: small files in a row, every other source alone."""
        in_a_row = min(_IN_A_ROW, 1 + len(places) // (4 * max(1, workers)))
        row: list[int] = []
        for place in places:
            if _path_of(self.sources[place]) is not None and self.sizes[place] < _SMALL:
                row.append(place)
            else:
                yield [place]
            if len(row) == in_a_row:
                yield row
                row = []
        if row:
            yield row

    def _work(
        self, todo: deque[list[int]], done: SimpleQueue[tuple[int, Snapshot | BaseException]], threads: int
    ) -> None:
        while todo and not self.stop.is_set():
            try:
                places = todo.popleft()
            except IndexError:
                return
            for place, outcome in zip(places, self._read(places, threads), strict=True):
                done.put((place, self._checked(place, outcome)))

    def _read(self, places: list[int], threads: int) -> Sequence[Outcome]:
        paths = [path for place in places if (path := _path_of(self.sources[place])) is not None]
        source = self.sources[places[0]]
        if isinstance(source, UnreadableFolder):
            return [source.error]
        try:
            if len(places) > 1:
                return read_each(paths, blocks=self.blocks, encoding=self.encoding, progress=self._check)
            blocks, encoding = self.blocks, self.encoding
            return [read(source, threads=threads, blocks=blocks, encoding=encoding, progress=self._check)]
        except BaseException as error:
            return [error] * len(places)

    def _checked(self, place: int, outcome: Outcome) -> Snapshot | BaseException:
        """Let snapshots of logs pass, and what went wrong."""
        if not isinstance(outcome, Comparison | Dump):
            return outcome
        name = label_of(self.sources[place])
        message = f"{name or '<bytes>'}: expected the snapshot of a heap log, found {outcome._noun}"
        return OptionError(message, path=name, kind="not_a_snapshot")

    def _check(self, _done: int, _total: int | None) -> None:
        """Stop a read that is under way: only the main thread of Python sees Ctrl-C."""
        if self.stop.is_set():
            raise CancelledError("expected to go on, found that another file had stopped the reading", kind="cancelled")


def _path_of(source: Source) -> str | None:
    """Give the path that a source is, if the system takes it as one."""
    if isinstance(source, UnreadableFolder):
        return None
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else None
    try:
        os.fsencode(path or "")
    except UnicodeEncodeError:
        return None
    return path if isinstance(path, str) else None


def _next(done: SimpleQueue[tuple[int, Snapshot | BaseException]]) -> tuple[int, Snapshot | BaseException]:
    """Wait for an outcome, and let signals through."""
    while True:
        try:
            return done.get(timeout=_TICK)
        except Empty:
            continue


def _failure(place: int, path: str | None, error: BaseException) -> tuple[int, str | None, str, int | None, str]:
    path = None if path is None else _as_text(path)
    if isinstance(error, HeapdeltaError):
        return place, path, error.kind or "internal", error.line, _as_text(error.message)
    kind = "io" if isinstance(error, OSError) else type(error).__name__
    return place, path, kind, None, _as_text(f"{path or '<bytes>'}: {error}")


def _as_text(name: str) -> str:
    """Write bytes of a path that are no text as the core does, U+FFFD: a table holds nothing but text."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
