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
import time
from collections.abc import Callable, Iterator
from functools import partial
from html import unescape
from itertools import chain
from pathlib import Path

import heapdelta as hd
import speedscope_page
from chromium import NAMES
from viewers import module_of, ranking

DOCUMENT = Path(__file__).parents[2] / "docs" / "export.md"
BEGIN, END = "<!-- viewers: begin -->", "<!-- viewers: end -->"
HELD = "requested_bytes"
Answer = dict[str, int]
Check = tuple[str, str, Callable[[], Answer], Answer]
"""The viewer, what was asked of it, how, and what it is to say."""


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


def loaded(cli: list[str], file: Path, strategy: str, session: str) -> None:
    """Load a file, and choose what is summed up; its daemon may need longer than it waits for it."""
    subprocess.run([*cli, "load", str(file), "--session", session], capture_output=True, check=False)
    chosen = [*cli, "strategy", strategy, "--session", session]
    for _ in range(20):
        if subprocess.run(chosen, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(1)
    output(*chosen)


def firefox(file: Path, strategy: str) -> Answer:
    """What profiler-cli says of each function itself, in bytes."""
    cli = ["profiler-cli"]
    session = "heapdelta"
    try:
        loaded(cli, file, strategy, session)
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


def inferno(file: Path) -> Answer:
    """What each box of inferno's flame graph has itself: as wide as so many bytes, less those that stand on it."""
    drawn = output("inferno-flamegraph", "--countname", "bytes", "--minwidth", "0", file)
    boxes = re.findall(
        r'<title>(.*?) \([\d,]+ bytes.*?</title>.*? y="(\d+)".*?fg:x="(\d+)" fg:w="(\d+)"', drawn, re.DOTALL
    )
    assert len(boxes) == drawn.count("<title>"), "expected every box with its width"
    rows: dict[int, list[tuple[int, int, str]]] = {}
    for name, height, start, width in boxes:
        rows.setdefault(int(height), []).append((int(start), int(width), unescape(name)))
    levels = [sorted(rows[height]) for height in sorted(rows, reverse=True)]
    return summed(own for level, above in zip(levels[1:], [*levels[2:], []], strict=True) for own in _own(level, above))


def inferno_version() -> str:
    """The program does not tell it; cargo does, of what it has installed."""
    listed = Path(shutil.which("inferno-flamegraph") or "").parents[1] / ".crates.toml"
    told = re.search(r"inferno \S+", listed.read_text()) if listed.exists() else None
    return told[0] if told else "inferno"


def _own(level: list[tuple[int, int, str]], above: list[tuple[int, int, str]]) -> Iterator[tuple[str, int]]:
    waiting = list(reversed(above))
    for start, width, name in level:
        own = width
        while waiting and waiting[-1][0] < start + width:
            own -= waiting.pop()[1]
        yield module_of(name), own


def speedscope(release: Path, file: Path, profile: str) -> Answer:
    """What speedscope saves of a profile, by innermost frame; its list shows the largest first."""
    shown, saved = speedscope_page.opened(release, file, picture=file.with_suffix(".png"))
    largest = max(saved["growth"], key=lambda name: saved["growth"][name])
    assert largest in shown, f"expected {largest} in the page's list"
    return summed((module_of(name), number) for name, number in saved[profile].items())


def speedscope_release() -> Path | None:
    """Where npm put speedscope's page."""
    found = shutil.which("speedscope")
    return Path(found).resolve().parents[1] / "dist" / "release" if found else None


def expected(view: hd.Delta | hd.Snapshot, column: str) -> Answer:
    return {module: numbers[0] for module, numbers in ranking(view, column).items()}


def checks(folder: Path) -> Iterator[Check]:
    """Those of pprof, Firefox and heaptrack."""
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


def more_checks(folder: Path) -> Iterator[Check]:
    """Those of speedscope and of folded stacks, and of a series."""
    story = hd.testing.write_investigation(folder / "demo", steps=5)
    logs = [hd.read_log(path) for path in story.paths]
    delta, series = hd.diff(*logs[:2]), hd.series(logs)
    held = [expected(log, HELD) for log in logs]
    if shutil.which("profiler-cli"):
        name = f"Firefox Profiler, profiler-cli {first_line('profiler-cli', '--version')}"
        file = hd.export(series, folder / "week.firefox.json.gz").path
        yield name, "a series: retained memory", lambda: firefox(file, "native-retained-allocations"), held[-1]
    release = speedscope_release()
    if release is not None and any(map(shutil.which, NAMES)):
        version = json.loads((release.parents[1] / "package.json").read_text())["version"]
        pair = hd.export(delta, folder / "all.speedscope.json").path
        week = hd.export(series, folder / "week.speedscope.json").path
        shrunk = {module: -number for module, number in expected(delta, "requested_bytes_shrunk").items()}
        wanted = {
            "growth": expected(delta, "requested_bytes_grown"),
            "shrinkage": shrunk,
            "after": held[1],
            "before": held[0],
        }
        for profile, numbers in wanted.items():
            yield f"speedscope {version}", profile, partial(speedscope, release, pair, profile), numbers
        third = f"log 3, {series.points['taken_at'][2]:%Y-%m-%d %H:%M}"
        yield f"speedscope {version}", "a series: its third log", partial(speedscope, release, week, third), held[2]
    if shutil.which("inferno-flamegraph"):
        name = inferno_version()
        one = hd.export(logs[1], folder / "after.folded").path
        both = hd.export(delta, folder / "all.folded").path
        yield name, "one log", partial(inferno, one), held[1]
        yield name, "two logs: as wide as after", partial(inferno, both), held[1]


def main() -> int:
    folder = Path(sys.argv[1])
    (folder / "demo").mkdir(parents=True, exist_ok=True)
    lines = ['| viewer | asked | modules | total it shows, bytes | `by("module")` |', "|---|---|---|---|---|"]
    wrong = 0
    for name, asked, ask, wanted in chain(checks(folder), more_checks(folder)):
        shown = ask()
        same = sum(shown.get(module) == number for module, number in wanted.items())
        differ = sorted(module for module in shown | wanted if shown.get(module) != wanted.get(module))
        wrong += bool(differ)
        for module in differ:
            print(f"{name}, {asked}: {module}: {shown.get(module)}, expected {wanted.get(module)}", file=sys.stderr)
        total = f"{sum(shown.values()):,}"
        lines.append(f"| {name} | {asked} | {same} of {len(wanted)} equal | {total} | {sum(wanted.values()):,} |")
    for program in ("go", "profiler-cli", "heaptrack_print", "speedscope", "inferno-flamegraph"):
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
