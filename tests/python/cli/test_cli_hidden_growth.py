"""Growth that a small sum hides is told: in columns, or in a line where the row or its columns are not shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from heapdelta import cli
from small_hogs import hogs

KIB = 1024
SMALL = {f"{number}": ["ntdll!RtlAllocateHeap", f"small{number}!grow"] for number in range(3, 8)}
LONG = "session_" + "x" * 40


def write(folder: Path, module: str) -> None:
    stacks = {
        "1": ["ntdll!RtlAllocateHeap", f"{module}!open"],
        "2": ["ntdll!RtlAllocateHeap", f"{module}!close"],
    } | SMALL
    before = {"1": 0, "2": 4_400 * KIB} | dict.fromkeys(SMALL, 0)
    after = {"1": 4_395 * KIB, "2": 0} | {name: 10 * KIB * int(name) for name in SMALL}
    for name, held in (("before.txt", before), ("after.txt", after)):
        some = {stack: size for stack, size in held.items() if size}
        (folder / name).write_text(hogs(some, stacks), encoding="utf-8", newline="")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, top: int, width: int) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    assert cli.run(["diff", "before.txt", "after.txt", "--by", "module", "--top", str(top)]) == cli.OK
    return capsys.readouterr().out


def test_a_row_outside_the_top_has_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "session")
    line = "hidden growth: session: +4.29 MiB grown, -4.30 MiB shrunk"
    assert line in shown(capsys, monkeypatch, 3, 120)
    assert line in shown(capsys, monkeypatch, 3, 80)
    whole = shown(capsys, monkeypatch, 10, 120)
    assert "hidden growth" not in whole
    assert "shrunk" in whole


def test_before_and_after_go_first_where_it_is_narrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "session_of_the_user_number_one")
    narrow = shown(capsys, monkeypatch, 10, 80)
    assert "left out for want of width: before, after\n" in narrow
    assert "+4.29 MiB" in narrow
    assert "hidden growth" not in narrow


def test_what_has_no_room_has_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, LONG)
    narrow = shown(capsys, monkeypatch, 10, 80)
    assert "left out for want of width: before, after, grown, shrunk" in narrow
    assert f"hidden growth: {LONG}: +4.29 MiB grown, -4.30 MiB shrunk" in narrow
