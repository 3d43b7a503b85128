"""The examples in README.md and docs/ run, and print what they say.

Blocks marked ``console`` hold commands after ``$ `` with their output below; blocks marked ``python`` that hold ``>>>``
are doctests. Blocks of one document run in order, in one folder and one namespace. ``...`` stands for any text. Other
blocks are not run. The Python of README.md has no type errors either, as it is printed there.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import heapdelta as hd
import pytest
from heapdelta import cli
from heapdelta._compat import umdh_text

PROJECT = Path(__file__).parents[2]
DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(document: Path) -> Iterator[tuple[str, str, int]]:
    """Language, content and first line of each fenced block."""
    text = document.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield found[1], found[2], text.count("\n", 0, found.start()) + 1


def run_console(block: str, where: str) -> None:
    """Run the commands of a block, and compare what they print."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        found = run_line(command, environment)
        assert matches(expected, found), f"{where}: $ {command}\nexpected:\n{expected}\nfound:\n{found}"


def run_line(command: str, environment: dict[str, str]) -> str:
    """Run a line of a shell, and give what it prints.

    The lines are of a POSIX shell. Windows has none: there the one program is run, with what the lines have behind it.
    """
    told: dict[str, Any] = {"env": environment, "capture_output": True, "encoding": "utf-8", "timeout": 120}
    if os.name != "nt":
        done = subprocess.run(command, shell=True, check=False, **told)
        return done.stdout + done.stderr
    line, _, echo = command.partition("; echo ")
    line, _, file = line.partition(" >")
    name, *words = shlex.split(line)
    if name == "printf":
        Path(file.strip()).write_text(words[0].replace("\\n", "\n"), encoding="utf-8", newline="")
        return ""
    program = [sys.executable] if name == "python" else [sys.executable, "-m", name]
    done = subprocess.run([*program, *words], check=False, **told)
    if file:
        Path(file.strip()).write_text(done.stdout, encoding="utf-8")
    printed = ("" if file else done.stdout) + done.stderr
    return printed.replace("\\", "/") + echo.replace("$?", str(done.returncode))


def matches(expected: str, found: str) -> bool:
    """Equal but for white space, blank lines and ``...``."""
    if expected.strip() == found.strip() == "":
        return True
    return doctest.OutputChecker().check_output(_squeezed(expected), _squeezed(found), FLAGS)


class PathsOfAnySystem(doctest.OutputChecker):
    """Documents show paths with slashes; backslashes that Python quotes on Windows are the same."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Compare what is printed with what stands there."""
        return super().check_output(want, got.replace("\\\\", "/") if os.name == "nt" else got, optionflags)


def _squeezed(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_examples_print_what_stands_there(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for language, block, line in blocks(document):
        where = f"{document.name}:{line}"
        if language == "console":
            run_console(block, where)
        elif language == "python" and ">>>" in block:
            example = doctest.DocTestParser().get_doctest(block, names, where, str(document), line)
            report: list[str] = []
            runner = doctest.DocTestRunner(PathsOfAnySystem(), optionflags=FLAGS)
            runner.run(example, out=report.append, clear_globs=False)
            names = example.globs
            assert not report, "".join(report)


def typed(document: Path) -> str:
    """Give the Python of a document, each statement on the line where it is there: what a user would paste."""
    lines = [""] * document.read_text(encoding="utf-8").count("\n")
    for language, block, start in blocks(document):
        if language == "python" and ">>>" in block:
            for example in doctest.DocTestParser().get_examples(block):
                for offset, line in enumerate(example.source.splitlines()):
                    lines[start + example.lineno + offset] = line
    return "\n".join(lines) + "\n"


def type_errors(code: str, name: str, folder: Path) -> list[str]:
    """Run ``mypy --strict`` on it alone, without the settings of this project; heapdelta's own types are read."""
    file = folder / f"{name}.py"
    file.write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", file.name]
    environment = os.environ | {"MYPYPATH": str(Path(hd.__file__).parents[1])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert bool(errors) == bool(done.returncode), done.stdout
    return errors


@pytest.fixture(scope="module")
def checked_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy remembers polars from one run to the next."""
    return tmp_path_factory.mktemp("types")


def test_the_python_of_the_readme_has_no_type_errors(checked_folder):
    code = typed(PROJECT / "README.md")
    assert code.count("hd.") > 10
    assert type_errors(code, "readme", checked_folder) == []


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('hd.read_log("demo/before.txt")', 'hd.read("demo/before.txt")', "with_modules"),
        ('dumps.by("region_class")', "dumps.stack(1)", '"DumpDelta" has no attribute "stack"'),
        ("after.usage", "after.regions", '"Snapshot" has no attribute "regions"'),
        ('hd.read_dump("demo/before.dmp"), ', 'hd.read_dump("demo/before.dmp", blocks=True), ', "blocks"),
    ],
)
def test_a_type_error_in_the_readme_would_be_found(right, wrong, told, checked_folder):
    code = typed(PROJECT / "README.md")
    assert right in code
    errors = type_errors(code.replace(right, wrong, 1), "wrong", checked_folder)
    assert any(told in error for error in errors), errors


def test_type_checkers_know_what_is_read_and_compared(checked_folder):
    code = """
from typing import assert_type
import heapdelta as hd
log, dump, comparison, unknown = hd.read_log("a"), hd.read_dump("b"), hd.read_comparison("c"), hd.read("d")
assert_type(log, hd.Snapshot)
assert_type(dump, hd.Dump)
assert_type(comparison, hd.Comparison)
assert_type(unknown, hd.Snapshot | hd.Dump | hd.Comparison)
assert_type(hd.diff(log, log), hd.Delta)
assert_type(hd.diff(dump, dump), hd.DumpDelta)
assert_type(hd.diff(unknown, unknown), hd.Delta | hd.DumpDelta)
assert_type(hd.series([log, log]), hd.Series)
assert_type(hd.series([log, dump]), hd.Series)
assert_type(hd.series([dump, dump]), hd.DumpSeries)
assert_type(hd.series([log, dump], by="counter"), hd.DumpSeries)
if isinstance(unknown, hd.Dump):
    assert_type(hd.diff(dump, unknown), hd.DumpDelta)
"""
    assert type_errors(code, "answers", checked_folder) == []
    assert len(type_errors(code.replace(", hd.DumpDelta", ", hd.Delta"), "answers", checked_folder)) == 2


INLINE = re.compile(r"`(heapdelta [^`]+)`")
# What a word in capital letters stands for, in the folder of `stage`.
PLACES = {
    "BEFORE": "before.txt",
    "AFTER": "after.txt",
    "A": "before.txt",
    "B": "after.txt",
    "LOG": "after.txt",
    "FILE": "after.txt",
    "FOLDER": "logs",
    "PATH": "symbols",
    "SRC": "uploads",
    "DEST": "dataset",
    "ID": None,
    "TEXT": "known",
    "SHELL": "bash",
    "PATTERN": "fhpreview",
}
# A scheduler is started by tests/python/dataset/test_cluster.py; a check needs a limit, which its page gives.
ELSEWHERE = ("--scheduler", "check")


def inline_commands() -> list[str]:
    """Commands inside of sentences and tables that say what is done to which file, each once."""
    found: dict[str, None] = {}
    for document in DOCUMENTS:
        for command in INLINE.findall(document.read_text(encoding="utf-8")):
            words = command.replace("[", "").replace("]", "").split()
            names_a_file = any(word in PLACES or "." in word for word in words)
            if names_a_file and not any(word in words for word in ELSEWHERE):
                found[" ".join(words)] = None
    return list(found)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands speak of."""
    folder = tmp_path_factory.mktemp("stage")
    story = hd.testing.write_investigation(folder, stack_count=100)
    hd.testing.write_dump_investigation(folder, stack_count=100)
    hd.testing.write_investigation(folder / "logs", steps=3, stack_count=100)
    hd.testing.write_symbols(folder / "symbols")
    shutil.copytree(folder / "logs", folder / "uploads" / "case-1")
    (folder / "app.dmp").write_bytes((folder / "after.dmp").read_bytes())
    before, after = (hd.read_log(path) for path in story.paths)
    (folder / "cmp.txt").write_text(umdh_text(hd.diff(before, after)), encoding="utf-8")
    with zipfile.ZipFile(folder / "case.zip", "w") as archive:
        for path in story.paths:
            archive.write(path, f"logs/{path.name}")
    hd.ingest(folder / "uploads", folder / "dataset")
    return folder


@pytest.mark.parametrize("command", inline_commands())
def test_commands_in_sentences_run(command, stage, monkeypatch, capsys):
    monkeypatch.chdir(stage)
    places = PLACES | {"ID": f"{hd.open('dataset').rank(by='stack')['fingerprint'][0]}"}
    words = [places.get(word, word) for word in shlex.split(command)[1:]]
    assert cli.run(words) == cli.OK, capsys.readouterr().err


def test_relative_links_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
