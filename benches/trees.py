"""The cases of call trees, reports and exports, and pages of other tools. `case.py` runs one of them.

Paths are those of the two logs that `tree_logs` writes; files are made beside them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from shutil import which
from types import SimpleNamespace
from typing import Any

Result = dict[str, Any]

_TESTS = Path(__file__).parents[1] / "tests/python"
SUMS = [f"requested_bytes_{part}" for part in ("before", "after", "grown", "shrunk")]


def _delta(before: Path, after: Path) -> Any:
    import heapdelta as hd

    return hd.diff(hd.read(before), hd.read(after))


def _timed(act: Callable[[], Any]) -> tuple[Result, Any]:
    """Seconds, those of all processors and programs together, and what comes out."""
    start, busy = time.perf_counter(), sum(os.times()[:4])
    answer = act()
    return {"seconds": time.perf_counter() - start, "busy_seconds": sum(os.times()[:4]) - busy}, answer


def tree(before: Path, after: Path) -> Result:
    """The tree of a difference, outward; its root and its modules against the ranking."""
    import polars as pl

    delta = _delta(before, after)
    result, tree = _timed(delta.tree)
    sums = [*SUMS, "requested_bytes_delta"]
    ranking = delta.by("module").select("module", *sums).sort("module")
    level = tree.filter(pl.col("depth") == 1).select("module", *sums).sort("module")
    root = tree.row(0, named=True)
    return (
        result
        | {name: root[name] for name in SUMS}
        | {"rows": tree.height, "stack_count": root["stack_count"], "agrees": level.equals(ranking)}
    )


def report(before: Path, after: Path) -> Result:
    """The report, as a file."""
    import heapdelta as hd

    delta, page = _delta(before, after), after.with_name("report.html")
    result, _ = _timed(lambda: hd.report(delta, page))
    return result | {"size": page.stat().st_size}


def _export(before: Path, after: Path, name: str) -> Result:
    """An export, read back: bytes before and after of each module against the ranking."""
    import heapdelta as hd

    sys.path.insert(0, str(_TESTS))
    import viewers

    delta, path = _delta(before, after), after.with_name(name)
    result, written = _timed(lambda: hd.export(delta, path))
    if written.format == "pprof":
        rows = viewers.pprof(path).rows
        sides = [_by_module(row for row in rows if ("pprof::base" in row.labels) == base) for base in (True, False)]
        # What was before is negative there.
        sides[0] = {module: -size for module, size in sides[0].items()}
    else:
        sides = [_by_module(side) for side in viewers.firefox(path).held]
    ranking = delta.by("module").select("module", "requested_bytes_before", "requested_bytes_after")
    told = [{row[0]: row[place] for row in ranking.iter_rows()} for place in (1, 2)]
    return result | {"size": path.stat().st_size, "agrees": sides == told}


def _by_module(rows: Iterable[Any]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        module = row.frames[0].partition("+")[0]
        sums[module] = sums.get(module, 0) + row.numbers[0]
    return sums


def memray(path: Path) -> Result:
    """The flame graph of memray, of the stacks of one log: its reporter takes whatever looks like its records."""
    import heapdelta as hd
    from memray import FileFormat, Metadata
    from memray.reporters.flamegraph import FlameGraphReporter

    log = hd.read(path)
    frames = [(text, module, 0) for text, module in log.frames.select("text", "module").iter_rows()]
    page = path.with_name("memray.html")

    def records() -> Iterator[SimpleNamespace]:
        stacks = log.stacks["frame_ids"].gather(log.usage["stack_id"])
        sums = log.usage["requested_bytes"], log.usage["allocation_count"]
        for stack, size, count in zip(stacks, *sums, strict=True):
            way = [frames[number] for number in stack]
            yield SimpleNamespace(
                tid=1, thread_name="", size=size, n_allocations=count, stack_trace=lambda way=way: way
            )

    def write() -> int:
        reporter = FlameGraphReporter.from_snapshot(
            records(), memory_records=[], native_traces=False, confidential_files="all"
        )
        now = datetime.now()
        about = Metadata(now, now, 0, 0, 0, str(path), 704, 1, "", False, False, FileFormat.ALL_ALLOCATIONS)
        with page.open("w") as file:
            reporter.render(file, about, show_memory_leaks=True, merge_threads=True, inverted=False, no_web=True)
        return reporter.data["nodes"]["value"][0]

    result, held = _timed(write)
    return result | {"size": page.stat().st_size, "requested_bytes_after": held}


def heaptrack(path: Path) -> Result:
    """The flame graph of heaptrack, of our export of one log: stacks by `heaptrack_print`, drawn by inferno."""
    import heapdelta as hd

    capture, folded, page = (path.with_name(name) for name in ("log.heaptrack", "heaptrack.folded", "heaptrack.svg"))
    hd.export(hd.read(path), capture)

    def write() -> None:
        command = ["heaptrack_print", "-f", capture, "-F", folded, "--flamegraph-cost-type", "leaked"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with page.open("wb") as file:
            subprocess.run([inferno(), "--countname", "bytes", folded], check=True, stdout=file)

    result, _ = _timed(write)
    held = sum(int(line.rsplit(" ", 1)[1]) for line in folded.read_text().splitlines())
    return result | {"size": page.stat().st_size, "requested_bytes_after": held}


def inferno() -> str | None:
    """Where inferno is."""
    return which("inferno-flamegraph")


def lacking(name: str) -> str | None:
    """What there is not of what a rival needs."""
    if name == "heaptrack":
        if not which("heaptrack_print"):
            return "heaptrack_print (Debian's heaptrack)"
        return None if inferno() else "inferno-flamegraph (cargo install inferno)"
    try:
        import memray  # noqa: F401
    except ImportError:
        return "memray (PyPI)"
    return None


CASES = {
    "tree": tree,
    "report": report,
    "export-pprof": lambda *logs: _export(*logs, "case.pb.gz"),
    "export-firefox": lambda *logs: _export(*logs, "case.firefox.json"),
    "page-of-memray": memray,
    "page-of-heaptrack": heaptrack,
}
