"""Which dumps are of the process that logs are of? Only then do they tell one story.

Logs tell the time of their machine, dumps that of UTC, and neither tells the other's. So no order is guessed between
the two; but a process that was made long after a log was taken, whatever the time zone, is not that of the log.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._diff import dump_notes
from heapdelta._words import moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot

IS_PROGRAM = pl.col("path").str.to_lowercase().str.ends_with(".exe")
"""Tells which modules of a table are programs."""

_WEST = timedelta(hours=12)
"""What the clocks farthest in the west lack to UTC."""


class Belonging(NamedTuple):
    """The dumps of each run, and the others, each with the reason."""

    of_runs: list[list[Dump]]
    others: list[tuple[Dump, str]]


def belonging(runs: Sequence[Sequence[Snapshot]], dumps: Sequence[Dump]) -> Belonging:
    """Share dumps out to the runs whose process they are of, in the order given."""
    reasons: dict[int, str] = {}
    homes: list[list[Dump]] = [[] for _ in runs]
    facts = [_Process.of(run) for run in runs] if dumps else []
    for dump in dumps:
        why = [process.why_not(dump) for process in facts]
        fitting = [number for number, reason in enumerate(why) if reason is None]
        if len(fitting) == 1:
            homes[fitting[0]].append(dump)
        elif fitting:
            reasons[id(dump)] = f"it fits {len(fitting)} runs, and names no machine"
        else:
            reasons[id(dump)] = (why[0] if len(why) == 1 else None) or "it is of no process that the logs are of"
    for number, own in enumerate(homes):
        made = {dump.process_created_at for dump in own} - {None}
        if len(made) > 1:
            homes[number] = []
            reasons |= dict.fromkeys(map(id, own), f"dumps of {len(made)} processes with its id fit the logs")
    return Belonging(homes, [(dump, reasons[id(dump)]) for dump in dumps if id(dump) in reasons])


class _Process(NamedTuple):
    """What the logs of one run tell of their process."""

    pids: set[int]
    first_taken_at: datetime | None
    program: tuple[str, int | None] | None

    @classmethod
    def of(cls, logs: Sequence[Snapshot]) -> _Process:
        taken = min((log.taken_at for log in logs if log.taken_at is not None), default=None)
        program = next(filter(None, (_program(log.modules.filter(IS_PROGRAM)) for log in logs)), None)
        return cls({log.pid for log in logs if log.pid is not None}, taken, program)

    def why_not(self, dump: Dump) -> str | None:
        """Tell why a dump is not known to be of this process; None if it is."""
        if len(self.pids) != 1:
            return f"the logs name {len(self.pids)} processes" if self.pids else "the logs name no process"
        (pid,) = self.pids
        if dump.pid is None:
            return "it names no process"
        if dump.pid != pid:
            return f"its process id is {dump.pid}, that of the logs {pid}"
        theirs = _program(dump.modules.head(1).filter(IS_PROGRAM))
        if self.program is not None and theirs is not None:
            if self.program[0] != theirs[0]:
                return f"it is of {theirs[0]}, the logs of {self.program[0]}"
            if None not in (self.program[1], theirs[1]) and self.program[1] != theirs[1]:
                return "its program is at another address than that of the logs"
        made, taken = dump.process_created_at, self.first_taken_at
        if made is not None and taken is not None and made.replace(tzinfo=None) - _WEST > taken:
            return f"its process was made at {moment(made)} UTC, after the first log was taken in any time zone"
        return None


def program_of(snapshot: Snapshot) -> str | None:
    """Name the program of a log; None if its module table lists none."""
    programs = snapshot.modules.filter(IS_PROGRAM)
    return None if programs.is_empty() else str(programs["name"][0])


def program_of_dump(dump: Dump) -> str | None:
    """Name the program of a dump, such as ``server.exe``; None if its module list does not begin with one."""
    return dump_notes.program_of(dump)


def _program(programs: pl.DataFrame) -> tuple[str, int | None] | None:
    """Give the file of a program, and where it is."""
    if programs.is_empty():
        return None
    path, base = programs.select("path", "base").row(0)
    return path.replace("/", "\\").rpartition("\\")[2].lower(), base
