"""The manifest: what became of every file, and which parts of the tables count.

Each batch that is there whole has a part of the manifest; what is in no such part does not count. A file that was read
again has rows in several batches: the newest counts. Of files of one case with the same content one counts.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta.dataset._layout import BATCH_COLUMNS, MANIFEST, MANIFEST_COLUMNS, VANISHED
from heapdelta.dataset._outcome import DUPLICATE, FAILED, READ
from heapdelta.dataset._plan import AGAIN, Known
from heapdelta.exceptions import ReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapdelta.dataset._store import Store


@dataclass(frozen=True)
class Manifest:
    """All parts of a manifest that count."""

    store: Store
    rows: pl.DataFrame
    """Rows of all batches that were not replaced by others, as they were written."""
    parts: Mapping[str, list[str]]
    """The parts of the tables of each batch."""
    replaced: frozenset[str]
    """Batches whose rows are in others now."""

    @cached_property
    def _attempts(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows of the last attempt at every input, and those of earlier ones."""
        newest = (
            self.rows.select("input", "read_at", "batch")
            .unique()
            .sort("read_at", "batch")
            .unique("input", keep="last", maintain_order=True)
        )
        on = ["input", "batch"]
        last = self.rows.join(newest.select(on), on=on, how="semi", maintain_order="left")
        return last, self.rows.join(newest.select(on), on=on, how="anti", maintain_order="left")

    @cached_property
    def current(self) -> pl.DataFrame:
        """What became of every file, once for each: the newest of what there is, and what is a duplicate of what."""
        last, old = self._attempts
        rows = _adopted(_kept(last, old), old).sort("case", "path")
        alike = (pl.col("outcome") == READ) & pl.col("hash").is_not_null() & (pl.col("captures") > 0)
        # Of equal files one counts that is there, and was read as files are read now.
        newest = pl.col("options").filter(alike).sort_by(pl.col("read_at").filter(alike)).last().over("case", "hash")
        rows = rows.with_columns(stale=pl.col("options") != newest, gone=vanished_of(self.store, rows))
        by = [pl.col(name).filter(alike) for name in ("stale", "gone", "path")]
        first = pl.when(alike).then(pl.col("path").filter(alike).sort_by(by).first().over("case", "hash"))
        rows = rows.with_columns(first.alias("first"))
        is_copy = alike & (pl.col("first") != pl.col("path"))
        return rows.with_columns(
            pl.when(is_copy).then(pl.lit(DUPLICATE)).otherwise("outcome").alias("outcome"),
            pl.when(is_copy).then("first").otherwise("of").alias("of"),
            pl.when(is_copy).then(0).otherwise("captures").alias("captures"),
            pl.when(is_copy).then(pl.lit([], pl.List(pl.String))).otherwise("capture").alias("capture"),
        ).drop("first", "stale", "gone")

    @cached_property
    def in_vain(self) -> list[str]:
        """Batches with a last attempt that failed where an earlier reading still counts."""
        tried = self._attempts[0].select("input", "batch").unique()
        counts = self.current.select("input", "batch").unique()
        moved = tried.join(counts, on=["input", "batch"], how="anti").join(counts, on="input", how="semi")
        return moved["batch"].unique().to_list()

    @cached_property
    def left_out(self) -> Mapping[str, list[str]]:
        """Captures of each batch that are in its parts and do not count."""
        counts = self.current.filter(pl.col("captures") > 0).select("batch", "capture")
        written = self.rows.select("batch", "capture")
        long = [
            table.explode("capture", empty_as_null=True).drop_nulls("capture").unique() for table in (written, counts)
        ]
        extra = long[0].join(long[1], on=["batch", "capture"], how="anti")
        return {str(batch): keys for batch, keys in extra.group_by("batch").agg("capture").iter_rows()}

    @cached_property
    def known(self) -> dict[str, Known]:
        """What the plan must know of each input."""
        rows = self._attempts[0]
        there = rows.filter((pl.col("outcome") == READ) & (pl.col("captures") > 0)).select("case", "hash").unique()
        rows = rows.join(there.with_columns(there=True), on=["case", "hash"], how="left", maintain_order="left")
        failed, alone = pl.col("outcome") == FAILED, (pl.col("outcome") == DUPLICATE) & pl.col("there").is_null()
        of_input = rows.group_by("input", maintain_order=True).agg(
            pl.col("input_size", "input_mtime_ns", "options", "case", "batch", "read_at").first(),
            pl.col("kind").filter(failed).unique().alias("kinds"),
            alone.any().alias("alone"),
        )
        return {
            path: Known(size, mtime_ns, options, case, batch, read_at, frozenset(kinds), _trouble(options), alone)
            for path, size, mtime_ns, options, case, batch, read_at, kinds, alone in of_input.iter_rows()
        }

    def names(self, table: str) -> dict[str, list[str]]:
        """Name the parts of a table that count, by their batches."""
        found = {batch: [name for name in parts if name.startswith(f"{table}/")] for batch, parts in self.parts.items()}
        return {batch: parts for batch, parts in found.items() if parts}


def _kept(last: pl.DataFrame, old: pl.DataFrame) -> pl.DataFrame:
    """Keep what was read of an input that could not be read again, for a reason that may pass; the row says why."""
    passing = (pl.col("outcome") == FAILED) & pl.col("kind").is_in(sorted(AGAIN))
    failed = last.group_by("input").agg(passing.all().alias("passing"), pl.col("reason").first().alias("why"))
    versions = old.group_by("input", "batch").agg(
        pl.col("read_at").first(), (pl.col("captures") > 0).any().alias("good")
    )
    best = versions.filter("good").sort("read_at", "batch").unique("input", keep="last")
    best = best.join(failed.filter("passing").select("input", "why"), on="input", how="inner")
    if best.is_empty():
        return last
    kept = old.join(best.select("input", "batch", "why"), on=["input", "batch"], how="inner", maintain_order="left")
    why = pl.when(pl.col("outcome") == READ).then("why").otherwise("reason").alias("reason")
    return pl.concat([last.join(best, on="input", how="anti"), kept.with_columns(why).select(last.columns)])


def _adopted(rows: pl.DataFrame, old: pl.DataFrame) -> pl.DataFrame:
    """Let a duplicate have what was read of its original, where that is no longer the same file.

    It is as if the duplicate had been read then: a moment later than it was, so that this row is its newest.
    """
    is_copy = (pl.col("outcome") == DUPLICATE) & pl.col("hash").is_not_null()
    there = rows.filter((pl.col("outcome") == READ) & (pl.col("captures") > 0)).select("case", "hash")
    alone = rows.filter(is_copy).join(there, on=["case", "hash"], how="anti")
    if alone.is_empty():
        return rows
    alone = alone.select("input", "path", "case", "hash").sort("case", "path").unique(["case", "hash"], keep="first")
    given = old.filter((pl.col("outcome") == READ) & (pl.col("captures") > 0))
    given = given.sort("read_at", "batch").unique(["case", "hash"], keep="last")
    taken = ("kind", "captures", "capture", "rows", "issues", "batch")
    found = alone.join(given.select("case", "hash", *taken), on=["case", "hash"], how="inner")
    joined = rows.join(
        found.drop("case", "hash"), on=["input", "path"], how="left", suffix="_taken", maintain_order="left"
    )
    takes = pl.col("batch_taken").is_not_null()
    return joined.with_columns(
        pl.when(takes).then(pl.lit(READ)).otherwise("outcome").alias("outcome"),
        pl.when(takes).then(None).otherwise("of").alias("of"),
        pl.when(takes).then(pl.col("read_at").dt.offset_by("1us")).otherwise("read_at").alias("read_at"),
        *(pl.when(takes).then(f"{name}_taken").otherwise(name).alias(name) for name in taken),
    ).select(rows.columns)


def _trouble(options: str) -> str | None:
    """Tell what kept an input from being read: a word in the place of the key of how it was read."""
    return options if options.islower() else None


def manifest_of(store: Store) -> Manifest:
    """Read the manifest of a dataset.

    Raises
    ------
    ReadError
        If a part of it cannot be read.
    """
    names = _names(store)
    if not names:
        return Manifest(store, pl.DataFrame(schema=MANIFEST_COLUMNS), {}, frozenset())
    while True:
        try:
            rows = _read(store, names)
            break
        except ReadError:
            # Somebody may have merged some of them since they were listed.
            before, names = names, _names(store)
            if before == names:
                raise
    replaced = frozenset(rows["replaces"].explode(empty_as_null=True).drop_nulls())
    rows = rows.filter(~pl.col("batch").is_in(list(replaced)))
    own = pl.col("path").is_null()
    parts = {str(batch): list(parts) for batch, parts in rows.filter(own).select("batch", "parts").iter_rows()}
    return Manifest(store, rows.filter(~own).select(list(MANIFEST_COLUMNS)), parts, replaced)


def _names(store: Store) -> list[str]:
    return [f"{MANIFEST}/{name}" for name in store.names(MANIFEST) if name.endswith(".parquet")]


def _read(store: Store, names: list[str]) -> pl.DataFrame:
    sources = [io.BytesIO(each) if isinstance(each, bytes) else each for each in store.scannable(names)]
    try:
        return pl.scan_parquet(sources).select(list(BATCH_COLUMNS)).cast(pl.Schema(BATCH_COLUMNS)).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        message = f"{store.place}/{MANIFEST}: cannot read: {str(error).splitlines()[0]}"
        raise ReadError(message, path=store.place, kind="io") from error


def vanished_lists(store: Store) -> list[pl.DataFrame]:
    """Give what was gone under each folder when it was last looked through: ``root``, ``path``, ``looked_at``."""
    contents = [store.get(f"{VANISHED}/{name}") for name in store.names(VANISHED)]
    return [pl.read_parquet(io.BytesIO(content)) for content in contents if content]


def vanished_of(store: Store, rows: pl.DataFrame) -> pl.Series:
    """Tell of which rows the input was no longer there when its source was last looked through."""
    lists = vanished_lists(store)
    paths, read_at = rows["input"], rows["read_at"]
    gone = pl.Series("gone", [False], dtype=pl.Boolean).new_from_index(0, rows.height)
    for each in sorted(lists, key=lambda one: one["looked_at"][0]):
        root, looked_at = str(each["root"][0]), each["looked_at"][0]
        inside = ((paths == root) | paths.str.starts_with(within(root))) & (read_at <= looked_at)
        gone = gone.zip_with(~inside, paths.is_in(each["path"].drop_nulls().implode()))
    return gone


def within(root: str) -> str:
    r"""Give how the path of everything under a root begins: a whole path of Windows has no ``/``, all others have."""
    between = "/" if "/" in root else "\\"
    return root.rstrip(between) + between


def manifest_table(manifest: Manifest) -> pl.DataFrame:
    """Show what became of every file. What was in the way of one, and is no longer, is no file."""
    rows = manifest.current
    rows = rows.with_columns(vanished_of(manifest.store, rows).alias("vanished"))
    in_the_way = (pl.col("outcome") == FAILED) & (pl.col("options").str.len_chars() != 16)
    hidden = ("capture", "input", "input_size", "input_mtime_ns", "options", "batch")
    return rows.filter(~(in_the_way & pl.col("vanished"))).drop(hidden)
