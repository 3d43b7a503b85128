"""How large blocks are, before and after: a histogram with a bin for each power of two. Part of `chart`."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

import altair as alt
import polars as pl

from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.delta import Delta
from heapdelta._numbers import count_of_rows, total_of_known, wide_sum
from heapdelta._ranking import labels, size_classes
from heapdelta._ranking.measures import AFTER, BEFORE
from heapdelta._words import Unit, bytes_text, plural
from heapdelta.chart import _colours as colours_by
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart import _stacks as stacks_of
from heapdelta.chart._doubts import doubt_lines
from heapdelta.chart._page import harmless
from heapdelta.chart._text import chart_text, file_name
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._ranking.matched import Matched

_WIDTH = 560
_HEIGHT = 150
# Bars of the state before are wide and light; those of the state after are narrow and dark, and in front of them.
_BEFORE = "#c4cfd8"
_NARROW = 0.24
_WIDE = 0.04
_SIZE = "requested size of a block"
# Edges that can have a label each, and the fewest bins: a single one would be a wall.
_LABELS = 12
_BINS = 7


@harmless
def sizes(
    before: Snapshot | Delta,
    after: Snapshot | None = None,
    *,
    stack: int | None = None,
) -> alt.VConcatChart:
    r"""Draw how many blocks there are of which size, before and after, and how many bytes they hold.

    A bin reaches from one power of two to the next: 32 to 63 bytes, 64 to 127 bytes. Wide light bars are the state
    before, narrow dark ones in front of them the state after: where dark is above light, blocks of that size have
    become more. The upper panel counts blocks, the lower one their bytes, as a few large blocks can hold more than all
    small ones.

    Parameters
    ----------
    before : Snapshot or Delta
        The state before, or a delta, which has both, and its filters.
    after : Snapshot, optional
        The state after; only left out beside a delta.
    stack : int, optional
        Fingerprint of a stack, as `Delta.by` shows it: only its blocks, in the colour of its module. By default all
        blocks.

    Returns
    -------
    altair.VConcatChart
        Blocks, and requested bytes in bytes, KiB, MiB, GiB or TiB, by the requested size of one block.

    Raises
    ------
    OptionError
        If a log has no single blocks: it holds sums (umdh1, dh, dhcmp), or was read with ``blocks=False``. Or if no
        block of either log was asked for by `stack`.
    TypeError
        If these are not two snapshots of heap logs, or one delta.

    Examples
    --------
    >>> import heapdelta as hd
    >>> start = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> before = hd.read(start + b"30 bytes + 18 at 2E9FB00 by BackTrace7\n\\t776CDD82\n\n")
    >>> after = hd.read(start + b"140 bytes + 18 at 2E9FB00 by BackTrace7\n\\t776CDD82\n\n")
    >>> drawn = hd.chart.sizes(before, after)
    >>> [(row["bin"], row["state"]) for row in drawn.to_dict()["datasets"]["blocks"]]
    [('32 to 63 bytes', 'before'), ('256 to 511 bytes', 'after')]
    """
    sides = _sides(before, after)
    number = None if stack is None else _fingerprint(stack)
    matched = before._matched if isinstance(before, Delta) and before._matched.filtered else None
    bins = size_bins([_blocks(side, number, _kept(side, place, matched)) for place, side in enumerate(sides)])
    if bins.is_empty() and number is not None:
        raise OptionError(f"expected the fingerprint of a stack with blocks, found {stack}", kind="option")
    key = None if number is None else _key(before, sides, number)
    everything = "all stacks" if matched is None else "the stacks that filters leave"
    what = everything if key is None else data.short(key["name"][0])
    module = None if key is None else key["module"][0]
    names = [data.short(file_name(side.path)) for side in sides]
    subtitle = [f"{names[0]} → {names[1]}, {what}", *(_sum_line(bins, state) for state in ("before", "after"))]
    subtitle += doubt_lines(sides)
    title = alt.TitleParams("Blocks by their size", subtitle=subtitle, anchor="start", offset=12)
    colour = colours_by.ALL if module is None else colours_by.colour_of(chart_text(module))
    filtered = None if matched is None else matched.filtered
    stacks = [] if key is None else stacks_of.stack_rows(key, sides[::-1], filtered)
    return _draw(bins, colour, stacks).properties(title=title, padding=room.padding(title, _WIDTH))


def size_bins(sides: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Count blocks by the power of two below their size.

    `sides` are the blocks before and after: ``requested_bytes`` of each. Gives ``exponent`` i32 (-1: blocks of no
    bytes), ``state`` str, ``allocation_count`` and ``requested_bytes`` i128; sorted by exponent, before then after.
    Bins without a block have no row.
    """
    parts = []
    for state, blocks in zip(("before", "after"), sides, strict=True):
        counted = blocks.group_by(size_classes.exponent(pl.col("requested_bytes")).alias("exponent")).agg(
            count_of_rows().alias("allocation_count"), wide_sum(pl.col("requested_bytes"))
        )
        parts.append(counted.select("exponent", pl.lit(state).alias("state"), "allocation_count", "requested_bytes"))
    return pl.concat(parts).sort("exponent", "state", descending=[False, True])


def _sides(before: object, after: object) -> list[Snapshot]:
    if isinstance(before, Delta) and after is None:
        return before._together.snapshots
    sides = [side for side in (before, after) if isinstance(side, Snapshot)]
    if len(sides) != 2:
        wrong = next(side for side in (before, after) if not isinstance(side, Snapshot))
        found = "one snapshot" if wrong is None else type(wrong).__name__
        raise TypeError(f"expected two snapshots of heap logs, or one Delta, found {found}")
    return sides


def _fingerprint(value: object) -> int:
    if isinstance(value, SupportsIndex) and not isinstance(value, bool) and 0 <= index(value) < 1 << 64:
        return index(value)
    raise OptionError(f"expected the fingerprint of a stack, found {value!r}", kind="option")


def _kept(side: Snapshot, place: int, matched: Matched | None) -> pl.Series | None:
    """Tell which blocks of a side (0 is before) filters leave; None for all."""
    return None if matched is None else matched.kept_of(BEFORE if place == 0 else AFTER, side.allocations["stack_id"])


def _blocks(snapshot: Snapshot, fingerprint: int | None, kept: pl.Series | None = None) -> pl.DataFrame:
    """Give the requested bytes of single blocks, those that are kept, and of one stack if it is named."""
    blocks = snapshot.allocations
    name = snapshot.path or "bytes"
    if blocks.is_empty() and not snapshot.usage.is_empty():
        raise OptionError(
            f"expected a log read with its blocks, found {name} without them",
            hint="read it with blocks=True",
            kind="option",
        )
    if blocks["address"].null_count():
        raise OptionError(
            f"expected a log with a line for each block, found {name} ({snapshot.format}), which has sums",
            hint="UMDH of Windows XP and later writes single blocks",
            kind="option",
        )
    if kept is not None:
        blocks = blocks.filter(kept)
    if fingerprint is not None:
        wanted = snapshot.stacks.filter(pl.col("fingerprint") == fingerprint)["stack_id"]
        blocks = blocks.filter(pl.col("stack_id").is_in(wanted.implode()))
    return blocks.select("requested_bytes")


def _key(source: object, sides: Sequence[Snapshot], fingerprint: int) -> pl.DataFrame:
    """Say whose stack it is: as the delta has it, with its rules and filters; without one, as the logs have it."""
    rows = source.by("stack").filter(fingerprint=fingerprint) if isinstance(source, Delta) else pl.DataFrame()
    if rows.is_empty():
        return _stack_key(sides, fingerprint)
    return data.named_keys(rows.select("module", "function", "fingerprint", "status"))


def _stack_key(sides: Sequence[Snapshot], fingerprint: int) -> pl.DataFrame:
    """Say whose stack it is, by the frame it counts for: one row, with its ``name``."""
    own = pl.lit(fingerprint, dtype=pl.UInt64).alias("fingerprint")
    for side in reversed(sides):
        wanted = side.stacks.filter(pl.col("fingerprint") == fingerprint)
        blamed = side.blame().join(wanted, on="stack_id", how="semi").head(1)
        if blamed.height and blamed["frame_id"][0] is not None:
            frame = side.frames.filter(pl.col("frame_id") == blamed["frame_id"][0])
            named = frame.select("module", labels.function_label(frame), own, status=pl.lit("no module"))
            return data.named_keys(named)
    nobody = [pl.lit(None, dtype=pl.String).alias(name) for name in ("module", "function")]
    return data.named_keys(pl.select(*nobody, own, status=pl.lit("one stack")))


def _sum_line(bins: pl.DataFrame, state: str) -> str:
    side = bins.filter(pl.col("state") == state)
    count, size = (total_of_known(side[name]) for name in ("allocation_count", "requested_bytes"))
    return f"{state}: {plural(count, 'block')}, {bytes_text(size)}"


def _draw(bins: pl.DataFrame, colour: str, stacks: Sequence[dict[str, Any]]) -> alt.VConcatChart:
    most, largest = (max([0, *bins[name].to_list()]) for name in ("allocation_count", "requested_bytes"))
    unit = data.unit_of(largest)
    rows = []
    for row in bins.iter_rows(named=True):
        inset = _WIDE if row["state"] == "before" else _NARROW
        rows.append(
            {
                "name": stacks[0]["name"] if stacks else "",
                "bin": size_classes.text(row["exponent"]),
                "left": row["exponent"] + inset,
                "right": row["exponent"] + 1 - inset,
                "state": row["state"],
                "blocks": row["allocation_count"],
                "amount": row["requested_bytes"] / unit.size,
                "size": bytes_text(row["requested_bytes"]),
            }
        )
    low, high = _reach(bins["exponent"].to_list() or [0])
    counts = marks._axis("blocks", Unit("blocks", 1), 0, most)
    counts.title = "blocks"
    amounts = marks._axis("requested bytes", unit, 0, largest / unit.size)
    zero = alt.Scale(zero=True)
    panels = [
        _panel(_x(low, high, None), alt.Y("blocks:Q", axis=counts, scale=zero), colour, stacks, legend=True),
        _panel(_x(low, high, _SIZE), alt.Y("amount:Q", axis=amounts, scale=zero), colour, stacks, legend=False),
    ]
    apart = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
    datasets = {"blocks": rows, **({"stacks": list(stacks)} if stacks else {})}
    return alt.VConcatChart(vconcat=panels, datasets=datasets, spacing=14, resolve=apart)


def _reach(powers: Sequence[int]) -> tuple[int, int]:
    """First and last edge: all bins, and as many empty ones on both sides as make a histogram of them."""
    low, high = min(powers), max(powers) + 1
    missing = max(0, _BINS - (high - low))
    low = max(-1, low - missing // 2)
    return low, max(high, low + _BINS)


def _panel(x: alt.X, y: alt.Y, colour: str, stacks: Sequence[dict[str, Any]], *, legend: bool) -> alt.LayerChart:
    shown = marks.legend() if legend else None
    colours = alt.Scale(domain=["before", "after"], range=[_BEFORE, colour])
    tooltip: list[Any] = [
        alt.Tooltip("bin:N", title="size of a block"),
        "state:N",
        "blocks:Q",
        alt.Tooltip("size:N", title="bytes"),
    ]
    base = alt.Chart(alt.NamedData("blocks"), width=_WIDTH, height=_HEIGHT).encode(
        x=x,
        x2="right:Q",
        y=y,
        y2=alt.datum(0),
        color=alt.Color("state:N", scale=colours, legend=shown),
    )
    base = stacks_of.told(base, tooltip, stacks)
    layers = [
        base.transform_filter("datum.state == 'before'").mark_rect(stroke="#7a8894", strokeWidth=1),
        base.transform_filter("datum.state == 'after'").mark_rect(),
    ]
    return alt.LayerChart(layer=layers)


def _x(low: int, high: int, title: str | None) -> alt.X:
    """Draw ticks at powers of two; a number of the axis is an exponent, -1 stands for no bytes at all."""
    step = -(-(high - low) // _LABELS)
    cases = " : ".join(
        f"datum.value == {power} ? '{_edge_text(power)}'" for power in range(low, high + 1) if (power - low) % step == 0
    )
    axis = alt.Axis(
        title=title,
        values=list(range(low, high + 1)),
        labelExpr=f"{cases} : ''",
        labelFlush=False,
        labelOverlap=True,
        grid=False,
        domain=False,
    )
    return alt.X("left:Q", scale=alt.Scale(domain=[low, high], nice=False, zero=False), axis=axis)


def _edge_text(power: int) -> str:
    if power < 1:
        return "0" if power < 0 else "1"
    unit = data.unit_of(2 << power)
    return f"{(1 << power) // unit.size} {unit.name}"
