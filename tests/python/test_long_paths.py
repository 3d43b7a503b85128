"""Nobody asks the system for a path in a form that Windows takes up to 260 characters alone: see `_long_path`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import heapdelta
import pytest

PACKAGE = Path(heapdelta.__file__).parent
FUNCTIONS = {
    "access",
    "listdir",
    "lstat",
    "makedirs",
    "mkdir",
    "open",
    "remove",
    "rename",
    "replace",
    "scandir",
    "stat",
}
"""Of `os`."""
TESTS = {"exists", "getmtime", "getsize", "isdir", "isfile", "islink", "lexists", "samefile"}
"""Of `os.path`."""
METHODS = {
    *("exists", "is_dir", "is_file", "is_symlink", "iterdir", "lstat", "mkdir", "open", "read_bytes", "read_text"),
    *("rglob", "samefile", "stat", "symlink_to", "touch", "unlink", "write_bytes", "write_text"),
}
"""Of paths; entries of `os.scandir` have the path that was asked for."""
OF: dict[str, set[str]] = {"os": FUNCTIONS, "os.path": TESTS, "hd": set()}
GIVES = {"for_system", "real", "_at"}
"""A function that calls one of these has the form that the system is asked for."""

OTHERWISE = {
    "_read.pattern._is_folder": "an entry of a folder that was asked for by its long form",
    "_read.sources._no_files": "entries of a folder that was asked for by its long form",
    "_whole_file._sync": "a file that `_beside` made, or its folder on POSIX",
    "_whole_file.check": "a file that `_beside` made",
    "_whole_file.replaced": "a file that `_beside` made",
    "_whole_file.write": "a file that `_beside` made",
    "cli._files._tells_case": "a folder of which `_key` has the real path",
    "cli._streams.discard": "the null device",
    "cli.demo._is_it": "the program that runs",
    "cli.demo._program": "the program that runs",
    "cli.doctor.surroundings._is_ours": "where Python and its commands are installed",
    "cli.doctor.surroundings.machine": "where the package is installed",
    "cli.doctor.trials._charts": "a temporary folder",
    "cli.doctor.trials._reports": "a temporary folder",
    "dataset._objects._file": "a temporary folder",
    "dataset._objects._whole": "a temporary folder",
    "dataset._walk._about": "an entry of a folder that was asked for by its long form",
}
"""Functions that may ask all the same, each with its reason."""


def asks(call: ast.Call) -> bool:
    """Tell whether a call asks the system for a path."""
    called = call.func
    if isinstance(called, ast.Name):
        return called.id == "open"
    if not isinstance(called, ast.Attribute):
        return False
    return called.attr in OF.get(ast.unparse(called.value), METHODS)


def askers(source: str, module: str) -> Iterator[str]:
    """The functions of a module that ask the system for a path, and call nothing that gives its long form."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
            names = {ast.unparse(each.func).rpartition(".")[2] for each in calls}
            if any(map(asks, calls)) and not names & GIVES:
                yield f"{module}.{node.name}"


def all_askers() -> set[str]:
    found = set()
    for file in PACKAGE.rglob("*.py"):
        module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        found |= set(askers(file.read_text(encoding="utf-8"), module))
    return found


def test_every_function_asks_for_the_long_form() -> None:
    assert all_askers() - OTHERWISE.keys() == set()


def test_every_exception_is_one() -> None:
    assert OTHERWISE.keys() - all_askers() == set()


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("def f(p): return os.stat(p)", True),
        ("def f(p): return open(p)", True),
        ("def f(p): return p.parent.is_file()", True),
        ("def f(p): return os.path.isdir(p)", True),
        ("def f(p): return Path(for_system(p)).is_file()", False),
        ("def f(p): return text.replace(p, 'b')", False),
    ],
)
def test_who_forgets_it_is_found(code: str, is_found: bool) -> None:
    assert list(askers(code, "m")) == (["m.f"] if is_found else [])
