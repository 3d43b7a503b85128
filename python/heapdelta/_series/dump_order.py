"""The dumps of a series in their order: by process, then by time; and one row of `points` for each.

A dump names no machine. Two of one process have its id, the moment in which it was made, and its modules in common.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import polars as pl

from heapdelta._capture.same_process import why_not_one_process
from heapdelta._read.sources import natural_key
from heapdelta._series.belonging import program_of_dump
from heapdelta._series.order import TIME_SOURCES, Order, check_options, first_names, gaps, in_order
from heapdelta._words import moment, of_count, plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._capture.dump import Dump

_POINTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "point": pl.UInt32,
    "run": pl.UInt32,
    "taken_at": pl.Datetime("us", "UTC"),
    "time_source": pl.String,
    "path": pl.String,
    "pid": pl.UInt32,
    "process_created_at": pl.Datetime("us", "UTC"),
    "program": pl.String,
    "restart": pl.Boolean,
}


@dataclass
class Process:
    """The dumps of one process: a run of the series, and whether it is known to follow another one."""

    dumps: list[Dump]
    restart: bool = False
    number: int = 0


@dataclass
class OrderedDumps:
    """Dumps in order. `clock` tells whether `taken_at` measures the distance between them."""

    dumps: list[Dump]
    points: pl.DataFrame
    clock: bool
    notes: list[str] = field(default_factory=list)


def ordered_dumps(dumps: Sequence[Dump], *, order: Order, runs: Literal["one", "all"]) -> OrderedDumps:
    """Put dumps in order; see `heapdelta.series` for what is refused."""
    check_options(order, runs)
    if len(dumps) < 2:
        raise OptionError(f"expected two dumps or more, found {len(dumps)}", kind="option")
    notes = []
    if order == "taken_at":
        silent = [dump for dump in dumps if dump.taken_at is None]
        if len(dumps) - len(silent) < 2:
            raise OptionError(
                f"expected dumps that tell when they were taken, found {len(silent)} that "
                f"{of_count(len(silent), 'does', 'do')} not: {silent[0].path or '<bytes>'}",
                hint="order='name' goes by the files' names, order='mtime' by when they were changed, "
                "order='given' by the order given",
                kind="option",
            )
        dumps = [dump for dump in dumps if dump.taken_at is not None]
        if silent:
            notes.append(f"{plural(len(silent), 'dump')} left out, no time told: {_names(silent)}")
    processes, unknown = _processes(dumps)
    if runs == "all":
        if unknown:
            notes.append(f"{plural(len(unknown), 'dump')} left out, of no known process: {_names(unknown)}")
        if sum(len(process.dumps) for process in processes) < 2:
            raise OptionError(
                f"expected two dumps or more of known processes, found {len(dumps) - len(unknown)}",
                hint="runs='one' takes them for one process, on your word",
                kind="option",
            )
    else:
        _refuse_several(processes, unknown)
        if unknown:
            whole = "no process id, or no time when it was made, is told"
            notes.append(f"{plural(len(unknown), 'dump')} of {len(dumps)} taken for the same run unproved: {whole}")
            processes = [Process(list(dumps))]
    return of_processes(processes, order=order, given=dumps, notes=notes)


def of_processes(
    processes: Sequence[Process], *, order: Order, given: Sequence[Dump], notes: list[str]
) -> OrderedDumps:
    """Put the dumps of known processes in order."""
    place = {id(dump): number for number, dump in enumerate(given)}
    source = "dump" if order == "taken_at" else TIME_SOURCES[order]
    rows: list[tuple[object, ...]] = []
    found: list[Dump] = []
    for process in processes:
        for index, (dump, taken) in enumerate(in_order(process.dumps, order, place)):
            about = (len(found), process.number, _aware(taken), source, dump.path, dump.pid, dump.process_created_at)
            rows.append((*about, program_of_dump(dump), process.restart and index == 0))
            found.append(dump)
    points = pl.DataFrame(rows, schema=_POINTS, orient="row")
    clock = order in ("taken_at", "mtime")
    return OrderedDumps(found, points.with_columns(gaps(clock=clock)), clock, notes)


def _aware(taken: datetime | None) -> datetime | None:
    """Mark a time of a file, which is UTC, as such."""
    return taken if taken is None or taken.tzinfo is not None else taken.replace(tzinfo=UTC)


def _processes(dumps: Sequence[Dump]) -> tuple[list[Process], list[Dump]]:
    """Sort dumps into processes, by the time in which these were made; and give those of no known one."""
    found: list[Process] = []
    unknown: list[Dump] = []
    for dump in sorted(dumps, key=_by_time):
        if dump.pid is None or dump.process_created_at is None:
            unknown.append(dump)
            continue
        home = next((one for one in reversed(found) if why_not_one_process(one.dumps[-1], dump) is None), None)
        if home is None:
            found.append(Process([dump]))
        else:
            home.dumps.append(dump)
    # In the order given, for what has no clock.
    places = {id(dump): number for number, dump in enumerate(dumps)}
    unknown.sort(key=lambda dump: places[id(dump)])
    found.sort(key=lambda process: _made(process).isoformat())
    for number, process in enumerate(found):
        process.number = number
        process.restart = any(_follows(process, earlier) for earlier in found[:number]) and not any(
            _side_by_side(process, other) for other in found[:number]
        )
    return found, unknown


def _by_time(dump: Dump) -> tuple[bool, str, list[tuple[int, int, str]]]:
    taken = dump.taken_at
    return taken is None, "" if taken is None else taken.isoformat(), natural_key(dump.path or "")


def _made(process: Process) -> datetime:
    made = process.dumps[0].process_created_at
    assert made is not None, "a process without it is not known"
    return made


def _follows(process: Process, earlier: Process) -> bool:
    """Tell whether a program was started after the last dump of an earlier process of it."""
    program = program_of_dump(process.dumps[0])
    last = max((dump.taken_at for dump in earlier.dumps if dump.taken_at is not None), default=None)
    same = program is not None and program == program_of_dump(earlier.dumps[0])
    return same and last is not None and last <= _made(process)


def _side_by_side(process: Process, other: Process) -> bool:
    same = program_of_dump(process.dumps[0]) == program_of_dump(other.dumps[0])
    return same and not _follows(process, other)


def _refuse_several(processes: Sequence[Process], unknown: Sequence[Dump]) -> None:
    if len(processes) > 1:
        named = [_name(process) for process in processes[:3]]
        raise OptionError(
            f"expected dumps of one process, found {len(processes)}: {'; '.join(named)}"
            + ("; …" if len(processes) > 3 else ""),
            hint="runs='all' keeps them apart in one series",
            kind="option",
        )
    pids = {dump.pid for dump in [*unknown, *(process.dumps[0] for process in processes)]} - {None}
    if len(pids) > 1:
        listed = ", ".join(map(str, sorted(pid for pid in pids if pid is not None)[:3]))
        raise OptionError(
            f"expected dumps of one process, found process ids {listed}" + (", …" if len(pids) > 3 else ""),
            kind="option",
        )


def _name(process: Process) -> str:
    dump = process.dumps[0]
    return f"{program_of_dump(dump) or 'a program'}, process {dump.pid}, since {moment(dump.process_created_at)} UTC"


def _names(dumps: Sequence[Dump]) -> str:
    return first_names(pl.Series([dump.path for dump in dumps], dtype=pl.String))
