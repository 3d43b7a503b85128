"""Minidumps in Python: header, tables, memory, and logs completed by them."""

from __future__ import annotations

import pickle
import re
from datetime import UTC, datetime

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import exceptions, testing


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    folder = tmp_path_factory.mktemp("story")
    dumps = testing.write_dump_investigation(folder, stack_count=200)
    logs = testing.write_investigation(folder, stack_count=200)
    return dumps, logs


@pytest.fixture(scope="module")
def dump(story) -> hd.Dump:
    read = hd.read(story[0].before)
    assert isinstance(read, hd.Dump)
    return read


def test_a_dump_stands_beside_a_snapshot_and_has_a_header(dump, story):
    answer = story[0].answers[0]
    assert not isinstance(dump, hd.Snapshot)
    assert (dump.format, dump.encoding, dump.tool_version, dump.machine) == ("minidump", "binary", None, None)
    assert (dump.pid, dump.taken_at, dump.process_created_at) == (
        answer.pid,
        answer.taken_at,
        answer.process_created_at,
    )
    assert dump.taken_at.tzinfo is not None
    assert dump.byte_count == answer.byte_count == answer.path.stat().st_size
    assert (dump.os, dump.cpu, dump.pointer_width) == ("windows", "amd64", 64)
    assert re.fullmatch(r"\d+\.\d+\.\d+", dump.os_version)
    assert dump.comment is None or isinstance(dump.comment, str)
    assert dump.flags >= 0
    assert min(dump.user_time, dump.kernel_time, dump.processor_count) >= 0


def test_tables_are_those_that_were_written(dump, story):
    answer = story[0].answers[0]
    rows = {name: getattr(dump, name).height for name in hd.Dump._names}
    assert rows["modules"] == answer.module_count
    assert rows["unloaded_modules"] == answer.unloaded_module_count
    assert rows["threads"] == answer.thread_count
    assert rows["regions"] == answer.region_count
    assert rows["handles"] == answer.handle_count
    assert rows["memory"] == answer.memory_range_count
    assert (rows["memory_counters"], rows["system_memory"], rows["issues"]) == (1, 1, 0)
    assert dump.memory_counters["private_usage"].item() == answer.private_usage
    assert dict(dump.handles["type"].value_counts().iter_rows()) == answer.handle_types
    assert dump.threads.schema["created_at"] == pl.Datetime("ns", "UTC")
    assert dump.threads.schema["user_time"] == pl.Duration("ns")
    assert pl.DataFrame(dump.arrow("regions")).equals(dump.regions)


def test_classes_of_regions_add_up_to_the_committed_total(dump, story):
    state = pl.col("state")
    sums = (
        dump.regions.filter(state != "free")
        .group_by("class")
        .agg(
            pl.col("size").filter(state == "commit").sum().alias("committed"),
            pl.col("size").filter(state == "reserve").sum().alias("reserved"),
            pl.len().alias("count"),
        )
    )
    known = {
        name: (sums.committed_bytes, sums.reserved_bytes, sums.region_count)
        for name, sums in story[0].answers[0].classes.items()
    }
    assert {row[0]: row[1:] for row in sums.iter_rows()} == known
    committed = dump.regions.filter(state == "commit")["size"].sum()
    assert sums["committed"].sum() == committed
    assert dump.regions.filter(pl.col("class") == "image")["module"].null_count() == 0
    assert dump.regions.filter(pl.col("class") == "private")["module"].null_count() == (
        dump.regions.filter(pl.col("class") == "private").height
    )


def test_memory_is_a_view_that_cannot_be_written(dump):
    base, size = dump.memory.select("base", "size").row(0)
    view = dump.bytes_at(base, min(size, 64))
    assert isinstance(view, memoryview)
    assert (view.readonly, view.nbytes, view.format, view.contiguous) == (True, min(size, 64), "B", True)
    with pytest.raises(TypeError):
        view[0] = 1
    assert dump.bytes_at(base, 0).nbytes == 0
    assert bytes(dump.bytes_at(base + 1, 8)) == bytes(view[1:9])


def test_views_outlive_their_dump(story):
    dump = hd.read(story[0].before)
    module = dump.modules.row(0, named=True)
    view = dump.bytes_at(module["base"], 2)
    del dump
    assert bytes(view) == b"MZ"


def test_absent_memory_is_an_error_that_names_it(dump):
    with pytest.raises(
        exceptions.AbsentMemoryError, match=r"expected 16 bytes at 0x10, found 16 absent from 0x10 on"
    ) as caught:
        dump.bytes_at(16, 16)
    assert isinstance(caught.value, LookupError)
    assert caught.value.kind == "absent_memory"
    assert caught.value.path == dump.path
    for address, size in [(-1, 4), (0, -4), (1 << 64, 1)]:
        with pytest.raises(OverflowError):
            dump.bytes_at(address, size)


def test_bytes_files_and_paths_give_the_same(story, dump):
    content = story[0].before.read_bytes()
    with story[0].before.open("rb") as file:
        others = [hd.read(content), hd.read(bytearray(content)), hd.read(memoryview(content)), hd.read(file)]
    for other in others:
        assert isinstance(other, hd.Dump)
        for name in hd.Dump._names:
            assert getattr(other, name).equals(getattr(dump, name)), name
    assert others[0].path is None
    assert others[3].path == str(story[0].before)


@pytest.mark.parametrize("name", ["sections", "frame_symbols"])
def test_a_dump_says_that_it_has_no_tables_of_logs(dump, name):
    with pytest.raises(exceptions.NoTableError, match=f"a minidump has no {name}") as caught:
        getattr(dump, name)
    assert isinstance(caught.value, AttributeError)
    assert "only a heap log" in caught.value.message
    assert "regions" in caught.value.hint
    assert not hasattr(dump, name)
    assert name not in dir(dump)
    with pytest.raises(exceptions.OptionError):
        dump.arrow(name)


def test_a_log_says_that_it_has_no_tables_of_dumps(story):
    log = hd.read(story[1].before)
    with pytest.raises(exceptions.NoTableError, match="a umdh2 log has no regions: only a minidump has"):
        _ = log.regions
    with pytest.raises(AttributeError, match="'Snapshot' object has no attribute 'nothing'"):
        _ = log.nothing


def test_what_only_another_kind_of_file_has_is_told_with_its_name(dump, story):
    log = hd.read_log(story[1].before)
    comparison = hd.read_comparison(
        b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"
    )
    for capture, name, told in [
        (dump, "with_modules", "a minidump has no with_modules: only a heap log has"),
        (dump, "radix", "a minidump has no radix: only the comparison of two logs has"),
        (dump, "stack", "a minidump has no stack: only the comparison of two logs has"),
        (log, "total", "a umdh2 log has no total of its own: live() and the comparison of two logs have"),
        (log, "stack", "a umdh2 log has no stack of its own: live() and the comparison of two logs have"),
        (log, "filter", "a umdh2 log has no filter of its own: live() and the comparison of two logs have"),
        (log, "radix", "a umdh2 log has no radix: only the comparison of two logs has"),
        (comparison, "usage", "a dhcmp comparison has no usage: only a heap log or a minidump has"),
        (comparison, "threads", "a dhcmp comparison has no threads: only a minidump has"),
    ]:
        with pytest.raises(exceptions.NoTableError) as caught:
            getattr(capture, name)
        assert caught.value.message == told
        assert ("log.live()." in caught.value.hint) == ("live()" in told)
    for capture in (dump, log, comparison):
        for name in ("nothing", "_nothing", "__array__"):
            with pytest.raises(AttributeError, match=f"'{type(capture).__name__}' object has no attribute '{name}'"):
                getattr(capture, name)


def test_representations_are_short(dump):
    text = repr(dump)
    assert text.startswith(f"<Dump {dump.path}: minidump, windows")
    assert f"{dump.memory_counters['private_usage'].item():,} private bytes" in text
    assert text.endswith("0 issues>")
    page = dump._repr_html_()
    assert "taken: " in page
    assert "UTC" in page
    empty = hd.read(b"MDMP\x93\xa7\0\0" + bytes(24))
    assert repr(empty) == "<Dump <bytes>: minidump, 0 issues>"
    assert empty._repr_html_()


def test_a_dump_cannot_be_changed(dump):
    with pytest.raises(AttributeError):
        dump.pid = 3


def test_the_exception_is_a_record(tmp_path):
    answer = testing.write_dump(tmp_path / "a.dmp", stack_count=100)
    record = hd.read(answer.path).exception
    assert record is None or (record.code, record.address, record.thread_id) == tuple(record)


@pytest.mark.parametrize("damage", testing.DAMAGE)
def test_damage_costs_what_is_damaged(tmp_path, damage):
    path = tmp_path / f"{damage}.dmp"
    answer = testing.write_dump(path, stack_count=100, damage=damage)
    if damage == "cut-header":
        with pytest.raises(exceptions.FormatError, match="expected a minidump, found a header cut after") as caught:
            hd.read(path)
        assert pickle.loads(pickle.dumps(caught.value)).kind == "not_a_dump"
        return
    dump = hd.read(path)
    for name in hd.Dump._names:
        assert isinstance(getattr(dump, name), pl.DataFrame)
    if damage not in {"stream-past-the-end", "stream-overflow", "cut-directory"}:
        assert dump.modules.height == answer.module_count
    known = {"empty-unloaded-module", "many-streams", "odd-name", "short-by-a-page", "size-overflow", "offset-overflow"}
    assert damage in known or dump.issues.height > 0


def test_other_captures_of_a_dump_are_refused(story):
    assert isinstance(hd.read(story[0].before, capture=1), hd.Dump)
    with pytest.raises(exceptions.CaptureError, match="expected a capture from 1 to 1, found 2"):
        hd.read(story[0].before, capture=2)


def test_progress_of_a_dump_may_be_watched(story):
    seen: list[int] = []
    hd.read(story[0].before, progress=lambda done, _: seen.append(done), blocks=False, threads=1)
    assert seen == [] or max(seen) <= story[0].answers[0].byte_count


def without_modules(text: bytes) -> bytes:
    return b"".join(line for line in text.splitlines(keepends=True) if b":\\" not in line)


def test_a_dump_completes_the_modules_of_its_log(story, dump):
    whole = hd.read(story[1].before)
    cut = hd.read(without_modules(story[1].before.read_bytes()))
    assert cut.modules.is_empty()
    assert cut.frames["module"].null_count() == cut.frames.height
    completed = cut.with_modules(dump)
    assert completed.stacks["fingerprint"].equals(whole.stacks["fingerprint"])
    for column in ("module", "offset"):
        assert completed.frames[column].equals(whole.frames[column])
    assert completed.stacks.drop("fingerprint").equals(cut.stacks.drop("fingerprint"))
    assert completed.usage.equals(cut.usage)
    assert cut.modules.is_empty(), "the log itself does not change"
    delta = hd.diff(completed, hd.read(story[1].after))
    assert delta.by("module").equals(hd.diff(whole, hd.read(story[1].after)).by("module"))


def test_modules_of_a_log_get_what_the_dump_knows(story, dump):
    whole = hd.read(story[1].before)
    completed = whole.with_modules(dump)
    assert (
        completed.modules.select("base", "size", "path", "name")
        .head(whole.modules.height)
        .equals(whole.modules.select("base", "size", "path", "name"))
    )
    assert completed.modules["timestamp"].null_count() == 0
    known = dump.modules.select("base", "debug_id", "version", "timestamp")
    joined = completed.modules.select("base", "debug_id", "version", "timestamp").join(
        known, on="base", nulls_equal=True
    )
    assert joined.height == completed.modules.height
    assert joined["debug_id"].eq_missing(joined["debug_id_right"]).all()
    assert completed.stacks["fingerprint"].equals(whole.stacks["fingerprint"])


def test_a_dump_of_another_process_is_refused(tmp_path, story):
    log = hd.read(story[1].before)
    other = testing.write_dump(tmp_path / "other.dmp", stack_count=200, restarted=True)
    with pytest.raises(
        exceptions.OptionError, match=r"of one process, found that the process ids differ \(\d+ and \d+\)"
    ) as caught:
        log.with_modules(hd.read(other.path))
    assert caught.value.kind == "not_one_process"
    nameless = re.sub(rb"PID=\d+", b"PID=x", story[1].before.read_bytes())
    with pytest.raises(exceptions.OptionError, match=r"was loaded at another address|were loaded at other addresses"):
        hd.read(nameless).with_modules(hd.read(other.path))
    with pytest.raises(exceptions.OptionError, match="nothing shows it"):
        hd.read(without_modules(nameless)).with_modules(hd.read(other.path))
    with pytest.raises(TypeError, match="expected a Dump, found Snapshot"):
        log.with_modules(log)


def test_times_are_utc(dump):
    assert dump.taken_at.astimezone(UTC) == dump.taken_at
    assert dump.threads["created_at"].min() >= datetime(2000, 1, 1, tzinfo=UTC)
