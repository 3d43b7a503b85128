"""`heapdelta report`: as `hd.report`, with the options of other commands; and what it says where."""

from __future__ import annotations

import re
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from hostile import command, two_logs


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)
    return tmp_path


def ran(*arguments: str) -> None:
    assert cli.run(["report", *arguments]) == cli.OK


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", "", page).split())


def test_page_is_that_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    ran("before.txt", "after.txt")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(r"report: report\.html \([\d.]+ KiB\)\n", shown.err)
    delta = hd.diff(hd.read_log("before.txt"), hd.read_log("after.txt"))
    own = hd.report(delta, "own.html").path.read_text(encoding="utf-8")
    page = Path("report.html").read_text(encoding="utf-8")
    assert own.partition("<footer>")[0] == page.partition("<footer>")[0]
    assert "heapdelta report before.txt after.txt --output report.html" in page


def test_one_log_and_an_output_of_another_name() -> None:
    ran("after.txt", "-o", "one.html", "--title", "Case 7")
    assert "Case 7" in Path("one.html").read_text(encoding="utf-8")
    assert not Path("report.html").exists()


def test_standard_output_has_the_page_alone(folder: Path) -> None:
    done = command("report", "before.txt", "after.txt", "-o", "-")
    assert done.returncode == 0
    assert done.stdout.startswith(b"<!DOCTYPE html>")
    assert done.stderr == b""
    assert sorted(path.name for path in folder.iterdir()) == ["after.txt", "before.txt"]


def test_filters_and_options_are_in_the_page_and_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules.txt").write_text("DEFAULT\n", encoding="utf-8")
    ran("before.txt", "after.txt", "--focus", "app", "--allocators", "rules.txt", "--password", "hush", "--stacks", "3")
    text = text_of(Path("report.html").read_text(encoding="utf-8"))
    assert "left out by filters" in text
    assert "report before.txt after.txt --focus app --allocators rules.txt --stacks 3 --output report.html" in text
    assert re.search(r"heapdelta diff before.txt after.txt --stacks \d+ --focus \S+ --allocators rules.txt", text)
    assert "hush" not in text
    capsys.readouterr()


@pytest.mark.parametrize("stacks", ["0", "7", "all"])
def test_number_of_stacks(stacks: str) -> None:
    ran("before.txt", "after.txt", "--stacks", stacks)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stacks", "x"], "expected --stacks with a number or all, found x"),
        (["--stacks", "-1"], "expected --stacks with a number or all, found -1"),
        (["-o", "x.txt"], "expected a path that ends in .html, found 'x.txt'"),
        (["-o", "after.txt"], "output is the input after.txt"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(
    arguments: list[str], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["report", "before.txt", "after.txt", *arguments]) == cli.USAGE
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["after.txt", "before.txt"]
