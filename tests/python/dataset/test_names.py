"""Names for the addresses of a dataset: each log has its own, and a ranking has those that all logs agree on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import programs
import pytest
from heapdelta.cli import run
from heapdelta.exceptions import OptionError, ReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMED = ["function", "offset", "file", "source_line"]


def log(build: str, *, known: bool = True, places: list[int] | None = None) -> bytes:
    """A log of a build; the place of its symbols tells which one, if that is known."""
    place = rf"d:\cache\server.pdb\{programs.expected(build)['id']}\server.pdb" if known else None
    return programs.log(build, symbol_file=place, places=places)


def places_of(build: str) -> list[int]:
    return [row[0] for row in programs.expected(build)["returns"]]


def ingested(folder: Path, logs: Mapping[str, bytes], **options: object) -> hd.Dataset:
    for name, content in logs.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    hd.ingest(folder / "in", folder / "out", progress=lambda _: None, **options)  # type: ignore[arg-type]
    return hd.open(folder / "out")


def store(folder: Path, *builds: str) -> hd.SymbolStore:
    for build in builds:
        programs.stored(folder / "symbols", build)
    return hd.symbols(folder / "symbols")


def functions(dataset: hd.Dataset, case: str) -> list[str | None]:
    (found,) = dataset.case(case)
    return found.frames.sort("address")["function"].to_list()


@pytest.mark.parametrize("build", programs.PDBS)
def test_a_log_of_a_dataset_has_the_names_that_the_log_itself_would_have(build: str, tmp_path: Path) -> None:
    symbols = store(tmp_path, build)
    dataset = ingested(tmp_path, {"case-1/a.txt": log(build)}, symbols=symbols)
    (found,) = dataset.case("case-1")
    wanted = hd.read_log(tmp_path / "in" / "case-1" / "a.txt").with_symbols(symbols)

    def by_address(table: pl.DataFrame, of: hd.Snapshot) -> pl.DataFrame:
        frames = of.frames.select("frame_id", "address")
        order = [name for name in ("address", "depth") if name == "address" or name in table.columns]
        # On the way back a frame gets a text in place of the file's own.
        return table.drop("address", "text", strict=False).join(frames, on="frame_id").drop("frame_id").sort(order)

    for name in ("frames", "inlines", "frame_symbols"):
        own, other = (by_address(getattr(each, name), each) for each in (found, wanted))
        assert own.equals(other), name
    assert wanted.inlines.height > 0
    assert found.symbols.equals(wanted.symbols)
    assert sorted(found.stacks["fingerprint"]) == sorted(wanted.stacks["fingerprint"])
    assert found.by("function").equals(wanted.by("function"))


def test_a_log_that_was_never_named_has_no_tables_of_symbols(tmp_path: Path) -> None:
    dataset = ingested(tmp_path, {"case-1/a.txt": log("x64")})
    (found,) = dataset.case("case-1")
    assert found.symbols.is_empty()
    assert dataset.notes == []
    assert found.frames["function"].null_count() == found.frames.height
    assert all(dataset.scan(name).collect().is_empty() for name in ("symbols", "names", "inlines", "named_captures"))


def test_two_builds_are_one_stack_by_their_names(tmp_path: Path) -> None:
    logs = {"case-1/a.txt": log("x64"), "case-2/a.txt": log("rebuilt")}
    dataset = ingested(tmp_path, logs)
    stacks = dataset.scan("traces").filter(pl.col("case") == "case-1").select("fingerprint", "stack_id").collect()
    last = stacks.sort("stack_id")["fingerprint"][-1]
    assert ["case-2"] not in dataset.similar(last, min_score=0.3)["cases"].to_list()
    dataset.symbolize(store(tmp_path, "x64", "rebuilt"))
    found = dataset.similar(last, min_score=0.3)
    assert ["case-2"] in found["cases"].to_list()
    assert "shop::" in found["function"][0]
    # Fingerprints are as they were.
    assert found["fingerprint"][0] == last
    again = hd.open(tmp_path / "out").similar(last, min_score=0.3)
    assert again.equals(found)


def test_rankings_have_the_names(tmp_path: Path) -> None:
    bare = log("x64")
    grown = bare.replace(b"10 bytes + 18 at 2E90100", b"9010 bytes + 18 at 2E90100")
    logs = {"case-1/a.txt": b"UMDH: Logtime 2001-02-03 04:05 - Machine=A - PID=8\n" + bare}
    logs["case-1/b.txt"] = b"UMDH: Logtime 2001-02-03 05:05 - Machine=A - PID=8\n" + grown
    dataset = ingested(tmp_path, logs)
    first = dataset.rank(by="function").row(0, named=True)
    assert (first["function"], first["requested_bytes_delta"]) == ("server+0x1020", 0x9000)
    dataset.symbolize(store(tmp_path, "x64"))
    named = dataset.rank(by="function").row(0, named=True)
    (wanted,) = programs.expected("x64")["returns"][0][-1:]
    assert (named["function"], named["requested_bytes_delta"]) == (programs.bare(wanted[0]), 0x9000)


def test_one_frame_of_two_builds_has_a_name_only_where_one_log_is_asked(tmp_path: Path) -> None:
    """The second build holds other functions at the places of the first."""
    mixed = [*places_of("x64"), *places_of("rebuilt")]
    logs = {f"{build}/a.txt": log(build, places=mixed) for build in ("x64", "rebuilt")}
    dataset = ingested(tmp_path, logs)
    dataset.symbolize(store(tmp_path, "x64", "rebuilt"))
    for build in ("x64", "rebuilt"):
        wanted = hd.read_log(logs[f"{build}/a.txt"]).with_symbols(store(tmp_path, build))
        assert functions(dataset, build) == wanted.frames.sort("address")["function"].to_list()
    assert functions(dataset, "x64") != functions(dataset, "rebuilt")
    names = dataset.scan("names").collect()
    differ = names.group_by("frame").agg(pl.col("function").n_unique()).filter(pl.col("function") > 1)
    assert 0 < differ.height < names["frame"].n_unique()
    told = sum(int(note.split()[0]) for note in dataset.notes if "in another build of the module" in note)
    assert 0 < differ.height <= told
    frame = differ["frame"][0]
    of_frame = dataset.scan("stacks").filter(pl.col("frames") == [frame]).collect()["fingerprint"].item()
    assert dataset.similar(of_frame)["function"][0].startswith("server+0x")


@pytest.mark.parametrize("later", [False, True])
def test_a_build_without_symbols_takes_the_name_away_where_all_are_asked(tmp_path: Path, *, later: bool) -> None:
    """Before symbols are asked, or after: what the other build has at that place is not known."""
    places, symbols = places_of("x64"), store(tmp_path, "x64")
    logs = {"case-1/a.txt": log("x64"), "case-2/a.txt": log("rebuilt", places=places[:3])}
    one, two = ({name: logs[name]} for name in logs)
    if later:
        ingested(tmp_path, one, symbols=symbols)
        dataset = ingested(tmp_path, two)
        assert dataset.notes[-1] == "1 log came after symbols were asked: ask them again (heapdelta symbolize)"
    else:
        dataset = ingested(tmp_path, logs, symbols=symbols)
    assert dataset.notes[0].startswith("3 frames have no name in another build of the module")
    assert None not in functions(dataset, "case-1")
    assert set(functions(dataset, "case-2")) == {None}
    frames = dataset.scan("stacks").filter(pl.col("depth") == 1).explode("frames").collect()
    names = dataset.scan("frames").select("frame", "offset").collect().join(frames, left_on="frame", right_on="frames")
    shown = {
        offset: dataset.similar(fingerprint)["function"][0].startswith("server+0x")
        for offset, fingerprint in names.select("offset", "fingerprint").iter_rows()
    }
    assert shown == {place: place in places[:3] for place in places}


def test_a_later_log_of_a_known_build_has_names_at_once(tmp_path: Path) -> None:
    ingested(tmp_path, {"case-1/a.txt": log("x64")}, symbols=store(tmp_path, "x64"))
    dataset = ingested(tmp_path, {"case-2/a.txt": log("x64")[:-1]})
    assert functions(dataset, "case-2") == functions(dataset, "case-1")
    assert dataset.notes == ["1 log came after symbols were asked: ask them again (heapdelta symbolize)"]
    found = dataset.symbolize(store(tmp_path, "x64"))
    assert (found["match"].to_list(), dataset.notes) == (["id_from_log"], [])


def test_logs_that_tell_no_build_are_told_apart_by_case(tmp_path: Path) -> None:
    """Two builds of one size: each is proved by its own image, and neither by the addresses of both."""
    logs = {f"{build}/a.txt": log(build, known=False) for build in ("x64", "rebuilt")}
    for build in ("x64", "rebuilt"):
        programs.put(tmp_path / "symbols" / build, f"{build}/server.exe", f"{build}/server.pdb")
    dataset = ingested(tmp_path, logs)
    found = dataset.symbolize(hd.symbols(tmp_path / "symbols"))
    assert found["match"].to_list() == ["image", "image"]
    for build in ("x64", "rebuilt"):
        assert functions(dataset, build) == [
            programs.bare(calls[-1][0]) for _, *calls in programs.expected(build)["returns"]
        ]
    assert "return addresses are behind calls" in dataset.notes[0]


def test_a_log_is_not_proved_by_the_addresses_of_another(tmp_path: Path) -> None:
    """One case, one place, no ids: the second log is of a build that was put there later."""
    old, new = log("x64", known=False), log("rebuilt", known=False, places=[0x101B])
    dataset = ingested(tmp_path, {"case/old.txt": old, "case/new.txt": new})
    programs.put(tmp_path / "symbols", "x64/server.exe", "x64/server.pdb")
    found = dataset.symbolize(hd.symbols(tmp_path / "symbols"))
    assert found.select("match", "named_count").rows() == [("image", 36), ("none", 0)]
    both = {"case/old.txt": old, "case/new.txt": log("rebuilt", known=False)}
    dataset = ingested(tmp_path / "both", both)
    programs.put(tmp_path / "symbols" / "rebuilt", "rebuilt/server.exe", "rebuilt/server.pdb")
    found = dataset.symbolize(hd.symbols(tmp_path / "symbols"))
    assert (found["match"].to_list(), found["frame_count"].sum() - found["named_count"].sum()) == (["image"] * 2, 0)


def test_logs_of_one_process_are_of_one_build(tmp_path: Path) -> None:
    """The second has too few addresses to prove anything alone."""
    head = b"UMDH: Logtime 2001-02-03 0%d:05 - Machine=A - PID=8\n"
    logs = {"case/a.txt": head % 4 + log("x64", known=False)}
    logs["case/b.txt"] = head % 5 + log("x64", known=False, places=places_of("x64")[:3])
    dataset = ingested(tmp_path, logs)
    programs.put(tmp_path / "symbols", "x64/server.exe", "x64/server.pdb")
    assert dataset.symbolize(hd.symbols(tmp_path / "symbols"))["match"].to_list() == ["image"]
    assert all(each.frames["function"].null_count() == 0 for each in dataset.case("case"))


def test_wrong_symbols_name_nothing_but_on_request(tmp_path: Path) -> None:
    dataset = ingested(tmp_path, {"case-1/a.txt": log("x64", known=False)})
    symbols = hd.symbols(programs.put(tmp_path / "symbols", "rebuilt/server.pdb"))
    found = dataset.symbolize(symbols)
    assert (found["named_count"].sum(), dataset.scan("names").collect().height) == (0, 0)
    assert found["reason"][0]
    found = dataset.symbolize(symbols, by_name=True)
    assert found["match"].to_list() == ["name_and_size"]
    assert "they may be wrong" in dataset.notes[0]
    # What is asked later takes the place of all that.
    found = dataset.symbolize(hd.symbols(programs.put(tmp_path / "nothing")))
    assert (found["match"].to_list(), dataset.notes) == (["none"], [])
    assert set(functions(dataset, "case-1")) == {None}


def test_a_dump_of_the_process_tells_the_build(tmp_path: Path) -> None:
    story = hd.testing.write_dump_investigation(tmp_path / "dumps")
    process = hd.read_dump(story.before)
    module = process.modules.filter(pl.col("name") == "fhpreview").row(0, named=True)
    head = f"UMDH: Logtime 2024-03-11 08:00 - Machine=A - PID={process.pid}\n// Loaded modules:\n// Base Size Module\n"
    head += f"// {module['base']:X} {module['size']:X} {module['path']}\n//\n"
    body = "*- - - - - - - - - - Heap 2E60000 Hogs - - - - - - - - - -\n\n10 bytes + 18 at 2E90100 by BackTrace1\n"
    text = (head + body + f"\t{module['base'] + 0x610C:X}\n\n").encode()
    dump = story.before.read_bytes()
    symbols = hd.symbols(hd.testing.write_symbols(tmp_path / "symbols"))
    dataset = ingested(tmp_path, {"alone/a.txt": text, "beside/a.txt": text, "beside/b.dmp": dump}, symbols=symbols)
    assert functions(dataset, "alone") == [None]
    assert functions(dataset, "beside") == ["Thumbnail::Insert"]
    rows = dataset.scan("symbols").collect()
    assert sorted(rows.select("match", "wanted_id").rows(), key=str)[0] == ("id", module["debug_id"])


def test_a_comparison_tells_no_build(tmp_path: Path) -> None:
    """Its frames are those of the logs beside it, and what it has alone has no names."""
    for name, count in (("a", 4), ("b", 6), ("c", 36)):
        (tmp_path / f"{name}.txt").write_bytes(log("x64", places=places_of("x64")[:count]))
    for name, older, newer in (("ab", "a", "b"), ("ac", "a", "c")):
        logs = [str(tmp_path / f"{each}.txt") for each in (older, newer)]
        assert run(["umdh", *logs, "-o", str(tmp_path / f"{name}.txt")]) == 0
    beside = {f"case-1/{name}.txt": (tmp_path / f"{name}.txt").read_bytes() for name in ("a", "b", "ab")}
    dataset = ingested(tmp_path, beside, symbols=store(tmp_path, "x64"))
    assert dataset.scan("captures").collect()["kind"].to_list().count("comparison") == 1
    assert dataset.notes == []
    alone = {"case-2/ac.txt": (tmp_path / "ac.txt").read_bytes()}
    dataset = ingested(tmp_path, alone, symbols=store(tmp_path, "x64"))
    unknown = dataset.scan("names").filter(pl.col("build").is_null()).collect()
    assert unknown["frame"].n_unique() == 6
    assert dataset.notes[0].startswith("6 frames have no name in another build")


def test_names_outlive_compaction_and_a_kill_on_the_way(tmp_path: Path) -> None:
    dataset = ingested(tmp_path, {"case-1/a.txt": log("x64")}, symbols=store(tmp_path, "x64"))
    dataset = ingested(tmp_path, {"case-2/a.txt": log("rebuilt")})
    wanted = functions(dataset, "case-1")
    folder = tmp_path / "out" / "names"
    # Parts that were written, and not yet the word that they count.
    for name in ("names", "symbols"):
        (folder / f"{name}-0123456789abcdef.parquet").write_bytes(b"cut off")
    (folder / ".heapdelta-7.part").write_bytes(b"")
    dataset = hd.open(tmp_path / "out")
    assert dataset.compact() == 2
    assert functions(dataset, "case-1") == wanted
    dataset.symbolize(store(tmp_path, "x64", "rebuilt"))
    assert len(list(folder.iterdir())) == 5
    assert None not in functions(dataset, "case-2")


def test_who_has_it_open_is_told_that_names_were_written_anew(tmp_path: Path) -> None:
    ingested(tmp_path, {"case-1/a.txt": log("x64")}, symbols=store(tmp_path, "x64"))
    early, late = hd.open(tmp_path / "out"), hd.open(tmp_path / "out")
    late.symbolize(store(tmp_path, "x64"))
    with pytest.raises(ReadError, match="names that were there when it was opened") as caught:
        early.case("case-1")
    assert caught.value.kind == "changed_dataset"
    assert caught.value.hint == "open it again"


def test_what_is_no_store_is_refused_before_any_work(tmp_path: Path) -> None:
    dataset = ingested(tmp_path, {"case-1/a.txt": log("x64")})
    with pytest.raises(TypeError, match="expected a SymbolStore, found str"):
        dataset.symbolize("symbols")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a SymbolStore, found str"):
        hd.ingest(tmp_path / "in", tmp_path / "never", symbols="symbols")  # type: ignore[arg-type]
    assert not (tmp_path / "never").exists()
    with pytest.raises(OptionError, match="threads"):
        dataset.symbolize(store(tmp_path, "x64"), threads=0)


def test_an_empty_dataset_can_be_asked(tmp_path: Path) -> None:
    dataset = ingested(tmp_path, {"case-1/readme.txt": b"nothing of ours"})
    assert dataset.symbolize(store(tmp_path, "x64")).is_empty()
    assert dataset.notes == []


def test_the_answer_of_ingest_says_what_was_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_bytes(log("x64"))
    found = hd.ingest(tmp_path / "in", tmp_path / "out", symbols=store(tmp_path, "x64"), progress=lambda _: None)
    assert found.symbols is not None
    count = len(places_of("x64"))
    assert f"{count} of {count} addresses named, in 1 of 1 build of modules" in repr(found)
    again = hd.ingest(tmp_path / "in", tmp_path / "out", progress=lambda _: None)
    assert again.symbols is None
    assert again.notes == []


def test_the_shell_names_as_python_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(tmp_path, "x64")
    ingested(tmp_path, {"case-1/a.txt": log("x64"), "case-2/a.txt": log("rebuilt", places=places_of("x64")[:3])})
    out, symbols = str(tmp_path / "out"), str(tmp_path / "symbols")
    assert run(["symbolize", out]) == 2
    assert "expected --symbols with a place to search, found none" in capsys.readouterr().err
    assert run(["symbolize", out, "--symbols", symbols]) == 0
    said = capsys.readouterr().out
    assert "id_from_log" in said
    assert "36 of 39 addresses named, in 1 of 2 builds of modules" in said
    assert "- 3 frames have no name in another build" in said
    assert run(["symbolize", out, "--symbols", symbols, "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert [row["match"] for row in about["rows"]] == ["id_from_log", "mismatch"]
    assert about["notes"][0].startswith("3 frames")
    assert run(["ingest", str(tmp_path / "in"), out, "--symbols", symbols]) == 0
    assert "36 of 39 addresses named" in capsys.readouterr().out
