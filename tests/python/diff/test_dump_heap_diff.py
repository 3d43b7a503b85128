"""Blocks of two dumps: growth by heap, size, content and source line, exact or said to be unknown."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import exceptions, testing


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> testing.HeapDumps:
    return testing.write_heap_dumps(tmp_path_factory.mktemp("heaps"), stack_count=60, gflags=())


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> testing.HeapDumps:
    """Dumps with stacks, of the layout of which writer and reader know most alike."""
    folder = tmp_path_factory.mktemp("traced")
    return testing.write_heap_dumps(folder, windows="7", pointer_width=32, stack_count=60)


@pytest.fixture(scope="module")
def delta(story: testing.HeapDumps) -> hd.DumpDelta:
    return hd.diff(hd.read_dump(story.before), hd.read_dump(story.after))


def grown(story: testing.HeapDumps, key: str) -> dict[object, tuple[int, int]]:
    """Sum up what was written, by hand."""
    sums: dict[object, list[int]] = {}
    for sign, answer in ((-1, story.dumps[0]), (1, story.dumps[1])):
        for row in answer.busy.iter_rows(named=True):
            amount = sums.setdefault(row[key], [0, 0])
            amount[0] += sign * row["requested_bytes"]
            amount[1] += sign
    return {key: (amount[0], amount[1]) for key, amount in sums.items()}


@pytest.mark.parametrize(
    ("kind", "key", "written"), [("heap", "heap_base", "heap"), ("size", "size", "requested_bytes")]
)
def test_growth_is_that_which_was_written(
    delta: hd.DumpDelta, story: testing.HeapDumps, kind: str, key: str, written: str
) -> None:
    ranking = delta.by(kind)
    found = {
        row[key]: (row["requested_bytes_delta"], row["allocation_count_delta"]) for row in ranking.iter_rows(named=True)
    }
    expected = grown(story, written)
    assert {key: found.get(key, (0, 0)) for key in expected} == expected
    assert set(found) - set(expected) <= set(story.dumps[0].heaps["heap"])
    assert ranking["requested_bytes_delta"].is_sorted(descending=True)


def test_all_rankings_of_blocks_have_one_sum(delta: hd.DumpDelta, story: testing.HeapDumps) -> None:
    more = story.dumps[1].busy.height - story.dumps[0].busy.height
    for kind in ("heap", "size", "size_class", "content"):
        assert delta.by(kind)["allocation_count_delta"].sum() == more


def test_a_log_of_the_same_moment_has_the_same_heaps_and_blocks(story: testing.HeapDumps) -> None:
    for answer, written in zip(story.dumps, story.logs, strict=True):
        log, dump = hd.read_log(written.path), hd.read_dump(answer.path)
        busy = dump.allocations.filter(pl.col("state") == "busy").join(
            dump.heaps.select("heap_id", "base"), on="heap_id"
        )
        own = log.allocations.join(log.heaps.select("heap_id", "base"), on="heap_id")
        columns = ["base", "address", "requested_bytes"]
        assert set(busy.select(columns).rows()) == set(own.select(columns).rows())


def test_heaps_of_two_processes_do_not_compare(tmp_path: Path) -> None:
    one = testing.write_heap_dump(tmp_path / "one.dmp", stack_count=20)
    other = testing.write_heap_dump(tmp_path / "other.dmp", stack_count=20, seed=2)
    delta = hd.diff(hd.read_dump(one.path), hd.read_dump(other.path))
    if delta.same_process:
        pytest.fail("two seeds are two servers")
    with pytest.raises(exceptions.OptionError, match="addresses mean nothing across processes") as caught:
        delta.by("heap")
    assert caught.value.hint == "by('size') compares blocks"
    assert delta.by("size")["requested_bytes_delta"].null_count() == 0
    assert any("heaps do not compare" in note for note in delta.heap_notes)


def test_what_a_dump_does_not_hold_is_null_and_told(tmp_path: Path) -> None:
    whole = testing.write_heap_dump(tmp_path / "whole.dmp", stack_count=40)
    cut = testing.write_heap_dump(tmp_path / "cut.dmp", stack_count=40, damage="missing-segment")
    before, after = hd.read_dump(cut.path), hd.read_dump(whole.path)
    delta = hd.diff(before, after)
    assert delta._damaged_sides("size") == ["before"]
    sizes = delta.by("size")
    known = set(before.by("size")["size"])
    new = sizes.filter(~pl.col("size").is_in(sorted(known)))
    assert new.height
    assert new["requested_bytes_before"].null_count() == new["requested_bytes_delta"].null_count() == new.height
    assert any(note.startswith("before: ") for note in delta.heap_notes[2:])


def test_dumps_without_heaps_have_no_rows_and_say_why(tmp_path: Path) -> None:
    dumps = testing.write_dump_investigation(tmp_path, stack_count=20)
    delta = hd.diff(*(hd.read_dump(path) for path in dumps.paths[:2]))
    for kind in delta.heap_kinds:
        assert delta.by(kind).is_empty()
        assert delta._why_not_known(kind) == "no heap could be read in either dump"
        assert delta._in_neither(kind)


@pytest.mark.parametrize("width", [32, 64])
def test_a_dump_with_stacks_is_the_log_of_its_moment(width: int, traced: testing.HeapDumps, tmp_path: Path) -> None:
    if width == 64:
        traced = testing.write_heap_dumps(tmp_path, stack_count=60)
    for answer, written in zip(traced.dumps, traced.logs, strict=True):
        made = hd.Snapshot.of_dump(hd.read_dump(answer.path), experimental=True)
        log = hd.read_log(written.path)
        change = hd.diff(log, made)
        assert change.total["requested_bytes_delta"].item() == change.total["allocation_count_delta"].item() == 0
        stacks = change.by("stack").filter(pl.col("fingerprint").is_not_null())
        assert stacks.height > 20
        assert (change.by("stack")["allocation_count_delta"] == 0).all()
        assert (change.by("stack")["requested_bytes_delta"] == 0).all()


def test_the_stacks_of_two_dumps_name_the_culprit(traced: testing.HeapDumps) -> None:
    made = [hd.Snapshot.of_dump(hd.read_dump(answer.path), experimental=True) for answer in traced.dumps[:2]]
    named = hd.diff(*made).by("module").filter(pl.col("module").is_not_null())
    assert named["module"][0] == traced.dumps[0].culprit
    assert made[0].heaps["complete"].all()


def test_stacks_have_to_be_asked_for_and_to_be_there(tmp_path: Path, traced: testing.HeapDumps) -> None:
    with pytest.raises(exceptions.OptionError, match="expected experimental=True"):
        hd.Snapshot.of_dump(hd.read_dump(traced.before))
    plain = testing.write_heap_dump(tmp_path / "plain.dmp", stack_count=20)
    with pytest.raises(exceptions.OptionError, match="expected heaps whose blocks have stacks") as caught:
        hd.Snapshot.of_dump(hd.read_dump(plain.path), experimental=True)
    assert "gflags" in str(caught.value.hint)
