"""The way back: captures of a dataset become snapshots, for `heapdelta.diff` and `heapdelta.series`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta import _native
from heapdelta._capture.snapshot import Snapshot
from heapdelta._ranking.labels import hexadecimal
from heapdelta.dataset._builds import LOWER
from heapdelta.dataset._frames import address_text
from heapdelta.dataset._layout import ADDRESSES, LOG, native_schema
from heapdelta.dataset._restore_names import NamesOfLogs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from heapdelta.dataset._tree import Tables

_SAME = ("allocations", "heaps", "modules", "sections", "issues")
"""Tables of a snapshot that a dataset has as they are."""


def headers(tables: Tables, captures: pl.DataFrame) -> Iterator[tuple[str, Snapshot]]:
    """Give logs with their header and modules alone: what tells of which run they are."""
    modules = _by_capture(tables, "modules", captures)
    for row in captures.iter_rows(named=True):
        yield row["capture"], snapshot_of(row, {"modules": native_rows("modules", modules.get(row["capture"]))})


def snapshots(tables: Tables, captures: pl.DataFrame) -> list[Snapshot]:
    """Give logs whole, in the order given."""
    parts = {name: _by_capture(tables, name, captures) for name in (*_SAME, "usage", "traces")}
    keys = captures["capture"].implode()
    used = tables.scan("traces").filter(pl.col("capture").is_in(keys)).select("fingerprint").drop_nulls().unique()
    stacks = tables.scan("stacks").join(used, on="fingerprint", how="semi").collect()
    of_stacks = stacks.select(pl.col("frames").explode(empty_as_null=True)).drop_nulls().unique()
    frames = tables.scan("frames").join(of_stacks.lazy(), left_on="frame", right_on="frames", how="semi").collect()
    names = NamesOfLogs(tables, captures)
    return [
        _whole(row, {name: part.get(row["capture"]) for name, part in parts.items()}, stacks, frames, names)
        for row in captures.iter_rows(named=True)
    ]


def _by_capture(tables: Tables, name: str, captures: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    cases, keys = captures["case"].unique().implode(), captures["capture"].implode()
    rows = tables.scan(name).filter(pl.col("case").is_in(cases) & pl.col("capture").is_in(keys)).collect()
    parts = rows.partition_by("capture", as_dict=True, maintain_order=True)
    return {str(key[0]): part.drop("case", "capture") for key, part in parts.items()}


def _whole(
    row: dict[str, Any],
    own: Mapping[str, pl.DataFrame | None],
    stacks: pl.DataFrame,
    frames: pl.DataFrame,
    names: NamesOfLogs,
) -> Snapshot:
    made = {name: native_rows(name, own[name]) for name in (*_SAME, "usage")}
    traces = own["traces"]
    if traces is not None:
        joined = traces.join(stacks, on="fingerprint", how="left", maintain_order="left").sort("stack_id")
        numbered = _frames(joined, frames, own["modules"])
        numbered, named = names.named(row["capture"], numbered)
        of_frames = {"frames": numbered, **named}
        made |= {name: native_rows(name, rows) for name, rows in of_frames.items()}
        made["stacks"] = _stacks(joined, numbered.select("frame", "frame_id"))
    return snapshot_of(row, made)


def _frames(stacks: pl.DataFrame, frames: pl.DataFrame, modules: pl.DataFrame | None) -> pl.DataFrame:
    """Give the frames of a capture numbers by their first use, and each what its own file had of it."""
    used = (
        stacks.select(pl.col("frames").explode(empty_as_null=True).alias("frame"))
        .drop_nulls()
        .unique(maintain_order=True)
    )
    numbers = used.with_row_index("frame_id")
    rows = numbers.join(frames, on="frame", how="left", maintain_order="left")
    bases = (
        pl.DataFrame(schema={"lower": pl.String, "base": pl.Int64})
        if modules is None
        else modules.select(pl.col("name").str.to_lowercase().alias("lower"), "base")
    )
    # The frame may have been in another log first, which wrote its module in other letters.
    rows = rows.with_columns(LOWER).join(
        bases.unique("lower", keep="first", maintain_order=True), on="lower", how="left", maintain_order="left"
    )
    is_raw = pl.col("function").is_null() & pl.col("offset").is_not_null() & pl.col("base").is_not_null()
    # A frame without a function was printed as an address, or as one that a debugger would print so.
    address = pl.when(is_raw).then(pl.col("base") + pl.col("offset")).otherwise("address")
    digits = hexadecimal(rows["offset"].cast(pl.UInt64)).alias("digits")
    rows = rows.with_columns(address.alias("address"), digits)
    name = pl.concat_str(pl.col("module"), pl.lit("!"), pl.col("function").fill_null(""), ignore_nulls=True)
    text = pl.when(pl.col("digits").is_null()).then(name).otherwise(pl.concat_str(name, pl.lit("+0x"), "digits"))
    printed = address_text(rows["address"])
    known = pl.when(is_raw | pl.col("module").is_null()).then(printed).otherwise(text)
    return rows.with_columns(
        pl.coalesce("text", known).fill_null("").alias("text"),
        pl.lit(None, pl.String).alias("file"),
        pl.lit(None, pl.Int64).alias("source_line"),
    )


def _stacks(traces: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    long = (
        traces.select("stack_id", pl.col("frames").alias("frame"))
        .explode("frame", empty_as_null=True)
        .drop_nulls("frame")
    )
    long = long.join(numbers, on="frame", how="left", maintain_order="left")
    lists = long.group_by("stack_id", maintain_order=True).agg(pl.col("frame_id").alias("frame_ids"))
    rows = traces.drop("frames").join(lists, on="stack_id", how="left", maintain_order="left")
    known = pl.col("fingerprint").is_not_null()
    empty = pl.lit([], pl.List(pl.UInt32))
    rows = rows.with_columns(
        pl.col("fingerprint").str.to_integer(base=16, dtype=pl.UInt64),
        pl.when(known).then(pl.col("frame_ids").fill_null(empty)).alias("frame_ids"),
    )
    return native_rows("stacks", rows)


def native_rows(name: str, rows: pl.DataFrame | None) -> pl.DataFrame:
    """Give rows the columns and types of a snapshot's table."""
    schema = native_schema(LOG, name)
    if rows is None:
        return pl.DataFrame(schema=dict(schema))
    columns = []
    for column, kind in schema.items():
        bits = column in ADDRESSES and kind == pl.UInt64 and rows.schema[column] == pl.Int64
        columns.append(pl.col(column).reinterpret(signed=False) if bits else pl.col(column).cast(kind))
    return rows.select(columns)


def snapshot_of(row: Mapping[str, Any], made: Mapping[str, pl.DataFrame]) -> Snapshot:
    """Make a snapshot of tables, with the header of a row of `captures`."""
    row_lines, structure, preamble, blank, issues = (
        row[f"{name}_lines"] or 0 for name in ("row", "structure", "preamble", "blank", "issue")
    )
    taken = row["taken_at"]
    native = _native.restored(
        list(made.items()),
        path=row["path"],
        format=row["format"],
        encoding=row["encoding"],
        tool_version=row["tool_version"],
        taken_at=None if taken is None else taken.isoformat(sep=" "),
        machine=row["machine"],
        pid=row["pid"],
        pointer_width=row["pointer_width"],
        byte_count=row["byte_count"],
        line_counts=(row_lines, structure, preamble, blank, issues),
    )
    return Snapshot(native)
