"""What became of the blocks: against a slow way, against the totals, against the synthetic days."""

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import testing
from heapdelta._series.survival import survival
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import APP_FRAME, NTDLL_FRAME
from small_series import Point, series_of, survivors

A, B = [NTDLL_FRAME, APP_FRAME], [NTDLL_FRAME, APP_FRAME + 0x20]
STACKS = {"A1": A, "B1": B}


def table_of(found, key="trace_id"):
    rows = found.table.select(key, "born", "point", "allocation_count", "requested_bytes").rows()
    return {(whose, born, point): (count, size) for whose, born, point, count, size in rows}


blocks = st.tuples(
    st.integers(0, 12).map(lambda place: 0x10000 + 16 * place), st.integers(1, 2), st.sampled_from("0AB")
)


@settings(deadline=None, max_examples=60)
@given(
    logs=st.lists(st.lists(blocks, max_size=25), min_size=2, max_size=5),
    twice=st.booleans(),
    ordered=st.booleans(),
    threads=st.sampled_from([None, 1, 2]),
)
def test_blocks_are_followed_as_by_the_slow_way(logs, twice, ordered, threads):
    if not twice:
        logs = [list({block[0]: block for block in log}.values()) for log in logs]
    if ordered:
        logs = [sorted(log) for log in logs]
    names = {"0": "0", "A": "A1", "B": "B1"}
    points = [Point([(*block[:2], names[block[2]]) for block in log], STACKS) for log in logs]
    found = survival(series_of(points), threads=threads)
    expected = survivors([[(*block[:2], {"0": None}.get(block[2], f"{block[2]}1")) for block in log] for log in logs])
    assert table_of(found) == expected
    for point, log in enumerate(logs):
        rows = found.table.filter(pl.col("point") == point)
        assert rows["allocation_count"].sum() == len(log)
        assert rows["requested_bytes"].sum() == sum(block[1] for block in log)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return testing.write_series(tmp_path_factory.mktemp("days"), stack_count=200)


@pytest.fixture(scope="module")
def days(story):
    return hd.series(hd.read_many(story.paths, blocks=True), runs="all")


@pytest.fixture(scope="module")
def found(days):
    return days.survival()


def test_sums_are_the_totals_of_the_snapshots(days, found):
    sums = found.table.group_by("point").agg(pl.col("allocation_count", "requested_bytes").sum()).sort("point")
    assert sums.rows() == days.points.select("point", "allocation_count", "requested_bytes").rows()
    # Both ways of counting agree stack by stack.
    now, then = (
        found.table.join(edge, on="run").filter(pl.col("point") == pl.col("edge")).group_by("run", "fingerprint")
        for edge in (
            days.points.group_by("run").agg(pl.col("point").max().alias("edge")),
            days.points.group_by("run").agg(pl.col("point").min().alias("edge")),
        )
    )
    keys = ["run", "fingerprint"]
    last = now.agg(pl.col("allocation_count", "requested_bytes").sum())
    first = then.agg(pl.col("allocation_count").sum().alias("was"))
    stacks = found.stacks.filter(pl.col("fingerprint").is_not_null())
    joined = stacks.join(last, on=keys, how="left").join(first, on=keys, how="left").fill_null(0)
    assert joined["allocation_count"].to_list() == joined["allocation_count_right"].to_list()
    assert joined["requested_bytes"].to_list() == joined["requested_bytes_right"].to_list()
    assert (joined["was"].cast(pl.Int64) + joined["net_count"]).to_list() == joined["allocation_count"].to_list()


def test_growth_of_stacks_is_that_of_a_diff(story, found):
    for run, (first, last) in enumerate([(0, story.restart_point - 1), (story.restart_point, 29)]):
        delta = hd.diff(hd.read(story.paths[first]), hd.read(story.paths[last])).by("stack")
        known = delta.filter(pl.col("fingerprint").is_not_null())
        stacks = found.stacks.filter((pl.col("run") == run) & pl.col("fingerprint").is_not_null())
        both = stacks.join(known, on="fingerprint", how="full")
        there = both.filter((pl.col("allocation_count_before") + pl.col("allocation_count_after")) > 0)
        assert there["net_bytes"].to_list() == there["requested_bytes_delta"].to_list()
        assert there["net_count"].to_list() == there["allocation_count_delta"].to_list()
        for name in ("module", "function", "depth", "status"):
            assert there[name].to_list() == there[f"{name}_right"].to_list()


def births(found, story, module, run, least):
    """Blocks of a module by birth, at the last point of a run, of stacks that have many."""
    last = story.restart_point - 1 if run == 0 else 29
    busy = found.stacks.filter((pl.col("run") == run) & (pl.col("module") == module))
    busy = busy.sort("requested_bytes", descending=True).head(least)
    rows = found.table.join(busy, on=["run", "fingerprint"], how="semi").filter(pl.col("point") == last)
    return rows.group_by("born").agg(pl.col("allocation_count").sum()).sort("born")


@pytest.mark.parametrize("run", [0, 1])
def test_leak_keeps_its_young(story, found, run):
    answer = story.answers[story.restart_point - 1 if run == 0 else 29]
    left = births(found, story, story.culprit, run, 6)
    assert left["allocation_count"].to_list() == [sums.allocation_count for sums in answer.leaked_by_birth]
    leak = found.stacks.filter(pl.col("run") == run).head(6)
    assert leak["module"].to_list() == [story.culprit] * 6
    assert leak["churn"].to_list() == [0.0] * 6
    assert leak["kept_share"].to_list() == [1.0] * 6
    assert leak["died_count"].sum() == 0
    # A leak of even pace: half of its blocks are from the younger half of the run.
    assert all(18 <= age <= 36 for age in leak["median_age_hours"])


@pytest.mark.parametrize("run", [0, 1])
def test_cache_trades_its_young(story, found, run):
    last = story.restart_point - 1 if run == 0 else 29
    answer, full = story.answers[last], story.answers[last - 8]
    left = births(found, story, story.cache, run, 4)
    real = [sums.allocation_count for sums in answer.cached_by_birth]
    seen = dict(left.iter_rows())
    first = story.restart_point * run
    # A few entries that are gone were followed by others of the same size at the same place.
    off = sum(abs(seen.get(first + age, 0) - count) for age, count in enumerate(real))
    assert off <= 0.02 * sum(real)
    assert sum(seen.values()) == answer.cached.allocation_count == full.cached.allocation_count
    leak, cache = (
        found.stacks.filter((pl.col("run") == run) & (pl.col("module") == module)).sort(
            "requested_bytes", descending=True
        )
        for module in (story.culprit, story.cache)
    )
    assert cache["churn"][0] > 0.5
    assert cache["kept_share"][0] < 0.5 < leak["kept_share"][0]
    assert cache["reused_share"][0] > 0.3


def test_reuse_tells_where_survivors_are_in_doubt(story, found):
    """Sessions are all of one size: at their places lie others like them, and reuse says so."""
    stacks = found.stacks.filter((pl.col("run") == 1) & (pl.col("module") == story.false_alarm))
    sessions = stacks.filter(pl.col("requested_bytes") == 0x8A0 * pl.col("allocation_count"))
    assert sessions.height == 6
    assert (sessions["reused_share"] > 0.75).all()
    leak = found.stacks.filter(pl.col("churn") == 0.0).head(6)
    assert (leak["reused_share"] < 0.01).all()
    real = [sums.allocation_count for sums in story.answers[-1].sessions_by_birth]
    keys = ["run", "fingerprint"]
    seen = found.table.join(sessions, on=keys, how="semi").filter(pl.col("point") == 29)
    older = seen.filter(pl.col("born") < 29)["allocation_count"].sum()
    assert older > sum(real[:-1])


def test_numbers_of_a_stack():
    old, other = (0x10000, 8, "A1"), (0x20000, 8, "B1")
    points = [
        Point([old, (0x10010, 8, "A1"), other], STACKS),
        Point([old, (0x10020, 4, "A1"), (0x10030, 4, "A1"), other], STACKS),
        Point([old, (0x10020, 4, "A1"), (0x10010, 2, "A1"), other], STACKS),
        Point([(0x10020, 4, "A1"), (0x10000, 8, "A1"), (0x10010, 2, "A1"), (0x10040, 5, "A1"), other], STACKS),
    ]
    # The block at 0x10000 is in every log: as far as the logs tell, it is the same.
    found = series_of(points).survival()
    grew, same = found.stacks.rows(named=True)
    assert (grew["trace_id"], grew["module"], grew["status"]) == ("A1", "app", "ok")
    assert (grew["born_count"], grew["died_count"], grew["net_count"], grew["net_bytes"]) == (4, 2, 2, 3)
    assert (grew["churn"], grew["kept_share"], grew["reused_share"]) == (0.5, 2 / 3, 1 / 4)
    assert (grew["allocation_count"], grew["requested_bytes"]) == (4, 19)
    # Ages 3, 2, 1 and 0 hours: the lower median.
    assert grew["median_age_hours"] == 1.0
    assert (same["trace_id"], same["net_bytes"], same["churn"], same["kept_share"]) == ("B1", 0, None, None)
    assert (same["reused_share"], same["median_age_hours"], same["born_count"]) == (None, 3.0, 0)
    assert repr(found) == "<Survival: 4 snapshots, 2 stacks, 4 blocks born, 2 died>"
    assert "kept_share" in found._repr_html_()
