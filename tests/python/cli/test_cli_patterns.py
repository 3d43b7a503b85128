"""Filters that leave nothing, and patterns that match no frame: a name written wrong is told, in every command."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from small_shop import two_logs

COMMANDS = [
    ["diff", "before.txt", "after.txt"],
    ["summary", "after.txt"],
    ["tree", "before.txt", "after.txt"],
    ["tree", "after.txt"],
    ["series", "before.txt", "after.txt"],
    ["check", "before.txt", "after.txt", "--max-growth", "1GB"],
]
ENDINGS = ["diff", "summary", "tree", "tree of one", "series", "check"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    two_logs(tmp_path)


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(list(arguments)) == cli.OK
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=ENDINGS)
@pytest.mark.parametrize("option", ["--focus", "--show"])
def test_nothing_left_by_filters_is_not_nothing(
    command: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = out(capsys, *command, option, "nothere!*")
    assert "nothing was allocated" not in said
    assert "nothing is live" not in said
    assert "nothing is left" in said
    assert f"no frame matches {option.removeprefix('--')} nothere: a pattern without ! is a module" in said


@pytest.mark.parametrize("command", COMMANDS, ids=ENDINGS)
@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("Thumbnail::Insert", "a function is *!Thumbnail::Insert"),
        ("shop.dll", "modules are named without .dll, so shop"),
        ("shop!nothere", "modules are named without .dll or .exe"),
    ],
)
def test_a_pattern_that_matches_no_frame_is_told(
    command: list[str], pattern: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = out(capsys, *command, "--hide", pattern)
    assert f"no frame matches hide {pattern}: " in said
    assert hint in said


def test_a_pattern_that_matches_has_no_such_note() -> None:
    delta = hd.diff(hd.read_log("before.txt"), hd.read_log("after.txt"))
    assert not [note for note in delta.filter(focus="shop", ignore="CACHE").notes if "no frame" in note]
