"""`make bench-symbols`: names for a million addresses in many modules, beside llvm-symbolizer on some of them.

It needs the Debian packages clang-19, lld-19 and llvm-19, and so is no part of `make bench`. Each figure is the median
of five, each in a process of its own; every address must get a name and a line.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import symbol_program

Result = dict[str, Any]

ADDRESSES, STACKS, DEPTH = 1_000_000, 680_000, 16
"""Distinct addresses of all modules; stacks of the large log, and frames of each."""

ASKED_OF_RIVAL = 20_000
"""Addresses that llvm-symbolizer is asked for: it answers a thousand in a second."""

RUNS = 5


def program(folder: Path) -> tuple[Path, dict[Path, list[int]]]:
    """Modules with their PDBs, and places in each where calls return to, or might."""
    place = folder / "program"
    modules = symbol_program.write(place)
    returns = symbol_program.return_addresses(modules)
    each = -(-ADDRESSES // len(modules))
    places = {}
    for module in modules:
        own = sorted(returns[module.name])
        # The bytes behind them are in the same functions, too.
        spread = {place + step for step in range(each // len(own) + 1) for place in own}
        places[module] = sorted(spread)[:each]
    return place, places


def write_log(path: Path, places: dict[Path, list[int]], stacks: int | None = None) -> Path:
    """Write a log with all places, each in one stack, or with many stacks of them; nothing if it is there."""
    if path.exists():
        return path
    size = 0x100_0000
    bases = {module: symbol_program.BASE + index * size for index, module in enumerate(places)}
    lines = ["// UMDH: version 10.0.19041.685: Logtime 2024-03-11 09:00 - Machine=A - PID=1", "// Loaded modules:"]
    lines.append("//     Base Size Module")
    lines += [rf"//   {base:X} {size:X} C:\bench\{module.name}" for module, base in bases.items()]
    lines.append("//")
    for module in places:
        name, identity = module.with_suffix(".pdb").name, _identity(module)
        lines += [f"DBGHELP: {module.stem} - private symbols & lines", rf"         d:\s\{name}\{identity}\{name}"]
    lines += ["", "*- - - - - - - - - - Heap 2E60000 Hogs - - - - - - - - - -", ""]
    addresses = [bases[module] + place for module, own in places.items() for place in own]
    # A step that has no divisor in common with their number meets all of them.
    mixed = [addresses[at * 7919 % len(addresses)] for at in range(len(addresses))]
    turn, count = cycle(mixed), stacks or -(-len(mixed) // DEPTH)
    for number in range(count):
        lines.append(f"40 bytes + 18 at {0x3000000 + 0x100 * number:X} by BackTrace{number + 1:X}")
        lines += [f"\t{address:X}" for address in islice(turn, DEPTH)]
        lines.append("")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def _identity(module: Path) -> str:
    """The GUID and age in the image."""
    image = module.read_bytes()
    at = image.index(b"RSDS") + 4
    guid = image[at : at + 16]
    digits = guid[3::-1] + guid[5:3:-1] + guid[7:5:-1] + guid[8:]
    return f"{digits.hex().upper()}{int.from_bytes(image[at + 16 : at + 20], 'little'):X}"


def named(log: Path, store: Path) -> Result:
    """Read a log; name its addresses; and those of the log once more, of what is open."""
    import heapdelta as hd

    start = time.perf_counter()
    found = hd.read_log(log, blocks=False)
    read = time.perf_counter()
    symbols = hd.symbols(store)
    first = found.with_symbols(symbols)
    once = time.perf_counter()
    found.with_symbols(symbols)
    twice = time.perf_counter()
    return {
        "seconds": once - read,
        "read_seconds": read - start,
        "again_seconds": twice - once,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "named": int(first.symbols["named_count"].sum()),
        "with_lines": first.frames.height - int(first.frames["source_line"].null_count()),
        "addresses": first.frames.height,
    }


def llvm(places: dict[Path, list[int]]) -> Result:
    """Time of llvm-symbolizer on some of the modules, all of their places."""
    asked, start = 0, time.perf_counter()
    each = ASKED_OF_RIVAL // 4
    for index, (module, own) in enumerate(places.items()):
        if asked >= ASKED_OF_RIVAL:
            break
        base = symbol_program.BASE + index * symbol_program.STRIDE
        given = "".join(f"{base + place - 1:#x}\n" for place in own[:: len(own) // each])
        command = ["llvm-symbolizer-19", f"--obj={module}", "--output-style=GNU"]
        subprocess.run(command, input=given, stdout=subprocess.DEVNULL, text=True, check=True)
        asked += given.count("\n")
    return {"seconds": time.perf_counter() - start, "addresses": asked}


def main() -> None:
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        print(json.dumps(named(folder / sys.argv[2], folder / "program")))
        return
    folder.mkdir(parents=True, exist_ok=True)
    _, places = program(folder)
    logs = {
        "one.txt": write_log(folder / "one.txt", places),
        "large.txt": write_log(folder / "large.txt", places, STACKS),
    }
    for log in logs:
        runs = []
        for _ in range(RUNS):
            done = subprocess.run(
                [sys.executable, __file__, str(folder), log], check=True, capture_output=True, text=True
            )
            runs.append(json.loads(done.stdout))
        found = {name: median(run[name] for run in runs) for name in runs[0]}
        assert found["named"] == found["with_lines"] == found["addresses"], found
        rate = found["addresses"] / found["seconds"]
        print(f"{log}: read {found['read_seconds']:.2f} s; {found['addresses']:,} addresses named in")
        print(f"  {found['seconds']:.2f} s ({rate:,.0f} /s), once more in {found['again_seconds']:.2f} s;")
        print(f"  highest memory of the process {found['peak_bytes'] / 1e6:,.0f} MB")
    rival = llvm(places)
    other = rival["addresses"] / rival["seconds"]
    print(f"llvm-symbolizer: {rival['addresses']:,} addresses in {rival['seconds']:.1f} s ({other:,.0f} /s)")


if __name__ == "__main__":
    main()
