"""Rows of datasets in the table of benches/README.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from datasets import CASES_IN_ALL, TINY
from rows import at_least, at_most, row


def dataset_rows(medians: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Rows of a tree of uploads."""

    def seconds(name: str) -> float:
        return float(medians[f"dataset {name}"]["seconds"])

    text = medians["dataset ingest 2"]["text"]
    kind = f"{CASES_IN_ALL:,} cases, {text / 1e9:.1f} GB in zips"

    def rate(name: str) -> str:
        return f"{text / seconds(name) / 1e6:,.0f} MB/s"

    for threads in ("1", "2"):
        share = seconds(f"read {threads}") / seconds(f"ingest {threads}")
        on = "one thread" if threads == "1" else "two threads"
        yield row(f"inflate and read alone, on {on}", kind, rate(f"read {threads}"))
        yield row(f"`ingest` on {on}; share of that", kind, rate(f"ingest {threads}"), *at_least(share, 0.7))
    gain = seconds("ingest 1") / seconds("ingest 2")
    yield row("`ingest` on two threads, times as fast as on one", kind, "", *at_least(gain, 1.7))
    peak = medians["dataset ingest 2"]["peak_bytes"]
    yield row(
        "highest memory of the process during `ingest`, GB", kind, f"{peak / 1e6:,.0f} MB", *at_most(peak / 1e9, 1.5)
    )
    files = medians["dataset again"]["files"]
    again = seconds("again")
    yield row(
        "`ingest` again, where nothing is new; seconds for 10,000 files",
        kind,
        f"{again:.2f} s",
        *at_most(again * 1e4 / files, 1),
    )
    yield row("`open` and `rank`, seconds", kind, f"{seconds('rank'):.2f} s", *at_most(seconds("rank"), 2))
    yield row("`open` and `similar`, seconds", kind, f"{seconds('similar'):.2f} s", *at_most(seconds("similar"), 1))
    overhead = (seconds("dask") - seconds("ingest 2")) / medians["dataset again"]["zips"] * 1e3
    yield row(
        "`ingest` by Dask on two worker processes of this machine; ms more for each zip than two threads",
        kind,
        f"{seconds('dask'):.1f} s",
        "",
        f"{overhead:.2g}",
    )
    tiny = seconds("tiny")
    yield row("`ingest` of tiny logs, seconds", f"{TINY:,} logs of 500 B", f"{TINY / tiny:,.0f} /s", *at_most(tiny, 60))
