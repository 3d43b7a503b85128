"""`series`: the order of snapshots, and the table of every key at every time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heapdelta as hd
import polars as pl
import pytest
from curves import log_of, snapshots_of
from heapdelta.exceptions import OptionError
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import APP_FRAME, NTDLL_FRAME, Log

if TYPE_CHECKING:
    from heapdelta.testing import Investigation

MEASURES = ["requested_bytes", "overhead_bytes", "allocation_count"]
VIEWS = [
    ("module", False),
    ("function", False),
    ("stack", False),
    ("heap", False),
    ("module", True),
    ("function", True),
]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Investigation:
    return hd.testing.write_investigation(tmp_path_factory.mktemp("story"), steps=4, stack_count=120)


@pytest.fixture(scope="module")
def batch(story: Investigation) -> hd.Batch:
    return hd.read_many(story.paths)


@pytest.mark.parametrize(("by", "inclusive"), VIEWS)
def test_rows_are_those_of_a_delta_at_each_point(by: Any, inclusive: bool, batch: hd.Batch) -> None:
    series = hd.series(batch, by=by, inclusive=inclusive)
    table = series.table()
    keys = table.columns[3 : table.columns.index("present")]
    first = series.snapshots[0]
    for point, snapshot in enumerate(series.snapshots):
        found = table.filter(pl.col("present"), point=point).select(*keys, *MEASURES).sort(keys)
        delta = hd.diff(first, snapshot).by(by, inclusive=inclusive)
        there = delta.filter(pl.col("allocation_count_after") > 0)
        expected = there.select(*keys, *(pl.col(f"{name}_after").alias(name) for name in MEASURES)).sort(keys)
        assert found.equals(expected)


@pytest.mark.parametrize(("by", "inclusive"), VIEWS)
def test_every_key_is_there_at_every_time_and_sums_are_the_totals(by: Any, inclusive: bool, batch: hd.Batch) -> None:
    series = hd.series(batch, by=by, inclusive=inclusive)
    table = series.table()
    keys = table.columns[3 : table.columns.index("present")]
    counted = table.group_by(keys).agg(pl.col("point").sort())
    assert counted["point"].to_list() == [[0, 1, 2, 3]] * counted.height
    absent = table.filter(~pl.col("present")).select(MEASURES)
    assert absent.filter(pl.any_horizontal(pl.all() != 0)).is_empty()
    if not inclusive:
        sums = table.group_by("point").agg(pl.col(MEASURES).sum()).sort("point")
        assert sums.equals(series.points.select("point", *MEASURES))
    for point, snapshot in enumerate(series.snapshots):
        totals = series.points.row(point, named=True)
        assert totals["requested_bytes"] == snapshot.usage["requested_bytes"].sum()
        assert totals["allocation_count"] == snapshot.usage["allocation_count"].sum()


@pytest.mark.parametrize("by", ["module", "function", "stack", "heap"])
def test_table_is_sorted_by_final_size_then_key_then_point(by: Any, batch: hd.Batch) -> None:
    table = hd.series(batch, by=by).table()
    keys = table.columns[3 : table.columns.index("present")]
    final = table.filter(point=3).select(*keys, final="requested_bytes")
    marked = table.join(final, on=keys, how="left", nulls_equal=True, maintain_order="left")
    again = marked.sort(
        "final", *keys, "point", descending=[True] + [False] * (len(keys) + 1), nulls_last=True, maintain_order=True
    )
    assert marked.equals(again)
    assert table.schema["run"] == table.schema["point"] == pl.UInt32
    assert table.schema["taken_at"] == pl.Datetime("us")


def test_answers_of_the_story_are_found(story: Investigation, batch: hd.Batch) -> None:
    table = hd.series(batch).table().filter(pl.col("status") == "ok")
    for point, answer in enumerate(story.answers):
        found = dict(table.filter(pl.col("present"), point=point).select("module", "requested_bytes").rows())
        assert found == {name: sums.requested_bytes for name, sums in answer.modules.items()}


@settings(max_examples=30, deadline=None)
@given(
    logs=st.lists(
        st.dictionaries(
            st.sampled_from(["1", "2", "3", "4", "5"]),
            st.lists(st.tuples(st.sampled_from([0x10000, 0x20000]), st.integers(1, 5000)), min_size=1, max_size=3),
            max_size=5,
        ),
        min_size=2,
        max_size=5,
    ),
    by=st.sampled_from(["module", "function", "stack", "heap"]),
)
def test_table_agrees_with_plain_sums(logs: list[dict[str, list[tuple[int, int]]]], by: Any) -> None:
    """Stacks 1 and 2 are of one module, 3 of another, 4 of none; 5 has no frames in the file."""
    frames = {
        "1": [NTDLL_FRAME, 0x1000_0100, APP_FRAME],
        "2": [NTDLL_FRAME, 0x1000_0200],
        "3": [NTDLL_FRAME, APP_FRAME],
        "4": [0x6000_0000, APP_FRAME],
    }
    modules = {
        "1": ("a", "ok"),
        "2": ("a", "ok"),
        "3": ("app", "ok"),
        "4": (None, "no module"),
        "5": (None, "stack not in file"),
    }
    snapshots = []
    for hour, blocks in enumerate(logs):
        listed = [(heap, trace, size, 8) for trace, parts in blocks.items() for heap, size in parts]
        snapshots.append(Log(listed, frames, taken=f"2012-04-30 {hour:02d}:00").read())
    table = hd.series(snapshots, by=by).table()
    expected: dict[tuple[object, int], int] = {}
    for point, blocks in enumerate(logs):
        for trace, parts in blocks.items():
            for heap, size in parts:
                key = {"heap": (heap,), "module": modules[trace]}.get(by, (trace,))
                expected[key, point] = expected.get((key, point), 0) + size
    there = table.filter(pl.col("present"))
    if by in ("module", "heap"):
        columns = ["module", "status"] if by == "module" else ["heap_base"]
        found = {
            (tuple(row[:-2]), row[-2]): row[-1] for row in there.select(*columns, "point", "requested_bytes").rows()
        }
        assert found == expected
    else:
        counts = there.group_by("point").len().sort("point")
        assert dict(counts.rows()) == {point: len(blocks) for point, blocks in enumerate(logs) if blocks}
    sums = table.group_by("point").agg(pl.col("requested_bytes").sum()).sort("point")
    if table.height:
        assert sums["requested_bytes"].to_list() == [
            sum(size for parts in blocks.values() for _, size in parts) for blocks in logs
        ]


def test_keys_that_come_late_or_leave_early_have_rows_at_every_point() -> None:
    """More snapshots than are summed up together."""
    hours = range(90)
    curves = {
        "early": [500 if hour < 3 else 0 for hour in hours],
        "late": [700 if hour > 86 else 0 for hour in hours],
        "always": [100 + hour for hour in hours],
    }
    series = hd.series(snapshots_of(curves, list(hours)))
    table = series.table().sort("module", "point")
    for name, sizes in curves.items():
        rows = table.filter(module=name)
        assert rows["requested_bytes"].to_list() == sizes
        assert rows["present"].to_list() == [size > 0 for size in sizes]
        assert rows["overhead_bytes"].to_list() == [8 if size else 0 for size in sizes]
    growth = series.growth()
    assert dict(growth.select("module", "last_bytes").rows()) == {"early": 0, "late": 700, "always": 189}


def test_logs_that_are_cut_off_are_named() -> None:
    hours = range(8)
    logs = [log_of({"a": 1000 + hour, "b": 2000}, hour).text() for hour in hours]
    for cut in (3, 6):
        logs[cut] = logs[cut][: logs[cut].index("*- - - -", logs[cut].index("*- - - -") + 1)]
    series = hd.series([hd.read(log.encode()) for log in logs])
    assert [point for point, whole in series.points.select("point", "complete").rows() if not whole] == [3, 6]
    expected = (
        "2 logs probably cut off (points 3, 6), for the end of a heap is missing: what is not there looks like a fall, "
        "so verdicts may be wrong"
    )
    assert expected in series.notes
    assert series.survival().notes == [expected]
    assert hd.series(snapshots_of({"a": [1, 2]}, [0, 1])).survival().notes == []


def test_blocks_without_a_stack_are_a_key_of_their_own() -> None:
    logs = [Log([(0x10000, "0", size, 8)], {}, taken=f"2012-04-30 1{size % 2}:09") for size in (8, 9)]
    for by in ("module", "function", "stack"):
        table = hd.series([log.read() for log in logs], by=by).table()
        assert table.select("status", "requested_bytes").rows() == [
            ("no stack recorded", 8),
            ("no stack recorded", 9),
        ]


def test_order_is_by_the_time_that_the_logs_tell() -> None:
    snapshots = [log_of({"a": 100 + hours}, hours).read() for hours in (8, 0, 4)]
    series = hd.series(snapshots)
    assert series.points["requested_bytes"].to_list() == [100, 104, 108]
    assert series.points["time_source"].to_list() == ["log"] * 3
    assert series.points["overhead_bytes"].to_list() == [8, 8, 8]
    assert series.notes == []
    given = hd.series(snapshots, order="given")
    assert given.points["requested_bytes"].to_list() == [108, 100, 104]
    assert given.points["taken_at"].to_list() == [snapshot.taken_at for snapshot in snapshots]
    assert any("without a clock" in note for note in given.notes)
    assert any("do not rise" in note for note in given.notes)


def test_order_by_name_and_by_change_of_the_file(tmp_path: Path) -> None:
    for name, size, changed in [("log_10.txt", 10, 1_000_000), ("log_9.txt", 9, 1_007_200)]:
        (tmp_path / name).write_bytes(log_of({"a": size}, 0).text().encode())
        os.utime(tmp_path / name, (changed, changed))
    batch = hd.read_many(tmp_path)
    named = hd.series(batch, order="name")
    assert [Path(path).name for path in named.points["path"]] == ["log_9.txt", "log_10.txt"]
    assert named.points["time_source"].to_list() == ["name"] * 2
    changed = hd.series(batch, order="mtime")
    assert changed.points["requested_bytes"].to_list() == [10, 9]
    assert [str(time) for time in changed.points["taken_at"]] == ["1970-01-12 13:46:40", "1970-01-12 15:46:40"]
    assert changed.growth()["slope"].item() == -0.5
    assert changed.notes[0].startswith("times are those at which the files were last changed")
    for order in ("name", "mtime"):
        with pytest.raises(OptionError, match="found 2 without a path"):
            hd.series([log_of({"a": 1}, hours).read() for hours in (0, 1)], order=order)  # type: ignore[arg-type]


def test_a_log_without_a_time_is_left_out_and_named(tmp_path: Path) -> None:
    text = "// UMDH: version 6.1: Logtime {} - Machine=KILN-01 - PID=7696\n"
    text += "*- - - - Start of data for heap @ 10000 - - - -\n"
    text += "{} bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n"
    times = ["2012-04-30 12:09", "2012-02-30 12:09", "04/30/2012 1:09 PM", "04/30/2012 12:09 AM"]
    for size, (name, time) in enumerate(zip("abcd", times, strict=True), start=1):
        (tmp_path / f"{name}.log").write_text(text.format(time, size), encoding="utf-8", newline="")
    batch = hd.read_many(tmp_path)
    issues = batch.snapshots[1].issues.filter(pl.col("kind") == "unreadable_time")
    assert issues["text"].to_list() == ["2012-02-30 12:09"]
    assert batch.snapshots[1].taken_at is None
    (run,) = hd.group(batch)
    assert len(run) == 4
    series = hd.series(batch)
    assert [str(time) for time in series.points["taken_at"]] == [
        "2012-04-30 00:09:00",
        "2012-04-30 12:09:00",
        "2012-04-30 13:09:00",
    ]
    assert series.points["requested_bytes"].to_list() == [4, 1, 3]
    assert series.notes[0] == "1 log left out, that does not tell when it was taken: b.log"
    assert hd.series(batch, order="name").points.height == 4
    with pytest.raises(OptionError, match="found 1 that does not"):
        hd.series(batch.snapshots[:2])


def test_a_copy_of_a_log_is_no_second_point(tmp_path: Path) -> None:
    story = hd.testing.write_investigation(tmp_path, steps=4, stack_count=30)
    whole = hd.series(hd.read_many(tmp_path))
    first, second = (Path(each.path or "") for each in whole.snapshots[:2])
    (tmp_path / "sent again").mkdir()
    (tmp_path / "sent again" / first.name).write_bytes(first.read_bytes())
    (tmp_path / "in another encoding.txt").write_text(second.read_text(), encoding="utf-16")
    again = hd.series(hd.read_many(tmp_path))
    assert again.points.height == whole.points.height == 4
    assert again.growth().equals(whole.growth())
    assert any(
        note.startswith("2 logs left out, of the same moment as another, with the same stacks and sums: ")
        for note in again.notes
    ), story
    with pytest.raises(OptionError, match="expected two snapshots or more, found 1, and 1 copy of it"):
        hd.series([hd.read(first), hd.read(first)])


def test_a_file_that_is_gone_has_no_time_of_change(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.txt" for name in "ab"]
    for size, path in enumerate(paths, start=1):
        path.write_text(Log([(0x10000, "1", size, 8)], {"1": [NTDLL_FRAME]}).text(), encoding="utf-8")
    snapshots = [hd.read(path) for path in paths]
    paths[1].unlink()
    with pytest.raises(OptionError, match=r"b\.txt: expected a file that tells when it was changed"):
        hd.series(snapshots, order="mtime")


def test_logs_without_a_time_are_refused_with_a_hint() -> None:
    silent = [Log([(0x10000, "1", size, 8)], {"1": [NTDLL_FRAME]}, header=False).read() for size in (1, 2)]
    with pytest.raises(
        OptionError, match="expected logs that tell when they were taken, found 2 that do not"
    ) as refused:
        hd.series(silent)
    assert refused.value.hint is not None
    assert "order='name'" in refused.value.hint
    given = hd.series(silent, order="given")
    assert given.points["taken_at"].to_list() == [None, None]
    assert given.notes[0] == "2 logs of 2 taken for the same run unproved: no machine or process named"


def test_gap_is_an_interval_of_more_than_twice_and_a_half_the_median() -> None:
    series = hd.series(snapshots_of({"a": [1] * 6}, [0, 4, 8, 18, 22, 32.5]))
    assert series.points["gap"].to_list() == [False, False, False, False, False, True]
    assert any(note.startswith("1 gap in time") for note in series.notes)
    same = hd.series(snapshots_of({"a": [1, 2, 2]}, [0, 0, 4]))
    assert any("taken at the same moment" in note for note in same.notes)


def test_runs_are_kept_apart() -> None:
    curves = {"a": [1000, 2000, 3000, 4000, 5000, 6000, 7000]}
    hours = [24.0 * place for place in range(7)]
    later = [hour + 200 for hour in hours]
    falling = {"a": [7000, 6000, 5000, 4000, 3000, 2000, 1000], "b": [5] * 7}
    snapshots = [*snapshots_of(falling, later, pid=812), *snapshots_of(curves, hours)]
    for by in ("module", "heap"):
        series = hd.series(snapshots, by=by, runs="all")
        assert series.points["run"].to_list() == [0] * 7 + [1] * 7
        growth = series.growth()
        verdicts = growth.filter(pl.col("max_bytes") > 5).sort("run")["verdict"].to_list()
        assert verdicts == ["leak", "shrinking"]
    modules = hd.series(snapshots, runs="all")
    assert modules.growth().sort("run", "module").select("run", "module").rows() == [(0, "a"), (1, "a"), (1, "b")]
    assert modules.table().filter(module="b", run=0)["present"].to_list() == [False] * 7


def test_heap_has_no_rows_in_a_run_that_does_not_have_it() -> None:
    def log(heap: int, pid: int, hours: int) -> hd.Snapshot:
        return Log([(heap, "1", 100, 8)], {"1": [NTDLL_FRAME]}, pid=pid, taken=f"2012-04-30 {hours:02d}:00").read()

    snapshots = [log(0x10000, 1, 0), log(0x10000, 1, 1), log(0x20000, 2, 2), log(0x20000, 2, 3)]
    table = hd.series(snapshots, by="heap", runs="all").table()
    assert table.select("run", "point", "heap_base").rows() == [
        (1, 2, 0x20000),
        (1, 3, 0x20000),
        (0, 0, 0x10000),
        (0, 1, 0x10000),
    ]


def test_snapshots_of_no_known_run_are_left_out_beside_several(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(Log([(0x10000, "1", 9, 8)], {"1": [NTDLL_FRAME]}, header=False).text().encode())
    lost = hd.read(tmp_path / "x.txt")
    snapshots = [*(log_of({"a": 1}, hours, pid=pid).read() for pid in (1, 2) for hours in (pid, 9 * pid)), lost]
    series = hd.series(snapshots, runs="all")  # type: ignore[arg-type]
    assert len(series.snapshots) == 4
    assert series.notes[0] == "1 snapshot left out, of no known run: x.txt"
    # Runs leave out what belongs to none, even if there is one run only.
    one = hd.series(hd.group([*snapshots[:2], lost]))  # type: ignore[list-item]
    assert len(one.snapshots) == 2
    assert one.notes == ["1 snapshot left out, of no known run: x.txt"]
    together = hd.series([*snapshots[:2], lost], order="given")  # type: ignore[list-item]
    assert len(together.snapshots) == 3
    assert together.notes[0] == "1 log of 3 taken for the same run unproved: no machine or process named"


def test_own_rules_decide_who_is_blamed() -> None:
    snapshots = snapshots_of({"pool": [10, 20]}, [0, 4])
    assert hd.series(snapshots).table()["module"].unique().to_list() == ["pool"]
    own = hd.series(snapshots, allocators=[*hd.blame.DEFAULT, "pool"])
    assert own.table()["module"].unique().to_list() == ["app"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            {"by": "trace"},
            "expected one of module, function, stack, heap, counter, size, size_class, content, source, region_class, "
            "found 'tr",
        ),
        ({"by": "stack", "inclusive": True}, "expected module or function with inclusive=True"),
        ({"order": "size"}, "expected one of taken_at, name, mtime, given for order"),
        ({"runs": "two"}, "expected one or all for runs"),
    ],
)
def test_options_of_no_meaning_are_refused(option: dict[str, Any], message: str) -> None:
    snapshots = snapshots_of({"a": [1, 2]}, [0, 1])
    with pytest.raises(OptionError, match=message):
        hd.series(snapshots, **option)


def test_files_that_failed_are_named_where_snapshots_are_missing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(OptionError, match="found 0") as caught:
        hd.series(hd.read_many(tmp_path))
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("1 file could not be read, the first: ")
    assert "notes.txt" in caught.value.hint


def test_one_snapshot_is_no_series() -> None:
    with pytest.raises(OptionError, match="expected two snapshots or more, found 1"):
        hd.series(snapshots_of({"a": [1]}, [0]))


def test_series_shows_itself() -> None:
    series = hd.series(snapshots_of({"a": [100, 200]}, [0, 4]))
    assert repr(series) == "<Series by module: 2 snapshots, 2024-03-11 09:00 to 2024-03-11 13:00>"
    html = series._repr_html_()
    assert "too few snapshots" in html
