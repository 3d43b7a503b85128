"""What the committed memory of each heap is: busy, overhead, free in one piece, free in crumbs. Part of `chart`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl

from heapdelta._numbers import total
from heapdelta._words import bytes_text, count_text, plural, share_text
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart._heap_map import COLOURS, chosen_heap
from heapdelta.chart._page import harmless
from heapdelta.chart._text import file_name

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump

_WIDTH = 420
_STEP = 24
_PARTS = {
    "busy": COLOURS["busy"],
    "overhead": COLOURS["overhead"],
    "unknown": COLOURS["unknown"],
    "free, the largest piece": "#c9e0f2",
    "free, other pieces": "#1f5f99",
}


@harmless
def fragmentation(dump: Dump, *, top: int = 12) -> alt.LayerChart:
    """Draw what the committed memory of each heap is made of, and how much of what is free lies in crumbs.

    One bar for each heap, with most committed bytes first: busy, overhead of the heap, unknown, then what is free, the
    largest piece apart from all others. At the right is how much is committed, and how much of it is free.

    Parameters
    ----------
    dump : Dump
        A dump that holds the memory of its heaps.
    top : int, default 12
        How many heaps have a bar; the others are one.

    Returns
    -------
    altair.LayerChart
        Shares of committed bytes.

    Raises
    ------
    OptionError
        If no heap could be read, or `top` is below 1 or above 2,000.
    TypeError
        If `dump` is no `Dump`.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     dump = hd.read_dump(hd.testing.write_heap_dump(f"{folder}/app.dmp", stack_count=20).path)
    ...     drawn = hd.chart.fragmentation(dump)
    >>> len(drawn.to_dict()["datasets"]["heaps"]) == dump.heaps.height
    True
    """
    data.check_top(top)
    chosen_heap(dump, None)
    heaps = dump.by("heap").filter(pl.col("committed_bytes").is_not_null())
    heaps = heaps.sort("committed_bytes", "heap_base", descending=[True, False], nulls_last=True)
    shown = [_row(row) for row in heaps.head(top).iter_rows(named=True)]
    rest = heaps.slice(top)
    if rest.height:
        names = [name for name in rest.columns if name.endswith("_bytes")]
        # The largest of several heaps is in one of them: no piece of the sum is one piece.
        sums = {name: total(rest[name]) for name in names} | {"largest_free_bytes": None, "fragmentation": None}
        shown.append(_row({"heap_base": None, **sums}, name=f"{count_text(rest.height)} more"))
    unread = dump.heaps.height - heaps.height
    all_of = {name: bytes_text(total(heaps[f"{name}_bytes"])) for name in ("committed", "requested", "free")}
    subtitle = [
        f"{all_of['committed']} committed in {plural(heaps.height, 'heap')}, {all_of['requested']} busy, "
        f"{all_of['free']} free"
    ]
    if unread:
        subtitle.append(f"without {plural(unread, 'heap')} that could not be read")
    title = alt.TitleParams(
        f"Heaps of {data.short(file_name(dump.path))}", subtitle=subtitle, anchor="start", offset=12
    )
    space = room.padding(title, _WIDTH, left=[row["heap"] for row in shown], right=[row["label"] for row in shown])
    return _draw(shown).properties(width=_WIDTH, height=_STEP * len(shown), title=title, padding=space)


def _row(row: dict[str, Any], name: str = "") -> dict[str, Any]:
    """Give the parts of one heap, and its words."""
    committed, free, largest = row["committed_bytes"], row["free_bytes"], row["largest_free_bytes"]
    whole = 0 if largest is None else largest
    sizes = dict(
        zip(
            _PARTS,
            (row["requested_bytes"], row["overhead_bytes"], row["unknown_bytes"], whole, free - whole),
            strict=True,
        )
    )
    scattered = row["fragmentation"]
    crumbs = "" if not scattered else f", {share_text(scattered, 1.0)} of it in crumbs"
    label = f"{bytes_text(committed)}, {bytes_text(free)} free{crumbs}"
    base = row["heap_base"]
    return {"heap": name or ("part" if base is None else f"{base:X}"), "sizes": sizes, "all": committed, "label": label}


def _draw(shown: list[dict[str, Any]]) -> alt.LayerChart:
    parts = []
    for row in shown:
        at = 0
        for kind, size in row["sizes"].items():
            if size and row["all"]:
                shares = {"begin": 100 * at / row["all"], "end": 100 * (at + size) / row["all"]}
                words = {"size": bytes_text(size), "share": share_text(size, row["all"], digits=1)}
                parts.append({"heap": row["heap"], "kind": kind, **shares, **words})
            at += size
    heaps = [{"heap": row["heap"], "label": row["label"], "end": 100} for row in shown]
    order = [row["heap"] for row in shown]
    y = alt.Y("heap:N", sort=order, title=None, axis=marks.NAMES)
    axis = alt.Axis(title="share of committed bytes (%)", gridColor=marks._GRID, domain=False, tickCount=5)
    scale = alt.Scale(domain=[0, 100], nice=False)
    colours = alt.Scale(domain=list(_PARTS), range=list(_PARTS.values()))
    bars = (
        alt.Chart(alt.NamedData("parts"))
        .mark_bar(height=15)
        .encode(
            x=alt.X("begin:Q", scale=scale, axis=axis),
            x2="end:Q",
            y=y,
            color=alt.Color("kind:N", scale=colours, legend=marks.legend(columns=3)),
            tooltip=[alt.Tooltip("heap:N"), alt.Tooltip("kind:N"), alt.Tooltip("size:N"), alt.Tooltip("share:N")],
        )
    )
    texts = (
        alt.Chart(alt.NamedData("heaps"))
        .mark_text(align="left", dx=6, fontSize=11, color="#222")
        .encode(x=alt.X("end:Q", scale=scale, axis=axis), y=y, text="label:N")
    )
    return alt.LayerChart(
        layer=[bars, texts], datasets={"parts": parts, "heaps": heaps}, view=alt.ViewBackground(stroke=None)
    )
