"""The commands for datasets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import cli
from hostile import MAIN, command
from packed import log
from small_tree import small_batches, write_tree


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A dataset of six cases."""
    hd.ingest(write_tree(tmp_path / "uploads"), tmp_path / "data")
    return tmp_path / "data"


def out(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = cli.OK) -> str:
    assert cli.run([str(argument) for argument in arguments]) == code
    return capsys.readouterr().out


def test_ingest_tells_what_became_of_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = write_tree(tmp_path / "uploads")
    said = out(capsys, "ingest", tree, tmp_path / "data")
    assert re.search(r"read now\s+16 files in \d+ s", said)
    assert "15 logs, comparisons and dumps, 1 duplicate, 4 archives, 2 files of other kinds, 1 failure" in said
    assert "Could not be read (1)" in said
    (failure,) = (line for line in said.splitlines() if "damaged_archive" in line)
    (reason,) = hd.open(tmp_path / "data").manifest.filter(outcome="failed")["reason"]
    assert failure.endswith(f", damaged_archive: {reason}")
    again = out(capsys, "ingest", tree, tmp_path / "data")
    assert re.search(r"read now\s+0 files", again)
    assert re.search(r"known before\s+16 files", again)
    (tree / "case-005" / "before.txt").unlink()
    assert re.search(r"vanished\s+1 file\b", out(capsys, "ingest", tree, tmp_path / "data"))
    assert re.search(r"read now\s+15 files", out(capsys, "ingest", "--again", tree, tmp_path / "data"))


def test_ingest_takes_several_sources_and_says_whose_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("sr17-before.txt", "sr18-before.txt"):
        (tmp_path / name).write_bytes(log(len(name)))
    files = [tmp_path / "sr17-before.txt", tmp_path / "sr18-before.txt"]
    out(capsys, "ingest", "--case-pattern", r"sr(\d+)", *files, tmp_path / "data")
    assert hd.open(tmp_path / "data").cases()["case"].to_list() == ["17", "18"]
    out(capsys, "ingest", "--case", "one", *files, tmp_path / "other")
    assert hd.open(tmp_path / "other").cases()["case"].to_list() == ["one"]
    assert cli.run(["ingest", "--case", "a", "--case-pattern", "b", str(files[0]), str(tmp_path / "x")]) == cli.USAGE
    assert cli.run(["ingest", "--case-pattern", "(", str(files[0]), str(tmp_path / "x")]) == cli.USAGE


def test_ingest_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = json.loads(out(capsys, "ingest", "--json", write_tree(tmp_path / "uploads"), tmp_path / "data"))
    assert said["outcomes"] == {"archive": 4, "duplicate": 1, "failed": 1, "not ours": 2, "read": 15}
    assert (said["new_files"], said["known_files"], said["vanished"]) == (16, 0, 0)
    assert [failure["kind"] for failure in said["failures"]] == ["damaged_archive"]


def test_progress_is_plain_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    done = command("ingest", str(write_tree(tmp_path / "uploads")), str(tmp_path / "data"))
    assert done.returncode == cli.OK
    lines = done.stderr.decode().splitlines()
    assert lines[-1].startswith("16 of 16 files, ")
    assert lines[-1].endswith(", 1 failure")
    assert b"\x1b" not in done.stderr


def test_cases(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = out(capsys, "cases", place)
    assert "case-000" in said
    assert "2012-04-30" in said
    rows = json.loads(out(capsys, "cases", "--json", place))["rows"]
    assert [row["case"] for row in rows] == [f"case-{number:03}" for number in range(6)]


def test_rank(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = out(capsys, "rank", place)
    assert re.search(r"0\s+6\s+6\s+\+4.69 KiB\s+\+800 bytes\s+ntdll", said)
    by_stack = out(capsys, "rank", "--by", "stack", place)
    assert re.search(r"#[0-9A-F]{6} ntdll\+0x100", by_stack)
    rows = json.loads(out(capsys, "rank", "--json", place))["rows"]
    assert rows[0]["runs"][0]["verdict"] == "too few snapshots"
    table = out(capsys, "rank", "--csv", place)
    assert table.splitlines()[0].startswith("module,status,leak_cases,cases,")
    out(capsys, "rank", "--parquet", place.parent / "rank.parquet", place)
    assert pl.read_parquet(place.parent / "rank.parquet")["module"].to_list() == ["ntdll"]


def test_similar_and_label(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = hd.open(place).rank("stack")["fingerprint"][0]
    assert out(capsys, "label", place, f"#{stack[:6]}", "KB5001234, fixed in 4.2") == ""
    said = out(capsys, "similar", place, stack[:8])
    assert "1.000" in said
    assert "the stack itself" in said
    assert "KB5001234" in said
    assert "KB5001234" in out(capsys, "rank", "--by", "stack", place)
    out(capsys, "label", place, stack)
    assert hd.open(place).labels().is_empty()
    assert cli.run(["similar", str(place), "0000"]) == cli.USAGE
    assert "expected one stack of fingerprint 0000, found none" in capsys.readouterr().err


def test_compact(place: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt").write_bytes(log(4711))
    out(capsys, "ingest", tmp_path / "more", place)
    assert out(capsys, "compact", place) == "2 batches merged\n"
    assert out(capsys, "compact", place) == "nothing to merge\n"


def test_an_output_inside_of_the_dataset_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--parquet", "-o"):
        form = ["--json"] if option == "-o" else []
        target = place / "usage" / "x.parquet"
        assert cli.run(["rank", *form, option, str(target), str(place)]) == cli.USAGE
        assert "expected an output outside of the dataset" in capsys.readouterr().err
        assert not target.exists()


def test_what_is_no_dataset_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["rank", str(tmp_path / "nothing")]) == cli.UNREADABLE
    assert capsys.readouterr().err.endswith("nothing: no such dataset\n")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.doc").write_text("mine")
    (tmp_path / "a.txt").write_bytes(log(1))
    assert cli.run(["ingest", str(tmp_path / "a.txt"), str(tmp_path / "theirs")]) == cli.USAGE
    assert "found others' files: thesis.doc" in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_a_dataset_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_batches(monkeypatch, 1)
    from heapdelta.cli.dataset import ingest

    def interrupt(progress: hd.dataset.Progress) -> None:
        if progress.files == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(ingest, "reporter", lambda: (interrupt, lambda: None))
    tree = write_tree(tmp_path / "uploads")
    assert cli.run(["ingest", "--threads", "1", str(tree), str(tmp_path / "data")]) == cli.INTERRUPTED
    assert capsys.readouterr().err == "error: interrupted\n"
    assert hd.open(tmp_path / "data").manifest.height > 0


def test_the_bar_of_a_terminal_shows_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from heapdelta.cli.dataset._progress import Bar, reporter

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    report, close = reporter()
    try:
        assert isinstance(report, Bar)
        report(hd.dataset.Progress(3, 10, 2_000, 8_000, 1, 2.0))
        assert (
            report._progress.tasks[0].description
            == "3 of 10 files, 1.95 KiB of 7.81 KiB, 1,000 bytes/s, 6 s left, 1 failure"
        )
    finally:
        close()


__all__ = ["MAIN"]
