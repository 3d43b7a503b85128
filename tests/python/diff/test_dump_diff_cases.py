"""What a dump can and cannot say of another: each case of a change, of a reason, of a list that is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import testing
from heapdelta.exceptions import OptionError
from small_dump import APP, COMMIT, MAPPED, PRIVATE, RESERVE, TAKEN, Module, Region, SmallDump, diff

KINDS = hd.DumpDelta.kinds
CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "dumps"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> testing.DumpInvestigation:
    return testing.write_dump_investigation(tmp_path_factory.mktemp("story"), stack_count=300)


@pytest.fixture(scope="module")
def delta(story: testing.DumpInvestigation) -> hd.DumpDelta:
    found = hd.diff(*map(hd.read, story.paths))
    assert isinstance(found, hd.DumpDelta)
    return found


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
        "expected region_class, module, handle_type, thread_start, size, size_class, content or source, "
        f"found 'allocation_base': addresses mean nothing across processes, and {reason}"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pid": 812}, "the process ids differ (704 and 812)"),
        ({"pid": None}, "a dump does not name its process"),
        ({"created": 1}, "the processes were made at different times (2024-03-11 06:00 and 1970-01-01 00:00:01)"),
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


def test_private_memory_that_only_changed_its_class_has_no_note() -> None:
    before = [Region(0x1_0000, 0x1000, allocation_base=0x1_0000), Region(0x9_0000, 0x3000, allocation_base=0x9_0000)]
    after = [Region(0x1_0000, 0x3000, allocation_base=0x1_0000), Region(0x9_0000, 0x1000, allocation_base=0x9_0000)]
    bare = {"counters": None}
    assert not [
        note for note in diff(SmallDump(before, **bare), SmallDump(after, **bare)).notes if "changed by" in note
    ]
    grown = diff(SmallDump(before, **bare), SmallDump(after[:1] + before[1:], **bare)).notes
    assert [note for note in grown if note.startswith("private memory changed by +8.00 KiB")]


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
        answer = testing.write_dump(tmp_path / f"{damage}.dmp", step=1, stack_count=300, damage=damage)
        found = hd.diff(whole, hd.read(answer.path))
        assert isinstance(found, hd.DumpDelta)
        for kind in KINDS if found.same_process else KINDS[:-1]:
            assert isinstance(found.by(kind), pl.DataFrame)
        assert found.issues.height == hd.read(answer.path).issues.height
        assert found._repr_html_()


def test_unknown_kinds_and_those_of_logs_are_refused(delta: hd.DumpDelta) -> None:
    listed = ", ".join([*KINDS, *delta.heap_kinds])
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
