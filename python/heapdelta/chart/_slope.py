"""How fast each key grows and how sure that is: ranked slopes with their intervals. Part of `chart`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from heapdelta._ranking.names import distinct, key_columns, noun_of
from heapdelta._series.verdict import LEAK
from heapdelta._words import Unit, bytes_text, count_text, plural
from heapdelta.chart import _colours as colours_by
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart import _stacks as stacks_of
from heapdelta.chart import _time_axis as time
from heapdelta.chart._doubts import doubt_lines
from heapdelta.chart._page import harmless
from heapdelta.chart._series import filter_words
from heapdelta.chart._text import chart_text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._series.series import Series

WIDTH = 430
_ROW = 22
# Each line is up to five marks.
_MOST = data.MARKS // 5
# A slope whose interval too stays below this share of the steepest one is a mark on the line of zero.
_SHARE = 0.01
# An interval is drawn up to this many times the largest slope; a longer one ends in an arrow.
_REACH = 1.6


@harmless
def slope(series: Series, *, top: int = 20, warm_up_hours: float = 24.0) -> alt.LayerChart:
    """Draw how fast each key of a series grows, and how sure that is.

    One line for each key, and for each run where there are several; the steepest at the top. The mark is the slope, and
    its shape the verdict, which is written at the right as well; that of a leak is filled. Its colour is that of the
    module. The line through it is the interval. One that reaches far out of the picture ends in an arrow.

    Parameters
    ----------
    series : Series
        Of two logs or more.
    top : int, default 20
        How many lines, for the leaks first and then for the steepest slopes, up or down, as far as they can be seen
        beside the steepest one. At least 1.
    warm_up_hours : float, default 24
        For the verdicts, as in `Series.growth`.

    Returns
    -------
    altair.LayerChart
        Slopes in bytes, KiB or MiB per hour; per step, where the series has no clock.

    Raises
    ------
    OptionError
        If `top` is below 1 or above 1,000, or `warm_up_hours` below 0.
    TypeError
        If `series` is not a `Series`.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = hd.testing.write_investigation(folder, steps=14, stack_count=60)
    ...     drawn = hd.chart.slope(hd.series(hd.read_many(folder)), top=3)
    >>> [(row["name"], row["verdict"]) for row in drawn.to_dict()["datasets"]["slopes"]][0]
    ('fhpreview', 'leak')
    """
    from heapdelta._series.series import Series

    if not isinstance(series, Series):
        raise TypeError(f"expected a Series, found {type(series).__name__}")
    if not 1 <= top <= _MOST:
        raise OptionError(f"expected a top of 1 to {_MOST}, found {top}", kind="option")
    growth = series.growth(warm_up_hours=warm_up_hours)
    growth = growth.with_columns(slope="pace", slope_low="pace_low", slope_high="pace_high")
    rows, rest = slope_rows(growth, top)
    per = series.slope_unit.rpartition("/")[2]
    runs = int(series.points["run"].n_unique())
    noun = noun_of(growth) if runs == 1 else "rows"
    unknown = growth.height - rows.height - rest.height
    without = f"{count_text(unknown)} without a slope" if unknown else None
    told = [time.describe(series.points), rest_text(rest, noun, per), without, *filter_words(series)]
    told += doubt_lines(series.snapshots)
    subtitle = filter(None, told)
    title = alt.TitleParams(f"Growth per {per} by {series.by}", subtitle=list(subtitle), anchor="start", offset=12)
    shown = rows.select(*key_columns(rows), "name")
    stacks = stacks_of.stack_rows(shown, series._together.snapshots, series._filtered)
    drawn = draw(rows, per, stacks)
    left, right = ([row[side] for row in drawn.datasets["slopes"]] for side in ("label", "words"))
    return drawn.properties(title=title, padding=room.padding(title, WIDTH, left=left, right=right))


def slope_rows(growth: pl.DataFrame, top: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Choose the rows of `Series.growth` to draw, steepest first, and the rest of them, both with ``name``.

    Leaks come before all others when it is chosen who is drawn. Others that would be a mark on the line of zero, with
    their interval, are not drawn. Rows without a slope are in neither.
    """
    rows = _named(growth, several_runs=growth["run"].n_unique() > 1)
    ends = pl.max_horizontal(pl.col(name).abs() for name in ("slope", "slope_low", "slope_high"))
    known = rows.filter(pl.col("slope").is_finite()).with_columns((pl.col("verdict") == LEAK).alias("leaks"))
    ranked = known.sort("leaks", pl.col("slope").abs(), "name", descending=[True, True, False])
    visible = ranked.filter(pl.col("leaks") | (ends >= _SHARE * pl.col("slope").abs().max())).head(top)
    rest = ranked.join(visible.select("name"), on="name", how="anti", maintain_order="left")
    # Among the few that are shown, fewer digits of a fingerprint tell stacks apart.
    shown = _named(visible.drop("name"), several_runs=growth["run"].n_unique() > 1)
    return shown.sort("slope", "name", descending=[True, False]), rest


def _named(growth: pl.DataFrame, *, several_runs: bool) -> pl.DataFrame:
    keys = key_columns(growth)
    names = data.named_keys(growth.select(keys).unique(maintain_order=True))
    rows = growth.join(names, on=keys, how="left", nulls_equal=True, maintain_order="left")
    run = pl.concat_str("name", pl.lit(", run "), pl.col("run"))
    return rows.with_columns(run.alias("name")) if several_runs else rows


def draw(rows: pl.DataFrame, per: str, stacks: Sequence[dict[str, Any]] = ()) -> alt.LayerChart:
    """Draw one line for each row: the interval, the slope in the shape of its verdict, and both in words."""
    steepest = float(rows.select(pl.col("slope").abs().max()).item() or 0)
    reach = _REACH * steepest or 1.0
    lows = [
        max(-reach, low if low is not None else slope) for low, slope in rows.select("slope_low", "slope").iter_rows()
    ]
    highs = [
        min(reach, high if high is not None else slope)
        for high, slope in rows.select("slope_high", "slope").iter_rows()
    ]
    unit = data.unit_of(max(steepest, *map(abs, lows), *map(abs, highs), 1.0))
    labels = distinct([data.short(name) for name in rows["name"]])
    modules = [row.get("module") for row in rows.iter_rows(named=True)]
    own = colours_by.colours_of(chart_text(module) for module in modules if module)
    shades = [own[chart_text(module)] if module else colours_by.REST for module in modules]
    drawn = [
        _row(row, label, low / unit.size, high / unit.size, unit, per) | _shades(row, shade)
        for row, label, low, high, shade in zip(rows.iter_rows(named=True), labels, lows, highs, shades, strict=True)
    ]
    ends = [0.0, *(row["low"] for row in drawn), *(row["high"] for row in drawn)]
    margin = 0.04 * (max(ends) - min(ends)) or 1
    scale = alt.Scale(domain=[min(ends) - margin, max(ends) + margin], nice=False, zero=False)
    axis = marks._axis("growth", unit, min(ends), max(ends))
    axis.title = f"growth ({unit.name} per {per})"
    datasets = {"slopes": drawn, "zero": [{"at": 0}], **({"stacks": list(stacks)} if stacks else {})}
    layers = _layers(scale, axis, stacks)
    return alt.LayerChart(layer=layers, datasets=datasets).properties(width=WIDTH, height=alt.Step(_ROW))


def _row(row: dict[str, Any], label: str, low: float, high: float, unit: Unit, per: str) -> dict[str, Any]:
    return {
        "name": row["name"],
        "label": label,
        "slope": row["slope"] / unit.size,
        "low": low,
        "high": high,
        "cut_low": row["slope_low"] is not None and row["slope_low"] / unit.size < low,
        "cut_high": row["slope_high"] is not None and row["slope_high"] / unit.size > high,
        "verdict": row["verdict"],
        "words": f"{row['verdict']}, {rate_text(row['slope'], per)}",
        "interval": interval_text(row["slope_low"], row["slope_high"], per),
        "reason": row["reason"],
    }


def _shades(row: dict[str, Any], colour: str) -> dict[str, str]:
    return {"colour": colour, "inside": colour if row["verdict"] == LEAK else "white"}


def rate_text(slope: float, per: str) -> str:
    """``+3.10 MiB/h``, ``-12 bytes/step``."""
    return f"{bytes_text(round(slope), signed=True)}/{'h' if per == 'hour' else per}"


def interval_text(low: float | None, high: float | None, per: str) -> str:
    """``+2.90 MiB/h to +3.30 MiB/h``; a dash where it is not known."""
    if low is None or high is None:
        return "not known"
    return f"{rate_text(low, per)} to {rate_text(high, per)}"


def rest_text(rest: pl.DataFrame, noun: str, per: str) -> str | None:
    """``33 more, between -1.20 KiB/h and +400 bytes/h``: what is not drawn."""
    if rest.is_empty():
        return None
    slopes: list[float] = rest["slope"].to_list()
    if rest.height == 1:
        return f"1 more, {rate_text(slopes[0], per)}, is not drawn"
    low, high = rate_text(min(slopes), per), rate_text(max(slopes), per)
    leaks = rest.filter(pl.col("verdict") == LEAK).height
    among = f" ({plural(leaks, 'leak')} among them)" if leaks else ""
    return f"{count_text(rest.height)} more {noun}{among} between {low} and {high} are not drawn"


def _layers(scale: alt.Scale, axis: alt.Axis, stacks: Sequence[dict[str, Any]]) -> list[alt.Chart]:
    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    named = alt.Chart(alt.NamedData("slopes")).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=marks.NAMES), color=alt.Color("colour:N", scale=None)
    )
    tooltip = [alt.Tooltip(f"{field}:N") for field in ("name", "verdict", "words", "interval", "reason")]
    base = stacks_of.told(named, tooltip, stacks)
    shapes = alt.Scale(domain=list(marks.SHAPES), range=list(marks.SHAPES.values()))
    slopes = base.mark_point(size=85, strokeWidth=1.7, opacity=1).encode(
        x=x("slope"), shape=alt.Shape("verdict:N", scale=shapes, legend=None), fill=alt.Fill("inside:N", scale=None)
    )
    arrows = [
        base.transform_filter(f"datum.cut_{side}")
        .mark_point(shape=f"triangle-{way}", size=40, filled=True, opacity=1)
        .encode(x=x(side))
        for side, way in (("low", "left"), ("high", "right"))
    ]
    zero = alt.Chart(alt.NamedData("zero")).mark_rule(color=marks._RULE, strokeWidth=1.4).encode(x=x("at"))
    words = base.mark_text(align="left", dx=8, fontSize=11).encode(
        x=alt.value(WIDTH), text="words:N", color=alt.value(colours_by.TEXT)
    )
    return [zero, base.mark_rule(strokeWidth=1.6).encode(x=x("low"), x2="high:Q"), *arrows, slopes, words]
