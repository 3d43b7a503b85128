"""Growth over many snapshots, as lines or as areas: restarts and gaps are seen, verdicts are read. Part of `chart`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt
import polars as pl

from heapdelta._numbers import running_sum, total_of_known
from heapdelta._picture import MOST_LINES
from heapdelta._series.notes import growth_of
from heapdelta._series.verdict import LEAK
from heapdelta._words import Unit, amount_text, bytes_text, plural
from heapdelta.chart import _colours as colours_by
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart import _series_lines as lines_of
from heapdelta.chart import _stacks as stacks_of
from heapdelta.chart import _time_axis as time
from heapdelta.chart._doubts import doubt_lines
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapdelta._series.series import Series

_HEIGHT = 340
# Pixels that a label needs.
_LABEL_HEIGHT = 14.5
# With more logs than this the marks of single logs would run together.
_MARKED = 60

_AREA_FOLDED = "#e2e2e2"


def series_growth(series: Series, by: str | None, top: int, style: str, warm_up_hours: float) -> alt.LayerChart:
    """Draw a series; see `heapdelta.chart.growth`."""
    if top > MOST_LINES:
        raise OptionError(f"expected a top of 1 to {MOST_LINES} for a series, found {top}", kind="option")
    if style not in ("lines", "stacked"):
        raise OptionError(f"expected style lines or stacked, found {style!r}", kind="option")
    if by is not None and by != series.by:
        raise OptionError(
            f"expected by={series.by!r} for this series, found {by!r}",
            hint=f"heapdelta.series(snapshots, by={by!r}) makes the other",
            kind="option",
        )
    stacked, points = style == "stacked", series.points
    if stacked and series.inclusive:
        raise OptionError("expected style='lines' for inclusive sums, which overlap, found 'stacked'", kind="option")
    if series.by == "heap" and points["run"].n_unique() > 1:
        raise OptionError(
            f"expected heaps of one run, found {points['run'].n_unique()} runs",
            hint="in another run the same address is another heap: heapdelta.group(snapshots) tells runs apart",
            kind="option",
        )
    growth = series.growth(warm_up_hours=warm_up_hours)
    lines = lines_of.series_lines(series.table(), growth, points, top, overlap=series.inclusive)
    title = f"Requested bytes by {series.by}" if stacked else f"Growth by {series.by} since the first log"
    if not stacked and points["run"].n_unique() > 1:
        title += " of each run"
    stacks = stacks_of.stack_rows(lines.keys, series._together.snapshots, series._filtered)
    drawn = draw(lines, points, stacked=stacked, stacks=stacks)
    subtitle = [time.describe(points), *_in_all(lines, stacked=stacked, words=filter_words(series))]
    subtitle += doubt_lines(series.snapshots)
    labels = [row["label"] for row in drawn.datasets["labels"]]
    above = alt.TitleParams(title, subtitle=subtitle, anchor="start", offset=time.offset(drawn.datasets["breaks"]))
    return drawn.properties(title=above, padding=room.padding(above, time.WIDTH, right=labels, bold=True))


def filter_words(series: Series) -> list[str]:
    """Say how much filters leave out; nothing without one."""
    if not series._filtered:
        return []
    held, grown = bytes_text(series.left_out["requested_bytes"][-1]), growth_of(series.left_out)
    return [f"filters leave out {held} of the last log, {bytes_text(grown, signed=True)} of the growth"]


def _in_all(lines: lines_of.Lines, *, stacked: bool, words: list[str]) -> list[str]:
    unknown = [f"{plural(lines.unknown, 'key')} not drawn: bytes are not known"] if lines.unknown else []
    if lines.left_out:
        return [
            f"inclusive sums overlap; {plural(lines.left_out, 'key')} that changed less not drawn",
            *unknown,
            *words,
        ]
    last = lines.rows.filter(pl.col("point") == pl.col("point").max())
    total = total_of_known(last["bytes" if stacked else "growth"])
    which = "of what filters leave" if words else "in all"
    return [f"{bytes_text(total, signed=not stacked)} requested {which} in the last log", *unknown, *words]


class Amounts(NamedTuple):
    """The axis of amounts."""

    scale: alt.Scale
    axis: alt.Axis

    def y(self, field: str) -> alt.Y:
        """Encode a field as a height of this axis."""
        return alt.Y(f"{field}:Q", scale=self.scale, axis=self.axis)


def draw(
    lines: lines_of.Lines,
    points: pl.DataFrame,
    *,
    stacked: bool,
    stacks: Sequence[dict[str, Any]] = (),
    panel: str = "",
    least: int = _HEIGHT,
) -> alt.LayerChart:
    """Draw the lines of a series; `stacks` tells about them where each is one.

    Of several panels of one chart, `panel` tells the data apart, and `least` is the height of one.
    """
    axis = time.axis_of(points)
    placed = _stacked(lines) if stacked else lines.rows.with_columns(pl.col("growth").alias("end"))
    heights: list[int] = [0, *placed["end"].to_list()]
    lowest, highest = min(heights), max(heights)
    unit = data.unit_of(max(highest, -lowest)) if lines.unit == "bytes" else Unit(lines.unit, 1)
    low, high = lowest / unit.size, highest / unit.size
    y = Amounts(
        marks._scale(low, high, 0.03), marks._axis("requested bytes" if stacked else "growth", unit, low, high)
    ).y
    rows = _rows(placed, lines, axis, unit, stacked=stacked)
    height = max(least, round(_LABEL_HEIGHT * len(lines.names)))
    labels = _labels(rows, lines, axis, (low, high if high > low else low + 1), height, stacked=stacked)
    words = time.words(lines_of.breaks(points), axis)
    datasets = {f"lines{panel}": rows, f"labels{panel}": labels, "breaks": words, "zero": [{"end": 0}]}
    if stacks:
        datasets["stacks"] = list(stacks)
    base = stacks_of.told(
        alt.Chart(alt.NamedData(f"lines{panel}")).encode(x=axis.x("at"), y=y("end")), _TOOLTIP, stacks
    )
    drawn = _area_layers(base) if stacked else _line_layers(base, y("end"), marked=points.height <= _MARKED)
    layers = [*time.break_layers(axis), *drawn, *_label_layers(axis, y, f"labels{panel}")]
    return alt.LayerChart(layer=layers, datasets=datasets).properties(width=time.WIDTH, height=height)


def _stacked(lines: lines_of.Lines) -> pl.DataFrame:
    """Put the lines on each other, ``begin`` and ``end`` in bytes: the folded ones lowest, what grew most on top."""
    order = sorted(lines.names, key=lambda name: (name not in _folded(lines), -lines.names.index(name)))
    levels = pl.DataFrame({"name": order, "level": range(len(order))}, schema={"name": pl.String, "level": pl.Int64})
    rows = lines.rows.join(levels, on="name").sort("level", "point")
    rows = rows.with_columns(running_sum(pl.col("bytes")).over("point").alias("end"))
    return rows.with_columns((pl.col("end") - pl.col("bytes")).alias("begin"))


def _folded(lines: lines_of.Lines) -> set[str]:
    return set(lines.rows.filter("folded")["name"])


def _colours(lines: lines_of.Lines, *, stacked: bool) -> dict[str, str]:
    folded = _folded(lines)
    own = colours_by.colours_of(name for name in lines.names if name not in folded)
    return own | dict.fromkeys(folded, _AREA_FOLDED if stacked else colours_by.REST)


def _rows(
    placed: pl.DataFrame, lines: lines_of.Lines, axis: time.Axis, unit: Unit, *, stacked: bool
) -> list[dict[str, Any]]:
    colours = _colours(lines, stacked=stacked)
    last = placed.group_by("run").agg(pl.col("point").max().alias("last"))
    known = placed.join(last, on="run", maintain_order="left").with_columns(
        (pl.len().over("name", "part") == 1).alias("alone")
    )
    rows = []
    for row in known.iter_rows(named=True):
        name, verdict = row["name"], lines.verdicts.get((row["name"], row["run"]), "")
        rows.append(
            {
                "name": name,
                "at": axis.places[row["point"]],
                "when": axis.texts[row["point"]],
                "part": f"{name} {row['part']}",
                "begin": row["begin"] / unit.size if stacked else 0,
                "end": row["end"] / unit.size,
                "change": amount_text(row["growth"], lines.unit, signed=True),
                "total": amount_text(row["bytes"], lines.unit),
                "verdict": verdict,
                "folded": row["folded"],
                "last": row["point"] == row["last"],
                "alone": row["alone"],
                "colour": colours[name],
                "inside": colours[name] if verdict == LEAK else "white",
                "width": 3 if verdict == LEAK else 1.6,
            }
        )
    return rows


def _labels(
    rows: Sequence[dict[str, Any]],
    lines: lines_of.Lines,
    axis: time.Axis,
    reach: tuple[float, float],
    height: int,
    *,
    stacked: bool,
) -> list[dict[str, Any]]:
    """Names at the right, from the highest down, none hiding another, each with its verdict."""
    final = max(axis.shares, key=lambda point: axis.shares[point])
    ends = [row for row in rows if row["at"] == axis.places[final]]
    middles = {row["name"]: (row["begin"] + row["end"]) / 2 if stacked else row["end"] for row in ends}
    ends.sort(key=lambda row: -middles[row["name"]])
    places = data.spread([middles[row["name"]] for row in ends], *reach, gap=_LABEL_HEIGHT / height)
    labels = []
    for row, place in zip(ends, places, strict=True):
        amount = row["total"] if stacked else row["change"]
        words = [amount, lines.verdict(row["name"])]
        labels.append(
            {
                "at": row["at"],
                "right": axis.right,
                "middle": middles[row["name"]],
                "place": place,
                "label": f"{data.short(row['name'])}: {', '.join(filter(None, words))}",
                "leak": row["verdict"] == LEAK,
            }
        )
    return labels


def _line_layers(lines: alt.Chart, y: alt.Y, *, marked: bool) -> list[alt.Chart]:
    base = lines.encode(color=alt.Color("colour:N", scale=None), detail="part:N")
    dash = alt.StrokeDash("folded:N", scale=alt.Scale(domain=[False, True], range=[[1, 0], [4, 3]]), legend=None)
    width = alt.StrokeWidth("width:Q", scale=None)
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(color=marks._RULE).encode(y=y)
    layers = [zero, base.mark_line().encode(strokeDash=dash, strokeWidth=width)]
    if marked:
        layers.append(base.mark_point(filled=True, size=14, opacity=1))
    else:
        layers.append(base.transform_filter("datum.alone").mark_point(filled=True, size=14, opacity=1))
    shapes = alt.Scale(domain=list(marks.SHAPES), range=list(marks.SHAPES.values()))
    ends = base.transform_filter("datum.last && datum.verdict").mark_point(size=75, strokeWidth=1.6, opacity=1)
    layers.append(
        ends.encode(shape=alt.Shape("verdict:N", scale=shapes, legend=None), fill=alt.Fill("inside:N", scale=None))
    )
    return layers


def _area_layers(lines: alt.Chart) -> list[alt.Chart]:
    base = lines.encode(y2="begin:Q", color=alt.Color("colour:N", scale=None), detail="part:N")
    # A single log between two breaks has no width: a thick line stands for it.
    alone = base.transform_filter("datum.alone").mark_rule(strokeWidth=4)
    return [base.mark_area(stroke="white", strokeWidth=1.4, opacity=1), alone]


def _label_layers(axis: time.Axis, y: Callable[[str], alt.Y], name: str) -> list[alt.Chart]:
    base = alt.Chart(alt.NamedData(name))
    leads = base.mark_rule(color=marks._RULE, strokeWidth=1)
    layers = [leads.encode(x=axis.x("at"), x2="right", y=y("middle"), y2="place:Q")]
    named: dict[str, Any] = {"align": "left", "dx": 4, "fontSize": 11, "color": colours_by.TEXT}
    leaks = base.transform_filter("datum.leak").mark_text(fontWeight="bold", **named)
    others = base.transform_filter("!datum.leak").mark_text(**named)
    layers += [names.encode(x=axis.x("right"), y=y("place"), text="label:N") for names in (leaks, others)]
    return layers


_TOOLTIP = [
    alt.Tooltip("name:N"),
    alt.Tooltip("change:N", title="growth in this run"),
    alt.Tooltip("total:N"),
    alt.Tooltip("when:N", title="taken"),
    alt.Tooltip("verdict:N"),
]
