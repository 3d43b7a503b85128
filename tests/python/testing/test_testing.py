"""Synthetic logs as Python offers them: options, answers, and what the reader finds in them."""

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import testing

SMALL = 120


@pytest.mark.parametrize("dialect", ["umdh2", "umdh1"])
def test_reader_finds_the_answer_that_was_written(tmp_path, dialect):
    answer = testing.write_log(tmp_path / "log.txt", step=1, stack_count=SMALL, dialect=dialect)
    snapshot = hd.read(answer.path)
    assert snapshot.format == dialect
    assert answer.path.stat().st_size == answer.byte_count == snapshot.byte_count
    assert snapshot.line_count == answer.line_count
    assert snapshot.heaps.height == answer.heap_count
    assert snapshot.modules.height == answer.module_count
    assert snapshot.pid == answer.pid
    assert snapshot.pointer_width == (64 if dialect == "umdh2" else 32)
    usage = snapshot.usage
    assert usage["requested_bytes"].sum() == answer.total.requested_bytes
    assert usage["allocation_count"].sum() == answer.total.allocation_count
    if dialect == "umdh2":
        assert usage["overhead_bytes"].sum() == answer.total.overhead_bytes
        without = snapshot.allocations.filter(pl.col("stack_id").is_null())
        assert without["requested_bytes"].sum() == answer.without_stack.requested_bytes


@pytest.mark.parametrize("dialect", ["umdh2", "umdh1"])
@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("stack_count", [SMALL, 2000])
def test_growth_by_module_is_the_known_one(tmp_path, dialect, restarted, stack_count):
    story = testing.write_investigation(tmp_path, stack_count=stack_count, dialect=dialect, restarted=restarted)
    delta = hd.diff(hd.read(story.before), hd.read(story.after))
    ranking = delta.by("module")
    found = dict(ranking.filter(pl.col("module").is_not_null()).select("module", "requested_bytes_delta").iter_rows())
    expected = {name: grown.requested_bytes for name, grown in story.growth.items()}
    assert found == expected
    assert ranking["module"][0] == story.culprit
    assert max(expected, key=expected.__getitem__) == story.culprit
    assert delta.one_run is not restarted


def test_false_alarm_is_one_by_stack_and_none_by_module(tmp_path):
    story = testing.write_investigation(tmp_path, stack_count=SMALL)
    delta = hd.diff(hd.read(story.before), hd.read(story.after))
    stacks = delta.by("stack").filter(pl.col("module") == story.false_alarm)
    moved = stacks["requested_bytes_delta"].abs().sum()
    assert moved > 20 * abs(story.growth[story.false_alarm].requested_bytes)


def test_stacks_of_the_limit_that_end_where_threads_begin_are_whole(tmp_path):
    """Of the demo's 135 stacks of 32 frames twelve end in the frame that ends nearly all shorter ones."""
    story = testing.write_investigation(tmp_path)
    for path in story.paths:
        stacks = hd.read(path, blocks=False).stacks.with_columns(pl.col("frame_ids").list.last().alias("outermost"))
        usual = stacks.filter(pl.col("depth") < 32)["outermost"].value_counts(sort=True)["outermost"][0]
        deepest = stacks.filter(depth=32)
        assert (deepest.height, int(stacks["truncated"].sum())) == (135, 123)
        assert (deepest["truncated"] == (deepest["outermost"] != usual)).all()


def test_same_options_write_the_same_bytes(tmp_path):
    first = testing.write_log(tmp_path / "first.txt", stack_count=SMALL)
    second = testing.write_log(tmp_path / "second.txt", stack_count=SMALL)
    other = testing.write_log(tmp_path / "other.txt", stack_count=SMALL, seed=2)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.path.read_bytes() != other.path.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "windows-1252"])
def test_encoding_is_what_was_asked_for(tmp_path, encoding):
    answer = testing.write_log(tmp_path / "log.txt", stack_count=60, encoding=encoding, line_end="\n")
    plain = testing.write_log(tmp_path / "plain.txt", stack_count=60, line_end="\n")
    text = answer.path.read_bytes().decode(encoding).removeprefix("\ufeff")
    assert text == plain.path.read_text(encoding="utf-8")
    snapshot = hd.read(answer.path)
    assert snapshot.encoding == encoding
    assert "D:\\Fernhollow\\Zusätze\\fhzoll.dll" in snapshot.modules["path"].to_list()


@pytest.mark.parametrize(
    "options",
    [{"dialect": "dh"}, {"encoding": "latin"}, {"line_end": "\r"}, {"pointer_width": 16}],
)
def test_unknown_option_is_refused(tmp_path, options):
    with pytest.raises(hd.exceptions.OptionError, match=next(iter(options))):
        testing.write_log(tmp_path / "log.txt", **options)
    assert not (tmp_path / "log.txt").exists()


def test_one_log_is_no_investigation(tmp_path):
    with pytest.raises(ValueError, match="at least 2"):
        testing.write_investigation(tmp_path, steps=1)


def test_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        testing.write_log(tmp_path / "missing" / "log.txt", stack_count=60)


@pytest.mark.parametrize("kind", ["blocks", "mixed", "heaps", "field"])
def test_reference_log_reads_back_to_its_answer(tmp_path, kind):
    path = tmp_path / "log.txt"
    answer = testing.write_reference_log(path, kind, 300_000, 5)
    snapshot = hd.read(path)
    assert path.stat().st_size == answer["byte_count"]
    assert snapshot.line_count == answer["line_count"]
    assert snapshot.allocations.height == answer["block_count"]
    assert snapshot.stacks.height == answer["stack_count"]
    assert snapshot.frames.height == answer["distinct_frame_count"]
    assert snapshot.heaps.height == answer["heap_count"]
    assert snapshot.allocations["requested_bytes"].sum() == answer["requested_bytes"]
    assert snapshot.allocations["overhead_bytes"].sum() == answer["overhead_bytes"]
    assert snapshot.issues.is_empty()


def test_grown_reference_log_grew_by_what_it_says(tmp_path):
    testing.write_reference_log(tmp_path / "before.txt", "mixed", 200_000, 5)
    answer = testing.write_reference_log(tmp_path / "after.txt", "mixed", 200_000, 5, grown=True)
    delta = hd.diff(hd.read(tmp_path / "before.txt"), hd.read(tmp_path / "after.txt"))
    total = delta.total.row(0, named=True)
    assert total["requested_bytes_delta"] == answer["grown_requested_bytes"] > 0
    assert total["overhead_bytes_delta"] == answer["grown_overhead_bytes"]
    assert total["allocation_count_delta"] == answer["grown_block_count"]
    assert delta.by("stack").filter(pl.col("requested_bytes_delta") < 0).is_empty()


def test_spread_reference_log_has_blocks_of_every_stack_in_every_heap(tmp_path):
    path = tmp_path / "log.txt"
    answer = testing.write_reference_log(path, "heaps", 300_000, 5)
    assert answer["heap_count"] == 12
    assert hd.read(path).usage.height == 12 * answer["stack_count"]
