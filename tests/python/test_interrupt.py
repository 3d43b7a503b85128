"""Ctrl-C ends the command line with one line and a code of its own, whatever it is doing at that moment."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

MAIN = "import heapdelta_command; heapdelta_command.main()"
# Python turns Ctrl-C into an interrupt on every system by this call, so no test has to wait for the right moment.
PRESS = "import signal; signal.raise_signal(signal.SIGINT)\n"


def run(folder: Path, code: str = MAIN, *arguments: str) -> tuple[int, str, str]:
    """Run a program that finds the modules of `folder` before all others."""
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1"}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("module", ["polars", "rich", "typer"])
@pytest.mark.parametrize("caught", [False, True], ids=["passed on", "caught by the package"])
def test_interrupt_during_the_imports_leaves_at_once(module: str, caught: bool, tmp_path: Path) -> None:
    """Stand in for a package that takes long to import, and may catch what it does not expect."""
    press = f"try:\n    {PRESS}except BaseException:\n    pass\n" if caught else PRESS
    (tmp_path / f"{module}.py").write_text(press + "raise SystemExit('went on importing')\n", encoding="utf-8")
    assert run(tmp_path) == (130, "", "error: interrupted\n")


def test_interrupt_of_a_command_is_reported_by_it(tmp_path: Path) -> None:
    code = f"import heapdelta\ndef stopped(*_, **__):\n    {PRESS}heapdelta.read = stopped\n{MAIN}"
    assert run(tmp_path, code, "summary", "a.txt") == (130, "", "error: interrupted\n")


def test_interrupt_while_the_error_is_written_is_no_traceback(tmp_path: Path) -> None:
    code = (
        f"import heapdelta.cli\ndef stopped(*_, **__):\n    {PRESS}heapdelta.cli.error_line = stopped\n"
        f"heapdelta.cli.app = stopped\n{MAIN}"
    )
    assert run(tmp_path, code, "summary", "a.txt") == (130, "", "error: interrupted\n")


def test_ignored_interrupt_stays_ignored(tmp_path: Path) -> None:
    """`nohup heapdelta … &` asks for that."""
    code = (
        "import signal, heapdelta.cli\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"def goes_on():\n    {PRESS}    print('done')\nheapdelta.cli.main = goes_on\n{MAIN}"
    )
    assert run(tmp_path, code) == (0, "done\n", "")


def test_command_starts_where_interrupts_are_caught() -> None:
    (command,) = entry_points(group="console_scripts", name="heapdelta")
    assert command.value == "heapdelta_command:main"
