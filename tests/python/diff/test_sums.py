"""Sums of bytes past 2^64: null and told, whatever the order of lines, the banners, the threads and the dialect.

The logs are those of the case `sums-past-2-64` and of `sum_overflow` beside it, and their siblings.
"""

from __future__ import annotations

import io
from itertools import product

import heapdelta as hd
import polars as pl
import pytest
from small_log import APP_FRAME, NTDLL_FRAME, Log

HEAP = "*- - - - - - - - - - Start of data for heap @ 10000 - - - - - - - - - -\n\n"
END = "\n*- - - - - - - - - - End of data for heap @ 10000 - - - - - - - - - -\n"
SMALL = "40 bytes + 18 at 12345738 by BackTraceF\n"
LARGE = "FFFFFFFFFFFFFFFF bytes + 30 at 12345778 by BackTraceF\n"
THREADS = [1, 2, 7]


def overflows(snapshot: hd.Snapshot | hd.Comparison) -> list[tuple[str, int | None, str]]:
    found = snapshot.issues.filter(pl.col("kind") == "sum_overflow")
    assert found["count"].to_list() == [1] * found.height
    return found.select("severity", "line", "text").rows()


@pytest.mark.parametrize(
    ("lines", "banner", "threads"), list(product([(SMALL, LARGE), (LARGE, SMALL)], [False, True], THREADS))
)
def test_stack_past_64_bits_is_null_and_told_once(lines: tuple[str, str], banner: bool, threads: int) -> None:
    text = HEAP + "".join(lines) + END if banner else "".join(lines)
    snapshot = hd.read(text.encode(), threads=threads)
    assert snapshot.usage.select("requested_bytes", "allocation_count").rows() == [(None, 2)]
    where, line = (" in heap 10000", 3) if banner else ("", 1)
    assert overflows(snapshot) == [("error", line, f"BackTraceF{where}: {2**64 + 0x3F} requested bytes")]
    assert "? bytes in 2 blocks" in repr(snapshot)


@pytest.mark.parametrize("banner", [False, True])
def test_threads_do_not_decide(banner: bool) -> None:
    fill = "40 bytes + 18 at 12345738 by BackTraceA\n" * 40_000
    text = SMALL + fill + LARGE + fill + LARGE
    text = (HEAP + text + END if banner else text).encode()
    one, *others = [hd.read(text, threads=threads) for threads in THREADS]
    assert len(overflows(one)) == 1
    for other in others:
        for table in ("allocations", "usage", "stacks", "issues"):
            assert getattr(other, table).equals(getattr(one, table)), table


def test_sum_of_several_stacks_is_told_once_and_theirs_are_exact() -> None:
    size = 0xC000_0000_0000_0000
    log = Log([(0x10000, "5", size, 8), (0x20000, "6", size, 8), (0x20000, "5", 3, 8)], {"5": [APP_FRAME]})
    snapshot = log.read()
    assert snapshot.usage["requested_bytes"].to_list() == [size, 3, size]
    assert overflows(snapshot) == [("error", None, f"all stacks together: {2 * size + 3} requested bytes")]
    assert f"{2 * size + 3:,} bytes" in repr(snapshot)


def test_sum_of_one_stack_over_heaps_is_told() -> None:
    size = 1 << 63
    snapshot = Log([(0x10000, "5", size, 8), (0x20000, "5", size, 8)], {"5": [APP_FRAME]}).read()
    assert snapshot.usage["requested_bytes"].to_list() == [size, size]
    assert len(overflows(snapshot)) == 1
    assert hd.diff(snapshot, snapshot).by("stack")["requested_bytes_after"].to_list() == [None]


def test_sum_of_exactly_the_largest_number_is_known() -> None:
    snapshot = Log([(0x10000, "5", 2**64 - 2, 8), (0x10000, "5", 1, 8)], {"5": [APP_FRAME]}).read()
    assert snapshot.usage["requested_bytes"].to_list() == [2**64 - 1]
    assert snapshot.issues.is_empty()


UMDH1 = (
    "UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812\n"
    "*********** Heap 00140000 Hogs ********************\n"
    "FFFFFFFFFFFFFFFF bytes in 0x1 allocations (@ 0xffffffffffffffff) by: BackTrace00007\n        app!f+0x10\n\n"
    "00000040 bytes in 0x1 allocations (@ 0x40) by: BackTrace00007\n        app!f+0x10\n\n"
)
DH = UMDH1.replace("UMDH: Logtime", "DH: Logtime")
SITES = (
    "// heapdelta call sites 1\n"
    "0xffffffffffffffff bytes        0x1 allocs\tapp!f\n"
    "              0x40 bytes        0x1 allocs\tapp!f\n"
)


@pytest.mark.parametrize("text", [UMDH1, DH, SITES], ids=["umdh1", "dh", "sites"])
def test_every_dialect_tells(text: str) -> None:
    snapshot = hd.read(text.encode())
    assert snapshot.usage["requested_bytes"].to_list() == [None], snapshot.usage
    assert len(overflows(snapshot)) == 1
    assert hd.diff(snapshot, snapshot).by("module")["requested_bytes_after"].to_list() == [None]


def test_comparison_keeps_a_row_whose_difference_is_too_large() -> None:
    text = (
        "+ ffffffffffffffff ( ffffffffffffffff -     0)     1 allocs\tBackTrace1\n"
        "+ ffffffffffffffff ( ffffffffffffffff -     0)     1 allocs\tBackTrace2\n"
        "Total increase == 1fffffffffffffffe\n"
    )
    comparison = hd.read(text.encode())
    assert comparison.total_requested_delta == 2 * (2**64 - 1)
    assert comparison.rows["requested_bytes_after"].to_list() == [2**64 - 1] * 2
    assert comparison.rows["requested_bytes_delta"].to_list() == [None, None]
    assert [line for _, line, _ in overflows(comparison)] == [1, 2]
    assert comparison.total["requested_bytes_after"].item() is None
    assert "unknown" not in comparison._repr_html_()
    assert "? bytes" in repr(comparison)


@pytest.mark.parametrize("seed", range(8))
def test_sums_are_those_of_whole_numbers_without_a_limit(seed: int) -> None:
    """Python's own numbers have no limit: what fits is equal, what does not is null."""
    import random

    chance = random.Random(seed)
    sizes = [1, 64, 2**32 - 1, 2**62, 2**63, 2**63 - 1, 2**64 - 1]
    sides = []
    for _ in range(2):
        blocks = [(0x10000 * chance.randint(1, 2), chance.choice("123"), chance.choice(sizes), 8) for _ in range(9)]
        sides.append(Log(blocks, {"1": [APP_FRAME], "2": [APP_FRAME, NTDLL_FRAME], "3": [0x1000_0100]}))
    delta = hd.diff(*(side.read() for side in sides))

    def sums(log: Log, keep: str) -> int:
        return sum(size for _, trace, size, _ in log.blocks if trace in keep)

    def fits(number: int, low: int, high: int) -> int | None:
        return number if low <= number < high else None

    modules, passed = delta.by("module"), delta.by("module", inclusive=True)
    views = [(delta.total, "123"), (_row(modules, "app"), "12"), (_row(modules, "a"), "3")]
    views += [(_row(passed, name), keep) for name, keep in [("app", "12"), ("ntdll", "2"), ("a", "3")]]
    for row, keep in views:
        before, after = (sums(side, keep) for side in sides)
        known = [fits(number, 0, 1 << 64) for number in (before, after)]
        difference = None if None in known else fits(after - before, -(1 << 63), 1 << 63)
        columns = [f"requested_bytes_{part}" for part in ("before", "after", "delta")]
        assert row.select(columns).row(0) == (*known, difference)


def _row(ranking: pl.DataFrame, module: str) -> pl.DataFrame:
    found = ranking.filter(pl.col("module") == module)
    empty = pl.DataFrame({f"requested_bytes_{part}": [0] for part in ("before", "after", "delta")})
    return found if found.height else empty


def test_lives_of_blocks_past_64_bits_are_null() -> None:
    from small_series import Point, series_of

    large = [(0x1000, 1 << 63, "1"), (0x2000, 1 << 63, "1"), (0x3000, 64, "2")]
    stacks = {"1": [APP_FRAME], "2": [0x1000_0100]}
    survival = series_of([Point(large, stacks), Point([*large, (0x4000, 64, "2")], stacks)]).survival()
    known = {row["trace_id"]: (row["requested_bytes"], row["net_bytes"]) for row in survival.stacks.to_dicts()}
    assert known == {"1": (None, None), "2": (128, 64)}
    first = survival.table.filter(pl.col("trace_id") == "1")
    assert first.select("point", "allocation_count", "requested_bytes").rows() == [(0, 2, None), (1, 2, None)]
    assert any("not known" in note for note in survival.notes)


def test_curve_with_an_unknown_point_has_no_verdict_and_others_keep_theirs() -> None:
    from small_series import Point, series_of

    stacks = {"1": [APP_FRAME], "2": [NTDLL_FRAME]}
    points = [Point([(0x1000, 64, "1"), (0x2000, 1000 * (hour + 1), "2")], stacks) for hour in range(8)]
    points[5].blocks += [(0x9000, 1 << 63, "1"), (0xA000, 1 << 63, "1")]
    series = series_of(points, by="stack")
    growth = series.growth(warm_up_hours=0)
    verdicts = dict(zip(growth["function"], growth["verdict"], strict=True))
    assert verdicts == {"app+0x100": "not known", "ntdll+0x100": "leak"}
    unknown = growth.filter(pl.col("verdict") == "not known").row(0, named=True)
    assert (unknown["first_bytes"], unknown["last_bytes"], unknown["max_bytes"], unknown["pace"]) == (
        64,
        64,
        None,
        None,
    )
    assert "1 of 8 snapshots are not known" in unknown["reason"]
    assert series.points["requested_bytes"].to_list()[5] is None
    assert any("point 5" in note for note in series.notes)


def test_slow_leak_beside_one_damaged_size_is_seen() -> None:
    """Floating-point numbers of 2^63 lie 2 KiB apart: a curve is looked at above its least."""
    from small_series import Point, series_of

    stacks = {"1": [APP_FRAME]}
    damaged = (0x9000, 1 << 63, "1")
    points = [Point([damaged, (0x1000, 100 * (hour + 1), "1")], stacks) for hour in range(8)]
    growth = series_of(points).growth(warm_up_hours=0).row(0, named=True)
    assert growth["verdict"] == "leak"
    assert growth["slope"] == 100
    assert (growth["first_bytes"], growth["last_bytes"]) == (2**63 + 100, 2**63 + 800)


def test_issues_of_millions_of_bad_lines_are_counted_and_not_listed() -> None:
    text = HEAP + "".join(f"zz{line} is no line\n" for line in range(60_000)) + END
    reads = [hd.read(text.encode(), threads=threads) for threads in THREADS]
    issues = reads[0].issues.filter(pl.col("kind") == "unreadable_line")
    assert issues["line"].to_list() == list(range(3, 3 + 1001))
    assert issues["count"].to_list() == [1] * 1000 + [59_000]
    assert issues.row(-1, named=True)["text"] == "and 59000 more from here on"
    assert reads[0].line_counts["issues"] == 60_000
    assert "60,000 issues" in repr(reads[0])
    assert all(other.issues.equals(reads[0].issues) for other in reads[1:])


def test_malformed_text_is_counted_and_not_listed() -> None:
    good = (HEAP + SMALL + END).encode("utf-16-le")
    text = b"\xff\xfe" + good + b"\x00\xdc\n\x00" * 5000
    issues = hd.read(io.BytesIO(text)).issues.filter(pl.col("kind") == "malformed_text")
    assert (issues.height, issues["count"].sum()) == (1001, 5000)
