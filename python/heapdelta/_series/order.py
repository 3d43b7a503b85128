"""The snapshots of a series in their order: by run, then by time; and one row of `points` for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import polars as pl

from heapdelta._capture.same_process import why_not_one_run
from heapdelta._diff.notes import open_heaps
from heapdelta._long_path import for_system
from heapdelta._numbers import as_u64, total
from heapdelta._ranking.measures import MEASURES
from heapdelta._read.many import Batch
from heapdelta._read.sources import natural_key
from heapdelta._series.runs import Run, Runs, group, parted
from heapdelta._words import moment, of_count, plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot

Order: TypeAlias = Literal["taken_at", "name", "mtime", "given"]

Timed = TypeVar("Timed", "Snapshot", "Dump")

TIME_SOURCES = {"taken_at": "log", "name": "name", "mtime": "mtime", "given": "given"}

GAP = 2.5
"""An interval longer than this many times the median one is a gap."""

_POINTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "point": pl.UInt32,
    "run": pl.UInt32,
    "taken_at": pl.Datetime("us"),
    "time_source": pl.String,
    "path": pl.String,
    "requested_bytes": pl.UInt64,
    "overhead_bytes": pl.UInt64,
    "allocation_count": pl.UInt64,
    "restart": pl.Boolean,
    "complete": pl.Boolean,
}


@dataclass
class Ordered:
    """Snapshots in order. `clock` tells whether `taken_at` measures the distance between them."""

    snapshots: list[Snapshot]
    points: pl.DataFrame
    clock: bool
    notes: list[str] = field(default_factory=list)


def ordered(
    snapshots: Batch | Run | Runs | Iterable[Snapshot | Dump], *, order: Order, runs: Literal["one", "all"]
) -> Ordered:
    """Put snapshots in order; see `heapdelta.series` for what is refused."""
    check_options(order, runs)
    given, dumps = parted(snapshots)
    listed, copies = _without_copies(given)
    if len(listed) < 2:
        found = f"{len(listed)}, and {plural(len(copies), 'copy', 'copies')} of it" if copies else len(listed)
        hint = _first_failure(snapshots, dumps)
        raise OptionError(f"expected two snapshots or more, found {found}", hint=hint, kind="option")
    silent = [snapshot for snapshot in listed if snapshot.taken_at is None and (runs == "one" or _names_run(snapshot))]
    if silent and order == "taken_at":
        listed = _with_times(listed, silent)
    grouped = group(listed)
    kept, notes = _kept(listed, grouped, runs)
    if silent and order == "taken_at":
        notes.append(_silent(silent))
    if copies:
        names = first_names(pl.Series([copy.path for copy in copies], dtype=pl.String))
        same = "of the same moment as another, with the same stacks and sums"
        notes.append(f"{plural(len(copies), 'log')} left out, {same}: {names}")
    if sum(map(len, kept)) < 2:
        raise OptionError(
            f"expected two snapshots or more of known runs, found 1: {_left_out(grouped)}",
            hint="runs='one' takes them for one run, on your word",
            kind="option",
        )
    if isinstance(snapshots, Runs) and snapshots.unassigned.height:
        notes.append(_left_out(snapshots))
    rows: list[tuple[object, ...]] = []
    in_their_order: list[Snapshot] = []
    place = {id(snapshot): number for number, snapshot in enumerate(listed)}
    for number, run in enumerate(kept):
        timed = in_order(run.snapshots, order, place)
        for index, (snapshot, taken) in enumerate(timed):
            about = (len(in_their_order), number, taken, TIME_SOURCES[order], snapshot.path)
            cut = open_heaps(snapshot) > 0
            rows.append((*about, *_totals(snapshot), run.restart and index == 0, not cut))
            in_their_order.append(snapshot)
    points = pl.DataFrame(rows, schema=_POINTS, orient="row")
    clock = order in ("taken_at", "mtime")
    return Ordered(in_their_order, points.with_columns(gaps(clock=clock)), clock, notes)


def _without_copies(snapshots: Sequence[Snapshot]) -> tuple[list[Snapshot], list[Snapshot]]:
    """Take logs apart from copies of them: the same sums of the same process at the same moment are no second point."""
    kept: list[Snapshot] = []
    copies: list[Snapshot] = []
    of_moment: dict[object, list[Snapshot]] = {}
    for snapshot in snapshots:
        moment_of = (snapshot.taken_at, snapshot.machine, snapshot.pid)
        earlier = of_moment.setdefault(moment_of, [])
        is_copy = snapshot.taken_at is not None and any(_are_copies(snapshot, other) for other in earlier)
        (copies if is_copy else kept).append(snapshot)
        if not is_copy:
            earlier.append(snapshot)
    return kept, copies


def _are_copies(one: Snapshot, other: Snapshot) -> bool:
    return one is not other and one.usage.equals(other.usage) and one.stacks.equals(other.stacks)


def check_options(order: str, runs: str) -> None:
    """Refuse values that `series` does not take."""
    if order not in TIME_SOURCES:
        raise OptionError(f"expected one of {', '.join(TIME_SOURCES)} for order, found {order!r}", kind="option")
    if runs not in ("one", "all"):
        raise OptionError(f"expected one or all for runs, found {runs!r}", kind="option")


def _first_failure(snapshots: object, dumps: Sequence[Dump]) -> str | None:
    """Tell of dumps, and of files that could not be read: they are the reason why there are few snapshots."""
    if len(dumps) == 1:
        return "one dump beside tells of no growth: a series takes two logs or more, or two dumps"
    if dumps:
        of_files = " among the files" if isinstance(snapshots, Batch) else " beside"
        return f"{plural(len(dumps), 'dump')}{of_files}: by='counter' tells how what they count grew"
    failures = snapshots.failures if isinstance(snapshots, Batch) else None
    if failures is None or failures.is_empty():
        return None
    return f"{plural(failures.height, 'file')} could not be read, the first: {failures['message'][0]}"


def _kept(listed: list[Snapshot], grouped: Runs, runs: str) -> tuple[list[Run], list[str]]:
    """Choose the runs that the series is made of, and say what is taken on the caller's word."""
    if len(grouped) > 1 and runs == "one":
        raise OptionError(
            f"expected snapshots of one run, found {len(grouped)} runs: {_named(grouped)}",
            hint="heapdelta.group(snapshots) tells them apart; series(…, runs='all') keeps them apart in one series",
            kind="option",
        )
    left_out = grouped.unassigned.height
    if len(grouped) > 1 or (len(grouped) == 1 and runs == "all"):
        return list(grouped), [_left_out(grouped)] if left_out else []
    if not left_out:
        return list(grouped), []
    note = f"{plural(left_out, 'log')} of {len(listed)} taken for the same run unproved: no machine or process named"
    return [Run(listed)], [note]


def _left_out(runs: Runs) -> str:
    paths = runs.unassigned["path"]
    return f"{plural(paths.len(), 'snapshot')} left out, of no known run: {first_names(paths)}"


def _named(runs: Runs) -> str:
    named = [_name(run) for run in runs[:3]]
    return "; ".join(named) + ("; …" if len(runs) > 3 else "")


def _name(run: Run) -> str:
    since = f", from {moment(run.first_taken_at)} on" if run.first_taken_at is not None else ""
    return f"{run.program or 'a program'} on {run.machine}, process {run.pid}{since}"


def first_names(paths: pl.Series) -> str:
    """Name the first files of several."""
    names = [Path(path).name if path else "<bytes>" for path in paths.head(3)]
    return ", ".join(names) + (", …" if paths.len() > 3 else "")


def in_order(run: Sequence[Timed], order: Order, place: dict[int, int]) -> list[tuple[Timed, datetime | None]]:
    """Sort the captures of one run, each with its time; those without one only where the order needs none."""
    if order == "given":
        return [(snapshot, snapshot.taken_at) for snapshot in sorted(run, key=lambda snapshot: place[id(snapshot)])]
    by_name = sorted(run, key=lambda snapshot: natural_key(snapshot.path or ""))
    if order == "name":
        _refuse_nameless(by_name, order)
        return [(snapshot, snapshot.taken_at) for snapshot in by_name]
    if order == "mtime":
        _refuse_nameless(by_name, order)
        times = [_changed_at(snapshot.path or "") for snapshot in by_name]
    else:
        times = [snapshot.taken_at for snapshot in by_name if snapshot.taken_at is not None]
    by_time = sorted(range(len(times)), key=times.__getitem__)
    return [(by_name[number], times[number]) for number in by_time]


def _names_run(snapshot: Snapshot) -> bool:
    return why_not_one_run(snapshot, snapshot) is None


def _with_times(listed: list[Snapshot], silent: list[Snapshot]) -> list[Snapshot]:
    """Leave out the logs that do not tell when they were taken; refuse if too few are left."""
    told = [snapshot for snapshot in listed if snapshot.taken_at is not None]
    if len(told) < 2:
        raise OptionError(
            f"expected logs that tell when they were taken, found {len(silent)} that "
            f"{of_count(len(silent), 'does', 'do')} not: {silent[0].path or '<bytes>'}",
            hint="order='name' goes by the files' names, order='mtime' by when they were changed, "
            "order='given' by the order given",
            kind="option",
        )
    return told


def _silent(snapshots: list[Snapshot]) -> str:
    names = first_names(pl.Series([snapshot.path for snapshot in snapshots], dtype=pl.String))
    which = "that does not tell when it was taken" if len(snapshots) == 1 else "that do not tell when they were taken"
    return f"{plural(len(snapshots), 'log')} left out, {which}: {names}"


def _refuse_nameless(snapshots: Sequence[Snapshot | Dump], order: str) -> None:
    nameless = sum(snapshot.path is None for snapshot in snapshots)
    if nameless:
        raise OptionError(
            f"expected snapshots of files for order={order!r}, found {nameless} without a path", kind="option"
        )


def _changed_at(path: str) -> datetime:
    try:
        return datetime.fromtimestamp(Path(for_system(path)).stat().st_mtime, tz=UTC).replace(tzinfo=None)
    except (OSError, OverflowError, ValueError) as error:
        message = f"{path}: expected a file that tells when it was changed, found none: {error}"
        raise OptionError(message, path=path, kind="option") from error


def _totals(snapshot: Snapshot) -> list[int | None]:
    usage = snapshot.usage
    return [as_u64(total(usage[name])) for name in MEASURES]


def gaps(*, clock: bool) -> pl.Expr:
    """Tell where much more time passed than mostly does in a run."""
    if not clock:
        return pl.lit(False).alias("gap")
    interval = pl.col("taken_at").diff().over("run")
    return (interval > interval.median().over("run") * GAP).fill_null(False).alias("gap")
