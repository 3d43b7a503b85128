"""Prints what LLVM says of the data of `classes.cpp`: where pointers point in each build, and the names there."""

import json
import re
import subprocess
import sys


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def shown(names: list[str]) -> dict[str, str]:
    """Undecorate names of both kinds; llvm-undname writes each name, and below it what it stands for."""
    of_microsoft = [name for name in names if name.startswith("?")]
    lines = said("llvm-undname-19", *of_microsoft).split("\n")
    pairs = dict(zip(lines[::3], lines[1::3], strict=False))
    return {name: pairs.get(name) or said("llvm-cxxfilt-19", name).strip() for name in names}


def class_of(name: str) -> str:
    table = re.search(r"^(?:const )?(.*)::`vftable'|^vtable for (.*)$", name)
    return (table[1] or table[2]) if table else re.sub(r"^.* \*?(\S+?)(\[\d*\])?$", r"\1", name)


def sections(image: str) -> list[tuple[int, int, bool]]:
    text = said("llvm-readobj-19", "--sections", image)
    parts = re.findall(r"VirtualSize: (\w+)\s+VirtualAddress: (\w+)(.*?)Name: ", text + "Name: ", re.S)
    return [(int(size, 16), int(start, 16), "IMAGE_SCN_MEM_EXECUTE" in rest) for size, start, rest in parts]


def of_pdb(build: str) -> list[tuple[int, str]]:
    starts = [start for _, start, _ in sections(f"{build}/classes.exe")]
    text = said("llvm-pdbutil-19", "dump", "--publics", f"{build}/classes.pdb")
    rows = re.findall(r"S_PUB32 .*`(.*)`\s+flags = (.*), addr = (\d+):(\d+)", text)
    return [(starts[int(section) - 1] + int(at), name) for name, flags, section, at in rows if flags == "none"]


def of_image(build: str) -> list[tuple[int, str]]:
    text = said("llvm-readobj-19", "--symbols", "--file-headers", f"{build}/classes.exe")
    starts = [start for _, start, _ in sections(f"{build}/classes.exe")]
    code = [is_code for _, _, is_code in sections(f"{build}/classes.exe")]
    rows = re.findall(r"Name: (\S+)\s+Value: (\d+)\s+Section: \S+ \((\d+)\)", text)
    found = [(starts[int(section) - 1] + int(at), name, int(section)) for name, at, section in rows if int(section) > 0]
    names = [(at, name) for at, name, section in found if not code[section - 1] and not name.startswith(".")]
    # Objects point behind the first two words of a table.
    return [(at + 16 * name.startswith("_ZTV"), name) for at, name in names]


answers = {}
for build in sys.argv[1:]:
    symbols = of_image(build) if build == "dwarf" else of_pdb(build)
    names = shown([name.removeprefix("_") if build == "x86" else name for _, name in symbols])
    places: dict[int, set[str]] = {}
    for at, name in symbols:
        places.setdefault(at, set()).add(class_of(names[name.removeprefix("_") if build == "x86" else name]))
    answers[build] = [[at, " | ".join(sorted(found))] for at, found in sorted(places.items())]
print("{" + ",\n".join(f"{json.dumps(build)}: {json.dumps(found)}" for build, found in answers.items()) + "}")
