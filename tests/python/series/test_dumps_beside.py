"""Dumps beside logs: those of the process in the logs stand beside them, and it is said why others do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import heapdelta as hd
import pytest
from curves import log_of, snapshots_of
from small_dump import CREATED, TAKEN, Module, SmallDump
from small_dumps import HOUR, dump, leaking
from small_log import APP, NTDLL


def logs_and_dumps(dumps: list[SmallDump], *, pid: int = 704, machine: str = "BOX") -> hd.Batch:
    logs = snapshots_of({"a": [4096 * number for number in range(1, 9)]}, range(0, 48, 6), pid=pid, machine=machine)
    batch = hd.read_many([one.write() for one in dumps] or [SmallDump().write()])
    batch.snapshots, batch.dumps = logs, batch.dumps[: len(dumps)]
    return batch


def test_dumps_of_the_process_stand_beside_the_logs() -> None:
    batch = logs_and_dumps([*leaking(8), *leaking(2, pid=810)])
    series = hd.series(batch)
    assert series.counters is not None
    assert len(series.counters) == 8
    private = series.counters.growth(warm_up_hours=0).filter(counter="private_usage", status="ok")
    assert private["verdict"].to_list() == ["leak"]
    assert "of 8 dumps, verdicts: " in series._repr_html_()
    assert series.notes[-2].startswith("logs tell the time of their machine, dumps that of UTC")
    assert series.notes[-1] == (
        "2 dumps left out, not known to be of the process in the logs (<bytes>, <bytes>): its process id is 810, that "
        "of the logs 704"
    )
    runs = hd.group(batch)
    assert len(runs.dumps) == 10
    assert len(runs[0].dumps) == 8
    assert "8 dumps" in repr(runs[0])
    of_run, of_runs = hd.series(runs[0]).counters, hd.series(runs, runs="all").counters
    assert of_run is not None
    assert of_runs is not None
    assert of_run.growth().equals(of_runs.growth())
    assert hd.series(batch.snapshots).counters is None
    assert hd.series(batch.snapshots).notes == hd.series(logs_and_dumps([])).notes


def test_a_list_of_logs_and_dumps_is_as_good_as_a_batch_of_them() -> None:
    batch = logs_and_dumps([*leaking(8), *leaking(2, pid=810)])
    mixed = [*batch.dumps[:3], *batch.snapshots, *batch.dumps[3:]]
    for listed in (mixed, iter(mixed), tuple(mixed)):
        series, expected = hd.series(listed, by="stack"), hd.series(batch, by="stack")
        assert series.points.equals(expected.points)
        assert series.notes == expected.notes
        assert series.counters is not None
        assert expected.counters is not None
        assert series.counters.growth().equals(expected.counters.growth())
    runs = hd.group(iter(mixed))
    assert runs.dumps == batch.dumps
    assert runs[0].dumps == hd.group(batch)[0].dumps
    assert hd.series(mixed, by="counter", runs="all").points["run"].n_unique() == 2


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"pid": None}, "it names no process"),
        ({"created": TAKEN + 13 * HOUR}, "its process was made at 2024-03-11 22:00 UTC, after the first log was taken"),
        ({"modules": [Module(0x40_0000, 0x1000, "C:\\App\\other.exe")]}, "it is of other.exe, the logs of app.exe"),
        ({"modules": [Module(0x77_0000, 0x1000, "C:\\App\\app.exe")]}, "its program is at another address"),
    ],
)
def test_dumps_of_another_process_are_named(parts: dict[str, Any], reason: str) -> None:
    series = hd.series(logs_and_dumps([dump(hour, **parts) for hour in range(3)]))
    assert series.counters is None
    assert reason in series.notes[-1]


def test_dumps_without_modules_belong_by_their_id() -> None:
    series = hd.series(logs_and_dumps(leaking(3, modules=None)))
    assert series.counters is not None


def test_what_fits_several_processes_belongs_to_none() -> None:
    twice = hd.series(logs_and_dumps(leaking(3) + leaking(3, created=CREATED + 60)))
    assert twice.counters is None
    assert "dumps of 2 processes with its id fit the logs" in twice.notes[-1]
    two_machines = logs_and_dumps(leaking(3))
    two_machines.snapshots += logs_and_dumps([], machine="BOX2").snapshots
    series = hd.series(two_machines, runs="all")
    assert series.counters is None
    assert "it fits 2 runs, and names no machine" in series.notes[-1]


def test_runs_have_the_numbers_of_the_logs() -> None:
    batch = logs_and_dumps(leaking(3, pid=810))
    batch.snapshots += snapshots_of({"a": [1, 2, 3]}, [100, 101, 102], pid=810)
    series = hd.series(batch, runs="all")
    assert series.counters is not None
    assert series.counters.points["run"].to_list() == [1, 1, 1]
    assert series.counters.growth()["run"].unique().to_list() == [1]


def test_a_single_dump_tells_of_no_growth() -> None:
    series = hd.series(logs_and_dumps(leaking(1)))
    assert series.counters is None
    assert series.notes[-1] == "one dump is of the process in the logs: how what it counts grew takes two or more"


def listed(batch: hd.Batch) -> list[Module]:
    """What the logs list, as a dump has it: in its own form of paths, and in another case."""
    rows = batch.snapshots[0].modules.select("base", "size", "path").iter_rows()
    return [
        Module(base, size, path.replace("C:\\", "\\Device\\HarddiskVolume2\\").upper()) for base, size, path in rows
    ]


def with_modules(modules: list[Module]) -> hd.Series:
    return hd.series(logs_and_dumps(leaking(3, modules=modules)))


def test_dumps_with_the_modules_of_the_logs_belong() -> None:
    modules = listed(logs_and_dumps([]))
    assert [module.path.rpartition("\\")[2] for module in modules] == ["APP.EXE", "NTDLL.DLL", "A.DLL"]
    assert with_modules(modules).counters is not None
    # More of them, and others: a plug-in was loaded after the log was taken.
    assert with_modules([*modules, Module(0x6000_0000, 0x1000, "C:\\App\\late.dll")]).counters is not None


def test_a_plug_in_may_come_back_elsewhere_and_most_modules_may_not() -> None:
    program, ntdll, plug_in = listed(logs_and_dumps([]))
    elsewhere = Module(plug_in.base + 0x100_0000, plug_in.size, plug_in.path)
    assert with_modules([program, ntdll, elsewhere]).counters is not None
    ntdll = Module(ntdll.base + 0x100_0000, ntdll.size, ntdll.path)
    series = with_modules([program, ntdll, elsewhere])
    assert series.counters is None
    assert series.notes[-1].endswith(
        "2 of the 3 modules in both lists are at other addresses than in the logs, or of another size"
    )


def test_another_build_at_the_same_address_is_another_process() -> None:
    program, ntdll, plug_in = listed(logs_and_dumps([]))
    ntdll, plug_in = (Module(module.base, module.size + 0x1000, module.path) for module in (ntdll, plug_in))
    assert "2 of the 3 modules in both lists" in with_modules([program, ntdll, plug_in]).notes[-1]
    program = Module(program.base, program.size + 0x1000, program.path)
    assert "its program is of another size than that of the logs" in with_modules([program]).notes[-1]


def test_lists_without_a_module_in_common_are_of_two_processes() -> None:
    foreign = [Module(0x6000_0000 + place * 0x10_0000, 0x1000, f"C:\\App\\{place}.dll") for place in range(3)]
    assert "no module is in its list and in those of the logs" in with_modules(foreign).notes[-1]
    # A list that cannot be compared tells nothing.
    assert with_modules([]).counters is not None


def with_places(places: dict[str, int], hours: float, *, machine: str = "BOX") -> hd.Snapshot:
    return replace(log_of({"a": 4096}, hours, machine=machine), modules=places).read()


def test_modules_of_any_log_of_the_run_count() -> None:
    program, ntdll, plug_in = listed(logs_and_dumps([]))
    ntdll, plug_in = (Module(module.base + 0x100_0000, module.size, module.path) for module in (ntdll, plug_in))
    late = Module(0x6000_0000, 0x10_0000, "C:\\App\\late.dll")
    batch = logs_and_dumps(leaking(3, modules=[program, ntdll, plug_in, late]))
    assert hd.series(batch).counters is None
    batch.snapshots.append(with_places({"app.exe": APP, "ntdll.dll": NTDLL, "late.dll": late.base}, 60))
    assert hd.series(batch).counters is not None


def test_modules_decide_between_two_runs_with_one_process_id() -> None:
    batch = logs_and_dumps(leaking(3, modules=listed(logs_and_dumps([]))))
    places = {"app.exe": APP, "ntdll.dll": NTDLL + 0x100_0000, "a.dll": 0x3000_0000}
    batch.snapshots += [with_places(places, hours, machine="BOX2") for hours in (0, 6)]
    series = hd.series(batch, runs="all")
    assert series.counters is not None
    assert series.counters.points["run"].unique().to_list() == [0]
    assert [len(run.dumps) for run in hd.group(batch)] == [3, 0]
