"""Filters and charts of `heapdelta series`: what is left out is said, and what cannot be drawn is refused first."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heapdelta as hd
import pytest
from curves import log_of
from heapdelta import cli
from small_dumps import leaking

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = ["--focus", "--ignore", "--hide", "--show"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six hourly logs of one process, and two of a later one: a grows, b and c do not; and three dumps."""
    monkeypatch.chdir(tmp_path)
    for folder in ("logs", "runs", "dumps", "both"):
        Path(folder).mkdir()
    for number in range(8):
        text = log_of({"a": 4096 * (number + 1), "b": 500, "c": 700}, number, pid=704 if number < 6 else 705).text()
        for folder in ("runs", *(("logs", "both") if number < 6 else ())):
            Path(f"{folder}/{number}.txt").write_text(text, encoding="utf-8", newline="")
    for number, one in enumerate(leaking(3)):
        for folder in ("dumps", "both"):
            Path(f"{folder}/{number}.dmp").write_bytes(one.write())


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is asked of the chart."""
    asked: list[dict[str, Any]] = []
    real: Callable[..., Any] = hd.chart.growth

    def growth(series: hd.Series, **options: Any) -> Any:
        found = real(series, **options)
        asked.append({"by": series.by, "inclusive": series.inclusive, "spec": found.to_dict()})
        return found

    monkeypatch.setattr(hd.chart, "growth", growth)
    return asked


def series(*options: str) -> int:
    return cli.run(["series", *options, "--warm-up-hours", "0"])


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("by", ["module", "stack", "function", "heap"])
def test_what_is_left_out_is_said_in_every_form(by: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = hd.series(hd.read_many("logs"), by=by).filter(**{option.removeprefix("--"): "a"})  # type: ignore[arg-type,call-overload]
    note = asked.notes[0]
    assert series("logs", "--by", by, option, "a") == cli.OK
    assert note in " ".join(capsys.readouterr().out.split())
    assert series("logs", "--by", by, option, "a", "--json") == cli.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["filters"], found["left_out"]) == (f"{option.removeprefix('--')} a", asked.left_out.to_dicts())
    assert note in found["notes"]
    growth = asked.growth(warm_up_hours=0)
    assert [row["last_bytes"] for row in found["rows"]] == growth["last_bytes"].to_list()
    assert series("logs", "--by", by, option, "a", "--csv") == cli.OK
    shown = capsys.readouterr()
    assert f"note: {note}" in shown.err
    assert len(list(csv.DictReader(io.StringIO(shown.out)))) == growth.height
    assert series("logs", "--by", by, option, "a", "--csv", "--long") == cli.OK
    assert len(list(csv.DictReader(io.StringIO(capsys.readouterr().out)))) == asked.table().height


def test_without_a_filter_nothing_is_said_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    series("logs")
    assert "filter" not in capsys.readouterr().out
    series("logs", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["filters"], found["left_out"]) == (None, None)


def test_nothing_left_is_no_empty_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert series("logs", "--focus", "nothing") == cli.OK
    assert "Growth per module: nothing is left by filters" in capsys.readouterr().out


def test_frames_below_the_ranking_are_those_that_are_left(capsys: pytest.CaptureFixture[str]) -> None:
    series("logs", "--by", "stack", "--hide", "a")
    lines = capsys.readouterr().out.splitlines()
    begin = next(place for place, line in enumerate(lines) if line.startswith("Stack #"))
    assert [line.split()[:2] for line in lines[begin + 2 : begin + 4]] == [["(1", "hidden"], [">", "app+0x100"]]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("sources", [["dumps"], ["both", "--by", "counter"]])
def test_dumps_have_no_stacks_to_filter(option: str, sources: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert series(*sources, option, "a") == cli.USAGE
    shown = capsys.readouterr()
    assert f"expected no {option} with a minidump" in shown.err
    assert shown.out == ""


def test_counters_beside_logs_are_those_of_the_whole_process(capsys: pytest.CaptureFixture[str]) -> None:
    answers = []
    for options in ([], ["--focus", "b"]):
        series("both", "--json", *options)
        answers.append(json.loads(capsys.readouterr().out)["counters"])
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("options", "by", "inclusive"),
    [
        ([], "module", False),
        (["--by", "stack"], "stack", False),
        (["--by", "function"], "function", False),
        (["--by", "heap"], "heap", False),
        (["--inclusive"], "module", True),
        (["--by", "function", "--inclusive"], "function", True),
    ],
)
@pytest.mark.parametrize("top", [1, 2, 200])
def test_the_chart_is_of_what_was_asked(
    options: list[str], by: str, inclusive: bool, top: int, drawn: list[dict[str, Any]]
) -> None:
    assert series("logs", *options, "--top", str(top), "--chart", "x.svg") == cli.OK
    assert (drawn[0]["by"], drawn[0]["inclusive"]) == (by, inclusive)
    rows = drawn[0]["spec"]["datasets"]["lines"]
    assert len({row["name"] for row in rows if not row["folded"]}) <= top
    assert Path("x.svg").stat().st_size > 0


def test_the_chart_says_what_filters_leave_out(drawn: list[dict[str, Any]]) -> None:
    series("logs", "--focus", "b", "--chart", "x.svg")
    assert any("filters leave out" in line for line in drawn[0]["spec"]["title"]["subtitle"])
    assert {row["name"] for row in drawn[0]["spec"]["datasets"]["lines"]} <= {"b"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["logs", "--top", "201"], "expected --top of 1 to 200 with --chart, found 201"),
        (["dumps", "--top", "201"], "expected --top of 1 to 200 with --chart, found 201"),
        (["runs", "--runs", "all", "--by", "heap"], "expected --chart with heaps of one run, found 2 runs"),
        (["logs", "--by", "stack", "--inclusive"], "expected --by module or function with --inclusive"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_the_work(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert series(*options, "--chart", "x.svg") == cli.USAGE
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.out == ""
    assert not Path("x.svg").exists()
