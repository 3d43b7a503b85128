"""The batches of an ingest are worked through: on threads of this process, or by an executor of somebody else's."""

from __future__ import annotations

import os
import pickle
import time
from collections import deque
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any

from heapdelta.dataset._batch import BatchOutcome, ingest_batch, run_batch, unreadable
from heapdelta.dataset._bucket import first_line
from heapdelta.dataset._progress import Progress
from heapdelta.exceptions import HeapdeltaError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapdelta._native import Keys
    from heapdelta.dataset._plan import Batch
    from heapdelta.dataset._progress import Report
    from heapdelta.dataset._store import Store

_TICK = 0.1
_ON_THE_WAY = 1000
"""Batches that an executor has at a time: a cluster is kept busy, and its scheduler is not buried."""


@dataclass
class Run:
    """Batches on their way."""

    store: Store
    executor: Executor | None
    threads: int
    report: Report | None
    known: Keys | None = None
    _stop: Event = field(default_factory=Event)
    _done: list[int] = field(default_factory=lambda: [0, 0, 0])
    _suspects: deque[Batch] = field(default_factory=deque)
    """What a worker did not live through, or what was beside that: read again one at a time when all else is done."""

    @property
    def files(self) -> int:
        """Inputs that are done."""
        return self._done[0]

    def work_through(self, batches: Sequence[Batch]) -> bool:
        """Read all batches. False if Ctrl-C ended it early: then those in hand are finished, and the others left."""
        self._totals = sum(len(batch.inputs) for batch in batches), sum(batch.size for batch in batches)
        self._started = time.monotonic()
        self._tell()
        if self.executor is not None:
            whole = self._through(self.executor, deque(batches), _ON_THE_WAY)
            return whole and self._through(self.executor, self._suspects, 1)
        workers = min(self.threads, len(batches)) or 1
        with ThreadPoolExecutor(workers, thread_name_prefix="heapdelta-ingest") as pool:
            return self._through(pool, deque(batches), workers) and self._done[0] == self._totals[0]

    def _through(self, executor: Executor, todo: deque[Batch], window: int) -> bool:
        futures: dict[Future[Any], Batch] = {}
        done: SimpleQueue[Future[Any]] = SimpleQueue()
        interrupted = left = False
        try:
            while todo or futures:
                try:
                    while todo and len(futures) < window and not interrupted:
                        batch = todo.popleft()
                        future = self._submitted(executor, batch)
                        futures[future] = batch
                        future.add_done_callback(done.put)
                    if not futures:
                        break
                    ended = _ended(done, futures)
                    if not ended:
                        self._tell()
                    for future in ended:
                        if future in futures:
                            self._take(future, futures.pop(future), alone=window == 1)
                except KeyboardInterrupt:
                    if interrupted:
                        raise
                    interrupted = True
                    self._stop.set()
                    given_up = [each for each in futures if each.cancel()]
                    left = bool(todo or given_up)
                    todo.clear()
                    for future in given_up:
                        futures.pop(future)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
        return not left

    def _submitted(self, executor: Executor, batch: Batch) -> Future[Any]:
        if self.executor is None:
            return executor.submit(run_batch, batch, self.store, self.known, self._stop)
        try:
            return executor.submit(ingest_batch, batch, self.store)
        except Exception as error:
            raise self._told(error, batch) from error

    def _take(self, future: Future[Any], batch: Batch, *, alone: bool) -> None:
        """Count what is done; what its worker did not live through is tried in halves, and at last noted."""
        error = CancelledError("its work was cancelled") if future.cancelled() else future.exception()
        if error is None:
            outcome: BatchOutcome = future.result()
            more = (outcome.input_count, outcome.size, outcome.failures)
            self._done = [one + another for one, another in zip(self._done, more, strict=True)]
        elif isinstance(error, HeapdeltaError) or not isinstance(error, Exception) or self.executor is None:
            raise error
        elif isinstance(error, BrokenExecutor | CancelledError | ImportError) or not self._can_travel(batch):
            raise self._told(error, batch) from error
        elif not alone or len(batch.inputs) > 1:
            self._suspects.extend([batch] if len(batch.inputs) == 1 else batch.halves())
            return
        else:
            unreadable(batch, self.store, f"{type(error).__name__}: {error}")
            self._done = [self._done[0] + 1, self._done[1] + batch.size, self._done[2] + 1]
        self._tell()

    def _told(self, error: Exception, batch: Batch) -> Exception:
        """Say what is wrong with an executor, where its own words would not help."""
        said = first_line(error)
        if isinstance(error, ImportError):
            message = f"expected workers that have heapdelta, found: {said}"
            return OptionError(message, hint="install the same heapdelta on all machines", kind="executor")
        if not self._can_travel(batch):
            message = "expected stores that other processes can reach, found one that cannot be sent to them"
            return OptionError(message, hint="a store in memory is for threads of this process", kind="executor")
        if isinstance(error, BrokenExecutor | CancelledError | RuntimeError):
            message = f"expected the executor to work, found that it gave up: {said}"
            hint = (
                "what was read is in the dataset, and the next run goes on: with fewer workers if memory ran out; in a "
                'script, under `if __name__ == "__main__":`; Dask finds the file that kills its worker, and notes it'
            )
            return OptionError(message, hint=hint, kind="executor")
        return error

    def _can_travel(self, batch: Batch) -> bool:
        """Tell if a batch can be sent to another process; threads need no such thing."""
        try:
            pickle.dumps((batch, self.store))
        except Exception:
            return isinstance(self.executor, ThreadPoolExecutor)
        return True

    def _tell(self) -> None:
        if self.report is not None:
            files, size, failures = self._done
            seconds = time.monotonic() - self._started
            self.report(Progress(files, self._totals[0], size, self._totals[1], failures, seconds))


def _ended(done: SimpleQueue[Future[Any]], futures: Iterable[Future[Any]]) -> list[Future[Any]]:
    """Wait a moment for one that ended; or find those whose word was lost to Ctrl-C."""
    try:
        return [done.get(timeout=_TICK)]
    except Empty:
        return [each for each in futures if each.done()]


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
