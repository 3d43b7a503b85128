"""What one log holds, as bars. Part of `chart`."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from heapdelta._capture.snapshot import Snapshot
from heapdelta._numbers import total
from heapdelta._ranking.live import Live
from heapdelta._ranking.names import distinct
from heapdelta._words import bytes_text, count_text, share_text
from heapdelta.chart import _colours as colours
from heapdelta.chart import _data as data
from heapdelta.chart import _page as pages
from heapdelta.chart import _room as room
from heapdelta.chart import _stacks as stacks_of
from heapdelta.chart._doubts import doubt_lines
from heapdelta.chart._text import file_name

_WIDTH = 560
_OWN = "#1f5f99"


@pages.harmless
def live(log: Snapshot | Live, *, by: str = "module", top: int = 12) -> alt.LayerChart:
    r"""Draw what is live in a log, largest first; all smaller ones are one bar that says how many they are.

    Parameters
    ----------
    log : Snapshot or Live
        A heap log; or what `Snapshot.live` gives, filtered or not.
    by : {"module", "function", "stack", "heap", "trace", "size"}, default "module"
        What each bar is about.
    top : int, default 12
        How many bars of their own, 1 to 2,000.

    Returns
    -------
    altair.LayerChart
        Requested bytes, on an axis in bytes, KiB, MiB, GiB or TiB, with the share of all.

    Raises
    ------
    OptionError
        If `top` is out of range, or `by` makes no sense for the log.
    TypeError
        If `log` is nothing of the kind.

    Examples
    --------
    >>> import heapdelta as hd
    >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\tapp!f+1\n\n"
    >>> [bar["amount"] for bar in hd.chart.live(hd.read(log)).to_dict()["datasets"]["bars"]]
    ['64 bytes, 100.0 %']
    """
    data.check_top(top)
    if not isinstance(log, Snapshot | Live):
        raise TypeError(f"expected a Snapshot or what live() gives, found {type(log).__name__}")
    view = log.live() if isinstance(log, Snapshot) else log
    ranking = view.by(by)
    known = ranking.drop_nulls("requested_bytes")
    whole = view.total["requested_bytes"].item()
    first = data.named_keys(known.head(top))
    columns = first.select("name", "requested_bytes", "allocation_count")
    bars: list[tuple[str, int, int, bool]] = [(*row, False) for row in columns.rows()]
    rest = known.slice(top)
    if not rest.is_empty():
        size, count = (total(rest[name]) or 0 for name in ("requested_bytes", "allocation_count"))
        bars.append((f"{count_text(rest.height)} more", size, count, True))
    unknown = data.unknown_text(ranking.filter(pl.col("requested_bytes").is_null()).height, f"{by}s")
    out = view.left_out["requested_bytes"].item() if view._matched.filtered else None
    filters = None if not view._matched.filtered else f"filters leave out {bytes_text(out)}"
    subtitle = ", ".join(filter(None, [f"{bytes_text(whole)} live", unknown, filters]))
    title = f"Live by {by}: {data.short(file_name(view.path))}" if view.path else f"Live by {by}"
    doubts = doubt_lines([log if isinstance(log, Snapshot) else log._log])
    above = alt.TitleParams(title, subtitle=[subtitle, *doubts] if doubts else subtitle, anchor="start", offset=12)
    drawn = _draw(bars, whole, by, stacks_of.rows_of(first, view._matched))
    rows = drawn.datasets["bars"]
    space = room.padding(above, _WIDTH, left=[row["label"] for row in rows], right=[row["amount"] for row in rows])
    return drawn.properties(width=_WIDTH, height=alt.Step(23), title=above, padding=space)


def _draw(
    bars: list[tuple[str, int, int, bool]], whole: int | None, by: str, stacks: list[dict[str, Any]]
) -> alt.LayerChart:
    unit = data.unit_of(max((size for _, size, _, _ in bars), default=0))
    labels = distinct([data.short(name) for name, _, _, _ in bars])
    own = colours.colours_of(name for name, _, _, folded in bars if not folded) if by == "module" else {}
    rows = [
        {
            "name": name,
            "label": label,
            "size": size / unit.size,
            "amount": f"{bytes_text(size)}, {share_text(size, whole, digits=1)}",
            "blocks": count_text(count),
            "colour": colours.REST if folded else own.get(name, _OWN),
        }
        for (name, size, count, folded), label in zip(bars, labels, strict=True)
    ]
    reach = max((size for _, size, _, _ in bars), default=0) / unit.size or 1
    base = alt.Chart(alt.NamedData("bars")).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=0, ticks=False, domain=False)),
        x=alt.X(
            "size:Q",
            scale=alt.Scale(domain=[0, 1.3 * reach], nice=False),
            axis=alt.Axis(
                title=f"requested bytes ({unit.name})" if unit.size > 1 else "requested bytes",
                format=",~f",
                tickCount=6,
                gridColor="#e6e6e6",
                domain=False,
            ),
        ),
    )
    base = stacks_of.told(base, [alt.Tooltip("name:N"), alt.Tooltip("amount:N"), alt.Tooltip("blocks:N")], stacks)
    colour = alt.Color("colour:N", scale=None, legend=None)
    text = base.mark_text(align="left", dx=5, fontSize=11, color="#222").encode(text="amount:N")
    datasets = {"bars": rows, **({"stacks": stacks} if stacks else {})}
    return alt.LayerChart(layer=[base.mark_bar(height=15).encode(color=colour), text], datasets=datasets)
