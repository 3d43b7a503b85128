"""The reading of many sources side by side: on threads of its own, small files in a row, archives in one pass."""

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeAlias

from heapdelta import _native
from heapdelta._capture.comparison import Comparison
from heapdelta._long_path import for_system
from heapdelta._read.one import read, read_each, read_members
from heapdelta._read.pattern import UnreadableFolder
from heapdelta._read.source import label_of
from heapdelta._read.sources import size_of
from heapdelta.exceptions import CancelledError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._read.archive import ArchiveLimits
    from heapdelta._read.one import AnyCapture
    from heapdelta._read.source import Source

    Outcome: TypeAlias = "AnyCapture | BaseException"

Checked: TypeAlias = "list[tuple[str | None, Snapshot | Dump | BaseException]]"
"""Paths, with what was read or went wrong: one, or those of an archive."""

# A file from this size on is read by all threads at once, and alone: so two of them are never in memory together.
_LARGE = 256 << 20

# Files below this size are read several in a row by one call of the core: to start each on its own takes longer than to
# read it.
_SMALL = 1 << 20
_IN_A_ROW = 32

# How often the waiting thread wakes up, in seconds: on Windows Ctrl-C reaches it only between two waits.
_TICK = 0.1


@dataclass(frozen=True)
class How:
    """How sources are read."""

    threads: int
    blocks: bool
    encoding: str | None
    password: str | None
    limits: ArchiveLimits | None
    stop_early: bool


class Work:
    """The reading of a list of sources: one outcome for each, or for each file of an archive."""

    def __init__(self, sources: list[Source], how: How) -> None:
        self.sources = sources
        self.sizes = [size_of(source) for source in sources]
        self.how = how
        self.stop = Event()
        self.outcomes: dict[int, Checked] = {}

    def run(self, progress: Callable[[int, int], object] | None) -> Checked:
        """Read everything, small files first; gives the outcomes in the order of the sources."""

        def report() -> None:
            if progress is not None:
                progress(len(self.outcomes), len(self.sources))

        report()
        paths = [_path_of(source) for source in self.sources]
        archives = _native.are_archives(
            [path for path in paths if path is not None],
            encoding=self.how.encoding,
            password=self.how.password,
            limits=self.how.limits,
        )
        known = iter(archives)
        self.archives = [path is not None and next(known) for path in paths]
        self.once = [path is None or _is_device(path) for path in paths]
        large = {place for place, size in enumerate(self.sizes) if size >= _LARGE and not self.archives[place]}
        small = [place for place in range(len(self.sources)) if place not in large]
        self._side_by_side(small, min(self.how.threads, len(small)), 1, report)
        self._side_by_side(sorted(large), min(1, len(large)), self.how.threads, report)
        return [outcome for place in range(len(self.sources)) for outcome in self.outcomes[place]]

    def _side_by_side(self, places: list[int], workers: int, threads: int, report: Callable[[], None]) -> None:
        """Read some sources on workers, each with a number of threads; an interrupt leaves none of them behind.

        No pool of the standard library: interrupted while it starts a thread, it forgets that one.
        """
        todo, done = deque(self._portions(places, workers)), SimpleQueue[tuple[int, Checked]]()
        crew = [
            Thread(target=self._work, args=(todo, done, threads), name=f"heapdelta-{number}")
            for number in range(workers)
        ]
        try:
            for worker in crew:
                worker.start()
            for _ in places:
                place, outcomes = _next(done)
                for _, outcome in outcomes:
                    if isinstance(outcome, BaseException) and (
                        self.how.stop_early or not isinstance(outcome, Exception)
                    ):
                        raise outcome
                self.outcomes[place] = outcomes
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
            is_file = not self.archives[place] and not self.once[place]
            if is_file and self.sizes[place] < _SMALL:
                row.append(place)
            else:
                yield [place]
            if len(row) == in_a_row:
                yield row
                row = []
        if row:
            yield row

    def _work(self, todo: deque[list[int]], done: SimpleQueue[tuple[int, Checked]], threads: int) -> None:
        while todo and not self.stop.is_set():
            try:
                places = todo.popleft()
            except IndexError:
                return
            for place, outcomes in zip(places, self._read(places, threads), strict=True):
                done.put((place, [(path, _checked(path, outcome)) for path, outcome in outcomes]))

    def _read(self, places: list[int], threads: int) -> Sequence[Sequence[tuple[str | None, Outcome]]]:
        sources = [self.sources[place] for place in places]
        source, labels = sources[0], [label_of(source) for source in sources]
        if isinstance(source, UnreadableFolder):
            return [[(labels[0], source.error)]]
        blocks, encoding, password, limits = self.how.blocks, self.how.encoding, self.how.password, self.how.limits
        try:
            if self.archives[places[0]] or self.once[places[0]]:
                return [
                    read_members(
                        source,
                        threads=threads,
                        blocks=blocks,
                        encoding=encoding,
                        password=password,
                        limits=limits,
                        progress=self._check,
                    )
                ]
            if len(places) > 1:
                paths = [path for source in sources if (path := _path_of(source)) is not None]
                found = read_each(
                    paths, blocks=blocks, encoding=encoding, password=password, limits=limits, progress=self._check
                )
                return [[each] for each in zip(labels, found, strict=True)]
            one = read(
                source,
                threads=threads,
                blocks=blocks,
                encoding=encoding,
                password=password,
                limits=limits,
                progress=self._check,
            )
            return [[(labels[0], one)]]
        except BaseException as error:
            return [[(label, error)] for label in labels]

    def _check(self, _done: int, _total: int | None) -> None:
        """Stop a read that is under way: only the main thread of Python sees Ctrl-C."""
        if self.stop.is_set():
            raise CancelledError("expected to go on, found that another file had stopped the reading", kind="cancelled")


def _checked(path: str | None, outcome: Outcome) -> Snapshot | Dump | BaseException:
    """Let snapshots of logs and dumps pass, and what went wrong."""
    if not isinstance(outcome, Comparison):
        return outcome
    message = f"{path or '<bytes>'}: expected a heap log or a minidump, found {outcome._noun}"
    return OptionError(message, path=path, kind="not_a_snapshot")


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


def _is_device(path: str) -> bool:
    """Tell pipes and other devices, which can be read once: what they hold shows as it is read."""
    try:
        mode = os.stat(for_system(path)).st_mode  # noqa: PTH116 - a name that is no path is an error of its own
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _next(done: SimpleQueue[tuple[int, Checked]]) -> tuple[int, Checked]:
    """Wait for an outcome, and let signals through."""
    while True:
        try:
            return done.get(timeout=_TICK)
        except Empty:
            continue
