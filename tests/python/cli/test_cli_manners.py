"""Manners of the command line: help, what may have been meant, completion, and what is told once."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from heapdelta.cli.demo import _program
from hostile import MAIN, two_logs
from rich.console import Console

NAMES = [command.__name__ for command in cli.COMMANDS]
LOGS = ["before.txt", "after.txt"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)
    return tmp_path


def helped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run([*arguments]) == cli.OK
    return capsys.readouterr().out


@pytest.mark.parametrize("width", ["80", "120"])
@pytest.mark.parametrize("arguments", [[], *([name] for name in NAMES)], ids=" ".join)
def test_help_is_for_people(
    arguments: list[str], width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    shown = helped(capsys, *arguments, "--help")
    assert helped(capsys, *arguments, "-h") == shown
    assert shown.startswith(f"Usage: {' '.join(['heapdelta', *arguments])} [OPTIONS]")
    assert max(map(len, shown.splitlines())) <= 80
    for noise in ("<", "{", "[required]", "x>=", "list[", "(default", "default: ("):
        assert noise not in shown, noise
    assert not re.search(r"[a-z,]\.\.\.$", shown, re.MULTILINE), "no line is cut"
    for option, value in re.findall(r"^  (?:-\w, )?(--[\w-]+)(?: (\S+))?", shown, re.MULTILINE):
        assert re.fullmatch(r"[A-Z=]*|[a-z|]+", value), option
    assert "-h, --help" in shown


def test_help_has_a_line_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    commands = helped(capsys, "-h").partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in commands] == NAMES
    assert all(line.endswith(".") and not line.endswith("..") for line in commands)


def test_choices_are_named_where_the_value_is_or_in_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    for command, option, words in (
        ("check", "--by", ["--by module|function|stack"]),
        ("series", "--by", ["--by KIND", "region_class: of their memory."]),
        ("diff", "--by", ["--by KIND", "allocation_base;"]),
        ("series", "--order", ["--order ORDER", "(taken_at)", "(mtime)"]),
    ):
        shown = " ".join(helped(capsys, command, "-h").split())
        for word in words:
            assert word in shown, (command, option)


def test_module_of_python_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "heapdelta", "diff", "-h"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: heapdelta diff [OPTIONS] BEFORE [AFTER]\n")
    done = subprocess.run([sys.executable, "-m", "heapdelta", "dif"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "hint: did you mean diff? heapdelta --help shows all")


@pytest.mark.parametrize(
    ("line", "error", "hint"),
    [
        ("dif a b", "expected a command, found dif", "did you mean diff? heapdelta --help shows all"),
        ("SUMMARY a", "expected a command, found SUMMARY", "did you mean summary? heapdelta --help shows all"),
        ("zzz", "expected a command, found zzz", "heapdelta --help"),
        ("''", "expected a command, found an empty text", "heapdelta --help"),
        ("--", "expected a command, found none", "heapdelta --help"),
        ("before.txt", "expected a command, found before.txt, which is a file", "heapdelta summary before.txt"),
        (
            "before.txt after.txt",
            "expected a command, found before.txt, which is a file",
            "heapdelta diff before.txt after.txt",
        ),
        pytest.param(
            "'a b.txt'",
            "expected a command, found a b.txt, which is a file",
            "heapdelta summary 'a b.txt'",
            marks=pytest.mark.skipif(os.name == "nt", reason="quoted as a shell of POSIX does"),
        ),
        ("logs", "expected a command, found logs, which is a folder", "heapdelta series logs"),
        ("--versoin", "expected an option of heapdelta, found --versoin", "did you mean --version? heapdelta --help…"),
        ("diff a b --qwertz", "expected an option of heapdelta diff, found --qwertz", "heapdelta diff --help"),
        (
            "diff a b --tpo 3",
            "expected an option of heapdelta diff, found --tpo",
            "did you mean --top? heapdelta diff…",
        ),
        ("diff a b -top 3", "expected an option of heapdelta diff, found -top", "did you mean --top? heapdelta diff…"),
        ("diff a b --inc", "expected an option of heapdelta diff, found --inc", "did you mean --inclusive? heapdelta…"),
        (
            "check a b --by modul",
            "expected --by module, function or stack, found modul",
            "did you mean --by module? heapdelta check --help shows all",
        ),
        ("check a b --by x", "expected --by module, function or stack, found x", "heapdelta check --help"),
        (
            "completion bsh",
            "expected SHELL bash, zsh, fish or powershell, found bsh",
            "did you mean bash? heapdelta completion --help shows all",
        ),
        ("diff", "expected BEFORE for heapdelta diff, found nothing", "heapdelta diff --help"),
        ("ingest a", "expected SRC for heapdelta ingest, found nothing", "heapdelta ingest --help"),
        ("diff a b c d", "expected no further argument for heapdelta diff, found c d", "heapdelta diff --help"),
        ("demo x", "expected no argument for heapdelta demo, found x", "heapdelta demo --help"),
        ("summary a --top", "expected --top N, found --top alone", "heapdelta summary --help"),
        ("summary a --top x", "expected --top with a whole number from 1 on, found x", "heapdelta summary --help"),
        ("summary a --top 0", "expected --top with a whole number from 1 on, found 0", "heapdelta summary --help"),
        ("summary a --radix x", "expected --radix with a whole number, found x", "heapdelta summary --help"),
        ("rank d --min-share 3", "expected --min-share with a number from 0 to 1, found 3", "heapdelta rank --help"),
        ("diff a b --json=x", "expected --json without a value, found one", "heapdelta diff --help"),
    ],
)
def test_what_is_wrong_is_said_in_one_style(
    line: str, error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a b.txt").touch()
    Path("logs").mkdir()
    assert cli.run(shlex.split(line)) == cli.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    said = shown.err.splitlines()
    assert said[0] == f"error: {error}"
    assert len(said) == 2
    if hint.endswith("…"):
        assert said[1].startswith(f"hint: {hint[:-1]}")
    else:
        assert said[1] == f"hint: {hint}"


def test_program_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    shown = helped(capsys, "--help")
    assert cli.run([]) == cli.USAGE
    assert capsys.readouterr().err.strip() == shown.strip()


@pytest.mark.skipif(os.name == "nt", reason="names of files as POSIX allows them")
def test_what_was_typed_is_shown_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a\x1bb").touch()
    for arguments in (
        ["a\x1bb"],
        ["x\x1b"],
        ["diff", "--x\x1b"],
        ["check", "a", "b", "--by", "\x1b"],
        ["demo", "\x1b"],
    ):
        assert cli.run(arguments) == cli.USAGE
        said = capsys.readouterr().err
        assert "\x1b" not in said
        assert r"\x1b" in said


def test_long_words_are_no_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["d" * 1_000_000]) == cli.USAGE
    assert capsys.readouterr().err.endswith("hint: heapdelta --help\n")


SCRIPT = """
eval "$(heapdelta completion bash)"
ask() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _heapdelta_completion heapdelta
    echo "${COMPREPLY[*]}"
}
complete -p heapdelta
ask heapdelta di
ask heapdelta diff --be
ask heapdelta check a b --by ""
ask heapdelta check a b --by = mo
ask heapdelta summary bef
ask heapdelta diff --parquet bef
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(folder: Path) -> None:
    program = folder / "bin" / "heapdelta"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c '{MAIN}' \"$@\"\n", encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", SCRIPT],
        env=os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    registered, *answers = done.stdout.splitlines()
    # What nothing is known of, bash completes as a name of a file.
    assert registered == "complete -o default -F _heapdelta_completion heapdelta"
    assert answers == ["diff", "--before-capture", "module function stack", "module", "", ""]
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = helped(capsys, "completion", shell)
    assert f"_HEAPDELTA_COMPLETE={shell.join(['complete_', ''])}" in script.replace(' = "', "=")
    assert "PSReadLine" not in script, "what a key does elsewhere is not ours"
    assert f"heapdelta completion {shell}" in helped(capsys, "completion", "-h")


@pytest.mark.parametrize(
    ("line", "word", "answers"),
    [
        ("heapdelta di", "di", ["diff"]),
        ("heapdelta diff --bef", "--bef", ["--before-capture"]),
        ("heapdelta check a b --by ", "", ["module", "function", "stack"]),
        ("heapdelta check a b --by mo", "mo", ["module"]),
        # An answer takes the place of the whole word.
        ("heapdelta check a b --by=mo", "--by=mo", ["--by=module"]),
        # Nothing: PowerShell itself completes names of files.
        ("heapdelta summary C:\\leak\\be", "C:\\leak\\be", []),
    ],
)
def test_what_the_script_for_powershell_is_answered(line: str, word: str, answers: list[str]) -> None:
    """No PowerShell is at hand: what it would ask is asked here, by the variables that its script sets."""
    asked = {"_HEAPDELTA_COMPLETE": "complete_powershell", "_TYPER_COMPLETE_ARGS": line}
    asked |= {"_TYPER_COMPLETE_WORD_TO_COMPLETE": word, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", MAIN], env=os.environ | asked, capture_output=True, text=True)
    lines = [line.split(":::") for line in done.stdout.splitlines() if line]
    assert [answer for answer, _ in lines] == answers
    # The text beside an answer must not be empty.
    assert all(told for _, told in lines)
    assert done.stderr == ""


def test_verbose_umdh_is_umdh(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["umdh", *LOGS]) == cli.OK
    plain = capfd.readouterr().out
    assert cli.run(["umdh", "-v", *LOGS]) == cli.OK
    assert capfd.readouterr().out == plain
    assert "ntdll" in plain


TABLES = [
    (["diff", "before.txt", "log0.txt", "--by", "stack"], "Growth per stack", ["before, after"]),
    (["diff", "before.txt", "log0.txt", "--by", "function"], "Growth per function", ["before, after"]),
    (["diff", "before.txt", "log0.txt", "--by", "module"], "Growth per module", []),
    (["series", "before.txt", "log0.txt", "log1.txt"], "Growth per module", ["first", "first, course"]),
    (["cases", "data"], "", ["first log", "first log, last log"]),
    (["rank", "data"], "", ["runs", "runs, first seen", "runs, first seen, last seen"]),
    (["similar", "data", "ID"], "", ["first seen", "first seen, last seen"]),
]


def shown_at(
    width: int, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    return helped(capsys, *arguments)


def table_of(shown: str, title: str) -> list[str]:
    """The headings of a table, and its rows."""
    lines = [line.rstrip() for line in shown[shown.index(title) :].splitlines()]
    rule = next(place for place, line in enumerate(lines) if line.startswith(" ─"))
    return [lines[rule - 1], *takewhile(bool, lines[rule:])]


@pytest.mark.parametrize(("arguments", "title", "steps"), TABLES, ids=lambda value: str(value)[:24])
def test_columns_are_left_out_where_they_do_not_fit_and_then_named(
    arguments: list[str],
    title: str,
    steps: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(3):
        two_logs(Path())
        Path("after.txt").rename(f"log{number}.txt")
    hd.ingest(["before.txt", "log0.txt"], "data", case="case-1")
    arguments = [hd.open("data").rank("stack")["fingerprint"][0] if word == "ID" else word for word in arguments]
    whole = table_of(shown_at(180, arguments, monkeypatch, capsys), title)
    widest = max(map(len, whole))
    left_out = {}
    # rich leaves the last column of an old console of Windows free.
    free = int(Console().legacy_windows)
    for width in range(40, 110, 3):
        shown = shown_at(width + free, arguments, monkeypatch, capsys)
        [named] = re.findall(r"left out for want of width: (.*)", shown) or [""]
        left_out[width] = named
        headings = table_of(shown, title)[0]
        assert all(not re.search(rf"\b{name}\b", headings) for name in named.split(", ") if name), width
        if width >= 100 or width > widest:
            assert named == "", width
        elif width < widest:
            # What differs is free text, and wraps first.
            assert named in steps or not steps or (named == "" and "similar" in arguments), width
    assert list(dict.fromkeys(left_out.values()))[::-1] == ["", *steps]


def test_kinds_of_all_issues_are_told_where_not_all_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("before.txt").read_text(encoding="utf-8")
    end = "*- - - - - - - - - - End of data"
    more = "".join(f"10 bytes + 1 at {0x900000 + 64 * place:X} by BackTraceDEAD{place}\r\n\r\n" for place in range(7))
    Path("before.txt").write_text(text.replace(end, more + end, 1), encoding="utf-8", newline="")
    shown = helped(capsys, "summary", "before.txt")
    assert "and 2 more; in all: 7 stack_not_in_file (warning)" in shown


@pytest.mark.skipif(os.name == "nt", reason="commands are taken apart as a shell of POSIX does")
def test_demo_ends_with_answers_and_with_commands_to_paste(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bin/heapdelta"])
    Path("bin").mkdir()
    Path("bin/heapdelta").touch(mode=0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    answers = helped(capsys, "demo", "--out", "de mo").partition("Which module?")[2].splitlines()
    assert answers[0].strip() == "fhpreview, +16.8 MiB"
    assert answers[1] == "Which stack?   fhpreview!Thumbnail::Insert, +2.84 MiB in +120 blocks: stack #F278F7 above"
    assert "heapdelta is not on the PATH: it is bin/heapdelta" in answers
    commands = [shlex.split(line) for line in answers if line.startswith("  bin/heapdelta ")]
    assert [words[0] for words in commands] == ["bin/heapdelta"] * 4
    for words in commands[1:]:
        shown = helped(capsys, *words[1:])
        assert "fhpreview" in shown or "Committed memory" in shown
    monkeypatch.setenv("PATH", "bin")
    assert _program() == (["heapdelta"], True)
    monkeypatch.setattr(sys, "argv", ["-c"])
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3.nn")
    assert _program() == (["/usr/bin/python3.nn", "-m", "heapdelta"], False)
