"""No command writes over what it reads, whatever the output is called; and the demo replaces nobody's files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, get_args, get_type_hints

import heapdelta as hd
import pytest
import typer
from heapdelta import cli
from heapdelta.cli import _files
from heapdelta.cli._files import INPUT, OUTPUT
from hostile import command, files_of, linked, two_logs

# Options of text that name no file.
TEXTS = {"max_growth", "max_growth_each", "max_growth_of", "address_space", "encoding", "password", "archive_limit"}
TEXTS |= {"case", "case_pattern", "scheduler", "fingerprint", "text", "stack", "min_share", "title", "stacks"}
LOGS = ["before.svg", "after.svg"]
# What a command needs beside its logs and the output in question.
NEEDED = {
    "check": ["--max-growth", "1GB", "--json"],
    "series": ["--csv"],
    "export": ["--format", "folded"],
    "symbols": ["--missing"],
    "ingest": ["out", "--json"],
    "doctor": ["--json"],
}
# What of two logs it takes.
TAKES = {"summary": 1, "symbols": 1, "doctor": 0}
# What it is asked about, where that is a dataset and no logs.
ASKED = {"cases": ["data"], "rank": ["data"], "similar": ["data", "C291BD"], "symbolize": ["data", "--symbols", "."]}
COMMANDS = {function.__name__: function for function in cli.COMMANDS}


def options_of(name: str, role: _files.Role) -> list[str]:
    roles = _files.roles_of(COMMANDS[name])
    return [f"--{option.replace('_', '-')}" for option, found in roles.items() if found is role]


OUTPUTS = [(name, option) for name in COMMANDS for option in options_of(name, OUTPUT)]
RULES = [
    (name, option, rules)
    for name, option in OUTPUTS
    for rules in options_of(name, INPUT)
    if rules in ("--allocators", "--ignore")
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path, ".svg")
    Path("rules.svg").write_text("a\n", encoding="utf-8")
    Path("inner").mkdir()
    return tmp_path


def refused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(Path())
    assert cli.run(arguments) == cli.USAGE
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.out == ""
    assert files_of(Path()) == before


def test_every_option_that_names_a_file_says_what_it_is_to_the_command() -> None:
    for function in cli.COMMANDS:
        roles = _files.roles_of(function)
        for option, hint in get_type_hints(function).items():
            kinds = {hint, *get_args(hint)}
            if Path in kinds:
                assert option in roles, f"{function.__name__}: {option}"
            elif str in kinds and option not in roles:
                assert option in TEXTS, f"{function.__name__}: {option} is a text: does it name a file?"


def test_an_option_that_says_nothing_cannot_be_added() -> None:
    def forgetful(page: Annotated[Path | None, typer.Option()] = None) -> None:
        pass

    with pytest.raises(TypeError, match="expected page of forgetful to be INPUT, OUTPUT or FOLDER"):
        _files.guarded(forgetful)


def test_known_outputs_are_these() -> None:
    assert OUTPUTS == [
        ("summary", "--parquet"),
        ("summary", "--output"),
        ("summary", "--chart"),
        ("diff", "--parquet"),
        ("diff", "--output"),
        ("diff", "--chart"),
        ("tree", "--parquet"),
        ("tree", "--output"),
        ("export", "--output"),
        ("report", "--output"),
        ("series", "--parquet"),
        ("series", "--output"),
        ("series", "--chart"),
        ("check", "--output"),
        ("check", "--markdown"),
        ("check", "--junit"),
        ("check", "--write-baseline"),
        ("dhcmp", "--output"),
        ("umdh", "--output"),
        ("symbols", "--parquet"),
        ("symbols", "--output"),
        ("ingest", "--output"),
        ("cases", "--parquet"),
        ("cases", "--output"),
        ("rank", "--parquet"),
        ("rank", "--output"),
        ("similar", "--parquet"),
        ("similar", "--output"),
        ("symbolize", "--parquet"),
        ("symbolize", "--output"),
        ("doctor", "--output"),
    ]


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, option in OUTPUTS if name not in ASKED])
@pytest.mark.parametrize("log", LOGS)
def test_log_is_not_replaced(name: str, option: str, log: str, capsys: pytest.CaptureFixture[str]) -> None:
    if log in (logs := LOGS[: TAKES.get(name)]):
        refused([name, *logs, option, log, *NEEDED.get(name, [])], f"output is the input {log}", capsys)


@pytest.mark.parametrize(("name", "option", "rules"), RULES)
def test_rules_are_not_replaced(name: str, option: str, rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        name,
        *ASKED.get(name, LOGS[: TAKES.get(name)]),
        option,
        "rules.svg",
        rules,
        "rules.svg",
        *NEEDED.get(name, []),
    ]
    refused(arguments, "output is the input rules.svg", capsys)


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, option in OUTPUTS if name in ASKED])
def test_nothing_is_written_into_a_dataset(name: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    hd.ingest(LOGS, "data")
    form = ["--csv"] if option == "--output" else []
    for target in ("data/usage/x.parquet", "inner/../data/x.csv"):
        refused([name, *ASKED[name], *form, option, target], "an output outside of the dataset", capsys)


@pytest.mark.parametrize("way", ["dotted", "absolute", "symbolic", "hard", "chain", "input is the link", "folder link"])
def test_log_is_known_by_what_it_is(way: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, output = "after.svg", "link.svg"
    if way == "dotted":
        output = "./inner/../after.svg"
    elif way == "absolute":
        output = str(folder / "after.svg")
    elif way == "symbolic":
        linked(Path(output), "after.svg")
    elif way == "hard":
        os.link("after.svg", output)
    elif way == "chain":
        linked(Path("inner/second.svg"), "../after.svg")
        linked(Path(output), "inner/second.svg")
    elif way == "input is the link":
        linked(Path(output), "after.svg")
        log, output = output, log
    else:
        linked(Path("inner/here"), folder)
        output = "inner/here/after.svg"
    refused(["diff", "before.svg", log, "--chart", output], f"output is the input {log}", capsys)


def test_dumps_are_not_replaced_either(capsys: pytest.CaptureFixture[str]) -> None:
    hd.testing.write_dump_investigation(".", stack_count=60)
    refused(["diff", "before.dmp", "after.dmp", "--parquet", "before.dmp"], "output is the input before.dmp", capsys)


@pytest.mark.parametrize("source", [".", "*.svg", "**/*.svg", "./b*.svg"])
def test_files_of_folders_and_patterns_are_inputs(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["series", source, "after.svg", "--csv", "--output", "before.svg"]
    refused(arguments, "output is the input", capsys)


def test_new_file_in_the_folder_that_is_read_is_no_input() -> None:
    assert cli.run(["series", *LOGS, "--csv", "-o", "new.csv"]) == cli.OK
    assert Path("new.csv").exists()


@pytest.mark.parametrize("name", ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_log_on_standard_input_is_known_as_well(name: str, folder: Path) -> None:
    if not Path(name).exists():
        pytest.skip(f"no {name} on this system")
    before = files_of(folder)
    with Path("after.svg").open("rb") as log:
        done = command("diff", "before.svg", name, "--parquet", "after.svg", stdin=log)
    assert (done.returncode, done.stdout) == (cli.USAGE, b"")
    assert f"output is the input {name}" in done.stderr.decode()
    assert files_of(folder) == before


# Commands that read after.svg, by every way to name it.
READERS = [
    ["umdh", "before.svg", "after.svg"],
    ["diff", "before.svg", "after.svg", "--chart", "after.svg"],
    ["series", ".", "--csv"],
    ["series", "before.svg", "a*.svg"],
    ["check", "before.svg", "before.svg", "--max-growth", "1GB", "--ignore", "after.svg"],
    ["summary", "./inner/../after.svg"],
]


def test_log_that_the_shell_appends_the_answer_to_is_refused(folder: Path) -> None:
    before = files_of(folder)
    with Path("after.svg").open("ab") as log:
        done = command("umdh", "before.svg", "after.svg", stdout=log)
    assert done.returncode == cli.USAGE
    assert files_of(folder) == before
    assert b"standard output: output is the input after.svg" in done.stderr


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
@pytest.mark.parametrize("both", [False, True])
def test_not_even_the_refusal_is_written_to_a_log_that_gets_the_errors(
    arguments: list[str], both: bool, folder: Path
) -> None:
    before = files_of(folder)
    with Path("after.svg").open("ab") as log:
        done = command(*arguments, stderr=log, **({"stdout": log} if both else {}))
    assert (done.returncode, done.stdout or b"") == (cli.USAGE, b"")
    assert files_of(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus", "after.svg"],
        ["diff", "after.svg"],
        ["series", "after.svg", "--top", "x"],
        ["x", "--rules=after.svg"],
        ["after.svg"],
        ["summary", "after.svg", "--encoding", "klingon"],
    ],
    ids=" ".join,
)
def test_nor_is_a_complaint_about_the_command_line(arguments: list[str], folder: Path) -> None:
    before = files_of(folder)
    with Path("after.svg").open("ab") as log:
        done = command(*arguments, stderr=log)
    assert (done.returncode, done.stdout) == (cli.USAGE, b"")
    assert files_of(folder) == before


def test_complaints_go_to_a_file_that_is_no_input() -> None:
    with Path("errors.txt").open("wb") as errors:
        done = command("diff", "after.svg", "--bogus", stderr=errors)
    assert done.returncode == cli.USAGE
    assert "--bogus" in Path("errors.txt").read_text(encoding="utf-8")


def test_refusal_goes_to_the_terminal_where_there_is_one(folder: Path) -> None:
    pty = pytest.importorskip("pty")
    before = files_of(folder)
    terminal, inner = pty.openpty()
    with Path("after.svg").open("ab") as log:
        done = command("diff", "before.svg", "after.svg", stderr=log, stdout=inner)
    os.close(inner)
    shown = os.read(terminal, 4096)
    os.close(terminal)
    assert done.returncode == cli.USAGE
    assert b"standard error: output is the input after.svg" in shown
    assert files_of(folder) == before


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("x.md", "x.md"),
        ("x.md", "./inner/../x.md"),
        ("x.md", "link.md"),
        ("there.md", "hard.md"),
        ("no/x.md", "no/x.md"),
    ],
)
def test_two_outputs_of_one_file_are_refused(first: str, second: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "link.md" in (first, second):
        linked(Path("link.md"), "x.md")
    Path("there.md").write_text("old\n", encoding="utf-8")
    os.link("there.md", "hard.md")
    arguments = ["check", *LOGS, "--max-growth", "1GB", "--markdown", first, "--junit", second]
    refused(arguments, f"output is the output of --markdown {Path(first)}, too", capsys)


def test_file_that_gets_the_report_gets_no_other_output() -> None:
    with Path("x.xml").open("wb") as report:
        done = command("check", *LOGS, "--max-growth", "1GB", "--junit", "x.xml", stdout=report)
    assert done.returncode == cli.USAGE
    assert b"standard output: output is the output of --junit x.xml, too" in done.stderr


def test_several_outputs_can_go_to_nothing() -> None:
    arguments = ["check", *LOGS, "--max-growth", "1GB", "--markdown", os.devnull, "--junit", os.devnull]
    assert cli.run(arguments) == cli.OK


@pytest.mark.parametrize("tells", [True, False])
def test_names_that_differ_by_case_are_one_where_the_file_system_says_so(
    tells: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_files, "_tells_case", lambda _: tells)
    outputs = [_files._Output("--a", Path("Report.md")), _files._Output("--b", Path("report.MD"))]
    if tells:
        _files._refuse_twins(outputs)
    else:
        with pytest.raises(_files.OptionError, match="output is the output of --a, too"):
            _files._refuse_twins(outputs)


CASE = ["before.txt", "after.txt", "before.dmp", "after.dmp", "growth.png", "growth.html"]


@pytest.mark.parametrize("name", CASE)
def test_demo_replaces_nothing_of_a_case(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("case").mkdir()
    Path("case", name).write_bytes(b"evidence")
    assert cli.run(["demo", "--out", "case"]) == cli.USAGE
    assert (
        f"{Path('case', name)}: expected no file, or one that the demo wrote, found another" in capsys.readouterr().err
    )
    assert files_of(Path("case")) == {name: b"evidence"}


def test_demo_knows_its_own_files_by_their_content(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["demo", "--out", "own"]) == cli.OK
    first = files_of(Path("own"))
    Path("own/after.txt").unlink()
    assert cli.run(["demo", "--out", "own"]) == cli.OK
    assert files_of(Path("own")) == first
    Path("own/before.txt").write_bytes(b"evidence under the same name")
    Path("own/growth.png").unlink()
    linked(Path("own/growth.png"), "../after.svg")
    changed = files_of(Path("own"))
    capsys.readouterr()
    assert cli.run(["demo", "--out", "own"]) == cli.USAGE
    assert (
        f"{Path('own/before.txt')}: expected no file, or one that the demo wrote, found another, and so 1 more file"
        in (capsys.readouterr().err)
    )
    assert files_of(Path("own")) == changed


def test_demo_that_was_interrupted_can_be_run_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(hd, "diff", interrupted)
        assert cli.run(["demo", "--out", "own"]) == cli.INTERRUPTED
    assert {"before.txt", "before.dmp"} <= set(files_of(Path("own")))
    assert cli.run(["demo", "--out", "own"]) == cli.OK
