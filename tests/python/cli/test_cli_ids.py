"""The ids of stacks: what one command writes, another takes; and what was copied from the wrong column gets a hint."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from heapdelta.exceptions import OptionError
from small_shop import two_logs


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)


COMMANDS = [["diff", "before.txt", "after.txt"], ["series", "before.txt", "after.txt"], ["summary", "after.txt"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_csv_has_what_json_has_and_stack_takes_it(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    def out(*options: str) -> str:
        assert cli.run([*command, *options]) == cli.OK
        return capsys.readouterr().out

    of_csv = [row["fingerprint"] for row in csv.DictReader(io.StringIO(out("--by", "stack", "--csv")))]
    of_json = [row["fingerprint"] for row in json.loads(out("--by", "stack", "--json"))["rows"]]
    assert of_csv == of_json
    assert all(each.startswith("0x") and len(each) == 18 for each in of_csv)
    whole = of_csv[0]
    for asked in (whole, str(int(whole, 16)).zfill(17), f"#{whole[2:8]}", whole[:8]):
        assert json.loads(out("--stack", asked, "--json"))["stacks"][0]["fingerprint"] == whole


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_id_of_a_trace_gets_a_hint(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    known = hd.read_log("after.txt").stacks["trace_id"][0]
    assert cli.run([*command, "--stack", known]) == cli.USAGE
    assert f"hint: is it BackTrace{known}?" in capsys.readouterr().err


def test_a_number_that_is_no_fingerprint_is_refused() -> None:
    delta = hd.diff(hd.read_log("before.txt"), hd.read_log("after.txt"))
    for asked in (str(1 << 64), "9" * 21, "0x" + "1" * 17):
        with pytest.raises(OptionError, match="expected a fingerprint"):
            delta.stack(asked)
