"""`heapdelta summary DUMP --json`: what the summary of one minidump shows, in exact numbers."""

from __future__ import annotations

import json
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli, testing
from small_dump import SmallDump


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return testing.write_dump(tmp_path_factory.mktemp("dump") / "after.dmp", stack_count=80).path


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert cli.run(["summary", *arguments, "--json"]) == cli.OK
    return json.loads(capsys.readouterr().out)


def test_it_has_what_the_dump_says(dump: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written, read = found(capsys, str(dump)), hd.read_dump(dump)
    assert written["file"]["pid"] == read.pid
    assert written["counters"]["private_usage"] == read.memory_counters["private_usage"].item()
    assert (
        written["counts"]["threads"]
        == read.threads.height
        == sum(row["thread_count"] for row in written["thread_start"])
    )
    assert sum(row["handle_count"] for row in written["handle_type"]) == read.handles.height
    sizes = [row["committed_bytes"] for row in written["region_class"]]
    assert sizes == sorted(sizes, reverse=True)
    assert set(written["lists"].values()) <= {"whole", "damaged", "absent"}
    assert len(found(capsys, str(dump), "--top", "1")["region_class"]) == 1


def test_what_is_not_told_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = tmp_path / "bare.dmp"
    bare.write_bytes(SmallDump(regions=None, handles=None, counters=None).write())
    written = found(capsys, str(bare))
    assert (written["region_class"], written["handle_type"], written["counters"]) == (None, None, None)
    assert written["counts"]["handles"] is None
    assert written["lists"]["regions"] == "absent"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--csv"], "expected --json with one minidump, found --csv: it holds one table, a dump has several"),
        (["--parquet", "x.parquet"], "expected --json with one minidump, found --parquet"),
        (["--chart", "x.svg"], "expected a dump with heaps that can be read, found none in"),
        (["--by", "module"], "expected --by heap, size, size_class, content or source with a minidump, found module"),
    ],
)
def test_other_forms_are_refused_for_what_they_are(
    options: list[str],
    message: str,
    dump: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["summary", str(dump), *options]) == cli.USAGE
    assert message in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())
