"""Which dumps are of the process that logs are of? Only then do they tell one story.

Logs tell the time of their machine, dumps that of UTC, and neither tells the other's. So no order is guessed between
the two; but a process that was made long after a log was taken, whatever the time zone, is not that of the log.

Process ids are used again, so module lists are asked as well. The program must be the same, at the same address and of
the same size, and so must half of the modules that both list: a plug-in may be unloaded and come back elsewhere.
What a side does not tell speaks against nothing.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._diff import dump_notes
from heapdelta._words import moment, of_count, plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot

IS_PROGRAM = pl.col("path").str.to_lowercase().str.ends_with(".exe")
"""Tells which modules of a table are programs."""

_FILE = pl.col("path").str.to_lowercase().str.replace_all("/", "\\", literal=True).str.split("\\").list.last()
"""The file of a module by its name alone: the paths of logs and of dumps can be of different forms."""

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
    facts = [_Process(run) for run in runs] if dumps else []
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


class _Process:
    """What the logs of one run tell of their process."""

    def __init__(self, logs: Sequence[Snapshot]) -> None:
        self._logs = logs
        self.pids = {log.pid for log in logs if log.pid is not None}
        self.first_taken_at: datetime | None = min(
            (log.taken_at for log in logs if log.taken_at is not None), default=None
        )

    @cached_property
    def program(self) -> _Program | None:
        """The program that the first log with one lists."""
        return next(filter(None, (_Program.of(_of_log(log).filter(IS_PROGRAM)) for log in self._logs)), None)

    @cached_property
    def places(self) -> pl.DataFrame:
        """Where the logs list which file: all places, as a module may be unloaded and come back elsewhere."""
        return pl.concat([_places(_of_log(log)) for log in self._logs]).unique(maintain_order=True)

    def why_not(self, dump: Dump) -> str | None:
        """Tell why a dump is not known to be of this process; None if it is."""
        if len(self.pids) != 1:
            return f"the logs name {len(self.pids)} processes" if self.pids else "the logs name no process"
        (pid,) = self.pids
        if dump.pid is None:
            return "it names no process"
        if dump.pid != pid:
            return f"its process id is {dump.pid}, that of the logs {pid}"
        theirs = _Program.of(dump.modules.head(1).filter(IS_PROGRAM))
        if self.program is not None and theirs is not None and (other := self.program.why_not(theirs)) is not None:
            return other
        if (moved := _moved(self.places, _places(dump.modules))) is not None:
            return moved
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


class _Program(NamedTuple):
    """The file of a program, where it is, and how large; None for what is not told."""

    file: str
    base: int | None
    size: int | None

    @classmethod
    def of(cls, programs: pl.DataFrame) -> _Program | None:
        """Take the first of some programs."""
        return None if programs.is_empty() else cls(*programs.select(_FILE, "base", "size").row(0))

    def why_not(self, other: _Program) -> str | None:
        """Tell why this program of logs is not that of a dump; None if it may be."""
        if self.file != other.file:
            return f"it is of {other.file}, the logs of {self.file}"
        if None not in (self.base, other.base) and self.base != other.base:
            return "its program is at another address than that of the logs"
        if None not in (self.size, other.size) and self.size != other.size:
            return "its program is of another size than that of the logs"
        return None


def _of_log(log: Snapshot) -> pl.DataFrame:
    """Give the modules of a log; a size that is inferred may be another number, and is not told."""
    return log.modules.with_columns(pl.when(~pl.col("inferred").fill_null(False)).then("size").alias("size"))


def _places(modules: pl.DataFrame) -> pl.DataFrame:
    """List where which file is, and how large it is there: ``file``, ``base``, ``size``."""
    told = modules.filter(pl.col("base").is_not_null() & (pl.col("path") != ""))
    return told.select(_FILE.alias("file"), "base", "size")


def _moved(ours: pl.DataFrame, theirs: pl.DataFrame) -> str | None:
    """Tell why modules of logs and of a dump are not of one process; None if they may be."""
    both = ours.join(theirs, on="file", suffix="_of_dump")
    if both.is_empty():
        return None if ours.is_empty() or theirs.is_empty() else "no module is in its list and in those of the logs"
    same_size = (pl.col("size") == pl.col("size_of_dump")).fill_null(True)
    agrees = both.group_by("file").agg(((pl.col("base") == pl.col("base_of_dump")) & same_size).any().alias("agrees"))
    moved = agrees.filter(~pl.col("agrees")).height
    if 2 * moved <= agrees.height:
        return None
    which = of_count(moved, "is at another address than in the logs", "are at other addresses than in the logs")
    return f"{moved} of the {plural(agrees.height, 'module')} in both lists {which}, or of another size"
