"""JSON of every command about stacks says what filters leave out."""

from __future__ import annotations

import json
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from small_shop import two_logs

LOGS = ["before.txt", "after.txt"]
COMMANDS = [["diff", *LOGS], ["summary", "after.txt"], ["tree", *LOGS], ["check", *LOGS, "--max-growth", "1GB"]]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_filters_and_what_they_leave_out(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    def found(*options: str) -> dict:
        assert cli.run([*command, *options, "--json"]) == cli.OK
        return json.loads(capsys.readouterr().out)

    after = hd.read_log("after.txt")
    view = after.live() if command[0] == "summary" else hd.diff(hd.read_log("before.txt"), after)
    filtered = found("--focus", "plug")
    assert filtered["filters"] == "focus plug"
    assert filtered["left_out"] == view.filter(focus="plug").left_out.row(0, named=True)
    whole = found()
    assert (whole["filters"], whole["left_out"]) == (None, None)
