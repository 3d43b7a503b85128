"""The one writer: a file is whole or not there, and what was there before stays until then."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import _whole_file, testing
from heapdelta.exceptions import OptionError, WriteError
from hostile import files_of, linked, no_file_longer_than, nobody

POSIX = pytest.mark.skipif(os.name == "nt", reason="modes, owners, pipes, devices and errors of POSIX")
OLD, NEW = b"the good report of yesterday", b"new" * 1000


@POSIX
def test_new_file_has_the_content_and_the_mode_of_the_mask(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    before = os.umask(0o027)
    try:
        _whole_file.write(path, NEW)
    finally:
        os.umask(before)
    assert files_of(tmp_path) == {"x.bin": NEW}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755])
def test_file_that_is_replaced_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(OLD)
    path.chmod(mode)
    _whole_file.write(path, "text − as UTF-8\n")
    assert path.read_text(encoding="utf-8") == "text − as UTF-8\n"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@POSIX
def test_file_that_is_replaced_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(OLD)
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    os.chown(path, 1234, 4321)
    _whole_file.write(path, NEW)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


@pytest.mark.parametrize("exists", [True, False], ids=["to a file", "to nothing"])
def test_link_is_followed_and_stays(exists: bool, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    target, link = tmp_path / "inner" / "x.bin", tmp_path / "link"
    if exists:
        target.write_bytes(OLD)
    linked(link, "inner/x.bin")
    _whole_file.write(link, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW
    assert len(list(target.parent.iterdir())) == 1


def test_other_name_of_a_hard_link_keeps_the_old_content(tmp_path: Path) -> None:
    path, other = tmp_path / "x.bin", tmp_path / "other"
    path.write_bytes(OLD)
    os.link(path, other)
    _whole_file.write(path, NEW)
    assert (path.read_bytes(), other.read_bytes()) == (NEW, OLD)


@pytest.mark.parametrize("exists", [True, False])
def test_full_disk_leaves_what_was_there(exists: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    if exists:
        path.write_bytes(OLD)
    before = files_of(tmp_path)
    with no_file_longer_than(1000), pytest.raises(WriteError) as raised:
        _whole_file.write(path, NEW)
    assert files_of(tmp_path) == before
    assert raised.value.message == f"{path}: cannot write: File too large"
    assert (raised.value.errno, raised.value.filename, raised.value.kind) == (errno.EFBIG, str(path), "write")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_whatever_stops_the_writing_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(OLD)

    def write() -> None:
        with _whole_file.replaced(path) as place:
            place.write_bytes(b"half")
            assert path.read_bytes() == OLD
            assert place.parent == tmp_path
            assert place.name.startswith("."), "a hidden file is taken for no log"
            raise error

    with pytest.raises(error):
        write()
    assert files_of(tmp_path) == {"x.bin": OLD}


@POSIX
@pytest.mark.parametrize("wrong", ["no folder", "a file for a folder", "a folder", "long name", "loop"])
def test_what_can_be_known_is_told_before_the_work(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    if wrong == "loop":
        linked(tmp_path / "loop", "loop")
    name, number = {
        "no folder": ("no/x.bin", errno.ENOENT),
        "a file for a folder": ("file/x.bin", errno.ENOTDIR),
        "a folder": (".", errno.EISDIR),
        "long name": ("x" * 300, errno.ENAMETOOLONG),
        "loop": ("loop", errno.ELOOP),
    }[wrong]
    path = os.path.join(tmp_path, name)  # noqa: PTH118 - a path would drop the dot
    for attempt in (_whole_file.check, lambda path: _whole_file.write(path, NEW)):
        with pytest.raises(WriteError) as raised:
            attempt(path)
        assert raised.value.errno == number
        assert raised.value.message == f"{path}: cannot write: {os.strerror(number)}"
        assert isinstance(raised.value, type(OSError(number, ""))), "the built-in exception that says the same"
        again = pickle.loads(pickle.dumps(raised.value))
        assert (type(again), again.message, again.kind) == (type(raised.value), raised.value.message, "write")
    assert files_of(tmp_path) == {"file": OLD}


@POSIX
@pytest.mark.parametrize("wrong", ["folder", "file"])
def test_what_may_not_be_written_is_told_before_the_work(wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(OLD)
    path.chmod(0o444)
    tmp_path.chmod(0o555 if wrong == "folder" else 0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    with nobody(), pytest.raises(WriteError, match="cannot write: Permission denied"):
        _whole_file.check(path if wrong == "file" else tmp_path / "new.bin")
    with nobody(), pytest.raises(WriteError, match="cannot write: Permission denied"):
        _whole_file.write(path if wrong == "file" else tmp_path / "new.bin", NEW)
    tmp_path.chmod(0o755)
    assert files_of(tmp_path) == {"x.bin": OLD}


def test_check_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(OLD)
    for name in ("x.bin", "new.bin"):
        _whole_file.check(tmp_path / name)
    assert files_of(tmp_path) == {"x.bin": OLD}


@POSIX
def test_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        _whole_file.write(pipe, NEW)
        assert reader.communicate()[0] == NEW
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@POSIX
def test_device_takes_what_it_takes() -> None:
    _whole_file.write("/dev/null", NEW)
    with pytest.raises(WriteError, match=r"^/dev/full: cannot write: No space left on device$"):
        _whole_file.write("/dev/full", NEW)


@POSIX
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("-", 1),
        ("/dev/stdout", 1),
        ("/dev//stdout", 1),
        ("/dev/stderr", 2),
        ("/dev/fd/63", 63),
        ("/proc/self/fd/7", 7),
        pytest.param(f"/proc/{os.getpid()}/fd/7", 7, id="/proc/OWN/fd/7"),
        ("/proc/1/fd/7", None),
        ("x.csv", None),
        ("/dev/null", None),
    ],
)
def test_open_files_are_known_by_their_names(name: str, number: int | None) -> None:
    assert _whole_file.stream_of(name) == number


@POSIX
def test_standard_output_comes_behind_what_was_printed(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print("first")
    _whole_file.write("-", "second\n")
    _whole_file.write("/dev/stdout", b"third\n")
    print("fourth")
    assert capfdbinary.readouterr().out == b"first\nsecond\nthird\nfourth\n"


@POSIX
def test_everything_is_written_though_the_system_takes_it_bit_by_bit(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    content = bytes(range(256)) * 40_000
    with ours, (tmp_path / "read").open("wb") as target:
        ours.setblocking(False)
        with theirs, subprocess.Popen(["sh", "-c", "sleep 0.3; cat"], stdin=theirs, stdout=target) as reader:
            theirs.close()
            _whole_file.write_all(ours.fileno(), content)
            ours.shutdown(socket.SHUT_WR)
            reader.wait(timeout=60)
    assert (tmp_path / "read").read_bytes() == content


SLOW = """
import os, sys, time
from heapdelta import _whole_file
def slowly(descriptor, content):
    os.write(descriptor, content[:len(content) // 2])
    print("half", flush=True)
    time.sleep(60)
_whole_file.write_all = slowly
_whole_file.write(sys.argv[1], b"new" * 1000)
"""


# Windows has one way, and no other for a program without a window.
WAYS = [signal.SIGTERM] if os.name == "nt" else [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]


@pytest.mark.parametrize("how", WAYS)
def test_killed_writer_leaves_the_old_file(how: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(OLD)
    with subprocess.Popen([sys.executable, "-c", SLOW, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline().rstrip() == b"half"
        time.sleep(0.05)
        writer.send_signal(how)
        writer.communicate(timeout=60)
    left = files_of(tmp_path)
    assert left.pop("x.bin") == OLD
    assert all(name.startswith(".heapdelta-") for name in left)
    assert not left or how != signal.SIGINT


def test_nothing_in_the_package_writes_in_another_way() -> None:
    package = Path(hd.__file__).parent
    ways = ("write_text(", "write_bytes(", '"wb"', '"w"', '"a"', '"ab"', "write_parquet(", ".to_html(", "write_csv(")
    found = {
        (path.name, way) for path in package.rglob("*.py") for way in ways if way in path.read_text(encoding="utf-8")
    }
    # In `_machine.py` and `_commit.py` into memory, and its own `write_parquet`; in `_objects.py` what is fetched, as
    # long as it is read; in `_dataset.py` an example.
    in_memory = {("_machine.py", "write_parquet("), ("_machine.py", "write_csv("), ("_commit.py", "write_parquet(")}
    expected = {("_whole_file.py", '"wb"'), *in_memory, ("_objects.py", '"wb"'), ("_dataset.py", "write_text(")}
    assert found - {("diff.py", "write_parquet("), ("command.py", "write_parquet(")} == expected


def test_folder_of_a_case_is_safe_from_the_stories(tmp_path: Path) -> None:
    stories = {
        "after.txt": lambda: testing.write_investigation(tmp_path, stack_count=60),
        "before.dmp": lambda: testing.write_dump_investigation(tmp_path, stack_count=60),
        "fernhollow_003.txt": lambda: testing.write_series(tmp_path, days=1, stack_count=60),
        "after.dmp": lambda: testing.write_heap_dumps(tmp_path, stack_count=20),
    }
    for name, write in stories.items():
        (tmp_path / name).write_bytes(b"evidence")
        with pytest.raises(OptionError, match=f"{name}: expected no file, or one of heapdelta.testing to replace"):
            write()
        assert files_of(tmp_path) == {name: b"evidence"}
        (tmp_path / name).unlink()


@pytest.mark.parametrize("dialect", ["umdh1", "umdh2"])
def test_story_replaces_itself(dialect: str, tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "windows-1252"):
        testing.write_log(tmp_path / "before.txt", stack_count=60, dialect=dialect, encoding=encoding)  # type: ignore[arg-type]
        testing.write_investigation(tmp_path, stack_count=60, dialect=dialect)  # type: ignore[arg-type]
        testing.write_dump_investigation(tmp_path, stack_count=60)
        testing.write_heap_dumps(tmp_path, stack_count=20)


def test_synthetic_files_are_whole_or_not_there(tmp_path: Path) -> None:
    writers = [
        lambda: testing.write_log(tmp_path / "x", stack_count=60),
        lambda: testing.write_dump(tmp_path / "x", stack_count=60),
        lambda: testing.write_reference_log(tmp_path / "x", "blocks", 100_000),
        lambda: testing.write_reference_dump(tmp_path / "x", memory_bytes=2**25, range_count=1000, region_count=1500),
        lambda: testing.write_series(tmp_path, days=1, stack_count=60),
        lambda: testing.write_heap_dump(tmp_path / "x", stack_count=20),
        lambda: testing.write_reference_heaps(tmp_path / "x", heap_bytes=2**22, block_count=9000, heap_count=2),
    ]
    (tmp_path / "x").write_bytes(OLD)
    for write in writers:
        with no_file_longer_than(1000), pytest.raises(WriteError, match=r"cannot write: File too large$"):
            write()
        assert files_of(tmp_path) == {"x": OLD}


@pytest.mark.parametrize("suffix", ["png", "svg", "html"])
def test_chart_replaces_a_chart_and_nothing_else(suffix: str, tmp_path: Path) -> None:
    ranking = hd.diff(*[testing.write_log(tmp_path / "log", stack_count=60) and hd.read(tmp_path / "log")] * 2)
    chart, path = hd.chart.waterfall(ranking), tmp_path / f"x.{suffix}"
    for content in (
        b"// UMDH: version 6.1\n",
        b"MDMP\x93\xa7",
        "*** Heap".encode("utf-16"),
        b"  \n+ 5320 ( f110 - 9df0)",
    ):
        path.write_bytes(content)
        with pytest.raises(OptionError, match="expected no file, or a picture to replace, found another"):
            hd.chart.save(chart, path)
        assert path.read_bytes() == content
    path.write_bytes(b"")
    hd.chart.save(chart, path)
    first = path.read_bytes()
    hd.chart.save(chart, path)
    assert path.read_bytes() == first
    with no_file_longer_than(100), pytest.raises(OSError, match="cannot write"):
        hd.chart.save(chart, path)
    assert path.read_bytes() == first
