"""Growth of what dumps count: a panel for bytes, one for handles, one for threads, over one time. Part of `chart`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from heapdelta._picture import MOST_LINES
from heapdelta._series.dump_counters import label
from heapdelta._words import plural
from heapdelta.chart import _room as room
from heapdelta.chart import _series as one
from heapdelta.chart import _series_lines as lines_of
from heapdelta.chart import _time_axis as time
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._series.dump_series import DumpSeries

_HEIGHT = 170
_UNITS = ("bytes", "handles", "threads")
_ENDS = ("first", "min", "max")


def counters_growth(series: DumpSeries, by: str | None, top: int, style: str, warm_up_hours: float) -> alt.VConcatChart:
    """Draw a series of dumps; see `heapdelta.chart.growth`."""
    if top > MOST_LINES:
        raise OptionError(f"expected a top of 1 to {MOST_LINES} for a series, found {top}", kind="option")
    if style != "lines":
        raise OptionError(f"expected style='lines' for what dumps count, found {style!r}", kind="option")
    if by is not None:
        raise OptionError(f"expected no by for what dumps count, found {by!r}", kind="option")
    points = series.points.with_columns(pl.col("taken_at").dt.replace_time_zone(None))
    table, growth = series.table().drop_nulls("value"), series.growth(warm_up_hours=warm_up_hours)
    panels: list[alt.LayerChart] = []
    datasets: dict[str, Any] = {}
    for unit in _UNITS:
        lines = _lines(series, table.filter(unit=unit), growth.filter(unit=unit), points, top)
        if not lines.names:
            continue
        drawn = one.draw(lines, points, stacked=False, panel=f"_{unit}", least=_HEIGHT)
        datasets |= drawn.datasets
        drawn.datasets = alt.Undefined
        noun = "counter" if series.by == "counter" else "key"
        left = f", {plural(lines.left_out, noun)} that changed less not drawn" if lines.left_out else ""
        panels.append(
            drawn.properties(title=alt.TitleParams(f"{unit}{left}", anchor="start", frame="group", fontSize=12))
        )
    what = "what dumps count" if series.by == "counter" else f"bytes by {series.by.replace('_', ' ')}"
    title = f"Growth of {what} since the first dump"
    if points["run"].n_unique() > 1:
        title += " of each process"
    nothing = [] if panels else ["nothing that is counted changed"]
    subtitle = [f"{time.describe(points)} (UTC)", *nothing]
    above = alt.TitleParams(title, subtitle=subtitle, anchor="start", offset=time.offset(datasets.get("breaks", [])))
    labels = [row["label"] for name, rows in datasets.items() if name.startswith("labels") for row in rows]
    panels = panels or [alt.LayerChart(layer=[alt.Chart(alt.NamedData("none")).mark_point()])]
    return alt.VConcatChart(vconcat=panels, datasets=datasets or {"none": []}, spacing=24).properties(
        title=above, padding=room.padding(above, time.WIDTH, right=labels, bold=True)
    )


def _lines(
    series: DumpSeries, table: pl.DataFrame, growth: pl.DataFrame, points: pl.DataFrame, top: int
) -> lines_of.Lines:
    """Choose the counters that moved most. They overlap, so the others are left out and never added up."""
    own = series._keys
    keys = table.select(own).unique(maintain_order=True)
    labels = pl.Series("module", [label(row) for row in keys.iter_rows(named=True)], dtype=pl.String)
    names = keys.select(own).with_columns(labels.alias("counted"))

    def named(rows: pl.DataFrame) -> pl.DataFrame:
        joined = rows.join(names, on=own, how="left", nulls_equal=True, maintain_order="left")
        return joined.drop(name for name in own if name != "unit").rename({"counted": "module"})

    amounts = named(table).rename({"value": "requested_bytes"})
    judged = named(growth).rename({f"{end}_value": f"{end}_bytes" for end in _ENDS})
    unit = table["unit"][0] if table.height else "bytes"
    return replace(lines_of.series_lines(amounts, judged, points, top, overlap=True), unit=unit)
