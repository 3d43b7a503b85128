"""The examples in README.md and docs/ run, and print what stands there.

Blocks marked ``console`` hold commands after ``$ `` with their output below; blocks marked ``python`` that hold ``>>>``
are doctests. Blocks of one document run in order, in one folder and one namespace. ``...`` stands for any text. Other
blocks are not run.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
        done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, timeout=120)
        found = done.stdout + done.stderr
        assert matches(expected, found), f"{where}: $ {command}\nexpected:\n{expected}\nfound:\n{found}"


def matches(expected: str, found: str) -> bool:
    """Equal but for white space, blank lines and ``...``."""
    if expected.strip() == found.strip() == "":
        return True
    return doctest.OutputChecker().check_output(_squeezed(expected), _squeezed(found), FLAGS)


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
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            runner.run(example, out=report.append, clear_globs=False)
            names = example.globs
            assert not report, "".join(report)


def test_relative_links_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
