"""Heaps of dumps on the command line: what `summary`, `diff` and `series` say of them, for people and for machines."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Literal

import heapdelta as hd
import polars as pl
import programs
import pytest
from heapdelta import cli, testing


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> testing.HeapDumps:
    return testing.write_heap_dumps(tmp_path_factory.mktemp("heaps"), steps=3, stack_count=30, gflags=())


def run(*arguments: object, capsys: pytest.CaptureFixture[str], code: int = 0) -> tuple[str, str]:
    assert cli.run([str(argument) for argument in arguments]) == code
    shown = capsys.readouterr()
    return shown.out, shown.err


def test_summary_says_first_how_much_is_there_then_the_heaps(
    story: testing.HeapDumps, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = run("summary", story.after, capsys=capsys)
    lines = out.splitlines()
    assert lines[1].startswith("heaps  ")
    assert "(100 %)" in lines[1]
    for base in story.dumps[1].heaps["heap"]:
        assert f"{base:X}" in out
    assert "every heap is proved" in out


def test_summary_of_a_dump_without_heaps_says_how_to_take_a_better_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = testing.write_dump_investigation(tmp_path, stack_count=20).paths
    out, _ = run("summary", paths[0], capsys=capsys)
    assert "procdump -ma captures all of it" in " ".join(out.split())
    assert "unproved" in out
    out, _ = run("summary", paths[0], "--json", capsys=capsys)
    written = json.loads(out)
    assert written["heaps"][0]["busy_bytes"] is None
    assert written["heap_memory"]["held_bytes"] < written["heap_memory"]["committed_bytes"]


@pytest.mark.parametrize("kind", ["heap", "size", "size_class", "content", "source"])
def test_machines_get_exact_numbers(kind: str, story: testing.HeapDumps, capsys: pytest.CaptureFixture[str]) -> None:
    ranking = hd.read_dump(story.after).by(kind)
    out, _ = run("summary", story.after, "--by", kind, "--json", capsys=capsys)
    written = json.loads(out)
    assert [row["requested_bytes"] for row in written["rows"]] == ranking["requested_bytes"].to_list()
    assert written["heaps_read"] == "whole"
    out, _ = run("diff", story.before, story.after, "--by", kind, "--csv", capsys=capsys)
    rows = list(csv.DictReader(io.StringIO(out)))
    delta = hd.diff(hd.read_dump(story.before), hd.read_dump(story.after)).by(kind)
    assert [int(row["requested_bytes_delta"]) for row in rows] == delta["requested_bytes_delta"].to_list()
    out, _ = run("diff", story.before, story.after, "--by", kind, "--json", capsys=capsys)
    assert len(json.loads(out)["rows"]) == delta.height


def test_diff_ranks_blocks_without_being_asked(story: testing.HeapDumps, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run("diff", story.before, story.after, capsys=capsys)
    for title in ("Blocks per heap", "Blocks per size", "Blocks by what they begin with"):
        assert title in out
    out, _ = run("diff", story.before, story.after, "--by", "content", "--top", "3", capsys=capsys)
    assert "more)" in out
    assert "- before: " in out


def test_series_follows_blocks(story: testing.HeapDumps, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [answer.path for answer in story.dumps]
    for kind in ("heap", "size", "size_class", "content", "region_class"):
        out, _ = run("series", *paths, "--by", kind, "--csv", capsys=capsys)
        made = hd.series([hd.read_dump(path) for path in paths], by=kind).growth()
        assert len(list(csv.DictReader(io.StringIO(out)))) == made.height
    out, _ = run("series", *paths, "--by", "heap", capsys=capsys)
    assert "too few snapshots" in out


def test_what_makes_no_sense_is_refused(story: testing.HeapDumps, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run("summary", story.after, "--by", "module", capsys=capsys, code=cli.USAGE)
    assert "expected --by heap, size, size_class, content or source with a minidump, found module" in err
    _, err = run("summary", story.logs[0].path, "--by", "content", capsys=capsys, code=cli.USAGE)
    assert "expected --by content with a minidump" in err
    _, err = run("summary", story.logs[0].path, "--by", "size_class", capsys=capsys, code=cli.USAGE)
    assert "--by size ranks the blocks" in err
    _, err = run("summary", story.after, "--csv", capsys=capsys, code=cli.USAGE)
    assert "--by heap, size, size_class, content or source" in err


def test_dumps_with_stacks_are_logs_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = testing.write_heap_dumps(tmp_path, windows="7", pointer_width=32, stack_count=30)
    of_dumps, _ = run("diff", story.before, story.after, "--dump-stacks", "--by", "module", "--csv", capsys=capsys)
    made = [hd.Snapshot.of_dump(hd.read_dump(path), experimental=True) for path in (story.before, story.after)]
    deltas = [int(row["requested_bytes_delta"]) for row in csv.DictReader(io.StringIO(of_dumps))]
    assert deltas == hd.diff(*made).by("module")["requested_bytes_delta"].to_list()
    text, _ = run("umdh", story.before, story.after, "--dump-stacks", capsys=capsys)
    assert "Total increase" in text
    assert story.dumps[0].culprit in run("tree", story.before, story.after, "--dump-stacks", capsys=capsys)[0]
    _, err = run("umdh", story.before, story.after, capsys=capsys, code=cli.USAGE)
    assert "--dump-stacks" in err


def test_a_picture_of_the_heaps_is_drawn(
    story: testing.HeapDumps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("summary", story.after, "--chart", tmp_path / "heaps.svg", capsys=capsys)
    assert "<svg" in (tmp_path / "heaps.svg").read_text()


def test_a_parquet_file_has_the_ranking(
    story: testing.HeapDumps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("summary", story.after, "--by", "size", "--parquet", tmp_path / "sizes.parquet", capsys=capsys)
    assert pl.read_parquet(tmp_path / "sizes.parquet").equals(hd.read_dump(story.after).by("size"))


def test_summary_says_which_memory_of_heaps_is_no_region_of_class_heap(
    story: testing.HeapDumps, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = run("summary", story.after, capsys=capsys)
    dump = hd.read_dump(story.after)
    large = dump.segments.filter(pl.col("kind") == "large")
    assert "in segments of heaps are in this dump" in out
    said = f"{large.height} blocks with memory of their own, in no segment"
    assert said in out
    whole = dump.heaps["committed_bytes"].sum()
    in_regions = dump.heap_memory.committed_bytes
    assert in_regions is not None
    own = (large["reserved_bytes"] - large["uncommitted_bytes"]).sum()
    assert whole - in_regions == own > 0


@pytest.mark.parametrize("width", [64, 32])
def test_summary_counts_page_segments_first_where_symbols_tell_them(
    width: Literal[64, 32], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = testing.write_heap_dump(
        tmp_path / "a.dmp", windows="unknown", pointer_width=width, segment_heap=True, stack_count=40
    )
    symbols = programs.put(tmp_path / "symbols", "ntdll/ntdll.pdb", "ntdll/wntdll.pdb")
    without, _ = run("summary", answer.path, capsys=capsys)
    assert "; not counted are the page segments of 1 segment heap" in " ".join(without.split())
    out, _ = run("summary", answer.path, "--symbols", symbols, capsys=capsys)
    assert "not counted" not in out
    dump = hd.read_dump(answer.path).with_symbols(hd.symbols(symbols))
    assert str(dump.heap_memory) in " ".join(out.split())
    written = json.loads(run("summary", answer.path, "--symbols", symbols, "--json", capsys=capsys)[0])["heap_memory"]
    assert written == {**dump.heap_memory._asdict(), "unread_segment_heaps": 0}
    assert written["committed_bytes"] + large_bytes(dump) == dump.heaps["committed_bytes"].sum()


def large_bytes(dump: hd.Dump) -> int:
    large = dump.segments.filter(pl.col("kind") == "large")
    return int((large["reserved_bytes"] - large["uncommitted_bytes"]).sum())
