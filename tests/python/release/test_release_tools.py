"""The tools of a release: what is wrong with a wheel is found, and a changelog is dated only where it may be."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[3] / "tools" / "release"


def tool(name: str) -> ModuleType:
    """Import a tool, which is no part of any package."""
    spec = importlib.util.spec_from_file_location(f"release_tool_{name}", TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    # They import each other by name, as programs that are started do.
    sys.path.insert(0, str(TOOLS))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(TOOLS))
    return module


check, release, licences, matrix = tool("check"), tool("release"), tool("licences"), tool("matrix")
VERSION = check.version()
INFO = f"heapdelta-{VERSION}.dist-info/"
NAME = f"heapdelta-{VERSION}-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
THIRD_PARTY = f"{INFO}licenses/LICENSE-THIRD-PARTY.txt"


@pytest.fixture
def wheel() -> dict[str, bytes]:
    """What a wheel of this project holds."""
    content = {name: (check.PROJECT / "python" / name).read_bytes() for name in check.sources()}
    metadata = f"Name: heapdelta\nVersion: {VERSION}\nRequires-Python: >=3.11\nLicense-Expression: MIT\n"
    metadata += "".join(f"Provides-Extra: {extra}\n" for extra in ("all", "dask", "distributed", "excel", "pandas"))
    bill = {"bomFormat": "CycloneDX", "components": [{"name": name} for name in ("arrow-array", "pyo3", "zstd-sys")]}
    return content | {
        "heapdelta/_native.abi3.so": b"\x7fELF",
        f"{INFO}METADATA": metadata.encode(),
        f"{INFO}RECORD": b"",
        f"{INFO}WHEEL": b"",
        f"{INFO}entry_points.txt": b"",
        f"{INFO}licenses/LICENSE": b"",
        THIRD_PARTY: check.PROJECT.joinpath("LICENSE-THIRD-PARTY.txt").read_bytes(),
        f"{INFO}sboms/heapdelta.cyclonedx.json": json.dumps(bill).encode(),
    }


def faults(content: dict[str, bytes], name: str = NAME, size: int = 2_000_000) -> list[str]:
    return list(check.faults_of_wheel(name, content, size))


def test_a_sound_wheel_has_no_faults(wheel: dict[str, bytes]) -> None:
    assert faults(wheel) == []


@pytest.mark.parametrize(
    "name",
    [
        "heapdelta/py.typed",
        "heapdelta/_native.pyi",
        "heapdelta/_native.abi3.so",
        "heapdelta/_report/templates/page.html",
        "heapdelta/_report/templates/viewer.js",
        "heapdelta/cli/doctor/command.py",
        "heapdelta_command/__init__.py",
        f"{INFO}entry_points.txt",
        f"{INFO}licenses/LICENSE",
        THIRD_PARTY,
    ],
)
def test_what_is_missing_is_named(name: str, wheel: dict[str, bytes]) -> None:
    del wheel[name]
    assert f"expected {name}, found none" in faults(wheel)


@pytest.mark.parametrize(
    "name",
    [
        "tests/python/test_rooms.py",
        "heapdelta/__pycache__/blame.cpython-311.pyc",
        "heapdelta/_native.pyd",
        "heapdelta/_native.cpython-311-x86_64-linux-gnu.so",
        "zstd.h",
    ],
)
def test_what_should_not_be_there_is_named(name: str, wheel: dict[str, bytes]) -> None:
    assert faults(wheel | {name: b""}) == [f"expected no {name}"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": NAME.replace("cp311-abi3", "cp311-cp311")}, "expected a wheel for CPython 3.11 and later (abi3)"),
        ({"name": NAME.replace("2_17", "2_39")}, "expected a wheel for CPython"),
        ({"name": NAME.replace(VERSION, "9.9.9")}, f"expected heapdelta-{VERSION}-TAGS.whl"),
        ({"size": 8_000_001}, "expected 8,000,000 bytes at most, found 8,000,001"),
    ],
)
def test_name_and_size(changed: dict[str, object], said: str, wheel: dict[str, bytes]) -> None:
    assert any(fault.startswith(said) for fault in faults(wheel, **changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            f"{INFO}METADATA",
            b"Requires-Python: >=3.11",
            b"Requires-Python: >=3.9",
            "Requires-Python: >=3.11, found >=3.9",
        ),
        (f"{INFO}METADATA", b"Provides-Extra: excel\n", b"", "expected the extras"),
        (f"{INFO}sboms/heapdelta.cyclonedx.json", b"pyo3", b"pyo4", "sboms: expected the crate pyo3"),
        (THIRD_PARTY, b"zstd-sys ", b"", "LICENSE-THIRD-PARTY.txt: expected zstd-sys"),
        ("heapdelta/_native.pyi", b"def ", b"", "heapdelta/_native.pyi: expected the stub"),
        ("heapdelta/_native.abi3.so", b"\x7fELF", f"{Path.home()}/x.rs".encode(), "expected no path of the machine"),
    ],
)
def test_content(
    name: str, old: bytes, new: bytes, said: str, wheel: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert old in wheel[name]
    wheel[name] = wheel[name].replace(old, new)
    assert any(said in fault for fault in faults(wheel))


def test_changelog_gets_its_date() -> None:
    text = "# Changelog\n\n## 0.1.0 (unreleased)\n\n- A line.\n\n## 0.0.9 (2025-01-01)\n\n- Old.\n"
    dated = release.with_date(text, "0.2.0", "2026-12-01")
    assert dated == text.replace("0.1.0 (unreleased)", "0.2.0 (2026-12-01)")


@pytest.mark.parametrize(
    "text",
    [
        "# Changelog\n",
        "## 0.3.0 (unreleased)\n\n- Later.\n",
        "## 0.2.0 (2025-01-01)\n\n- Out already.\n",
        "## 0.2.0 (2025-01-01)\n\n- Out already.\n\n## 0.1.0 (unreleased)\n\n- Not the newest.\n",
        "## 0.2.0 (unreleased)\n\n## 0.1.0 (2025-01-01)\n\n- Nothing is said of 0.2.0.\n",
    ],
)
def test_changelog_that_does_not_speak_of_the_version_is_refused(text: str) -> None:
    with pytest.raises(release.RefusedError, match=r"CHANGELOG\.md: expected"):
        release.with_date(text, "0.2.0", "2026-12-01")


def test_changelog_of_this_project_can_be_dated() -> None:
    text = (release.PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    if release.UNRELEASED.search(text):
        assert "## 99.0.0 (2026-12-01)" in release.with_date(text, "99.0.0", "2026-12-01")


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (["passed on 3.11.2: 380 passed", "NOT TRIED: no such Python"], 0),
        (["passed on 3.11.2: 380 passed", "FAILED on 3.12.0: 1 failed"], 1),
        (["NOT TRIED: no such Python"], 1),
        ([], 1),
    ],
)
def test_matrix_in_which_nothing_was_tried_is_no_success(told: list[str], code: int) -> None:
    assert matrix.exit_code(told) == code


def test_newest_polars_is_one_that_is_allowed() -> None:
    first, beyond = matrix.allowed()
    assert matrix.oldest() == f"{first}.0"
    assert matrix.newest_below(beyond, ["3.10.0", "3.0.1", "2.10.0", "2.9.1"]) == "2.10.0"


@pytest.mark.parametrize(
    ("licence", "is_choice"),
    [
        ("MIT OR Apache-2.0", True),
        ("MIT/Apache-2.0", True),
        ("Apache-2.0 / MIT", True),
        ("Apache-2.0", False),
        ("Apache-2.0 AND MIT", False),
        ("(Apache-2.0 OR MIT) AND BSD-3-Clause", False),
        ("Apache-2.0 WITH LLVM-exception OR MIT", False),
        ("MIT", False),
    ],
)
def test_choice_of_a_licence(licence: str, is_choice: bool) -> None:
    assert licences.may_be_apache({"license": licence}) is is_choice


def test_terms_of_apache_are_there_once() -> None:
    terms = "Apache License\n  Version 2.0\nGrants.\nEND OF TERMS AND CONDITIONS"
    assert licences.without_apache(terms, terms) == "Apache License 2.0, as above"
    own = f"{terms}\n\nThis crate has a part under BSD."
    assert licences.without_apache(own, terms) == "Apache License 2.0, as above\n\nThis crate has a part under BSD."
    other = terms.replace("Grants.", "Grants nothing.")
    assert licences.without_apache(other, terms) == other
