"""Rows without any change are not ranked, and where nothing changed the answer says so."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from small_dump import SmallDump
from small_dumps import leaking
from small_hogs import hogs

STACKS = {name: ["ntdll!RtlAllocateHeap", f"m{name}!grow"] for name in "1234567"}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven modules, of which one grew, one shrank, and five stayed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    before = dict.fromkeys(STACKS, 1000)
    Path("before.txt").write_text(hogs(before, STACKS), encoding="utf-8", newline="")
    Path("after.txt").write_text(hogs(before | {"1": 5000, "2": 200}, STACKS), encoding="utf-8", newline="")


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(list(arguments)) == cli.OK
    return capsys.readouterr().out


@pytest.mark.parametrize("kind", ["module", "function", "stack"])
def test_what_shrank_goes_before_what_stayed(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = out(capsys, "diff", "before.txt", "after.txt", "--by", kind, "--top", "3", "--stacks", "0")
    table = shown.split("Growth per")[1]
    assert "m1" in table
    assert "m2" in table
    assert "m3" not in table
    assert "(5 more)" in table


@pytest.mark.parametrize("kind", ["module", "function", "stack", "heap"])
def test_a_log_and_itself(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = out(capsys, "diff", "after.txt", "after.txt", "--by", kind)
    assert f"Growth per {kind}: nothing changed" in shown
    assert "m1" not in shown


def test_dumps(capsys: pytest.CaptureFixture[str]) -> None:
    Path("one.dmp").write_bytes(SmallDump(handles=["Event", "Key", "File"]).write())
    Path("two.dmp").write_bytes(SmallDump(handles=["Event", "Key", "File", "Event"]).write())
    shown = out(capsys, "diff", "one.dmp", "two.dmp", "--by", "handle_type")
    table = shown.split("Handles per type")[1]
    assert "Event" in table
    assert "Key" not in table.split("Notes")[0]
    assert "(2 more)" in table
    assert "Handles per type: no change" in out(capsys, "diff", "one.dmp", "one.dmp", "--by", "handle_type")


def test_counters_of_a_series(capsys: pytest.CaptureFixture[str]) -> None:
    for number, one in enumerate(leaking(4)):
        Path(f"{number}.dmp").write_bytes(one.write())
    growth = hd.series(hd.read_many("*.dmp"), by="counter").growth()
    same = growth.filter(growth["min_value"] == growth["max_value"])
    assert same.height
    assert same.height < growth.height
    shown = out(capsys, "series", "*.dmp", "--top", "50")
    assert f"({same.height} more)" in shown
    assert "0 bytes/h" not in shown
