"""A synthetic program of many modules with PDBs, for the cases of symbols: `symbol_program.py FOLDER`.

A few objects are compiled, and each is linked into many DLLs of other names and bases: so every PDB has its own GUID,
and 90 modules with 100 MB of PDBs cost 25 s of one processor, most of it the compiler's. What is there is kept.
It needs the Debian packages clang-19, lld-19 and llvm-19, and nothing of Microsoft's.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

KINDS = 4
MODULES = 90
FUNCTIONS = 1_000
BASE = 0x1_8000_0000
STRIDE = 0x100_0000
SOURCES = "C:\\bench"
# fmt: off
COMPILE = ["clang++-19", "--target=x86_64-pc-windows-msvc", "-O1", "-g", "-gcodeview", "-ffreestanding",
           "-fno-exceptions", "-fno-rtti", "-mno-stack-arg-probe", "-gno-codeview-command-line",
           f"-fdebug-compilation-dir={SOURCES}"]
LINK = ["lld-link-19", "/dll", "/noentry", "/noimplib", "/debug", "/nodefaultlib", "/opt:noref,noicf", "/Brepro",
        f"/pdbsourcepath:{SOURCES}"]
# fmt: on
INSTRUCTION = re.compile(r"^([0-9a-f]+):\s+(\S+)", re.MULTILINE)

HEAD = """#define INLINE __attribute__((always_inline)) inline
#define NOINLINE __attribute__((noinline))
namespace kind{kind} {{
volatile unsigned state[16];
struct Request {{ unsigned id; unsigned length; const char *name; Request *next; }};
"""
# Two levels of inlining, so that half of the calls stand in inlined code.
GROUP = """
namespace part{number} {{
struct Item{number} : Request {{ unsigned slot{number}; Item{number} *peer{number}; }};
INLINE unsigned check{number}(Request &request) {{
    return kind{kind}::{callee_a}(request, {constant}) + 1;
}}
INLINE unsigned admit{number}(Request &request, unsigned limit) {{
    if (request.length > limit)
        state[{slot}] = request.id;
    return check{number}(request) * 3;
}}
}}
NOINLINE unsigned handle_{number}(Request &request, unsigned seed) {{
    part{number}::Item{number} item{{}};
    item.id = seed ^ {constant};
    item.slot{number} = part{number}::admit{number}(request, {limit});
    unsigned sum = {callee_b}(item, item.slot{number});
    state[{slot}] = sum;
    return sum + {callee_c}(request, sum);
}}
"""


def source(kind: int, functions: int) -> str:
    """One kind of module: a function calls functions before it and behind it."""
    draw = random.Random(kind)
    names = [f"handle_{number}" for number in range(functions)]
    text = HEAD.format(kind=kind) + "".join(f"unsigned {name}(Request &, unsigned);\n" for name in names)
    for number in range(functions):
        called = dict(zip(("callee_a", "callee_b", "callee_c"), draw.choices(names, k=3), strict=True))
        numbers = {"constant": draw.getrandbits(31), "limit": draw.getrandbits(12), "slot": draw.randrange(16)}
        text += GROUP.format(kind=kind, number=number, **called, **numbers)
    return text + "}\n"


def compile_kind(folder: Path, kind: int, functions: int) -> None:
    """`kindN.obj` from `kindN.cpp`, if it is not there for this many functions."""
    code = folder / f"kind{kind}.cpp"
    target = code.with_suffix(".obj")
    text = source(kind, functions)
    if target.exists() and code.read_text() == text:
        return
    target.unlink(missing_ok=True)
    code.write_text(text)
    unfinished = f"{target.name}.new"
    subprocess.run([*COMPILE, "-c", code.name, "-o", unfinished], cwd=folder, check=True)
    (folder / unfinished).rename(target)


def link(folder: Path, index: int) -> Path:
    """`moduleNNN.dll` and `.pdb`, if they are not there or older than their object."""
    module = folder / f"module{index:03}.dll"
    item = folder / "kinds" / f"kind{index % KINDS}.obj"
    if module.exists() and module.stat().st_mtime > item.stat().st_mtime:
        return module
    module.unlink(missing_ok=True)
    pdb, unfinished = module.with_suffix(".pdb"), module.with_suffix(".new")
    where = [
        f"/base:{BASE + index * STRIDE:#x}",
        f"/pdb:{pdb.name}",
        f"/pdbaltpath:{pdb.name}",
        f"/out:{unfinished.name}",
    ]
    subprocess.run([*LINK, *where, f"kinds/{item.name}"], cwd=folder, check=True)
    return unfinished.rename(module)


def write(folder: Path, modules: int = MODULES, functions: int = FUNCTIONS, workers: int = 2) -> list[Path]:
    """Write the DLLs and PDBs that are missing; the paths of all DLLs."""
    (folder / "kinds").mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda kind: compile_kind(folder / "kinds", kind, functions), range(min(KINDS, modules))))
        return list(pool.map(lambda index: link(folder, index), range(modules)))


def return_addresses(modules: list[Path]) -> dict[str, list[int]]:
    """Per module, the addresses behind its calls, relative to its base; modules of one kind share the list."""
    kinds = []
    for index, module in enumerate(modules[:KINDS]):
        listing = subprocess.run(
            ["llvm-objdump-19", "-d", "--no-show-raw-insn", module], capture_output=True, text=True, check=True
        ).stdout
        instructions = [(int(address, 16), name) for address, name in INSTRUCTION.findall(listing)]
        base = BASE + index * STRIDE
        pairs = pairwise(instructions)
        kinds.append([behind - base for (_, name), (behind, _) in pairs if name.startswith("call")])
    return {module.name: kinds[index % KINDS] for index, module in enumerate(modules)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--modules", type=int, default=MODULES)
    parser.add_argument("--functions", type=int, default=FUNCTIONS)
    arguments = parser.parse_args()
    modules = write(arguments.folder, arguments.modules, arguments.functions)
    addresses = return_addresses(modules)
    (arguments.folder / "return_addresses.json").write_text(json.dumps(addresses))
    pdb_bytes = sum(module.with_suffix(".pdb").stat().st_size for module in modules)
    count = sum(map(len, addresses.values()))
    print(f"{len(modules)} modules, {pdb_bytes / 1e6:.0f} MB of PDBs, {count:,} return addresses")


if __name__ == "__main__":
    main()
