"""What names do to rankings, stacks, notes and texts; and what they never touch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import programs
import pytest
from heapdelta._compat import dhcmp_text, umdh_text
from heapdelta.cli import _rank
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from pathlib import Path


def log(build: str, folder: Path, *, grown: bool = False, named: bool = True) -> hd.Snapshot:
    """A log of a build, by default with names; grown ones hold a MiB more in the first stack."""
    identity = programs.expected(build)["id"]
    text = programs.log(build, symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb")
    text = text.replace(b"\n10 bytes + 18", b"\n100010 bytes + 18") if grown else text
    found = hd.read_log(text)
    return found.with_symbols(hd.symbols(programs.stored(folder, build))) if named else found


def test_rankings_are_by_the_names(tmp_path: Path) -> None:
    delta = hd.diff(log("x64", tmp_path), log("x64", tmp_path, grown=True))
    first = delta.by("function").row(0, named=True)
    assert (first["module"], first["function"]) == ("server", "shop::Basket::add")
    assert first["requested_bytes_delta"] == 0x100000
    filtered = delta.filter(focus="server!shop::Basket::*")
    assert filtered.total["requested_bytes_delta"].item() == 0x100000
    assert hd.diff(log("x64", tmp_path), log("x64", tmp_path, grown=True), allocators=["server!shop::Basket::add"])
    blamed = hd.diff(
        log("x64", tmp_path), log("x64", tmp_path, grown=True), allocators=["server!shop::Basket::add"]
    ).by("function")
    assert blamed.filter(pl.col("requested_bytes_delta") > 0)["function"].to_list() == ["shop::Basket::add"]


def test_names_change_no_sum_and_no_fingerprint(tmp_path: Path) -> None:
    pairs = [[log("x64", tmp_path, grown=grown, named=named) for grown in (False, True)] for named in (False, True)]
    bare, named = (hd.diff(*pair) for pair in pairs)
    assert named.total.equals(bare.total)
    kept = ["fingerprint", "requested_bytes_delta", "allocation_count_delta"]
    assert named.by("stack").select(kept).equals(bare.by("stack").select(kept))
    # A log with names and one without are compared as ever.
    mixed = hd.diff(pairs[0][0], pairs[1][1])
    assert mixed.by("stack").select(kept).equals(bare.by("stack").select(kept))


def test_frames_show_lines_and_inlined_calls(tmp_path: Path) -> None:
    live = log("x64", tmp_path).live()
    fingerprint = live.by("stack").filter(pl.col("depth") > 1)["fingerprint"].item()
    frame = live.stack(fingerprint).row(0, named=True)
    assert frame["inlined"] == ["shop::checked at /fixture/server.cpp:36", "shop::taxed at /fixture/server.cpp:40"]
    assert _rank.frame_lines(live, fingerprint)[:3] == [
        "  shop::checked  server.cpp:36, inlined",
        "  shop::taxed  server.cpp:40, inlined",
        "> server!shop::Basket::add+0x10  server.cpp:45",
    ]


@pytest.mark.parametrize("form", ["umdh", "dhcmp"])
def test_texts_of_the_old_tools_have_the_names(form: str, tmp_path: Path) -> None:
    delta = hd.diff(log("x64", tmp_path), log("x64", tmp_path, grown=True))
    text = umdh_text(delta) if form == "umdh" else dhcmp_text(delta, verbose=True)
    assert "server!shop::Basket::add+00000010 : 140011020 (/fixture/server.cpp, 45)" in text
    frames = hd.read_comparison(text.encode(), radix=16).frames
    found = frames.filter(function="shop::Basket::add", offset=0x10)
    assert found.select("module", "address", "file", "source_line").rows() == [
        ("server", 0x140011020, "/fixture/server.cpp", 45)
    ]


def test_two_builds_of_a_program_compare_by_names(tmp_path: Path) -> None:
    before, after = log("x64", tmp_path), log("rebuilt", tmp_path, grown=True)
    apart = hd.diff(before, after)
    common = set(before.stacks["fingerprint"]) & set(after.stacks["fingerprint"])
    assert len(common) == 0
    together = hd.diff(before, after, match="name")
    assert "stacks are matched by the names of their functions" in together.notes[0]
    assert together.total.equals(apart.total)
    rows = together.by("stack")
    both = rows.filter((pl.col("requested_bytes_before") > 0) & (pl.col("requested_bytes_after") > 0))
    functions = set(both["function"])
    # The stack of all calls of the program is another: the rebuilt one has a function more.
    assert {"shop::Basket::add", "shop::unrolled", "worker", "twice"} <= functions
    assert rows.filter(function="shop::audit")["requested_bytes_before"].to_list() == [0, 0]


def test_frames_without_a_name_count_by_their_offset_in_a_match_by_names(tmp_path: Path) -> None:
    """Every real stack ends in modules of Windows, of which nobody has the symbols."""

    def of_windows(build: str, end: int) -> hd.Snapshot:
        text = programs.log(build, symbol_file=rf"d:\s\server.pdb\{programs.expected(build)['id']}\server.pdb")
        text = text.replace(b"//\n*-", b"// 7FF900000000 200000 C:\\Windows\\ntdll.dll\n//\n*-")
        text = re.sub(rb"(\t[0-9A-F]+\n)\n", rb"\1\t%X\n\n" % end, text)
        return hd.read_log(text).with_symbols(hd.symbols(programs.stored(tmp_path, build)))

    def in_both(end: int) -> set[str]:
        rows = hd.diff(of_windows("x64", 0x7FF900001151), of_windows("rebuilt", end), match="name").by("stack")
        both = (pl.col("requested_bytes_before") > 0) & (pl.col("requested_bytes_after") > 0)
        return set(rows.filter(both)["function"])

    assert {"shop::Basket::add", "shop::unrolled", "worker", "twice"} <= in_both(0x7FF900001151)
    assert in_both(0x7FF900001152) == set()


def test_names_are_needed_to_match_by_them(tmp_path: Path) -> None:
    bare = log("x64", tmp_path, named=False)
    assert bare.name_fingerprints["name_fingerprint"].null_count() == bare.stacks.height
    same = hd.diff(bare, bare, match="name")
    assert same.by("stack")["fingerprint"].drop_nulls().is_in(bare.stacks["fingerprint"].implode()).all()
    with pytest.raises(OptionError, match="expected content or name for match, found 'offset'"):
        hd.diff(bare, bare, match="offset")  # type: ignore[call-overload]


def test_what_is_less_than_an_identity_is_said(tmp_path: Path) -> None:
    by_id = log("x64", tmp_path / "store")
    assert not any("names in" in note for note in [*hd.diff(by_id, by_id).notes, *by_id.live().notes])
    programs.put(tmp_path / "flat", "x64/server.pdb", "x64/server.exe")
    store = hd.symbols(tmp_path / "flat")
    proved = hd.read_log(programs.log("x64")).with_symbols(store)
    said = "names in server are of symbols that belong to an image"
    assert sum(said in note for note in hd.diff(proved, proved).notes) == 1
    assert sum(said in note for note in proved.live().notes) == 1
    assert sum(said in note for note in hd.series([proved, proved], order="given").notes) == 1
    programs.put(tmp_path / "name", "x64/server.pdb")
    guessed = hd.read_log(programs.log("x64")).with_symbols(hd.symbols(tmp_path / "name"), by_name=True)
    assert any("they may be wrong" in note for note in guessed.live().notes)
    one_sided = [note for note in hd.diff(proved, guessed).notes if "names in server" in note]
    assert [note.partition(":")[0] for note in one_sided] == ["before", "after"]


def test_a_long_function_is_no_doubtful_name(tmp_path: Path) -> None:
    named = log("x64", tmp_path)
    assert named.frames.filter(function="shop::unrolled")["offset"].max() > 0x1000
    assert not any("doubtful" in note for note in hd.diff(named, named).notes)


@pytest.mark.parametrize("named", ["before", "after", "both"])
def test_a_stack_of_both_logs_counts_for_its_name_also_if_one_log_has_it_alone(named: str, tmp_path: Path) -> None:
    store = hd.symbols(programs.put(tmp_path, "x64/server.exe", "x64/server.pdb"))
    text = programs.log("x64")
    logs = {"before": hd.read_log(text), "after": hd.read_log(text.replace(b"\n10 bytes +", b"\n100010 bytes +"))}
    full = hd.diff(*(log.with_symbols(store) for log in logs.values()))
    sides = [log.with_symbols(store) if named in (side, "both") else log for side, log in logs.items()]
    found = hd.diff(*sides)
    for by in ("function", "stack", "module"):
        assert found.by(by).equals(full.by(by)), by
    alone = [note for note in found.notes if note.startswith("addresses in server have names")]
    other = "after" if named == "before" else "before"
    expected = f"addresses in server have names {named}, and none {other}: symbols were not found for both"
    # A log that nobody named has no table that says so.
    assert alone == []
    nowhere = hd.symbols(programs.put(tmp_path / "nothing"))
    sides = [log.with_symbols(store if named in (side, "both") else nowhere) for side, log in logs.items()]
    alone = [note for note in hd.diff(*sides).notes if note.startswith("addresses in server have names")]
    assert alone == ([] if named == "both" else [expected])


@pytest.mark.parametrize("named", [[0], [1], [2], [0, 2]])
def test_a_series_takes_names_from_the_logs_that_have_them(named: list[int], tmp_path: Path) -> None:
    store = hd.symbols(programs.put(tmp_path, "x64/server.exe", "x64/server.pdb"))
    text = programs.log("x64")
    days = [text.replace(b"\n10 bytes +", f"\n{day}0010 bytes +".encode()) for day in range(1, 4)]
    logs = [
        hd.read_log(b"UMDH: Logtime 2001-02-0%d 04:05 - Machine=A - PID=8\n" % (at + 1) + day)
        for at, day in enumerate(days)
    ]
    some = [log.with_symbols(store) if at in named else log for at, log in enumerate(logs)]
    every = [log.with_symbols(store) for log in logs]
    for by in ("function", "stack"):
        assert hd.series(some, by=by).growth().equals(hd.series(every, by=by).growth()), by


def test_two_builds_of_one_module_are_told(tmp_path: Path) -> None:
    places = [[row[0] for row in programs.expected(build)["returns"]] for build in ("x64", "rebuilt")]
    logs = []
    for build in ("x64", "rebuilt"):
        programs.stored(tmp_path, build)
        place = rf"d:\s\server.pdb\{programs.expected(build)['id']}\server.pdb"
        logs.append(hd.read_log(programs.log(build, symbol_file=place, places=[*places[0], *places[1]])))
    store = hd.symbols(tmp_path)
    named = [log.with_symbols(store) for log in logs]
    told = "server is of two builds, in which one offset is two functions: a match by name compares these"
    assert told in hd.diff(*named).notes
    assert told not in hd.diff(*named, match="name").notes
    assert told not in hd.diff(*logs).notes


def test_charts_say_which_names_may_be_wrong(tmp_path: Path) -> None:
    store = hd.symbols(programs.put(tmp_path, "x64/server.pdb"))
    text = programs.log("x64")
    head = "UMDH: Logtime 2001-02-0{} 04:05 - Machine=A - PID=8\n"
    plain = [
        hd.read_log(head.format(day).encode() + text.replace(b"\n10 bytes +", f"\n{day}0010 bytes +".encode()))
        for day in range(1, 4)
    ]
    sure = [log.with_symbols(hd.symbols(programs.put(tmp_path / "nothing"))) for log in plain]
    doubtful = [log.with_symbols(store, by_name=True) for log in plain]

    def subtitles(logs: list[hd.Snapshot]) -> list[str]:
        series = hd.series(logs, by="function")
        charts = [
            hd.chart.waterfall(hd.diff(logs[0], logs[2]), by="function"),
            hd.chart.live(logs[0], by="function"),
            hd.chart.live(logs[0].live(), by="stack"),
            hd.chart.growth(*logs),
            hd.chart.growth(series),
            hd.chart.slope(series),
            hd.chart.survival(series),
            hd.chart.sizes(logs[0], logs[2]),
        ]
        found = [drawn.to_dict()["title"]["subtitle"] for drawn in charts]
        return [each if isinstance(each, str) else " ".join(each) for each in found]

    assert [each for each in subtitles(sure) if "wrong" in each] == []
    assert [each for each in subtitles(doubtful) if "they may be wrong" not in each] == []
