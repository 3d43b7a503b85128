"""`heapdelta export`: what is written, what is said of it, and what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import heapdelta as hd
import pytest
import viewers
from heapdelta import cli
from small_hogs import hogs
from viewers import by_module, ranking

PAIR = ["export", "before.txt", "after.txt"]
BYTES = ("requested_bytes_before", "requested_bytes_after")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    found = hd.testing.write_investigation(folder, stack_count=80)
    hd.testing.write_dump_investigation(folder, stack_count=60)
    with zipfile.ZipFile(folder / "case.zip", "w") as packed:
        for path in found.paths[:2]:
            packed.write(path, path.name)
    return folder


@pytest.fixture(autouse=True)
def here(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(story)
    monkeypatch.setenv("COLUMNS", "120")


def delta() -> hd.Delta:
    return hd.diff(hd.read_log("before.txt"), hd.read_log("after.txt"))


def refused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path().iterdir()}
    assert cli.run(arguments) == cli.USAGE
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.out == ""
    assert {path: path.stat().st_mtime_ns for path in Path().iterdir()} == before


def test_a_pair_an_archive_and_one_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.folded"
    for files in (["before.txt", "after.txt"], ["case.zip"]):
        assert cli.run(["export", *files, "-o", str(path)]) == cli.OK
        shown = capsys.readouterr()
        assert shown.out.startswith(f"folded: {path}, ")
        assert "no stack recorded" in shown.err, "the notes of the difference"
        assert by_module(viewers.folded(path, 2)) == ranking(delta(), *BYTES)
    assert cli.run(["export", "after.txt", "-o", str(path)]) == cli.OK
    assert by_module(viewers.folded(path, 1)) == ranking(hd.read_log("after.txt"), "requested_bytes")


def test_options_are_those_of_the_verb(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    asked: list[tuple[list[str], dict[str, object]]] = [
        (["--keep-allocators"], {"allocators": "keep"}),
        (["--changes-only"], {"changes_only": True}),
    ]
    for options, named in asked:
        assert cli.run([*PAIR, "--format", "pprof", "-o", str(one), *options]) == cli.OK
        hd.export(delta(), other, format="pprof", **named)  # type: ignore[arg-type]
        assert one.read_bytes() == other.read_bytes()
    filters = ["--focus", "fhpreview", "--ignore", "fhcatalog", "--hide", "fhimage"]
    assert cli.run([*PAIR, "--format", "pprof", "-o", str(one), *filters]) == cli.OK
    hd.export(delta().filter(focus="fhpreview", ignore="fhcatalog", hide="fhimage"), other, format="pprof")
    assert one.read_bytes() == other.read_bytes()


def test_standard_output_is_the_file_alone(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.folded"
    assert cli.run([*PAIR, "-o", str(path)]) == cli.OK
    capfdbinary.readouterr()
    assert cli.run([*PAIR, "--format", "folded", "-o", "-"]) == cli.OK
    assert capfdbinary.readouterr().out == path.read_bytes()


def test_rules_and_matching(tmp_path: Path) -> None:
    calls = {"1": ["ntdll!RtlAllocateHeap", "mem!pool", "app!main"]}
    for name, held in (("old", 10), ("new", 30)):
        (tmp_path / name).write_text(hogs({"1": held}, calls), encoding="utf-8", newline="")
    rules = tmp_path / "rules"
    rules.write_text("DEFAULT\nmem\n", encoding="utf-8")
    path = tmp_path / "a.folded"
    logs = [str(tmp_path / name) for name in ("old", "new")]
    assert cli.run(["export", *logs, "--allocators", str(rules), "--match", "name", "-o", str(path)]) == cli.OK
    assert path.read_text(encoding="utf-8") == "app!main 10 30\n"


def test_what_cannot_be_is_refused_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    refused(PAIR, "expected --output with the file to write, found none", capsys)
    refused([*PAIR, "-o", "a.txt"], "a.txt: expected a file that ends with .pb", capsys)
    refused([*PAIR, "-o", "a.txt", "--format", "dhat"], "dhat", capsys)
    refused([*PAIR, "-o", "a.heaptrack"], "expected one log for heaptrack, found two sides", capsys)
    refused(["export", "after.txt", "-o", "a.pb", "--changes-only"], "expected two sides for changes alone", capsys)
    refused(["export", "before.dmp", "after.dmp", "-o", "a.pb"], "found a minidump", capsys)
    refused(["export", "before.dmp", "-o", "a.pb"], "found a minidump", capsys)


def test_a_folder_is_a_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = tmp_path / "logs"
    hd.testing.write_investigation(logs, steps=4, stack_count=40)
    path = tmp_path / "a.firefox.json"
    assert cli.run(["export", str(logs), "--focus", "fhpreview", "-o", str(path)]) == cli.OK
    shown = capsys.readouterr()
    assert shown.out.startswith(f"firefox: {path}, ")
    assert "filters: focus fhpreview" in shown.err
    series = hd.series(hd.read_many(logs))
    expected = [ranking(log.live().filter(focus="fhpreview"), "requested_bytes") for log in series.snapshots]
    assert [by_module(held) for held in viewers.firefox(path).held] == expected
    several = [str(log) for log in sorted(logs.glob("*.txt"))]
    again = tmp_path / "b.speedscope.json"
    assert cli.run(["export", *several, "--order", "name", "-o", str(again)]) == cli.OK
    assert len(viewers.speedscope(again)) == 6
    capsys.readouterr()
    refused(["export", str(logs), "-o", "a.pb"], "expected two logs for pprof, found a series of 4", capsys)
    refused(["export", str(logs), "--match", "name", "-o", "a.pb"], "expected no --match with a series", capsys)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.txt").write_text("no log")
    refused(["export", str(tmp_path / "broken"), "-o", "a.firefox.json"], "expected two heap logs or more", capsys)
