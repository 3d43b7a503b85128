"""The command line on archives: a pair in one, members by name, passwords and limits."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import heapdelta as hd
import pytest
from heapdelta import cli
from packed import locked_zip, log, tarred, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

BEFORE, AFTER = log(100), log(900, taken="2012-04-30 13:09")
CMP = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "1000")

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def write(folder: Path, content: bytes, name: str = "case.zip") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_before_and_an_after_in_one_archive_are_enough(run: Run, pack: Callable[..., bytes], tmp_path: Path) -> None:
    # By their times, not by names or places; what DHCMP wrote about them is beside, as Microsoft's article asks.
    case = write(tmp_path, pack([("1.txt", AFTER), ("2.txt", BEFORE), ("cmp.txt", CMP), ("readme.txt", b"hello")]))
    code, out, err = run("diff", case, "--json")
    assert code == 0
    assert f"before: {case}!2.txt" in err
    assert f"after: {case}!1.txt" in err
    named = run("diff", f"{case}!2.txt", f"{case}!1.txt", "--json")
    assert json.loads(out) == json.loads(named[1])
    assert named[2] == ""
    assert run("check", case, "--max-growth", "1GB")[0] == 0
    assert run("check", case, "--max-growth", "1")[0] == 4


def test_two_dumps_of_one_process_are_a_pair_as_well(run: Run, tmp_path: Path) -> None:
    story = hd.testing.write_dump_investigation(tmp_path / "dumps")
    members = [("b.dmp", story.before.read_bytes()), ("a.dmp", story.after.read_bytes())]
    code, _, err = run("diff", write(tmp_path, zipped(members)))
    assert code == 0
    assert err.index("before: ") < err.index("b.dmp") < err.index("after: ") < err.index("a.dmp")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("1.txt", BEFORE)], "found 1 log and 0 dumps in it"),
        ([("1.txt", BEFORE), ("2.txt", AFTER), ("3.txt", AFTER)], "found 3 logs and 0 dumps in it"),
        ([("cmp.txt", CMP)], "found 0 logs and 0 dumps in it"),
        (
            [("1.txt", BEFORE), ("2.txt", log(5, "2012-04-30 14:00", pid=7))],
            "found two, of which the process ids differ",
        ),
        ([("1.txt", BEFORE), ("2.txt", BEFORE)], "found two, and no time that tells which is older"),
    ],
)
def test_what_is_no_pair_is_refused(run: Run, members: list[tuple[str, bytes]], expected: str, tmp_path: Path) -> None:
    case = write(tmp_path, zipped(members))
    code, out, err = run("diff", case)
    assert (code, out) == (3, "")
    assert f"{case}: expected a before and an after of one process, {expected}" in err
    assert "hint: name both, as in" in err


def test_one_file_that_is_no_archive_is_refused(run: Run, tmp_path: Path) -> None:
    for command in (["diff"], ["check", "--max-growth", "1"]):
        code, _, err = run(*command, write(tmp_path, BEFORE, "before.txt"))
        assert code == 2
        assert "expected two files, or an archive of both, found" in err


def test_a_member_is_shown_by_its_name(run: Run, tmp_path: Path) -> None:
    case = write(tmp_path, zipped([("logs/before.txt", BEFORE), ("x.zip", zipped([("a!b.txt", AFTER)]))]))
    code, out, _ = run("summary", f"{case}!x.zip!a!b.txt")
    assert code == 0
    assert "x.zip!a!b.txt" in out.replace("\n", "")
    code, _, err = run("summary", case)
    assert code == 3
    assert "expected an archive of one heap log or minidump, found 2: logs/before.txt (umdh2)" in err
    code, _, err = run("summary", f"{case}!nope.txt")
    assert code == 3
    assert 'expected the member "nope.txt" in the archive' in err


def test_a_series_goes_through_archives(run: Run, tmp_path: Path) -> None:
    logs = [(f"{hour}.txt", log(100 * hour, f"2012-04-30 {hour:02}:00")) for hour in range(1, 9)]
    case = write(tmp_path, zipped(logs))
    code, out, _ = run("series", case, "--json")
    assert code == 0
    folder = tmp_path / "plain"
    folder.mkdir()
    for name, content in logs:
        write(folder, content, name)
    plain = json.loads(run("series", folder, "--json")[1])
    assert json.loads(out)["rows"] == plain["rows"]


def test_a_password_and_limits_are_options(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = write(tmp_path, locked_zip("a.txt", BEFORE, b"secret"))
    code, _, err = run("summary", case)
    assert code == 3
    assert "it is encrypted, and no password was given\nhint: give it with password= (--password)" in err
    assert run("summary", case, "--password", "secret")[0] == 0
    monkeypatch.setenv("HEAPDELTA_PASSWORD", "secret")
    assert run("summary", case)[0] == 0
    code, _, err = run("summary", case, "--archive-limit", "member_bytes=50")
    assert "the limit member_bytes=50 is reached" in err
    for wrong in ("nope=1", "members", "members=-1", "members=1.5", "members=0"):
        code, _, err = run("summary", case, "--archive-limit", wrong)
        assert (code, "expected" in err) == (2, True), wrong


def test_no_output_is_the_archive_that_is_read(run: Run, tmp_path: Path) -> None:
    case = write(tmp_path, zipped([("1.txt", BEFORE), ("2.txt", AFTER)]))
    content = case.read_bytes()
    for arguments in ([case], [f"{case}!1.txt", f"{case}!2.txt"]):
        code, _, err = run("diff", *arguments, "--parquet", case)
        assert code == 2
        assert "output is the input" in err
    assert case.read_bytes() == content


def test_what_might_be_one_of_the_pair_is_no_guess(run: Run, tmp_path: Path) -> None:
    cut = zipped([("c.txt", log(5))])[:50]
    case = write(tmp_path, zipped([("a.txt", BEFORE), ("b.txt", AFTER), ("in.zip", cut)]))
    code, _, err = run("diff", case)
    assert code == 3
    assert "which may be one of them (the archive is damaged" in err
    code, _, err = run("diff", write(tmp_path, zipped([("a.txt", BEFORE), ("b.txt", AFTER)])), "--before-capture", "2")
    assert code == 2
    assert "expected a before and an after with --before-capture" in err


def test_a_label_is_taken_as_it_was_typed(run: Run, tmp_path: Path) -> None:
    case = write(
        tmp_path, zipped([("a/b.txt", log(7)), ("a//b.txt", BEFORE), ("a/./b.txt", AFTER), ("notes.txt", CMP)])
    )
    for label, expected in (("a/b.txt", 7), ("a//b.txt", 100), ("a/./b.txt", 900)):
        code, out, _ = run("dhcmp", f"{case}!{label}", "-d")
        assert code == 0
        assert str(expected) in out
        assert f"{case}!{label}" in run("summary", f"{case}!{label}")[1]
    code, out, err = run("diff", f"{case}!a//b.txt", f"{case}!a/./b.txt", "--json")
    assert code == 0
    assert "800" in out
    pair = write(tmp_path, zipped([("x//b.txt", BEFORE), ("x/b.txt", AFTER)]), "pair.zip")
    code, out, err = run("diff", pair, "--json")
    assert (code, "800" in out) == (0, True)
    assert f"before: {pair}!x//b.txt" in err


@pytest.mark.skipif(sys.platform != "linux", reason="paths are bytes")
def test_the_path_of_a_pair_need_not_be_text(run: Run, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/gr\xf6\xdfe.zip")
    with open(path, "wb") as file:  # noqa: PTH123 - a name that is no text
        file.write(zipped([("1.txt", BEFORE), ("2.txt", AFTER), ("in.zip", zipped([("b.txt", CMP)]))]))
    code, out, _ = run("diff", path, "--json")
    assert code == 0
    assert "800" in out
