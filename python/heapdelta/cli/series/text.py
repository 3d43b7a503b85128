"""A series as a report for people: the logs, their runs, the ranking with verdicts, and the reason of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.padding import Padding

import heapdelta as hd
from heapdelta._words import bytes_text, count_text, plural
from heapdelta.cli import _output, _rank, _views
from heapdelta.cli._safe import Text
from heapdelta.cli.series import points

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._read.many import Batch
    from heapdelta._series.runs import Runs
    from heapdelta._series.series import Series

_STYLES = {"leak": "bold red", "warming up": "yellow", "shrinking": "green", "noise": "dim"}
_KEYS = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "module", "function", "status"],
    "heap": ["heap_base", "status"],
}
# Of other curves the pace says nothing about what comes.
_GOING_ON = ("leak", "warming up")
_ROOMY = 100
_BARS = "▁▂▃▄▅▆▇█"
_COURSE = 20


def show(target: Console, series: Series, ranking: pl.DataFrame, batch: Batch, runs: Runs, *, top: int) -> None:
    """Print the whole answer."""
    points.show(target, series, batch, runs)
    _show_ranking(target, series, ranking, top)
    _show_reasons(target, series, ranking.head(top))
    if series.by == "stack":
        _show_frames(target, series, ranking.head(top))
    _output.show_notes(target, series.notes)
    points.show_failures(target, batch)


def _show_ranking(target: Console, series: Series, ranking: pl.DataFrame, top: int) -> None:
    passed = ", every one a stack passes (sums overlap)" if series.inclusive else ""
    title = f"Growth per {series.by}{passed}"
    if ranking.is_empty():
        target.print(f"{title}: nothing was allocated\n")
        return
    shown_rows = ranking.head(top)
    several = ranking["run"].n_unique() > 1
    narrow = target.width < _ROOMY
    ending = shown_rows.filter(pl.col("verdict").is_in(_GOING_ON))["hours_to_exhaustion"]
    ends = ending.null_count() < ending.len()
    drawn = _is_unicode(target)
    courses = _courses(series, shown_rows) if drawn and not narrow else None
    numbers = ["#", *["run"] * several, _pace(series), *["first"] * (not narrow), "last", *["full in"] * ends]
    table = _output.table(title, numbers, ["verdict", *["course"] * (courses is not None), series.by])
    for place, row in enumerate(shown_rows.iter_rows(named=True)):
        pace = None if row["pace"] is None else round(row["pace"])
        cells = [Text(str(place + 1)), *[Text(str(row["run"]))] * several]
        cells += [_output.colored(pace, bytes_text(pace, signed=True))]
        cells += [Text(bytes_text(row[f"{end}_bytes"])) for end in (["last"] if narrow else ["first", "last"])]
        cells += [Text(_full_in(row))] * ends
        cells += [Text(row["verdict"], _STYLES.get(row["verdict"], ""))]
        cells += [] if courses is None else [Text(courses[place])]
        table.add_row(*cells, _key(series.by, row))
    target.print(table)
    _output.left_out(target, ["first", *["course"] * drawn] if narrow else [])
    _show_verdicts(target, series, ranking)


def _show_verdicts(target: Console, series: Series, ranking: pl.DataFrame) -> None:
    """Count the verdicts of all rows, in the order of the ranking."""
    counts = ranking.group_by("verdict", maintain_order=True).len()
    words = ", ".join(f"{count_text(row['len'])} {row['verdict']}" for row in counts.iter_rows(named=True))
    several = ranking["run"].n_unique() > 1
    of_all = plural(ranking.height, series.by) + (", each run counted apart" if several else "")
    target.print(Text("Verdicts  ", "bold") + Text(f"{words}; of {of_all}"), end="\n\n")


def _show_reasons(target: Console, series: Series, shown_rows: pl.DataFrame) -> None:
    """Print the reason of each row that is shown; of noise there is nothing to tell.

    Many consoles of Windows have no sign for minus but the hyphen, which the tables have as well.
    """
    several = series.points["run"].n_unique() > 1
    lines = []
    few: set[int] = set()
    for place, row in enumerate(shown_rows.iter_rows(named=True), start=1):
        # Too few snapshots are too few for every row of their run: saying so once is enough.
        if row["verdict"] == "noise" or row["run"] in few:
            continue
        if row["verdict"] == "too few snapshots":
            few.add(row["run"])
        run = f" in run {row['run']}" if several else ""
        lines.append(
            (f"#{place} ", f"{_key(series.by, row).plain}{run}: {row['verdict']}", row["reason"].replace("−", "-"))
        )
    if not lines:
        return
    target.print(Text("Reasons", "bold"))
    for number, about, reason in lines:
        target.print(Text(number, "dim") + Text(about, "bold"))
        target.print(Padding(Text(reason), (0, 0, 0, 3), expand=False))
    target.print()


def _show_frames(target: Console, series: Series, shown_rows: pl.DataFrame) -> None:
    """Print the frames of the first stacks that look like a leak."""
    left = _views.SHOWN
    for place, row in enumerate(shown_rows.iter_rows(named=True), start=1):
        if not left or row["fingerprint"] is None or row["verdict"] not in _GOING_ON:
            continue
        left -= 1
        holders = series.points.filter(pl.col("run") == row["run"])["point"].to_list()
        lasting = (series._together.snapshots[point] for point in reversed(holders))
        holder = next(log for log in lasting if (log.stacks["fingerprint"] == row["fingerprint"]).any())
        target.print(Text(f"Stack #{place}, innermost first", "bold"))
        for line in _rank.frame_lines(hd.diff(holder, holder, allocators=series.allocators), row["fingerprint"]):
            target.print(Text(f"  {line}", "bold" if line.startswith(">") else ""), soft_wrap=True)
        target.print()


def _courses(series: Series, shown_rows: pl.DataFrame) -> list[str]:
    """Draw the bytes of each row over time, in bars that begin at zero.

    `Series.table` would make millions of rows of which ten are shown.
    """
    names = _KEYS[series.by]
    sums, keys = series._grid
    wanted = keys.join(shown_rows.select(names), on=names, how="semi", nulls_equal=True)
    cells = pl.DataFrame(sums.cells(wanted["key"].to_list()))
    held = cells.join(wanted.select("key", *names), on="key").select("point", *names, "requested_bytes")
    grid = shown_rows.select("run", *names).with_row_index("place").join(series.points.select("run", "point"), on="run")
    held = held.with_columns(pl.lit(True).alias("held"))
    full = grid.join(held, on=["point", *names], how="left", nulls_equal=True).sort("place", "point")
    # What a key does not hold is nothing; what it holds may be not known.
    size = pl.when("held").then("requested_bytes").otherwise(0).alias("requested_bytes")
    curves = full.group_by("place", maintain_order=True).agg(size)
    return [_bars(curve) for curve in curves["requested_bytes"].to_list()]


def _bars(curve: list[int | None]) -> str:
    if len(curve) > _COURSE:
        curve = [curve[round(place * (len(curve) - 1) / (_COURSE - 1))] for place in range(_COURSE)]
    largest = max(1, *(number or 0 for number in curve))

    def bar(number: int | None) -> str:
        if number is None:
            return "?"
        return _BARS[number * (len(_BARS) - 1) // largest] if number else " "

    return "".join(map(bar, curve))


def _key(kind: str, row: dict[str, Any]) -> Text:
    if kind == "heap":
        base = row["heap_base"]
        return _output.key(None if base is None else f"{base:X}", row["status"])
    if kind == "module":
        return _output.key(row["module"], row["status"])
    return _rank.function(row["module"], row["function"], row["status"])


def _pace(series: Series) -> str:
    return "growth/h" if series.slope_unit == "bytes/hour" else "growth/step"


def _full_in(row: dict[str, Any]) -> str:
    hours = row["hours_to_exhaustion"] if row["verdict"] in _GOING_ON else None
    if hours is None:
        return ""
    if hours < 48:
        return f"{hours:.1f} h"
    return f"{hours / 24:,.0f} days" if hours < 24 * 1000 else "years"


def _is_unicode(target: Console) -> bool:
    return target.encoding.startswith("utf")
