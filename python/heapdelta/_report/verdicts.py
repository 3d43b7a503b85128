"""Verdicts of a series, of keys and of counters, as tables; and which logs or dumps it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapdelta._report.parts import Cell, Head, Row, Table
from heapdelta._series.dump_counters import label
from heapdelta._words import amount_text, bytes_text, count_text, moment, plural

if TYPE_CHECKING:
    import polars as pl

    from heapdelta._series.dump_series import DumpSeries

_FIRST, _MOST = 15, 1_000


def of_keys(growth: pl.DataFrame, by: str, *, unit: str, several: bool) -> Table:
    """Show how each key grew, with its verdict and the reason; `growth` has names."""
    heads = [
        *([Head("run", True)] if several else []),
        Head(by),
        Head("first", True),
        Head("last", True),
        Head(f"per {unit}", True),
        Head("verdict"),
        Head("why"),
    ]

    def row(of: dict[str, Any]) -> Row:
        pace = of["pace"]
        cells = [Cell(count_text(of["run"]), of["run"])] if several else []
        cells += [
            Cell(of["name"]),
            Cell(bytes_text(of["first_bytes"]), of["first_bytes"]),
            Cell(bytes_text(of["last_bytes"]), of["last_bytes"]),
            Cell("?" if pace is None else bytes_text(round(pace), signed=True), None if pace is None else round(pace)),
            Cell(of["verdict"]),
            Cell(of["reason"]),
        ]
        return Row(cells)

    return _table(
        "verdicts", "Verdicts", heads, [row(each) for each in growth.head(_MOST).iter_rows(named=True)], growth
    )


def of_counters(series: DumpSeries) -> Table:
    """Show how each counter of many dumps grew, with its verdict and the reason."""
    growth = series.growth()
    several = series.points["run"].n_unique() > 1
    unit = series.slope_unit.partition("/")[2]
    heads = [
        *([Head("run", True)] if several else []),
        Head("counter"),
        Head("first", True),
        Head("last", True),
        Head(f"per {unit}", True),
        Head("verdict"),
        Head("why"),
    ]

    def row(of: dict[str, Any]) -> Row:
        cells = [Cell(count_text(of["run"]), of["run"])] if several else []
        cells.append(Cell(label(of)))
        cells += [Cell(amount_text(of[f"{end}_value"], of["unit"]), of[f"{end}_value"]) for end in ("first", "last")]
        cells += [Cell(amount_text(of["pace"], of["unit"], signed=True)), Cell(of["verdict"]), Cell(of["reason"])]
        return Row(cells)

    rows = [row(each) for each in growth.head(_MOST).iter_rows(named=True)]
    return _table("counters", "What the dumps count", heads, rows, growth)


def _table(name: str, title: str, heads: list[Head], rows: list[Row], growth: pl.DataFrame) -> Table:
    more = rows if len(rows) > _FIRST else []
    lead = ["docs/series.md has the rule of every verdict."]
    if growth.height > _MOST:
        lead.append(f"{plural(growth.height - _MOST, 'row')} more are not here.")
    return Table(
        name, title, lead, heads=heads, rows=rows[:_FIRST], more=more, more_title=f"All {plural(len(more), 'row')}"
    )


def points_table(points: pl.DataFrame) -> Table:
    """Show which logs or dumps a series is of, in its order."""
    of_logs = "requested_bytes" in points.columns
    heads = [Head("run", True), Head("taken"), Head("file"), *([Head("bytes", True)] if of_logs else []), Head("")]
    heads[-1] = Head("remarks")

    def row(of: dict[str, Any]) -> Row:
        remarks = [
            "restart" if of["restart"] else "",
            "logs are missing before it" if of["gap"] else "",
            "cut off" if of.get("complete") is False else "",
        ]
        size = [Cell(bytes_text(of["requested_bytes"]), of["requested_bytes"])] if of_logs else []
        taken = Cell(moment(of["taken_at"]) or "–")
        return Row(
            [
                Cell(count_text(of["run"]), of["run"]),
                taken,
                Cell(of["path"] or "<bytes>"),
                *size,
                Cell(", ".join(filter(None, remarks))),
            ]
        )

    rows = [row(each) for each in points.head(_MOST).iter_rows(named=True)]
    lead = [f"{plural(points.height - _MOST, 'file')} more are not here."] if points.height > _MOST else []
    more = rows if len(rows) > _FIRST else []
    return Table(
        "files", "Files", lead, heads=heads, rows=rows[:_FIRST], more=more, more_title=f"All {len(more):,} files"
    )
