"""`read_many`: order, failures, what stops it, and what it takes."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import exceptions
from heapdelta._read import work
from heapdelta._read.sources import natural_key
from heapdelta.exceptions import OptionError
from hostile import linked
from small_dump import SmallDump
from small_log import Log

COMPARISON = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"


def log(size: int) -> bytes:
    return Log([(0x10000, "1", size, 8)], {"1": [0x7700_0100]}).text().encode()


def sizes(batch: hd.Batch) -> list[int]:
    return [int(snapshot.usage["requested_bytes"].sum()) for snapshot in batch]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, size in [("after_10.txt", 10), ("after_2.txt", 2), ("After_1.txt", 1), (".hidden", 5)]:
        (tmp_path / name).write_bytes(log(size))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "after_3.txt").write_bytes(log(3))
    return tmp_path


@pytest.mark.parametrize("threads", [1, 2, 5, None])
def test_results_are_in_the_order_of_the_input(threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Some are large, and read in another round.
    monkeypatch.setattr(work, "_LARGE", 400)
    given = [log(size) if size % 3 else log(size) + b"\r\n" * 400 for size in range(1, 30)]
    seen: list[tuple[int, int]] = []
    batch = hd.read_many(given, threads=threads, progress=lambda done, total: seen.append((done, total)))
    assert sizes(batch) == list(range(1, 30))
    assert len(batch) == 29
    assert batch.failures.is_empty()
    assert seen == [(done, 29) for done in range(30)]


def test_folder_pattern_file_and_objects(folder: Path) -> None:
    assert sizes(hd.read_many(folder)) == [1, 2, 10, 3]
    assert sizes(hd.read_many(str(folder))) == [1, 2, 10, 3]
    # Windows does not tell After from after.
    other = [1] if os.name == "nt" else []
    assert sizes(hd.read_many(f"{folder}/after*.txt")) == [*other, 2, 10]
    assert sizes(hd.read_many(f"{folder}/**/after*.txt")) == [*other, 2, 10, 3]
    assert sizes(hd.read_many(folder / "after_2.txt")) == [2]
    mixed = [io.BytesIO(log(7)), folder / "after_2.txt", bytearray(log(9)), str(folder / "after_10.txt")]
    batch = hd.read_many(iter(mixed))
    assert sizes(batch) == [7, 2, 9, 10]
    assert batch.paths == [None, str(folder / "after_2.txt"), None, str(folder / "after_10.txt")]


def test_name_with_brackets_is_a_file_if_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "log[1].txt"
    path.write_bytes(log(4))
    assert sizes(hd.read_many(str(path))) == [4]


def test_blocks_are_left_out_unless_asked_for() -> None:
    assert hd.read_many([log(8)]).snapshots[0].allocations.is_empty()
    assert hd.read_many([log(8)], blocks=True).snapshots[0].allocations.height == 1


def test_one_bad_file_never_stops_the_others(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise RuntimeError("the disk is gone")

    dump = tmp_path / "a.dmp"
    hd.testing.write_dump(dump)
    sources = [tmp_path / "none.txt", log(1), b"", b"words", COMPARISON, dump, tmp_path, Broken(), log(2)]
    batch = hd.read_many(sources)
    assert sizes(batch) == [1, 2]
    assert [each.path for each in batch.dumps] == [str(dump)]
    assert batch.failures["position"].to_list() == [0, 2, 3, 4, 6, 7]
    assert batch.failures["kind"].to_list() == [
        "io",
        "empty",
        "not_a_log",
        "not_a_snapshot",
        "directory",
        "RuntimeError",
    ]
    assert batch.failures["path"].to_list()[:2] == [str(tmp_path / "none.txt"), None]
    assert batch.failures["line"].to_list() == [None] * 6
    messages = batch.failures["message"].to_list()
    assert messages[3] == "<bytes>: expected a heap log or a minidump, found the comparison of two logs"
    assert messages[5] == "<bytes>: the disk is gone"
    assert repr(batch).endswith("1 dump, 6 failures>")
    assert "not_a_snapshot" in batch._repr_html_()


def test_failure_of_a_line_says_the_line() -> None:
    two = Log([(0x10000, "1", 8, 8)], {"1": [0x7700_0100]}).text().encode()
    failed = b"// Debug library initialized ...\n// UMDH: version 6.1: Logtime 2012-04-30 12:09 - Machine=B - PID=7\n"
    failures = hd.read_many([failed + b"// Error: cannot open the process\n", two]).failures
    assert failures.select("kind", "line").rows() == [("failed_capture", 2)]


def test_first_failure_is_raised_if_asked_for() -> None:
    with pytest.raises(exceptions.FormatError):
        hd.read_many([log(1), b"", log(2)], on_error="raise")
    with pytest.raises(OptionError) as refused:
        hd.read_many([COMPARISON], on_error="raise")
    assert refused.value.kind == "not_a_snapshot"


def test_dumps_are_read_beside_logs_and_out_of_archives(tmp_path: Path) -> None:
    dumps = [SmallDump(pid=pid).write() for pid in (1, 2, 3)]
    (tmp_path / "b.dmp").write_bytes(dumps[0])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("in.dmp", dumps[1])
        packed.writestr("in.txt", log(5))
    with zipfile.ZipFile(inner := io.BytesIO(), "w") as packed:
        packed.writestr("c.dmp", dumps[2])
    (tmp_path / "c.zip").write_bytes(inner.getvalue())
    (tmp_path / "d.txt").write_bytes(log(6))
    batch = hd.read_many(tmp_path, on_error="raise")
    assert sizes(batch) == [5, 6]
    assert [dump.pid for dump in batch.dumps] == [2, 1, 3]
    assert [Path(name).name for name in batch.paths] == [
        "a.zip!in.dmp",
        "a.zip!in.txt",
        "b.dmp",
        "c.zip!c.dmp",
        "d.txt",
    ]
    assert len(batch) == len(list(batch)) == 2
    assert "3 dumps>" in repr(batch)
    assert "2024-03-11 09:00 UTC" in batch._repr_html_()
    assert repr(hd.read_many([dumps[0]])) == "<Batch: 0 snapshots of 0 bytes of text, 1 dump>"


def test_many_small_dumps_are_read(tmp_path: Path) -> None:
    for number in range(150):
        (tmp_path / f"{number}.dmp").write_bytes(SmallDump(pid=number).write())
    batch = hd.read_many(tmp_path)
    assert [dump.pid for dump in batch.dumps] == list(range(150))
    assert batch.failures.is_empty()


@pytest.mark.parametrize("wrong", [log(1), io.BytesIO(b""), None, 3, [None], [3]])
def test_what_is_no_list_of_sources_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="expected "):
        hd.read_many(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"found Snapshot \(read already: heapdelta.series takes it as it is\)"):
        hd.read_many([hd.read(log(1))])  # type: ignore[list-item]


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    for nothing in ([], tmp_path, f"{tmp_path}/*.txt"):
        with pytest.raises(OptionError, match=r"found (none|an empty folder)"):
            hd.read_many(nothing)  # type: ignore[arg-type]
    # A single name that is not there is a file that cannot be read.
    assert hd.read_many(tmp_path / "none.txt").failures["kind"].to_list() == ["io"]


def test_a_folder_without_a_file_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("")
    with pytest.raises(OptionError, match="found hidden or special files only"):
        hd.read_many(tmp_path)
    (tmp_path / "monday" / "deep").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "1.log").write_bytes(log(1))
    with pytest.raises(OptionError, match="expected files, found 1 folder without any"):
        hd.read_many(tmp_path)
    (tmp_path / "monday" / "deep" / "1.log").write_bytes(log(1))
    assert len(hd.read_many(tmp_path)) == 1


def test_a_folder_is_all_that_lies_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["logs/day_10/a.txt", "logs/day_2/a.txt", "logs/b.txt", "logs/.old/a.txt"], start=1):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(log(number))
    expected = [os.path.join("logs", *parts) for parts in (["b.txt"], ["day_2", "a.txt"], ["day_10", "a.txt"])]  # noqa: PTH118
    for name in ("logs", "logs/", "./logs", "day/../logs"):
        (tmp_path / "day").mkdir(exist_ok=True)
        assert sizes(hd.read_many(name)) == [3, 2, 1], name
    assert hd.read_many("logs").paths == expected
    assert hd.read_many(".").paths == expected
    monkeypatch.chdir(tmp_path / "logs")
    assert sizes(hd.read_many(".")) == [3, 2, 1]


def test_a_folder_with_signs_of_patterns_in_its_name_is_a_folder(tmp_path: Path) -> None:
    # Windows has brackets alone in names.
    outer, inner = ("case [1]", "in[n]er") if os.name == "nt" else ("case [1]*", "in?ner")
    (tmp_path / outer / inner).mkdir(parents=True)
    (tmp_path / outer / inner / "a.txt").write_bytes(log(4))
    assert sizes(hd.read_many(tmp_path / outer)) == [4]


def test_a_folder_is_looked_at_once_whatever_links_lead_to_it(tmp_path: Path) -> None:
    (tmp_path / "logs" / "inner").mkdir(parents=True)
    (tmp_path / "logs" / "inner" / "a.txt").write_bytes(log(4))
    linked(tmp_path / "logs" / "again", "inner")
    linked(tmp_path / "logs" / "inner" / "up", "..")
    assert hd.read_many(tmp_path / "logs").paths == [str(tmp_path / "logs" / "inner" / "a.txt")]


@pytest.mark.parametrize("option", [{"threads": 0}, {"threads": True}, {"threads": 2000}, {"on_error": "ignore"}])
def test_options_of_no_meaning_are_refused(option: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        hd.read_many([log(1)], **option)  # type: ignore[arg-type]


@pytest.mark.parametrize("stop_at", [0, 1, 3])
def test_what_progress_raises_stops_everything(stop_at: int) -> None:
    class Stop(BaseException):
        pass

    def progress(done: int, _total: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        if done == stop_at:
            raise Stop

    opened: list[int] = []

    class Counted(io.BytesIO):
        def read(self, *arguments: int) -> bytes:
            opened.append(1)
            return super().read(*arguments)

    with pytest.raises(Stop):
        hd.read_many([Counted(log(1)) for _ in range(400)], threads=1, progress=progress)
    assert len(opened) < 400
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("heapdelta")]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_interrupt_ends_a_read_that_is_under_way(tmp_path: Path) -> None:
    """Ctrl-C while large files are being read: `KeyboardInterrupt`, long before they are done."""
    code = f"""
import os, signal, threading, heapdelta as hd
line = b"40 bytes + 18 at 2E9FB00 by BackTrace7\\n"
text = b"*- - - - Start of data for heap @ 10000 - - - -\\n" + line * 3_000_000
class Slow:
    started = threading.Event()
    def read(self):
        self.started.set()
        return text
def interrupt():
    Slow.started.wait()
    os.kill(os.getpid(), {int(signal.SIGINT)})
helper = threading.Thread(target=interrupt)
helper.start()
try:
    hd.read_many([Slow() for _ in range(200)], threads=2)
except KeyboardInterrupt:
    helper.join()
    print("interrupted", threading.active_count() - 1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (done.stdout.strip(), done.returncode) == ("interrupted 0", 0), done.stderr


def test_names_sort_as_people_do() -> None:
    names = ["b", "a10", "A2", "a1", "a01", "10", "9", "a", "a2b", "²"]
    ordered = sorted(names, key=natural_key)
    assert ordered.index("9") < ordered.index("10") < ordered.index("a")
    assert [name for name in ordered if name[0] in "aA"] == ["a", "a01", "a1", "A2", "a2b", "a10"]


@pytest.mark.parametrize("threads", [1, 3])
def test_many_small_files_are_read_in_a_row_each_with_its_own_outcome(tmp_path: Path, threads: int) -> None:
    """Good and bad files, and paths that no system takes, in one row; results and failures are each one's own."""
    paths: list[object] = []
    for place in range(100):
        paths.append(tmp_path / f"{place}.txt")
        paths[-1].write_bytes(b"no log" if place % 7 == 3 else log(place + 1))  # type: ignore[attr-defined]
    paths[50:50] = [tmp_path / "missing.txt", "nul\0.txt", log(7)]
    batch = hd.read_many(paths, threads=threads)  # type: ignore[arg-type]
    expected = [place + 1 for place in range(100) if place % 7 != 3]
    at = sum(place < 50 for place in range(100) if place % 7 != 3)
    assert sizes(batch) == [*expected[:at], 7, *expected[at:]]
    bad = [place + 3 * (place >= 50) for place in range(100) if place % 7 == 3]
    assert batch.failures["position"].to_list() == sorted([*bad, 50, 51])
    assert [snapshot.path for snapshot in batch.snapshots[:3]] == [str(path) for path in paths[:3]]


@pytest.mark.skipif(sys.platform != "linux", reason="counts the files of a process by /proc")
def test_a_dump_that_was_read_holds_no_file_open(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.dmp").write_bytes(SmallDump(pid=number + 1).write())
    before = len(list(Path("/proc/self/fd").iterdir()))
    batch = hd.read_many(tmp_path)
    assert len(batch.dumps) == 20
    assert len(list(Path("/proc/self/fd").iterdir())) == before
