"""`read_log`, `read_dump`, `read_comparison`: one kind of file each, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import exceptions, testing

COMPARISON = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"
READERS = {"Snapshot": hd.read_log, "Dump": hd.read_dump, "Comparison": hd.read_comparison}
NOUNS = {"Snapshot": "a heap log", "Dump": "a minidump", "Comparison": "the comparison of two logs"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "c.txt").write_bytes(COMPARISON)
    return {
        "Snapshot": testing.write_log(tmp_path / "a.txt", stack_count=20).path,
        "Dump": testing.write_dump(tmp_path / "b.dmp", stack_count=20).path,
        "Comparison": tmp_path / "c.txt",
    }


@pytest.mark.parametrize("kind", READERS)
def test_each_reader_gives_what_read_gives(kind: str, files: dict[str, Path]) -> None:
    found = READERS[kind](files[kind])
    assert type(found) is type(hd.read(files[kind])) is getattr(hd, kind)
    assert repr(found) == repr(hd.read(files[kind]))


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("other", READERS)
def test_each_reader_refuses_the_other_kinds(kind: str, other: str, files: dict[str, Path]) -> None:
    if kind == other:
        return
    with pytest.raises(exceptions.OptionError) as caught:
        READERS[kind](files[other])
    assert caught.value.message == f"{files[other]}: expected {NOUNS[kind]}, found {NOUNS[other]}"
    assert caught.value.kind == f"not_a_{kind.lower()}"
    assert caught.value.path == str(files[other])


def test_options_reach_the_reader(files: dict[str, Path]) -> None:
    assert hd.read_log(files["Snapshot"], blocks=False, threads=1).allocations.is_empty()
    with pytest.raises(exceptions.CaptureError, match="expected a capture from 1 to 1, found 2"):
        hd.read_log(files["Snapshot"], capture=2)
    with pytest.raises(exceptions.OptionError, match="expected a code page"):
        hd.read_comparison(COMPARISON, encoding="nothing")
    seen: list[int] = []
    hd.read_dump(files["Dump"], threads=1, progress=lambda done, _: seen.append(done))
    assert all(done <= files["Dump"].stat().st_size for done in seen)


def test_bytes_have_no_name_in_the_message() -> None:
    with pytest.raises(exceptions.OptionError) as caught:
        hd.read_dump(COMPARISON)
    assert caught.value.message == "<bytes>: expected a minidump, found the comparison of two logs"
    assert caught.value.path is None
