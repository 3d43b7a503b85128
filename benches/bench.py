"""What every case of `make bench` goes through: run in a process of its own, checked, and its medians taken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

Result = dict[str, Any]

CASE = Path(__file__).with_name("case.py")


class Bench:
    """Runs cases and keeps their results."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.results: defaultdict[str, list[Result]] = defaultdict(list)

    def add(self, name: str, *arguments: str) -> Result:
        """Run a case once."""
        command = [sys.executable, str(CASE), *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=CASE.parent)
        result: Result = json.loads(done.stdout)
        self.results[name].append(result)
        print(f"  {name}: {result['seconds']:.3f} s", flush=True)
        return result

    def medians(self) -> dict[str, Result]:
        """For each case the median of each figure."""
        return {
            name: {field: median(run[field] for run in runs) for field in runs[0]}
            for name, runs in self.results.items()
        }


def check(what: str, found: Any, expected: Any) -> None:
    """Stop where a figure would be the speed of a wrong answer."""
    if found != expected:
        raise SystemExit(f"{what}: expected {expected}, found {found}")
