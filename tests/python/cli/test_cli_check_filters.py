"""Filters of `heapdelta check`: the gate looks at what they leave, and every report says what they leave out."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import heapdelta as hd
import pytest
from heapdelta import cli
from small_shop import two_logs

FILTERS = [
    ["--focus", "cache"],
    ["--focus", "-cache", "--focus", "shop"],
    ["--focus", "ntdll"],
    ["--focus", "nothing"],
    ["--hide", "cache"],
    ["--hide", "cache", "--hide", "shop"],
    ["--show", "shop"],
    ["--show", "nothing"],
    ["--focus", "cache", "--hide", "cache"],
]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)


def run(*options: str) -> int:
    return cli.run(["check", "before.txt", "after.txt", "--max-growth", "4k", *options])


def answer(capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    run(*options, "--json")
    return json.loads(capsys.readouterr().out)


def delta_of(options: list[str]) -> hd.Delta:
    asked: dict[str, list[str]] = {}
    for option, pattern in zip(options[::2], options[1::2], strict=True):
        asked.setdefault(option.removeprefix("--"), []).append(pattern)
    return hd.diff(hd.read_log("before.txt"), hd.read_log("after.txt")).filter(**asked)


@pytest.mark.parametrize("options", FILTERS, ids=" ".join)
def test_the_gate_looks_at_what_is_left_and_tells_the_rest(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found, delta = answer(capsys, *options), delta_of(options)
    grown = delta.total["requested_bytes_delta"].item()
    assert found["limits"][0]["found"] == grown
    assert found["passed"] == (grown <= 4000)
    assert found["checked"] == delta.total.row(0, named=True)
    assert found["left_out"] == delta.left_out.row(0, named=True)
    assert found["total"] == delta.filter().total.row(0, named=True)
    sums = [found[part]["requested_bytes_delta"] for part in ("checked", "left_out", "total")]
    assert sums[0] + sums[1] == sums[2] == 8000
    rows = [(row["module"], row["requested_bytes_delta"]) for row in found["limits"][0]["rows"]]
    assert rows == delta.by("module").select("module", "requested_bytes_delta").rows()


@pytest.mark.parametrize("options", FILTERS, ids=" ".join)
def test_every_report_says_what_is_left_out(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run(*options, "--markdown", "out.md", "--junit", "out.xml")
    run(*options)
    shown = " ".join(capsys.readouterr().out.split())
    document = ElementTree.parse("out.xml").findtext("testsuite/system-out")
    assert document is not None
    note = delta_of(options).notes[0]
    for report in (shown, Path("out.md").read_text(encoding="utf-8").replace("\\", ""), document):
        assert " left out by filters, " in report
        assert note in report


def test_without_a_filter_no_report_speaks_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys)
    assert (found["filters"], found["left_out"]) == (None, None)
    run()
    assert "filter" not in capsys.readouterr().out


def test_a_hidden_frame_changes_who_is_held_against_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    each = ["--max-growth-of", "shop=3k"]
    assert [limit["passed"] for limit in answer(capsys, *each)["limits"]] == [False, True]
    assert [limit["found"] for limit in answer(capsys, *each, "--hide", "cache")["limits"]] == [8000, 6000]


def test_nothing_left_is_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules.txt").write_text("ntdll\n", encoding="utf-8")
    notes = answer(capsys, "--focus", "nothing")["notes"]
    assert notes[0] == "the filters leave no stack of either log: nothing is left to check"
    notes = answer(capsys, "--focus", "cache", "--ignore", "rules.txt")["notes"]
    assert notes[0] == "the suppressions take every stack that the filters leave: nothing is left to check"


def test_suppressions_are_looked_for_in_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules.txt").write_text("cache!Pool::grow\ncache\nplug\nnone\n", encoding="utf-8")
    found = answer(capsys, "--focus", "cache", "--ignore", "rules.txt")
    assert [row["effect"] for row in found["suppressions"]] == ["suppressed", "suppressed", "filtered", "unused"]
    assert (found["left_out"]["requested_bytes_delta"], found["checked"]["requested_bytes_delta"]) == (4500, 0)
    run("--focus", "cache", "--ignore", "rules.txt", "--markdown", "-")
    written = capsys.readouterr().out
    assert "+7.81 KiB requested, +4.39 KiB left out by filters, +3.42 KiB suppressed, 0 bytes checked" in written
    assert "4 suppressions, 2 without effect" in written


def test_a_baseline_is_whole_and_filtered_when_it_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--focus", "cache", "--write-baseline", "kept.json") == cli.OK
    kept, log = hd.read_baseline("kept.json"), hd.read_log("after.txt")
    assert hd.diff(kept, log).total["requested_bytes_delta"].item() == 0
    assert cli.run(["check", "before.txt", "--write-baseline", "first.json"]) == cli.OK
    capsys.readouterr()
    for options in FILTERS:
        cli.run(["check", "after.txt", "--baseline", "first.json", "--max-growth", "4k", *options, "--json"])
        held = json.loads(capsys.readouterr().out)
        for part in ("passed", "total", "left_out", "checked"):
            assert held[part] == answer(capsys, *options)[part]


@pytest.mark.parametrize("option", ["--focus", "--hide", "--show"])
def test_a_baseline_of_a_part_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", "before.txt", "--write-baseline", "kept.json", option, "cache"]) == cli.USAGE
    assert f"expected no {option}" in capsys.readouterr().err
    assert not Path("kept.json").exists()
