"""Synthetic dumps as Python offers them: options and answers, by a look at the bytes without the reader."""

import struct
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import exceptions, testing

SMALL = 120
MODULE_LIST, MEMORY_LIST, MEMORY64_LIST, MISC_INFO, MEMORY_INFO_LIST = 4, 5, 9, 15, 16


def streams(data):
    """Number of each stream, and its bytes."""
    signature, _, count, directory = struct.unpack_from("<4sIII", data)
    assert signature == b"MDMP"
    entries = struct.iter_unpack("<III", data[directory : directory + 12 * count])
    return {number: data[offset : offset + size] for number, size, offset in entries}


@pytest.mark.parametrize("pointer_width", [64, 32])
@pytest.mark.parametrize("full", [False, True])
def test_answer_is_what_stands_in_the_file(tmp_path, pointer_width, full):
    path = tmp_path / "after.dmp"
    answer = testing.write_dump(path, step=1, stack_count=SMALL, pointer_width=pointer_width, full=full)
    data = path.read_bytes()
    assert len(data) == answer.byte_count
    found = streams(data)
    (modules,) = struct.unpack_from("<I", found[MODULE_LIST])
    assert modules == answer.module_count
    assert struct.unpack_from("<8xI", found[MISC_INFO]) == (answer.pid,)
    _, size, count = struct.unpack_from("<IIQ", found[MEMORY_INFO_LIST])
    assert count == answer.region_count
    regions = list(struct.iter_unpack("<QQIIQIIII", found[MEMORY_INFO_LIST][16 : 16 + size * count]))
    committed = sum(region[4] for region in regions if region[5] == 0x1000)
    assert committed == sum(sums.committed_bytes for sums in answer.classes.values())
    assert all(before[0] + before[4] == after[0] for before, after in pairwise(regions))
    ranges = found[MEMORY64_LIST if full else MEMORY_LIST]
    assert struct.unpack_from("<Q" if full else "<I", ranges) == (answer.memory_range_count,)
    assert answer.memory_bytes < answer.byte_count


@pytest.mark.parametrize("restarted", [False, True])
def test_dumps_are_of_the_process_in_the_logs(tmp_path, restarted):
    logs = testing.write_investigation(tmp_path, stack_count=SMALL, restarted=restarted)
    dumps = testing.write_dump_investigation(tmp_path, stack_count=SMALL, restarted=restarted)
    assert dumps.paths == (tmp_path / "before.dmp", tmp_path / "after.dmp")
    for log, dump in zip(logs.answers, dumps.answers, strict=True):
        assert log.pid == dump.pid
        logged = datetime.strptime(log.taken_at, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        assert dump.taken_at - logged == timedelta(minutes=5)
        assert dump.process_created_at < logged
        assert dump.heap_block_bytes == log.total.requested_bytes + log.total.overhead_bytes
        # The path of one passing module is all that a dump has more.
        assert dump.module_count == log.module_count + 1
    before, after = (answer.process_created_at for answer in dumps.answers)
    assert (before == after) is not restarted


def test_growth_is_the_one_the_story_tells(tmp_path):
    logs = testing.write_investigation(tmp_path)
    dumps = testing.write_dump_investigation(tmp_path)
    blocks = logs.answers[1].total - logs.answers[0].total
    heap = dumps.growth["heap"].committed_bytes
    assert abs(heap - blocks.requested_bytes - blocks.overhead_bytes) <= 5 * 4096
    assert heap > logs.leaked_bytes
    assert dumps.growth["mapped"].committed_bytes == 3 * 2**20
    assert dumps.growth["image"].committed_bytes == sum(dumps.module_growth.values())
    assert {name: size > 0 for name, size in dumps.module_growth.items()} == {"fhexport": True, "fhprint": False}
    assert dumps.handle_growth == {"Event": 40}
    assert list(dumps.thread_growth.values()) == [3]
    assert next(iter(dumps.thread_growth)).startswith(f"{logs.culprit}+0x")
    private = ("heap", "stack", "teb", "peb", "private")
    assert dumps.private_usage_growth == sum(dumps.growth[name].committed_bytes for name in private)


def test_later_steps_go_on(tmp_path):
    story = testing.write_dump_investigation(tmp_path, steps=4, stack_count=SMALL)
    assert [path.name for path in story.paths] == ["before.dmp", "after.dmp", "after_2.dmp", "after_3.dmp"]
    assert [answer.handle_types["Event"] for answer in story.answers] == [148, 188, 228, 268]
    assert [answer.unloaded_module_count for answer in story.answers] == [1, 2, 2, 2]


def test_same_options_write_the_same_bytes(tmp_path):
    first = testing.write_dump(tmp_path / "first.dmp", stack_count=SMALL).path.read_bytes()
    assert testing.write_dump(tmp_path / "second.dmp", stack_count=SMALL).path.read_bytes() == first
    assert testing.write_dump(tmp_path / "other.dmp", stack_count=SMALL, seed=2).path.read_bytes() != first


@pytest.mark.parametrize("damage", testing.DAMAGE)
def test_every_defect_can_be_written(tmp_path, damage):
    full = damage == "size-overflow"  # a defect of Memory64List
    sound = testing.write_dump(tmp_path / "sound.dmp", stack_count=SMALL, full=full)
    broken = testing.write_dump(tmp_path / "broken.dmp", stack_count=SMALL, full=full, damage=damage)
    assert broken.path.stat().st_size == broken.byte_count
    assert broken.path.read_bytes() != sound.path.read_bytes()


def test_reference_dump_has_the_sizes_asked_for(tmp_path):
    sizes = {
        "memory_bytes": 2**24,
        "range_count": 400,
        "region_count": 1000,
        "module_count": 30,
        "handle_count": 70,
        "thread_count": 5,
    }
    answer = testing.write_reference_dump(tmp_path / "small.dmp", **sizes)
    assert {name: answer[name] for name in sizes} == sizes
    data = (tmp_path / "small.dmp").read_bytes()
    assert len(data) == answer["byte_count"]
    found = streams(data)
    count, offset = struct.unpack_from("<QQ", found[MEMORY64_LIST])
    assert (count, len(data) - offset) == (sizes["range_count"], sizes["memory_bytes"])
    words = 0
    for _, size in struct.iter_unpack("<QQ", found[MEMORY64_LIST][16:]):
        words += sum(struct.unpack_from("<Q", data, at)[0] for at in (offset, offset + size - 8))
        offset += size
    assert words % 2**64 == answer["end_words"]


@pytest.mark.parametrize(
    "wrong",
    [{"damage": "rust"}, {"pointer_width": 16}, {"pointer_width": 32, "step": 60}],
)
def test_options_out_of_range_are_told(tmp_path, wrong):
    with pytest.raises(exceptions.OptionError):
        testing.write_dump(tmp_path / "x.dmp", stack_count=SMALL, **wrong)


def test_reference_options_out_of_range_are_told(tmp_path):
    with pytest.raises(exceptions.OptionError):
        testing.write_reference_dump(tmp_path / "x.dmp", kind="full-9g")
    with pytest.raises(exceptions.OptionError):
        testing.write_reference_dump(tmp_path / "x.dmp", sheep_count=3)
    with pytest.raises(ValueError, match="at least 2 steps"):
        testing.write_dump_investigation(tmp_path, steps=1)


def test_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(exceptions.HeapdeltaError):
        testing.write_dump(tmp_path / "no" / "x.dmp", stack_count=SMALL)


@pytest.mark.parametrize("pointer_width", [64, 32])
def test_reader_finds_the_answer_that_was_written(tmp_path, pointer_width):
    answer = testing.write_dump(tmp_path / "x.dmp", step=1, stack_count=SMALL, pointer_width=pointer_width)
    dump = hd.read(answer.path)
    assert dump.issues.is_empty()
    assert (dump.pid, dump.taken_at, dump.process_created_at) == (
        answer.pid,
        answer.taken_at,
        answer.process_created_at,
    )
    assert dump.pointer_width == pointer_width
    committed = dump.regions.filter(pl.col("state") == "commit").group_by("class").agg(pl.col("size").sum())
    assert dict(committed.iter_rows()) == {name: sums.committed_bytes for name, sums in answer.classes.items()}
    assert dict(dump.modules.select("name", "size").iter_rows()) == answer.modules
    handles = dump.handles.group_by("type").len()
    assert dict(handles.iter_rows()) == answer.handle_types
    assert dump.memory_counters["private_usage"][0] == answer.private_usage
    assert (dump.threads.height, dump.regions.height) == (answer.thread_count, answer.region_count)
    assert (dump.memory.height, dump.memory["size"].sum()) == (answer.memory_range_count, answer.memory_bytes)


@pytest.mark.parametrize("damage", testing.DAMAGE)
def test_reader_tells_of_damage_and_never_fails_on_it(tmp_path, damage):
    answer = testing.write_dump(tmp_path / "x.dmp", stack_count=SMALL, damage=damage)
    if damage == "cut-header":
        with pytest.raises(exceptions.HeapdeltaError, match="expected a minidump"):
            hd.read(answer.path)
        return
    dump = hd.read(answer.path)
    assert dump.issues.schema.names() == [
        "severity",
        "kind",
        "stream",
        "index",
        "byte",
        "text",
        "action",
        "count",
    ]
    if damage != "cut-directory":
        assert dump.threads.height == answer.thread_count
