"""What a series is made of, for people: files, points, runs and restarts, and files that could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._words import bytes_text, count_text, moment, plural
from heapdelta.cli import _output
from heapdelta.cli._safe import Text

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._read.many import Batch
    from heapdelta._series.dump_series import DumpSeries
    from heapdelta._series.runs import Runs
    from heapdelta._series.series import Series

_ENDS = 2
_FAILURES_SHOWN = 10
_SOURCES = {
    "log": "the logs' own time",
    "mtime": "when the files were last changed, in UTC",
    "name": "the files' names",
    "given": "the order given",
}


def show(target: Console, series: Series, batch: Batch, runs: Runs) -> None:
    """Print files, points and runs."""
    formats = sorted({" ".join(filter(None, (log.format, log.tool_version))) for log in series.snapshots})
    read = f"{count_text(len(batch))} of {plural(len(batch.paths), 'file')}"
    facts = [
        (
            "logs",
            [read + ("" if len(series.snapshots) == len(batch) else f", {count_text(len(series.snapshots))} used")],
        ),
        *([("dumps", [_dumps(series, batch)])] if batch.dumps else []),
        ("format", [", ".join(formats)]),
        (_when(series.points), [_span(series.points)]),
        ("order", [_SOURCES[series.points["time_source"][0]]]),
    ]
    target.print(_output.facts(facts))
    target.print()
    _show_points(target, series)
    _show_runs(target, series, runs)


def _dumps(series: Series, batch: Batch) -> str:
    used = 0 if series.counters is None else len(series.counters.dumps)
    read = f"{count_text(len(batch.dumps))} of {plural(len(batch.paths), 'file')}"
    read += "" if used == len(batch.dumps) else f", {count_text(used)} used"
    when = "" if series.counters is None else span_of_dumps(series.counters)
    return f"{read}, {when}" if when else read


def span_of_dumps(counters: DumpSeries) -> str:
    """Tell when the dumps were taken; empty if none tells."""
    times = counters.points["taken_at"].dt.replace_time_zone(None).drop_nulls().sort()
    return "" if times.is_empty() else f"{moment(times[0])} to {moment(times[-1])} UTC"


def _when(points: pl.DataFrame) -> str:
    return "changed" if points["time_source"][0] == "mtime" else "taken"


def _span(points: pl.DataFrame) -> str:
    times = points["taken_at"].drop_nulls().sort()
    if times.is_empty():
        return "-"
    first, last = (moment(times[place]) for place in (0, -1))
    steps = points.select(pl.col("taken_at").diff().over("run")).to_series().drop_nulls()
    usual = steps.median()
    pace = "" if usual is None else f", mostly every {_hours(usual.total_seconds() / 3600)}"  # type: ignore[union-attr]
    return f"{first} to {last}{pace}"


def _hours(hours: float) -> str:
    if hours >= 1:
        return f"{hours:.3g} h"
    return f"{hours * 60:.3g} min" if hours * 60 >= 1 else f"{hours * 3600:.2g} s"


def _show_points(target: Console, series: Series) -> None:
    """Print the points that tell most: the first, the last, and those around restarts and gaps."""
    points = series.points
    table = _output.table("Points", ["#", "live", "blocks"], [_when(points), "file", ""])
    told = _telling(points)
    before = -1
    for place in told:
        if place > before + 1:
            table.add_row("", "", "", Text(f"({count_text(place - before - 1)} more)", "italic dim"))
        row = points.row(place, named=True)
        numbers = [str(place), bytes_text(row["requested_bytes"]), count_text(row["allocation_count"])]
        table.add_row(*numbers, moment(row["taken_at"]) or "-", Text(_name(row["path"])), _mark(row))
        before = place
    target.print(table)


def _telling(points: pl.DataFrame) -> list[int]:
    count = points.height
    marked = points.select(places=pl.arg_where(pl.col("restart") | pl.col("gap") | _first_of_run()))["places"].to_list()
    near = {*range(_ENDS), *range(count - _ENDS, count), *marked, *(place - 1 for place in marked)}
    told = sorted(place for place in near if 0 <= place < count)
    # Where but one would be left out, its row takes no more room than saying so.
    return sorted({*told, *(place + 1 for place in told if place + 2 in near and place + 1 < count)})


def _first_of_run() -> pl.Expr:
    return pl.col("run").diff().fill_null(0) != 0


def _mark(row: dict[str, Any]) -> Text:
    words = ["restart"] * row["restart"] + ["after a gap"] * row["gap"]
    return Text(", ".join(words), "yellow")


def _name(path: str | None) -> str:
    """Leave out the folder, which is the same for most: names need the room."""
    return "<bytes>" if path is None else path.replace("\\", "/").rpartition("/")[2]


def _show_runs(target: Console, series: Series, runs: Runs) -> None:
    points = series.points
    if len(runs) > 1:
        table = _output.table("Runs", ["run", "logs", "live first", "live last"], ["process", ""])
        for number, run in enumerate(runs):
            own = points.filter(pl.col("run") == number)
            sizes = [bytes_text(own["requested_bytes"][place]) for place in (0, -1)]
            who = Text(f"{run.program or '?'} {run.pid} on {run.machine}")
            table.add_row(
                str(number), count_text(len(run)), *sizes, who, Text("restart" if run.restart else "", "yellow")
            )
        target.print(table)
    if runs.unassigned.height:
        table = _output.table(f"Of no known run ({count_text(runs.unassigned.height)})", [], ["file", "because"])
        for row in runs.unassigned.head(_FAILURES_SHOWN).iter_rows(named=True):
            table.add_row(Text(_name(row["path"])), Text(row["reason"]))
        target.print(table)
        _and_more(target, runs.unassigned.height)


def show_failures(target: Console, batch: Batch) -> None:
    """Print the files that are neither logs nor dumps, and why."""
    if batch.failures.is_empty():
        return
    target.print(
        Text(f"Could not be read ({count_text(batch.failures.height)} of {plural(len(batch.paths), 'file')})", "bold")
    )
    for row in batch.failures.head(_FAILURES_SHOWN).iter_rows(named=True):
        target.print(Text(f"- {row['message']}"), soft_wrap=True)
    _and_more(target, batch.failures.height)
    target.print()


def _and_more(target: Console, count: int) -> None:
    if count > _FAILURES_SHOWN:
        target.print(f"and {count_text(count - _FAILURES_SHOWN)} more\n")
