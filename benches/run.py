"""`make bench`: writes the reference logs, measures everything in one run, and writes the table of the README.

Every case runs five times, each in a process of its own, the cases in turn, so that a slow minute of the machine
touches all of them; the table shows medians. Every figure is checked against the known totals of its log before it
counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import archives
import datasets
from bench import Bench, check
from memory import warm
from reference import (
    DUMPS,
    FIELD_BYTES,
    KINDS,
    SEED,
    SMALL_LOGS,
    Log,
    dump,
    heaps_dump,
    log,
    part,
    small_logs,
    tree_logs,
)
from report import write_report
from report_trees import tree_rows
from run_trees import measure_trees, tree_cases

import series


def ceiling(bench: Bench, program: Path, target: Log) -> None:
    """Newline positions by memchr over a map of the file."""
    warm(target.path)
    done = subprocess.run([program, target.path], check=True, capture_output=True, text=True)
    seconds, count, _ = done.stdout.split()
    check(f"{target.path.name}: newlines", int(count), target.answer["line_count"])
    bench.results[f"ceiling {target.path.stem.split('-')[0]}"].append({"seconds": float(seconds)})
    print(f"  ceiling: {float(seconds):.3f} s", flush=True)


def reads(bench: Bench, kind: str, target: Log, names: Sequence[str] = ("1", "all", "sums")) -> None:
    """Our reader: one thread, all threads, sums only."""
    fields = ["line_count", "block_count", "requested_bytes", "overhead_bytes", "stack_count", "distinct_frame_count"]
    variants = {"1": ["--threads", "1"], "all": [], "sums": ["--sums-only"]}
    for name in names:
        result = bench.add(f"read {kind} {name}", "read", str(target.path), *variants[name])
        for field in fields:
            check(f"{kind}, {name}: {field}", result[field], target.answer[field])
        check(f"{kind}, {name}: rows", result["rows"], 0 if name == "sums" else target.answer["block_count"])


def diffs(bench: Bench, kind: str, before: Log, after: Log) -> None:
    """Two logs to a ranking."""
    result = bench.add(f"diff {kind}", "diff", str(before.path), str(after.path))
    grown = after.answer["grown_requested_bytes"]
    check(f"{kind}: growth by module", result["requested_bytes_delta"], grown)
    check(f"{kind}: growth by stack", result["stack_requested_bytes_delta"], grown)
    check(f"{kind}: blocks", result["allocation_count_delta"], after.answer["grown_block_count"])


def survivals(bench: Bench, kind: str, logs: list[Log]) -> None:
    """Logs of one process to what became of their blocks."""
    result = bench.add(f"survival {kind}", "survival", *(str(log.path) for log in logs))
    for field in ("block_count", "requested_bytes", "born_block_count", "born_requested_bytes", "died_block_count"):
        check(f"{kind}, survival: {field}", result[field], sum(log.answer[field] for log in logs))


def many(bench: Bench, folder: Path, logs: list[Log]) -> None:
    """A folder of logs to their sums, and snapshots of many stacks to a verdict on each."""
    result = bench.add("read-many", "read-many", str(folder))
    for field in ("byte_count", "block_count", "requested_bytes"):
        check(f"read_many: {field}", result[field], sum(log.answer[field] for log in logs))
    result = bench.add("growth", "growth")
    check("growth: rows", result["rows"], series.STACKS)
    check("growth: bytes of the last snapshot", result["last_bytes"], 0)
    check("growth: leaks", result["steep_leaks"], series.STACKS // series.LEAKING)


def small(bench: Bench, folder: Path) -> None:
    """Thousands of small logs to their sums."""
    result = bench.add("read-many small", "read-many", str(folder))
    check("small logs: blocks", result["block_count"], 2 * SMALL_LOGS)
    check("small logs: bytes", result["requested_bytes"], 128 * SMALL_LOGS)


def summary(bench: Bench, target: Log) -> None:
    """The command line on a log of the size and shape that one from the field had."""
    result = bench.add("summary field", "summary", str(target.path))
    check("summary: blocks", result["block_count"], target.answer["block_count"])


def archive_cases(bench: Bench, target: Log, program: Path) -> None:
    """A zipped log: to its sums, and inflated alone, by the library that we take and by Python."""
    path = archives.zipped(target.path)
    warm(path)
    done = subprocess.run([program, path], check=True, capture_output=True, text=True)
    seconds, byte_count, lines = done.stdout.split()
    check("inflated bytes", int(byte_count), target.size)
    check("inflated lines", int(lines), target.answer["line_count"])
    bench.results["zip ceiling"].append({"seconds": float(seconds)})
    print(f"  zip ceiling: {float(seconds):.3f} s", flush=True)
    result = bench.add("zip read", "zip-read", str(path))
    for field in ("line_count", "requested_bytes"):
        check(f"zipped log: {field}", result[field], target.answer[field])
    check(
        "lines by Python", bench.add("zip python", "zip-python", str(path))["line_count"], target.answer["line_count"]
    )


def dataset_cases(bench: Bench, uploads: Path, tiny: Path) -> None:
    """A tree of zipped logs: read alone and into a dataset, on one thread and two; what is asked of it; tiny logs."""
    text = datasets.text_bytes(uploads)
    logs = 2 * len(list(uploads.iterdir()))
    for threads in ("1", "2"):
        for name in ("read", "ingest"):
            result = bench.add(f"dataset {name} {threads}", f"dataset-{name}", str(uploads), "--threads", threads)
            check(f"dataset, {name}: bytes of text", result["byte_count"], text)
            check(f"dataset, {name}: logs", result["log_count"], logs)
            result["text"] = text
    result = bench.add("dataset again", "dataset-again", str(uploads), "--threads", "2")
    check("dataset, again: logs", (result["log_count"], result["new_files"]), (logs, 0))
    # A zip and two logs in it.
    result["files"], result["zips"] = logs // 2 * 3, logs // 2
    check("dataset, rank: cases", bench.add("dataset rank", "dataset-rank", str(uploads))["rows"], logs // 2)
    bench.add("dataset similar", "dataset-similar", str(uploads))
    result = bench.add("dataset dask", "dataset-dask", str(uploads), "--threads", "2")
    check("dataset, Dask: logs", result["log_count"], logs)
    result = bench.add("dataset tiny", "dataset-ingest", str(tiny), "--threads", "2")
    check("dataset, tiny logs", (result["log_count"], result["failures"]), (datasets.TINY, 0))


def dump_cases(bench: Bench, kind: str, target: Log, program: Path) -> None:
    """A dump: every table; listing and reading, by us and by others; reads by address, from Python and from Rust."""
    listed = ["module_count", "region_count", "committed_bytes"]
    tables = [*listed, "range_count", "handle_count", "thread_count", "memory_bytes", "image_bytes"]
    contents = ["memory_bytes", "end_words"]
    for name, fields in {
        "read": tables,
        "skelsec": listed,
        "udmp": listed,
        "read-memory": contents,
        "skelsec-memory": contents,
        "udmp-memory": contents,
        "bytes-at": ["end_words"],
    }.items():
        result = bench.add(f"{name} {kind}", f"dump-{name}", str(target.path))
        for field in fields:
            check(f"{kind}, {name}: {field}", result[field], target.answer[field])
        check(f"{kind}, {name}: issues", result.get("issue_count", 0), 0)
    done = subprocess.run([program, target.path], check=True, capture_output=True, text=True)
    each, words, seconds, byte_count = done.stdout.split()
    check(f"{kind}, Rust: end_words", int(words), target.answer["end_words"])
    check(f"{kind}, Rust: memory_bytes", int(byte_count), target.answer["memory_bytes"])
    bench.results[f"rust {kind}"].append({"seconds": float(each), "all_seconds": float(seconds)})
    print(f"  rust {kind}: {float(each) * 1e9:.0f} ns", flush=True)


def heap_cases(bench: Bench, target: Log) -> None:
    """The heaps of a dump: walked on one core and on two, ranked, drawn; and the dump without a word about them."""
    for name, fields in {
        "one-core": ["heap_count", "busy_count", "busy_bytes"],
        "two-cores": ["heap_count", "busy_count", "busy_bytes"],
        "unasked": ["memory_bytes"],
        "ranking": ["busy_count"],
        "map": [],
    }.items():
        result = bench.add(f"heaps {name}", f"heaps-{name}", str(target.path))
        for field in fields:
            check(f"heaps of a dump, {name}: {field}", result[field], target.answer[field])


def measure(bench: Bench, options: argparse.Namespace, folder: Path) -> dict[str, Log]:
    """All cases, in turn; gives the logs and the dumps."""
    logs = {kind: log(folder, kind, options.size) for kind in KINDS}
    grown = {kind: log(folder, kind, options.size, grown=True) for kind in KINDS}
    slices = {kind: part(logs[kind], folder, options.slice) for kind in KINDS}
    dumps = {kind: dump(folder, kind, options.dump_share) for kind in DUMPS}
    with_heaps = heaps_dump(folder, options.dump_share)
    steps = [logs["blocks"], *(log(folder, "blocks", options.size, step=step) for step in range(1, 5))]
    folder_of_many = folder / f"many-{options.size // 50}"
    folder_of_many.mkdir(exist_ok=True)
    heaps, field = log(folder, "heaps", options.size), log(folder, "field", FIELD_BYTES)
    small_folder = small_logs(folder)
    uploads, tiny = datasets.tree(folder), small_logs(folder, datasets.TINY)
    tree_before, tree_after = tree_logs(folder)
    many_logs = [log(folder_of_many, "blocks", options.size // 50, seed=SEED + place) for place in range(100)]
    for run in range(options.runs):
        print(f"run {run + 1} of {options.runs}", flush=True)
        bench.add("import", "import")
        for kind in KINDS:
            ceiling(bench, options.ceiling, logs[kind])
            reads(bench, kind, logs[kind])
            for rival in ("re", "polars"):
                result = bench.add(f"{rival} {kind}", "rival", str(slices[kind]), "--rival", rival)
                check(f"{rival} on {kind} agrees with us", result["agrees"], True)
                result["size"] = slices[kind].stat().st_size
            diffs(bench, kind, logs[kind], grown[kind])
        survivals(bench, "blocks", steps)
        reads(bench, "heaps", heaps, ("1", "all"))
        many(bench, folder_of_many, many_logs)
        small(bench, small_folder)
        summary(bench, field)
        archive_cases(bench, logs["blocks"], options.inflate)
        dataset_cases(bench, uploads, tiny)
        tree_cases(bench, tree_before, tree_after)
        result = bench.add("hand-over", "hand-over", str(logs["blocks"].path))
        check("hand-over: bytes", result["requested_bytes"], logs["blocks"].answer["requested_bytes"])
        for kind in DUMPS:
            dump_cases(bench, kind, dumps[kind], options.dump_memory)
        heap_cases(bench, with_heaps)
    return logs | dumps | {"heaps": heaps, "field": field, "tree": tree_after, "dump heaps": with_heaps}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ceiling", type=Path, required=True, help="the built example newline_ceiling")
    parser.add_argument("--inflate", type=Path, required=True, help="the built example inflate_ceiling")
    parser.add_argument("--dump-memory", type=Path, required=True, help="the built example dump_memory")
    parser.add_argument("--dump-share", type=float, default=1.0, help="share of the dumps' memory to write")
    parser.add_argument("--size", type=int, default=1_000_000_000, help="bytes of each log")
    parser.add_argument("--slice", type=int, default=100_000_000, help="bytes of a log that the other parsers read")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the logs are kept; without it they are deleted at the end")
    parser.add_argument("--trees", action="store_true", help="measure trees, reports and exports, and print their rows")
    parser.add_argument("--print", action="store_true", help="print the table and leave benches/README.md as it is")
    options = parser.parse_args()
    if not Path("/proc/self/smaps_rollup").exists():
        raise SystemExit("expected Linux, whose /proc tells the memory of a process, found none of it")
    os.environ.pop("POLARS_MAX_THREADS", None)
    bench = Bench(options.runs)
    with tempfile.TemporaryDirectory(prefix="heapdelta-bench-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if options.trees:
            after = measure_trees(bench, folder)
            print("\n".join(tree_rows(bench.medians(), after)))
            return
        logs = measure(bench, options, folder)
        write_report(bench.medians(), logs, options)


if __name__ == "__main__":
    main()
