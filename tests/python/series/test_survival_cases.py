"""What became of the blocks: runs, missing frames, orders without a clock, and what is refused."""

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import exceptions, testing
from heapdelta._series.survival import survival
from small_log import APP_FRAME, NTDLL_FRAME
from small_series import Point, series_of

A, B = [NTDLL_FRAME, APP_FRAME], [NTDLL_FRAME, APP_FRAME + 0x20]
SHOWN = ["trace_id", "born", "point", "allocation_count"]


def test_runs_are_kept_apart():
    block = [(0x10000, 8, "A1")]
    points = [Point(block, {"A1": A}), Point(block, {"A1": A}), Point(block, {"A1": A}, pid=812)]
    points.append(Point([*block, (0x10010, 8, "A1")], {"A1": A}, pid=812))
    found = series_of(points, runs="all").survival()
    rows = found.table.select("run", "born", "point", "allocation_count").sort("run", "born", "point").rows()
    assert rows == [(0, 0, 0, 1), (0, 0, 1, 1), (1, 2, 2, 1), (1, 2, 3, 1), (1, 3, 3, 1)]
    assert found.stacks.select("run", "born_count", "died_count", "net_bytes").rows() == [(1, 1, 0, 8), (0, 0, 0, 0)]
    assert found.stacks["median_age_hours"].to_list() == [0.0, 1.0]


def test_run_of_one_snapshot_has_no_births():
    points = [Point([(0x10000, 8, "A1")], {"A1": A}, pid=pid) for pid in (704, 704, 812)]
    found = series_of(points, runs="all").survival()
    alone = found.stacks.filter(pl.col("run") == 1).row(0, named=True)
    assert (alone["born_count"], alone["died_count"], alone["net_count"], alone["allocation_count"]) == (0, 0, 0, 1)
    assert (alone["churn"], alone["kept_share"], alone["median_age_hours"]) == (None, None, 0.0)


def test_stack_without_frames_is_the_one_of_its_id():
    """Frames may be missing in a log; inside one run an id means one stack."""
    block = [(0x10000, 8, "A1")]
    for stacks in ([{"A1": A}, {}], [{}, {"A1": A}]):
        found = series_of([Point(block, own) for own in stacks]).survival()
        assert found.table.select(SHOWN).rows() == [("A1", 0, 0, 1), ("A1", 0, 1, 1)]
        assert found.stacks.select("module", "depth", "status").rows() == [("app", 2, "ok")]


def test_stack_without_frames_anywhere_stands_under_its_id():
    blocks = [(0x10000, 8, "A1"), (0x10010, 8, "B1"), (0x10020, 8, "0")]
    found = series_of([Point(blocks), Point(blocks)]).survival()
    stacks = found.stacks.select("fingerprint", "trace_id", "module", "status").sort("trace_id", nulls_last=True)
    assert stacks.rows() == [
        (None, "A1", None, "stack not in file"),
        (None, "B1", None, "stack not in file"),
        (None, None, None, "no stack recorded"),
    ]
    assert found.table.filter(pl.col("point") == 1)["born"].to_list() == [0, 0, 0]


def test_stack_is_told_by_its_frames_not_by_its_id():
    """The database of stacks may give an id to another stack; then it is another block, too."""
    block = [(0x10000, 8, "A1")]
    renamed = series_of([Point(block, {"A1": A}), Point([(0x10000, 8, "C1")], {"C1": A})]).survival()
    assert renamed.table.select(SHOWN).rows() == [("A1", 0, 0, 1), ("A1", 0, 1, 1)]
    other = series_of([Point(block, {"A1": A}), Point(block, {"A1": B})]).survival()
    assert sorted(other.table.select(SHOWN).rows()) == [("A1", 0, 0, 1), ("A1", 1, 1, 1)]
    assert other.stacks["fingerprint"].n_unique() == 2


def test_block_that_was_away_is_another():
    block, elsewhere = (0x10000, 8, "A1"), (0x20000, 8, "A1")
    points = [Point(blocks, {"A1": A}) for blocks in ([block, elsewhere], [elsewhere], [block, elsewhere])]
    found = series_of(points).survival()
    assert found.table.filter(pl.col("point") == 2).select("born", "allocation_count").rows() == [(0, 1), (2, 1)]
    assert found.stacks.select("born_count", "died_count", "reused_share").rows() == [(1, 1, 1.0)]


def test_order_without_a_clock_has_no_ages():
    points = [Point([(0x10000, 8, "A1")], {"A1": A})] * 2
    snapshots = [hd.read(point.text(0).replace(b"Logtime 2012-04-30 00:00 - ", b"")) for point in points]
    assert snapshots[0].taken_at is None
    stacks = hd.series(snapshots, order="given").survival().stacks
    assert stacks.select("median_age_hours", "allocation_count").rows() == [(None, 1)]


def test_rules_of_the_series_name_the_stacks():
    points = [Point([(0x10000, 8, "A1")], {"A1": A})] * 2
    found = series_of(points, allocators=["app!*"]).survival()
    assert found.stacks["module"].to_list() == ["ntdll"]


def test_logs_without_blocks_are_no_mistake():
    found = series_of([Point([]), Point([])]).survival()
    assert (found.table.height, found.stacks.height) == (0, 0)
    assert found.table.schema["born"] == pl.UInt32
    gone = series_of([Point([(0x10000, 8, "A1")], {"A1": A}), Point([])]).survival()
    assert gone.stacks.select("died_count", "net_bytes", "allocation_count").rows() == [(1, -8, 0)]


def test_snapshots_without_their_blocks_are_refused(tmp_path):
    story = testing.write_series(tmp_path, days=1, hours_apart=12, stack_count=60)
    series = hd.series(hd.read_many(tmp_path))
    with pytest.raises(exceptions.OptionError, match=r"with their blocks, found .*fernhollow_001") as caught:
        series.survival()
    assert "blocks=True" in str(caught.value.hint)
    mixed = hd.series([hd.read(story.paths[0]), hd.read(story.paths[1], blocks=False)])
    with pytest.raises(exceptions.OptionError, match="fernhollow_002"):
        mixed.survival()


def test_logs_of_sums_are_refused(tmp_path):
    story = testing.write_investigation(tmp_path, dialect="umdh1", stack_count=60)
    series = hd.series([hd.read(path) for path in story.paths])
    with pytest.raises(exceptions.OptionError, match=r"address of every block, found .*umdh1 are sums"):
        series.survival()


def test_no_threads_are_refused():
    series = series_of([Point([]), Point([])])
    with pytest.raises(exceptions.OptionError, match="threads from 1 to 1024, found 0"):
        survival(series, threads=0)
