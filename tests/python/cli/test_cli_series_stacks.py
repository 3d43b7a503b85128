"""Stacks of a series in the shell: their ids, how many have their frames shown, and one alone."""

from __future__ import annotations

import json
from pathlib import Path

import heapdelta as hd
import pytest
from curves import log_of
from heapdelta import cli


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six hourly logs of one process: a and b grow, c does not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    Path("logs").mkdir()
    for number in range(6):
        text = log_of({"a": 4096 * (number + 1), "b": 512 * (number + 1), "c": 700}, number).text()
        Path(f"logs/{number}.txt").write_text(text, encoding="utf-8", newline="")


SERIES = ["series", "logs", "--warm-up-hours", "0"]


def out(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert cli.run([*SERIES, *options]) == cli.OK
    return capsys.readouterr().out


def names() -> dict[str, str]:
    """The short fingerprint by module."""
    ranking = hd.series(hd.read_many("logs"), by="stack").growth().drop_nulls("fingerprint")
    return {row["module"]: f"#{row['fingerprint']:016X}"[:7] for row in ranking.iter_rows(named=True)}


def test_rows_have_the_id_that_diff_shows(capsys: pytest.CaptureFixture[str]) -> None:
    shown = out(capsys, "--by", "stack")
    for module, name in names().items():
        line = next(line for line in shown.splitlines() if f"{module}+0x100" in line and name in line)
        assert line
    assert cli.run(["diff", "logs/0.txt", "logs/5.txt", "--stack", names()["a"]]) == cli.OK
    frames = capsys.readouterr().out.split("innermost first")[1].split("\n\n")[0]
    assert frames in shown


def test_the_number_of_stacks_with_frames_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    def heads(*options: str) -> list[str]:
        text = out(capsys, "--by", "stack", *options)
        return [line[6:13] for line in text.splitlines() if line.startswith("Stack #")]

    assert heads() == [names()["a"], names()["b"]]
    assert heads("--stacks", "1") == [names()["a"]]
    assert heads("--stacks", "0") == []


@pytest.mark.parametrize("how", ["short", "trace"])
def test_one_stack_alone(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = hd.read_log("logs/5.txt")
    row = log.by("stack").filter(module="c").row(0, named=True)
    asked = names()["c"] if how == "short" else f"BackTrace{row['trace_id']}"
    shown = out(capsys, "--stack", asked)
    assert f"Stack {names()['c']}, 0 bytes/h, plateau, innermost first" in shown
    assert names()["a"] not in shown
    assert "Verdicts" not in shown
    found = json.loads(out(capsys, "--stack", asked, "--json"))
    assert [stack["id"] for stack in found["stacks"]] == [names()["c"]]
    assert len(found["rows"]) == 1
    long = out(capsys, "--stack", asked, "--long", "--csv")
    assert len(long.splitlines()) == 7


def test_json_has_stacks_as_that_of_diff(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(out(capsys, "--by", "stack", "--json"))
    assert [stack["id"] for stack in found["stacks"]] == [names()["a"], names()["b"]]
    assert cli.run(["diff", "logs/0.txt", "logs/5.txt", "--json", "--stack", names()["a"]]) == cli.OK
    (of_diff,) = json.loads(capsys.readouterr().out)["stacks"]
    own = found["stacks"][0]
    assert {name: own[name] for name in ("id", "fingerprint", "frames")} == {
        name: of_diff[name] for name in ("id", "fingerprint", "frames")
    }
    assert json.loads(out(capsys, "--json"))["stacks"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stacks", "2"], "expected --by stack with --stacks, found it without"),
        (["--by", "module", "--stack", "#C0"], "expected --by stack with --stack, found module"),
        (["--stack", "#FFFFFFFFFF"], "expected one stack of fingerprint FFFFFFFFFF, found none"),
        (
            ["--stack", "BackTrace9999"],
            "expected one stack with its frames called BackTrace9999 in all logs, found none",
        ),
    ],
)
def test_what_does_not_fit_is_refused(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*SERIES, *options]) == cli.USAGE
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_stack_that_filters_leave_out_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*SERIES, "--stack", names()["a"], "--ignore", "a"]) == cli.USAGE
    assert "expected a stack that no filter leaves out" in capsys.readouterr().err
