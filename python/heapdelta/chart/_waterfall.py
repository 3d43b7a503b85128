"""How a total before became a total after: a waterfall. Part of `chart`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import altair as alt
import polars as pl

from heapdelta._capture.comparison import Comparison
from heapdelta._diff.delta import Delta
from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._ranking.names import noun_of
from heapdelta._words import bytes_text
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart import _stacks as stacks_of
from heapdelta.chart._doubts import doubt_lines
from heapdelta.chart._page import harmless
from heapdelta.chart._text import file_name

if TYPE_CHECKING:
    from heapdelta._ranking.matched import Matched

    Kind: TypeAlias = Literal["module", "stack", "function", "heap", "trace", "size"]

_WIDTH = 560


@harmless
def waterfall(delta: Delta | Comparison | pl.DataFrame, *, by: Kind = "module", top: int = 12) -> alt.LayerChart:
    """Draw how the total before became the total after.

    From top to bottom: the total before, what grew (largest first), what shrank (largest first), all smaller changes as
    one bar that says how many they are, the total after. Each bar starts where the one above it ended. Growth is drawn
    dark and labelled ``+``, shrinkage light and labelled ``−``. Where the changes are too small to be seen beside the
    totals, the axis shows the change alone and says so.

    Parameters
    ----------
    delta : Delta, Comparison or polars.DataFrame
        What changed; a frame as `Delta.by` gives it.
    by : {"module", "stack", "function", "heap", "trace", "size"}, default "module"
        What each bar is about; without effect for a frame.
    top : int, default 12
        How many changes have a bar of their own, at least 1.

    Returns
    -------
    altair.LayerChart
        Requested bytes, on an axis in bytes, KiB, MiB, GiB or TiB.

    Raises
    ------
    OptionError
        If `top` is below 1 or above 2,000, or `by` makes no sense for the data.
    TypeError
        If `delta` is nothing of the kind.

    Examples
    --------
    >>> import polars as pl
    >>> from heapdelta import chart
    >>> ranking = pl.DataFrame(
    ...     {
    ...         "module": ["app", "net"],
    ...         "requested_bytes_before": [4096, 0],
    ...         "requested_bytes_after": [8192, 100],
    ...         "requested_bytes_delta": [4096, 100],
    ...     }
    ... )
    >>> [bar["change"] for bar in chart.waterfall(ranking).to_dict()["datasets"]["bars"]]
    ['4.00 KiB', '+4.00 KiB', '+100 bytes', '8.10 KiB']
    """
    data.check_top(top)
    if isinstance(delta, pl.DataFrame):
        frame, title = delta, "What changed"
    elif isinstance(delta, Delta | Comparison):
        frame, title = delta.by(by), _title(delta)
    else:
        raise TypeError(f"expected a Delta, a Comparison or a frame, found {_found(delta)}")
    bars = data.waterfall_bars(frame, top)
    before, after = bars[0].end, bars[-1].end
    unknown = data.unknown_text(data.known_rows(frame)[1], noun_of(frame))
    unchanged = f"{bytes_text(after - before, signed=True)} requested" if after != before else "no change of the total"
    matched = None if isinstance(delta, pl.DataFrame) else delta._matched
    subtitle = ", ".join(filter(None, [unchanged, unknown, filter_words(matched)]))
    stacks = stacks_of.rows_of(data.contributions(frame, top)[0], matched)
    doubts = doubt_lines([delta.before, delta.after] if isinstance(delta, Delta) else [])
    above = alt.TitleParams(title, subtitle=[subtitle, *doubts] if doubts else subtitle, anchor="start", offset=12)
    drawn = marks.bars_chart(bars, stacks)
    rows = drawn.datasets["bars"]
    space = room.padding(above, _WIDTH, left=[row["label"] for row in rows], right=[row["change"] for row in rows])
    return drawn.properties(width=_WIDTH, height=alt.Step(23), title=above, padding=space)


def _found(given: object) -> str:
    return "DumpDelta: chart.regions draws dumps" if isinstance(given, DumpDelta) else type(given).__name__


def _title(delta: Delta | Comparison) -> str:
    sides = [delta.before.path, delta.after.path] if isinstance(delta, Delta) else [delta.path]
    names = [data.short(file_name(path)) for path in sides if path is not None]
    return f"What changed: {' → '.join(names)}" if names else "What changed"


def filter_words(matched: Matched | None) -> str | None:
    """Say what filters leave out of a difference; None without one."""
    if matched is None or not matched.filtered:
        return None
    grown = matched.total(matched.left_out)["requested_bytes_delta"].item()
    return f"filters leave out {bytes_text(grown, signed=True)}"
