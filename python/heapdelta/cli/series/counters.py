"""A series of dumps as a report for people: how what they count grew, with verdicts, and the reason of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta._series.dump_counters import label
from heapdelta._words import UNKNOWN, bytes_text, count_text, moment, plural
from heapdelta.cli import _dump_heaps, _output
from heapdelta.cli._listing import Listing
from heapdelta.cli._safe import Text
from heapdelta.cli.series import points, reasons

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._read.many import Batch
    from heapdelta._series.dump_series import DumpSeries

_SOURCES = {
    "dump": "the dumps' own time",
    "mtime": "when the files were last changed",
    "name": "the files' names",
    "given": "the order given",
}


_TITLES = {**_dump_heaps.TITLES, "region_class": "Memory per class"}


def show_alone(target: Console, counters: DumpSeries, ranking: pl.DataFrame, batch: Batch, *, top: int) -> None:
    """Print the whole answer about dumps."""
    used = len(counters.dumps)
    read = f"{count_text(len(batch.dumps))} of {plural(len(batch.paths), 'file')}"
    facts = [
        ("dumps", [read + ("" if used == len(batch.dumps) else f", {count_text(used)} used")]),
        *([("logs", [f"{count_text(len(batch))} beside, not looked at"])] if len(batch) else []),
        ("taken", [points.span_of_dumps(counters) or "-"]),
        ("order", [_SOURCES[counters.points["time_source"][0]]]),
    ]
    target.print(_output.facts(facts))
    target.print()
    _show_processes(target, counters)
    show(target, counters, ranking, top=top)
    _output.show_notes(target, counters.notes)
    points.show_failures(target, batch)


def show(target: Console, counters: DumpSeries, ranking: pl.DataFrame, *, top: int) -> None:
    """Print the ranking of counters, and the reasons."""
    noun = "counter" if counters.by == "counter" else "key"
    title = f"{_TITLES.get(counters.by, 'Counters')} of {plural(len(counters.dumps), 'dump')}"
    if ranking.is_empty():
        target.print(f"{title}: none is told\n")
        return
    same = (pl.col("min_value") == pl.col("max_value")).fill_null(False)
    shown_rows = ranking.filter(~same).head(top)
    more = ranking.height - shown_rows.height
    if shown_rows.is_empty():
        target.print(f"{title}: nothing changed\n")
        reasons.show_verdicts(target, ranking, noun)
        return
    several = counters.points["run"].n_unique() > 1
    ends = any(map(reasons.full_in, shown_rows.iter_rows(named=True)))
    pace = f"growth/{'h' if counters.slope_unit == 'unit/hour' else 'step'}"
    numbers = ["#", *["run"] * several, pace, "first", "last", *["full in"] * ends]
    table = Listing(title, numbers, ["verdict", counters.by.replace("_", " ")], spare=[["first"]])
    for place, row in enumerate(shown_rows.iter_rows(named=True), start=1):
        cells = [Text(str(place)), *[Text(str(row["run"]))] * several]
        cells += [_output.colored(_sign(row["pace"]), _pace(row["pace"], row["unit"]))]
        cells += [Text(_amount(row[f"{end}_value"], row["unit"])) for end in ("first", "last")]
        cells += [Text(reasons.full_in(row))] * ends
        table.add(*cells, Text(row["verdict"], reasons.STYLES.get(row["verdict"], "")), Text(label(row)))
    if more:
        spaces = [""] * (len(numbers) + 1)
        table.add(*spaces, Text(f"({count_text(more)} more)", "italic dim"))
    table.show(target)
    reasons.show_verdicts(target, ranking, noun)
    reasons.show_reasons(target, shown_rows, label, several_runs=several)


def _show_processes(target: Console, counters: DumpSeries) -> None:
    if counters.points["run"].n_unique() < 2:
        return
    table = _output.table("Processes", ["run", "dumps"], ["process", "made", ""])
    for own in counters.points.partition_by("run", maintain_order=True):
        made = own["process_created_at"].dt.replace_time_zone(None)[0]
        who = Text(f"{own['program'][0] or '?'} {own['pid'][0]}")
        restart = Text("restart" if own["restart"].any() else "", "yellow")
        table.add_row(str(own["run"][0]), count_text(own.height), who, f"{moment(made) or '?'} UTC", restart)
    target.print(table)


def _sign(pace: float | None) -> int | None:
    return None if pace is None else (pace > 0) - (pace < 0)


def _pace(pace: float | None, unit: str) -> str:
    """Write a pace; of handles and threads, whose name is in the row, also less than one."""
    if pace is None:
        return UNKNOWN
    if unit == "bytes":
        return bytes_text(round(pace), signed=True)
    return count_text(round(pace), signed=True) if abs(pace) >= 100 or not pace else f"{pace:+.3g}"


def _amount(value: int | None, unit: str) -> str:
    return bytes_text(value) if unit == "bytes" else count_text(value)
