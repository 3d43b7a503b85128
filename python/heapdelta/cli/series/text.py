"""A series as a report for people: the logs, their runs, the ranking with verdicts, and the reason of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta._words import bytes_text
from heapdelta.cli import _output, _rank
from heapdelta.cli._listing import Listing
from heapdelta.cli._safe import Text
from heapdelta.cli.series import counters, points, reasons, stacks

if TYPE_CHECKING:
    from rich.console import Console

    from heapdelta._read.many import Batch
    from heapdelta._series.runs import Runs
    from heapdelta._series.series import Series

_KEYS = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "module", "function", "status"],
    "heap": ["heap_base", "status"],
}
_BARS = "▁▂▃▄▅▆▇█"
_COURSE = 20


def show(
    target: Console,
    series: Series,
    ranking: pl.DataFrame,
    batch: Batch,
    runs: Runs,
    *,
    grown: pl.DataFrame | None,
    top: int,
    told: pl.DataFrame | None,
    alone: bool,
) -> None:
    """Print the whole answer.

    `grown` is the ranking of the counters of its dumps, if there are such; `told` are the stacks that have their frames
    shown. With `alone` the ranking is of one stack that was asked for.
    """
    points.show(target, series, batch, runs)
    names = stacks.ids(series, ranking.head(top)) if series.by == "stack" else None
    _show_ranking(target, series, ranking, top, names, alone=alone)
    several = series.points["run"].n_unique() > 1
    about = ranking.head(top).with_columns(pl.Series("id", names or [""] * min(top, ranking.height), pl.String))
    reasons.show_reasons(
        target, about, lambda row: f"{row['id']} {_key(series.by, row).plain}".strip(), several_runs=several
    )
    if told is not None:
        stacks.show(target, series, told)
    if series.counters is not None and grown is not None:
        counters.show(target, series.counters, grown, top=top)
        _output.show_notes(target, [f"counters: {note}" for note in series.counters.notes])
    _output.show_notes(target, series.notes)
    points.show_failures(target, batch)


def _show_ranking(
    target: Console, series: Series, ranking: pl.DataFrame, top: int, ids: list[str] | None, *, alone: bool
) -> None:
    passed = ", every one a stack passes (sums overlap)" if series.inclusive else ""
    title = f"Growth per {series.by}{passed}"
    if ranking.is_empty():
        target.print(f"{title}: nothing {'is left by filters' if series._filtered else 'was allocated'}\n")
        return
    shown_rows = ranking.head(top)
    several = ranking["run"].n_unique() > 1
    ending = shown_rows.filter(pl.col("verdict").is_in(reasons.GOING_ON))["hours_to_exhaustion"]
    ends = ending.null_count() < ending.len()
    courses = _courses(series, shown_rows) if _is_unicode(target) else None
    numbers = ["#", *["run"] * several, _pace(series), "first", "last", *["full in"] * ends]
    names = ["verdict", *["course"] * (courses is not None)]
    names += [series.by] if ids is None else ["stack", "function"]
    table = Listing(title, numbers, names, spare=[["first"], ["course"]])
    for place, row in enumerate(shown_rows.iter_rows(named=True)):
        pace = None if row["pace"] is None else round(row["pace"])
        cells = [Text(str(place + 1)), *[Text(str(row["run"]))] * several]
        cells += [_output.colored(pace, bytes_text(pace, signed=True))]
        cells += [Text(bytes_text(row[f"{end}_bytes"])) for end in ("first", "last")]
        cells += [Text(reasons.full_in(row))] * ends
        cells += [Text(row["verdict"], reasons.STYLES.get(row["verdict"], ""))]
        cells += [] if courses is None else [Text(courses[place])]
        cells += [] if ids is None else [Text(ids[place])]
        table.add(*cells, _key(series.by, row))
    table.show(target)
    if not alone:
        reasons.show_verdicts(target, ranking, series.by)


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


def _is_unicode(target: Console) -> bool:
    return target.encoding.startswith("utf")
