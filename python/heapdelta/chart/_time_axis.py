"""Where the logs of a series are from left to right, and the words above: restarts, gaps. Part of `chart`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt

from heapdelta._words import moment, plural
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart._series_lines import noun_of_points
from heapdelta.chart._text import chart_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from heapdelta.chart._series_lines import Break

WIDTH = 620
LEAD = 14
"""Pixels of the lines that lead from the last log to its label."""

# About how many labels fit: with five days, one a day.
_TICKS = 5
_GAP = "#f1f1f1"
# More breaks than this would be closer than a pixel: some of them stand for all.
_BREAKS = 300
# Rows of words above a picture, the pixels of a row, and those of a character.
_ROWS = 2
_WORD_ROW = 13
_CHARACTER = 6.6


class Axis(NamedTuple):
    """Where a log is: by its time, or by its number where there is none. The keys are numbers of logs."""

    kind: str
    scale: alt.Scale
    axis: alt.Axis
    places: dict[int, Any]
    right: Any
    shares: dict[int, float]
    texts: dict[int, str]

    def x(self, field: str) -> alt.X:
        """Encode a field as a place of this axis."""
        return alt.X(f"{field}:{self.kind}", scale=self.scale, axis=self.axis)

    def without_labels(self) -> Axis:
        """Give the same axis for a panel with another one below it."""
        bare = self.axis.copy()
        bare.labels, bare.title = False, None
        return self._replace(axis=bare)


def timed(points: pl.DataFrame) -> bool:
    """Tell whether all logs have a time, and are in the order of it."""
    times = points.sort("point")["taken_at"]
    by_clock = set(points["time_source"]) <= {"log", "dump", "mtime"}
    return by_clock and not times.null_count() and times.is_sorted() and times.n_unique() > 1


def axis_of(points: pl.DataFrame) -> Axis:
    """Place the logs by their time, else one step apart."""
    ordered = points.sort("point")
    numbers = ordered["point"].to_list()
    return (
        _clock(numbers, ordered["taken_at"].to_list())
        if timed(points)
        else _steps(numbers, ordered["path"].to_list(), noun_of_points(points))
    )


def _clock(numbers: Sequence[int], times: Sequence[datetime]) -> Axis:
    first, span = times[0], times[-1] - times[0]
    ticks = [marks.tick(time) for time in times] if len(times) <= marks._TICKS else alt.Undefined
    axis = alt.Axis(
        title=None,
        grid=False,
        labelOverlap=True,
        labelSeparation=14,
        format="%d %b %H:%M",
        values=ticks,
        tickCount=_TICKS,
    )
    # As an expression: Vega-Lite warns of a conflict where layers have the same dates in any other way.
    domain = alt.ExprRef(f"[{_milliseconds(first)}, {_milliseconds(times[-1])}]")
    return Axis(
        "T",
        alt.Scale(type="utc", domain=domain, nice=False),
        axis,
        {number: marks.utc(time) for number, time in zip(numbers, times, strict=True)},
        marks.utc(times[-1] + LEAD / WIDTH * span),
        {number: (time - first) / span for number, time in zip(numbers, times, strict=True)},
        {number: moment(time) or "" for number, time in zip(numbers, times, strict=True)},
    )


def _milliseconds(time: datetime) -> int:
    """Give a time as `marks.utc` writes it, as Vega counts it."""
    return round((time - datetime(1970, 1, 1)) / timedelta(milliseconds=1))


def _steps(numbers: Sequence[int], paths: Sequence[str | None], noun: str) -> Axis:
    names = [chart_text((path or "bytes").replace("\\", "/").rpartition("/")[2]) for path in paths]
    span = max(1, numbers[-1] - numbers[0])
    shown = [data.short(name, 18) for name in names]
    axis = alt.Axis(
        title=f"{noun}s in their order, not by their time",
        grid=False,
        labelOverlap=True,
        values=list(numbers),
        labelLimit=0,
        labelExpr=f"{json.dumps(shown, ensure_ascii=False)}[datum.value - {numbers[0]}]",
    )
    right = numbers[0] + span
    return Axis(
        "Q",
        alt.Scale(domain=[numbers[0], right], nice=False, zero=False),
        axis,
        {number: number for number in numbers},
        right + LEAD / WIDTH * span,
        {number: (number - numbers[0]) / span for number in numbers},
        dict(zip(numbers, names, strict=True)),
    )


def words(found: Sequence[Break], axis: Axis) -> list[dict[str, Any]]:
    """Rows for the bands of gaps and the rules of restarts, and the words above them, which never hide each other.

    A word that does not fit beside the one before it is put a row higher, and one that fits in no row is left out.
    """
    rows = []
    found = found[:: -(-len(found) // _BREAKS) or 1]
    ends = [-float(WIDTH)] * _ROWS
    for one in found:
        middle = WIDTH * (axis.shares[one.earlier] + axis.shares[one.later]) / 2
        half = _CHARACTER * len(one.text) / 2
        free = next((row for row, end in enumerate(ends) if middle - half > end), None)
        if free is not None:
            ends[free] = middle + half + 2 * _CHARACTER
        rows.append(
            {
                "at": axis.places[one.earlier],
                "to": axis.places[one.later],
                "place": middle,
                "restart": one.restart,
                "text": "" if free is None else one.text,
                "height": -7 - _WORD_ROW * (free or 0),
                "about": f"{one.text}, between {axis.texts[one.earlier]} and {axis.texts[one.later]}",
            }
        )
    return rows


def offset(words: Sequence[dict[str, Any]]) -> int:
    """Pixels between the title and the picture: room for the words."""
    return 8 - min((word["height"] for word in words), default=0)


def break_layers(axis: Axis, *, named: bool = True) -> list[alt.Chart]:
    """Draw gaps as light bands and restarts as dashed rules, with their words above if `named`."""
    tooltip = [alt.Tooltip("about:N", title="break")]
    base = alt.Chart(alt.NamedData("breaks"))
    gaps, restarts = base.transform_filter("!datum.restart"), base.transform_filter("datum.restart")
    place, height = alt.X("place:Q", scale=None, axis=None), alt.Y("height:Q", scale=None, axis=None)
    band = gaps.mark_rect(color=_GAP).encode(x=axis.x("at"), x2="to", tooltip=tooltip)
    rule = restarts.mark_rule(color="#444", strokeDash=[5, 3], strokeWidth=1.2).encode(x=place, tooltip=tooltip)
    if not named:
        return [band, rule]
    bold = restarts.mark_text(fontSize=10, fontWeight="bold", color="#222")
    plain = gaps.mark_text(fontSize=10, color="#555")
    return [band, rule, *(words.encode(x=place, y=height, text="text:N") for words in (plain, bold))]


def describe(points: pl.DataFrame) -> str:
    """``30 logs of 2 runs, from 11 Mar 2024 09:00 to 16 Mar 2024 05:00``: what a series is made of."""
    runs = points["run"].n_unique()
    text = plural(points.height, noun_of_points(points)) + (f" of {runs} runs" if runs > 1 else "")
    times: list[datetime] = points["taken_at"].drop_nulls().to_list()
    if len(times) < points.height or not times:
        return text
    return f"{text}, from {min(times):%d %b %Y %H:%M} to {max(times):%d %b %Y %H:%M}"
