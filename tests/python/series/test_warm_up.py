"""The first hours, in which growth is ordinary: how many they are can be said in the shell and of pictures as well."""

from __future__ import annotations

import json
from pathlib import Path

import heapdelta as hd
import pytest
from curves import log_of
from heapdelta import cli


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that leaks within an hour, in `logs` of the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    for place in range(12):
        text = log_of({"a": 4096 * (place + 1)}, place / 12).text()
        Path(f"logs/log{place}.txt").write_text(text, encoding="utf-8", newline="")


@pytest.mark.parametrize(("options", "verdict"), [([], "warming up"), (["--warm-up-hours", "0"], "leak")])
def test_shell_takes_it_for_the_answer_and_its_picture(
    options: list[str], verdict: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(hd.chart, "save", lambda chart, _path: drawn.append(chart.to_json()))
    assert cli.run(["series", "logs", "--json", "--chart", "a.png", *options]) == cli.OK
    assert json.loads(capsys.readouterr().out)["rows"][0]["verdict"] == verdict
    assert f", {verdict}" in drawn[0]


def test_picture_of_slopes_takes_it() -> None:
    series = hd.series(hd.read_many("logs"))
    drawn = [hd.chart.slope(series), hd.chart.slope(series, warm_up_hours=0)]
    verdicts = [chart.to_dict()["datasets"]["slopes"][0]["verdict"] for chart in drawn]
    assert verdicts == ["warming up", "leak"]


def test_too_few_snapshots_are_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    for place in range(2):
        text = log_of({"a": 4096, "b": 8192 + place, "c": 16}, place).text()
        Path(f"log{place}.txt").write_text(text, encoding="utf-8", newline="")
    assert cli.run(["series", "log0.txt", "log1.txt"]) == cli.OK
    shown = capsys.readouterr().out
    assert shown.count("too few snapshots") == 3 + 1 + 1
    assert shown.count("2 snapshots of this run; a verdict needs 6") == 1


def test_hours_below_zero_are_refused() -> None:
    assert cli.run(["series", "logs", "--warm-up-hours", "-1"]) == cli.USAGE
