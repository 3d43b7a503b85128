"""The table of benches/README.md from the medians of a run."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reference import DUMPS, KINDS, Log
from report_archives import archive_rows
from report_datasets import dataset_rows
from report_dumps import dump_rows, heap_rows
from report_series import many_rows, series_rows
from report_trees import tree_rows
from rows import at_least, at_most, row

Result = dict[str, Any]

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
HELD_GOALS = {"blocks": 0.65, "mixed": 0.45}
# What `mixed` holds then are its stacks; the README says why there is no goal for them.
SUMS_GOALS = {"blocks": 0.1}


def write_report(medians: Mapping[str, Result], logs: Mapping[str, Log], options: argparse.Namespace) -> None:
    """Put the table between the markers, or print it."""
    table = "\n".join([*_heading(logs, options), "", *_table(medians, logs)])
    if options.print:
        print(table)
        return
    text = README.read_text()
    head, rest = text.split(BEGIN)
    README.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}")
    print(f"wrote {README}")


def _heading(logs: Mapping[str, Log], options: argparse.Namespace) -> Iterator[str]:
    model = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    cores = len(os.sched_getaffinity(0))
    yield f"Measured on {time.strftime('%Y-%m-%d')}: {cores} cores of {model[0] if model else platform.machine()},"
    yield f"{memory:.0f} GiB of memory, {platform.system()}, Python {platform.python_version()}; `make bench`,"
    sizes = ", ".join(
        f"`{kind}` {logs[kind].size / 1e6:,.0f} MB with {logs[kind].answer['block_count']:,} blocks and "
        f"{logs[kind].answer['stack_count']:,} stacks"
        for kind in (*KINDS, "heaps", "field")
    )
    yield f"medians of {options.runs}. Logs: {sizes}."
    sizes = ", ".join(
        f"`{kind}` {logs[kind].size / 1e6:,.0f} MB with {logs[kind].answer['range_count']:,} ranges, "
        f"{logs[kind].answer['region_count']:,} regions, {logs[kind].answer['module_count']:,} modules and "
        f"{logs[kind].answer['handle_count']:,} handles"
        for kind in DUMPS
    )
    yield f"Dumps: {sizes}."


def _table(medians: Mapping[str, Result], logs: Mapping[str, Log]) -> Iterator[str]:
    yield "| what | log | figure | goal | measured |"
    yield "|---|---|---|---|---|"
    for kind in KINDS:
        yield from _speed_rows(medians, kind, logs[kind].size)
    one, every = medians["read heaps 1"]["seconds"], medians["read heaps all"]["seconds"]
    figure = f"{logs['heaps'].size / every / 1e6:,.0f} MB/s"
    yield row("`read`, all threads; times one thread", "heaps", figure, *at_least(one / every, 1.6))
    for kind in KINDS:
        yield from _memory_rows(medians, kind, logs[kind].size)
    yield from _other_rows(medians)
    yield from many_rows(medians, "blocks", logs["blocks"].size)
    yield from series_rows(medians, "blocks")
    yield from archive_rows(medians, "blocks", logs["blocks"].size)
    yield from dataset_rows(medians)
    yield from tree_rows(medians, logs["tree"])
    for kind in DUMPS:
        yield from dump_rows(medians, kind, logs[kind].answer["memory_bytes"])
    yield from heap_rows(medians, logs["dump heaps"].size)


def _speed_rows(medians: Mapping[str, Result], kind: str, size: int) -> Iterator[str]:
    def rate(name: str, size: int = size) -> float:
        return size / medians[f"{name}"]["seconds"] / 1e6

    top, one, every = rate(f"ceiling {kind}"), rate(f"read {kind} 1"), rate(f"read {kind} all")
    yield row("newline positions by memchr over the map: the ceiling", kind, f"{top:,.0f} MB/s")
    yield row("`read`, one thread; share of the ceiling", kind, f"{one:,.0f} MB/s", *at_least(one / top, 0.28))
    yield row("`read`, all threads; times one thread", kind, f"{every:,.0f} MB/s", *at_least(every / one, 1.7))
    python = rate(f"re {kind}", medians[f"re {kind}"]["size"])
    yield row(
        "Python `re`, line by line; `read` on one thread is … times as fast",
        kind,
        f"{python:,.1f} MB/s",
        *at_least(one / python, 30),
    )
    polars = rate(f"polars {kind}", medians[f"polars {kind}"]["size"])
    yield row(
        "polars expressions, all threads; `read` on all threads is … times as fast",
        kind,
        f"{polars:,.1f} MB/s",
        "",
        f"{every / polars:.3g}",
    )


def _memory_rows(medians: Mapping[str, Result], kind: str, size: int) -> Iterator[str]:
    for name, words, goals in (("all", "`read`", HELD_GOALS), ("sums", "`read(blocks=False)`", SUMS_GOALS)):
        result = medians[f"read {kind} {name}"]
        held, peak = result["held_bytes"], result["peak_bytes"]
        yield row(
            f"unshared memory after {words}, share of the file",
            kind,
            f"{held / 1e6:,.0f} MB",
            *(at_most(held / size, goals[kind]) if kind in goals else ("", f"{held / size:.3g}")),
        )
        yield row(
            f"highest memory during {words}, share of the file", kind, f"{peak / 1e6:,.0f} MB", "", f"{peak / size:.3g}"
        )


def _other_rows(medians: Mapping[str, Result]) -> Iterator[str]:
    for kind in KINDS:
        result = medians[f"diff {kind}"]
        yield row(
            "two paths to the rankings per module and per stack; times the two reads",
            kind,
            f"{result['seconds']:.2f} s",
            *at_most(result["seconds"] / result["reads_seconds"], 1.3),
        )
    over = medians["hand-over"]
    copied = over["grown_bytes"] / over["frame_bytes"]
    same = "same memory" if over["same_memory"] else "copied (missed)"
    yield row(
        f"`allocations` to polars, {over['rows']:,.0f} rows of {over['frame_bytes'] / 1e6:,.0f} MB",
        "blocks",
        f"{over['seconds'] * 1e3:.2f} ms",
        "no copy",
        f"{same}; memory grew by {copied:.2%}",
    )
    whole = medians["summary field"]
    words = "`heapdelta summary`, the whole process"
    yield row(f"{words}, seconds", "field", f"{whole['seconds']:.2f} s", *at_most(whole["seconds"], 0.8))
    peak = whole["peak_bytes"] / 1e6
    yield row(f"{words}: highest memory, MB", "field", f"{peak:,.0f} MB", *at_most(peak, 200))
    seconds = medians["import"]["seconds"]
    yield row("`import heapdelta`, seconds", "", f"{seconds:.3f} s", *at_most(seconds, 0.3))
