"""The rows of minidumps in the table of benches/README.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rows import at_least, at_most, row

Result = dict[str, Any]

TABLE_GOALS = {"full-1g": 10, "full-2g": 20}


def dump_rows(medians: Mapping[str, Result], kind: str, memory_bytes: int) -> Iterator[str]:
    """All rows of one dump."""
    ours = medians[f"read {kind}"]
    yield row(
        "`read`, every table in polars; ms",
        kind,
        f"{ours['seconds'] * 1e3:.1f} ms",
        *at_most(ours["seconds"] * 1e3, TABLE_GOALS[kind]),
    )
    for name, words, goal in (("skelsec", "skelsec `minidump`", 10), ("udmp", "`udmp-parser`", 1)):
        seconds = medians[f"{name} {kind}"]["seconds"]
        yield row(
            f"{words}, open and list modules and regions; `read` with every table is … times as fast",
            kind,
            f"{seconds * 1e3:.1f} ms",
            *at_least(seconds / ours["seconds"], goal),
        )
    private = ours["private_bytes"] / 1e6
    yield row("unshared memory after every table; MB", kind, f"{private:,.1f} MB", *at_most(private, 60))
    yield row("of it not pages of the mapped file", kind, f"{ours['anonymous_bytes'] / 1e6:,.1f} MB")
    for name, words in (
        ("read-memory", "all contents as `bytes` by `bytes_at`; GB/s"),
        ("skelsec-memory", "all contents as `bytes` by skelsec `minidump`; GB/s"),
        ("udmp-memory", "all contents as lists by `udmp-parser`; GB/s"),
    ):
        yield _rate(words, kind, memory_bytes / medians[f"{name} {kind}"]["seconds"], with_goal=name == "read-memory")
    rust = medians[f"rust {kind}"]
    yield _rate("all contents by `bytes_at` from Rust, added up; GB/s", kind, memory_bytes / rust["all_seconds"])
    for words, seconds, goal in (
        ("`bytes_at` of 64 bytes from Rust; µs", rust["seconds"], 1),
        ("`bytes_at` of 64 bytes from Python; µs", medians[f"bytes-at {kind}"]["seconds"], 3),
    ):
        yield row(words, kind, f"{seconds * 1e9:,.0f} ns", *at_most(seconds * 1e6, goal))


def heap_rows(medians: Mapping[str, Result], byte_count: int) -> Iterator[str]:
    """All rows of the heaps of a dump."""
    kind = "heaps-1g"
    for name, words, goal in (("one-core", "on one core", 1.5), ("two-cores", "on two cores", 0.8)):
        seconds = medians[f"heaps {name}"]["seconds"]
        yield row(f"all tables of the heaps, {words}; s", kind, f"{seconds:.2f} s", *at_most(seconds, goal))
    share = medians["heaps two-cores"]["anonymous_bytes"] / byte_count
    yield row("memory of these tables, as a share of the dump", kind, f"{share:.2f}", *at_most(share, 0.3))
    unasked = medians["heaps unasked"]["seconds"]
    yield row("`read`, every table but those of heaps; ms", kind, f"{unasked * 1e3:.1f} ms")
    seconds = medians["heaps ranking"]["seconds"]
    yield row("`by` size and content, two walks; s", kind, f"{seconds:.2f} s")
    seconds = medians["heaps map"]["seconds"]
    yield row("`chart.heap_map` of the largest heap, after a walk; s", kind, f"{seconds:.2f} s", *at_most(seconds, 1))


def _rate(words: str, kind: str, rate: float, *, with_goal: bool = False) -> str:
    goal = at_least(rate / 1e9, 4) if with_goal else ()
    return row(words, kind, f"{rate / 1e9:.2f} GB/s", *goal)
