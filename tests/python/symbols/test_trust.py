"""Which file has the names of a module: what proves it, what is refused, and that a wrong build names nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import heapdelta as hd
import programs
import pytest
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from pathlib import Path


def row(log: hd.Snapshot) -> dict[str, Any]:
    """The only row of `symbols`."""
    rows = log.symbols.to_dicts()
    assert len(rows) == 1
    return rows[0]


def matched(log: bytes, folder: Path, *, by_name: bool = False) -> tuple[str, int]:
    found = row(hd.read_log(log).with_symbols(hd.symbols(folder), by_name=by_name))
    return found["match"], found["named_count"]


RETURNS = len(programs.expected("x64")["returns"])


def test_a_log_whose_tool_had_symbols_from_a_store_names_the_build(tmp_path: Path) -> None:
    identity = programs.expected("x64")["id"]
    for place in (rf"d:\cache\server.pdb\{identity}\server.pdb", f"/x/server.pdb/{identity.lower()}/server.pdb"):
        log = programs.log("x64", symbol_file=place)
        assert matched(log, programs.stored(tmp_path / "store", "x64")) == ("id_from_log", RETURNS)
        assert matched(log, programs.put(tmp_path / "flat", "x64/server.pdb")) == ("id_from_log", RETURNS)
        # The build beside it is another, of the same name and size.
        other = programs.put(tmp_path / "other", "rebuilt/server.pdb")
        assert matched(log, other) == ("mismatch", 0)
        assert matched(log, other, by_name=True) == ("mismatch", 0)


def test_the_right_build_is_found_among_others(tmp_path: Path) -> None:
    log = programs.log("x64", symbol_file=rf"d:\s\server.pdb\{programs.expected('x64')['id']}\server.pdb")
    store = programs.stored(programs.stored(tmp_path, "rebuilt"), "x64")
    programs.put(tmp_path / "build", "x86/server.pdb")
    found = row(hd.read_log(log).with_symbols(hd.symbols(store)))
    assert (found["match"], found["found_id"]) == ("id_from_log", programs.expected("x64")["id"])


def test_folders_of_a_store_may_lie(tmp_path: Path) -> None:
    identity = programs.expected("x64")["id"]
    log = programs.log("x64", symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb")
    store = programs.stored(tmp_path, "rebuilt", identity=identity)
    named = hd.read_log(log).with_symbols(hd.symbols(store))
    assert (row(named)["match"], row(named)["named_count"]) == ("mismatch", 0)
    assert row(named)["found_id"] == programs.expected("rebuilt")["id"]
    assert named.issues.filter(kind="symbols_mismatch").height == 1


def test_name_and_size_are_no_proof(tmp_path: Path) -> None:
    for build in ("x64", "rebuilt"):
        folder = programs.put(tmp_path / build, f"{build}/server.pdb")
        assert matched(programs.log("x64"), folder) == ("none", 0)
        # Both are taken if one says so: and of the rebuilt program nearly all names are wrong.
        assert matched(programs.log("x64"), folder, by_name=True) == ("name_and_size", RETURNS)


def test_an_image_proves_its_symbols_by_the_calls_before_return_addresses(tmp_path: Path) -> None:
    for build in programs.PDBS:
        folder = programs.put(tmp_path / build, f"{build}/server.exe", f"{build}/server.pdb")
        assert matched(programs.log(build), folder) == ("image", len(programs.expected(build)["returns"]))


@pytest.mark.parametrize("by_name", [False, True])
def test_the_image_of_a_rebuilt_program_refuses_its_symbols(by_name: bool, tmp_path: Path) -> None:
    folder = programs.put(tmp_path, "rebuilt/server.exe", "rebuilt/server.pdb")
    named = hd.read_log(programs.log("x64")).with_symbols(hd.symbols(folder), by_name=by_name)
    assert (row(named)["match"], row(named)["named_count"]) == ("mismatch", 0)
    assert "return addresses are behind a call" in row(named)["reason"]
    assert named.frames["function"].null_count() == named.frames.height


def test_the_image_takes_its_own_symbols_alone(tmp_path: Path) -> None:
    folder = programs.put(tmp_path, "x64/server.exe", "rebuilt/server.pdb")
    named = hd.read_log(programs.log("x64")).with_symbols(hd.symbols(folder))
    assert (row(named)["match"], row(named)["named_count"]) == ("mismatch", 0)
    programs.put(tmp_path / "more", "x64/server.pdb")
    assert matched(programs.log("x64"), tmp_path) == ("image", RETURNS)


def test_of_few_addresses_nothing_follows(tmp_path: Path) -> None:
    places = [found[0] for found in programs.expected("x64")["returns"]][:7]
    folder = programs.put(tmp_path, "x64/server.exe", "x64/server.pdb")
    assert matched(programs.log("x64", places=places), folder) == ("none", 0)
    assert matched(programs.log("x64", places=places), folder, by_name=True) == ("name_and_size", 7)


def test_another_size_is_another_build(tmp_path: Path) -> None:
    folder = programs.put(tmp_path, "x64/server.pdb", "x64/server.exe")
    for by_name in (False, True):
        assert matched(programs.log("x64", size=0x7000), folder, by_name=by_name) == ("mismatch", 0)


def test_two_builds_that_fit_are_both_refused(tmp_path: Path) -> None:
    programs.put(tmp_path / "a", "x64/server.pdb")
    programs.put(tmp_path / "b", "rebuilt/server.pdb")
    named = hd.read_log(programs.log("x64")).with_symbols(hd.symbols(tmp_path), by_name=True)
    assert (row(named)["match"], row(named)["named_count"]) == ("none", 0)
    reason = row(named)["reason"]
    assert all(str(tmp_path / folder) in reason for folder in "ab")
    # The same file twice is no doubt.
    programs.put(tmp_path / "c" / "1", "x64/server.pdb")
    programs.put(tmp_path / "c" / "2", "x64/server.pdb")
    assert matched(programs.log("x64"), tmp_path / "c", by_name=True) == ("name_and_size", RETURNS)


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    named = hd.read_log(programs.log("x64")).with_symbols(hd.symbols(tmp_path))
    found = row(named)
    assert (found["match"], found["debug_file"], found["found_path"]) == ("none", "server.pdb", None)
    assert found["reason"] == "expected server.pdb, found no file of that name"
    assert named.issues.is_empty()


def test_needed_lists_what_a_server_would_be_asked_for(tmp_path: Path) -> None:
    identity = programs.expected("x64")["id"]
    log = hd.read_log(programs.log("x64", symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb"))
    needed = hd.symbols(tmp_path).needed(log)
    assert needed.select("module", "debug_file", "id", "path").rows() == [
        ("server", "server.pdb", identity, f"server.pdb/{identity}/server.pdb")
    ]
    programs.stored(tmp_path, "x64")
    assert hd.symbols(tmp_path).needed(log).is_empty()
    unknown = hd.symbols(programs.FOLDER).needed(hd.read_log(programs.log("x64")))
    assert unknown["path"].to_list() == [None]


def test_a_symbol_path_is_taken_as_it_is_written(tmp_path: Path) -> None:
    programs.put(tmp_path / "local", "x64/server.pdb", "x64/server.exe")
    store = hd.symbols(f"srv*{tmp_path / 'local'}*https://symbols.example/download;{tmp_path / 'gone'}")
    assert store.places == [tmp_path / "local", tmp_path / "gone"]
    assert store.notes[0] == "https://symbols.example/download is a server: heapdelta asks nobody"
    assert str(tmp_path / "gone") in store.notes[1]
    named = hd.read_log(programs.log("x64")).with_symbols(store)
    assert row(named)["named_count"] == RETURNS


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="expected a folder or file of symbols, found nothing there"):
        hd.symbols(tmp_path / "gone")
    with pytest.raises(OptionError, match="expected at least one path"):
        hd.symbols()
    with pytest.raises(TypeError, match="expected a SymbolStore, found str"):
        hd.read_log(programs.log("x64")).with_symbols(str(tmp_path))  # type: ignore[arg-type]


BROKEN = {
    "empty": b"",
    "cut": programs.content("x64/server.pdb")[:5000],
    "cut in its first page": programs.content("x64/server.pdb")[:100],
    "no symbols": b"hello world" * 100,
    "portable": b"BSJB\1\0\1\0" + bytes(500),
    "compressed": b"Microsoft MSFZ Container" + bytes(500),
    "of 1996": b"Microsoft C/C++ program database 2.00\r\n\x1aJG" + bytes(5000),
    "a cut cabinet": programs.content("x64/server.pd_")[:1000],
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files_cost_their_module_the_names_and_nothing_else(kind: str, tmp_path: Path) -> None:
    identity = programs.expected("x64")["id"]
    broken = tmp_path / "server.pdb" / identity / "server.pdb"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(BROKEN[kind])
    log = hd.read_log(programs.log("x64", symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb"))
    named = log.with_symbols(hd.symbols(tmp_path))
    assert (row(named)["match"], row(named)["named_count"]) == ("none", 0)
    issue = named.issues.filter(kind="unreadable_symbols")
    assert issue.height == 1
    assert issue["text"].item().startswith(str(broken))
    # A sound file beside it is found all the same.
    programs.put(tmp_path / "sound", "x64/server.pdb")
    assert matched(programs.log("x64", symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb"), tmp_path)[1] == RETURNS


def test_a_pdb_of_another_age_is_told(tmp_path: Path) -> None:
    identity = programs.expected("x64")["id"][:-1]
    folder = programs.put(tmp_path, "x64/server.pdb")
    later = programs.log("x64", symbol_file=rf"d:\s\server.pdb\{identity}7\server.pdb")
    assert matched(later, folder) == ("mismatch", 0)


def test_a_second_log_reuses_what_is_open(tmp_path: Path) -> None:
    programs.put(tmp_path, "x64/server.exe", "x64/server.pdb")
    store = hd.symbols(tmp_path)
    first = hd.read_log(programs.log("x64")).with_symbols(store)
    for file in tmp_path.iterdir():
        file.unlink()
    assert hd.read_log(programs.log("x64")).with_symbols(store).frames.equals(first.frames)


def test_a_log_that_has_names_is_asked_anew(tmp_path: Path) -> None:
    wrong = hd.symbols(programs.put(tmp_path / "wrong", "rebuilt/server.pdb"))
    right = hd.symbols(programs.put(tmp_path / "right", "x64/server.exe", "x64/server.pdb"))
    nothing = hd.symbols(programs.put(tmp_path / "nothing"))
    log = hd.read_log(programs.log("x64"))
    expected = log.with_symbols(right)
    named = log.with_symbols(wrong, by_name=True)
    assert not named.frames.equals(expected.frames)
    for again in (named.with_symbols(right), expected.with_symbols(nothing), expected.with_symbols(right)):
        for table in ("frames", "inlines", "frame_symbols"):
            assert getattr(again, table).equals(getattr(expected, table)), table
        assert again.symbols["match"].to_list() == ["image"]
        assert again.issues.equals(log.issues)
    # A log that has names keeps its places; one without lacks all.
    assert right.needed(named).is_empty()
    assert nothing.needed(expected).is_empty()
    assert nothing.needed(log)["frame_count"].to_list() == [log.frames.height]


def test_a_baseline_keeps_what_is_doubtful(tmp_path: Path) -> None:
    store = hd.symbols(programs.put(tmp_path, "x64/server.pdb"))
    log = hd.read_log(programs.log("x64")).with_symbols(store, by_name=True)
    hd.write_baseline(log, tmp_path / "b.json")
    kept = hd.read_baseline(tmp_path / "b.json")
    for table in ("frames", "symbols", "inlines", "frame_symbols"):
        assert getattr(kept, table).equals(getattr(log, table)), table
    assert any("they may be wrong" in note for note in hd.diff(kept, log).notes)
    plain = hd.read_log(programs.log("x64"))
    hd.write_baseline(plain, tmp_path / "p.json")
    kept = hd.read_baseline(tmp_path / "p.json")
    assert kept.frames.equals(plain.frames)
    # It can be named later, and its names be taken back by others.
    assert kept.with_symbols(store, by_name=True).frames.equals(log.frames)
    assert hd.read_baseline(tmp_path / "b.json").with_symbols(store).frames.equals(plain.frames)


def test_what_an_image_proves_can_be_asked_for(tmp_path: Path) -> None:
    """The right EXE lies there without its PDB: it names the build to fetch."""
    store = hd.symbols(programs.put(tmp_path, "x64/server.exe"))
    log = hd.read_log(programs.log("x64"))
    identity = programs.expected("x64")["id"]
    assert store.needed(log)["path"].to_list() == [f"server.pdb/{identity}/server.pdb"]


def test_a_damaged_file_is_the_reason(tmp_path: Path) -> None:
    identity = programs.expected("x64")["id"]
    log = hd.read_log(programs.log("x64", symbol_file=rf"d:\s\server.pdb\{identity}\server.pdb"))
    for content in (b"", programs.content("x64/server.pdb")[:9000]):
        (tmp_path / "server.pdb").write_bytes(content)
        reason = log.with_symbols(hd.symbols(tmp_path)).symbols["reason"][0]
        assert str(tmp_path / "server.pdb") in reason
        assert "damaged" in reason or "empty" in reason


def test_series_say_where_names_do_not_go_together(tmp_path: Path) -> None:
    stores = {
        build: hd.symbols(programs.put(tmp_path / build, f"{build}/server.exe", f"{build}/server.pdb"))
        for build in ("x64", "rebuilt")
    }
    nothing = hd.symbols(programs.put(tmp_path / "nothing"))
    old, new = (hd.read_log(programs.log(build)) for build in ("x64", "rebuilt"))
    partly = hd.series([old.with_symbols(stores["x64"]), old.with_symbols(nothing)], order="given").notes
    assert "addresses in server have names in some logs alone: symbols were not found for all" in partly
    several = hd.series(
        [log.with_symbols(stores[build]) for log, build in ((old, "x64"), (new, "rebuilt"))], order="given"
    ).notes
    assert "server is of several builds, in which one offset is several functions" in several
    assert not any("server" in note and "names in some" in note for note in several)
