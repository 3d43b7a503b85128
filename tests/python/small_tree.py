"""A small tree of uploads for tests of datasets, as customers send them, and tables of datasets made comparable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
from packed import log, zipped
from small_dump import SmallDump
from small_log import Log

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

TABLES = (
    "captures", "usage", "traces", "stacks", "frames", "modules", "heaps", "allocations", "sections", "rows", "issues",
    "regions", "handles", "threads", "memory", "unloaded_modules", "streams", "counters", "manifest",
)  # fmt: skip

TIMES = ("read_at", "seconds")
"""Columns of the manifest that differ from run to run."""

COMPARISON = "+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"


def write_tree(root: Path, cases: int = 6) -> Path:
    """Write cases of two logs, some of them zipped, with what else people send."""
    for number in range(cases):
        case = root / f"case-{number:03}"
        case.mkdir(parents=True)
        before, after = log(100 + number, pid=1000 + number), log(900 + number, "2012-04-30 13:09", pid=1000 + number)
        if number % 3 == 0:
            (case / "upload.zip").write_bytes(zipped([("logs/before.txt", before), ("logs/after.txt", after)]))
        else:
            (case / "before.txt").write_bytes(before)
            (case / "AFTER.LOG").write_bytes(after)
    (root / "case-000" / "cmp.txt").write_text(COMPARISON)
    (root / "case-000" / "nested").mkdir()
    twice = zipped([("inner.zip", zipped([("before.txt", log(100, pid=1000))]))])
    (root / "case-000" / "nested" / "again.zip").write_bytes(twice)
    (root / "case-001" / "notes.doc").write_bytes(b"\xd0\xcf\x11\xe0 a letter")
    (root / "case-001" / "empty.txt").write_bytes(b"")
    blocks = [(0x10000, "1", 7 * size % 9973 + 1, 8) for size in range(2000)]
    whole = zipped([("a.txt", Log(blocks, {"1": [0x7700_0100]}, pid=7).text().encode())])
    (root / "case-001" / "cut.zip").write_bytes(whole[: len(whole) * 2 // 3])
    (root / f"case-{min(2, cases - 1):03}" / "DH_1488.dmp").write_bytes(SmallDump().write())
    return root


def content_of(dataset: hd.Dataset, *, without: tuple[str, ...] = ()) -> Mapping[str, pl.DataFrame]:
    """Every table of a dataset, whole and sorted."""
    return {name: _sorted(dataset.scan(name).collect().drop(*TIMES, *without, strict=False)) for name in TABLES}


def _sorted(table: pl.DataFrame) -> pl.DataFrame:
    plain = [name for name, kind in table.schema.items() if not kind.is_nested()]
    return table.sort(plain, nulls_last=True)


def assert_equal(one: hd.Dataset, other: hd.Dataset) -> None:
    """Fail unless two datasets say the same."""
    from polars.testing import assert_frame_equal

    mine, theirs = content_of(one), content_of(other)
    for name, table in mine.items():
        assert_frame_equal(table, theirs[name], check_exact=True)


def small_batches(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """Let batches have few files, so that a small tree has many of them."""
    monkeypatch.setattr("heapdelta.dataset._plan.FILES", files)
    monkeypatch.setattr("heapdelta.dataset._plan.LOCAL_FILES", files)


def parts_on_disk(place: Path) -> set[str]:
    """The parts of tables, by their path in the dataset."""
    return {path.relative_to(place).as_posix() for path in place.glob("*/*.parquet")}
