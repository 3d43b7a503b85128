"""What became of the blocks born between two logs: those still there beside those that are gone. Part of `chart`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import altair as alt
import polars as pl

from heapdelta._numbers import total_of_known, wide_sum
from heapdelta._words import Unit, count_text, plural, share_text
from heapdelta.chart import _colours as colours_by
from heapdelta.chart import _data as data
from heapdelta.chart import _marks as marks
from heapdelta.chart import _room as room
from heapdelta.chart import _series_lines as lines_of
from heapdelta.chart import _stacks as stacks_of
from heapdelta.chart import _time_axis as time
from heapdelta.chart._doubts import doubt_lines
from heapdelta.chart._page import harmless
from heapdelta.chart._text import chart_text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._series.series import Series
    from heapdelta._series.survival import Survival

_MOST = 30
_HEIGHT = 84
KEPT, GONE, YOUNG = "still there in the run's last log", "gone by then", "new in the run's last log: too young to tell"
_SHADES = {GONE: "#d9dfe4", YOUNG: "#8fa3b3"}
_ALL = "all stacks"
# Columns of the table that a name is made of.
_KEYS = {
    "module": ["module", "status"],
    "function": ["module", "function", "status"],
    "stack": ["fingerprint", "module", "function", "status"],
}


@harmless
def survival(
    source: Survival | Series, *, by: Literal["module", "function", "stack"] = "module", top: int = 4
) -> alt.VConcatChart:
    """Draw what became of the blocks: how many were born between two logs, and how many of these are still there.

    A leak keeps its young: its bars are dark from first to last. A cache trades them: only the last bars have a dark
    foot, as the blocks of the first ones are gone. The uppermost panel shows all stacks together, and each panel below
    a module, in its colour. A bar is as wide as the time between the two logs.

    Parameters
    ----------
    source : Survival or Series
        What became of the blocks; or a series of logs read with their blocks, of which it is found out.
    by : {"module", "function", "stack"}, default "module"
        What each panel is about.
    top : int, default 4
        How many panels below the first, for those that hold most bytes born after the first log. 0 to 30.

    Returns
    -------
    altair.VConcatChart
        Blocks over the time of the logs. Blocks of the first log of a run are named in words only: nobody knows when
        they were born. Those born just before the last log have a shade of their own: they had no time to die.

    Raises
    ------
    OptionError
        If `by` or `top` has a value that it does not take, or the logs have no blocks to follow.
    TypeError
        If `source` is neither of the two.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = hd.testing.write_series(folder, days=2, stack_count=60, restart_after=None)
    ...     drawn = hd.chart.survival(hd.series(hd.read_many(folder, blocks=True)), top=1)
    >>> [panel["title"]["text"] for panel in drawn.to_dict()["vconcat"]]
    ['all stacks', 'fhpreview']
    """
    from heapdelta._series.series import Series
    from heapdelta._series.survival import Survival

    if by not in _KEYS:
        raise OptionError(f"expected one of {', '.join(_KEYS)}, found {by!r}", kind="option")
    if not 0 <= top <= _MOST:
        raise OptionError(f"expected a top of 0 to {_MOST}, found {top}", kind="option")
    if isinstance(source, Series):
        source = source.survival()
    if not isinstance(source, Survival):
        raise TypeError(f"expected a Survival or a Series, found {type(source).__name__}")
    shown, left_out = panels(source.table, by, top)
    subtitle = [time.describe(source.points), *([f"{plural(left_out, f'more {by}')} not drawn"] if left_out else [])]
    subtitle += doubt_lines(source._snapshots)
    title = alt.TitleParams("Blocks born, and still there", subtitle=subtitle, anchor="start", offset=12)
    keys = [panel.keys for panel in shown if panel.keys.height]
    stacks = stacks_of.stack_rows(pl.concat(keys), source._snapshots) if keys else []
    drawn = draw(shown, source.points, stacks)
    sentences = [text for text in map(_sentence, shown) if room.width(text, 12) > time.WIDTH]
    return drawn.properties(title=title, padding=room.padding(title, time.WIDTH, right=sentences))


@dataclass(frozen=True)
class Panel:
    """The births of one name.

    `births` has one row per interval: ``run``, ``begin`` and ``end`` u32 (points; of the first birth and the last in
    it), ``born``, ``kept`` i128 blocks, ``young`` bool (born just before the last log of the run). `older` counts the
    blocks of the first logs, `older_kept` those of them that are still there. `keys` is the row of its key
    and ``name``; none for all stacks.
    """

    name: str
    births: pl.DataFrame
    older: int
    older_kept: int
    keys: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def module(self) -> str | None:
        """Whose blocks these are; None for all, and where it is not known."""
        module = self.keys["module"][0] if self.keys.height else None
        return None if module is None else chart_text(module)

    def grown_up(self) -> tuple[int, int]:
        """Blocks born between the first and the last log of a run, and those of them that are still there."""
        old_enough = self.births.filter(~pl.col("young"))
        return total_of_known(old_enough["born"]), total_of_known(old_enough["kept"])


def panels(table: pl.DataFrame, by: str, top: int) -> tuple[list[Panel], int]:
    """Give all stacks together, then the names of whose young most bytes are left; and how many names are not shown."""
    named = _named(table, by)
    edges = table.group_by("run").agg(pl.col("point").min().alias("first"), pl.col("point").max().alias("last"))
    known = named.join(edges, on="run")
    left = known.filter((pl.col("point") == pl.col("last")) & (pl.col("born") > pl.col("first")))
    ranked = (
        left.group_by("name")
        .agg(wide_sum(pl.col("requested_bytes")))
        .sort("requested_bytes", "name", descending=[True, False])
    )
    chosen = ranked["name"].head(top).to_list()
    shown = [_panel(_ALL, known)]
    parts = known.filter(pl.col("name").is_in(chosen)).partition_by("name", as_dict=True)
    keys = [parts[(name,)].select(_KEYS[by]).head(1) for name in chosen]
    # Among the few that are shown, fewer digits of a fingerprint tell stacks apart.
    renamed = data.named_keys(pl.concat(keys)) if keys else known.clear()
    for place, name in enumerate(chosen):
        key = renamed.slice(place, 1)
        shown.append(replace(_panel(key["name"][0], parts[(name,)]), keys=key))
    return shown, named["name"].n_unique() - len(chosen)


def _named(table: pl.DataFrame, by: str) -> pl.DataFrame:
    keys = _KEYS[by]
    names = data.named_keys(table.select(keys).unique(maintain_order=True))
    return table.join(names, on=keys, how="left", nulls_equal=True)


def _panel(name: str, rows: pl.DataFrame) -> Panel:
    count, at = pl.col("allocation_count"), pl.col("point")
    sums = rows.group_by("run", "born", "first", "last").agg(
        wide_sum(count.filter(at == pl.col("born"))).alias("count"),
        wide_sum(count.filter(at == pl.col("last"))).alias("kept"),
    )
    older = sums.filter(pl.col("born") == pl.col("first"))
    births = sums.filter(pl.col("born") > pl.col("first")).sort("run", "born")
    births = births.select(
        "run",
        (pl.col("born") - 1).alias("begin"),
        pl.col("born").alias("end"),
        pl.col("count").alias("born"),
        "kept",
        (pl.col("born") == pl.col("last")).alias("young"),
    )
    return Panel(name, births, total_of_known(older["count"]), total_of_known(older["kept"]))


def thinned(births: pl.DataFrame, most: int) -> pl.DataFrame:
    """Put neighbouring intervals together until there are at most `most`; no block is lost."""
    size = -(-births.height // most) if births.height > most else 1
    if size == 1:
        return births
    place = pl.int_range(pl.len()).over("run") // size
    together = births.with_columns(place.alias("place")).group_by("run", "young", "place", maintain_order=True)
    sums = together.agg(
        pl.col("begin").first(), pl.col("end").last(), wide_sum(pl.col("born")), wide_sum(pl.col("kept"))
    )
    return sums.select(births.columns)


def draw(shown: Sequence[Panel], points: pl.DataFrame, stacks: Sequence[dict[str, Any]] = ()) -> alt.VConcatChart:
    """Draw one panel below the other, over one axis of time."""
    axis = time.axis_of(points)
    words = time.words(lines_of.breaks(points), axis)
    most = max(2, data.MARKS // (3 * len(shown)))
    drawn, datasets = [], {"breaks": words, **({"stacks": list(stacks)} if stacks else {})}
    own = colours_by.colours_of(panel.module for panel in shown if panel.module)
    for number, panel in enumerate(shown):
        name = f"births_{number}"
        datasets[name] = _rows(panel.name, thinned(panel.births, most), axis)
        colour = own[panel.module] if panel.module else colours_by.ALL
        highest = max([0, *panel.births["born"].to_list()])
        shown_axis = axis if number == len(shown) - 1 else axis.without_labels()
        title = alt.TitleParams(
            data.short(panel.name), subtitle=_sentence(panel), anchor="start", frame="group", fontSize=12, color=colour
        )
        # The words of breaks are between the legend and the first picture.
        legend = (time.offset(words) if words else 4) if number == 0 else None
        layers = [
            *time.break_layers(shown_axis, named=number == 0),
            _bars(name, shown_axis, highest, colour, stacks if panel.keys.height else (), legend=legend),
        ]
        drawn.append(alt.LayerChart(layer=layers).properties(width=time.WIDTH, height=_HEIGHT, title=title))
    apart = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
    return alt.VConcatChart(vconcat=drawn, datasets=datasets, spacing=10, resolve=apart)


def _rows(name: str, births: pl.DataFrame, axis: time.Axis) -> list[dict[str, Any]]:
    rows = []
    for row in births.iter_rows(named=True):
        kinds = (
            [(YOUNG, 0, row["born"])] if row["young"] else [(KEPT, 0, row["kept"]), (GONE, row["kept"], row["born"])]
        )
        rows += [
            {
                "name": name,
                "at": axis.places[row["begin"]],
                "to": axis.places[row["end"]],
                "from": low,
                "up": high,
                "kind": kind,
                "words": f"{plural(row['born'], 'block')} born, {count_text(row['kept'])} still there",
                "when": f"{axis.texts[row['begin']]} to {axis.texts[row['end']]}",
            }
            for kind, low, high in kinds
            if high > low
        ]
    return rows


def _bars(
    name: str, axis: time.Axis, highest: int, colour: str, stacks: Sequence[dict[str, Any]], *, legend: int | None
) -> alt.Chart:
    counts = marks._axis("blocks born", Unit("blocks", 1), 0, highest)
    counts.title, counts.tickCount = "blocks", 3
    shades = {KEPT: colour, **_SHADES}
    colours = alt.Scale(domain=list(shades), range=list(shades.values()))
    bars: alt.Chart = alt.Chart(alt.NamedData(name)).mark_rect(stroke="white", strokeWidth=0.8)
    drawn: alt.Chart = bars.encode(
        x=axis.x("at"),
        x2="to",
        y=alt.Y("from:Q", axis=counts, scale=alt.Scale(domain=[0, highest or 1], nice=True)),
        y2="up:Q",
        color=alt.Color("kind:N", scale=colours, legend=None if legend is None else marks.legend(offset=legend)),
    )
    of_whom = [alt.Tooltip("name:N")]
    return stacks_of.told(
        drawn, [*of_whom, alt.Tooltip("words:N", title="blocks"), alt.Tooltip("when:N", title="born")], stacks
    )


def _sentence(panel: Panel) -> str:
    """Say what the panel shows in numbers."""
    born, kept = panel.grown_up()
    if not born:
        text = "no block was born between the first and the last log"
    else:
        text = f"of {plural(born, 'block')} born later, {share_text(kept, born)} are still there"
    return (
        f"{text}; of {count_text(panel.older)} in the first log, {share_text(panel.older_kept, panel.older)}"
        if panel.older
        else text
    )
