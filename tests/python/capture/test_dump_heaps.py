"""The heaps of a dump: block for block against what was written and the naive reader; a real dump by its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import heapdelta as hd
import naive_heap
import polars as pl
import pytest
from heapdelta import exceptions, testing
from walked_heaps import add_up, busy_of

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "dumps"
SMALL = 40
KINDS: list[dict[str, Any]] = [
    {"windows": "10", "pointer_width": 64},
    {"windows": "10", "pointer_width": 32},
    {"windows": "7", "pointer_width": 64},
    {"windows": "7", "pointer_width": 32},
    {"windows": "7", "wow64": True},
    {"windows": "10", "wow64": True},
    {"windows": "10", "pointer_width": 64, "step": 2},
]


def write(tmp_path: Path, **options: Any) -> tuple[testing.HeapDumpAnswer, hd.Dump]:
    answer = testing.write_heap_dump(tmp_path / "heaps.dmp", stack_count=SMALL, **options)
    return answer, hd.read_dump(answer.path)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: " ".join(map(str, kind.values())))
def test_blocks_are_those_that_were_written_and_those_of_the_naive_reader(kind: dict[str, Any], tmp_path: Path) -> None:
    answer, dump = write(tmp_path, **kind)
    written = set(answer.busy.select("heap", "address", "requested_bytes", "front_end").rows())
    assert busy_of(dump) == written
    naive = naive_heap.find(naive_heap.Dump(answer.path))
    assert {(h.base, b.address, b.requested, b.front_end) for h in naive for b in h.blocks} == written
    assert set(dump.heaps["trust"]) == {"proved"}
    assert dump.heap_issues.filter(pl.col("severity") != "info").is_empty()
    add_up(dump)
    own = dump.heaps.select("base", "busy_count", "uncommitted_bytes", free=pl.col("free_bytes")).sort("base")
    large = pl.col("large_count")
    expected = answer.heaps.select(
        "heap",
        pl.col("busy_count") + pl.col("lfh_busy_count") + large,
        free=pl.col("free_bytes") + pl.col("lfh_free_bytes"),
    ).sort("heap")
    assert own.select("base", "busy_count", "free").rows() == expected.rows()


def stacks_of(dump: hd.Dump) -> dict[int, tuple[str, ...]]:
    places = pl.format("{}+0x{}", "module", "place")
    frames = dump.frames.with_columns(place=pl.col("offset").map_elements("{:X}".format, pl.String))
    frames = dict(frames.select("frame_id", places).rows())
    stacks = dump.stacks.select("stack_id", "frame_ids").rows()
    return {number: tuple(frames[frame] for frame in of_stack) for number, of_stack in stacks}


@pytest.mark.parametrize("windows", ["7", "10"])
@pytest.mark.parametrize("pointer_width", [64, 32])
def test_every_block_has_the_stack_that_was_written_large_ones_too(
    windows: str, pointer_width: int, tmp_path: Path
) -> None:
    answer, dump = write(tmp_path, windows=windows, pointer_width=pointer_width, gflags=("ust",))
    assert busy_of(dump) == set(answer.busy.select("heap", "address", "requested_bytes", "front_end").rows())
    stacks = stacks_of(dump)
    found = {
        address: stacks.get(number)
        for address, number in dump.allocations.filter(pl.col("state") == "busy").select("address", "stack_id").rows()
    }
    written = answer.busy.select("address", "stack", "front_end").rows()
    expected = {address: None if stack is None else answer.stacks[stack] for address, stack, _ in written}
    assert found == expected
    large = [address for address, _, front_end in written if front_end == "large"]
    assert large
    assert all(found[address] for address in large)
    add_up(dump)


PAGED = [
    {"windows": windows, "pointer_width": width, "gflags": gflags}
    for windows in ("7", "10")
    for width in (64, 32)
    for gflags in (("hpa",), ("hpa", "ust"))
]


@pytest.mark.parametrize("kind", PAGED, ids=lambda kind: " ".join(map(str, kind.values())))
def test_blocks_of_page_heap_are_those_that_were_written(kind: dict[str, Any], tmp_path: Path) -> None:
    answer, dump = write(tmp_path, **kind)
    written = answer.busy.with_columns(pl.col("front_end").replace({"page_heap": "page"}))
    wanted = set(written.select("address", "requested_bytes", "front_end").rows())
    assert {block[1:] for block in busy_of(dump)} == wanted
    pages = dump.heaps.filter(pl.col("kind") == "page")
    own = written.filter(front_end="page")
    assert pages["busy_count"].to_list() == [own.height]
    assert pages.select("trust", "front_end", "flags", "listed", "unknown_bytes").rows() == [
        ("proved", "page", None, None, 0)
    ]
    pieces = dump.segments.filter(pl.col("kind") == "page").select("base", "reserved_bytes").rows()
    assert set(pieces) == set(own.select("entry", "entry_bytes").rows())
    add_up(dump)
    assert dump.heap_issues.filter(pl.col("severity") != "info").is_empty()
    assert "1 page heap was read, which is experimental: no real process with page heap was at hand" in dump.heap_notes
    if "ust" in kind["gflags"]:
        stacks = stacks_of(dump)
        blocks = dump.allocations.filter(pl.col("front_end") == "page")
        found = {address: stacks.get(number) for address, number in blocks.select("address", "stack_id").rows()}
        numbers = own.select("address", "stack").rows()
        assert found == {address: None if at is None else answer.stacks[at] for address, at in numbers}


def spoiled(answer: testing.HeapDumpAnswer, address: int, change: bytes) -> hd.Dump:
    """Give the dump with other bytes at an address."""
    naive = naive_heap.Dump(answer.path)
    base, _, offset = next(one for one in naive.ranges if one[0] <= address < one[0] + one[1])
    data = bytearray(naive.data)
    place = offset + address - base
    data[place : place + len(change)] = change
    dump = hd.read(bytes(data))
    assert isinstance(dump, hd.Dump)
    return dump


@pytest.mark.parametrize("width", [64, 32])
def test_a_block_of_page_heap_that_does_not_prove_itself_is_an_issue_and_unknown(width: int, tmp_path: Path) -> None:
    answer, whole = write(tmp_path, pointer_width=width, gflags=("hpa",))
    own = answer.busy.filter(front_end="page_heap")
    address, pages = own.select("address", "entry_bytes").row(5)
    pointer = width // 8
    # The last word before the block, as a write before its start would leave it; then the size in its header.
    cases = {"heap_damage": (address - 4, b"oops", pages), "page_heap": (address - 6 * pointer, b"\x03", 0x1000)}
    for kind, (place, change, unknown) in cases.items():
        dump = spoiled(answer, place, change)
        assert dump.heap_issues.select("kind", "count").rows() == [(kind, 1)]
        heap = dump.heaps.filter(pl.col("kind") == "page").row(0, named=True)
        assert (heap["busy_count"], heap["trust"]) == (own.height - 1, "damaged")
        assert heap["unknown_bytes"] == unknown
        assert busy_of(whole) - busy_of(dump) == {row for row in busy_of(whole) if row[1] == address}
        assert dump._heap_state() == "damaged"
        add_up(dump)


def test_rankings_add_up_to_the_blocks(tmp_path: Path) -> None:
    answer, dump = write(tmp_path)
    busy = answer.busy
    totals = (busy["requested_bytes"].sum(), busy.height)
    for kind in ("heap", "size", "size_class", "content"):
        ranking = dump.by(kind)
        assert ranking["requested_bytes"].is_sorted(descending=True)
        if kind != "content":
            assert (ranking["requested_bytes"].sum(), ranking["allocation_count"].sum()) == totals
        assert ranking["allocation_count"].sum() == busy.height
    sizes = busy.group_by(size="requested_bytes").agg(pl.len().alias("count"))
    found = dump.by("size").select("size", count=pl.col("allocation_count").cast(pl.UInt32))
    assert set(found.rows()) == set(sizes.rows())
    classes: dict[tuple[int, int], list[int]] = {}
    for size in busy["requested_bytes"]:
        # By hand: a class ends where the next power of two begins.
        smallest = 1 << (size.bit_length() - 1) if size else 0
        sums = classes.setdefault((smallest, max(2 * smallest - 1, 0)), [0, 0])
        sums[0] += size
        sums[1] += 1
    found = {(low, high): [size, count] for low, high, size, count in dump.by("size_class").rows()}
    assert found == classes
    heap = dump.by("heap")
    parts = heap.select(pl.sum_horizontal("requested_bytes", "free_bytes", "overhead_bytes", "unknown_bytes"))
    assert parts.to_series().to_list() == heap["committed_bytes"].to_list()
    shares = heap["fragmentation"].drop_nulls()
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (heap["held_free_bytes"] <= heap["free_bytes"]).all()


def test_contents_are_those_that_were_written(tmp_path: Path) -> None:
    answer, dump = write(tmp_path)
    for begins, content in (("vtable", "vtable"), ("module", "function")):
        pointers = answer.busy.filter(pl.col("content") == content)
        written = pointers.group_by(target="first_word").agg(pl.len().alias("count"))
        found = dump.contents.filter(pl.col("begins_with") == begins)
        assert dict(found.group_by("target").agg(pl.col("allocation_count").sum()).rows()) == dict(written.rows())
    assert dump.contents["target_name"].null_count() == dump.contents.height
    counts = dict(dump.by("content").group_by("begins_with").agg(pl.col("allocation_count").sum()).rows())
    kinds = dict(answer.busy.group_by("content").agg(pl.len()).rows())
    assert (counts["zero"], counts["heap"]) == (kinds["zeros"], kinds["pointer"])
    source = dump.by("source").filter(pl.col("file").is_not_null())
    lines = answer.busy.drop_nulls("file").group_by("file", "line").agg(pl.len().alias("count"))
    assert set(source.select("file", "source_line", "allocation_count").rows()) == set(lines.rows())


def test_nothing_is_walked_before_it_is_asked_for(tmp_path: Path) -> None:
    _, dump = write(tmp_path)
    issues = dump.issues.height
    assert not dump._walks.done
    assert "heaps," not in repr(dump)
    assert "heap memory" in dump._repr_html_()
    assert dump.heap_memory.held_bytes == dump.heap_memory.committed_bytes
    hd.diff(dump, dump).notes  # noqa: B018 - a property that must not walk
    assert not dump._walks.done
    walked = dump.heaps
    assert dump._walks.done
    assert walked is dump.heaps
    assert f", {walked.height} heaps," in repr(dump)
    assert dump.issues.height == issues
    assert dump.arrow("segments") is not None
    assert dump.segments.equals(pl.DataFrame(dump.arrow("segments")))


@pytest.mark.parametrize("damage", testing.HEAP_DAMAGE)
def test_damage_is_told_and_sums_stay_exact(damage: str, tmp_path: Path) -> None:
    answer, dump = write(tmp_path, damage=damage)
    add_up(dump)
    written = set(answer.busy.select("heap", "address", "requested_bytes", "front_end").rows())
    if damage not in ("wrong-bitmap", "flipped-header", "zero-size", "hostile-counts", "cut"):
        assert busy_of(dump) <= written
    lost = written - busy_of(dump)
    if lost:
        assert dump._heap_state() != "whole"
        assert len(dump.heap_notes) > 1
    told = dump.heap_issues.filter(pl.col("severity") != "info").height
    # What these change is not what blocks are found by.
    if damage not in ("unlisted-heap", "false-heap", "looped-free-list", "looped-zones", "hostile-counts"):
        assert told or dump.heap_memory.little


def test_a_dump_without_the_first_page_of_a_heap_says_that_one_is_missing(tmp_path: Path) -> None:
    _, dump = write(tmp_path, damage="missing-heap-page")
    assert dump._heap_state() == "damaged"
    assert any("in no sum" in note for note in dump.heap_notes)


def test_unknown_kinds_are_refused(tmp_path: Path) -> None:
    _, dump = write(tmp_path)
    with pytest.raises(
        exceptions.OptionError, match="expected one of heap, size, size_class, content, source, found 'module'"
    ):
        dump.by("module")


def test_a_dump_without_heap_memory_says_so_first() -> None:
    dump = hd.read(b"MDMP\x93\xa7\0\0" + bytes(4) + (32).to_bytes(4, "little") + bytes(16))
    assert isinstance(dump, hd.Dump)
    assert str(dump.heap_memory).startswith("how much heap memory there was is not known")
    assert dump.heaps.is_empty()
    assert dump.heap_notes[1:] == ["no heap was found in the memory that the dump holds"]
    assert dump.by("size").is_empty()


@pytest.mark.skipif(not (CORPUS / "fizzbuzz_wow64.dmp").exists(), reason="NOT TESTED, the shared corpus is not here")
def test_a_real_dump_has_the_blocks_that_other_tools_and_its_own_counters_tell() -> None:
    dump = hd.read_dump(CORPUS / "fizzbuzz_wow64.dmp")
    assert dump._heap_state() == "whole"
    add_up(dump)
    heaps = {row["base"]: row for row in dump.heaps.iter_rows(named=True)}
    counted = {
        base: (
            row["bits"],
            row["backend_entry_count"],
            row["backend_entry_bytes"],
            row["free_bytes"] - row["lfh_free_bytes"],
        )
        for base, row in heaps.items()
    }
    assert counted == {
        0x10000: (64, 1, 64, 1_344),
        0x20000: (64, 1, 64, 62_784),
        0x460000: (32, 9, 10_944, 8_120),
        0x500000: (64, 25, 20_432, 9_648),
        0x700000: (32, 161, 77_120, 3_384),
        0x7EFE0000: (64, 188, 17_232, 560),
    }
    front = heaps[0x700000]
    lfh = dump.allocations.filter((pl.col("front_end") == "lfh") & (pl.col("state") == "busy"))
    assert (front["lfh_count"], front["lfh_free_count"], lfh["block_bytes"].sum()) == (152, 102, 5_640)
    # The tables of the front end are overhead: a block of its own, which no program asked for.
    large = dump.segments.filter(pl.col("kind") == "large").row(0, named=True)
    assert (large["base"], large["overhead_bytes"], large["busy_bytes"]) == (0xE0000, 868_352, 0)
    assert [row["base"] for row in heaps.values() if not row["listed"]] == [0x7EFE0000]
