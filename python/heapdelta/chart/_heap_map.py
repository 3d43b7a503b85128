"""What the segments of a heap hold, along their addresses: where the holes are. Part of `chart`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from heapdelta._capture.dump import Dump
from heapdelta._numbers import total
from heapdelta._words import bytes_text, of_count, plural, share_text
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart._heap_cells import KINDS, Layout, layout, merged
from heapdelta.chart._page import harmless
from heapdelta.chart._text import file_name
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 620
_ROW = 26

COLOURS = {
    "busy": "#8f2a08",
    "overhead": "#e39a4a",
    "unknown": "#3a3a3a",
    "free": "#7db4dc",
    "uncommitted": "#ececec",
}
"""Dark and light take turns, so that neighbours are told apart without colour."""


@harmless
def heap_map(dump: Dump, heap: int | None = None) -> alt.LayerChart:
    """Draw what the segments of a heap hold, along their addresses, and where the holes are.

    The segments lie one behind the other, in rows from the lowest address on; a row begins with its address, and a dark
    line is where a segment begins. What is not committed at the end of a segment is left out. Each column of a row is
    some bytes of the heap: from the bottom up those that the program has, overhead of the heap, unknown, free and
    uncommitted. A full heap is dark; one in crumbs has light everywhere.

    Parameters
    ----------
    dump : Dump
        A dump that holds the memory of its heaps.
    heap : int, optional
        Its address, ``heap_base`` in `Dump.by`; by default the one with most busy bytes.

    Returns
    -------
    altair.LayerChart
        Shares of the bytes of each column. Blocks with an allocation of their own are in no segment: the subtitle sums
        them up.

    Raises
    ------
    OptionError
        If the dump has no such heap, or nothing of it could be read.
    TypeError
        If `dump` is no `Dump`.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     dump = hd.read_dump(hd.testing.write_heap_dump(f"{folder}/app.dmp", stack_count=60).path)
    ...     drawn = hd.chart.heap_map(dump)
    >>> sorted({row["kind"] for row in drawn.to_dict()["datasets"]["cells"]})[:3]
    ['busy', 'free', 'overhead']
    """
    row = chosen_heap(dump, heap)
    found = layout(dump, row["heap_id"])
    subtitle = [_sums(row), *_beside(dump, row)]
    name = "part of a heap" if row["base"] is None else f"heap {row['base']:X}"
    title = alt.TitleParams(
        f"{name[0].upper()}{name[1:]} of {data.short(file_name(dump.path))}",
        subtitle=subtitle,
        anchor="start",
        offset=12,
    )
    drawn = _draw(found)
    left = [f"{address:X}" for address in found.rows]
    height = _ROW * max(1, len(found.rows))
    return drawn.properties(width=_WIDTH, height=height, title=title, padding=room.padding(title, _WIDTH, left=left))


def chosen_heap(dump: object, heap: int | None) -> dict[str, Any]:
    """Give the row of a heap that was read, by its address, or the one with most busy bytes."""
    if not isinstance(dump, Dump):
        raise TypeError(f"expected a Dump, found {type(dump).__name__}")
    read = dump.heaps.filter(pl.col("busy_bytes").is_not_null())
    if read.is_empty():
        raise OptionError(
            f"expected a dump with heaps that can be read, found none in {dump.path or 'bytes'}",
            hint=dump._held_words(),
            kind="option",
        )
    if heap is None:
        return read.sort("busy_bytes", "heap_id", descending=[True, False]).row(0, named=True)
    named = read.filter(pl.col("base") == heap)
    if named.is_empty():
        bases = ", ".join(f"0x{base:X}" for base in read["base"].drop_nulls().head(5).to_list())
        raise OptionError(f"expected the address of a heap that was read ({bases}), found 0x{heap:X}", kind="option")
    return named.row(0, named=True)


def _sums(row: dict[str, Any]) -> str:
    committed = row["committed_bytes"]
    shares = [
        f"{kind} {bytes_text(row[f'{kind}_bytes'])} ({share_text(row[f'{kind}_bytes'], committed)})"
        for kind in ("busy", "free", "overhead", "unknown")
        if row[f"{kind}_bytes"]
    ]
    return f"{bytes_text(committed)} committed: {', '.join(shares) or 'nothing in it'}"


def _beside(dump: Dump, row: dict[str, Any]) -> list[str]:
    """Say what is in no segment, and how far the heap is proved."""
    large = dump.segments.filter((pl.col("heap_id") == row["heap_id"]) & (pl.col("kind") == "large"))
    lines = []
    if large.height:
        sums = f"{bytes_text(total(large['busy_bytes']))} busy, {bytes_text(total(large['overhead_bytes']))} overhead"
        many = f"{plural(large.height, 'block')} with memory of {of_count(large.height, 'its', 'their')} own"
        lines.append(f"not drawn: {many}, {sums}")
    if row["trust"] != "proved":
        lines.append(f"the heap is {row['trust']}: not all of it is known")
    return lines


def _draw(found: Layout) -> alt.LayerChart:
    unit = data.unit_of(found.width)
    rows: list[dict[str, Any]] = []
    for cell in merged(found.cells):
        at = 0
        for kind, size in zip(KINDS, cell.parts, strict=True):
            if size:
                rows.append(
                    {
                        "kind": kind,
                        "left": cell.left / unit.size,
                        "right": (cell.left + cell.size) / unit.size,
                        "low": cell.row + 0.94 - 0.88 * at / cell.size,
                        "high": cell.row + 0.94 - 0.88 * (at + size) / cell.size,
                        "bytes": f"{bytes_text(size)} of {bytes_text(cell.size)}",
                        "address": f"{cell.address:X}",
                    }
                )
            at += size
    starts = [{"at": left / unit.size, "low": row + 0.02, "high": row + 0.98} for row, left in found.starts]
    labels = [{"low": row + 0.5, "label": f"{address:X}"} for row, address in enumerate(found.rows)]
    datasets = {"cells": rows, "starts": starts, "labels": labels}
    x = alt.Scale(domain=[0, found.width / unit.size], nice=False)
    y = alt.Scale(domain=[0, max(1, len(found.rows))], reverse=True, nice=False)
    axis = marks._axis("from the address at the left", unit, 0, found.width / unit.size)
    axis.grid = False
    return alt.LayerChart(layer=_layers(x, y, axis), datasets=datasets, view=alt.ViewBackground(stroke=None))


def _layers(x: alt.Scale, y: alt.Scale, axis: alt.Axis) -> list[alt.Chart]:
    colours = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    tooltip: Sequence[Any] = [alt.Tooltip("kind:N"), alt.Tooltip("bytes:N"), alt.Tooltip("address:N")]
    cells, starts = alt.Chart(alt.NamedData("cells")), alt.Chart(alt.NamedData("starts"))
    labels = alt.Chart(alt.NamedData("labels"))
    return [
        cells.mark_rect(strokeWidth=0).encode(
            x=alt.X("left:Q", scale=x, axis=axis),
            x2="right:Q",
            y=alt.Y("low:Q", scale=y, axis=None),
            y2="high:Q",
            color=alt.Color("kind:N", scale=colours, legend=marks.legend()),
            tooltip=list(tooltip),
        ),
        starts.mark_rule(color="#222", strokeWidth=2).encode(
            x=alt.X("at:Q", scale=x, axis=axis), y=alt.Y("low:Q", scale=y, axis=None), y2="high:Q"
        ),
        labels.mark_text(align="right", dx=-6, fontSize=10, color="#222", font="monospace").encode(
            x=alt.datum(0, scale=x), y=alt.Y("low:Q", scale=y, axis=None), text="label:N"
        ),
    ]
