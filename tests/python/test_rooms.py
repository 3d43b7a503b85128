"""The rooms of the package: no file imports what is above it, and no imports go round in a circle.

All imports count, also those for type checkers alone and those inside functions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import heapdelta
import pytest

PACKAGE = Path(heapdelta.__file__).parent

# From the ground up; each may import those below it, and files of its own room.
ROOMS = [
    ("exceptions",),
    ("_native",),
    ("_numbers",),
    ("_words",),
    ("_safe_text", "_shell", "_long_path"),
    ("_whole_file",),
    ("_html",),
    ("_picture", "_drawing", "_options"),
    ("blame", "_blame"),
    ("_symbols",),
    ("_ranking", "_tree"),
    ("_capture",),
    ("_read",),
    ("_diff",),
    ("_series",),
    ("chart", "testing", "_compat", "_export"),
    ("dataset",),
    ("_report",),
    # The front door, `heapdelta/__init__.py`.
    ("",),
    ("cli",),
    # `python -m heapdelta`.
    ("__main__",),
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}

ALLOWED: dict[tuple[str, str], str] = {}
"""Imports that go upward all the same, each with its reason: none."""


def name_of(file: Path, package: Path) -> str:
    """Name of a module inside the package: ``_capture.dump``; of the package itself the empty one."""
    return ".".join(file.relative_to(package).with_suffix("").parts).removesuffix("__init__").rstrip(".")


def modules(package: Path) -> dict[str, Path]:
    found = {name_of(file, package): file for file in package.rglob("*.py")}
    return found | {"_native": package / "_native.pyi"}


def imports(package: Path) -> Iterator[tuple[str, str]]:
    """Who imports whom, file by file."""
    files = modules(package)
    for name, file in files.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for target in targets(node, files):
                if target != name:
                    yield name, target


def targets(node: ast.AST, files: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that a statement imports; ``from heapdelta import blame`` imports `blame`."""
    if isinstance(node, ast.Import):
        wholes = [alias.name for alias in node.names]
        yield from (inside(whole) for whole in wholes if is_ours(whole))
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are written in full"
        if node.module is not None and is_ours(node.module):
            place = inside(node.module)
            for alias in node.names:
                deeper = f"{place}.{alias.name}".lstrip(".")
                yield deeper if deeper in files else place


def is_ours(whole: str) -> bool:
    return whole.split(".")[0] == "heapdelta"


def inside(whole: str) -> str:
    return whole.removeprefix("heapdelta").lstrip(".")


def upward(package: Path) -> list[tuple[str, str]]:
    level = {name: LEVEL[name.split(".")[0]] for name in modules(package)}
    return sorted({(low, high) for low, high in imports(package) if level[low] < level[high]})


def in_circles(package: Path) -> list[str]:
    """Modules that import themselves by way of others; those of several circles together."""
    direct: dict[str, set[str]] = {}
    for name, target in imports(package):
        direct.setdefault(name, set()).add(target)

    def reached(name: str) -> set[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            new = direct.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return seen

    return sorted(name for name in direct if name in reached(name))


def test_every_file_is_in_a_room() -> None:
    assert {name.split(".")[0] for name in modules(PACKAGE)} == set(LEVEL)


def test_no_file_imports_what_is_above_it() -> None:
    assert [pair for pair in upward(PACKAGE) if pair not in ALLOWED] == []
    assert set(ALLOWED) <= set(upward(PACKAGE)), "an exception that nothing needs any more"


def test_no_imports_go_round_in_a_circle() -> None:
    assert in_circles(PACKAGE) == []


@pytest.mark.parametrize(
    "statement",
    [
        "from heapdelta._diff.delta import Delta",
        "from heapdelta._diff import delta",
        "import heapdelta._diff.delta",
        "if TYPE_CHECKING:\n    from heapdelta._diff.delta import Delta",
        "def late():\n    from heapdelta._diff.delta import Delta",
    ],
)
def test_an_import_upward_and_a_circle_would_be_found(statement: str, tmp_path: Path) -> None:
    for name, text in {
        "__init__.py": "",
        "_native.pyi": "",
        "_capture/__init__.py": "",
        "_capture/dump.py": statement,
        "_diff/__init__.py": "",
        "_diff/delta.py": "from heapdelta._capture.dump import Dump",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert upward(tmp_path) == [("_capture.dump", "_diff.delta")]
    assert in_circles(tmp_path) == ["_capture.dump", "_diff.delta"]
