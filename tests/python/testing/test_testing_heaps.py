"""Dumps with heaps: the answer against a reader of its own, and that reader against a real dump."""

from itertools import pairwise
from pathlib import Path

import heapdelta as hd
import naive_heap
import polars as pl
import pytest
from heapdelta import exceptions, testing

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "dumps"
SMALL = 40
KINDS = [
    {"windows": "10", "pointer_width": 64},
    {"windows": "10", "pointer_width": 32},
    {"windows": "7", "pointer_width": 64},
    {"windows": "7", "pointer_width": 32},
    {"windows": "10", "wow64": True},
    {"windows": "7", "wow64": True},
    {"windows": "10", "pointer_width": 64, "gflags": ("ust",)},
    {"windows": "7", "pointer_width": 32, "gflags": ("ust",)},
    {"windows": "10", "pointer_width": 32, "gflags": ("ust", "htc")},
    {"windows": "10", "pointer_width": 64, "gflags": ("htc",)},
    {"windows": "10", "pointer_width": 64, "step": 2},
]


def names(kind):
    return " ".join(str(part) for part in kind.values())


def read(answer):
    dump = naive_heap.Dump(answer.path)
    return dump, {heap.base: heap for heap in naive_heap.find(dump)}


def rows(frame, *columns):
    return set(frame.select(columns).iter_rows())


@pytest.fixture(params=KINDS, ids=names)
def written(request, tmp_path):
    # The leak begins with the second dump.
    return testing.write_heap_dump(tmp_path / "heaps.dmp", **{"stack_count": SMALL, "step": 1, **request.param})


def test_naive_reader_finds_every_block_and_no_other(written):
    _, heaps = read(written)
    assert set(heaps) == set(written.heaps["heap"])
    for base, heap in heaps.items():
        assert heap.wrong == []
        assert len(heap.keys) <= 1
        found = {(block.address, block.requested, block.front_end) for block in heap.blocks}
        expected = rows(written.busy.filter(heap=base), "address", "requested_bytes", "front_end")
        assert found == expected
        assert len(heap.blocks) == len(found)
    assert {"backend", "lfh", "large"} <= set(written.busy["front_end"])


def test_keys_are_those_of_the_process(written):
    _, heaps = read(written)
    by_width = {width: set() for width in (4, 8)}
    for heap in heaps.values():
        by_width[heap.layout.width] |= heap.keys
    assert [len(keys) for keys in by_width.values() if keys] == [1] * len([keys for keys in by_width.values() if keys])


def test_entries_and_sums_are_those_of_the_answer(written):
    _, heaps = read(written)
    for row in written.heaps.iter_rows(named=True):
        heap = heaps[row["heap"]]
        assert (heap.layout.width * 8, heap.is_encoded) == (row["pointer_width"], row["is_encoded"])
        assert len(heap.segments) == row["segment_count"]
        assert heap.uncommitted == row["uncommitted_bytes"]
        assert sum(entry.bytes for entry in heap.entries) == row["committed_bytes"]
        assert heap.free_bytes == row["free_bytes"]
        assert heap.lfh_free == row["lfh_free_bytes"]
        entries = written.blocks.filter(pl.col("front_end") == "backend", heap=row["heap"])
        assert {(entry.address, entry.bytes, entry.flags) for entry in heap.entries} == rows(
            entries, "entry", "entry_bytes", "flags"
        )
        busy = [block for block in heap.blocks if block.front_end != "large"]
        asked = row["busy_bytes"] + row["lfh_busy_bytes"]
        assert (len(busy), sum(block.requested for block in busy)) == (row["busy_count"] + row["lfh_busy_count"], asked)
        parts = asked + row["free_bytes"] + row["lfh_free_bytes"] + row["overhead_bytes"]
        assert parts + row["uncommitted_bytes"] == row["reserved_bytes"]


def test_regions_are_committed_where_entries_are(written):
    dump, found = read(written)
    committed = {}
    for _, allocation, size, state in dump.regions:
        if state == 0x1000:
            committed[allocation] = committed.get(allocation, 0) + size
    for row in written.heaps.iter_rows(named=True):
        assert sum(committed[segment] for segment in found[row["heap"]].segments) == row["committed_bytes"]
    ends = [(base, base + size) for base, _, size, _ in dump.regions]
    assert all(before[1] == after[0] for before, after in pairwise(ends))
    assert hd.read_dump(written.path).issues.is_empty()


def test_blocks_begin_with_what_the_answer_says(written):
    dump, heaps = read(written)
    seen = set()
    for row in written.busy.iter_rows(named=True):
        width = heaps[row["heap"]].layout.width
        start = dump.read(row["address"], min(row["requested_bytes"], 64))
        seen.add(row["content"])
        match row["content"]:
            case "vtable" | "function":
                assert int.from_bytes(start[:width], "little") == row["first_word"]
                assert any(base <= row["first_word"] < base + size for base, size in dump.modules)
            case "ascii":
                assert start.split(b"\0")[0].decode("ascii").rsplit(" ", 1)[1].isdigit()
            case "utf16":
                assert start.decode("utf-16-le", "replace").split("\0")[0].rsplit(" ", 1)[1].isdigit()
            case "pointer":
                assert int.from_bytes(start[:width], "little") == row["address"]
            case "debug_crt":
                head = dump.read(row["address"], 4 * width + 16)
                size = int.from_bytes(head[3 * width + 8 : 4 * width + 8], "little")
                assert size == row["requested_bytes"] - (0x34 if width == 8 else 0x24)
                assert head[-4:] == dump.read(row["address"] + row["requested_bytes"] - 4, 4) == b"\xfd" * 4
                assert int.from_bytes(head[4 * width + 8 : 4 * width + 12], "little") == row["request_number"]
                assert int.from_bytes(head[3 * width : 3 * width + 4], "little") == row["line"]
                file = int.from_bytes(head[2 * width : 3 * width], "little")
                assert dump.read(file, 64).split(b"\0")[0].decode() == row["file"]
            case "zeros":
                assert not any(start)
            case "noise":
                assert all(byte >= 0x80 for byte in start)
    assert {"vtable", "debug_crt", "ascii", "utf16", "pointer"} <= seen


def test_process_lists_its_heaps(written):
    dump, heaps = read(written)
    for width in {heap.layout.width for heap in heaps.values()}:
        own = {base for base, heap in heaps.items() if heap.layout.width == width}
        assert set(naive_heap.listed(dump, width)) == own


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "ust" in kind.get("gflags", ())], ids=names)
def test_stack_of_each_block_is_in_the_database(tmp_path, kind):
    answer = testing.write_heap_dump(tmp_path / "heaps.dmp", stack_count=SMALL, **kind)
    dump, heaps = read(answer)
    assert answer.global_flag & 0x1000
    modules = dict(hd.read_dump(answer.path).modules.select("name", "base").iter_rows())
    stacks = {}
    for heap in heaps.values():
        for block in heap.blocks:
            frames = naive_heap.stack(dump, heap, block.trace) if block.trace else None
            stacks[block.address] = frames
    for address, number in answer.busy.select("address", "stack").iter_rows():
        frames = stacks[address]
        assert (frames is None) == (number is None)
        if number is not None:
            places = [frame.rsplit("+", 1) for frame in answer.stacks[number]]
            assert frames == [modules[name] + int(offset, 16) for name, offset in places]


@pytest.mark.parametrize("pointer_width", [64, 32])
def test_patterns_stand_behind_blocks(tmp_path, pointer_width):
    kind = {"pointer_width": pointer_width, "gflags": ("htc",)}
    answer = testing.write_heap_dump(tmp_path / "heaps.dmp", stack_count=SMALL, **kind)
    dump, _ = read(answer)
    for address, size in answer.busy.select("address", "requested_bytes").iter_rows():
        assert dump.read(address + size, pointer_width // 4 if pointer_width == 64 else 8)[:8] == b"\xab" * 8


@pytest.mark.parametrize("pointer_width", [64, 32])
def test_page_heap_gives_blocks_pages_of_their_own(tmp_path, pointer_width):
    kind = {"pointer_width": pointer_width, "gflags": ("hpa", "ust")}
    answer = testing.write_heap_dump(tmp_path / "heaps.dmp", stack_count=SMALL, **kind)
    dump, heaps = read(answer)
    assert answer.global_flag & 0x0200_0000
    assert all(heap.wrong == [] for heap in heaps.values())
    own = answer.busy.filter(front_end="page_heap")
    assert own.height > 20
    head = 0x40 if pointer_width == 64 else 0x20
    for address, size, entry, pages in own.select("address", "requested_bytes", "entry", "entry_bytes").iter_rows():
        assert dump.number(address - head, 4) == 0xABCDBBBB
        assert dump.number(address - 4, 4) == 0xDCBABBBB
        assert dump.number(address - head + pointer_width // 4, pointer_width // 8) == size
        assert address + size <= entry + pages < address + size + 16
        with pytest.raises(naive_heap.LackingError):
            dump.read(entry + pages, 1)


def test_log_and_dump_of_a_moment_have_the_same_blocks(tmp_path):
    for kind in ({}, {"windows": "7", "wow64": True}):
        story = testing.write_heap_dumps(tmp_path, stack_count=SMALL, **kind)
        for dump, log in zip(story.dumps, story.logs, strict=True):
            snapshot = hd.read(log.path)
            logged = snapshot.allocations.select("address", "requested_bytes")
            width = 32 if kind else 64
            heaps = dump.heaps.filter(pointer_width=width)["heap"].implode()
            busy = dump.busy.filter(pl.col("heap").is_in(heaps))
            assert rows(logged, "address", "requested_bytes") == rows(busy, "address", "requested_bytes")
            assert (log.pid, log.total.allocation_count) == (dump.pid, busy.height)


def test_blocks_that_stay_lie_where_they_lay_and_the_leak_grows(tmp_path):
    story = testing.write_heap_dumps(tmp_path, stack_count=SMALL, steps=3)
    before, after = (answer.busy.select("address", "requested_bytes", "stack") for answer in story.dumps[:2])
    both = before.join(after, on="address", suffix="_after")
    assert both.height > 0.6 * before.height
    same = both.filter(pl.col("requested_bytes") == pl.col("requested_bytes_after"))
    assert same.height == both.height
    assert both.filter(pl.col("stack").ne_missing(pl.col("stack_after"))).is_empty()
    leak = story.dumps[0].stacks[story.growth["stack"][0]]
    assert any(frame.startswith(f"{story.dumps[0].culprit}+") for frame in leak)
    classes = story.dumps[1].busy.filter(stack=story.growth["stack"][0])
    assert classes["content"].is_in(["vtable", "debug_crt", "utf16"]).all()


def test_counters_of_the_process_grow_as_its_regions_do(tmp_path):
    story = testing.write_heap_dumps(tmp_path, stack_count=SMALL)
    charged, committed = [], []
    for path in (story.before, story.after):
        dump = hd.read_dump(path)
        charged.append(dump.memory_counters["private_usage"][0])
        committed.append(dump.regions.filter(state="commit", type="private")["size"].sum())
    assert charged[1] - charged[0] == committed[1] - committed[0] > 0


@pytest.mark.parametrize("damage", testing.HEAP_DAMAGE)
@pytest.mark.parametrize("windows", ["10", "7"])
def test_every_defect_is_one(tmp_path, damage, windows):
    kind = {"windows": windows, "stack_count": SMALL}
    sound = testing.write_heap_dump(tmp_path / "sound.dmp", **kind)
    broken = testing.write_heap_dump(tmp_path / "broken.dmp", damage=damage, **kind)
    assert broken.blocks.equals(sound.blocks)
    assert broken.path.read_bytes() != sound.path.read_bytes()
    dump = naive_heap.Dump(broken.path)
    if damage in ("unlisted-heap", "false-heap"):
        assert set(naive_heap.listed(dump, 8)) != set(sound.heaps["heap"])
        assert broken.damaged_at is None
    elif damage in ("flipped-header", "zero-size", "wrong-total-free", "wrong-bitmap", "looped-free-list"):
        heaps = {heap.base: heap for heap in naive_heap.find(dump)}
        holding = [base for base in sorted(heaps) if base <= broken.damaged_at]
        assert heaps[holding[-1]].wrong
        assert all(not heap.wrong for base, heap in heaps.items() if base != holding[-1])
    elif damage.startswith("missing"):
        with pytest.raises(naive_heap.LackingError):
            dump.read(broken.damaged_at, 1)


def test_same_options_write_the_same_bytes(tmp_path):
    first = testing.write_heap_dump(tmp_path / "first.dmp", stack_count=SMALL).path.read_bytes()
    assert testing.write_heap_dump(tmp_path / "second.dmp", stack_count=SMALL).path.read_bytes() == first
    assert testing.write_heap_dump(tmp_path / "other.dmp", stack_count=SMALL, seed=2).path.read_bytes() != first


def test_reference_heaps_have_the_blocks_asked_for(tmp_path):
    about, heaps = testing.write_reference_heaps(
        tmp_path / "big.dmp", heap_bytes=2**25, block_count=100_000, heap_count=3
    )
    assert (tmp_path / "big.dmp").stat().st_size == about["byte_count"]
    found = {heap.base: heap for heap in naive_heap.find(naive_heap.Dump(tmp_path / "big.dmp"))}
    assert set(found) == set(heaps["heap"])
    assert sum(len(heap.blocks) for heap in found.values()) == 100_000
    for row in heaps.iter_rows(named=True):
        heap = found[row["heap"]]
        assert heap.wrong == []
        assert sum(block.requested for block in heap.blocks) == row["busy_bytes"] + row["lfh_busy_bytes"]
    assert 0.8 < heaps["committed_bytes"].sum() / 2**25 < 1.25


@pytest.mark.parametrize(
    "wrong", [{"windows": "8"}, {"gflags": ("kst",)}, {"pointer_width": 16}, {"damage": "none such"}]
)
def test_unknown_options_are_said(tmp_path, wrong):
    with pytest.raises(exceptions.OptionError):
        testing.write_heap_dump(tmp_path / "heaps.dmp", **wrong)
    assert not (tmp_path / "heaps.dmp").exists()


#: Heap, width: busy entries but for the heap's own, their bytes, free bytes, blocks of the low-fragmentation heap.
REAL = {
    (0x500000, 8): (25, 20_432, 9_648, 0),
    (0x10000, 8): (1, 64, 1_344, 0),
    (0x20000, 8): (1, 64, 62_784, 0),
    (0x7EFE0000, 8): (188, 17_232, 560, 0),
    (0x700000, 4): (161, 77_120, 3_384, 152),
    (0x460000, 4): (9, 10_944, 8_120, 0),
}


def test_naive_reader_reads_a_real_dump():
    path = CORPUS / "fizzbuzz_wow64.dmp"
    if not path.exists():
        pytest.skip(f"the shared corpus is not here: {path.name}")
    dump = naive_heap.Dump(path)
    found = {}
    for heap in naive_heap.find(dump):
        assert (heap.layout.windows, heap.wrong) == ("7", [])
        busy = [entry.bytes for entry in heap.entries if entry.is_busy][1:]
        slots = [block for block in heap.blocks if block.front_end == "lfh"]
        found[heap.base, heap.layout.width] = (len(busy), sum(busy), heap.free_bytes, len(slots))
        assert len(heap.keys) == bool(slots)
    assert found == REAL
    assert naive_heap.listed(dump, 8) == [0x500000, 0x10000, 0x20000]
    assert naive_heap.listed(dump, 4) == [0x700000, 0x460000]
