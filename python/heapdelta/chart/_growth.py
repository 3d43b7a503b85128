"""Growth since the first of several logs, as lines; a series has its verdicts at them. Part of `chart`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import altair as alt
import polars as pl

from heapdelta._capture import one_run
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.delta import Delta, diff
from heapdelta._numbers import total_of_known
from heapdelta._series.dump_series import DumpSeries
from heapdelta._series.series import Series
from heapdelta._words import bytes_text
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart._counters import counters_growth
from heapdelta.chart._doubts import doubt_lines
from heapdelta.chart._page import harmless
from heapdelta.chart._series import series_growth
from heapdelta.chart._text import file_name
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 560
_HEIGHT = 320
_STACKED = "heapdelta.series(snapshots) can be drawn with style='stacked'"


@harmless
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
        What each line is about, by default a module. A series has its own.
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
    data.check_top(top)
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
    doubts = doubt_lines(snapshots)
    title = alt.TitleParams(
        f"Growth by {by} since the first log",
        subtitle=[subtitle, *doubts] if doubts else subtitle,
        anchor="start",
        offset=12,
    )
    space = room.padding(title, _WIDTH, right=[row["label"] for row in drawn.datasets["labels"]])
    return drawn.properties(width=_WIDTH, height=_HEIGHT, title=title, padding=space)


def _chain(states: Sequence[Snapshot | Delta | Series | DumpSeries]) -> list[Delta]:
    """Take or make the differences from each snapshot to the next."""
    deltas = [state for state in states if isinstance(state, Delta)]
    snapshots = [state for state in states if isinstance(state, Snapshot)]
    if len(deltas) != len(states) and len(snapshots) != len(states):
        wrong = next(state for state in states if not isinstance(state, Delta if deltas else Snapshot))
        raise TypeError(f"expected snapshots of heap logs alone, or deltas alone, found {_wrong(wrong)}")
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


def _wrong(state: object) -> str:
    """Name what is no state of a chain, and what to do with it."""
    name = type(state).__name__
    if isinstance(state, Dump):
        return f"a {name}: growth(heapdelta.series(dumps)) draws what dumps count, regions(*dumps) their memory"
    if isinstance(state, Series | DumpSeries):
        return f"a {name}, which is drawn alone"
    if isinstance(state, Iterable) and not isinstance(state, str):
        return f"a {name}: growth(*states) takes them one by one, growth(heapdelta.series(states)) all"
    return name


def _amounts(ranking: pl.DataFrame, side: str) -> pl.DataFrame:
    return data.named(ranking).select("name", pl.col(f"requested_bytes_{side}").alias("requested_bytes"))


def _place_names(snapshots: Sequence[Snapshot]) -> list[str]:
    names = [file_name(snapshot.path) for snapshot in snapshots]
    return [f"{place}. {name}" for place, name in enumerate(names, start=1)]


def _subtitle(lines: pl.DataFrame) -> str:
    last = total_of_known(lines.filter(pl.col("point") == pl.col("point").max())["growth"])
    return f"{bytes_text(last, signed=True)} requested in all" if lines.height else "nothing changed"
