"""Two dumps of any content compared: held against a naive version of the same, and against sums that must agree."""

from __future__ import annotations

from collections import Counter
from pathlib import PureWindowsPath

import heapdelta as hd
import polars as pl
from heapdelta._diff.dump_views import REGION_MEASURES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_dump import COMMIT, FREE, IMAGE, MAPPED, PRIVATE, RESERVE, Module, Region, SmallDump, diff

KINDS = hd.DumpDelta.kinds
STATES, TYPES = [COMMIT, RESERVE, FREE], {PRIVATE: "private", MAPPED: "mapped", IMAGE: "image"}

region = st.builds(
    Region,
    st.integers(1, 2**40).map(lambda page: page * 0x1000),
    st.integers(0, 2**44),
    st.sampled_from(STATES),
    st.sampled_from(list(TYPES)),
    st.sampled_from([0x1_0000, 0x2_0000, 0x3_0000]),
)
module = st.builds(
    Module,
    st.sampled_from([0x1000_0000, 0x2000_0000, 0x3000_0000]),
    st.integers(0, 2**24),
    st.sampled_from(["C:\\App\\app.exe", "c:\\other\\APP.EXE", "D:\\lib.dll", "extra.dll"]),
    st.sampled_from([1, 2]),
    st.sampled_from([None, 1, 2]),
)
dump = st.builds(
    SmallDump,
    regions=st.none() | st.lists(region, max_size=8),
    modules=st.none() | st.lists(module, max_size=5, unique_by=lambda one: one.base),
    unloaded=st.none() | st.lists(module, max_size=4),
    handles=st.none() | st.lists(st.sampled_from(["Event", "Key", "File", None]), max_size=6),
    starts=st.none() | st.lists(st.sampled_from([0, 0x999, 0x1000_0010, 0x2000_0020, 0x7FFF_0000]), max_size=6),
    counters=st.none() | st.lists(st.integers(0, 2**50), min_size=18, max_size=18),
    pid=st.sampled_from([None, 704]),
    created=st.sampled_from([1, 2]),
)
relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def pairs(frame: pl.DataFrame, key: list[str], measure: str) -> dict[tuple[object, ...], tuple[int | None, ...]]:
    columns = [f"{measure}_{part}" for part in ("before", "after", "delta")]
    return {row[: len(key)]: row[len(key) :] for row in frame.select(*key, *columns).iter_rows()}


def expected(
    before: Counter[tuple[object, ...]] | None, after: Counter[tuple[object, ...]] | None, keys: set[tuple[object, ...]]
) -> dict[tuple[object, ...], tuple[int | None, ...]]:
    """One key at a time: null where a side does not know, 0 where it has nothing."""
    found = {}
    for key in keys:
        old, new = (None if side is None else side[key] for side in (before, after))
        found[key] = (old, new, None if old is None or new is None else new - old)
    return found


def naive_regions(small: SmallDump, key: str, state: int) -> Counter[tuple[object, ...]] | None:
    if small.regions is None:
        return None
    sums: Counter[tuple[object, ...]] = Counter()
    for one in small.regions:
        if one.state != FREE:
            name = TYPES[one.kind] if key == "class" else one.allocation_base
            owner = (name,) if key == "class" else (name, TYPES[one.kind])
            sums[owner] += one.size if one.state == state else 0
    return sums


@relaxed
@given(dump, dump)
def test_classes_and_allocations_equal_the_naive_version(before: SmallDump, after: SmallDump) -> None:
    before.starts, after.starts = [], []
    after.pid, before.pid, after.created = 704, 704, before.created
    before.modules, after.modules = [], []
    delta = diff(before, after)
    for kind, key, columns in (
        ("region_class", "class", ["region_class"]),
        ("allocation_base", "allocation", ["allocation_base", "type"]),
    ):
        for measure, state in (("committed_bytes", COMMIT), ("reserved_bytes", RESERVE)):
            sides = [naive_regions(small, key, state) for small in (before, after)]
            keys = {name for side in sides if side is not None for name in side}
            assert pairs(delta.by(kind), columns, measure) == expected(sides[0], sides[1], keys), (kind, measure)


@relaxed
@given(dump, dump)
def test_handles_equal_the_naive_version(before: SmallDump, after: SmallDump) -> None:
    sides = [None if small.handles is None else Counter((kind,) for kind in small.handles) for small in (before, after)]
    keys = {name for side in sides if side is not None for name in side}
    found = pairs(diff(before, after).by("handle_type"), ["handle_type"], "handle_count")
    assert found == expected(sides[0], sides[1], keys)


def naive_start(small: SmallDump, start: int, side: str, *, same: bool) -> tuple[object, ...]:
    if start == 0:
        return (None, "not in the dump", "")
    for one in small.modules or []:
        if one.base <= start < one.base + one.size:
            file = PureWindowsPath(one.path).name.lower()
            return (f"{file}+{start - one.base:X}", "ok", "")
    return (f"0x{start:X}", "no module", "" if same else side)


@relaxed
@given(dump, dump)
def test_threads_are_counted_where_they_start(before: SmallDump, after: SmallDump) -> None:
    delta = diff(before, after)
    sides = [
        None
        if small.starts is None
        else Counter(naive_start(small, start, name, same=delta.same_process) for start in small.starts)
        for small, name in ((before, "before"), (after, "after"))
    ]
    keys = {name for side in sides if side is not None for name in side}
    columns = [f"thread_count_{part}" for part in ("before", "after", "delta")]
    found = delta.by("thread_start").select("status", *columns).rows()
    wanted = [(key[1], *row) for key, row in expected(sides[0], sides[1], keys).items()]
    assert sorted(found, key=str) == sorted(wanted, key=str)


@relaxed
@given(dump, dump)
def test_images_of_a_file_are_neither_lost_nor_counted_twice(before: SmallDump, after: SmallDump) -> None:
    delta = diff(before, after)
    ranking = delta.by("module")
    for side, small in (("before", before), ("after", after)):
        for measure, modules, amount in (
            ("image_bytes", small.modules, sum(one.size for one in small.modules or [])),
            ("unload_count", small.unloaded, len(small.unloaded or [])),
        ):
            column = ranking[f"{measure}_{side}"]
            assert column.sum() == amount
            assert column.null_count() == (0 if modules is not None else ranking.height)
    changed = ranking.filter(pl.col("change") == "same")
    assert (changed["image_bytes_delta"] == 0).all()
    assert changed["debug_id_before"].eq_missing(changed["debug_id_after"]).all()
    # What became of a file can be unknown only where a list is missing.
    all_listed = all(small.modules is not None and small.unloaded is not None for small in (before, after))
    assert not all_listed or ranking["change"].null_count() == 0


@relaxed
@given(dump, dump)
def test_rankings_of_regions_add_up_to_the_total(before: SmallDump, after: SmallDump) -> None:
    delta = diff(before, after)
    numbers = [f"{measure}_{part}" for measure in REGION_MEASURES for part in ("before", "after", "delta")]
    total = delta.total
    for kind in ("region_class", *(["allocation_base"] if delta.same_process else [])):
        ranking = delta.by(kind)
        assert ranking.select(numbers).sum().equals(total.fill_null(0)), kind
        unknown = total.null_count().row(0)
        assert ranking.select(numbers).null_count().row(0) == tuple(ranking.height * count for count in unknown)
    space = delta.address_space.filter(pl.col("state") != "free")
    assert space["region_count_before"].sum() == (total["region_count_before"].item() or 0)
    for kind in KINDS if delta.same_process else KINDS[:-1]:
        ranking = delta.by(kind)
        first = next(name for name in ranking.columns if name.endswith("_delta"))
        known = ranking[first].drop_nulls()
        assert known.is_sorted(descending=True), kind
    assert delta.notes == hd.diff(before.read(), after.read()).notes


@relaxed
@given(dump)
def test_diff_of_a_dump_with_itself_is_all_zero(small: SmallDump) -> None:
    one = small.read()
    delta = hd.diff(one, one)
    assert delta.same_process
    for kind in KINDS:
        ranking = delta.by(kind)
        for column in (name for name in ranking.columns if name.endswith("_delta")):
            assert (ranking[column].drop_nulls() == 0).all(), (kind, column)
        if "change" in ranking.columns:
            assert set(ranking["change"].drop_nulls()) <= {"same", "unloaded earlier"}
    assert (delta.counters["value_delta"].drop_nulls() == 0).all()
    assert not [note for note in delta.notes if "private memory" in note]


def swapped(frame: pl.DataFrame) -> pl.DataFrame:
    other = {"before": "after", "after": "before"}
    ends = {name: name.rpartition("_") for name in frame.columns}
    renamed = {name: f"{stem}_{other[end]}" for name, (stem, _, end) in ends.items() if end in other}
    signs = [-pl.col(name) for name, (_, _, end) in ends.items() if end == "delta"]
    return frame.rename(renamed).with_columns(signs).drop("change", strict=False)


@relaxed
@given(dump, dump)
def test_swapping_the_sides_changes_every_sign(before: SmallDump, after: SmallDump) -> None:
    there, back = diff(before, after), diff(after, before)
    for kind in KINDS if there.same_process else KINDS[:-1]:
        # Names and owners are the newer side's.
        apart = {"module", "thread_start", "region_class", "thread_id"} if kind != "region_class" else set()
        columns = [name for name in there.by(kind).columns if name != "change" and name not in apart]
        expected_rows = there.by(kind).select(columns).sort(columns, nulls_last=True)
        assert swapped(back.by(kind)).select(columns).sort(columns, nulls_last=True).equals(expected_rows), kind
    assert swapped(back.counters).select(there.counters.columns).equals(there.counters)
    assert swapped(back.total).select(there.total.columns).equals(there.total)
