"""Segment heaps: block for block against what was written and a naive reader; what becomes of damaged ones."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import heapdelta as hd
import naive_heap
import naive_segment_heap
import polars as pl
import programs
import pytest
from heapdelta import testing
from heapdelta._capture.heap_walk import _within
from walked_heaps import add_up, busy_of

PDBS = {64: "ntdll.pdb", 32: "wntdll.pdb"}
IDS = {64: "706165686564746C61206E74646C36341", 32: "706165686564746C61206E74646C33321"}
KINDS: list[dict[str, Any]] = [{"pointer_width": 64}, {"pointer_width": 32}, {"wow64": True}]


def name_of(kind: dict[str, Any]) -> str:
    return " ".join(f"{key} {value}" for key, value in kind.items())


class Written:
    """A dump with segment heaps, and what is known of the one that the story is of."""

    def __init__(self, folder: Path, kind: dict[str, Any], **options: Any) -> None:
        path = folder / "heaps.dmp"
        self.kind = kind
        options = {"windows": "unknown", "segment_heap": True, "stack_count": 40, **kind, **options}
        self.answer = testing.write_heap_dump(path, **options)
        self.store = hd.symbols(programs.put(folder / "symbols", *(f"ntdll/{name}" for name in PDBS.values())))
        if "damage" in options:
            return
        self.naive = naive_heap.Dump(path)
        self.heaps = naive_segment_heap.find(self.naive)
        assert len(self.heaps) == (2 if "wow64" in kind else 1)
        self.heap = min(self.heaps, key=lambda heap: heap.base)
        self.layout = self.heap.layout
        self.bits = 8 * self.layout.width
        assert self.bits == kind.get("pointer_width", 32)
        self.segment_bytes = self.layout.units << 12
        own = self.answer.blocks.filter(heap=self.heap.base)
        self.busy = set(own.filter(state="busy").select("heap", "address", "requested_bytes", "front_end").rows())
        self.free = own.filter(state="free").group_by("front_end").agg(pl.len(), pl.col("entry_bytes").sum())

    def read(self) -> hd.Dump:
        return hd.read_dump(self.answer.path).with_symbols(self.store)

    def spoiled(self, address: int, change: bytes) -> hd.Dump:
        """The dump with other bytes at an address."""
        base, _, offset = next(one for one in self.naive.ranges if one[0] <= address < one[0] + one[1])
        place = offset + address - base
        return self.of_bytes(self.naive.data[:place] + change + self.naive.data[place + len(change) :])

    def of_bytes(self, data: bytes) -> hd.Dump:
        dump = hd.read(data)
        assert isinstance(dump, hd.Dump)
        return dump.with_symbols(self.store)

    def row(self, dump: hd.Dump) -> dict[str, object]:
        return dump.heaps.filter(base=self.heap.base).row(0, named=True)

    def own(self, dump: hd.Dump) -> set[tuple[int, int, int, str]]:
        return {block for block in busy_of(dump) if block[0] == self.heap.base}


@pytest.fixture(scope="module", params=KINDS, ids=name_of)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("segment"), request.param)


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_blocks_are_those_that_were_written_and_those_of_the_naive_reader(
    seed: int, kind: dict[str, Any], tmp_path: Path
) -> None:
    written = Written(tmp_path, kind, seed=seed)
    dump = written.read()
    assert {front_end for _, _, _, front_end in written.busy} == {"backend", "vs", "lfh", "large"}
    assert {(written.heap.base, *block) for block in written.heap.blocks} == written.busy
    assert written.own(dump) == written.busy
    row = written.row(dump)
    assert (row["bits"], row["trust"]) == (written.bits, "proved")
    assert row["layout"] == f"{PDBS[written.bits]} {IDS[written.bits]}, segment heap"
    assert (row["unknown_bytes"], row["flags"], row["front_end"]) == (0, None, "lfh")
    assert "committed bytes, as the dump lists" in str(row["proof"])
    assert dump.heap_issues.filter(pl.col("severity") != "info").is_empty()
    add_up(dump)
    free = dump.allocations.filter(pl.col("heap_id") == row["heap_id"], pl.col("state") == "free")
    found = free.group_by(pl.col("front_end").cast(pl.String)).agg(pl.len(), pl.col("block_bytes").sum())
    assert set(found.rows()) == set(written.free.rows())
    naive = pl.DataFrame(written.heap.free, schema=["front_end", "bytes"], orient="row").filter(pl.col("bytes") > 0)
    assert set(naive.group_by("front_end").agg(pl.len(), pl.col("bytes").sum()).rows()) == set(written.free.rows())
    assert dump.segments.filter(pl.col("heap_id") == row["heap_id"])["kind"].unique().sort().to_list() == [
        "header",
        "large",
        "segment",
    ]
    note = "read by the symbols of ntdll, which is experimental: no real process with segment heaps"
    assert any(note in words for words in dump.heap_notes)
    for heap in written.heaps:
        blocks = {(heap.base, *block) for block in heap.blocks}
        own = written.answer.blocks.filter(heap=heap.base, state="busy")
        assert set(own.select("heap", "address", "requested_bytes", "front_end").rows()) == blocks
        assert {block for block in busy_of(dump) if block[0] == heap.base} == blocks
    assert set(dump.heaps["trust"]) == {"proved"}
    assert dump._heap_state() == "whole"


def test_without_symbols_such_a_heap_is_named_and_so_is_what_reads_it(written: Written, tmp_path: Path) -> None:
    dump = hd.read_dump(written.answer.path)
    for bits, pdb in PDBS.items():
        other = programs.content(f"ntdll/{pdb}").replace(f"heapdelta ntdl{bits}".encode(), b"heapdelta other!")
        (tmp_path / pdb).write_bytes(other)
    for unread in (dump, dump.with_symbols(hd.symbols(tmp_path), by_name=True)):
        row = written.row(unread)
        assert (row["base"], row["trust"], row["busy_bytes"]) == (written.heap.base, "unproved", None)
        texts = unread.heap_issues.filter(kind="segment_heap")["text"]
        assert len(texts) == len(written.heaps)
        name = PDBS[written.bits]
        assert f" ({name}/{IDS[written.bits]}/{name} " in texts[0]
        assert any("with_symbols reads such heaps" in note for note in unread.heap_notes)


def test_symbols_that_lack_a_field_name_it(written: Written, tmp_path: Path) -> None:
    changes = {
        (b"SegContexts\0", b"SegContextz\0"): "its _SEGMENT_HEAP has no SegContexts",
        (b"BlockBitmap\0", b"BlockBitmab\0"): "its _HEAP_LFH_SUBSEGMENT has no BlockBitmap",
        (b"DescArray\0", b"DescArraz\0"): "its _HEAP_PAGE_SEGMENT has no DescArray",
    }
    for (field, other), words in changes.items():
        # A folder for each, for Windows lets nobody write into a file that is mapped.
        folder = tmp_path / other[:-1].decode()
        folder.mkdir()
        for pdb in PDBS.values():
            (folder / pdb).write_bytes(programs.content(f"ntdll/{pdb}").replace(field, other))
        dump = hd.read_dump(written.answer.path).with_symbols(hd.symbols(folder))
        assert written.row(dump)["trust"] == "unproved"
        text = dump.heap_issues.filter(kind="segment_heap")["text"][0]
        assert text.endswith(f"{PDBS[written.bits]} {IDS[written.bits]}: {words}")
        assert set(dump.heaps.filter(kind="nt")["trust"]) == {"proved"}


def damaged(written: Written, dump: hd.Dump, kind: str, unknown: int | None = None) -> set[tuple[int, int, int, str]]:
    """Check that a heap says what is wrong with it, and give the blocks that are lost."""
    add_up(dump)
    row = written.row(dump)
    assert row["trust"] == "damaged"
    assert kind in dump.heap_issues["kind"].to_list()
    if unknown is not None:
        assert row["unknown_bytes"] == unknown
    assert written.own(dump) <= written.busy
    assert dump._heap_state() == "damaged"
    return written.busy - written.own(dump)


def test_a_damaged_chunk_costs_its_bytes(written: Written) -> None:
    chunk = written.answer.segment_places[0]
    size = next(row for row in written.answer.blocks.filter(entry=chunk).iter_rows(named=True))["entry_bytes"]
    layout = written.layout
    for change in (b"\0" * layout.width, b"\xff" * layout.width):
        lost = damaged(written, written.spoiled(chunk + layout.chunk_sizes, change), "heap_damage", size)
        assert {address for _, address, _, _ in lost} <= {chunk + layout.chunk_header}


def test_an_area_that_the_key_does_not_fit_is_unknown(written: Written) -> None:
    area = written.answer.segment_places[1]
    lost = damaged(written, written.spoiled(area + written.layout.lfh_offsets, b"\x12\x34\x56\x78"), "heap_front_end")
    assert lost
    assert {front_end for _, _, _, front_end in lost} == {"lfh"}
    assert {area <= address < area + 0x40000 for _, address, _, _ in lost} == {True}


def test_a_page_segment_of_another_key_is_unknown(written: Written) -> None:
    segment = written.answer.segment_places[2]
    size = written.segment_bytes
    spoiled = written.spoiled(segment + written.layout.segment_signature, b"\xaa")
    lost = damaged(written, spoiled, "heap_damage", size)
    assert {segment <= address < segment + size for _, address, _, _ in lost} == {True}


def test_a_descriptor_that_contradicts_the_others_costs_its_range(written: Written) -> None:
    area = written.answer.segment_places[1]
    segment = area & -written.segment_bytes
    layout = written.layout
    place = segment + layout.descriptor * ((area - segment) >> 12) + layout.descriptor_units
    units = written.naive.number(place, 1)
    lost = damaged(written, written.spoiled(place, b"\0"), "heap_damage", units << 12)
    assert {area <= address < area + (units << 12) for _, address, _, _ in lost} == {True}


def test_a_dump_that_ends_before_a_chunk_lacks_what_is_behind(written: Written) -> None:
    chunk = written.answer.segment_places[0]
    base, _, offset = next(one for one in written.naive.ranges if one[0] <= chunk < one[0] + one[1])
    dump = written.of_bytes(written.naive.data[: offset + chunk - base])
    add_up(dump)
    assert written.own(dump) < written.busy
    assert written.row(dump)["unknown_bytes"]
    assert "heap_pages" in dump.heap_issues["kind"].to_list()


def test_pages_that_the_dump_lacks_are_unknown(written: Written) -> None:
    segment = written.answer.segment_places[2]
    own = [at for at in written.naive.ranges if segment <= at[0] < segment + written.segment_bytes]
    base, size, _ = own[-1]
    assert len(own) > 1
    # The dump says that these bytes are of other addresses.
    place = written.naive.data.index(struct.pack("<QQ", base, size))
    other = struct.pack("<Q", 0x7F00_0000)
    dump = written.of_bytes(written.naive.data[:place] + other + written.naive.data[place + 8 :])
    add_up(dump)
    assert written.own(dump) <= written.busy
    missing = {block for block in written.busy if base <= block[1] < base + size}
    kept = {block for block in written.busy - missing if not base - 0x1_0000 <= block[1] < base + size}
    assert kept <= written.own(dump)
    held, whole = dump.heap_memory, written.read().heap_memory
    assert held.committed_bytes == whole.committed_bytes
    assert held.held_bytes == whole.held_bytes - size


@pytest.mark.parametrize("damage", testing.HEAP_DAMAGE)
@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_damage_of_the_other_heaps_changes_no_block(kind: dict[str, Any], damage: str, tmp_path: Path) -> None:
    written = Written(tmp_path, kind, damage=damage)
    dump = written.read()
    add_up(dump)
    bases = dump.heaps.filter(kind="segment")["base"]
    assert len(bases) > 0 or damage == "cut"
    own = written.answer.blocks.filter(pl.col("heap").is_in(bases.implode()), state="busy")
    blocks = set(own.select("heap", "address", "requested_bytes", "front_end").rows())
    found = {block for block in busy_of(dump) if block[0] in set(bases)}
    assert found <= blocks
    if damage != "cut":
        assert found == blocks
        assert set(dump.heaps.filter(kind="segment")["trust"]) == {"proved"}


def committed_in(dump: hd.Dump, naive: naive_heap.Dump) -> int:
    """Committed bytes of the allocations that are segments, by the naive reader's list of regions."""
    bases = set(dump.segments.filter(pl.col("kind").is_in(["segment", "header"]))["base"])
    return sum(size for _, base, size, state in naive.regions if base in bases and state == 0x1000)


def test_heap_memory_counts_page_segments_where_symbols_tell_them(written: Written) -> None:
    dump = written.read()
    before = dump._walks.done
    assert "not counted are the page segments of" in dump._repr_html_()
    assert (before, dump._walks.done) == (False, False), "to show a dump reads no heap"
    memory = dump.heap_memory
    assert (memory.of, memory.unread_segment_heaps) == ("heap", 0)
    own = dump.segments.filter(pl.col("kind") == "large")
    sums = dump.heaps["committed_bytes"].sum() - (own["reserved_bytes"] - own["uncommitted_bytes"]).sum()
    assert memory.held_bytes == memory.committed_bytes == committed_in(dump, written.naive) == sums
    assert str(memory).endswith("in segments of heaps are in this dump (100 %)")
    assert dump.heap_notes[0] == str(memory)
    assert str(memory) in dump._repr_html_().replace("&#x27;", "'")


def test_heap_memory_says_which_heaps_it_does_not_count(written: Written) -> None:
    dump = hd.read_dump(written.answer.path)
    memory = dump.heap_memory
    assert not dump._walks.done, "without symbols there is nothing to read"
    count = len(written.heaps)
    assert memory.unread_segment_heaps == count
    words = f"; not counted are the page segments of {count} segment heap{'s' if count > 1 else ''}"
    assert str(memory).endswith(words)
    dump.heaps  # noqa: B018 - a walk that reads no segment heap
    assert dump.heap_memory == memory
    whole = written.read().heap_memory.committed_bytes
    assert memory.committed_bytes is not None
    assert whole is not None
    assert whole > memory.committed_bytes > 0


def test_any_changed_byte_leaves_sums_exact(written: Written) -> None:
    chunk, area, segment = written.answer.segment_places
    places = [
        *range(written.heap.base + 0x10, written.heap.base + 0x190, 5),
        *range(segment, segment + 0x200, 7),
        *range(area, area + 0x60, 3),
        *range(chunk - 0x40, chunk + 0x80, 5),
    ]
    for number, place in enumerate(places):
        dump = written.spoiled(place, bytes([(0x01, 0x80, 0xFF, 0x00)[number % 4] ^ written.naive.read(place, 1)[0]]))
        add_up(dump)
        assert dump.heaps.height > 1


def test_lists_that_overlap_everywhere_are_cut_in_no_time() -> None:
    parts = [(place << 16, 1 << 16) for place in range(2000)]
    cut = list(_within([(0, 1 << 32)] * 2000, parts))
    assert sum(size for _, size in cut) == 2000 << 16
    assert len(cut) <= 2000
    assert list(_within([(10, 20), (25, 10), (50, 5)], [(0, 12), (30, 30), (58, 9)])) == [(10, 2), (30, 5), (50, 5)]
    assert list(_within([], parts)) == list(_within(parts, [])) == []
