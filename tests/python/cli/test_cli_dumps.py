"""The command line on minidumps: what it prints, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from exact_csv import read_back
from heapdelta import cli, testing
from small_dump import Module, SmallDump

KINDS = hd.DumpDelta.kinds


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> testing.DumpInvestigation:
    return testing.write_dump_investigation(tmp_path_factory.mktemp("story"), stack_count=300)


@pytest.fixture
def files(story: testing.DumpInvestigation) -> list[str]:
    return [str(path) for path in story.paths]


@pytest.mark.parametrize("width", [80, 120])
def test_diff_tells_how_much_of_what(
    files: list[str], width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert cli.run(["diff", *files]) == cli.OK
    captured = capsys.readouterr()
    assert max(len(line.rstrip()) for line in captured.out.splitlines()) <= width
    for words in (
        "20120, since 2024-03-10",
        "of private usage",
        "Committed memory per class",
        "private_usage",
        "loaded     fhexport",
        "unloaded   fhprint",
        "Event",
        "fhpreview+0x",
        "Committed memory per allocation",
    ):
        assert words in captured.out, words
    flowing = " ".join(captured.out.split())
    assert "a dump does not record who allocated what, so private memory has no module here" in flowing
    assert captured.err == ""


@pytest.mark.parametrize("kind", KINDS)
def test_every_ranking_can_be_had_in_exact_numbers(
    files: list[str], kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delta = hd.diff(hd.read(files[0]), hd.read(files[1]))
    expected = delta.by(kind)
    assert cli.run(["diff", *files, "--by", kind, "--csv"]) == cli.OK
    assert read_back(capsys.readouterr().out.encode(), expected.schema).equals(expected)
    target = tmp_path / "out.parquet"
    assert cli.run(["diff", *files, "--by", kind, "--parquet", str(target)]) == cli.OK
    assert pl.read_parquet(target).equals(expected)
    assert cli.run(["diff", *files, "--by", kind, "--json", "--top", "3"]) == cli.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["by"], len(found["rows"]), found["same_process"]) == (kind, min(3, expected.height), True)
    assert found["total"] == delta.total.row(0, named=True)
    assert found["counters"] == delta.counters.to_dicts()
    assert found["notes"] == delta.notes
    assert found["after"]["process_created_at"] == "2024-03-10T22:14:07+00:00"
    if kind == "allocation_base":
        assert int(found["rows"][0]["allocation_base"], 16) == expected["allocation_base"][0]
    assert cli.run(["diff", *files, "--by", kind]) == cli.OK
    assert capsys.readouterr().out


def test_summary_tells_what_a_dump_holds(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["summary", files[1], "--top", "3"]) == cli.OK
    shown = capsys.readouterr().out
    for words in ("minidump", "windows 10.0.17763 amd64", "UTC", "procdump", "more)", "Handles per type", "Event"):
        assert words in shown, words


def test_issues_are_counted_and_shown_with_their_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = testing.write_dump(tmp_path / "sound.dmp", stack_count=120).path
    for damage in testing.DAMAGE:
        broken = testing.write_dump(tmp_path / "broken.dmp", stack_count=120, damage=damage).path
        for arguments in (["summary", str(broken)], ["diff", str(sound), str(broken)]):
            code = cli.run(arguments)
            captured = capsys.readouterr()
            assert "Traceback" not in captured.err
            if damage == "cut-header":
                assert code == cli.UNREADABLE
                continue
            assert code == cli.OK
            issues = hd.read(broken).issues
            assert captured.err == "", "the report tells them"
            if issues.height:
                assert f"Could not be read, or is in doubt ({issues.height:,})" in captured.out
                assert issues["kind"][0] in captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "DUMP", "LOG"], "expected two heap logs or two minidumps, found one of each"),
        (["diff", "LOG", "DUMP"], "expected two heap logs or two minidumps, found one of each"),
        (["diff", "DUMP", "DUMP", "--by", "stack"], "for dumps, found stack: a minidump does not record who allocated"),
        (["diff", "DUMP", "DUMP", "--by", "module", "--inclusive"], "expected no --inclusive with a minidump"),
        (["diff", "DUMP", "OTHER", "--by", "allocation_base"], "found allocation_base: addresses mean nothing"),
        (["dhcmp", "DUMP"], "expected a heap log, found a minidump"),
        (["umdh", "DUMP", "LOG"], "expected a heap log, found a minidump"),
        (["diff", "BARE", "BARE", "--chart", "CHART"], "expected a dump that lists its regions"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], message: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, bare = tmp_path / "other.dmp", tmp_path / "bare.dmp"
    other.write_bytes(SmallDump(pid=1).write())
    bare.write_bytes(SmallDump(regions=None).write())
    log = testing.write_log(tmp_path / "before.txt", stack_count=120).path
    named = {
        "DUMP": files[0],
        "LOG": str(log),
        "OTHER": str(other),
        "BARE": str(bare),
        "CHART": str(tmp_path / "x.svg"),
    }
    assert cli.run([named.get(argument, argument) for argument in arguments]) == cli.USAGE
    assert message in capsys.readouterr().err


def test_dumps_with_little_in_them_are_shown_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = tmp_path / "bare.dmp"
    bare.write_bytes(
        SmallDump(regions=None, modules=None, unloaded=None, handles=None, starts=None, counters=None, pid=None).write()
    )
    full = tmp_path / "full.dmp"
    full.write_bytes(SmallDump(handles=["Event", None], starts=[0, 9], modules=[Module(1 << 16, 1 << 16, "")]).write())
    for pair in ([bare, bare], [bare, full], [full, bare], [full, full]):
        assert cli.run(["diff", *map(str, pair)]) == cli.OK
        assert "Notes" in capsys.readouterr().out or pair == [full, full]
        for kind in KINDS[:-1]:
            assert cli.run(["diff", *map(str, pair), "--by", kind]) == cli.OK
    for path in (bare, full):
        assert cli.run(["summary", str(path)]) == cli.OK


def test_a_picture_is_drawn_on_demand(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "memory.svg"
    assert cli.run(["diff", *files, "--chart", str(picture)]) == cli.OK
    assert f"chart: {picture}" in capsys.readouterr().err
    assert "heap: " in picture.read_text(encoding="utf-8")


def test_names_in_a_file_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, plain = tmp_path / "steering.dmp", tmp_path / "plain.dmp"
    module = Module(1 << 16, 1 << 16, "C:\\\x1b[2Japp\x9b31m.exe")
    path.write_bytes(SmallDump(handles=["\x1b[31mEvent\x07"], starts=[(1 << 16) + 4], modules=[module]).write())
    plain.write_bytes(SmallDump().write())
    for arguments in (["summary", str(path)], ["diff", str(plain), str(path)]):
        assert cli.run(arguments) == cli.OK
        captured = capsys.readouterr()
        assert not {"\x1b", "\x07", "\x9b"} & {*captured.out, *captured.err}
        assert "[31mEvent" in captured.out
        assert "[2Japp" in captured.out
