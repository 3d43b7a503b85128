"""Baselines: what is kept of a log, and how later logs are held against it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from heapdelta.exceptions import FormatError, NotFoundError
from polars.testing import assert_frame_equal


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baseline")
    hd.testing.write_investigation(folder, steps=3, stack_count=80)
    return folder


@pytest.fixture(autouse=True)
def here(story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for log in story.glob("*.txt"):
        (tmp_path / log.name).write_bytes(log.read_bytes())
    monkeypatch.chdir(tmp_path)


def test_a_baseline_answers_as_the_log_does(story: Path) -> None:
    first, last = (hd.read_log(sorted(story.glob("*.txt"))[place]) for place in (0, -1))
    hd.write_baseline(first, "baseline.json")
    kept = hd.read_baseline("baseline.json")
    for name in ("usage", "stacks", "frames", "modules", "heaps", "issues"):
        assert_frame_equal(getattr(kept, name), getattr(first, name))
    header = ("format", "tool_version", "taken_at", "machine", "pid", "pointer_width", "encoding", "line_counts")
    assert [getattr(kept, name) for name in header] == [getattr(first, name) for name in header]
    there, here = hd.diff(first, last), hd.diff(kept, last)
    assert here.one_run
    for kind in ("module", "function", "stack", "trace", "heap"):
        assert_frame_equal(here.by(kind), there.by(kind))


def test_drift_that_passes_from_log_to_log_shows_against_a_baseline(
    story: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = [path.name for path in sorted(story.glob("*.txt"), key=lambda path: str(hd.read_log(path).taken_at))]
    growth = [
        hd.diff(hd.read_log(one), hd.read_log(other)).total["requested_bytes_delta"].item()
        for one, other in pairwise(logs)
    ]
    limit = ["--max-growth", f"{max(growth)}B"]
    assert all(cli.run(["check", *pair, *limit]) == cli.OK for pair in pairwise(logs))
    assert cli.run(["check", logs[0], "--write-baseline", "baseline.json"]) == cli.OK
    capsys.readouterr()
    assert cli.run(["check", logs[-1], "--baseline", "baseline.json", *limit, "--json"]) == cli.EXCEEDED
    written = json.loads(capsys.readouterr().out)
    assert written["before"]["path"] == "baseline.json"
    assert written["limits"][0]["found"] == sum(growth)


def test_only_what_passed_becomes_a_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    pair = ["check", "before.txt", "after.txt", "--write-baseline", "next.json", "--max-growth"]
    assert cli.run([*pair, "1B"]) == cli.EXCEEDED
    assert not Path("next.json").exists()
    assert cli.run([*pair, "1GB"]) == cli.OK
    assert "baseline: next.json" in capsys.readouterr().err
    after = hd.read_log("after.txt").usage["requested_bytes"].sum()
    assert hd.read_baseline("next.json").usage["requested_bytes"].sum() == after


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["before.txt", "after.txt", "--baseline", "good.json"], cli.USAGE, "expected one log with --baseline"),
        (["after.txt", "--baseline", "good.json", "--before-capture", "1"], cli.USAGE, "expected no --before-capture"),
        (["after.txt", "--baseline", "before.txt"], cli.UNREADABLE, "expected a baseline that heapdelta wrote"),
        (["after.txt", "--baseline", "none.json"], cli.UNREADABLE, "none.json: cannot read"),
    ],
)
def test_what_is_no_baseline_is_refused(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hd.write_baseline(hd.read_log("before.txt"), "good.json")
    assert cli.run(["check", *arguments, "--max-growth", "1GB"]) == code
    assert words in capsys.readouterr().err


def test_a_damaged_baseline_and_one_of_later_days_are_told() -> None:
    hd.write_baseline(hd.read_log("before.txt"), "good.json")
    good = json.loads(Path("good.json").read_text(encoding="utf-8"))
    later = good | {"heapdelta_baseline": 2}
    lacking = good | {"lines": {}}
    crooked = good | {"tables": good["tables"] | {"usage": {"heap_id": [99], "stack_id": [99]}}}
    wrong = good | {"tables": good["tables"] | {"heaps": {"heap_id": ["x"]}}}
    for content, words in ((later, "found version 2"), (lacking, "damaged"), (crooked, "damaged"), (wrong, "damaged")):
        Path("bad.json").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(FormatError, match=words):
            hd.read_baseline("bad.json")
    for text in ("", "[]", "{}", "null", '{"heapdelta_baseline": "x"}'):
        Path("bad.json").write_text(text, encoding="utf-8")
        with pytest.raises(FormatError, match="expected a baseline that heapdelta wrote"):
            hd.read_baseline("bad.json")
    with pytest.raises(NotFoundError):
        hd.read_baseline("none.json")
    with pytest.raises(TypeError, match="expected a Snapshot, found str"):
        hd.write_baseline("before.txt", "x.json")  # type: ignore[arg-type]


def test_what_is_not_kept_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    logs = sorted((str(path) for path in Path().glob("*.txt")), key=lambda path: str(hd.read_log(path).taken_at))
    command = ["check", logs[0], logs[-1], "--max-growth", "1B", "--write-baseline", "c.json"]
    note = "baseline: c.json is not written, because a limit is exceeded"
    assert cli.run(command) == cli.EXCEEDED
    shown = capsys.readouterr()
    assert f"- {note}\n" in shown.out
    assert note not in shown.err
    assert cli.run([*command, "--json"]) == cli.EXCEEDED
    shown = capsys.readouterr()
    assert json.loads(shown.out)["notes"][0] == note
    assert f"{note}\n" in shown.err
    assert cli.run([*command, "--markdown", "check.md"]) == cli.EXCEEDED
    assert "is not written, because a limit is exceeded" in Path("check.md").read_text(encoding="utf-8")
    assert not Path("c.json").exists()
