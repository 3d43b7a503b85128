"""Segment heaps: block for block against what was written and a naive reader; what becomes of damaged ones."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import naive_heap
import naive_segment_heap
import polars as pl
import programs
import pytest
from heapdelta import testing
from walked_heaps import add_up, busy_of

PDB = "ntdll/ntdll.pdb"
ID = "706165686564746C61206E74646C36341"


class Written:
    """A dump with a segment heap, and what is known of it."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        path = folder / "heaps.dmp"
        self.answer = testing.write_heap_dump(path, windows="unknown", segment_heap=True, stack_count=40, seed=seed)
        self.naive = naive_heap.Dump(path)
        (self.heap,) = naive_segment_heap.find(self.naive)
        self.store = hd.symbols(programs.put(folder / "symbols", PDB))
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
        return dump.heaps.filter(kind="segment").row(0, named=True)

    def own(self, dump: hd.Dump) -> set[tuple[int, int, int, str]]:
        return {block for block in busy_of(dump) if block[0] == self.heap.base}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("segment"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_blocks_are_those_that_were_written_and_those_of_the_naive_reader(seed: int, tmp_path: Path) -> None:
    written = Written(tmp_path, seed)
    dump = written.read()
    assert {front_end for _, _, _, front_end in written.busy} == {"backend", "vs", "lfh", "large"}
    assert {(written.heap.base, *block) for block in written.heap.blocks} == written.busy
    assert written.own(dump) == written.busy
    row = written.row(dump)
    assert (row["base"], row["trust"], row["layout"]) == (written.heap.base, "proved", f"ntdll.pdb {ID}, segment heap")
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
    note = "1 segment heap was read by the symbols of ntdll, which is experimental: no real process with segment heaps"
    assert any(words.startswith(note) for words in dump.heap_notes)
    assert dump._heap_state() == "whole"


def test_without_symbols_such_a_heap_is_named_and_so_is_what_reads_it(written: Written, tmp_path: Path) -> None:
    dump = hd.read_dump(written.answer.path)
    other = programs.content(PDB).replace(b"heapdelta ntdl64", b"heapdelta other!")
    (tmp_path / "ntdll.pdb").write_bytes(other)
    for unread in (dump, dump.with_symbols(hd.symbols(tmp_path), by_name=True)):
        row = written.row(unread)
        assert (row["base"], row["trust"], row["busy_bytes"]) == (written.heap.base, "unproved", None)
        text = unread.heap_issues.filter(kind="segment_heap")["text"].item()
        assert f"ntdll.pdb/{ID}/ntdll.pdb" in text
        assert any("with_symbols reads such heaps" in note for note in unread.heap_notes)


def test_symbols_that_lack_a_field_name_it(written: Written, tmp_path: Path) -> None:
    (tmp_path / "ntdll.pdb").write_bytes(programs.content(PDB).replace(b"SegContexts\0", b"SegContextz\0"))
    dump = hd.read_dump(written.answer.path).with_symbols(hd.symbols(tmp_path))
    assert written.row(dump)["trust"] == "unproved"
    text = dump.heap_issues.filter(kind="segment_heap")["text"].item()
    assert text.endswith(f"ntdll.pdb {ID}: its _SEGMENT_HEAP has no SegContexts")
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
    for change in (b"\0" * 8, b"\xff" * 8):
        lost = damaged(written, written.spoiled(chunk + 8, change), "heap_damage", size)
        assert {address for _, address, _, _ in lost} <= {chunk + 16}


def test_an_area_that_the_key_does_not_fit_is_unknown(written: Written) -> None:
    area = written.answer.segment_places[1]
    lost = damaged(written, written.spoiled(area + 0x28, b"\x12\x34\x56\x78"), "heap_front_end")
    assert lost
    assert {front_end for _, _, _, front_end in lost} == {"lfh"}
    assert {area <= address < area + 0x40000 for _, address, _, _ in lost} == {True}


def test_a_page_segment_of_another_key_is_unknown(written: Written) -> None:
    segment = written.answer.segment_places[2]
    lost = damaged(written, written.spoiled(segment + 0x18, b"\xaa"), "heap_damage", 1 << 20)
    assert {segment <= address < segment + (1 << 20) for _, address, _, _ in lost} == {True}


def test_a_descriptor_that_contradicts_the_others_costs_its_range(written: Written) -> None:
    area = written.answer.segment_places[1]
    segment = area & ~0xFFFFF
    descriptor = segment + 0x20 * ((area - segment) >> 12)
    units = written.naive.number(descriptor + 0x1E, 1)
    lost = damaged(written, written.spoiled(descriptor + 0x1E, b"\0"), "heap_damage", units << 12)
    assert {area <= address < area + (units << 12) for _, address, _, _ in lost} == {True}


def test_a_dump_that_ends_before_a_chunk_lacks_what_is_behind(written: Written) -> None:
    chunk = written.answer.segment_places[0]
    base, _, offset = next(one for one in written.naive.ranges if one[0] <= chunk < one[0] + one[1])
    dump = written.of_bytes(written.naive.data[: offset + chunk - base])
    add_up(dump)
    assert written.own(dump) < written.busy
    assert written.row(dump)["unknown_bytes"]
    assert "heap_pages" in dump.heap_issues["kind"].to_list()


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
