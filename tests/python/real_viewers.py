"""Files of the demo, read by the real viewers; what they show is compared per module, and written into docs/export.md.

    python tests/python/real_viewers.py FOLDER

A viewer that is not on the path is named and passed over. Nothing is rounded: each is asked for whole bytes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import heapdelta as hd
from viewers import module_of, ranking

DOCUMENT = Path(__file__).parents[2] / "docs" / "export.md"
BEGIN, END = "<!-- viewers: begin -->", "<!-- viewers: end -->"
Answer = dict[str, int]


def output(*command: str | Path) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def first_line(*command: str) -> str:
    return output(*command).splitlines()[0].strip()


def summed(pairs: Iterator[tuple[str, int]]) -> Answer:
    sums: Answer = {}
    for module, number in pairs:
        sums[module] = sums.get(module, 0) + number
    return {module: number for module, number in sums.items() if number}


def pprof(file: Path) -> Answer:
    """What `-top` says of each function itself, in bytes; all of them."""
    shown = output("go", "tool", "pprof", "-top", "-unit=B", "-nodecount=1000000", "-nodefraction=0", file)
    rows = re.findall(r"^ *(-?[\d.]+)B? +\S+ +\S+ +-?[\d.]+B? +\S+ +(.*)$", shown, re.MULTILINE)
    return summed((module_of(name.removesuffix(" (inline)")), int(flat)) for flat, name in rows)


def firefox(file: Path, strategy: str) -> Answer:
    """What profiler-cli says of each function itself, in bytes."""
    cli = ["profiler-cli"]
    session = "heapdelta"
    try:
        output(*cli, "load", file, "--session", session)
        output(*cli, "strategy", strategy, "--session", session)
        shown = json.loads(output(*cli, "thread", "functions", "--limit", "0", "--json", "--session", session))
    finally:
        subprocess.run([*cli, "stop", session], capture_output=True, check=False)
    return summed((module_of(row["name"]), int(row["selfSamples"])) for row in shown["functions"])


def heaptrack(file: Path, *more: str | Path) -> Answer:
    """The leaked bytes of each stack, as heaptrack_print gives them to flame graphs."""
    stacks = file.with_suffix(".stacks")
    output("heaptrack_print", "--flamegraph-cost-type", "leaked", "-F", stacks, file, *more)
    rows = (line.rpartition(" ") for line in stacks.read_text().splitlines())
    return summed((module_of(stack.rstrip(";").split(";")[-1]), int(number)) for stack, _, number in rows)


def expected(view: hd.Delta | hd.Snapshot, column: str) -> Answer:
    return {module: numbers[0] for module, numbers in ranking(view, column).items()}


def checks(folder: Path) -> Iterator[tuple[str, str, Callable[[], Answer], Answer]]:
    """The viewer, what was asked of it, how, and what it is to say."""
    story = hd.testing.write_investigation(folder / "demo")
    before, after = (hd.read_log(path) for path in (story.before, story.after))
    delta = hd.diff(before, after)
    grown = expected(delta, "requested_bytes_delta")
    if shutil.which("go"):
        name = first_line("go", "version").split(" ")[2]
        both, net = (
            hd.export(delta, folder / f"{kind}.pb.gz", changes_only=kind == "net").path for kind in ("all", "net")
        )
        one = hd.export(after, folder / "after.pb.gz").path
        yield f"go tool pprof, {name}", "after less before", lambda: pprof(both), grown
        yield f"go tool pprof, {name}", "`--changes-only`", lambda: pprof(net), grown
        yield f"go tool pprof, {name}", "one log", lambda: pprof(one), expected(after, "requested_bytes")
    if shutil.which("profiler-cli"):
        name = first_line("profiler-cli", "--version")
        file = hd.export(delta, folder / "all.firefox.json.gz").path
        wanted = expected(after, "requested_bytes")
        came = {
            module: number + expected(before, "requested_bytes").get(module, 0)
            for module, number in expected(delta, "requested_bytes_grown").items()
        }
        came = expected(before, "requested_bytes") | came
        yield (
            f"Firefox Profiler, profiler-cli {name}",
            "retained memory",
            lambda: firefox(file, "native-retained-allocations"),
            wanted,
        )
        yield f"Firefox Profiler, profiler-cli {name}", "allocations", lambda: firefox(file, "native-allocations"), came
    if shutil.which("heaptrack_print"):
        name = first_line("heaptrack_print", "--version")
        older, newer = (
            hd.export(log, folder / f"{side}.heaptrack.gz").path for side, log in (("before", before), ("after", after))
        )
        yield name, "one log", lambda: heaptrack(newer), expected(after, "requested_bytes")
        yield name, "`-d before after`", lambda: heaptrack(newer, "-d", older), grown


def main() -> int:
    folder = Path(sys.argv[1])
    (folder / "demo").mkdir(parents=True, exist_ok=True)
    lines = ['| viewer | asked | modules | total it shows, bytes | `by("module")` |', "|---|---|---|---|---|"]
    wrong = 0
    for name, asked, ask, wanted in checks(folder):
        shown = ask()
        same = sum(shown.get(module) == number for module, number in wanted.items())
        differ = sorted(module for module in shown | wanted if shown.get(module) != wanted.get(module))
        wrong += bool(differ)
        for module in differ:
            print(f"{name}, {asked}: {module}: {shown.get(module)}, expected {wanted.get(module)}", file=sys.stderr)
        total = f"{sum(shown.values()):,}"
        lines.append(f"| {name} | {asked} | {same} of {len(wanted)} equal | {total} | {sum(wanted.values()):,} |")
    for program in ("go", "profiler-cli", "heaptrack_print"):
        if not shutil.which(program):
            print(f"test-viewers: {program} is not here, and was not asked", file=sys.stderr)
    print("\n".join(lines))
    if not wrong:
        head, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        table = "\n".join(lines)
        DOCUMENT.write_text(f"{head}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
