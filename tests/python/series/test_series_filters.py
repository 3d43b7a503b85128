"""Filters of a series: what they leave is what those of a difference leave, and what they leave out is always told."""

from __future__ import annotations

from functools import cache
from typing import Any

import heapdelta as hd
import polars as pl
import pytest
from heapdelta._words import bytes_text
from heapdelta.exceptions import OptionError
from polars.testing import assert_frame_equal
from small_log import APP, APP_FRAME, NTDLL_FRAME, Log

MEASURES = ["requested_bytes", "overhead_bytes", "allocation_count"]
VIEWS = [
    ("module", False),
    ("function", False),
    ("stack", False),
    ("heap", False),
    ("module", True),
    ("function", True),
]
A = 0x1000_0100
STACKS = {
    "1": [NTDLL_FRAME, A, APP_FRAME],
    "2": [NTDLL_FRAME, APP_FRAME],
    "3": [NTDLL_FRAME, APP_FRAME + 8, A + 8],
    # Nothing but an allocator's frames; a frame in no module.
    "4": [NTDLL_FRAME, NTDLL_FRAME + 8],
    "5": [NTDLL_FRAME, 0x5555_0000],
}
FILTERS: list[dict[str, Any]] = [
    {"focus": "a"},
    {"focus": "nothing"},
    {"focus": "ntdll"},
    {"focus": ["-app+0x*", "-a", "ntdll"]},
    {"ignore": "a"},
    {"ignore": ["-a", "ntdll"]},
    {"ignore": "*"},
    {"hide": "a"},
    {"hide": ["a", "app"]},
    {"hide": "*"},
    {"show": "app"},
    {"show": "ntdll"},
    {"show": "nothing"},
    {"focus": "app", "ignore": "a", "hide": "ntdll"},
    {"show": ["a", "app"], "hide": "app"},
]
NO_STACK, NO_FRAMES = "0", "9"


@cache
def logs(runs: int = 1, *, large: bool = False) -> list[hd.Snapshot]:
    """Three logs of each run: all sorts of stacks, in two heaps; with `large` the sums of one stack pass 64 bits."""
    made = []
    for run in range(runs):
        for hour in range(3):
            heaps = (0x2E_0000, 0x3F_0000 + 0x10_0000 * run)
            traces = [trace for trace in (*STACKS, NO_STACK, NO_FRAMES) if hour or trace != "3"]
            blocks = [
                (heap, trace, 1000 + 100 * hour * place, 8 + run)
                for heap in heaps
                for place, trace in enumerate(traces)
            ]
            if large and hour == 1:
                blocks += [(heaps[0], "1", (1 << 64) - 1, 8)] * 2
            taken = f"2012-04-{27 + run} {9 + hour:02}:00"
            modules = {"app.exe": APP, "ntdll.dll": 0x7700_0000, "a.dll": 0x1000_0000}
            made.append(Log(blocks, STACKS, pid=700 + run, taken=taken, modules=modules))
    return [log.read() for log in made]


def asked(filters: dict[str, Any]) -> str:
    return str(filters)


@pytest.mark.parametrize(("runs", "large"), [(2, False), (1, True)], ids=["2 runs", "large"])
@pytest.mark.parametrize("filters", FILTERS, ids=asked)
@pytest.mark.parametrize(("by", "inclusive"), VIEWS)
def test_what_is_left_is_what_a_difference_leaves(
    by: Any, inclusive: bool, filters: dict[str, Any], runs: int, large: bool
) -> None:
    snapshots = logs(runs, large=large)
    series = hd.series(snapshots, by=by, inclusive=inclusive, runs="all").filter(**filters)
    table = series.table()
    keys = table.columns[3 : table.columns.index("present")]
    for point, snapshot in enumerate(series.snapshots):
        delta = hd.diff(snapshot, snapshot).filter(**filters)
        found = table.filter(pl.col("present"), point=point).select(*keys, *MEASURES)
        ranking = delta.by(by, inclusive=inclusive).filter(pl.col("allocation_count_after") > 0)
        if by == "stack":
            # Stacks without frames share one key.
            ranking = ranking.with_columns(depth=pl.when(pl.col("fingerprint").is_not_null()).then("depth"))
        expected = ranking.select(*keys, *(pl.col(f"{name}_after").alias(name) for name in MEASURES))
        assert_frame_equal(found.sort(keys), expected.sort(keys))
        out = series.left_out.filter(point=point).select(MEASURES)
        assert out.rows() == delta.left_out.select(f"{name}_after" for name in MEASURES).rows()


@pytest.mark.parametrize("filters", FILTERS, ids=asked)
@pytest.mark.parametrize("by", ["module", "function", "stack", "heap"])
def test_rows_and_what_is_left_out_are_the_whole_at_every_point(by: Any, filters: dict[str, Any]) -> None:
    whole = hd.series(logs(2), by=by, runs="all")
    series = whole.filter(**filters)
    assert_frame_equal(series.points, whole.points)
    left = series.table().group_by("point").agg(pl.col(MEASURES).sum())
    both = pl.concat([left, series.left_out.select("point", *MEASURES)]).group_by("point").agg(pl.col(MEASURES).sum())
    assert both.sort("point").equals(whole.points.select("point", *MEASURES))


@pytest.mark.parametrize("filters", [FILTERS[place] for place in (0, 1, 6, 8, 13)], ids=asked)
@pytest.mark.parametrize(("by", "inclusive"), VIEWS[2:5])
def test_every_answer_can_be_had_of_what_is_left(by: Any, inclusive: bool, filters: dict[str, Any]) -> None:
    series = hd.series(logs(), by=by, inclusive=inclusive).filter(**filters)
    growth = series.growth()
    keys = growth.columns[1 : growth.columns.index("first_bytes")]
    assert growth.height == series.table().select(keys).n_unique()
    out = series.left_out["requested_bytes"][-1]
    words = series.notes[0]
    assert words.startswith("left out by filters: ")
    assert all(name in words for name in filters)
    assert "left out by filters" in series._repr_html_()
    drawn = hd.chart.growth(series).to_dict()
    assert "filters leave out" in " ".join(drawn["title"]["subtitle"])
    assert "filters leave out" in " ".join(hd.chart.slope(series).to_dict()["title"]["subtitle"])
    assert out + series.table().filter(point=2)["requested_bytes"].sum() >= series.points["requested_bytes"][-1]


def test_the_note_says_what_is_left_out_of_the_last_log_and_of_the_growth() -> None:
    for runs, since in ((1, "grown since the first"), (2, "that all runs grew")):
        series = hd.series(logs(runs), runs="all").filter(focus="a")
        points, out = series.points, series.left_out

        def grown(table: pl.DataFrame) -> int:
            return sum(run["requested_bytes"][-1] - run["requested_bytes"][0] for run in table.partition_by("run"))

        expected = (
            f"left out by filters: {bytes_text(out['requested_bytes'][-1])} of the "
            f"{bytes_text(points['requested_bytes'][-1])} in the last log, "
            f"{bytes_text(grown(out), signed=True)} of the {bytes_text(grown(points), signed=True)} {since} ("
        )
        assert series.notes[0].startswith(expected)
        subtitle = " ".join(hd.chart.growth(series).to_dict()["title"]["subtitle"])
        assert f"{bytes_text(grown(out), signed=True)} of the growth" in subtitle


def test_a_hidden_frame_changes_who_is_blamed() -> None:
    series = hd.series(logs())
    before, after = (set(one.table()["module"].drop_nulls()) for one in (series, series.filter(hide="a")))
    assert before == {"a", "app", "ntdll"}
    assert after == {"app", "ntdll"}


def test_a_filter_is_of_the_new_series_and_adds_to_the_one_before() -> None:
    series = hd.series(logs())
    whole = series.growth()
    part = series.filter(focus="a")
    assert part.growth().height < whole.height
    assert series.growth().equals(whole)
    assert part.filter().growth().equals(whole)
    assert part.filter().notes == series.notes
    assert part.filter(ignore="a").growth().equals(series.filter(focus="a", ignore="a").growth())
    assert series.left_out.select(MEASURES).unique().rows() == [(0, 0, 0)]


def test_blocks_of_no_known_stack_are_told_apart_from_stacks() -> None:
    series = hd.series(logs())
    assert "(5 stacks and blocks of no known stack of all logs)" in series.filter(focus="nothing").notes[0]
    assert "(5 stacks of all logs)" in series.filter(ignore="*").notes[0]
    assert "(0 stacks of all logs)" in series.filter(ignore="nothing").notes[0]


def test_what_is_not_known_is_left_out_as_not_known() -> None:
    series = hd.series(logs(large=True))
    assert series.filter(ignore="a").left_out["requested_bytes"].is_null().to_list() == [False, True, False]
    growth = series.filter(focus="a").growth()
    assert "not known" in set(growth["verdict"])


def test_blocks_are_not_followed_behind_a_filter() -> None:
    series = hd.series(logs())
    assert series.filter(focus="a").filter().survival().stacks.height
    for filtered in (series.filter(focus="a"), series.filter(hide="nothing")):
        with pytest.raises(OptionError, match="expected a series without filters to follow its blocks"):
            filtered.survival()
        with pytest.raises(OptionError, match="expected a series without filters"):
            hd.chart.survival(filtered)


def test_an_empty_pattern_is_refused() -> None:
    with pytest.raises(OptionError):
        hd.series(logs()).filter(focus="!")
