"""`tools/windows/excused.txt`, the list of tests that Wine cannot run: it is honoured, and cannot go stale unseen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools" / "windows"
TESTS = """
import pytest
def test_good(): pass
def test_bad(): assert False
@pytest.mark.parametrize("number", [1, 2])
def test_each(number): assert number == 3
"""
TWO = "running 2 tests\n"
RUN = f"""
import sys; sys.path.insert(0, {str(TOOLS)!r})
import excused, pytest
from pathlib import Path
excused.LIST = Path("list.txt")
"""


@pytest.mark.parametrize(
    ("listed", "code", "said"),
    [
        ("test_it.py::test_bad\ntest_it.py::test_each\ntest_no.py\n    Wine.\n", 0, "1 passed, 1 skipped, 3 xfailed"),
        ("test_it.py::test_bad\n    Wine.\ntest_no.py\n    Wine.\n", 1, "2 failed"),
        ("test_it.py::test_good\n    Wine.\n", 1, "XPASS(strict)"),
        ("test_it.py::test_each[1]\ntest_it.py::test_gone\n    Wine.\n", 1, "test_gone is excused, and not there"),
        ("test_gone.py\n    Wine.\n", 1, "test_gone.py is excused, and not there"),
        ("test_it.py\n    Wine.\n", 1, "test_it.py is excused, and can be imported"),
        ("test_it.py::test_bad\n", 4, "expected a reason below each test"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one", "two"])
def test_an_excuse_holds_only_for_a_test_that_fails(
    listed: str, code: int, said: str, processes: list[str], tmp_path: Path
) -> None:
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "test_no.py").write_text("import there_is_no_such_module\n", encoding="utf-8")
    (tmp_path / "list.txt").write_text(listed, encoding="utf-8")
    files = ["test_it.py"] + (["test_no.py"] if "test_no" in listed else [])
    done = run(tmp_path, [*processes, *files])
    # A list that is wrong in itself stops pytest early, and the processes of pytest-xdist with another code.
    assert (done.returncode == code) or (code == 4 and processes and done.returncode), done.stdout + done.stderr
    assert said in done.stdout + done.stderr


def test_a_process_that_crashes_is_a_test_that_failed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import os\ndef test_crash(): os.abort()\ndef test_good(): pass\n", "utf-8")
    (tmp_path / "list.txt").write_text("", encoding="utf-8")
    done = run(tmp_path, ["-n", "2", "test_it.py"])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_it.py::test_crash" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def run(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin, which comes by name, as pytest-xdist hands it to its processes."""
    (folder / "honoured.py").write_text(f"{RUN}from excused import pytest_configure\n", encoding="utf-8")
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "honoured", *arguments]
    return subprocess.run(
        line,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("listed", "output", "code", "said"),
    [
        ("rust a\n    Wine.\n", f"{TWO}test a ... FAILED\ntest c ... ok\n", 0, "1 passed, 0 failed, 1 excused, 0 ign"),
        ("", f"{TWO}test a::b ... FAILED\ntest c ... ok\n", 1, "a::b failed"),
        ("rust c\n    Wine.\n", "running 1 test\ntest c ... ok\n", 1, "c is excused, and passed"),
        ("rust d\n    Wine.\n", "running 1 test\ntest c ... ok\n", 1, "d is excused, and not there"),
        ("", "error: could not compile\n", 1, "no test was run"),
        ("", f"{TWO}test c ... ok\n", 1, "1 tests were announced and did not end"),
    ],
)  # fmt: skip
def test_an_excuse_holds_only_for_a_test_of_rust_that_fails(
    listed: str, output: str, code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text(listed, encoding="utf-8")
    line = [sys.executable, "-c", f"{RUN}sys.exit(excused.main())"]
    done = subprocess.run(line, cwd=tmp_path, input=output, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def test_every_test_of_the_list_is_there() -> None:
    sys.path.insert(0, str(TOOLS))
    try:
        import excused
    finally:
        sys.path.remove(str(TOOLS))
    for name in excused.entries():
        file, _, test = name.partition("::")
        if not name.startswith("rust "):
            source = (Path(__file__).parents[2] / file).read_text(encoding="utf-8")
            assert not test or f"def {test.partition('[')[0]}(" in source
