"""Two dumps side by side: sums per class, handle type, thread start and allocation, as polars frames.

A dump that lacks a list does not know its sums: they are null on that side, never 0. Of a damaged list, sums are what
could be read, and null for what is not in it. Sums are made in 128 bits, because
sizes in a damaged dump can add up to more than 64 hold; what does not fit is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from heapdelta._capture.dump_lists import DAMAGED, damaged_sides, knows, list_state
from heapdelta._numbers import count_of_rows, delta, wide_sum
from heapdelta._ranking import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapdelta._capture.dump import Dump

REGION_MEASURES = ("committed_bytes", "reserved_bytes", "region_count")
STATE_MEASURES = ("state_bytes", "region_count", "largest_bytes")
THREAD_MEASURES = ("thread_count", "stack_committed_bytes")

NOT_IN_DUMP = "not in the dump"


class Side(NamedTuple):
    """The sums of one dump, which of them it can know, and whether what is not among them is not there."""

    sums: pl.DataFrame
    known: dict[str, bool]
    whole: bool = True


def counters(before: Dump, after: Dump) -> pl.DataFrame:
    """One row per counter, in the order of the table."""

    def column(dump: Dump, name: str) -> pl.DataFrame:
        table = dump.memory_counters.drop("revision", "flags").cast(pl.UInt64)
        return table.unpivot(variable_name="counter", value_name=name)

    both = column(before, "value_before").join(column(after, "value_after"), on="counter", maintain_order="left")
    unit = pl.when(pl.col("counter") == "page_fault_count").then(pl.lit("count")).otherwise(pl.lit("bytes"))
    return both.select("counter", unit.alias("unit"), "value_before", "value_after", delta("value"))


def total(before: Dump, after: Dump) -> pl.DataFrame:
    """Sum up all that is not free, in one row."""
    return paired([_region_side(dump, []) for dump in (before, after)], [], REGION_MEASURES)


def address_space(before: Dump, after: Dump) -> pl.DataFrame:
    """One row per state of memory, free memory too."""
    size = pl.col("size")
    measures = [
        wide_sum(size).alias("state_bytes"),
        count_of_rows().alias("region_count"),
        size.max().alias("largest_bytes"),
    ]
    sides = [
        Side(
            dump.regions.group_by("state").agg(measures),
            dict.fromkeys(STATE_MEASURES, knows(dump, "regions")),
            list_state(dump, "regions") != DAMAGED,
        )
        for dump in (before, after)
    ]
    return paired(sides, ["state"], STATE_MEASURES)


def by_region_class(before: Dump, after: Dump) -> pl.DataFrame:
    """Sum up regions by class."""
    sides = [_region_side(dump, ["class"]) for dump in (before, after)]
    return paired(sides, ["class"], REGION_MEASURES).rename({"class": "region_class"})


def by_handle_type(before: Dump, after: Dump) -> pl.DataFrame:
    """Count open handles by type."""
    sides = [
        Side(
            dump.handles.group_by(handle_type="type").agg(count_of_rows().alias("handle_count")),
            {"handle_count": knows(dump, "handles")},
            list_state(dump, "handles") != DAMAGED,
        )
        for dump in (before, after)
    ]
    return paired(sides, ["handle_type"], ["handle_count"]).with_columns(
        pl.when(pl.col("handle_type").is_null()).then(pl.lit(NOT_IN_DUMP)).otherwise(pl.lit("ok")).alias("status")
    )


def by_allocation_base(before: Dump, after: Dump) -> pl.DataFrame:
    """Sum up regions by the allocation they are part of; only for two dumps of one process.

    An allocation of another type at the same address is another one.
    """
    keys = ["allocation_base", "type"]
    facts = {
        "region_class": pl.col("class").unique().sort().str.join("|"),
        "module": pl.col("module").drop_nulls().first(),
        "thread_id": pl.col("thread_id").drop_nulls().first(),
    }
    sums = paired([_region_side(dump, keys, facts) for dump in (before, after)], keys, REGION_MEASURES, facts)
    committed, reserved = pl.col("committed_bytes_delta"), pl.col("reserved_bytes_delta")
    rise = pl.when(committed != 0).then(committed).otherwise(reserved)
    change = (
        pl.when(pl.any_horizontal(pl.col("region_count_before", "region_count_after").is_null()))
        .then(None)
        .when(pl.col("region_count_before") == 0)
        .then(pl.lit("new"))
        .when(pl.col("region_count_after") == 0)
        .then(pl.lit("gone"))
        .when((rise > 0) & pl.lit(list_state(before, "regions") != DAMAGED))
        .then(pl.lit("grown"))
        .when((rise < 0) & pl.lit(list_state(after, "regions") != DAMAGED))
        .then(pl.lit("shrunk"))
        .when(pl.lit(not damaged_sides(before, after, "regions")))
        .then(pl.lit("same"))
    )
    return sums.with_columns(change.alias("change"))


def by_thread_start(before: Dump, after: Dump, *, same_process: bool) -> pl.DataFrame:
    """Count threads that have not ended by the place where they started.

    A place in a module is told by the module's file and the offset, so it compares across runs. A bare address compares
    inside one process; else its side is a part of the key.
    """
    keys = ["file", "offset", "address", "apart", "status"]
    sides = []
    for name, dump in (("before", before), ("after", after)):
        apart = pl.when(pl.col("address").is_not_null() & pl.lit(not same_process)).then(pl.lit(name)).alias("apart")
        sums = (
            _starts(dump)
            .with_columns(apart)
            .group_by(keys)
            .agg(
                pl.col("module").first(),
                count_of_rows().alias("thread_count"),
                wide_sum(pl.col("stack_committed_bytes")).alias("stack_committed_bytes"),
            )
        )
        known = {"thread_count": knows(dump, "threads"), "stack_committed_bytes": knows(dump, "threads", "regions")}
        sides.append(Side(sums, known, list_state(dump, "threads") != DAMAGED))
    sums = paired(sides, keys, THREAD_MEASURES, ["module"])
    offset, address = (pl.lit(labels.hexadecimal(sums[name])) for name in ("offset", "address"))
    place = pl.coalesce(pl.concat_str("module", pl.lit("+0x"), offset), pl.concat_str(pl.lit("0x"), address))
    return sums.with_columns(place.alias("thread_start"))


def _starts(dump: Dump) -> pl.DataFrame:
    """Give each thread that has not ended its place: file and offset, or address."""
    start = pl.col("start_address")
    modules = dump.modules.select(file_key(), "base", "size", module="name").sort("base")
    threads = dump.threads.filter(pl.col("exited_at").is_null()).select("start_address", "stack_committed_bytes")
    known = threads.filter(start.is_not_null()).sort("start_address")
    placed = known.join_asof(modules, left_on="start_address", right_on="base", coalesce=False)
    placed = pl.concat([placed, threads.filter(start.is_null())], how="diagonal")
    inside = (start - pl.col("base") < pl.col("size")).fill_null(False)
    status = pl.when(start.is_null()).then(pl.lit(NOT_IN_DUMP)).when(inside).then(pl.lit("ok"))
    return placed.select(
        pl.when(inside).then("file").alias("file"),
        pl.when(inside).then("module").alias("module"),
        pl.when(inside).then(start - pl.col("base")).alias("offset"),
        pl.when(~inside).then(start).alias("address"),
        status.otherwise(pl.lit("no module")).alias("status"),
        "stack_committed_bytes",
    )


def file_key() -> pl.Expr:
    """Tell a module on any machine: by the name of its file, without regard to case."""
    file = pl.col("path").str.extract(r"([^\\/]*)$").str.to_lowercase()
    return pl.when(file != "").then(file).otherwise(pl.col("name").str.to_lowercase()).alias("file")


def _region_side(dump: Dump, keys: Sequence[str], facts: dict[str, pl.Expr] | None = None) -> Side:
    size, state = pl.col("size"), pl.col("state")
    # Without an allocation base, a region stands for itself.
    taken = dump.regions.filter(state != "free").with_columns(pl.coalesce("allocation_base", "base"))
    measures = [
        wide_sum(size.filter(state == "commit")).alias("committed_bytes"),
        wide_sum(size.filter(state == "reserve")).alias("reserved_bytes"),
        count_of_rows().alias("region_count"),
    ]
    shown = [fact.alias(name) for name, fact in (facts or {}).items()]
    sums = taken.group_by(keys).agg(*shown, *measures) if keys else taken.select(measures)
    return Side(sums, dict.fromkeys(REGION_MEASURES, knows(dump, "regions")), list_state(dump, "regions") != DAMAGED)


def paired(
    sides: Sequence[Side],
    keys: Sequence[str],
    measures: Sequence[str],
    facts: Iterable[str] = (),
    own: Iterable[str] = (),
) -> pl.DataFrame:
    """Bring the sums of two sides together by `keys`: 0 for what a side does not have, null for what it cannot know.

    Of a damaged list, that is also what is not in it.

    Of `facts`, which are shown and not compared, those of the newer side count; of `own`, both are kept.
    """
    parts = []
    for name, side in zip(("before", "after"), sides, strict=True):
        renamed = side.sums.rename({column: f"{column}_{name}" for column in (*measures, *facts, *own)})
        parts.append(renamed.with_columns(pl.lit(True).alias(f"in_{name}")))
    if keys:
        joined = parts[0].join(parts[1], on=keys, how="full", coalesce=True, nulls_equal=True)
    else:
        joined = pl.concat(parts, how="horizontal")
    columns = []
    for name, side in zip(("before", "after"), sides, strict=True):
        here, known = pl.col(f"in_{name}").is_not_null(), side.known
        for measure in measures:
            elsewhere = pl.lit(0 if side.whole else None, dtype=pl.Int128)
            value = pl.when(pl.lit(known[measure])).then(pl.when(here).then(f"{measure}_{name}").otherwise(elsewhere))
            columns.append(value.cast(pl.UInt64, strict=False).alias(f"{measure}_{name}"))
    shown = [pl.coalesce(f"{fact}_after", f"{fact}_before").alias(fact) for fact in facts]
    return (
        joined.with_columns(*columns, *shown)
        .with_columns(delta(measure) for measure in measures)
        .select(
            *keys,
            *facts,
            *(f"{name}_{part}" for name in own for part in ("before", "after")),
            *(f"{measure}_{part}" for measure in measures for part in ("before", "after", "delta")),
        )
    )
