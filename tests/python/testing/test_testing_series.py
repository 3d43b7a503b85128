"""Days of the synthetic server: what the logs hold, and how long blocks live, told by the logs themselves."""

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import testing

SMALL = 120


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return testing.write_series(tmp_path_factory.mktemp("days"), stack_count=SMALL)


@pytest.fixture(scope="module")
def snapshots(story):
    return [hd.read(path) for path in story.paths]


def blocks_of(snapshot, module):
    """Rows of `allocations` whose stack counts for a module."""
    ranked = hd.diff(snapshot, snapshot).by("stack").filter(pl.col("module") == module)
    stacks = snapshot.stacks.join(ranked.select("fingerprint"), on="fingerprint", how="semi")
    columns = ["address", "requested_bytes", "fingerprint"]
    return snapshot.allocations.join(stacks, on="stack_id").select(columns)


def test_reader_finds_the_answers(story, snapshots):
    assert len(snapshots) == 30
    for answer, snapshot in zip(story.answers, snapshots, strict=True):
        assert f"{snapshot.taken_at:%Y-%m-%d %H:%M}" == answer.taken_at
        assert (snapshot.pid, snapshot.line_count, snapshot.byte_count) == (
            answer.pid,
            answer.line_count,
            answer.byte_count,
        )
        assert snapshot.usage["requested_bytes"].sum() == answer.total.requested_bytes
        assert snapshot.usage["overhead_bytes"].sum() == answer.total.overhead_bytes
        ranked = hd.diff(snapshot, snapshot).by("module").filter(pl.col("module").is_not_null())
        found = dict(ranked.select("module", "requested_bytes_after").iter_rows())
        assert found == {name: sums.requested_bytes for name, sums in answer.modules.items()}
        assert snapshot.issues["kind"].to_list() == ["stack_not_in_file"]


def test_restart_is_another_run_that_starts_from_nothing(story, snapshots):
    point = story.restart_point
    assert [answer.run for answer in story.answers] == [0] * point + [1] * (30 - point)
    assert len({answer.pid for answer in story.answers[:point]}) == 1
    assert hd.diff(snapshots[0], snapshots[point - 1]).one_run
    assert not hd.diff(snapshots[point - 1], snapshots[point]).one_run
    last, first = story.answers[point - 1], story.answers[point]
    assert first.leaked.allocation_count < last.leaked.allocation_count / 10
    assert first.cached.allocation_count < last.cached.allocation_count / 5
    assert len(first.leaked_by_birth) == 1


def test_no_two_blocks_share_memory(snapshots):
    for snapshot in (snapshots[0], snapshots[14], snapshots[-1]):
        blocks = snapshot.allocations.sort("address")
        ends = blocks["address"] + blocks["requested_bytes"] + blocks["overhead_bytes"]
        assert (ends[:-1] <= blocks["address"][1:]).all()


def test_leak_keeps_its_young(story, snapshots):
    keys = [set(blocks_of(snapshot, story.culprit).iter_rows()) for snapshot in snapshots]
    for point, answer in enumerate(story.answers):
        born = [sums.allocation_count for sums in answer.leaked_by_birth]
        assert sum(born) == answer.leaked.allocation_count
        first = story.restart_point if answer.run else 0
        assert born == [story.answers[first + age].leaked_by_birth[-1].allocation_count for age in range(len(born))]
        # The module has ordinary memory too; what leaked before is there in every later log.
        if point > first:
            assert len(keys[point - 1] & keys[point]) >= sum(born[:-1])


def test_full_cache_trades_its_entries(story):
    for before, after in zip(story.answers[7:14], story.answers[8:15], strict=True):
        assert before.cached.allocation_count == after.cached.allocation_count
        kept = sum(sums.allocation_count for sums in after.cached_by_birth[:-1])
        # 4 % an hour leave 85 % after four hours.
        assert 0.75 < kept / before.cached.allocation_count < 0.93
    first, last = (story.answers[point].cached_by_birth[0].allocation_count for point in (0, 14))
    assert last < first


def test_sessions_come_and_go_with_the_hours_of_the_day(story):
    module = story.false_alarm
    by_hour = {}
    for answer in story.answers:
        by_hour.setdefault(answer.taken_at[-5:], []).append(answer.modules[module].requested_bytes)
    noon, night = by_hour["13:00"], by_hour["01:00"]
    assert min(noon) > 1.2 * max(night)
    assert max(noon) < 1.1 * min(noon)
    for answer in (answer for answer in story.answers if len(answer.sessions_by_birth) > 4):
        born = [sums.allocation_count for sums in answer.sessions_by_birth]
        assert sum(born[:-4]) < 0.1 * sum(born)


def test_same_options_write_the_same_bytes(tmp_path):
    def text(name, **options):
        story = testing.write_series(tmp_path / name, days=1, hours_apart=12, stack_count=SMALL, **options)
        return [path.read_bytes() for path in story.paths]

    assert text("first") == text("second")
    assert text("first") != text("other", seed=2)
    assert len(text("other")) == 2


def test_hours_between_logs_do_not_change_the_days(tmp_path):
    every = testing.write_series(tmp_path / "every", days=1, hours_apart=1, stack_count=SMALL)
    some = testing.write_series(tmp_path / "some", days=1, hours_apart=6, stack_count=SMALL)
    assert [answer.total for answer in every.answers[::6]] == [answer.total for answer in some.answers]
    assert [path.read_bytes() for path in every.paths[::6]] == [path.read_bytes() for path in some.paths]


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"hours_apart": 0}, {"restart_after": 0}, {"days": 1, "hours_apart": 24}]
)
def test_days_without_two_logs_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="expected"):
        testing.write_series(tmp_path / "none", stack_count=SMALL, **wrong)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("after", "point"), [(60, 3), (49, 3), (24, 1), (96, None), (None, None)])
def test_restart_comes_before_the_log_that_follows_it(tmp_path, after, point):
    story = testing.write_series(tmp_path, days=4, hours_apart=24, stack_count=60, restart_after=after)
    assert story.restart_point == point
    assert len({answer.pid for answer in story.answers}) == (1 if point is None else 2)
