"""Reads Windows heap logs and minidumps into columnar tables, and tells what grew, in whose module, by which stack.

import heapdelta as hd
before, after = hd.read_log("before.txt"), hd.read_log("after.txt")
delta = hd.diff(before, after)
delta.by("module")            # polars.DataFrame: one row per module, largest growth first
hd.chart.waterfall(delta)     # the picture of it
hd.series(hd.read_many("logs")).growth()    # many snapshots: is it a leak?
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from heapdelta import blame, dataset, exceptions
from heapdelta._capture.baseline import read_baseline, write_baseline
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff.delta import Delta, diff
from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._export.verb import Export, export
from heapdelta._native import __version__
from heapdelta._ranking.live import Live
from heapdelta._read.archive import ArchiveLimits, members
from heapdelta._read.kinds import read_comparison, read_dump, read_log
from heapdelta._read.many import Batch, read_many
from heapdelta._read.one import read
from heapdelta._report.verb import Report, report
from heapdelta._series.dump_series import DumpSeries
from heapdelta._series.runs import Run, Runs, group
from heapdelta._series.series import Series
from heapdelta._series.survival import Survival
from heapdelta._series.verb import series
from heapdelta._symbols.store import SymbolStore, symbols
from heapdelta.dataset._answer import Ingest
from heapdelta.dataset._dataset import Dataset
from heapdelta.dataset._dataset import open_dataset as open  # noqa: A004 - as in `hd.open`
from heapdelta.dataset._ingest import ingest

if TYPE_CHECKING:
    from types import ModuleType

    import heapdelta.chart as chart
    import heapdelta.testing as testing

__all__ = [
    "ArchiveLimits",
    "Batch",
    "Comparison",
    "Dataset",
    "Delta",
    "Dump",
    "DumpDelta",
    "DumpSeries",
    "Export",
    "Ingest",
    "Live",
    "Report",
    "Run",
    "Runs",
    "Series",
    "Snapshot",
    "Survival",
    "SymbolStore",
    "__version__",
    "blame",
    "chart",
    "dataset",
    "diff",
    "exceptions",
    "export",
    "group",
    "ingest",
    "members",
    "open",
    "read",
    "read_baseline",
    "read_comparison",
    "read_dump",
    "read_log",
    "read_many",
    "report",
    "series",
    "symbols",
    "testing",
    "write_baseline",
]


def __getattr__(name: str) -> ModuleType:
    # Altair takes longer to import than everything else together, and most scripts draw nothing.
    if name in {"chart", "testing"}:
        return import_module(f"heapdelta.{name}")
    raise AttributeError(f"module 'heapdelta' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
