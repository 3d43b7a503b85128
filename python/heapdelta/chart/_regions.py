"""What committed memory is made of: one column for each dump, its classes one on the other. Part of `chart`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from heapdelta._capture.dump import Dump
from heapdelta._capture.dump_lists import DAMAGED, knows, list_state
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._diff.dump_notes import PRIVATE_CLASSES
from heapdelta._numbers import wide_sum
from heapdelta._ranking.names import distinct
from heapdelta._words import Unit, bytes_text, plural, share_text
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart._page import harmless
from heapdelta.chart._region_parts import FOLDED, Part, region_parts
from heapdelta.chart._text import file_name
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEIGHT = 340
# Pixels from the middle of one column to that of the next.
_STEP = 160
_HALF = 0.3
# Columns' worth of room for the names at the right.
_ROOM = 1.75
# Characters that fit below a column.
_FOOT = 20
# A segment with more than this share of the highest column has room for its size.
_TALL = 0.055

# In the order of `_chart_parts.CLASSES`: dark and light take turns, so that neighbours are told apart without colour.
_COLOURS = {
    "heap": "#8f2a08",
    "private": "#e39a4a",
    "stack": "#1f5f99",
    "mapped": "#b9d9f0",
    "image": "#6b6b6b",
    "teb": "#a58fc0",
    "peb": "#4a3a63",
    "unknown": "#3a3a3a",
    FOLDED: "#dcdcdc",
}
_LIGHT = ("private", "mapped", "teb", FOLDED)


@harmless
def regions(*states: Dump | DumpDelta) -> alt.LayerChart:
    """Draw what the committed memory of a process is made of, before and after.

    One column for each dump, from the bottom up: heap, other private memory, stacks, mapped files, images. The names
    are at the right, with the size in the last dump and the change since the first. Classes that are too small to be
    seen are one segment, which names them all. Thin lines lead from each class to itself in the next column.

    Parameters
    ----------
    *states : Dump or DumpDelta
        One dump or more in the order of time, or one delta.

    Returns
    -------
    altair.LayerChart
        Committed bytes, on an axis in bytes, KiB, MiB, GiB or TiB. Free and reserved memory is not drawn.

    Raises
    ------
    OptionError
        If a dump does not list its regions, or there is no dump at all.
    TypeError
        If `states` are neither dumps nor one delta.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = hd.testing.write_dump_investigation(folder, stack_count=60)
    ...     drawn = hd.chart.regions(*map(hd.read, story.paths))
    >>> [row["label"] for row in drawn.to_dict()["datasets"]["labels"]][-1]
    'heap: 1.56 MiB (+692 KiB)'
    """
    dumps = _dumps(states)
    columns = [_committed(dump) for dump in dumps]
    parts = region_parts(columns)
    names = distinct([file_name(dump.path) for dump in dumps])
    drawn, width = _draw(parts, names), _STEP * (len(dumps) + _ROOM)
    subtitle = _subtitle(columns, names) + _damage(dumps, names)
    title = alt.TitleParams(_title(names), subtitle=subtitle, anchor="start", offset=12)
    labels = [row["label"] for row in drawn.datasets["labels"]]
    space = room.padding(title, width, right=labels)
    return drawn.properties(width=width, height=_HEIGHT, title=title, padding=space)


def _title(names: Sequence[str]) -> str:
    if len(names) > 2:
        return f"Committed memory in {len(names)} dumps"
    return f"Committed memory: {' → '.join(map(data.short, names))}"


def _dumps(states: Sequence[object]) -> list[Dump]:
    if len(states) == 1 and isinstance(states[0], DumpDelta):
        return _listing([states[0].before, states[0].after])
    dumps = [state for state in states if isinstance(state, Dump)]
    if len(dumps) != len(states):
        wrong = next(state for state in states if not isinstance(state, Dump))
        kind = "a heap log, which has no regions" if isinstance(wrong, Snapshot) else type(wrong).__name__
        if isinstance(wrong, list | tuple):
            kind += ": regions(*dumps) takes them one by one"
        raise TypeError(f"expected dumps, or one DumpDelta, found {kind}")
    if not dumps:
        raise OptionError("expected one dump or more, found none", kind="option")
    return _listing(dumps)


def _listing(dumps: list[Dump]) -> list[Dump]:
    for dump in dumps:
        if not knows(dump, "regions"):
            raise OptionError(
                f"expected a dump that lists its regions, found {dump.path or 'bytes'} without MemoryInfoListStream",
                hint="a dump with MiniDumpWithFullMemoryInfo lists them (procdump -ma)",
                kind="option",
            )
    return dumps


def _committed(dump: Dump) -> dict[str, int]:
    """Sum up committed bytes by class."""
    sums = dump.regions.filter(pl.col("state") == "commit").group_by("class").agg(wide_sum(pl.col("size")))
    return dict(sums.iter_rows())


def _subtitle(columns: Sequence[dict[str, int]], names: Sequence[str]) -> list[str]:
    first, last = columns[0], columns[-1]
    total = f"{bytes_text(sum(last.values()))} committed"
    if len(columns) == 1:
        return [total]
    changes = {kind: last.get(kind, 0) - first.get(kind, 0) for kind in {*first, *last}}
    grown = bytes_text(sum(changes.values()), signed=True)
    lines = [f"{total}, {grown}" if any(changes.values()) else f"{total}, no change"]
    if any(changes.get(kind, 0) for kind in PRIVATE_CLASSES):
        lines.append(f"a dump does not tell whose private memory ({', '.join(PRIVATE_CLASSES)}) it is")
    without = [name for name, column in zip(names, columns, strict=True) if not column.get("heap", 0)]
    if without and len(without) < len(names):
        lines.append(f"{', '.join(map(data.short, without))}: no heap is recognised, so heaps are private there")
    return lines


def _damage(dumps: Sequence[Dump], names: Sequence[str]) -> list[str]:
    broken = [
        data.short(name) for dump, name in zip(dumps, names, strict=True) if list_state(dump, "regions") == DAMAGED
    ]
    return [f"{', '.join(broken)}: the list of regions is damaged, so there is at least this much"] if broken else []


def _draw(parts: Sequence[Part], names: Sequence[str]) -> alt.LayerChart:
    last = len(names) - 1
    highest = max((part.end for part in parts), default=0)
    unit = data.unit_of(highest)
    top = highest / unit.size
    segments = [
        {
            "name": part.name,
            "kind": part.kind if part.kind in _COLOURS else "unknown",
            "left": part.state - _HALF,
            "right": part.state + _HALF,
            "begin": part.begin / unit.size,
            "end": part.end / unit.size,
            "size": bytes_text(part.size),
            "exact": plural(part.size, "byte"),
            "inside": bytes_text(part.size) if part.size > _TALL * highest else "",
            "dump": names[part.state],
        }
        for part in parts
    ]
    sums = [max((part.end for part in parts if part.state == state), default=0) for state in range(len(names))]
    feet = [
        {
            "at": state,
            "name": name,
            "foot": data.short(name, _FOOT),
            "sum": amount / unit.size,
            "total": bytes_text(amount),
        }
        for state, (name, amount) in enumerate(zip(names, sums, strict=True))
    ]
    labels = _labels(parts, last, unit, top)
    datasets = {"segments": segments, "labels": labels, "links": _links(parts, unit), "dumps": feet}
    x_scale = alt.Scale(domain=[-0.5, last + 0.5 + _ROOM], nice=False)
    y_scale = alt.Scale(domain=[0, 1.08 * top or 1], nice=False)
    axis = marks._axis("committed bytes", unit, 0, top)
    # The sizes are written out, and lines would run through the names at the right.
    axis.grid = False
    view = alt.ViewBackground(stroke=None)
    return alt.LayerChart(layer=_layers(x_scale, y_scale, axis), datasets=datasets, view=view)


def _links(parts: Sequence[Part], unit: Unit) -> list[dict[str, Any]]:
    """Lines from the upper edge of each segment to that of the same class in the next column."""
    by_name: dict[str, list[Part]] = {}
    for part in parts:
        by_name.setdefault(part.name, []).append(part)
    return [
        {
            "left": part.state + _HALF,
            "right": following.state - _HALF,
            "from": part.end / unit.size,
            "to": following.end / unit.size,
        }
        for same in by_name.values()
        for part, following in pairwise(same)
    ]


def _labels(parts: Sequence[Part], last: int, unit: Unit, top: float) -> list[dict[str, Any]]:
    """Names at the right, from the highest down: none hides another."""
    ends = [part for part in parts if part.state == last][::-1]
    before = {part.name: part.size for part in parts if part.state == 0}
    total = sum(part.size for part in ends)
    middles = [(part.begin + part.end) / 2 / unit.size for part in ends]
    places = data.spread(middles, 0, top or 1)
    rows = []
    for part, middle, place in zip(ends, middles, places, strict=True):
        share = share_text(part.size, total, digits=1) if total else ""
        change = bytes_text(part.size - before[part.name], signed=True) if last else share
        same = last and part.size == before[part.name]
        rows.append(
            {
                "left": last + _HALF,
                "right": last + _HALF + 0.12,
                "middle": middle,
                "place": place,
                "label": f"{part.name}: {bytes_text(part.size)} ({'no change' if same else change})",
            }
        )
    return rows


def _layers(x_scale: alt.Scale, y_scale: alt.Scale, axis: alt.Axis) -> list[alt.Chart]:
    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=x_scale, axis=None)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=y_scale, axis=axis)

    colours = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    tooltip = [alt.Tooltip(f"{field}:N", title=title) for field, title in _TOOLTIP]
    segments, labels = alt.Chart(alt.NamedData("segments")), alt.Chart(alt.NamedData("labels"))
    links, dumps = alt.Chart(alt.NamedData("links")), alt.Chart(alt.NamedData("dumps"))
    inside = segments.transform_calculate(
        middle="(datum.begin + datum.end) / 2", centre="(datum.left + datum.right) / 2"
    ).mark_text(fontSize=11)
    light = alt.FieldOneOfPredicate(field="kind", oneOf=list(_LIGHT))
    return [
        links.mark_rule(color=marks._RULE, strokeWidth=1).encode(x=x("left"), x2="right:Q", y=y("from"), y2="to:Q"),
        segments.mark_rect(stroke="white", strokeWidth=1).encode(
            x=x("left"),
            x2="right:Q",
            y=y("begin"),
            y2="end:Q",
            color=alt.Color("kind:N", scale=colours, legend=None),
            tooltip=tooltip,
        ),
        inside.encode(
            x=x("centre"),
            y=y("middle"),
            text="inside:N",
            color=alt.condition(light, alt.value("#222"), alt.value("white")),
            tooltip=tooltip,
        ),
        labels.mark_rule(color=marks._RULE, strokeWidth=1).encode(
            x=x("left"), x2="right:Q", y=y("middle"), y2="place:Q"
        ),
        labels.mark_text(align="left", dx=4, fontSize=11, color="#222").encode(
            x=x("right"), y=y("place"), text="label:N"
        ),
        dumps.mark_text(dy=-8, fontSize=11, fontWeight="bold", color="#222").encode(
            x=x("at"), y=y("sum"), text="total:N"
        ),
        dumps.transform_calculate(floor="0")
        .mark_text(dy=14, fontSize=11, color="#222")
        .encode(x=x("at"), y=y("floor"), text="foot:N"),
    ]


_TOOLTIP = [("name", "class"), ("size", "committed"), ("exact", "exact"), ("dump", "dump")]
