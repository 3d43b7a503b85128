"""What is around heapdelta: Python, the terminal, fonts, browsers, the PATH, and what of the environment it reads."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from heapdelta import __version__, _native
from heapdelta._shell import pasted
from heapdelta.cli import _output
from heapdelta.cli.doctor.finding import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterable

# A character of each script whose names occur in logs, and that a chart can draw only with a font for it.
SCRIPTS = {
    "Latin": "A",
    "Greek": "Ω",
    "Cyrillic": "Я",
    "Arabic": "ع",
    "Chinese": "中",
    "Japanese": "の",
    "Korean": "한",
    "Devanagari": "अ",
}
# Nobody draws the last character of the last private area: what stands for it stands for whatever is missing.
_NOWHERE = "\U0010fffd"
_SIGNS = "µ…−─"
# Read by heapdelta, or by what it is made of, to the same end.
VARIABLES = (
    "COLUMNS",
    "NO_COLOR",
    "FORCE_COLOR",
    "PYTHONUTF8",
    "PYTHONIOENCODING",
    "TMPDIR",
    "TEMP",
    "POLARS_MAX_THREADS",
)
SECRETS = ("HEAPDELTA_PASSWORD",)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FREE = 1 << 30
_SOURCES = Path(__file__).parents[2].parent.parent
"""Where the source is, if this is run from it."""


def program() -> list[Finding]:
    """Tell of heapdelta itself, its native module and its Python."""
    return [_heapdelta(), _native_module(), _python(), _system(), _command(), _configuration()]


def _heapdelta() -> Finding:
    return Finding("heapdelta", State.WORKS, f"{__version__}, {Path(_native.__file__ or '').parent}")


def _native_module() -> Finding:
    kind = f"{sysconfig.get_platform()}, {os.cpu_count() or 1} processors"
    if _native.is_debug_build:
        hint = "build it with maturin develop --release, or install a wheel"
        return Finding("native module", State.LIMITED, f"{kind}, not optimised: some thirty times slower", hint)
    return Finding("native module", State.WORKS, f"{kind}, optimised")


def _python() -> Finding:
    found = f"{platform.python_version()} ({platform.python_implementation()}), {sys.executable}"
    if platform.python_implementation() != "CPython":
        return Finding("Python", State.LIMITED, found, "heapdelta is tested with CPython alone")
    return Finding("Python", State.WORKS, found)


def _system() -> Finding:
    found = platform.platform()
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        # A console that is not there has the page 0.
        found += f", code page {kernel.GetACP()}, of the console {kernel.GetConsoleOutputCP() or 'none'}"
    return Finding("system", State.WORKS, found)


def _command() -> Finding:
    place = shutil.which("heapdelta")
    if place is None:
        hint = f"{pasted([sys.executable, '-m', 'heapdelta'])} is the same"
        return Finding("command", State.ABSENT, "heapdelta is not on the PATH", hint)
    ours = Path(sysconfig.get_path("scripts"))
    if not _is_ours(Path(place), ours):
        hint = f"it may be of another Python; this one has its commands in {ours}"
        return Finding("command", State.LIMITED, place, hint)
    return Finding("command", State.WORKS, place)


def _is_ours(place: Path, ours: Path) -> bool:
    """Tell whether a command is of this Python: there, linked to there, or the one that runs.

    pipx and uv link to it, on Windows they copy it.
    """
    running = Path(sys.argv[0])
    return ours.resolve() in (place.absolute().parent.resolve(), place.resolve().parent) or (
        running.stem == "heapdelta" and running.is_file() and running.samefile(place)
    )


def _configuration() -> Finding:
    told = [f"{name}={value}" for name in VARIABLES if (value := os.environ.get(name)) is not None]
    told += [f"{name} is set" for name in SECRETS if name in os.environ]
    read = ", ".join(told) if told else "none that it reads is set"
    return Finding("configuration", State.WORKS, f"there is no file; of the environment: {read}")


def machine() -> list[Finding]:
    """Tell of the terminal, the fonts, the browsers and the disk."""
    around = [_terminal(), _encoding(), _temporary(), _fonts(), _browser()]
    return [*around, _chromium()] if _SOURCES.joinpath("Cargo.toml").is_file() else around


def _terminal() -> Finding:
    width = _output.console().width
    if not sys.stdout.isatty():
        return Finding("terminal", State.WORKS, f"none, output goes elsewhere: {width} columns, no colours")
    if width < 80:
        return Finding("terminal", State.LIMITED, f"{width} columns", "tables leave columns out below 80")
    return Finding("terminal", State.WORKS, f"{width} columns")


def _encoding() -> Finding:
    encoding = sys.stdout.encoding or "none"
    try:
        _SIGNS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        hint = "PYTHONUTF8=1 in the environment makes it UTF-8; -o FILE writes UTF-8 always"
        return Finding(
            "encoding", State.LIMITED, f"{encoding} has no room for {_SIGNS.encode('unicode_escape').decode()}", hint
        )
    return Finding("encoding", State.WORKS, encoding)


def _temporary() -> Finding:
    import tempfile

    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    found = f"{folder}, {free / _FREE:,.1f} GiB free"
    if free < _FREE:
        return Finding("temporary files", State.LIMITED, found, "large files of archives are unpacked there")
    return Finding("temporary files", State.WORKS, found)


def _fonts() -> Finding:
    try:
        missing = missing_scripts(SCRIPTS)
    except Exception as error:
        return Finding(
            "fonts of charts", State.BROKEN, f"{type(error).__name__}: {error}", "reinstall vl-convert-python"
        )
    if "Latin" in missing:
        hint = "install a font, such as Debian's fonts-dejavu-core: charts have no text"
        return Finding("fonts of charts", State.LIMITED, "none", hint)
    there = ", ".join(name for name in SCRIPTS if name not in missing)
    if missing:
        hint = "install a font for these, such as Debian's fonts-noto-cjk: names in them are drawn as boxes in PNG"
        return Finding("fonts of charts", State.LIMITED, f"{there}; not {', '.join(missing)}", hint)
    return Finding("fonts of charts", State.WORKS, there)


def missing_scripts(scripts: dict[str, str]) -> list[str]:
    """Draw a character of each script, and name those that look like one that no font has."""
    nothing = {_drawn(_NOWHERE), _drawn(" ")}
    return [name for name, character in scripts.items() if _drawn(character) in nothing]


def _drawn(character: str) -> bytes:
    import vl_convert

    text = f'<text x="5" y="45" font-family="sans-serif" font-size="40">{character}</text>'
    return bytes(vl_convert.svg_to_png(f'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60">{text}</svg>'))


def _browser() -> Finding:
    try:
        webbrowser.get()
    except webbrowser.Error:
        hint = "a report is one file, and can be opened on any machine"
        return Finding("browser", State.ABSENT, "none for reports and HTML charts", hint)
    return Finding("browser", State.WORKS, "there is one, for reports and HTML charts")


def _chromium() -> Finding:
    place = first_on_path(_BROWSERS)
    if place is None:
        hint = "make browser installs it, on Debian; only who develops heapdelta needs it"
        return Finding("Chromium", State.ABSENT, "none for the tests of reports", hint)
    return Finding("Chromium", State.WORKS, f"{place}, for the tests of reports")


def first_on_path(names: Iterable[str]) -> str | None:
    """Give the place of the first program of these names that is on the PATH."""
    return next(filter(None, map(shutil.which, names)), None)
