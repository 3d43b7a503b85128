"""A dump whose blocks have stacks becomes the heap log of its moment: the tables of a walk in, those of a log out.

Only heaps in which almost every busy block has a stack that proves itself give theirs: the place in a block where a
stack is noted is not documented, so a few that look right are no proof of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native as core
from heapdelta._numbers import issue_count, sum_of
from heapdelta._words import plural, share_text
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump

PROVED = 0.9
"""Least share of the busy blocks of a heap that have a proved stack, for its stacks to count."""


def native_log(dump: Dump, *, experimental: bool) -> core.Snapshot:
    """Make the log; see `Snapshot.of_dump`."""
    if not experimental:
        raise OptionError(
            "expected experimental=True for the stacks of a dump, found False: only synthetic dumps show that they are "
            "read right",
            kind="option",
        )
    busy = dump.allocations.filter(pl.col("state") == "busy")
    shares = _shares(busy)
    proved = shares.filter(pl.col("share") >= PROVED)["heap_id"]
    if proved.is_empty():
        raise OptionError(
            f"{dump.path or 'bytes'}: expected heaps whose blocks have stacks, found "
            + (_most(shares) if shares.height else "no block that could be read"),
            hint="gflags /i app.exe +ust before the start of the program records them: docs/capture.md; without them "
            "by('content') often names what a block is",
            kind="option",
        )
    certain = pl.when(pl.col("heap_id").is_in(proved.implode())).then("stack_id")
    blocks = busy.with_columns(certain.alias("stack_id"))
    schemas = {name: dict(pl.DataFrame(table).schema) for name, table in core.empty_tables("a heap log")}
    given = {
        "allocations": blocks,
        "usage": _usage(blocks),
        "stacks": dump._table("stacks"),
        "frames": dump._table("frames"),
        "modules": dump.modules,
        "heaps": dump.heaps.with_columns(
            pl.col("busy_bytes").alias("allocated_bytes"),
            (pl.col("unknown_bytes") == 0).fill_null(False).alias("complete"),
        ),
        "issues": _issues(dump, shares),
    }
    tables = [(name, _of_log(rows, schemas[name])) for name, rows in given.items()]
    taken = dump.taken_at
    return core.restored(
        tables,
        path=dump.path,
        format="umdh2",
        encoding="binary",
        tool_version=None,
        taken_at=None if taken is None else taken.replace(tzinfo=None).isoformat(sep=" "),
        machine=None,
        pid=dump.pid,
        pointer_width=dump.pointer_width,
        byte_count=dump.byte_count,
        line_counts=(busy.height, 0, 0, 0, issue_count(given["issues"])),
    )


def _shares(busy: pl.DataFrame) -> pl.DataFrame:
    """Tell the share of blocks with a proved stack of each heap."""
    return busy.group_by("heap_id", maintain_order=True).agg(
        pl.len().alias("blocks"), (pl.col("stack_id").count() / pl.len()).alias("share")
    )


def _most(shares: pl.DataFrame) -> str:
    best = shares["share"].max()
    return f"stacks of {share_text(float(best), 1.0)} of the blocks at most" if isinstance(best, float) else "none"


def _usage(blocks: pl.DataFrame) -> pl.DataFrame:
    sums = [sum_of(pl.col(name)) for name in ("requested_bytes", "overhead_bytes", "allocation_count")]
    order = ["heap_id", "stack_id"]
    return blocks.group_by(order).agg(sums).sort(order, nulls_last=True)


def _issues(dump: Dump, shares: pl.DataFrame) -> pl.DataFrame:
    """Give what is to be known of the heaps as issues of the log; a heap without proved stacks is one, too."""
    of_heaps = dump.heap_issues.filter(pl.col("severity") != "info").with_columns(pl.lit(None, pl.UInt64).alias("line"))
    unproved = shares.filter(pl.col("share") < PROVED)
    if unproved.is_empty():
        return of_heaps
    few = plural(unproved.height, "heap")
    row = {
        "severity": "warning",
        "kind": "unproved_stacks",
        "text": f"less than {share_text(PROVED, 1.0)} of the blocks of {few} have a stack that proves itself",
        "action": "its blocks count as having no stack"
        if unproved.height == 1
        else "their blocks count as having none",
        "byte": 0,
        "count": 1,
    }
    return pl.concat([of_heaps, pl.DataFrame([row])], how="diagonal_relaxed")


def _of_log(rows: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Give rows the columns and types of a log's table; what they do not have is null, and nothing of it is a guess."""
    return rows.select(
        pl.col(name).cast(kind)
        if name in rows.columns
        else pl.lit(False if kind == pl.Boolean else None, kind).alias(name)
        for name, kind in schema.items()
    )
