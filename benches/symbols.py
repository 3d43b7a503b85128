"""`make bench-symbols`: names for a million addresses in many modules, beside llvm-symbolizer on some of them.

It needs the Debian packages clang-19, lld-19 and llvm-19, and so is no part of `make bench`; it prints the rows of the
table. Each figure is the median of five, each in a process of its own; every address must get a name and a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import symbol_program
from memory import status_bytes
from rows import at_least, at_most, row

Result = dict[str, Any]

ADDRESSES, STACKS, DEPTH = 1_000_000, 680_000, 16
"""Distinct addresses of all modules; stacks of the large log, and frames of each."""

ASKED_OF_RIVAL, MODULES_OF_RIVAL = 20_000, 4
"""Addresses that llvm-symbolizer is asked for, and the modules that they are in."""

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
    once, peak = time.perf_counter(), status_bytes("VmHWM")
    found.with_symbols(symbols)
    twice = time.perf_counter()
    return {
        "seconds": once - read,
        "read_seconds": read - start,
        "again_seconds": twice - once,
        "peak_bytes": peak,
        "peak_of_both_bytes": status_bytes("VmHWM"),
        "named": int(first.symbols["named_count"].sum()),
        "with_lines": first.frames.height - int(first.frames["source_line"].null_count()),
        "addresses": first.frames.height,
    }


def some(places: dict[Path, list[int]]) -> dict[Path, list[int]]:
    """The places that llvm-symbolizer is asked for: all over some of the modules."""
    each = ASKED_OF_RIVAL // MODULES_OF_RIVAL
    return {module: own[:: len(own) // each] for module, own in islice(places.items(), MODULES_OF_RIVAL)}


def llvm(places: dict[Path, list[int]]) -> Result:
    """Time of llvm-symbolizer on places in some modules."""
    start = time.perf_counter()
    for index, (module, own) in enumerate(places.items()):
        base = symbol_program.BASE + index * symbol_program.STRIDE
        given = "".join(f"{base + place - 1:#x}\n" for place in own)
        command = ["llvm-symbolizer-19", f"--obj={module}", "--output-style=GNU"]
        subprocess.run(command, input=given, stdout=subprocess.DEVNULL, text=True, check=True)
    return {"seconds": time.perf_counter() - start, "addresses": sum(map(len, places.values()))}


def measured(folder: Path, log: str) -> Result:
    """Medians of a log, each time in a process of its own."""
    runs = []
    for _ in range(RUNS):
        command = [sys.executable, __file__, str(folder), log]
        runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    found = {name: median(run[name] for run in runs) for name in runs[0]}
    assert found["named"] == found["with_lines"] == found["addresses"], found
    return found


def rows(one: Result, large: Result, few: Result, rival: Result) -> Iterator[str]:
    kind = "90 modules"
    rate = one["addresses"] / one["seconds"]
    yield row(
        f"names, files and lines of {one['addresses']:,} addresses; millions of them in a second",
        kind,
        f"{rate:,.0f} /s",
        *at_least(rate / 1e6, 1),
    )
    again = one["again_seconds"]
    yield row(
        "the same once more, of what is open; times the first",
        kind,
        f"{again:.2f} s",
        *at_most(again / one["seconds"], 0.5),
    )
    peak, both = one["peak_bytes"] / 1e6, one["peak_of_both_bytes"] / 1e6
    yield row("highest memory of the process with the log, MB", kind, f"{peak:,.0f} MB", *at_most(peak, 500))
    yield row("the same with both answers, MB", kind, f"{both:,.0f} MB")
    whole = large["read_seconds"] + large["seconds"]
    times = (whole - one["seconds"]) / large["read_seconds"]
    yield row(
        f"a log of {STACKS:,} stacks of them, read and named; times its read, less the time of the names above",
        kind,
        f"{whole:.2f} s",
        *at_most(times, 1.5),
    )
    other = rival["addresses"] / rival["seconds"]
    yield row(
        f"`llvm-symbolizer` on {rival['addresses']:,} of the addresses; `with_symbols` on the same is … times as fast",
        f"{MODULES_OF_RIVAL} modules",
        f"{other:,.0f} /s",
        "",
        f"{rival['seconds'] / few['seconds']:.3g}",
    )


def main() -> None:
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        print(json.dumps(named(folder / sys.argv[2], folder / "program")))
        return
    folder.mkdir(parents=True, exist_ok=True)
    _, places = program(folder)
    asked = some(places)
    write_log(folder / "one.txt", places)
    write_log(folder / "large.txt", places, STACKS)
    write_log(folder / "few.txt", asked)
    one, large, few = (measured(folder, f"{name}.txt") for name in ("one", "large", "few"))
    rival = {name: median(values) for name, values in merged(llvm(asked) for _ in range(RUNS)).items()}
    print("\n".join(rows(one, large, few, rival)))


def merged(results: Iterable[Result]) -> dict[str, list[Any]]:
    runs = list(results)
    return {name: [run[name] for run in runs] for name in runs[0]}


if __name__ == "__main__":
    main()
