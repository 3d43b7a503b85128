"""Two dumps compared: held against a naive version, against the synthetic story, against what a dump cannot say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path, PureWindowsPath

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import testing
from heapdelta._dump_views import REGION_MEASURES
from heapdelta.exceptions import OptionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_dump import APP, COMMIT, FREE, IMAGE, MAPPED, PRIVATE, RESERVE, TAKEN, Module, Region, SmallDump

KINDS = hd.DumpDelta.kinds
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "dumps"
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


def diff(before: SmallDump, after: SmallDump) -> hd.DumpDelta:
    return hd.diff(before.read(), after.read())


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
    assert ranking["change"].null_count() in (0, ranking.height)


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


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> testing.DumpInvestigation:
    return testing.write_dump_investigation(tmp_path_factory.mktemp("story"), stack_count=300)


@pytest.fixture(scope="module")
def delta(story: testing.DumpInvestigation) -> hd.DumpDelta:
    found = hd.diff(*map(hd.read, story.paths))
    assert isinstance(found, hd.DumpDelta)
    return found


def test_answers_are_those_of_the_story(story: testing.DumpInvestigation, delta: hd.DumpDelta) -> None:
    classes = {
        row[0]: row[1:]
        for row in delta.by("region_class")
        .select("region_class", "committed_bytes_delta", "reserved_bytes_delta", "region_count_delta")
        .iter_rows()
    }
    assert classes == {
        name: (sums.committed_bytes, sums.reserved_bytes, sums.region_count) for name, sums in story.growth.items()
    }
    modules = delta.by("module").filter(pl.col("image_bytes_delta") != 0)
    assert dict(modules.select("module", "image_bytes_delta").iter_rows()) == story.module_growth
    assert dict(modules.select("module", "change").iter_rows()) == {"fhexport": "loaded", "fhprint": "unloaded"}
    handles = delta.by("handle_type").filter(pl.col("handle_count_delta") != 0)
    assert dict(handles.select("handle_type", "handle_count_delta").iter_rows()) == story.handle_growth
    threads = delta.by("thread_start").filter(pl.col("thread_count_delta") != 0)
    assert dict(threads.select("thread_start", "thread_count_delta").iter_rows()) == story.thread_growth
    counted = delta.counters.filter(pl.col("counter") == "private_usage")
    assert counted["value_delta"].item() == story.private_usage_growth
    assert delta.same_process
    assert delta.issues.columns[0] == "side"


def test_a_restart_compares_by_name_and_build(tmp_path: Path, delta: hd.DumpDelta) -> None:
    again = testing.write_dump_investigation(tmp_path, stack_count=300, restarted=True)
    other = hd.diff(*map(hd.read, again.paths))
    assert isinstance(other, hd.DumpDelta)
    assert not other.same_process
    keys = ["module", "change", "debug_id_before", "debug_id_after", "image_bytes_delta"]
    assert other.by("module").select(keys).equals(delta.by("module").select(keys))
    assert other.by("thread_start").equals(delta.by("thread_start"))
    reason = "the process ids differ"
    assert reason in other.notes[0]
    with pytest.raises(OptionError) as caught:
        other.by("allocation_base")
    assert str(caught.value).startswith(
        "expected region_class, module, handle_type or thread_start, found 'allocation_base': "
        f"addresses mean nothing across processes, and {reason}"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pid": 812}, "the process ids differ (704 and 812)"),
        ({"pid": None}, "a dump does not name its process"),
        ({"created": 1}, "the processes were made at different times (2024-03-11 06:00:00 and 1970-01-01 00:00:01)"),
        ({"modules": [Module(APP + 0x10_0000, 0x1_0000, "C:\\App\\app.exe")]}, "app was loaded at another address"),
    ],
)
def test_one_process_is_never_guessed(change: dict[str, object], reason: str) -> None:
    other = replace(SmallDump(), **change)
    assert diff(SmallDump(), SmallDump()).same_process
    found = diff(SmallDump(), other)
    assert not found.same_process
    assert reason in " ".join(found.notes)


def test_allocations_are_new_grown_shrunk_and_gone() -> None:
    before = [Region(base, 0x4000, COMMIT, PRIVATE, base) for base in (0x1_0000, 0x2_0000, 0x3_0000, 0x5_0000)]
    after = [
        replace(before[0], size=0x8000),
        replace(before[1], size=0x1000),
        Region(0x4_0000, 0x1000, RESERVE, PRIVATE, 0x4_0000),
        replace(before[3], kind=MAPPED),
    ]
    rows = diff(SmallDump(before), SmallDump(after)).by("allocation_base")
    assert rows.select("allocation_base", "type", "change", "committed_bytes_delta").rows() == [
        (0x1_0000, "private", "grown", 0x4000),
        (0x5_0000, "mapped", "new", 0x4000),
        (0x4_0000, "private", "new", 0),
        (0x2_0000, "private", "shrunk", -0x3000),
        (0x3_0000, "private", "gone", -0x4000),
        (0x5_0000, "private", "gone", -0x4000),
    ]


def test_builds_of_a_module_are_told_apart() -> None:
    app = Module(APP, 0x1_0000, "C:\\App\\app.exe", 1, 1)
    old = [
        app,
        Module(0x1000_0000, 0x2000, "C:\\App\\lib.dll", 1, 1),
        Module(0x2000_0000, 0x3000, "C:\\x\\plug.dll", 7),
    ]
    new = [
        app,
        Module(0x1000_0000, 0x5000, "C:\\App\\LIB.dll", 2, 2),
        Module(0x3000_0000, 0x3000, "C:\\x\\plug.dll", 7),
    ]
    seen = [Module(0x5000_0000, 0x1000, "brief.dll", 3)]
    rows = diff(SmallDump(modules=old), SmallDump(modules=new, unloaded=seen)).by("module")
    assert rows.select("module", "change", "image_bytes_delta", "unload_count_delta").rows() == [
        ("LIB", "rebuilt", 0x3000, 0),
        ("app", "same", 0, 0),
        ("brief", "came and went", 0, 1),
        ("plug", "reloaded", 0, 0),
    ]
    apart = diff(SmallDump(modules=old), SmallDump(modules=new, unloaded=seen, pid=9)).by("module")
    assert dict(apart.select("module", "change").iter_rows())["plug"] == "same"
    assert dict(apart.select("module", "change").iter_rows())["brief"] == "unloaded earlier"
    assert all(
        ids[0] != ids[1]
        for ids in rows.filter(pl.col("change") == "rebuilt")["debug_id_before", "debug_id_after"].rows()
    )


def test_what_a_dump_lacks_is_null_and_noted() -> None:
    bare = SmallDump(regions=None, handles=None, counters=None)
    found = diff(SmallDump([Region(0x1_0000, 0x1000, allocation_base=0x1_0000)], handles=["Event"]), bare)
    assert found.by("region_class").row(0)[1:4] == (0x1000, None, None)
    assert found.by("handle_type").rows() == [("Event", "ok", 1, None, None)]
    assert found.total.row(0)[1:3] == (None, None)
    assert found.counters["value_after"].null_count() == found.counters.height
    notes = " | ".join(found.notes)
    for stream in ("MemoryInfoListStream", "HandleDataStream", "ProcessVmCountersStream"):
        assert f"after: the dump has no {stream} that can be read" in notes
    assert repr(found) == "<DumpDelta <bytes> -> <bytes>: sizes unknown>"


def test_sums_that_no_64_bits_hold_are_null() -> None:
    huge = [Region(0x1000 * place, 2**63, allocation_base=0x1_0000) for place in (1, 2, 3)]
    found = diff(SmallDump(huge), SmallDump(huge[:1]))
    assert found.by("region_class").select("committed_bytes_before", "committed_bytes_after").row(0) == (None, 2**63)


def test_private_growth_has_no_module_and_says_why(delta: hd.DumpDelta) -> None:
    assert "module" not in delta.by("region_class").columns
    grown = delta.by("allocation_base").filter(pl.col("region_class") == "heap")
    assert grown.height
    assert grown["module"].null_count() == grown.height
    assert delta.notes[0].startswith("private memory changed by +")
    assert "a dump does not record who allocated what, so private memory has no module here" in delta.notes[0]


def test_notes_warn_of_what_changes_the_reading() -> None:
    early = SmallDump(taken=TAKEN - 60)
    assert "are the two swapped?" in diff(SmallDump(), early).notes[0]
    other = SmallDump(modules=[Module(APP, 0x1_0000, "C:\\App\\other.exe")])
    assert "of different programs (app.exe and other.exe)" in diff(SmallDump(), other).notes[0]
    notes = " | ".join(diff(SmallDump(starts=[0]), SmallDump(platform=0x8201)).notes)
    assert "before: the dump does not tell where 1 thread started" in notes
    assert "after: a dump of linux" in notes


def test_heaps_that_only_one_dump_shows_are_noted(story: testing.DumpInvestigation) -> None:
    bare = story.before.read_bytes()
    directory = int.from_bytes(bare[12:16], "little")
    # Without MemoryListStream (5), no heap can be told by its signature.
    rows = [bare[place : place + 12] for place in range(directory, directory + 12 * bare[8], 12)]
    cut = b"".join(row if row[0] != 5 else (0xFFF1).to_bytes(4, "little") + row[4:] for row in rows)
    lacking = hd.read(bare[:directory] + cut + bare[directory + len(cut) :])
    notes = hd.diff(lacking, hd.read(story.after)).notes
    assert any(note.startswith("before: no heap is recognised") for note in notes)


def test_damaged_dumps_are_compared_as_far_as_they_go(tmp_path: Path, story: testing.DumpInvestigation) -> None:
    whole = hd.read(story.before)
    for damage in testing.DAMAGE:
        if damage == "cut-header":
            continue
        answer = testing.write_dump(tmp_path / "x.dmp", step=1, stack_count=300, damage=damage)
        found = hd.diff(whole, hd.read(answer.path))
        assert isinstance(found, hd.DumpDelta)
        for kind in KINDS if found.same_process else KINDS[:-1]:
            assert isinstance(found.by(kind), pl.DataFrame)
        assert found.issues.height == hd.read(answer.path).issues.height
        assert found._repr_html_()


def test_unknown_kinds_and_those_of_logs_are_refused(delta: hd.DumpDelta) -> None:
    listed = ", ".join(KINDS)
    with pytest.raises(OptionError, match=f"expected one of {listed}, found 'modul'"):
        delta.by("modul")
    with pytest.raises(OptionError, match="found 'stack': a minidump does not record who allocated what"):
        delta.by("stack")


def test_dumps_and_logs_do_not_mix(tmp_path: Path, story: testing.DumpInvestigation) -> None:
    log = hd.read(testing.write_log(tmp_path / "before.txt", stack_count=300).path)
    assert isinstance(log, hd.Snapshot)
    with pytest.raises(TypeError, match=r"found a log as before and a dump as after: .* log\.with_modules\(dump\)"):
        hd.diff(log, hd.read(story.after))
    with pytest.raises(TypeError, match="found a dump as before and a log as after"):
        hd.diff(hd.read(story.after), log)
    with pytest.raises(OptionError, match="expected no allocators for two dumps"):
        hd.diff(hd.read(story.before), hd.read(story.after), allocators=["x"])


def test_reprs_are_short(delta: hd.DumpDelta, story: testing.DumpInvestigation) -> None:
    committed = sum(sums.committed_bytes for sums in story.growth.values())
    assert repr(delta) == (
        f"<DumpDelta {story.before} -> {story.after}: {committed:+,} committed bytes, "
        f"{story.private_usage_growth:+,} private bytes>"
    )
    page = delta._repr_html_()
    assert "note 1: private memory" in page
    assert "committed_bytes_delta" in page


def test_column_types_are_those_of_the_documentation(delta: hd.DumpDelta) -> None:
    for frame in (*(delta.by(kind) for kind in KINDS), delta.total, delta.counters, delta.address_space):
        for name, kind in frame.schema.items():
            numbers = name.rpartition("_")[2]
            if numbers == "delta":
                assert kind == pl.Int64, name
            elif numbers in ("before", "after") and kind != pl.String:
                assert kind == pl.UInt64, name


def corpus(name: str) -> hd.Dump:
    path = CORPUS / name
    if not path.exists():
        pytest.skip(f"the shared corpus is not here: {name}")
    found = hd.read(path)
    assert isinstance(found, hd.Dump)
    return found


@pytest.mark.parametrize(
    ("name", "committed", "private"),
    [
        ("win10-x64-14threads-vmcounters.dmp", None, 41_734_144),
        ("win11-x64-all-streams.dmp", 85_684_224, None),
        ("winxp-x86-crash.dmp", None, None),
        ("minimal-memory64.dmp", None, None),
        ("damaged-invalid-range.dmp", None, None),
        ("damaged-record-count.dmp", None, None),
        ("linux-not-windows.dmp", None, None),
    ],
)
def test_real_dumps_compare_with_themselves(name: str, committed: int | None, private: int | None) -> None:
    one = corpus(name)
    found = hd.diff(one, corpus(name))
    assert found.total["committed_bytes_after"].item() == committed
    counted = found.counters.filter(pl.col("counter") == "private_usage")
    assert counted.row(0)[2:] == (private, private, None if private is None else 0)
    for kind in KINDS:
        ranking = found.by(kind)
        for column in (column for column in ranking.columns if column.endswith("_delta")):
            assert (ranking[column].drop_nulls() == 0).all()
    assert all(isinstance(note, str) for note in found.notes)


def test_real_dumps_of_two_programs_say_so() -> None:
    found = hd.diff(corpus("win10-x64-14threads-vmcounters.dmp"), corpus("win11-x64-all-streams.dmp"))
    assert found.notes[0] == "the two dumps are of different programs (electron.exe and tiny.exe)"
    assert dict(found.by("module").select("module", "change").iter_rows())["KERNELBASE"] == "rebuilt"
    assert found.by("handle_type")["handle_count_after"].sum() == 147
