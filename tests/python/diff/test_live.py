"""What one log holds, sizes of blocks, and filters: against sums made in another way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import pytest
from heapdelta.exceptions import OptionError
from polars.testing import assert_frame_equal

if TYPE_CHECKING:
    from pathlib import Path

    from small_log import Log

MEASURES = ["requested_bytes", "overhead_bytes", "allocation_count"]
KINDS = ["module", "function", "stack", "heap", "trace", "size"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[hd.Snapshot, hd.Snapshot]:
    story = hd.testing.write_investigation(tmp_path_factory.mktemp("live"), stack_count=80)
    return hd.read_log(story.before), hd.read_log(story.after)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_live_is_the_after_side_of_a_difference_with_itself(
    pair: tuple[hd.Snapshot, hd.Snapshot], kind: str
) -> None:
    log = pair[1]
    live = log.by(kind)
    itself = hd.diff(log, log).by(kind).rename({f"{name}_after": name for name in MEASURES})
    itself = itself.rename({"trace_id_after": "trace_id"}, strict=False).select(live.columns)
    keys = [name for name in live.columns if name not in MEASURES]
    assert_frame_equal(live.sort(keys, nulls_last=True), itself.sort(keys, nulls_last=True))
    assert live["requested_bytes"].is_sorted(descending=True)
    assert live.select(MEASURES).sum().rows() == log.live().total.rows()


def test_sizes_are_those_of_the_blocks(pair: tuple[hd.Snapshot, hd.Snapshot]) -> None:
    before, after = (Counter(log.allocations["requested_bytes"].to_list()) for log in pair)
    live = pair[1].by("size")
    assert dict(live.select("size", "allocation_count").rows()) == dict(after)
    grown = hd.diff(*pair).by("size")
    assert grown.height == len(before | after)
    for size, old, new in grown.select("size", "allocation_count_before", "allocation_count_after").rows():
        assert (old, new) == (before[size], after[size])
    assert grown["requested_bytes_delta"].is_sorted(descending=True)


def test_a_log_without_its_blocks_has_no_sizes() -> None:
    log = b"*- - - - Start of data for heap @ 10000 - - - -\n40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n"
    without = hd.read(log, blocks=False)
    assert isinstance(without, hd.Snapshot)
    with pytest.raises(OptionError, match="found 'size': the log was read without its blocks"):
        without.by("size")


def test_a_line_for_several_blocks_says_no_size() -> None:
    log = (
        "UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812\n"
        "*********** Heap 00140000 Hogs ********************\n"
        "000001A0 bytes in 0x4 allocations (@ 0x00000068) by: BackTrace00031\n\tapp!f+0x1\n"
        "00000010 bytes in 0x1 allocations (@ 0x00000010) by: BackTrace00032\n\tapp!g+0x1\n"
    )
    sizes = hd.read_log(log.encode()).by("size")
    assert sizes.select("size", "status", "requested_bytes", "allocation_count").rows() == [
        (None, "sum of several blocks", 0x1A0, 4),
        (0x10, "ok", 0x10, 1),
    ]


def passing(log: hd.Snapshot, module: str) -> set[int]:
    frames = set(log.frames.filter(pl.col("module") == module)["frame_id"])
    return {stack for stack, ids in log.stacks.select("stack_id", "frame_ids").rows() if frames & set(ids or ())}


@pytest.mark.parametrize("side", ["focus", "ignore"])
@pytest.mark.parametrize("module", ["fhpreview", "ntdll", "nothere"])
def test_focus_and_ignore_part_the_stacks(pair: tuple[hd.Snapshot, hd.Snapshot], module: str, side: str) -> None:
    whole = hd.diff(*pair)
    part = whole.filter(**{side: module})
    for name, log in zip(("before", "after"), pair, strict=True):
        stacks = passing(log, module)
        usage = log.usage.filter(pl.col("stack_id").is_in(list(stacks)).fill_null(False))
        found = part.total if side == "focus" else part.left_out
        assert found[f"requested_bytes_{name}"].item() == usage["requested_bytes"].sum()
    for kind in ("module", "function", "stack", "heap", "size"):
        ranking = part.by(kind)
        numbers = part.total.columns
        assert ranking.select(numbers).sum().rows() == part.total.rows(), kind
    both = pl.concat([part.total, part.left_out.drop("stacks")]).sum()
    assert both.rows() == whole.total.rows()
    assert part.notes[0].startswith("left out by filters: ")
    assert f"{side} {module}" in part.notes[0]
    assert whole.left_out["stacks"].item() == 0
    assert not any("filters" in note for note in whole.notes)


def test_hidden_frames_are_passed_over_and_not_shown(pair: tuple[hd.Snapshot, hd.Snapshot]) -> None:
    whole = hd.diff(*pair)
    hidden = whole.filter(hide="fhpreview")
    assert "fhpreview" not in hidden.by("module")["module"].to_list()
    # It is what rules of allocators do, but that a stack of hidden frames alone is left out.
    rules = hd.diff(*pair, allocators=["fhpreview", *hd.blame.DEFAULT])
    sums = hidden.by("module").select("module", "requested_bytes_delta")
    expected = (
        rules.by("module").filter(pl.col("module").ne_missing("fhpreview")).select("module", "requested_bytes_delta")
    )
    assert_frame_equal(sums, expected, check_row_order=False)
    stack = next(row["fingerprint"] for row in whole.by("stack").to_dicts() if row["module"] == "fhpreview")
    frames, all_frames = hidden.stack(stack), whole.stack(stack)
    assert "fhpreview" not in frames["module"].to_list()
    assert_frame_equal(
        frames.drop("blamed"), all_frames.filter(pl.col("module").ne_missing("fhpreview")).drop("blamed")
    )
    assert frames["blamed"].sum() == 1


def test_only_shown_frames_are_looked_at(pair: tuple[hd.Snapshot, hd.Snapshot]) -> None:
    shown = hd.diff(*pair).filter(show=["fhpreview", "fhcatalog!*"])
    assert set(shown.by("module")["module"]) == {"fhpreview", "fhcatalog"}
    for row in shown.by("stack").head(5).to_dicts():
        assert set(shown.stack(row["fingerprint"])["module"]) <= {"fhpreview", "fhcatalog"}


def test_an_exception_decides_before_what_follows_it(pair: tuple[hd.Snapshot, hd.Snapshot]) -> None:
    delta = hd.diff(*pair)
    without = delta.filter(focus=["-fhcatalog", "ntdll"])
    expected = [passing(log, "ntdll") - passing(log, "fhcatalog") for log in pair]
    for name, log, stacks in zip(("before", "after"), pair, expected, strict=True):
        size = log.usage.filter(pl.col("stack_id").is_in(list(stacks)))["requested_bytes"].sum()
        assert without.total[f"requested_bytes_{name}"].item() == size
    with pytest.raises(OptionError, match="found '!'"):
        delta.filter(focus="!")


def test_a_comparison_is_filtered_alike(tmp_path: Path) -> None:
    text = (
        "+     120 (   220 -   100)      2 allocs\tBackTrace1\n\tapp!f+0x1\n\n"
        "+      20 (    40 -    20)      1 allocs\tBackTrace2\n\tnet!g+0x1\n\tapp!main+0x1\n\n"
    )
    path = tmp_path / "cmp.txt"
    path.write_text(text)
    found = hd.read_comparison(path, radix=16)
    part = found.filter(focus="net")
    assert part.total["requested_bytes_delta"].item() == 0x20
    assert part.notes == ["left out by filters: +288 bytes (544 bytes after) in 1 stack; filters: focus net"]
    assert found.notes == []


@pytest.mark.parametrize("asked", ["focus", "ignore"])
def test_a_stack_whose_frames_only_the_other_log_has_is_filtered_by_these(growing: tuple[Log, Log], asked: str) -> None:
    before, after = growing
    before.stacks = {trace: frames for trace, frames in before.stacks.items() if trace != "11"}
    part = hd.diff(before.read(), after.read()).filter(**{asked: "a"})
    assert part.total["requested_bytes_before"].item() == (100 if asked == "focus" else 564)
    for kind in ("module", "stack", "heap", "size"):
        assert part.by(kind).select(part.total.columns).sum().rows() == part.total.rows(), kind
    assert part.left_out["stacks"].item() == (2 if asked == "focus" else 1)
