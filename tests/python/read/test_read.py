"""Everything that `read` takes, everything it refuses, and what it gives."""

from __future__ import annotations

import errno
import io
import os
import pickle
from datetime import datetime
from typing import TYPE_CHECKING

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import exceptions
from heapdelta.exceptions import HeapdeltaError, OptionError

if TYPE_CHECKING:
    from pathlib import Path

    from small_log import Log

COMPARISON = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"


@pytest.fixture
def log(growing: tuple[Log, Log]) -> bytes:
    return growing[0].text().encode()


def test_every_kind_of_source_gives_the_same_tables(log: bytes, tmp_path: Path) -> None:
    path = tmp_path / "before.txt"
    path.write_bytes(log)
    with path.open("rb") as file:
        from_file = hd.read(file)
    sources = [str(path), path, log, bytearray(log), memoryview(log), io.BytesIO(log)]
    for snapshot in [*map(hd.read, sources), from_file]:
        assert isinstance(snapshot, hd.Snapshot)
        for name in snapshot._names:
            assert getattr(snapshot, name).equals(getattr(hd.read(log), name)), name


def test_file_object_is_read_from_where_it_stands(log: bytes) -> None:
    file = io.BytesIO(b"\x00\x01\x02" + log)
    file.seek(3)
    assert hd.read(file).usage.height == 3


def test_file_in_text_mode_is_refused(log: bytes, tmp_path: Path) -> None:
    path = tmp_path / "before.txt"
    path.write_bytes(log)
    with path.open(encoding="utf-8") as file, pytest.raises(TypeError, match="opened in binary mode, found text mode"):
        hd.read(file)
    with pytest.raises(TypeError, match=r'open it with open\(path, "rb"\)'):
        hd.read(io.StringIO("x"))


@pytest.mark.parametrize("wrong", [None, 3, [b"x"]])
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="expected a path, bytes or a binary file object, found"):
        hd.read(wrong)  # type: ignore[arg-type]


def test_header_is_what_the_log_says(log: bytes) -> None:
    snapshot = hd.read(log)
    assert isinstance(snapshot, hd.Snapshot)
    assert snapshot.path is None
    assert snapshot.format == "umdh2"
    assert snapshot.taken_at == datetime(2012, 4, 30, 12, 9)
    assert (snapshot.machine, snapshot.pid, snapshot.pointer_width) == ("BOX", 704, 32)
    assert snapshot.byte_count == len(log)
    assert sum(snapshot.line_counts.values()) == snapshot.line_count == log.count(b"\n")


def test_sums_alone_give_the_same_usage(log: bytes) -> None:
    sums = hd.read(log, blocks=False)
    assert sums.allocations.is_empty()
    assert sums.usage.equals(hd.read(log).usage)


def test_comparison_has_rows_and_the_views_of_a_difference() -> None:
    comparison = hd.read(COMPARISON)
    assert isinstance(comparison, hd.Comparison)
    assert comparison.radix == 16
    assert comparison.total_requested_delta == 0x5320
    assert comparison.rows["requested_bytes_delta"].to_list() == [0x5320]
    assert comparison.by("trace").select("trace_id", "requested_bytes_after", "allocation_count_after").rows() == [
        ("00053", 0xF110, 0x3A)
    ]
    assert comparison.total["requested_bytes_delta"].item() == 0x5320
    assert comparison.total["allocation_count_delta"].item() is None
    assert comparison.by("module").row(0)[:2] == (None, "stack not in file")
    with pytest.raises(OptionError, match="found 'heap': a comparison does not name heaps"):
        comparison.by("heap")
    assert "+21,280 bytes" in repr(comparison)
    assert "5320" not in comparison._repr_html_()


def test_comparison_ranks_by_own_rules() -> None:
    text = (
        b"+     100 (   100 -     0)      1 allocs\tBackTrace1\n+       1 (     1 -     0)\tBackTrace1\tallocations\n\n"
        b"\tntdll!RtlAllocateHeap+00000274\n\tmymem!grab+00000001\n\tapp!main+00000002\n\n"
        b"Total increase ==    100 requested +      0 overhead =    100\n"
    )
    comparison = hd.read(text, radix=16)
    assert isinstance(comparison, hd.Comparison)
    assert comparison.by("module")["module"].to_list() == ["mymem"]
    own = comparison.with_allocators([*hd.blame.DEFAULT, "mymem"])
    assert own.by("function").select("module", "function").rows() == [("app", "main")]
    assert own.by("module", inclusive=True)["module"].to_list() == ["app", "mymem", "ntdll"]
    frames = own.stack(own.by("stack")["fingerprint"][0])
    assert frames["blamed"].to_list() == [False, False, True]


def test_diff_refuses_a_comparison(log: bytes) -> None:
    with pytest.raises(TypeError, match="found a Comparison, which is already a difference"):
        hd.diff(hd.read(log), hd.read(COMPARISON))  # type: ignore[arg-type]


def test_errors_are_also_the_built_in_ones(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        hd.read(tmp_path / "missing.txt")
    assert isinstance(missing.value, HeapdeltaError)
    assert missing.value.errno == errno.ENOENT
    assert str(missing.value).startswith(f"{tmp_path / 'missing.txt'}: ")
    with pytest.raises(IsADirectoryError) as directory:
        hd.read(tmp_path)
    assert directory.value.__notes__ == [f"hint: {directory.value.hint}"]
    with pytest.raises(ValueError, match="<bytes>: expected a heap log, found an empty file") as empty:
        hd.read(b"")
    assert isinstance(empty.value, exceptions.FormatError)
    assert empty.value.kind == "empty"


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
def test_no_permission_is_said(tmp_path: Path) -> None:
    path = tmp_path / "before.txt"
    path.touch(mode=0)
    with pytest.raises(PermissionError):
        hd.read(path)


@pytest.mark.parametrize(
    "option", [{"threads": 0}, {"radix": 7}, {"threads": True}, {"radix": True}, {"capture": True}]
)
def test_options_of_no_meaning_are_refused(log: bytes, option: dict[str, int]) -> None:
    with pytest.raises(OptionError):
        hd.read(log, **option)  # type: ignore[arg-type]


def test_progress_may_stop_the_reading(growing: tuple[Log, Log]) -> None:
    line = b"40 bytes + 18 at 2E9FB00 by BackTrace11\n"
    log = (
        growing[0]
        .text()
        .encode()
        .replace(b"*- - - - - - - - - - End", line * 3_000_000 + b"*- - - - - - - - - - End", 1)
    )

    def stop(done: int, total: int | None) -> None:
        assert 0 <= done <= len(log)
        assert total == len(log)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hd.read(log, threads=1, progress=stop)


def test_table_reaches_others_through_arrow(log: bytes) -> None:
    snapshot = hd.read(log)
    table = snapshot.arrow("usage")
    assert pl.DataFrame(table).equals(snapshot.usage)
    with pytest.raises(OptionError, match="found 'blocks'"):
        snapshot.arrow("blocks")


def test_some_columns_of_a_table_reach_others_in_the_order_asked_for(log: bytes) -> None:
    snapshot = hd.read(log)
    columns = ["depth", "stack_id"]
    table = snapshot.arrow("stacks")
    assert pl.DataFrame(table.select(columns)).equals(snapshot.stacks.select(columns))
    with pytest.raises(KeyError, match="height"):
        table.select(["depth", "height"])


def test_snapshot_cannot_be_changed(log: bytes) -> None:
    snapshot = hd.read(log)
    with pytest.raises(AttributeError):
        snapshot.pid = 3  # type: ignore[misc]
    with pytest.raises(AttributeError, match="Snapshot cannot be changed: name"):
        snapshot.name = "x"  # type: ignore[attr-defined]


def test_errors_survive_pickling() -> None:
    for name in exceptions.__all__:
        error = getattr(exceptions, name)("a.txt:3: expected x", path="a.txt", line=3, byte=40, hint="try", kind="k")
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (str(again), again.path, again.line, again.byte, again.hint, again.kind) == (
            "a.txt:3: expected x",
            "a.txt",
            3,
            40,
            "try",
            "k",
        )


BANNERS = [
    (
        b"// UMDH: version 6.1: Logtime 2012-04-30 12:09 - Machine=HOST - PID=10\n",
        b"*- - - - Start of data for heap @ 2E60000 - - - -",
    ),
    (b"UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812\n", b"*********** Heap 00140000 Hogs ***********"),
]


@pytest.mark.parametrize(("header", "banner"), BANNERS)
def test_banner_cut_by_the_end_of_the_file_is_told_and_names_no_heap(header: bytes, banner: bytes) -> None:
    words_end = len(banner.rstrip(b" -*")) + 1
    heap = banner.replace(b"2E60000", b"1000").replace(b"00140000", b"1000") + b"\n"
    for length in range(6, words_end + 1):
        snapshot = hd.read(header + heap + banner[:length])
        assert isinstance(snapshot, hd.Snapshot)
        assert snapshot.heaps["base"].to_list() == [0x1000], banner[:length]
        assert "cut_line" in snapshot.issues["kind"].to_list(), banner[:length]
    for end in (b"", b"\n", b"\r\n"):
        snapshot = hd.read(header + heap + banner + end)
        assert isinstance(snapshot, hd.Snapshot)
        assert snapshot.heaps.height == 2
        assert "cut_line" not in snapshot.issues["kind"].to_list()


def test_banner_that_names_no_heap_is_kept_as_it_stands() -> None:
    header, banner = BANNERS[0]
    unknown = "*- - - - - Something else - - - - -"
    snapshot = hd.read(header + banner + b"\n" + unknown.encode() + b"\n")
    assert isinstance(snapshot, hd.Snapshot)
    assert snapshot.sections.select("kind", "text").rows() == [("banner", unknown)]


def test_failed_capture_is_quoted_from_its_first_complaint_to_its_last() -> None:
    header = b"UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812\nConnecting...\n"
    with pytest.raises(exceptions.CaptureError, match=r'"FindName\(x\) failed, LastError = 126"'):
        hd.read(header + b"FindName(x) failed,\nLastError = 126\nPress a key\n")
