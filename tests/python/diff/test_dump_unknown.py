"""What a dump has no list of is unknown: not 0, not a guess, and said so wherever it would be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import heapdelta as hd
import pytest
from heapdelta import cli, testing
from heapdelta._capture.dump_lists import knows
from heapdelta.exceptions import NoTableError, OptionError
from small_dump import APP, Module, Region, SmallDump, diff

if TYPE_CHECKING:
    from pathlib import Path

BARE = SmallDump(regions=None, modules=None, unloaded=None, handles=None, starts=None, counters=None)


def _damaged(folder: Path, damage: str) -> hd.Dump:
    read = hd.read(testing.write_dump(folder / f"{damage}.dmp", stack_count=60, damage=damage).path)
    assert isinstance(read, hd.Dump)
    return read


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> hd.Dump:
    read = hd.read(testing.write_dump(tmp_path_factory.mktemp("sound") / "sound.dmp", stack_count=60).path)
    assert isinstance(read, hd.Dump)
    return read


def test_a_repr_counts_only_what_the_dump_lists() -> None:
    assert repr(BARE.read()) == "<Dump <bytes>: minidump, windows 10.0.17763 amd64, 0 issues>"
    assert "0 modules" in repr(SmallDump(modules=[]).read())
    rows = dict.fromkeys(hd.Dump._names, "–")
    rows |= {"streams": "2", "issues": "0"}
    page = BARE.read()._repr_html_()
    for table, shown in rows.items():
        row = page.partition(f">{table}</td>")[2].partition("</tr>")[0]
        assert f">{shown}</td>" in row, table


def test_a_summary_names_the_lists_that_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bare.dmp"
    path.write_bytes(BARE.write())
    assert cli.run(["summary", str(path)]) == cli.OK
    shown = capsys.readouterr().out
    assert "no list of  modules, threads, regions, handles" in shown
    for words in ("0 regions", "0 handles", "0 bytes in 0 ranges", "holds"):
        assert words not in shown
    path.write_bytes(SmallDump().write())
    assert cli.run(["summary", str(path)]) == cli.OK
    shown = capsys.readouterr().out
    assert "1 module, 0 threads, 0 regions, 0 handles" in shown
    assert "no list of" not in shown


def test_a_list_that_cannot_be_read_makes_no_memory_come_or_go(sound: hd.Dump, tmp_path: Path) -> None:
    broken = _damaged(tmp_path, "record-size-zero")
    delta = hd.diff(sound, broken)
    assert delta.total["committed_bytes_after"].item() is None
    assert delta.by("region_class")["committed_bytes_delta"].null_count() == delta.by("region_class").height
    assert delta.by("handle_type")["handle_count_after"].null_count() == delta.by("handle_type").height
    notes = " | ".join(delta.notes)
    assert "after: the dump has no MemoryInfoListStream that can be read" in notes
    assert "no heap is recognised" not in notes
    with pytest.raises(OptionError, match="expected a dump that lists its regions"):
        hd.chart.regions(delta)


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        ("short-by-a-page", "MemoryListStream could not be read in full (1 issue), so heaps may not be recognised"),
        ("counts-too-large", "ThreadNamesStream could not be read in full (1 issue), so some threads have no name"),
        ("counts-too-large", "HandleDataStream could not be read in full (1 issue), so its sums are too small"),
        ("cut-directory", "the directory could not be read in full, so whole lists may be missing"),
        (
            "cut-directory",
            "SystemInfoStream could not be read in full (1 issue), so facts about the process are missing",
        ),
    ],
)
def test_a_note_says_what_damage_costs(damage: str, note: str, sound: hd.Dump, tmp_path: Path) -> None:
    assert any(f"after: {note}" in line for line in hd.diff(sound, _damaged(tmp_path, damage)).notes)


def test_a_list_that_is_not_there_is_not_called_too_small(sound: hd.Dump, tmp_path: Path) -> None:
    notes = hd.diff(sound, _damaged(tmp_path, "stream-past-the-end")).notes
    assert [note for note in notes if "ModuleListStream" in note] == [
        "after: the dump has no ModuleListStream that can be read, so modules are unknown"
    ]


def test_no_width_of_pointers_is_guessed(sound: hd.Dump, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = _damaged(tmp_path, "cut-directory")
    assert broken.cpu is None
    assert not any("pointers have" in note for note in hd.diff(sound, broken).notes)
    assert cli.run(["summary", str(broken.path)]) == cli.OK
    assert " bits" not in capsys.readouterr().out


def test_threads_of_either_list_count() -> None:
    file = SmallDump(starts=[APP, APP])
    whole = file.write()
    directory = int.from_bytes(whole[12:16], "little")
    rows = [whole[place : place + 12] for place in range(directory, directory + 12 * whole[8], 12)]
    without = b"".join((0xFFF1 if row[0] == 3 else row[0]).to_bytes(4, "little") + row[4:] for row in rows)
    only_infos = hd.read(whole[:directory] + without + whole[directory + len(without) :])
    assert knows(only_infos, "threads")
    counts = hd.diff(only_infos, file.read()).by("thread_start")
    assert counts.select("thread_start", "thread_count_before", "thread_count_delta").rows() == [("app+0x0", 2, 0)]


def test_modules_without_a_name_say_nothing_about_the_process() -> None:
    nameless = [Module(place, 0x1000, "") for place in (0x1_0000, 0x2_0000, 0x3_0000)]
    before, after = SmallDump(modules=nameless), SmallDump(modules=nameless[1:])
    assert diff(before, after).same_process


def test_regions_without_an_allocation_are_not_taken_for_one() -> None:
    before = SmallDump([Region(0x1_0000, 0x1000), Region(0x2_0000, 0x1000)])
    after = SmallDump([Region(0x1_0000, 0x3000), Region(0x3_0000, 0x1000)])
    rows = diff(before, after).by("allocation_base").select("allocation_base", "change", "committed_bytes_delta").rows()
    assert rows == [(0x1_0000, "grown", 0x2000), (0x3_0000, "new", 0x1000), (0x2_0000, "gone", -0x1000)]


def test_a_chart_says_where_heaps_are_not_recognised(sound: hd.Dump) -> None:
    other = SmallDump([Region(0x1_0000, 1 << 24, allocation_base=0x1_0000)]).read()
    lines = hd.chart.regions(other, sound).to_dict()["title"]["subtitle"]
    assert lines[-1] == "bytes: no heap is recognised, so heaps are private there"
    assert not any("recognised" in line for line in hd.chart.regions(sound, sound).to_dict()["title"]["subtitle"])
    assert not any("recognised" in line for line in hd.chart.regions(other).to_dict()["title"]["subtitle"])


@pytest.mark.parametrize("name", ["bytes_at", "os", "comment", "exception", "process_created_at"])
def test_a_log_says_that_only_dumps_have_it(name: str, tmp_path: Path) -> None:
    log = hd.read(testing.write_log(tmp_path / "before.txt", stack_count=20).path)
    with pytest.raises(NoTableError, match=f"a umdh2 log has no {name}: only a minidump has"):
        getattr(log, name)
    assert not hasattr(log, name)


def test_check_does_not_speak_of_writing(sound: hd.Dump, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", str(sound.path), str(sound.path), "--max-growth", "1MB"]) == cli.UNREADABLE
    assert "hint: heapdelta diff and heapdelta summary take dumps; " in capsys.readouterr().err


def test_a_waterfall_of_dumps_points_to_the_chart_that_is_one() -> None:
    with pytest.raises(TypeError, match=r"found DumpDelta: chart\.regions draws dumps"):
        hd.chart.waterfall(diff(SmallDump(), SmallDump()))
