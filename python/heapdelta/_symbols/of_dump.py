"""The single addresses of a dump, and their names: where threads started and were, and where the exception was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import polars as pl

if TYPE_CHECKING:
    from heapdelta._symbols.store import SymbolStore

SCHEMA: dict[str, type[pl.DataType]] = {
    "what": pl.String,
    "thread_id": pl.UInt32,
    "address": pl.UInt64,
    "module": pl.String,
    "function": pl.String,
    "offset": pl.UInt64,
    "file": pl.String,
    "source_line": pl.UInt32,
    "doubtful": pl.Boolean,
}


class _Exception(Protocol):
    @property
    def address(self) -> int: ...

    @property
    def thread_id(self) -> int: ...


class _Dump(Protocol):
    @property
    def modules(self) -> pl.DataFrame: ...

    @property
    def threads(self) -> pl.DataFrame: ...

    @property
    def exception(self) -> _Exception | None: ...


def named(dump: _Dump, store: SymbolStore, *, by_name: bool, threads: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the tables `symbols` and `addresses` of a dump."""
    addresses = _addresses(dump)
    tables = store._native.look_up(
        dump.modules, addresses.select("address"), returns=False, by_name=by_name, threads=threads
    )
    symbols, names = (pl.DataFrame(table) for table in tables[:2])
    rows = addresses.with_row_index("row").join(names, on="row", how="left", maintain_order="left").drop("row")
    return symbols, rows.with_columns(_module(rows["address"], dump.modules)).select(list(SCHEMA))


def _addresses(dump: _Dump) -> pl.DataFrame:
    schema = {name: SCHEMA[name] for name in ("what", "thread_id", "address")}
    stop = dump.exception
    rows = [] if stop is None else [("exception", stop.thread_id, stop.address)]
    threads = dump.threads
    parts = [
        threads.select(pl.lit(what).alias("what"), "thread_id", pl.col(column).alias("address"))
        for what, column in (("thread start", "start_address"), ("thread", "instruction_pointer"))
    ]
    return pl.concat([pl.DataFrame(rows, schema=schema, orient="row"), *parts]).drop_nulls("address")


def _module(addresses: pl.Series, modules: pl.DataFrame) -> pl.Series:
    """Name the module that holds each address; of those of one base, the first."""
    ranges = modules.select("base", "name", end=pl.col("base") + pl.col("size")).unique("base", keep="first")
    places = addresses.to_frame().with_row_index("row").sort("address")
    found = places.join_asof(ranges.sort("base"), left_on="address", right_on="base")
    return found.sort("row").select(pl.when(pl.col("address") < pl.col("end")).then("name").alias("module"))["module"]
