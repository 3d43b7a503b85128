"""`export` of a series: every log's sums are those of its own ranking, and what has no room is refused."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import pytest
import viewers
from heapdelta.exceptions import OptionError
from small_log import APP_FRAME, NTDLL_FRAME
from small_series import Point, series_of
from viewers import by_module, ranking

HELD = "requested_bytes"
STACKS = {"1": [NTDLL_FRAME, APP_FRAME, APP_FRAME + 0x40], "2": [NTDLL_FRAME, APP_FRAME + 0x80], "3": [NTDLL_FRAME]}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> hd.Series:
    folder = tmp_path_factory.mktemp("series")
    hd.testing.write_investigation(folder, steps=5, stack_count=120)
    return hd.series(hd.read_many(folder))


def small() -> hd.Series:
    """One stack grows, one comes and goes, one is the allocator's alone; blocks without a stack, or one elsewhere."""
    grown = [[(0x100 * block, 64, "1") for block in range(1, count)] for count in (2, 5, 9)]
    others = [[(0x9000, 7, "0"), (0x9100, 3, "3")], [(0x9200, 100, "2"), (0x9300, 5, "AA")], [(0x9400, 9, "0")]]
    return series_of([Point(one + more, STACKS) for one, more in zip(grown, others, strict=True)])


@pytest.fixture(params=["demo", "small", "by stack", "filtered"])
def series(request: pytest.FixtureRequest, demo: hd.Series) -> hd.Series:
    made = {
        "demo": lambda: demo,
        "small": small,
        "by stack": lambda: hd.series(demo.snapshots, by="stack"),
        "filtered": lambda: demo.filter(ignore="fhpreview", hide="fhimage"),
    }
    return made[request.param]()


def logs(series: hd.Series) -> list[dict[str, list[int]]]:
    """What each log's own ranking says, filtered as the series is."""
    return [ranking(log.live()._with_filter(series._filtered), HELD) for log in series.snapshots]


def test_speedscope_has_a_profile_of_each_log(series: hd.Series, tmp_path: Path) -> None:
    path = tmp_path / "a.speedscope.json"
    written = hd.export(series, path)
    assert written.notes[: len(series.notes)] == series.notes
    profiles = viewers.speedscope(path)
    names = [f"log {place}, {time:%Y-%m-%d %H:%M}" for place, time in enumerate(series.points["taken_at"], 1)]
    assert list(profiles) == ["growth", "shrinkage", *reversed(names)]
    assert [by_module(profiles[name]) for name in names] == logs(series)
    ends = hd.diff(series.snapshots[0], series.snapshots[-1])._with_filter(series._filtered)
    assert by_module(profiles["growth"]) == ranking(ends, "requested_bytes_grown")
    shrunk = ranking(ends, "requested_bytes_shrunk")
    assert by_module(profiles["shrinkage"]) == {module: [-number] for module, (number,) in shrunk.items()}
    hd.export(series, path, changes_only=True)
    assert viewers.speedscope(path) == {name: profiles[name] for name in ("growth", "shrinkage")}


def test_firefox_has_what_is_live_at_each_log(series: hd.Series, tmp_path: Path) -> None:
    path = tmp_path / "a.firefox.json"
    hd.export(series, path)
    profile = viewers.firefox(path)
    expected = logs(series)
    assert [by_module(held) for held in profile.held] == expected
    assert profile.counter == [sum(number for (number,) in log.values()) for log in expected]
    times = series.points["taken_at"]
    assert profile.points == [(time - times[0]).total_seconds() * 1000 for time in times]
    hd.export(series.snapshots[0], path)
    assert profile.profile["meta"]["startTime"] == viewers.firefox(path).profile["meta"]["startTime"] > 0


def test_without_a_clock_logs_are_an_hour_apart(tmp_path: Path) -> None:
    given = hd.series(list(reversed(small().snapshots)), order="given")
    hd.export(given, tmp_path / "a.firefox.json")
    profile = viewers.firefox(tmp_path / "a.firefox.json")
    assert profile.points == [0, 3_600_000, 7_200_000]
    assert [by_module(held) for held in profile.held] == logs(given)


def test_a_sum_that_is_not_known_is_said(tmp_path: Path) -> None:
    most = (1 << 64) - 1
    points = [Point([(0x100, 64, "1"), (0x200, 5, "2")], STACKS) for _ in range(3)]
    points[1].blocks += [(0x300, most, "1"), (0x400, most, "1")]
    series = series_of(points)
    written = hd.export(series, tmp_path / "a.firefox.json")
    told = "the bytes of 1 stack are not known, and written as 0, each with the outermost frame [bytes not known]"
    assert told in written.notes
    held = viewers.firefox(tmp_path / "a.firefox.json").held
    unknown = [[row.numbers[0] for row in rows if row.frames[-1] == "[bytes not known]"] for rows in held]
    assert sum(unknown[1]) == 0
    assert unknown[0] == unknown[2] == [64]


def test_two_logs_are_a_pair_in_every_format_that_has_room(demo: hd.Series, tmp_path: Path) -> None:
    pair = hd.series(demo.snapshots[:2])
    hd.export(pair, tmp_path / "a.folded")
    rows = viewers.folded(tmp_path / "a.folded", 2)
    first, second = logs(pair)
    expected = {name: first.get(name, [0]) + second.get(name, [0]) for name in first | second}
    assert by_module(rows) == expected
    hd.export(pair, tmp_path / "a.pb.gz", changes_only=True)
    delta = hd.diff(*pair.snapshots)
    assert by_module(viewers.pprof(tmp_path / "a.pb.gz").rows) == ranking(
        delta, "requested_bytes_delta", "allocation_count_delta"
    )


def test_what_has_no_room_names_what_to_give(demo: hd.Series, tmp_path: Path) -> None:
    for name in ("a.pb.gz", "a.folded"):
        with pytest.raises(OptionError, match=r"expected two logs for .*, found a series of 5") as caught:
            hd.export(demo, tmp_path / name)
        first, last = (Path(demo.snapshots[end].path or "").name for end in (0, -1))
        assert f"the first and the last, {first} and {last}; firefox and speedscope" in str(caught.value.hint)
    with pytest.raises(OptionError, match="expected one log for heaptrack, found a series of 5") as caught:
        hd.export(demo, tmp_path / "a.heaptrack")
    assert "write a file of each log" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_runs_are_not_mixed(tmp_path: Path) -> None:
    points = [Point([(0x100, 64, "1")], STACKS, pid=pid) for pid in (704, 704, 705, 705)]
    read = [hd.read(point.text(hour)) for hour, point in enumerate(points)]
    series = hd.series(read, runs="all")
    told = "2 logs from 2012-04-30 00:00 on; 2 logs from 2012-04-30 02:00 on"
    expected = f"expected logs of one run of a program, found 2: {told}"
    with pytest.raises(OptionError, match=expected) as caught:
        hd.export(series, tmp_path / "a.speedscope.json")
    assert "give the files of one run" in str(caught.value.hint)


def test_the_same_series_is_the_same_file(demo: hd.Series, tmp_path: Path) -> None:
    for ending in (".speedscope.json", ".firefox.json.gz"):
        written = [
            hd.export(hd.series(demo.snapshots, threads=threads), tmp_path / f"{threads}{ending}").path.read_bytes()
            for threads in (1, 2)
        ]
        assert written[0] == written[1]
