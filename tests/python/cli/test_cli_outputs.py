"""Outputs of the commands: whole or not there, in every form; and nothing on standard output is lost in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from heapdelta import cli
from hostile import MAIN, command, files_of, no_file_longer_than, two_logs

# Limits, closed descriptors and pipes of POSIX.
pytest.importorskip("resource")

LOGS = ["before.txt", "after.txt"]
FORMS = {
    "csv": ["series", *LOGS, "--csv", "-o"],
    "long csv": ["series", *LOGS, "--csv", "--long", "-o"],
    "json": ["series", *LOGS, "--json", "-o"],
    "series parquet": ["series", *LOGS, "--parquet"],
    "diff parquet": ["diff", *LOGS, "--by", "stack", "--parquet"],
    "tree csv": ["tree", *LOGS, "--csv", "-o"],
    "tree parquet": ["tree", *LOGS, "--parquet"],
    "png": ["diff", *LOGS, "--chart"],
    "svg": ["series", *LOGS, "--chart"],
    "html": ["diff", *LOGS, "--chart"],
    "markdown": ["check", *LOGS, "--max-growth", "1GB", "--markdown"],
    "junit": ["check", *LOGS, "--max-growth", "1GB", "--junit"],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)
    return tmp_path


def old_report(form: str) -> bytes:
    """A file that each form may replace: charts replace only pictures."""
    return b"\x89PNG of yesterday" if form == "png" else b"<yesterday/>"


def target_of(form: str) -> str:
    return f"out.{form}" if form in ("png", "svg", "html") else "out.x"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("exists", [True, False], ids=["over a file", "anew"])
def test_full_disk_leaves_the_old_report(
    form: str, exists: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = target_of(form)
    if exists:
        Path(target).write_bytes(old_report(form))
    before = files_of(folder)
    with no_file_longer_than(100):
        assert cli.run([*FORMS[form], target]) == cli.UNREADABLE
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {target}: cannot write: File too large"
    assert files_of(folder) == before
    assert cli.run([*FORMS[form], target]) == cli.OK
    assert set(files_of(folder)) == {*LOGS, target}
    assert len(Path(target).read_bytes()) > 100


@pytest.mark.parametrize("form", FORMS)
def test_what_cannot_be_written_is_told_before_anything_is_read(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import heapdelta as hd

    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("a log was read")

    monkeypatch.setattr(hd, "read", unwanted)
    monkeypatch.setattr(hd, "read_many", unwanted)
    target = f"no/{target_of(form)}"
    assert cli.run([*FORMS[form], target]) == cli.UNREADABLE
    assert capsys.readouterr().err == f"error: {target}: cannot write: No such file or directory\n"


def test_disk_that_is_full_when_the_demo_runs_keeps_no_half_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with no_file_longer_than(100_000):
        assert cli.run(["demo", "--out", "demo"]) == cli.UNREADABLE
    assert "demo/before.txt: cannot write: File too large" in capsys.readouterr().err
    assert set(files_of(folder / "demo")) <= {".heapdelta-demo.json"}
    assert cli.run(["demo", "--out", "demo"]) == cli.OK


@pytest.mark.parametrize("command", ["diff", "series"])
def test_chart_in_the_place_of_something_else_is_refused_before_the_answer(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("notes.html").write_text("my notes of this case", encoding="utf-8")
    assert cli.run([command, *LOGS, "--chart", "notes.html"]) == cli.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "notes.html: expected no file, or a picture to replace, found another" in shown.err
    assert Path("notes.html").read_text(encoding="utf-8") == "my notes of this case"


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_standard_output_can_be_named(name: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.run(["diff", *LOGS, "--parquet", name]) == cli.OK
    assert capfdbinary.readouterr().out.startswith(b"PAR1")
    assert cli.run(["check", *LOGS, "--max-growth", "1GB", "--junit", name]) == cli.OK
    assert capfdbinary.readouterr().out.startswith(b"<?xml")


@pytest.fixture
def small_disk(disk_of: Callable[[str], Path]) -> Path:
    """A file system of 64 KiB with 24 KiB left."""
    disk = disk_of("64k")
    (disk / "filler").write_bytes(bytes(40 << 10))
    return disk


def test_disk_that_is_really_full(small_disk: Path, folder: Path) -> None:
    two_logs(folder, stacks=2000)
    (small_disk / "x.csv").write_bytes(b"old")
    for form, arguments in {"csv": [*FORMS["csv"]], "parquet": FORMS["diff parquet"]}.items():
        arguments = ["--by", "stack", *arguments[1:]] if form == "csv" else arguments[1:]
        done = command("series" if form == "csv" else "diff", *arguments, small_disk / "x.csv")
        assert (done.returncode, done.stdout) == (cli.UNREADABLE, b"")
        assert done.stderr.decode() == f"error: {small_disk}/x.csv: cannot write: No space left on device\n"
        assert (small_disk / "x.csv").read_bytes() == b"old"
        assert len(files_of(small_disk)) == 2
    for arguments in PRINTING.values():
        with (small_disk / "printed").open("wb") as printed:
            done = command(*arguments, stdout=printed)
        assert done.returncode == cli.UNREADABLE
        assert done.stderr.decode() == "error: standard output: cannot write: No space left on device\n"
        (small_disk / "printed").unlink()


PRINTING = {
    "umdh": ["umdh", *LOGS],
    "dhcmp": ["dhcmp", "-v", *LOGS],
    "csv": ["diff", *LOGS, "--by", "stack", "--csv"],
    "json": ["diff", *LOGS, "--by", "stack", "--json"],
}
ALL_PRINTING = PRINTING | {
    "report": ["diff", *LOGS],
    "summary": ["summary", "before.txt"],
    "sites": ["dhcmp", "before.txt"],
    "series": ["series", *LOGS],
    "check": ["check", *LOGS, "--max-growth", "1"],
    "markdown": ["check", *LOGS, "--max-growth", "1", "--markdown", "-"],
    "junit": ["check", *LOGS, "--max-growth", "1", "--junit", "-"],
    "parquet": ["diff", *LOGS, "--parquet", "-"],
    "help": ["diff", "--help"],
    "version": ["--version"],
}


def run_all(names: list[str], streams: str) -> dict[str, tuple[int, str]]:
    """Run commands with streams that the shell has changed; give their exit codes and what they complain of."""
    outcomes = {}
    for name in names:
        words = ALL_PRINTING[name]
        line = f'exec "$@" {streams}'
        done = subprocess.run(
            ["sh", "-c", line, "sh", sys.executable, "-c", MAIN, *words],
            capture_output=True,
            timeout=120,
            check=False,
            env=os.environ | {"NO_COLOR": "1"},
        )
        outcomes[name] = done.returncode, done.stderr.decode()
    return outcomes


def test_full_device_is_told_by_commands_of_every_kind() -> None:
    for name, outcome in run_all(["umdh", "csv", "report", "markdown", "parquet", "version"], ">/dev/full").items():
        assert outcome == (3, "error: standard output: cannot write: No space left on device\n"), name


def test_closed_standard_output_is_told_by_commands_of_every_kind() -> None:
    for name, outcome in run_all(["dhcmp", "json", "summary", "series", "check", "junit", "help"], ">&-").items():
        assert outcome == (3, "error: standard output: cannot write: Bad file descriptor\n"), name


def test_nothing_is_cut_where_the_system_takes_a_part() -> None:
    """A limit lets a write end early, and says so only by its count: as a nearly full disk does."""

    def limited() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    for name, arguments in PRINTING.items():
        with Path("printed").open("wb") as printed:
            done = command(*arguments, stdout=printed, before=limited)
        assert Path("printed").stat().st_size == 3000
        assert done.returncode == cli.UNREADABLE, name
        assert done.stderr.decode() == "error: standard output: cannot write: File too large\n", name


def test_number_of_a_closed_stream_goes_to_no_file() -> None:
    """What a library prints on standard error would else be in the first file that is opened, an output maybe."""
    noisy = (
        "import os, heapdelta._whole_file as whole\nwrite_all = whole.write_all\ndef noisy(descriptor, content):\n"
        f"    os.write(1, b'noise')\n    os.write(2, b'noise')\n    write_all(descriptor, content)\n"
        f"whole.write_all = noisy\n{MAIN}"
    )
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", noisy, *FORMS["series parquet"], "out.x"],
        check=False,
    )
    assert done.returncode in (cli.OK, cli.UNREADABLE)
    assert b"noise" not in Path("out.x").read_bytes()


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "2>&- <&-"])
def test_answer_does_not_need_standard_error(streams: str) -> None:
    content = Path("after.txt").read_text(encoding="utf-8")
    # An issue, so that there is something to say.
    Path("after.txt").write_text(
        content.replace(
            "*- - - - - - - - - - End", "40 bytes + 8 at 99990 by BackTraceFFFF\r\n*- - - - - - - - - - End"
        ),
        encoding="utf-8",
        newline="",
    )
    arguments = ["diff", *LOGS, "--by", "stack", "--json"]
    expected = command(*arguments)
    assert b"stack_not_in_file" in expected.stderr
    line = f'exec "$@" {streams} >out.json'
    done = subprocess.run(["sh", "-c", line, "sh", sys.executable, "-c", MAIN, *arguments], check=False)
    assert done.returncode == cli.OK
    assert Path("out.json").read_bytes() == expected.stdout
    done = subprocess.run(["sh", "-c", line, "sh", sys.executable, "-c", MAIN, "diff", "no", "no"], check=False)
    assert done.returncode == cli.UNREADABLE


def test_reader_that_leaves_is_no_error(folder: Path) -> None:
    two_logs(folder, stacks=2000)
    for arguments in PRINTING.values():
        line = '"$@" | head -c 10 >head; exit ${PIPESTATUS[0]}'
        done = subprocess.run(
            ["bash", "-c", line, "bash", sys.executable, "-c", MAIN, *arguments], capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (cli.OK, b"")
        assert Path("head").stat().st_size == 10


def test_pipe_that_waits_gets_everything(folder: Path) -> None:
    """A reader that does not wait leaves the pipe set so for everyone."""
    two_logs(folder, stacks=2000)
    expected = command("umdh", *LOGS).stdout
    assert len(expected) > 200_000

    def non_blocking() -> None:
        os.set_blocking(1, False)

    line = "import sys, time; time.sleep(1.5); sys.stdout.buffer.write(sys.stdin.buffer.read())"
    with subprocess.Popen([sys.executable, "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        done = command("umdh", *LOGS, stdout=reader.stdin, before=non_blocking)
        reader.stdin.close()
        assert reader.stdout is not None
        assert reader.stdout.read() == expected
    assert done.returncode == cli.OK
