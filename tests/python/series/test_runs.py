"""`group`: runs of processes are told apart, and never mixed."""

from __future__ import annotations

import heapdelta as hd
import pytest
from curves import log_of
from heapdelta.exceptions import OptionError
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import Log


def one(hours: float, *, pid: int = 704, machine: str = "BOX") -> hd.Snapshot:
    return log_of({"a": 1000 + int(hours)}, hours, pid=pid, machine=machine).read()


def test_restart_is_a_later_run_of_the_same_machine_and_program() -> None:
    snapshots = [one(8, pid=812), one(0), one(4), one(12, pid=812), one(6, machine="OTHER")]
    runs = hd.group(snapshots)
    assert [(run.machine, run.pid, len(run), run.restart) for run in runs] == [
        ("BOX", 704, 2, False),
        ("OTHER", 704, 1, False),
        ("BOX", 812, 2, True),
    ]
    assert [run.program for run in runs] == ["app", "app", "app"]
    assert runs.unassigned.is_empty()
    table = runs.table()
    assert table["run"].to_list() == [0, 1, 2]
    assert table["restart"].to_list() == [False, False, True]
    assert table["snapshots"].to_list() == [2, 1, 2]
    assert [str(time) for time in table["first_taken_at"]] == [
        "2024-03-11 09:00:00",
        "2024-03-11 15:00:00",
        "2024-03-11 17:00:00",
    ]
    assert table["last_taken_at"][0] == runs[0].last_taken_at == snapshots[2].taken_at
    assert repr(runs) == "<Runs: 3 runs of 5 snapshots>"
    assert repr(runs[2]) == "<Run of app on BOX, process 812: 2 snapshots, a restart>"
    assert "OTHER" in runs._repr_html_()


def test_process_id_that_is_used_again_is_another_run() -> None:
    moved = log_of({"a": 1000}, 24)
    moved.modules["app.exe"] = 0x50_0000
    runs = hd.group([one(0), moved.read(), one(4)])
    assert [len(run) for run in runs] == [2, 1]
    assert runs[1].restart


def test_process_id_that_another_program_has_later_is_another_run() -> None:
    other = log_of({"a": 1000}, 24)
    other.modules["other.exe"] = other.modules.pop("app.exe")
    runs = hd.group([one(0), one(4), other.read()])
    assert [(len(run), run.program, run.restart) for run in runs] == [(2, "app", False), (1, "other", False)]
    with pytest.raises(OptionError, match="expected snapshots of one run, found 2 runs"):
        hd.series([one(0), other.read()])
    assert "the programs differ (app and other)" in hd.diff(one(0), other.read()).notes[0]


def test_logs_that_share_no_module_are_of_two_runs() -> None:
    bare = Log([(0x10000, "1", 100, 8)], pid=704, machine="BOX", modules={"alone.dll": 0x6000_0000})
    assert len(hd.group([one(0), bare.read()])) == 2


def test_processes_that_run_at_the_same_time_are_no_restart() -> None:
    together = [one(0), one(8), one(4, pid=812), one(12, pid=812), one(13, pid=900)]
    runs = hd.group(together)
    assert [(run.pid, run.restart) for run in runs] == [(704, False), (812, False), (900, True)]
    series = hd.series(runs, runs="all")
    assert "the program was started anew 1 time: each run is judged by itself" in series.notes
    assert "1 run beside the first, no restart: each is judged by itself" in series.notes


def test_logs_that_do_not_name_themselves_belong_to_no_run() -> None:
    nameless = Log([(0x10000, "1", 100, 8)], {"1": [0x7700_0100]}, header=False).read()
    runs = hd.group([nameless, one(0), one(4)])
    assert [len(run) for run in runs] == [2]
    assert runs.unassigned.rows() == [(None, "the log does not name its machine")]
    assert "1 unassigned" in repr(runs)
    assert len(hd.group([nameless])) == 0


def test_run_of_a_program_that_no_log_names_is_no_restart() -> None:
    def unnamed(pid: int, hour: int) -> hd.Snapshot:
        return Log([(0x10000, "1", 100, 8)], pid=pid, taken=f"2024-03-11 0{hour}:00", modules={}).read()

    runs = hd.group([unnamed(704, 1), unnamed(812, 5)])
    assert [(run.pid, run.program, run.restart) for run in runs] == [(704, None, False), (812, None, False)]


def test_a_batch_groups_like_its_snapshots() -> None:
    logs = [log_of({"a": 10}, hours).text().encode() for hours in (4, 0)]
    batch = hd.read_many(logs)
    assert [snapshot.taken_at for snapshot in hd.group(batch)[0]] == sorted(one.taken_at for one in batch)  # type: ignore[type-var]


@settings(max_examples=25, deadline=None)
@given(
    kinds=st.lists(
        st.tuples(st.sampled_from(["BOX", "Box", "WEB"]), st.sampled_from([1, 2]), st.integers(0, 50)),
        min_size=1,
        max_size=10,
    )
)
def test_no_run_is_of_two_processes_and_no_snapshot_is_lost(kinds: list[tuple[str, int, int]]) -> None:
    snapshots = [one(hours, pid=pid, machine=machine) for machine, pid, hours in kinds]
    runs = hd.group(snapshots)
    assert sorted(id(snapshot) for run in runs for snapshot in run) == sorted(map(id, snapshots))
    named = [{(str(snapshot.machine).casefold(), snapshot.pid) for snapshot in run} for run in runs]
    assert all(len(names) == 1 for names in named)
    assert len({name for names in named for name in names}) == len(runs)
    times = [[snapshot.taken_at for snapshot in run] for run in runs]
    assert all(run == sorted(run) for run in times)  # type: ignore[type-var]
    assert [run.first_taken_at for run in runs] == sorted(run.first_taken_at for run in runs)  # type: ignore[type-var]


def test_what_is_no_snapshot_is_refused(tmp_path: object) -> None:
    with pytest.raises(TypeError, match="found one: put it into a list"):
        hd.group(one(0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="found int among them"):
        hd.group([3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="expected several snapshots, found int"):
        hd.group(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="found str \\(read_many reads files\\) among them"):
        hd.group("before.txt")  # type: ignore[arg-type]
    hd.testing.write_dump(f"{tmp_path}/a.dmp")
    batch = hd.read_many(str(tmp_path))
    with pytest.raises(TypeError, match=r"found a Batch \(list what it holds: \[\*one.snapshots, \*one.dumps\]\)"):
        hd.group([batch, batch])  # type: ignore[list-item]
    assert hd.group(batch.dumps).dumps == hd.group(batch).dumps == batch.dumps
    assert len(hd.group(batch.dumps)) == 0


def test_series_never_mixes_runs_in_silence() -> None:
    snapshots = [one(0), one(4), one(8, pid=812), one(12, pid=812)]
    with pytest.raises(OptionError, match="expected snapshots of one run, found 2 runs: app on BOX") as refused:
        hd.series(snapshots)
    assert refused.value.hint is not None
    assert "runs='all'" in refused.value.hint
    both = hd.series(snapshots, runs="all")
    assert both.points["run"].to_list() == [0, 0, 1, 1]
    assert both.points["restart"].to_list() == [False, False, True, False]
    assert any("started anew 1 time" in note for note in both.notes)
    assert repr(both).startswith("<Series by module: 4 snapshots of 2 runs, ")
    alone = hd.series(hd.group(snapshots)[1])
    assert alone.points["restart"].to_list() == [False, False]


def test_all_runs_leave_out_what_belongs_to_none_beside_a_single_run() -> None:
    nameless = Log([(0x10000, "1", 9, 8)], {"1": [0x7700_0100]}, header=False).read()
    series = hd.series([one(0), one(4), nameless], runs="all")
    assert len(series.snapshots) == 2
    assert series.notes == ["1 snapshot left out, of no known run: <bytes>"]
    with pytest.raises(OptionError, match="expected two snapshots or more of known runs, found 1: 1 snapshot left out"):
        hd.series([one(0), nameless], runs="all")


def test_several_runs_of_one_process_id_are_told_apart_in_the_message() -> None:
    moved = log_of({"a": 1000}, 24)
    moved.modules["app.exe"] = 0x50_0000
    with pytest.raises(OptionError) as caught:
        hd.series([one(0), one(4), moved.read()])
    assert str(caught.value).startswith(
        "expected snapshots of one run, found 2 runs: app on BOX, process 704, from 2024-03-11 09:00 on; "
        "app on BOX, process 704, from 2024-03-12 09:00 on"
    )


def test_log_without_a_time_or_a_run_does_not_stop_the_others() -> None:
    nameless = Log([(0x10000, "1", 9, 8)], {"1": [0x7700_0100]}, header=False).read()
    series = hd.series([one(0), one(4), nameless])
    assert len(series.snapshots) == 2
    assert series.notes[0] == "1 log left out, that does not tell when it was taken: <bytes>"
    assert len(hd.series([one(0), one(4), nameless], runs="all").snapshots) == 2
    with pytest.raises(OptionError) as caught:
        hd.series([nameless, nameless])
    assert (caught.value.hint or "").startswith("order='name'")
