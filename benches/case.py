"""One measurement in a process of its own; prints a JSON object. `run.py` starts it.

Times are wall-clock seconds with the file in the page cache. Memory is what the process shares with nobody
(`Private_Clean` + `Private_Dirty` of /proc/self/smaps_rollup): after the work minus before it, and at its highest.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from memory import PROCESS, private_bytes, status_bytes, warm


def read(path: Path, threads: int | None, *, blocks: bool) -> dict[str, Any]:
    """Time and memory of one `read`."""
    import heapdelta as hd

    warm(path)
    gc.collect()
    before = private_bytes()
    (PROCESS / "clear_refs").write_text("5")  # VmHWM starts again here
    resident = status_bytes("VmRSS")
    start = time.perf_counter()
    snapshot = hd.read(path, threads=threads, blocks=blocks)
    seconds = time.perf_counter() - start
    peak = status_bytes("VmHWM") - resident
    held = private_bytes() - before
    usage = snapshot.usage
    return {
        "seconds": seconds,
        "held_bytes": held,
        "peak_bytes": peak,
        "line_count": snapshot.line_count,
        "block_count": int(usage["allocation_count"].sum()),
        "requested_bytes": int(usage["requested_bytes"].sum()),
        "overhead_bytes": int(usage["overhead_bytes"].sum()),
        "stack_count": len(snapshot.arrow("stacks")),
        "distinct_frame_count": len(snapshot.arrow("frames")),
        "rows": len(snapshot.arrow("allocations")),
    }


def rival(path: Path, name: str) -> dict[str, Any]:
    """Time of another parser, and whether it agrees with ours."""
    from rivals import RIVALS, ours

    warm(path)
    gc.collect()
    start = time.perf_counter()
    answer = RIVALS[name](path)
    return {"seconds": time.perf_counter() - start, "agrees": answer == ours(path)}


def hand_over(path: Path) -> dict[str, Any]:
    """Time and memory of handing `allocations` to polars, and whether two hand-overs show the same memory."""
    import heapdelta as hd
    import polars as pl

    table = hd.read(path).arrow("allocations")
    gc.collect()
    before = private_bytes()
    start = time.perf_counter()
    frame = pl.DataFrame(table)
    seconds = time.perf_counter() - start
    grown = private_bytes() - before
    return {
        "seconds": seconds,
        "grown_bytes": grown,
        "rows": frame.height,
        "frame_bytes": int(frame.estimated_size()),
        "same_memory": _addresses(frame) == _addresses(pl.DataFrame(table)),
        "requested_bytes": int(frame["requested_bytes"].sum()),
    }


def _addresses(frame: Any) -> list[int]:
    """Where the values of the number columns are, chunk by chunk."""
    columns = [column for column in frame.get_columns() if column.dtype.is_integer()]
    return [chunk._s.as_single_ptr() for column in columns for chunk in column.get_chunks()]


def diff(before: Path, after: Path) -> dict[str, Any]:
    """Time of two reads, and of everything from two paths to the ranking per module and per stack."""
    import heapdelta as hd

    warm(before, after)
    gc.collect()
    start = time.perf_counter()
    older, newer = hd.read(before), hd.read(after)
    reads = time.perf_counter() - start
    delta = hd.diff(older, newer)
    modules, stacks = delta.by("module"), delta.by("stack")
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "reads_seconds": reads,
        "requested_bytes_delta": int(modules["requested_bytes_delta"].sum()),
        "stack_requested_bytes_delta": int(stacks["requested_bytes_delta"].sum()),
        "allocation_count_delta": int(stacks["allocation_count_delta"].sum()),
    }


def summary(path: Path) -> dict[str, Any]:
    """Time and highest memory of `heapdelta summary` as a whole process, compiled as an installed package is."""
    command = [Path(sys.executable).with_name("heapdelta"), "summary", path]
    with tempfile.TemporaryDirectory() as compiled:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(2):
            start = time.perf_counter()
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
            seconds = time.perf_counter() - start
    holds = next(line for line in done.stdout.splitlines() if line.startswith("live"))
    return {
        "seconds": seconds,
        "peak_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        "block_count": int(holds.split(" in ")[1].split()[0].replace(",", "")),
    }


def import_time() -> dict[str, Any]:
    """Time of `import heapdelta`."""
    start = time.perf_counter()
    import heapdelta  # noqa: F401

    return {"seconds": time.perf_counter() - start}


def main() -> None:
    import archives
    import datasets
    import dump_heaps
    import dumps
    import trees

    import series

    parser = argparse.ArgumentParser(description=__doc__)
    plain = ["read", "rival", "hand-over", "diff", "import", "summary"]
    dump_cases = dumps.CASES | dump_heaps.CASES
    parser.add_argument(
        "case", choices=[*plain, *dump_cases, *series.CASES, *archives.CASES, *datasets.CASES, *trees.CASES]
    )
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--sums-only", action="store_true")
    parser.add_argument("--rival", choices=["re", "polars"])
    options = parser.parse_args()
    match options.case:
        case "read":
            result = read(options.paths[0], options.threads, blocks=not options.sums_only)
        case "rival":
            result = rival(options.paths[0], options.rival)
        case "hand-over":
            result = hand_over(options.paths[0])
        case "diff":
            result = diff(*options.paths)
        case "import":
            result = import_time()
        case "summary":
            result = summary(options.paths[0])
        case name if name in series.CASES:
            warm(*(path for path in options.paths if path.is_file()))
            result = series.CASES[name](*options.paths)
        case name if name in trees.CASES:
            warm(*options.paths)
            result = trees.CASES[name](*options.paths)
        case name if name in archives.CASES:
            result = archives.CASES[name](options.paths[0])
        case name if name in datasets.CASES:
            warm(*(path for path in options.paths[0].rglob("*") if path.is_file()))
            result = datasets.CASES[name](options.paths[0], options.threads)
        case name:
            warm(options.paths[0])
            result = dump_cases[name](options.paths[0])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
