"""The marks of the charts: bars and lines in, Altair layers out. Imported by `chart` alone: Altair loads slowly."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import altair as alt

from heapdelta._ranking.names import distinct
from heapdelta._words import Unit, bytes_text, moment
from heapdelta.chart import _colours as colours
from heapdelta.chart import _data as data
from heapdelta.chart import _stacks as stacks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

# Light and dark enough to be told apart without colour; the labels carry the sign as well.
_COLOURS = {"total": "#8c8c8c", "grew": "#a8320a", "shrank": "#7db4dc"}
_RULE = "#9a9a9a"
_GRID = "#e6e6e6"
_TICKS = 7
# Characters of a file's name below an axis.
_PLACE = 18
NAMES = alt.Axis(labelLimit=0, ticks=False, domain=False, labelPadding=8)
"""The axis of names, which `short` alone cuts."""


def legend(*, offset: int = 4, columns: int | None = None) -> alt.Legend:
    """Give what colours mean, above a chart, with room behind each word: browsers write wider than is measured."""
    return alt.Legend(
        title=None,
        orient="top",
        symbolType="square",
        offset=offset,
        columns=alt.Undefined if columns is None else columns,
        labelLimit=0,
        columnPadding=28,
    )


SHAPES = {
    "leak": "triangle-up",
    "not known": "stroke",
    "warming up": "diamond",
    "plateau": "square",
    "sawtooth": "cross",
    "shrinking": "triangle-down",
    "noise": "circle",
    "too few snapshots": "triangle-right",
}
"""The mark of each verdict in every chart. Only that of a leak is filled."""

# A change below this share of the total would be too thin to see beside it.
_VISIBLE_SHARE = 0.15


def bars_chart(bars: Sequence[data.Bar], stacks: Sequence[dict[str, Any]] = ()) -> alt.LayerChart:
    """Draw a waterfall, from top to bottom; `stacks` are those of its bars."""
    before = bars[0].end
    edges = [edge for bar in bars[1:-1] for edge in (bar.begin, bar.end)] or [before]
    reach = max(edges) - min(edges)
    # With the totals drawn in full, the changes would be invisible: then 0 is the total before.
    relative = before > 0 and 0 < reach < _VISIBLE_SHARE * max(edges)
    zero, drawn = (before, reach) if relative else (0, max(*edges, bars[-1].end))
    unit = data.unit_of(drawn)
    begins = [(bar.end if relative and bar.kind == "total" else bar.begin) - zero for bar in bars]
    ends = [bar.end - zero for bar in bars]
    labels = distinct([data.short(bar.name) for bar in bars])
    rows = [
        {
            "name": bar.name,
            "label": label,
            "kind": bar.kind,
            "begin": begin / unit.size,
            "end": end / unit.size,
            "change": bar.change,
            "detail": bar.detail,
            "next": following,
        }
        for bar, label, begin, end, following in zip(bars, labels, begins, ends, [*labels[1:], labels[-1]], strict=True)
    ]
    low, high = min(0, *begins, *ends) / unit.size, max(0, *begins, *ends) / unit.size
    axis = _axis("change against the total before" if relative else "requested bytes", unit, low, high)
    layers = _bar_layers(_scale(low, high, 0.17), axis, stacks, totals_as_ticks=relative)
    return alt.LayerChart(layer=layers, datasets={"bars": rows, **({"stacks": list(stacks)} if stacks else {})})


def _bar_layers(
    scale: alt.Scale, axis: alt.Axis, stacks: Sequence[dict[str, Any]], *, totals_as_ticks: bool
) -> list[alt.Chart]:
    named = alt.Chart(alt.NamedData("bars")).encode(y=alt.Y("label:N", sort=None, title=None, axis=NAMES))
    tooltip = [alt.Tooltip("name:N", title="name"), alt.Tooltip("change:N"), alt.Tooltip("detail:N")]
    base = stacks_of.told(named, tooltip, stacks)
    kinds = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    colour = alt.Color("kind:N", scale=kinds, legend=None)

    def at(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    links = base.transform_filter("datum.label != datum.next").mark_rule(color=_RULE, strokeWidth=1)
    layers = [
        links.encode(x=at("end"), y2=alt.Y2("next:N")),
        base.mark_bar(height=15).encode(color=colour, x=at("begin"), x2="end:Q"),
    ]
    if totals_as_ticks:
        totals = base.transform_filter("datum.kind == 'total'")
        layers.append(totals.mark_tick(thickness=4, height=15, opacity=1).encode(x=at("end"), color=colour))
    beside = base.transform_calculate(right="max(datum.begin, datum.end)")
    text = beside.mark_text(align="left", dx=5, fontSize=11, color="#222")
    return [*layers, text.encode(x=at("right"), text="change:N")]


def _scale(low: float, high: float, room: float) -> alt.Scale:
    """Leave `room`, as a share, above the highest value."""
    top = high if high > low else low + 1
    return alt.Scale(domain=[low, top + room * (top - low)], nice=False, zero=False)


def _axis(title: str, unit: Unit, low: float, high: float) -> alt.Axis:
    """Draw an axis in a unit."""
    few = unit.size == 1 and high - low < 8
    plain = "bytes" in title and unit.name == "bytes"
    return alt.Axis(
        title=title if plain else f"{title} ({unit.name})",
        format=",~f",
        tickCount=6,
        # There is no half of a byte.
        values=list(range(int(low), int(high) + 2)) if few else alt.Undefined,
        gridColor=_GRID,
        domain=False,
    )


def lines_chart(lines: pl.DataFrame, points: Sequence[datetime] | Sequence[str]) -> alt.LayerChart:
    """Draw growth over time; `points` are the times, or the names, of all logs."""
    times = [point for point in points if isinstance(point, datetime)]
    texts = [utc(time) for time in times] or distinct([data.short(str(point), _PLACE) for point in points])
    whens = [moment(time) for time in times] or [str(point) for point in points]
    growths: list[int] = [0, *lines["growth"].to_list()]
    unit = data.unit_of(max(max(growths), -min(growths)))
    low, high = min(growths) / unit.size, max(growths) / unit.size
    rows = [
        {
            "name": row["name"],
            "at": texts[row["point"]],
            "when": whens[row["point"]],
            "growth": row["growth"] / unit.size,
            "change": bytes_text(row["growth"], signed=True),
            "total": bytes_text(row["bytes"]),
            "folded": row["folded"],
        }
        for row in lines.iter_rows(named=True)
    ]
    ends = [row for row in rows if row["at"] == texts[-1]]
    places = data.spread([row["growth"] for row in ends], low, high)
    labels = [
        {**row, "place": place, "label": f"{data.short(row['name'])}  {row['change']}"}
        for row, place in zip(ends, places, strict=True)
    ]
    own = colours.colours_of(row["name"] for row in ends if not row["folded"])
    shades = [colours.REST if row["folded"] else own[row["name"]] for row in ends]
    colour = alt.Color("name:N", scale=alt.Scale(domain=[row["name"] for row in ends], range=shades), legend=None)
    x = _time_axis(times) if times else _order_axis(texts)
    layers = _line_layers(x, colour, _scale(low, high, 0.03), _axis("growth", unit, low, high))
    datasets = {"lines": rows, "labels": labels, "zero": [{"growth": 0}]}
    return alt.LayerChart(layer=layers, datasets=datasets)


def _line_layers(x: alt.X, colour: alt.Color, scale: alt.Scale, axis: alt.Axis) -> list[alt.Chart]:
    tooltip: list[Any] = [
        alt.Tooltip("name:N"),
        alt.Tooltip("change:N", title="growth"),
        alt.Tooltip("total:N"),
        alt.Tooltip("when:N", title="log"),
    ]
    y = alt.Y("growth:Q", scale=scale, axis=axis)
    base = alt.Chart(alt.NamedData("lines")).encode(x=x, y=y, color=colour, tooltip=tooltip)
    dash = alt.StrokeDash("folded:N", scale=alt.Scale(domain=[False, True], range=[[1, 0], [4, 3]]), legend=None)
    names = alt.Chart(alt.NamedData("labels")).mark_text(align="left", dx=9, fontSize=11)
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(color=_RULE)
    return [
        zero.encode(y=y),
        base.mark_line(strokeWidth=2).encode(strokeDash=dash),
        base.mark_point(filled=True, size=36, opacity=1),
        names.encode(x=x, y=alt.Y("place:Q", scale=scale), text="label:N", color=colour, tooltip=tooltip),
    ]


def utc(time: datetime) -> str:
    """Write a time without a zone as if it were UTC: so it is drawn as it is, wherever it is looked at."""
    return f"{time.isoformat()}Z"


def tick(at: datetime) -> alt.DateTime:
    """Place a tick at such a time."""
    return alt.DateTime(
        year=at.year, month=at.month, date=at.day, hours=at.hour, minutes=at.minute, seconds=at.second, utc=True
    )


def _time_axis(times: Sequence[datetime]) -> alt.X:
    """Draw a tick at every log as long as there is room for their labels."""
    ticks = [tick(time) for time in times] if len(times) <= _TICKS else alt.Undefined
    axis = alt.Axis(grid=False, labelOverlap=True, format="%d %b %H:%M", values=ticks, tickCount=_TICKS)
    return alt.X("at:T", title=None, axis=axis, scale=alt.Scale(type="utc"))


def _order_axis(texts: list[str]) -> alt.X:
    return alt.X(
        "at:O",
        sort=texts,
        title=None,
        scale=alt.Scale(padding=0),
        axis=alt.Axis(labelAngle=0, labelLimit=0, labelOverlap=True),
    )
