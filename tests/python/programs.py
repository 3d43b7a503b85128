"""Programs of `tests/data/symbols`: their files, and logs whose addresses lie in them."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "symbols"
BUILDS = ("x64", "rebuilt", "x86", "dwarf")
PDBS = ("x64", "rebuilt", "x86")


@cache
def expected(build: str) -> dict[str, Any]:
    """What LLVM says of a build."""
    found: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())[build]
    return found


@cache
def content(name: str) -> bytes:
    """The bytes of a file, such as ``x64/server.pdb``."""
    return gzip.decompress((FOLDER / f"{name}.gz").read_bytes())


def put(folder: Path, *names: str) -> Path:
    """Write files into one folder, without the folders of their builds."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / Path(name).name
        # Nothing can be written on Windows where a store has it open.
        if not path.exists() or path.read_bytes() != content(name):
            path.write_bytes(content(name))
    return folder


def stored(folder: Path, build: str, *, identity: str | None = None) -> Path:
    """Write the PDB of a build as a symbol store has it."""
    put(folder / "server.pdb" / (identity or expected(build)["id"]), f"{build}/server.pdb")
    return folder


def base_of(build: str, *, moved: int = 0x10000) -> int:
    """Where logs have a build: not where it was linked for."""
    return int(expected(build)["base"]) + moved


def log(
    build: str, *, size: int | None = None, symbol_file: str | None = None, places: list[int] | None = None
) -> bytes:
    """Write a log with one block for each return address of a build, and of all of them in one stack."""
    base = base_of(build)
    found = places if places is not None else [row[0] for row in expected(build)["returns"]]
    note = f"DBGHELP: server - private symbols & lines\n         {symbol_file}\n" if symbol_file else ""
    image = expected(build)["size"] if size is None else size
    lines = [
        "// Loaded modules:",
        "// Base Size Module",
        rf"// {base:X} {image:X} C:\shop\server.exe",
        "//",
        "*- - - - - - - - - - Heap 2E60000 Hogs - - - - - - - - - -",
        "",
    ]
    stacks = [[place] for place in found] + [found]
    for number, stack in enumerate(stacks, start=1):
        lines.append(f"{16 * number:X} bytes + 18 at {0x2E90000 + 0x100 * number:X} by BackTrace{number}")
        lines += [f"\t{base + place:X}" for place in stack] + [""]
    return (note + "\n".join(lines) + "\n").encode()


def bare(name: str) -> str:
    """Take away what LLVM writes of a function beside its name."""
    return re.sub(r"^(?:int|short) |(?<!operator)\([^()]*\)(?: const)?$", "", name)
