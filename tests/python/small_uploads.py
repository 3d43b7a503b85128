"""A tree of uploads for tests, and what a dataset of it holds, row for row."""

from __future__ import annotations

import os
from pathlib import Path

import heapdelta as hd
import packed
import polars as pl
from heapdelta.dataset._layout import tables
from heapdelta.dataset._store import store_of

_OF_THE_RUN = ("seconds", "read_at")


def write_tree(folder: Path, cases: int = 6) -> Path:
    """Cases with logs, archives, an archive in an archive, a copy, a file of another kind, and a damaged archive."""
    for number in range(cases):
        case = folder / f"case-{number}"
        case.mkdir(parents=True)
        size = 100 * (number + 1)
        before, after = packed.log(size), packed.log(size + 7, "2012-04-30 13:09")
        inner = packed.zipped([("AFTER.LOG", after)])
        (case / "before.txt").write_bytes(before)
        (case / "copy of before.txt").write_bytes(before)
        (case / "what we sent.zip").write_bytes(
            packed.zipped([("logs/a.txt", before), ("b.zip", inner), ("x.bin", b"x")])
        )
        (case / "after.log.gz").write_bytes(packed.COMPRESSED["gz"](packed.log(size + 9, pid=2000)))
        (case / "notes.pdf").write_bytes(b"%PDF-1.4 nothing of ours")
        (case / "cut.zip").write_bytes(packed.zipped([("c.txt", packed.log(size + 11))])[:60])
    return folder


def write_plain_tree(folder: Path, count: int) -> Path:
    """One case per log."""
    for number in range(count):
        case = folder / f"case-{number:03}"
        case.mkdir(parents=True)
        (case / "before.txt").write_bytes(packed.log(1000 + number))
    return folder


def rows_of(place: object, *, called: tuple[str, str] | None = None) -> dict[str, pl.DataFrame]:
    """Every table, sorted, and the manifest without times; `called` puts one beginning of its paths for another."""
    dataset = hd.open(place)
    found = {name: dataset.scan(name).collect() for name in tables()}
    found["manifest"] = dataset.manifest.drop(_OF_THE_RUN)
    return {name: _alike(table, called) for name, table in found.items()}


def _alike(table: pl.DataFrame, called: tuple[str, str] | None) -> pl.DataFrame:
    if called is not None:
        texts = [name for name, kind in table.schema.items() if kind == pl.String]
        table = table.with_columns(pl.col(name).str.replace_all(*called, literal=True) for name in texts)
    if os.name == "nt":
        table = table.with_columns(pl.col(pl.String).str.replace_all("\\", "/", literal=True))
    lists = [pl.col(name).list.join(",") for name, kind in table.schema.items() if kind == pl.List(pl.String)]
    return table.with_columns(lists).sort(pl.all())


def assert_same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame], *, without: tuple[str, ...] = ()) -> None:
    """Row for row, every table."""
    assert one.keys() == other.keys()
    for name in one:
        left, right = (table.drop(without, strict=False).sort(pl.all()) for table in (one[name], other[name]))
        assert left.equals(right), name


def assert_nothing_twice(place: object) -> None:
    """Each file has one row of the manifest, each capture its rows once, and every part that counts is there."""
    dataset = hd.open(place)
    assert dataset.manifest["path"].is_duplicated().sum() == 0
    captures = dataset.scan("captures").collect()
    assert captures["capture"].is_duplicated().sum() == 0
    assert dataset.scan("usage").collect()["capture"].n_unique() == captures.height
    store = store_of(place)
    for name in tables():
        for parts in dataset._tables._found.names(name).values():
            assert all(store.has(part) for part in parts)
