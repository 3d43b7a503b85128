"""What keeps a reader waiting, a pipe without a writer for example, can be stopped; what is no file says what it is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import heapdelta as hd
import pytest
from heapdelta import cli
from heapdelta.exceptions import FormatError, ReadError
from hostile import MAIN, two_logs


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if os.name == "nt":
        pytest.skip("named pipes of POSIX")
    monkeypatch.chdir(tmp_path)
    two_logs(tmp_path)
    os.mkfifo("pipe")
    return tmp_path / "pipe"


COMMANDS = [
    ["summary", "pipe"],
    ["diff", "before.txt", "pipe"],
    ["series", "before.txt", "pipe", "after.txt"],
    ["umdh", "pipe", "after.txt"],
    ["check", "pipe", "after.txt", "--max-growth", "1"],
]


def interrupted(arguments: list[str], after: float = 0.0, **streams: object) -> tuple[int, float, str]:
    """Press Ctrl-C once the command waits; give its exit code, how long it took to leave, and what it said."""
    code = f"import heapdelta.cli, sys\nprint('ready', flush=True)\n{MAIN}"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    with subprocess.Popen([sys.executable, "-c", code, *arguments], text=True, **options) as running:  # type: ignore[call-overload]
        assert running.stdout.readline() == "ready\n"
        time.sleep(0.7 + after)
        assert running.poll() is None, "it did not wait"
        pressed = time.monotonic()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
        return running.returncode, time.monotonic() - pressed, errors


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_interrupt_while_a_pipe_has_no_writer(arguments: list[str], pipe: Path) -> None:
    assert pipe.exists()
    code, seconds, errors = interrupted(arguments)
    assert (code, errors) == (cli.INTERRUPTED, "error: interrupted\n")
    assert seconds < 5


@pytest.mark.parametrize("sent", [b"", b"// UMDH: version 6.1.7650.0\n"], ids=["nothing", "a line"])
def test_interrupt_while_the_writer_of_a_pipe_is_silent(sent: bytes, pipe: Path) -> None:
    def write() -> None:
        with pipe.open("wb", buffering=0) as writer:
            writer.write(sent)
            done.wait(30)

    done = threading.Event()
    silent = threading.Thread(target=write)
    silent.start()
    try:
        code, seconds, errors = interrupted(["summary", "pipe"])
    finally:
        done.set()
        silent.join()
    assert (code, errors) == (cli.INTERRUPTED, "error: interrupted\n")
    assert seconds < 5


def test_interrupt_while_nothing_comes_from_standard_input(pipe: Path) -> None:
    assert pipe.exists()
    reader, writer = os.pipe()
    try:
        code, _, errors = interrupted(["summary", "/dev/stdin"], stdin=reader)
    finally:
        os.close(reader)
        os.close(writer)
    assert (code, errors) == (cli.INTERRUPTED, "error: interrupted\n")


def test_progress_can_stop_a_read_that_waits(pipe: Path) -> None:
    class EnoughError(Exception):
        pass

    def stop(_done: int, total: int | None) -> None:
        assert total is None
        raise EnoughError

    with pytest.raises(EnoughError):
        hd.read(pipe, progress=stop)


def test_pipe_is_read_to_its_end(pipe: Path) -> None:
    content = Path("before.txt").read_bytes()
    writer = threading.Thread(target=lambda: pipe.write_bytes(content))
    writer.start()
    found = hd.read(pipe)
    writer.join()
    assert found.byte_count == len(content)
    assert found.usage.equals(hd.read("before.txt").usage)


def test_dump_comes_through_a_pipe(pipe: Path) -> None:
    hd.testing.write_dump("x.dmp", stack_count=60)
    content = Path("x.dmp").read_bytes()
    writer = threading.Thread(target=lambda: pipe.write_bytes(content))
    writer.start()
    found = hd.read(pipe)
    writer.join()
    assert isinstance(found, hd.Dump)
    assert found.modules.equals(hd.read("x.dmp").modules)


@pytest.mark.skipif(os.name == "nt", reason="sockets of POSIX")
def test_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(ReadError, match=r"^socket: cannot read: it is a socket, not a file$"):
            hd.read("socket")


@pytest.mark.skipif(os.name == "nt", reason="devices of POSIX")
@pytest.mark.timeout(60)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full", "/dev/null"])
def test_devices_are_no_logs(device: str) -> None:
    if not Path(device).exists():
        pytest.skip(f"no {device} here")
    with pytest.raises(FormatError, match=f"^{device}: expected a heap log"):
        hd.read(device)
