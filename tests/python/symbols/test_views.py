"""What names do to rankings, stacks, notes and texts; and what they never touch."""

from __future__ import annotations

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
