"""Hints name what the shell has: options, commands and files, and no function of Python."""

from __future__ import annotations

import zipfile
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from small_dump import SmallDump
from small_shop import two_logs


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)
    Path("third.txt").write_bytes(Path("after.txt").read_bytes())
    for name, held in (
        ("both.zip", ["before.txt", "after.txt"]),
        ("three.zip", ["before.txt", "after.txt", "third.txt"]),
    ):
        with zipfile.ZipFile(name, "w") as archive:
            for each in held:
                archive.write(each)
    hd.write_baseline(hd.read_log("before.txt"), "b.json")
    Path("other.json").write_text("{}", encoding="utf-8")
    Path("folder").mkdir()
    Path("one.dmp").write_bytes(SmallDump().write())


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("diff before.txt one.dmp", "--modules DUMP"),
        ("summary both.zip!nix", "hint: it holds before.txt, after.txt\n"),
        ("diff both.zip!nix after.txt", "hint: it holds before.txt, after.txt\n"),
        ("diff three.zip", "heapdelta series three.zip"),
        ("diff before.txt after.txt third.txt", "heapdelta series before.txt after.txt third.txt"),
        ("diff folder", "heapdelta series takes a folder"),
        ("diff before.txt folder", "heapdelta series takes a folder"),
        ("check b.json after.txt --max-growth 1MB", "this is a baseline: heapdelta check LOG --baseline FILE"),
        ("diff b.json after.txt", "this is a baseline"),
    ],
)
def test_a_hint_can_be_typed(command: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(command.split()) in (cli.USAGE, cli.UNREADABLE)
    said = capsys.readouterr().err
    assert hint in said
    assert "in Python" not in said


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("diff before.txt after.txt nowhere.txt", "series"),
        ("diff other.json after.txt", "baseline"),
        ("diff both.zip one.dmp", "series"),
    ],
)
def test_no_hint_is_given_that_would_not_help(command: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(command.split()) != cli.OK
    assert hint not in capsys.readouterr().err
