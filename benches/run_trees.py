"""The cases of trees, reports and exports, and pages of other tools beside ours."""

from __future__ import annotations

from pathlib import Path

import pages
import trees
from bench import Bench, check
from reference import Log, tree_logs


def tree_cases(bench: Bench, before: Path, after: Log) -> None:
    """Two logs of a program with a call graph: their tree, report and exports, and pages of other tools beside ours."""
    logs = [str(before), str(after.path)]
    result = bench.add("tree", "tree", *logs)
    for field in ("stack_count", *trees.SUMS):
        check(f"tree: {field}", result[field], after.answer[field])
    check("tree: modules", result["agrees"], True)
    for name in ("export-pprof", "export-firefox"):
        check(f"{name}: modules", bench.add(name, name, *logs)["agrees"], True)
    bench.add("report", "report", *logs)
    for name in ("memray", "heaptrack"):
        if lacks := trees.lacking(name):
            print(f"  page of {name}: NOT MEASURED, there is no {lacks}", flush=True)
            continue
        result = bench.add(f"page of {name}", f"page-of-{name}", logs[1])
        check(f"page of {name}: bytes", result["requested_bytes_after"], after.answer["requested_bytes_after"])
    open_pages(bench, after)


def open_pages(bench: Bench, after: Log) -> None:
    """Our report and the pages of other tools, each in a browser of its own."""
    if not pages.browser():
        print("  pages: NOT MEASURED, there is no Chromium (make browser)", flush=True)
        return
    for kind, name in {"report": "report.html", "memray": "memray.html", "heaptrack": "heaptrack.svg"}.items():
        path = after.path.with_name(name)
        if not path.exists():
            continue
        result = pages.page(kind, path)
        if kind == "report":
            change = after.answer["requested_bytes_after"] - after.answer["requested_bytes_before"]
            check("report: growth in the page", f"({change:+,} bytes)" in result.pop("told"), True)
        bench.results[f"opened {kind}"].append(result)
        print(f"  opened {kind}: {result['picture_ms']:.0f} ms", flush=True)


def measure_trees(bench: Bench, folder: Path) -> Log:
    """These cases alone."""
    before, after = tree_logs(folder)
    for run in range(bench.runs):
        print(f"run {run + 1} of {bench.runs}", flush=True)
        tree_cases(bench, before, after)
    return after
