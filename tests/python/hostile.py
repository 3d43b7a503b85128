"""What the tests of outputs share: commands as processes, limits of the system, users who may not do everything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_log import APP_FRAME, NTDLL_FRAME, Log

MAIN = "from heapdelta_command import main; main()"
NOBODY = 65534


def two_logs(folder: Path, suffix: str = ".txt", *, stacks: int = 40) -> tuple[Path, Path]:
    """Two logs of one run, of many stacks: every form of their difference is longer than a few hundred bytes."""
    frames = {f"{0xA000 + number:X}": [NTDLL_FRAME, 0x1000_0100 + number, APP_FRAME] for number in range(stacks)}
    paths = folder / f"before{suffix}", folder / f"after{suffix}"
    for place, path in enumerate(paths):
        blocks = [(0x10000, trace, 100 + 50 * place * number, 8) for number, trace in enumerate(frames)]
        log = Log(blocks, frames, taken=f"2012-04-30 1{place}:09")
        path.write_text(log.text(), encoding="utf-8", newline="")
    return paths


def command(
    *arguments: str | os.PathLike[str], code: str = MAIN, before: Callable[[], None] | None = None, **options: object
) -> subprocess.CompletedProcess[bytes]:
    """Run `heapdelta` as a process of its own, by default with what it writes captured."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    environment = os.environ | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(os.fspath, arguments)],
        env=environment,
        preexec_fn=before,
        timeout=120,
        check=False,
        **streams,  # type: ignore[call-overload]
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, hidden ones too, with its content."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def linked(path: Path, target: str | Path) -> None:
    """Make a symbolic link: on Windows that is a privilege, and Wine says that it made one and did not."""
    try:
        path.symlink_to(target, target_is_directory=(path.parent / target).is_dir())
    except OSError as error:
        pytest.skip(f"NOT TESTED, there are no symbolic links: {error}")
    if not path.is_symlink():
        pytest.skip("NOT TESTED, there are no symbolic links")


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """A disk that is full behind a number of bytes of each file. Python ignores the signal, so that writing fails."""
    resource = pytest.importorskip("resource", reason="only POSIX limits the size of a file")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user who may not do everything: tests may run as root."""
    if os.name == "nt":
        pytest.skip("users and modes of POSIX")
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
