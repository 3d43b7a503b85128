"""`group`: the snapshots of a folder fall into runs of programs, which are never mixed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload

import polars as pl

from heapdelta import _html
from heapdelta._capture.base import Capture
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.same_process import why_not_one_run
from heapdelta._capture.snapshot import Snapshot
from heapdelta._read.many import Batch
from heapdelta._read.sources import natural_key
from heapdelta._safe_text import visible
from heapdelta._series.belonging import belonging, program_of
from heapdelta._words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

__all__ = ["Run", "Runs", "group"]

_TABLE: dict[str, pl.DataType | type[pl.DataType]] = {
    "run": pl.UInt32,
    "machine": pl.String,
    "pid": pl.UInt32,
    "program": pl.String,
    "restart": pl.Boolean,
    "snapshots": pl.UInt32,
    "first_taken_at": pl.Datetime("us"),
    "last_taken_at": pl.Datetime("us"),
}


class Run:
    """The snapshots of one run of one process, oldest first. Made by `heapdelta.group`.

    Attributes
    ----------
    snapshots : list of Snapshot
        Sorted by `Snapshot.taken_at`; those that do not tell it last, by name.
    restart : bool
        True if earlier runs of the same program on the same machine had their last logs before this one's first.
    dumps : list of Dump
        The minidumps of this process, as far as what was grouped has such, in its order.
    """

    def __init__(self, snapshots: Sequence[Snapshot], *, restart: bool = False, dumps: Sequence[Dump] = ()) -> None:
        self.snapshots = list(snapshots)
        self.restart = restart
        self.dumps = list(dumps)

    @property
    def machine(self) -> str | None:
        """Name of the machine."""
        return self.snapshots[0].machine

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self.snapshots[0].pid

    @cached_property
    def program(self) -> str | None:
        """Name of the program, as its module table has it; None if no log of the run lists a program."""
        return next(filter(None, map(program_of, self.snapshots)), None)

    @property
    def first_taken_at(self) -> datetime | None:
        """When the first of them was taken; None if no log says."""
        return min(self._times(), default=None)

    @property
    def last_taken_at(self) -> datetime | None:
        """When the last of them was taken; None if no log says."""
        return max(self._times(), default=None)

    def _times(self) -> list[datetime]:
        return [snapshot.taken_at for snapshot in self.snapshots if snapshot.taken_at is not None]

    def __len__(self) -> int:
        return len(self.snapshots)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self.snapshots)

    def __repr__(self) -> str:
        who = visible(f"{self.program or 'unknown program'} on {self.machine}, process {self.pid}")
        dumps = f", {plural(len(self.dumps), 'dump')}" if self.dumps else ""
        return f"<Run of {who}: {plural(len(self), 'snapshot')}{dumps}{', a restart' if self.restart else ''}>"


class Runs(Sequence[Run]):
    """Runs of processes, by the time of their first snapshot. Made by `heapdelta.group`.

    Attributes
    ----------
    unassigned : polars.DataFrame
        The snapshots that belong to no run, in the order given: ``path`` str, ``reason`` str.
    dumps : list of Dump
        All minidumps of what was grouped; `Run.dumps` has those of a run.
    """

    def __init__(
        self, runs: Iterable[Run], unassigned: Sequence[tuple[Snapshot, str]], dumps: Sequence[Dump] = ()
    ) -> None:
        self._runs = list(runs)
        self.dumps = list(dumps)
        for run, own in zip(self._runs, belonging([run.snapshots for run in self._runs], dumps).of_runs, strict=True):
            run.dumps = own
        rows = [(snapshot.path, reason) for snapshot, reason in unassigned]
        self.unassigned = pl.DataFrame(rows, schema={"path": pl.String, "reason": pl.String}, orient="row")
        self._left_out = [snapshot for snapshot, _ in unassigned]

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        return self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def table(self) -> pl.DataFrame:
        """Show one row per run.

        Returns
        -------
        polars.DataFrame
            Sorted by the time of the first snapshot: ``run`` u32 from 0, ``machine`` str, ``pid`` u32, ``program`` str,
            ``restart`` bool (earlier runs of the same machine and program had ended), ``snapshots`` u32 (how many),
            ``first_taken_at``, ``last_taken_at`` datetime, by the clock of the customer's machine.
        """
        rows = [
            (
                number,
                run.machine,
                run.pid,
                run.program,
                run.restart,
                len(run),
                run.first_taken_at,
                run.last_taken_at,
            )
            for number, run in enumerate(self._runs)
        ]
        return pl.DataFrame(rows, schema=_TABLE, orient="row")

    def __repr__(self) -> str:
        count = sum(map(len, self._runs))
        lost = f", {self.unassigned.height} unassigned" if self.unassigned.height else ""
        dumps = f", {plural(len(self.dumps), 'dump')}" if self.dumps else ""
        return f"<Runs: {plural(len(self), 'run')} of {plural(count, 'snapshot')}{lost}{dumps}>"

    def _repr_html_(self) -> str:
        reasons = self.unassigned.group_by("reason", maintain_order=True).len()
        facts = {f"unassigned, as {reason}": plural(count, "snapshot") for reason, count in reasons.iter_rows()}
        return _html.page(repr(self), facts, self.table().head(_html.TOP), of=len(self))


def group(snapshots: Batch | Run | Runs | Iterable[Snapshot | Dump]) -> Runs:
    r"""Sort snapshots into runs of processes.

    Two snapshots are of one run if both name the same machine and process id and their module tables agree where the
    program and at least half of the modules were loaded. Nothing is guessed: a log that names no machine or no process
    belongs to no run. Dumps among them go to the run whose process they are of, if there is but one.

    Parameters
    ----------
    snapshots : Batch, or iterable of Snapshot and Dump
        Of any number of machines and processes, in any order.

    Returns
    -------
    Runs
        Sorted by the time of the first snapshot. What belongs to none is in `Runs.unassigned`, with the reason.

    Raises
    ------
    TypeError
        If something is neither a `Snapshot` of a heap log nor a `Dump`.

    Examples
    --------
    >>> import heapdelta as hd
    >>> header = "// UMDH: version 6.1: Logtime 2024-03-11 0{}:00 - Machine=WEB1 - PID={}\n"
    >>> heap = "*- - - - Start of data for heap @ 10000 - - - -\n40 bytes + 18 at 2E9FB00 by BackTrace7\n"
    >>> logs = [(header.format(hour, pid) + heap).encode() for hour, pid in [(1, 704), (5, 812), (3, 704)]]
    >>> hd.group(hd.read_many(logs)).table().select("machine", "pid", "snapshots").rows()
    [('WEB1', 704, 2), ('WEB1', 812, 1)]
    """
    listed, dumps = parted(snapshots)
    runs: list[list[Snapshot]] = []
    unassigned: list[tuple[Snapshot, str]] = []
    for snapshot in sorted(listed, key=_by_time):
        # A snapshot that names itself is of one run with itself.
        reason = why_not_one_run(snapshot, snapshot)
        if reason is not None:
            unassigned.append((snapshot, reason.replace("a log", "the log")))
            continue
        home = next((run for run in reversed(runs) if why_not_one_run(run[-1], snapshot) is None), None)
        if home is None:
            runs.append([snapshot])
        else:
            home.append(snapshot)
    order = {id(snapshot): place for place, snapshot in enumerate(listed)}
    unassigned.sort(key=lambda entry: order[id(entry[0])])
    return Runs(_with_restarts(runs), unassigned, dumps)


def parted(given: object) -> tuple[list[Snapshot], list[Dump]]:
    """List the logs and the dumps of what is given, each in its order; refuse everything else."""
    if isinstance(given, Runs):
        return [snapshot for run in given for snapshot in run], given.dumps
    if isinstance(given, Capture):
        raise TypeError("expected several snapshots, found one: put it into a list")
    if not isinstance(given, Iterable):
        raise TypeError(f"expected several snapshots, found {type(given).__name__}")
    logs: list[Snapshot] = []
    # Iterating over a batch, or a run, is about its logs.
    dumps: list[Dump] = list(getattr(given, "dumps", ()))
    for one in given:
        if isinstance(one, Snapshot):
            logs.append(one)
        elif isinstance(one, Dump):
            dumps.append(one)
        else:
            raise TypeError(f"expected snapshots of heap logs, and dumps, found {_wrong(one)} among them")
    return logs, dumps


def _wrong(one: object) -> str:
    """Name what is no capture, and what to do with it."""
    name = type(one).__name__
    if isinstance(one, Comparison):
        return f"a {name}, which is already a difference,"
    if isinstance(one, Run | Batch):
        return f"a {name} (list what it holds: [*one.snapshots, *one.dumps])"
    if isinstance(one, str | bytes | os.PathLike):
        return f"{name} (read_many reads files)"
    return name


def _by_time(snapshot: Snapshot) -> tuple[bool, str, list[tuple[int, int, str]]]:
    taken = snapshot.taken_at
    return taken is None, "" if taken is None else taken.isoformat(), natural_key(snapshot.path or "")


def _with_restarts(runs: list[list[Snapshot]]) -> Iterator[Run]:
    ended: dict[tuple[str, str], datetime] = {}
    for snapshots in runs:
        run = Run(snapshots)
        if run.program is None or run.machine is None:
            # Two programs that no log names may be two programs.
            yield run
            continue
        who, last = (run.machine.casefold(), run.program.casefold()), run.last_taken_at
        # A program that runs several times at once is not started anew.
        run.restart = who in ended and run.first_taken_at is not None and ended[who] <= run.first_taken_at
        if last is not None:
            ended[who] = max(last, ended.get(who, last))
        yield run
