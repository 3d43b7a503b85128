"""The growth of the demo in the viewers of others, and ours: each is started, and asked for one picture or one text.

What is not on this machine is named on standard error and on the page, and left out.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import heapdelta as hd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "python" / "report"))

import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDTH, HEIGHT = 1280, 860
SECONDS = 60


class AbsentError(Exception):
    """A program that is not on this machine."""


@dataclass(frozen=True)
class Demo:
    """What all viewers are shown."""

    delta: hd.Delta
    folder: Path
    """Where files for viewers go."""
    report: Path


@dataclass(frozen=True)
class Viewer:
    """One of the viewers: a picture is a file, a text is what it printed."""

    name: str
    about: str
    commands: str
    show: Callable[[Demo, Path], str | None]
    """Draws a picture into the file, or gives a text."""


def need(*programs: str) -> str:
    """Where the first of these is; all must be there."""
    for program in programs:
        if shutil.which(program) is None:
            raise AbsentError(program)
    return str(shutil.which(programs[0]))


def need_browser() -> None:
    """Ask for a Chromium before one is started."""
    if not any(map(shutil.which, chromium.NAMES)):
        raise AbsentError("chromium")


def still(take: Callable[[], bytes]) -> bytes:
    """Take pictures until three in a row are equal: by then the viewer has drawn all of it."""
    deadline = time.monotonic() + SECONDS
    last: list[bytes] = []
    while len(last) < 4 or len(set(last[-3:])) > 1:
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected a picture that stays as it is within {SECONDS} s")
        time.sleep(0.5)
        last.append(take())
    return last[-1]


def drawn(address: str, picture: Path, script: str = "") -> None:
    """Draw what the browser shows of an address, after a script."""
    with chromium.Browser() as browser:

        def take() -> bytes:
            browser.picture(picture, whole=False)
            return picture.read_bytes()

        browser.go(address, width=WIDTH, height=HEIGHT)
        still(take)
        if script:
            browser.value(script)
            still(take)


# --- the viewers ------------------------------------------------------------------------------------------------------


def report(demo: Demo, picture: Path) -> None:
    """Show the first page of the report."""
    need_browser()
    drawn(demo.report.as_uri(), picture)


def graph(demo: Demo, picture: Path) -> None:
    """Show the flame graph of the report."""
    need_browser()
    drawn(demo.report.as_uri(), picture, "document.querySelector('#graph').scrollIntoView()")


@contextmanager
def served(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    """Start a program that serves its page, and give the address that it prints."""
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        found = next(filter(None, (re.search(r"http://\S+", line) for line in process.stderr)), None)
        if found is None:
            raise RuntimeError(f"expected an address, found none: {command}")
        yield found[0]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def pprof(demo: Demo, picture: Path) -> None:
    """Show the flame graph of pprof's page."""
    go = need("go")
    need_browser()
    file = hd.export(demo.delta, demo.folder / "growth.pb.gz", changes_only=True).path
    command = [go, "tool", "pprof", "-http=localhost:", "-no_browser", "-symbolize=none", str(file)]
    with served(command, {"PPROF_TMPDIR": str(demo.folder)}) as address:
        drawn(f"{address}/ui/flamegraph", picture)


def speedscope(demo: Demo, picture: Path) -> None:
    """Show speedscope's page as its own command opens it: from a file, with the data in a script."""
    program = Path(need("speedscope")).resolve()
    need_browser()
    page = program.parents[1] / "dist" / "release" / "index.html"
    file = hd.export(demo.delta, demo.folder / "growth.speedscope.json").path
    data = base64.b64encode(file.read_bytes()).decode()
    script = file.with_suffix(".js")
    script.write_text(f'speedscope.loadFileFromBase64("{file.name}", "{data}")', encoding="utf-8")
    left_heavy = (
        "[...document.querySelectorAll('div')].findLast(each => each.innerText?.includes('Left Heavy')).click()"
    )
    drawn(f"{page.as_uri()}#localProfilePath={script}", picture, left_heavy)


def firefox(demo: Demo, _: Path) -> str:
    """Print the list of functions by the Firefox Profiler's own command; its page is not to be had as a package."""
    program = need("profiler-cli")
    file = hd.export(demo.delta, demo.folder / "growth.firefox.json.gz").path
    session = ["--session", "heapdelta-site"]
    try:
        loaded(program, str(file), *session)
        shown = asked(
            program, "thread", "functions", "--strategy", "native-retained-allocations", "--limit", "8", *session
        )
    finally:
        subprocess.run([program, "stop", "heapdelta-site"], capture_output=True, check=False)
    rows = [line.strip() for line in shown.splitlines() if re.match(r" *f-\d+\. ", line)]
    return "Functions (by self bytes):\n" + "\n".join(rows)


def loaded(program: str, file: str, *session: str) -> None:
    """Load a file; on a busy machine the program gives up on its own server before that has begun."""
    done = subprocess.run([program, "load", file, *session], capture_output=True, text=True, check=False)
    deadline = time.monotonic() + SECONDS
    while done.returncode and time.monotonic() < deadline:
        time.sleep(0.5)
        done = subprocess.run([program, "status", *session], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


def heaptrack_text(demo: Demo, _: Path) -> str:
    """Print the largest leak by heaptrack_print."""
    program = need("heaptrack_print")
    before, after = heaptrack_files(demo)
    only = ["-l1", "-a0", "-p0", "-T0", "-n", "1", "-s", "1"]
    shown = asked(program, "-d", str(before), "-f", str(after), *only)
    lines = shown.partition("MEMORY LEAKS\n")[2].splitlines()
    return "\n".join(["MEMORY LEAKS", *(line for line in lines[:24] if not line.strip().startswith("in "))])


def heaptrack(demo: Demo, picture: Path) -> str | None:
    """Show heaptrack's window on a screen that is in memory alone."""
    try:
        server, program, grab, trim = (need(name) for name in ("Xvfb", "heaptrack_gui", "import", "mogrify"))
    except AbsentError:
        return heaptrack_text(demo, picture)
    before, after = heaptrack_files(demo)
    read, write = os.pipe()
    screen = subprocess.Popen(
        [server, "-displayfd", str(write), "-screen", "0", "1340x900x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as told, tempfile.TemporaryDirectory() as home:
        display = f":{told.readline().strip()}"
        environment = os.environ | {"DISPLAY": display, "HOME": home, "XDG_RUNTIME_DIR": home}
        window = subprocess.Popen(
            [program, str(after), "-d", str(before)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def take() -> bytes:
            command = [grab, "-display", display, "-window", "root", "-strip", "-define", "png:exclude-chunks=date"]
            subprocess.run([*command, str(picture)], check=True, env=environment)
            return picture.read_bytes()

        try:
            # The screen is empty until the window is there.
            empty, deadline = take(), time.monotonic() + SECONDS
            while take() == empty and time.monotonic() < deadline:
                time.sleep(0.2)
            still(take)
            subprocess.run([trim, "-trim", str(picture)], check=True)
        finally:
            for process in (window, screen):
                process.terminate()
                process.wait()
    return None


def heaptrack_files(demo: Demo) -> list[Path]:
    """Write both logs, as heaptrack has a file for each."""
    sides = {"before": demo.delta.before, "after": demo.delta.after}
    return [hd.export(log, demo.folder / f"{name}.heaptrack.gz").path for name, log in sides.items()]


def asked(*command: str) -> str:
    """Run a program, and give what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout


EXPORT = "heapdelta export before.txt after.txt -o"
VIEWERS = [
    Viewer(
        "heapdelta's report",
        "One page that can be mailed: the answer first, then what it goes by. "
        '<a href="reports/demo.html">Open this one</a>, <a href="reports/days.html">one of five days of logs</a>, or '
        '<a href="reports/dumps.html">one of two minidumps</a>.',
        "heapdelta report before.txt after.txt -o demo.html",
        report,
    ),
    Viewer(
        "heapdelta's flame graph",
        "In the same page: what grew and what shrank apart, with search, filters and both directions.",
        "heapdelta report before.txt after.txt -o demo.html",
        graph,
    ),
    Viewer(
        "go tool pprof",
        "The width of a box is the change; red grew, green shrank.",
        f"{EXPORT} growth.pb.gz \\\n    --changes-only\ngo tool pprof -http=: growth.pb.gz",
        pprof,
    ),
    Viewer(
        "speedscope",
        "Four profiles: growth, shrinkage, after, before. This is the growth, left heavy.",
        f"{EXPORT} growth.speedscope.json\nspeedscope growth.speedscope.json",
        speedscope,
    ),
    Viewer(
        "heaptrack",
        "The second log less the first.",
        "heapdelta export before.txt -o before.heaptrack.gz\nheapdelta export after.txt -o after.heaptrack.gz\n"
        "heaptrack_gui after.heaptrack.gz -d before.heaptrack.gz",
        heaptrack,
    ),
    Viewer(
        "Firefox Profiler",
        "What is live in the second log, as `profiler-cli` prints it. "
        "[profiler.firefox.com](https://profiler.firefox.com) opens the same file.",
        f"{EXPORT} growth.firefox.json.gz\nprofiler-cli load growth.firefox.json.gz",
        firefox,
    ),
]
