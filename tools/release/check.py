"""Look into wheels and source distributions: what must be there, what must not, and how large they are.

    python tools/release/check.py dist/*

Prints what each holds, and every fault. Exit code 1: there is one.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).parents[2]
LARGEST = 8_000_000
"""Bytes of a wheel, at most."""
TAGS = re.compile(
    r"cp311-abi3-((manylinux2014_\w+\.)?manylinux_2_17_(x86_64|aarch64)(\.manylinux2014_\w+)?|win_(amd64|arm64)|macosx_\d+_\d+_\w+)"
)
"""What a wheel may be for: one for all versions of Python from 3.11 on."""
NATIVE = {"win": "heapdelta/_native.pyd", "other": "heapdelta/_native.abi3.so"}
SOURCES = ("heapdelta", "heapdelta_command")
NEVER = re.compile(
    r"(^|/)(tests?|__pycache__|\.git|\.venv|target|fuzz|notebooks)(/|$)|\.py[co]$|\.orig$|\.rej$|(^|/)\.DS_Store$"
)
Content = Mapping[str, bytes]


def version() -> str:
    """Give the version, which stands in Cargo.toml and nowhere else."""
    package = tomllib.loads(PROJECT.joinpath("Cargo.toml").read_text(encoding="utf-8"))["package"]
    return str(package["version"])


def sources() -> set[str]:
    """Name the files of the package that belong into every wheel."""
    python = PROJECT / "python"
    found = (file for room in SOURCES for file in (python / room).rglob("*") if file.is_file())
    names = {file.relative_to(python).as_posix() for file in found}
    return {name for name in names if not NEVER.search(name) and not name.endswith((".so", ".pyd"))}


def faults_of_wheel(name: str, content: Content, size: int) -> Iterator[str]:
    """Give what is wrong with a wheel, a sentence each."""
    if not (tags := re.fullmatch(rf"heapdelta-{re.escape(version())}-(.+)\.whl", name)):
        yield f"expected heapdelta-{version()}-TAGS.whl, found {name}"
    elif not TAGS.fullmatch(tags[1]):
        yield f"expected a wheel for CPython 3.11 and later (abi3), found {tags[1]}"
    if size > LARGEST:
        yield f"expected {LARGEST:,} bytes at most, found {size:,}"
    native = NATIVE["win" if "win_" in name else "other"]
    info = f"heapdelta-{version()}.dist-info/"
    wanted = sources() | {native} | {info + each for each in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")}
    wanted |= {info + f"licenses/{each}" for each in ("LICENSE", "LICENSE-THIRD-PARTY.txt")}
    yield from (f"expected {each}, found none" for each in sorted(wanted - set(content)))
    others = {each for each in set(content) - wanted if not each.startswith(f"{info}sboms/")}
    yield from (f"expected no {each}" for each in sorted(others))
    yield from _metadata(content.get(info + "METADATA", b""))
    yield from _licences(content.get(info + "licenses/LICENSE-THIRD-PARTY.txt", b""))
    yield from _bill(content, info)
    yield from _stub(content)
    yield from _private_paths(content, native)


def _metadata(content: bytes) -> Iterator[str]:
    about = HeaderParser().parsestr(content.decode())
    wanted = {"Name": "heapdelta", "Version": version(), "Requires-Python": ">=3.11", "License-Expression": "MIT"}
    for name, value in wanted.items():
        if about[name] != value:
            yield f"METADATA: expected {name}: {value}, found {about[name]}"
    project = tomllib.loads(PROJECT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    if set(about.get_all("Provides-Extra", [])) != extras:
        yield f"METADATA: expected the extras {sorted(extras)}, found {about.get_all('Provides-Extra')}"


def _licences(content: bytes) -> Iterator[str]:
    if content != PROJECT.joinpath("LICENSE-THIRD-PARTY.txt").read_bytes():
        yield "licenses/LICENSE-THIRD-PARTY.txt: expected that of the project"
    yield from (
        f"LICENSE-THIRD-PARTY.txt: expected {crate}"
        for crate in ("zstd-sys ", "arrow-array ", "pyo3 ")
        if crate not in content.decode()
    )


def _bill(content: Content, info: str) -> Iterator[str]:
    """Check the bill of materials: CycloneDX, with the crates that are compiled in."""
    bills = [json.loads(text) for name, text in content.items() if name.startswith(f"{info}sboms/")]
    crates = {
        part["name"] for bill in bills if bill.get("bomFormat") == "CycloneDX" for part in bill.get("components", [])
    }
    yield from (
        f"sboms: expected the crate {crate}, found none"
        for crate in ("arrow-array", "pyo3", "zstd-sys")
        if crate not in crates
    )


def _stub(content: Content) -> Iterator[str]:
    stub = PROJECT.joinpath("python", "heapdelta", "_native.pyi").read_bytes()
    if content.get("heapdelta/_native.pyi", stub) != stub:
        yield "heapdelta/_native.pyi: expected the stub of the project"


def _private_paths(content: Content, native: str) -> Iterator[str]:
    """Look for the folders of who built it, which panics name unless they are mapped to others."""
    if "GITHUB_ACTIONS" in os.environ:
        # Of a hosted machine everybody knows the folders.
        return
    for folder in {str(Path.home()), str(PROJECT)} - {"/"}:
        if (count := content.get(native, b"").count(f"{folder}/".encode())) > 0:
            yield f"{native}: expected no path of the machine that built it, found {folder} {count} times"


def faults_of_sdist(name: str, content: Content) -> Iterator[str]:
    """Give what is wrong with a source distribution."""
    top = f"heapdelta-{version()}"
    if name != f"{top}.tar.gz":
        yield f"expected {top}.tar.gz, found {name}"
    wanted = {
        "PKG-INFO",
        "Cargo.toml",
        "Cargo.lock",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "LICENSE-THIRD-PARTY.txt",
        "src/lib.rs",
    }
    wanted |= {f"python/{each}" for each in sources()}
    there = {PurePosixPath(each).relative_to(top).as_posix() for each in content if each.startswith(f"{top}/")}
    yield from (f"expected {each}, found none" for each in sorted(wanted - there))
    built = {
        each
        for each in there
        if each.endswith((".so", ".pyd", ".pyc", ".dll")) or each.startswith(("target/", ".venv/"))
    }
    yield from (f"expected no {each}" for each in sorted(built))


def content_of(file: Path) -> dict[str, bytes]:
    """Read all files of an archive."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            return {each: wheel.read(each) for each in wheel.namelist() if not each.endswith("/")}
    with tarfile.open(file) as source:
        return {each.name: member.read() for each in source if (member := source.extractfile(each)) is not None}


def checked(file: Path) -> list[str]:
    """Print what a file holds, and give its faults."""
    content = content_of(file)
    size = file.stat().st_size
    print(f"{file.name}: {size:,} bytes, {len(content)} files")
    if file.suffix == ".whl":
        for name in sorted(content):
            print(f"  {len(content[name]):>11,}  {name}")
        return list(faults_of_wheel(file.name, content, size))
    return list(faults_of_sdist(file.name, content))


def main(arguments: list[str]) -> int:
    files = [Path(each) for each in arguments if each.endswith((".whl", ".tar.gz"))]
    if not files:
        print("expected wheels or source distributions, found none", file=sys.stderr)
        return 2
    faults = [f"{file.name}: {fault}" for file in files for fault in checked(file)]
    print(*faults, sep="\n", file=sys.stderr)
    print(f"checked: {len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
