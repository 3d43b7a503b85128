"""Several stacks under one trace id: what is shown of a stack is its own, in every view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import heapdelta as hd
import pytest
from heapdelta import cli
from heapdelta.cli import _rank

if TYPE_CHECKING:
    from pathlib import Path

# Two rows of one id, from `same-id-two-stacks` among the cases of issue 14.
GLAZE = (
    "+    9200 (   9a00 -    800)     90 allocs\tBackTrace53\n+      88 (     90 -      8)\tBackTrace53\tallocations\n"
)
KILND = (
    "+    1e00 (   1f00 -    100)     1e allocs\tBackTrace53\n+      1d (     1e -      1)\tBackTrace53\tallocations\n"
)
GLAZE_FRAMES = "\n\tntdll!RtlAllocateHeap+3E\n\tglaze!Glaze::mix+5B\n\n"
KILND_FRAMES = "\n\tntdll!RtlAllocateHeap+3E\n\tkilnd!Shelf::load+88\n\n"
COMPARISON = (
    GLAZE + GLAZE_FRAMES + KILND + KILND_FRAMES + "Total increase ==   b000 requested +    120 overhead = b120\n"
)
HOGS = (
    "UMDH: Logtime 2000-06-28 {time} - Machine=M - PID=704\n"
    "*********** Heap 00270000 Hogs ********************\n"
    "{glaze:08x} bytes in 0x4 allocations (@ 0x00000400) by: BackTrace00053\n"
    "\tntdll!RtlAllocateHeap+0x3E\n\tglaze!Glaze::mix+0x5B\n\n"
    "{kilnd:08x} bytes in 0x2 allocations (@ 0x00000480) by: BackTrace00053\n"
    "\tntdll!RtlAllocateHeap+0x3E\n\tkilnd!Shelf::load+0x88\n"
)


def _comparison(text: str = COMPARISON) -> hd.Comparison:
    read = hd.read(text.encode())
    assert isinstance(read, hd.Comparison)
    return read


def _own_frames(view: hd.Delta | hd.Comparison) -> None:
    """Hold what is shown of every stack to the row that it is shown for."""
    for row in view.by("stack").iter_rows(named=True):
        frames = view.stack(row["fingerprint"])
        own = frames.filter(frames["alias"] == 0)
        assert own.height == row["depth"]
        blamed = own.filter(own["blamed"]).row(0, named=True)
        assert (blamed["module"], blamed["function"]) == (row["module"], row["function"])


def test_the_details_of_a_stack_are_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "compare.txt"
    path.write_text(COMPARISON)
    assert cli.run(["summary", str(path)]) == cli.OK
    shown = capsys.readouterr().out
    second = shown.split("\nStack #")[2].partition("\n\n")[0].splitlines()[1:]
    assert second == [
        "    ntdll!RtlAllocateHeap+3E",
        "  > kilnd!Shelf::load+88",
        "    (the tool printed 1 other stack under the same id)",
    ]


@pytest.mark.parametrize("swapped", [False, True])
def test_stacks_under_one_id_are_shown_for_their_own_rows(swapped: bool) -> None:
    rows = [GLAZE + GLAZE_FRAMES, KILND + KILND_FRAMES]
    comparison = _comparison("".join(rows[::-1] if swapped else rows))
    assert comparison.by("stack").height == 2
    _own_frames(comparison)


def test_three_stacks_under_one_id_list_the_others_after_their_own() -> None:
    third = KILND.replace("1e00", "1d00").replace("100)", "200)") + KILND_FRAMES.replace("Shelf::load", "Shelf::pack")
    comparison = _comparison(GLAZE + GLAZE_FRAMES + KILND + KILND_FRAMES + third)
    assert comparison.by("stack").height == 3
    _own_frames(comparison)
    kilnd = comparison.by("stack").filter(comparison.by("stack")["function"] == "Shelf::load")["fingerprint"][0]
    shown = comparison.stack(kilnd)
    assert shown.filter(shown["index"] == 1)["function"].to_list() == ["Shelf::load", "Glaze::mix", "Shelf::pack"]
    assert shown["alias"].to_list() == [0, 0, 1, 1, 2, 2]
    assert _rank.frame_lines(comparison, kilnd)[-1] == "  (the tool printed 2 other stacks under the same id)"


def test_a_sum_of_several_stacks_names_none_of_them() -> None:
    row = _comparison().by("trace").row(0, named=True)
    assert (row["trace_id"], row["requested_bytes_delta"], row["status"]) == ("53", 0xB000, "several stacks")
    assert [row[name] for name in ("fingerprint", "module", "function", "depth")] == [None] * 4
    other = GLAZE.replace("53", "77") + KILND_FRAMES
    rows = {row["trace_id"]: row["function"] for row in _comparison(other + COMPARISON).by("trace").to_dicts()}
    assert rows == {"53": None, "77": "Shelf::load"}


def test_one_stack_twice_under_one_id_keeps_its_name() -> None:
    row = _comparison(GLAZE + GLAZE_FRAMES + GLAZE + GLAZE_FRAMES).by("trace").row(0, named=True)
    assert (row["function"], row["requested_bytes_delta"], row["status"]) == ("Glaze::mix", 2 * 0x9200, "ok")


def test_hogs_of_one_id_are_shown_for_their_own_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "before.txt", tmp_path / "after.txt"]
    for path, glaze, kilnd, time in zip(paths, (0x1000, 0x2000), (0x100, 0x900), ("10:54", "11:54"), strict=True):
        path.write_text(HOGS.format(glaze=glaze, kilnd=kilnd, time=time))
    delta = hd.diff(*map(hd.read, paths))
    _own_frames(delta)
    assert cli.run(["check", *map(str, paths), "--max-growth", "1"]) == cli.EXCEEDED
    shown = capsys.readouterr().out
    assert all(function in shown for function in delta.by("stack")["function"])
