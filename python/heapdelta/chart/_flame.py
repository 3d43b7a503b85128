"""The call tree as a flame graph without motion, for a cell or a slide: growth and shrinkage apart. Part of `chart`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import altair as alt
import polars as pl

from heapdelta._capture.comparison import Comparison
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.delta import Delta
from heapdelta._numbers import wide_difference
from heapdelta._ranking.live import Live
from heapdelta._tree import table
from heapdelta._words import bytes_text, count_text, plural, share_text
from heapdelta.chart import _data as data
from heapdelta.chart import _room as room
from heapdelta.chart._doubts import doubt_lines
from heapdelta.chart._page import harmless
from heapdelta.chart._text import chart_text, file_name
from heapdelta.chart._waterfall import filter_words
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOP = 400
_WIDTH, _ROW, _SIZE = 900, 20, 10
# Narrower boxes are lines, of which nothing is to be seen.
_LEAST = 1.5
_COLOURS = {"total": "#d0d0d0", "module": "#d9d9d9", "frame": "#ececec"}
_OTHER = "#f3e6c8"
_GREW, _SHRANK = "#a8320a", "#7db4dc"
_WAYS = {"outward": "from the blamed frame outward", "inward": "from the start of the thread inward"}


@harmless
def flame(
    view: Delta | Comparison | Snapshot | Live,
    *,
    direction: Literal["outward", "inward"] = "outward",
    by: Literal["function", "module"] | None = None,
    top: int = _TOP,
) -> alt.LayerChart:
    r"""Draw through which calls memory grew, or is held, as a flame graph with labels.

    A box is one node of `Delta.tree`, those below it are its callers (outward) or what it calls (inward). It is as wide
    as all change below it, growth and shrinkage added up, so that a module that gave back as much as it took is seen;
    along its lower edge is growth, dark, and shrinkage, light. Of one log a box is as wide as what it holds. Where a
    box is of another module than the one above it, its name is bold.

    Parameters
    ----------
    view : Delta, Comparison, Snapshot or Live
        What it is about; filtered or not.
    direction : {"outward", "inward"}, default "outward"
        From the module that is blamed to its callers, or from the start of the thread to the blamed frame.
    by : {"function", "module"}, optional
        What one step is; by default functions, and modules where no frame has a function: neighbours of one are joined.
    top : int, default 400
        Boxes at most, 1 to 2,000: those of the most change.

    Returns
    -------
    altair.LayerChart
        `heapdelta.report` has one in which one can search and zoom.

    Raises
    ------
    OptionError
        If `top` is out of range, `direction` or `by` is none of its choices, or sums are not known.
    TypeError
        If `view` is nothing of the kind.

    Examples
    --------
    >>> import heapdelta as hd
    >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\tapp!f+1\n\tapp!main+2\n\n"
    >>> [box["name"] for box in hd.chart.flame(hd.read(log)).to_dict()["datasets"]["boxes"]]
    ['total', 'app', 'app!f', 'app!main']
    """
    data.check_top(top)
    if not isinstance(view, Delta | Comparison | Snapshot | Live):
        raise TypeError(f"expected a Delta, a Comparison, a Snapshot or a Live, found {type(view).__name__}")
    shown = view.live() if isinstance(view, Snapshot) else view
    if by is None:
        by = "function" if shown._matched.frames["function"].null_count() < shown._matched.frames.height else "module"
    return _drawn(shown, shown.tree(direction=direction, by=by), direction, top)


@harmless
def still(view: Delta | Comparison | Live) -> alt.LayerChart:
    """Draw what `flame` does, for paper: where nobody points at a box, stacks that did not change are nowhere."""
    named = view._matched.frames["function"].null_count() < view._matched.frames.height
    tree = table.tree(
        view._matched,
        direction="outward",
        by="function" if named else "module",
        allocators="trim",
        hide=(),
        live=isinstance(view, Live),
        changed=True,
    )
    return _drawn(view, tree, "outward", _TOP)


def _drawn(shown: Delta | Comparison | Live, tree: pl.DataFrame, direction: str, top: int) -> alt.LayerChart:
    live = isinstance(shown, Live)
    change = pl.col("requested_bytes") if live else wide_difference(pl.col(_PARTS[0]), pl.col(_PARTS[1]))
    tree = tree.with_columns(change.cast(pl.Float64).alias("change"))
    if tree["change"][0] is None:
        raise OptionError("expected known sums for a flame graph, found blocks whose size is not known", kind="option")
    boxes = _boxes(tree, top, live=live)
    title = _title(shown, live=live)
    above = alt.TitleParams(
        title,
        subtitle=[_subtitle(shown, tree, len(boxes), direction), *_doubts(shown)],
        anchor="start",
        offset=8,
    )
    depth = max(box["bottom"] for box in boxes)
    space = room.padding(above, _WIDTH)
    drawn: alt.LayerChart = alt.LayerChart(layer=_layers(depth), datasets={"boxes": boxes})
    drawn = drawn.configure_view(stroke=None)
    return drawn.properties(width=_WIDTH, height=_ROW * depth, title=above, padding=space)


_PARTS = ("requested_bytes_grown", "requested_bytes_shrunk")


def _boxes(tree: pl.DataFrame, top: int, *, live: bool) -> list[dict[str, Any]]:
    """Give the places of the widest nodes, in shares of the width, and what they are called."""
    whole = tree["change"][0] or 1.0
    least = _LEAST / _WIDTH * whole
    # A node comes behind its parent, which is as wide at least: so none is kept without its parent.
    kept = tree.filter((pl.col("change") >= least) | (pl.col("depth") == 0))
    kept = kept.sort("change", descending=True, maintain_order=True).head(top).sort("node_id")
    ends: dict[int, float] = {}
    boxes = []
    modules: dict[int, str | None] = {}
    for row in kept.iter_rows(named=True):
        left = ends.get(row["parent_id"], 0.0)
        right = left + row["change"] / whole
        ends[row["parent_id"]] = right
        ends[row["node_id"]] = left
        modules[row["node_id"]] = row["module"]
        name = chart_text(_name(row))
        own = _own_name(row, modules.get(row["parent_id"]), name)
        begins = row["kind"] == "module" or (
            row["module"] is not None and row["module"] != modules.get(row["parent_id"])
        )
        boxes.append(_box(row, name, chart_text(own), left, right, whole, live=live) | {"bold": begins})
    return boxes


def _box(
    row: dict[str, Any], name: str, own: str, left: float, right: float, whole: float, *, live: bool
) -> dict[str, Any]:
    size = row["requested_bytes" if live else "requested_bytes_delta"]
    amount = bytes_text(size, signed=not live)
    grown = 0.0 if live else left + (right - left) * (row[_PARTS[0]] / (row["change"] or 1))
    blocks = row["allocation_count" if live else "allocation_count_delta"]
    return {
        "name": name,
        "label": _fitted(f"{own}  {amount}", own, (right - left) * _WIDTH),
        "left": left,
        "right": right,
        "border": left if live else grown,
        "top": row["depth"],
        "bottom": row["depth"] + 1,
        "colour": _COLOURS.get(row["kind"], _OTHER),
        "amount": f"{amount}, {share_text(row['change'], whole, digits=1)} of all{'' if live else ' change'}",
        "parts": ""
        if live
        else f"{bytes_text(row[_PARTS[0]], signed=True)}, {bytes_text(row[_PARTS[1]], signed=True)}",
        "blocks": count_text(blocks, signed=not live),
        "stacks": plural(row["stack_count"], "stack"),
        "live": live,
    }


def _name(row: dict[str, Any]) -> str:
    module, function = row["module"], row["function"]
    if function is None:
        return module if module is not None else "no module" if row["kind"] == "module" else str(row["kind"])
    return function if module is None or function.startswith(f"{module}+0x") else f"{module}!{function}"


def _own_name(row: dict[str, Any], parent: str | None, name: str) -> str:
    """Leave out the module where the box above has it."""
    module, function = row["module"], row["function"]
    if function is None or module is None or module != parent:
        return name
    return str(function).removeprefix(module)


def _fitted(whole: str, name: str, pixels: float) -> str:
    """Cut a label to what a box has room for."""
    for text in (whole, name):
        if room.width(text, _SIZE) <= pixels - 6:
            return text
    count = int((pixels - 6) / room.width("n", _SIZE))
    return f"{name[: count - 1]}…" if count >= 4 else ""


def _layers(depth: int) -> list[alt.Chart]:
    base = alt.Chart(alt.NamedData("boxes"))
    tooltip = [alt.Tooltip(f"{field}:N") for field in ("name", "amount", "blocks", "stacks")]
    tooltip.insert(2, alt.Tooltip("parts:N", title="grown, shrunk"))
    scale = alt.Scale(domain=[0, 1], nice=False)
    down = alt.Scale(domain=[depth, 0], nice=False)

    def at(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=None)

    def high(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=down, axis=None)

    box = base.mark_rect(stroke="white", strokeWidth=1).encode(
        x=at("left"),
        x2="right:Q",
        y=high("top"),
        y2="bottom:Q",
        color=alt.Color("colour:N", scale=None, legend=None),
        tooltip=tooltip,
    )
    line = base.transform_filter("!datum.live").transform_calculate(
        from_="datum.bottom - 0.2", to="datum.bottom - 0.05"
    )
    bars = [
        line.transform_filter(f"datum.{right} > datum.{left}")
        .mark_rect(color=colour)
        .encode(x=at(left), x2=f"{right}:Q", y=high("from_"), y2="to:Q")
        for left, right, colour in (("left", "border", _GREW), ("border", "right", _SHRANK))
    ]
    labels = [
        base.transform_filter(f"datum.bold == {'true' if weight == 'bold' else 'false'}")
        .transform_calculate(middle="datum.top + 0.45")
        .mark_text(align="left", dx=3, fontSize=_SIZE, fontWeight=weight, color="#111")
        .encode(x=at("left"), y=high("middle"), text="label:N")
        for weight in ("normal", "bold")
    ]
    return [box, *bars, *labels]


def _title(view: Delta | Comparison | Live, *, live: bool) -> str:
    if isinstance(view, Delta):
        names = " → ".join(data.short(file_name(side.path)) for side in (view.before, view.after))
        return f"Through which calls: {names}"
    what = "Through which calls it is held" if live else "Through which calls"
    return f"{what}: {data.short(file_name(view.path))}" if view.path else what


def _subtitle(view: Delta | Comparison | Live, tree: pl.DataFrame, count: int, direction: str) -> str:
    live = isinstance(view, Live)
    size = bytes_text(tree["requested_bytes" if live else "requested_bytes_delta"][0], signed=not live)
    parts = [f"{size} {_WAYS[direction]}", filter_words(view._matched) if not live else None]
    if live and view._matched.filtered:
        parts.append(f"filters leave out {bytes_text(view.left_out['requested_bytes'].item())}")
    few = f"{count_text(count)} of {plural(tree.height, 'node')}, the others too small" if count < tree.height else None
    return ", ".join(filter(None, [*parts, few]))


def _doubts(view: Delta | Comparison | Live) -> Sequence[str]:
    if isinstance(view, Delta):
        return doubt_lines([view.before, view.after])
    return doubt_lines([view._log]) if isinstance(view, Live) else []
