"""Charts of what grew: a delta, a series, dumps or a ranking in, an Altair chart out. Nothing comes from a network.

Importing this module makes our renderer Altair's, unless another one was chosen before: Altair's own shows a chart by
loading scripts from the internet.
"""

from __future__ import annotations

import html
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import altair as alt
import polars as pl

from heapdelta import _whole_file
from heapdelta._capture import one_run
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.delta import Delta, diff
from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._numbers import total_of_known
from heapdelta._picture import refuse_other
from heapdelta._ranking.names import noun_of
from heapdelta._series.dump_series import DumpSeries
from heapdelta._series.series import Series
from heapdelta._words import bytes_text
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _page as pages
from heapdelta.chart import _room as room
from heapdelta.chart import _stacks as stacks_of
from heapdelta.chart._counters import counters_growth
from heapdelta.chart._live import live
from heapdelta.chart._regions import regions
from heapdelta.chart._series import series_growth
from heapdelta.chart._sizes import sizes
from heapdelta.chart._slope import slope
from heapdelta.chart._survival import survival
from heapdelta.chart._text import file_name
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    Kind: TypeAlias = Literal["module", "stack", "function", "heap", "trace", "size"]

__all__ = ["enable", "growth", "live", "regions", "save", "sizes", "slope", "survival", "waterfall"]

_WIDTH = 560
_LINES_HEIGHT = 320
_STACKED = "heapdelta.series(snapshots) can be drawn with style='stacked'"


@pages.harmless
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
        What one bar stands for; without effect for a frame.
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
    _check_top(top)
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
    subtitle = unchanged if unknown is None else f"{unchanged}, {unknown}"
    sources = [] if isinstance(delta, pl.DataFrame) else delta._matched.sources
    stacks = stacks_of.stack_rows(data.contributions(frame, top)[0], sources)
    above = alt.TitleParams(title, subtitle=subtitle, anchor="start", offset=12)
    drawn = marks.bars_chart(bars, stacks)
    rows = drawn.datasets["bars"]
    space = room.padding(above, _WIDTH, left=[row["label"] for row in rows], right=[row["change"] for row in rows])
    return drawn.properties(width=_WIDTH, height=alt.Step(23), title=above, padding=space)


def _found(given: object) -> str:
    return "DumpDelta: chart.regions draws dumps" if isinstance(given, DumpDelta) else type(given).__name__


@pages.harmless
def growth(
    *states: Snapshot | Delta | Series | DumpSeries,
    by: Literal["module", "function", "heap"] | None = None,
    top: int = 8,
    style: Literal["lines", "stacked"] = "lines",
    warm_up_hours: float = 24.0,
) -> alt.LayerChart | alt.VConcatChart:
    """Draw how much each module grew, over a series, or since the first of several snapshots.

    A line that goes on rising looks like a leak; one that flattens, like a cache that has filled up. A series has its
    verdicts at the lines: each run of a line ends in the mark of its verdict, which is filled for a leak, and what the
    runs came to is behind the name. A restart is a dashed rule, and each run starts at zero; where logs are
    missing, the line is broken. Of dumps, bytes, handles and threads have a panel each.

    Parameters
    ----------
    *states : Series, DumpSeries, Snapshot or Delta
        One series, of logs or of dumps; or two or more snapshots in the order of time; or one or more deltas, each
        starting where the one before it ended.
    by : {"module", "function", "heap"}, optional
        What one line stands for, by default a module. A series has its own.
    top : int, default 8
        How many lines of their own, for those that changed most; all others are one dashed line that says how many they
        are, and how many leaks are among them. Of dumps in each panel, and without the others. At least 1.
    style : {"lines", "stacked"}, default "lines"
        Growth since the first log of each run as lines; or, for a series, all requested bytes as areas on each other,
        what is folded lowest.
    warm_up_hours : float, default 24
        For the verdicts of a series, as in `Series.growth`.

    Returns
    -------
    altair.LayerChart or altair.VConcatChart
        Requested bytes minus those in the first snapshot of the run; stacked, requested bytes; the second of dumps.
        Over the time of the logs where all of them tell it and it rises, else in their order.

    Raises
    ------
    OptionError
        If there are fewer than two snapshots, deltas do not follow each other, `top` is below 1 or above 2,000 (for a
        series 200), or an option does not fit the series.
    TypeError
        If `states` are not one series, all snapshots or all deltas.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = hd.testing.write_investigation(folder, steps=3, stack_count=60)
    ...     drawn = hd.chart.growth(*map(hd.read, story.paths), top=2)
    >>> sorted({row["name"] for row in drawn.to_dict()["datasets"]["lines"]})[-2:]
    ['fhcatalog', 'fhpreview']
    """
    _check_top(top)
    if len(states) == 1 and isinstance(states[0], Series):
        return series_growth(states[0], by, top, style, warm_up_hours)
    if len(states) == 1 and isinstance(states[0], DumpSeries):
        return counters_growth(states[0], by, top, style, warm_up_hours)
    if style != "lines":
        raise OptionError(f"expected style='lines' for snapshots, found {style!r}", hint=_STACKED, kind="option")
    return _growth_since(_chain(states), by or "module", top)


def _growth_since(deltas: Sequence[Delta], by: str, top: int) -> alt.LayerChart:
    snapshots = [deltas[0].before, *(delta.after for delta in deltas)]
    frames = [_amounts(deltas[0].by(by), "before"), *(_amounts(delta.by(by), "after") for delta in deltas)]
    lines = data.growth_lines(frames, top, f"{by}s")
    unknown = data.unknown_text(data.unknown_names(frames).len(), f"{by}s")
    subtitle = ", ".join(filter(None, [_subtitle(lines), unknown]))
    times = [snapshot.taken_at for snapshot in snapshots]
    known = [time for time in times if time is not None]
    timed = len(known) == len(times) and all(earlier < later for earlier, later in pairwise(known))
    drawn = marks.lines_chart(lines, known if timed else _place_names(snapshots))
    title = alt.TitleParams(f"Growth by {by} since the first log", subtitle=subtitle, anchor="start", offset=12)
    space = room.padding(title, _WIDTH, right=[row["label"] for row in drawn.datasets["labels"]])
    return drawn.properties(width=_WIDTH, height=_LINES_HEIGHT, title=title, padding=space)


def _chain(states: Sequence[Snapshot | Delta | Series | DumpSeries]) -> list[Delta]:
    """Take or make the differences from each snapshot to the next."""
    deltas = [state for state in states if isinstance(state, Delta)]
    snapshots = [state for state in states if isinstance(state, Snapshot)]
    if len(deltas) != len(states) and len(snapshots) != len(states):
        raise TypeError("expected snapshots of heap logs, or deltas of them, found something else among them")
    for earlier, later in pairwise(deltas):
        if later.before is not earlier.after and later.before.path != earlier.after.path:
            raise OptionError(
                f"expected a delta that starts at {earlier.after.path}, found one that starts at {later.before.path}",
                kind="option",
            )
    chain = deltas or [diff(earlier, later) for earlier, later in pairwise(snapshots)]
    if not chain:
        raise OptionError(f"expected two snapshots or more, found {len(snapshots)}", kind="option")
    # A stack whose module only the first log has counts for it in all differences of the chain.
    sides = pairwise(one_run.of_chain([chain[0].before, *(delta.after for delta in chain)]))
    return [delta._as_known(list(pair)) for delta, pair in zip(chain, sides, strict=True)]


def _amounts(ranking: pl.DataFrame, side: str) -> pl.DataFrame:
    return data.named(ranking).select("name", pl.col(f"requested_bytes_{side}").alias("requested_bytes"))


def _place_names(snapshots: Sequence[Snapshot]) -> list[str]:
    names = [file_name(snapshot.path) for snapshot in snapshots]
    return [f"{place}. {name}" for place, name in enumerate(names, start=1)]


def _title(delta: Delta | Comparison) -> str:
    sides = [delta.before.path, delta.after.path] if isinstance(delta, Delta) else [delta.path]
    names = [data.short(file_name(path)) for path in sides if path is not None]
    return f"What changed: {' → '.join(names)}" if names else "What changed"


def _subtitle(lines: pl.DataFrame) -> str:
    last = total_of_known(lines.filter(pl.col("point") == pl.col("point").max())["growth"])
    return f"{bytes_text(last, signed=True)} requested in all" if lines.height else "nothing changed"


def _check_top(top: int) -> None:
    if not 1 <= top <= 2_000:
        raise OptionError(f"expected a top of 1 to 2000, found {top}", kind="option")


def save(chart: alt.TopLevelMixin, path: str | PathLike[str]) -> Path:
    """Save a chart as a file that needs no network to be looked at, and of which no text acts.

    Parameters
    ----------
    chart : altair chart
        Any chart, not only ours.
    path : str or path-like
        Ends in ``.png`` (twice the size on screen), ``.svg`` or ``.html`` (with tooltips; about 0.9 MB, as the scripts
        are in it). A picture that is there is replaced when the new one is complete; anything else is not.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OptionError
        If the path ends in something else, or a file is there that is no picture: a log that was saved as a page, say.
    WriteError
        If the file cannot be written; what was there before is as it was.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".png", ".svg", ".html"):
        raise OptionError(f"expected a path that ends in .png, .svg or .html, found {path.name!r}", kind="option")
    refuse_other(path)
    _whole_file.check(path)
    _whole_file.write(path, pages.drawn(chart.to_dict(), suffix))
    return path


def enable(*, interactive: bool = False) -> None:
    """Show charts in notebooks without a network.

    Parameters
    ----------
    interactive : bool, default False
        False shows a picture (SVG); True a page of its own inside the cell, with tooltips, at 0.9 MB a chart.
    """
    alt.renderers.register("heapdelta", _render)
    alt.renderers.enable("heapdelta", interactive=interactive)


def _render(spec: dict[str, Any], *, interactive: bool = False, **_: object) -> dict[str, str]:
    if not interactive:
        return {"image/svg+xml": pages.svg(spec)}
    page, style = html.escape(pages.page(spec)), "width:100%;height:560px;border:0"
    return {"text/html": f'<iframe srcdoc="{page}" style="{style}" sandbox="allow-scripts"></iframe>'}


if alt.renderers.active == "default":
    enable()
