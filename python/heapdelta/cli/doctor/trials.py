"""What heapdelta does, done once on a synthetic case whose answers are known."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import heapdelta as hd
from heapdelta._words import plural
from heapdelta.cli.doctor.finding import Finding, State
from heapdelta.cli.doctor.packages import installing

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapdelta.testing import Investigation

_STACKS = 60
_REINSTALL = f"{installing('--force-reinstall', 'heapdelta')}; if that does not help, it is a defect: please report it"


class WrongAnswerError(Exception):
    """It ran, and its answer is not the known one."""


def all_of_them() -> list[Finding]:
    """Try each thing that heapdelta does in a folder that is gone afterwards."""
    try:
        with tempfile.TemporaryDirectory(prefix="heapdelta-doctor-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            story = hd.testing.write_investigation(folder / "logs", stack_count=_STACKS)
            return [_tried(name, trial, folder, story) for name, trial in TRIALS.items()]
    except OSError as error:
        hint = "TMPDIR (Windows: TEMP) names the folder for temporary files"
        return [Finding("temporary files", State.BROKEN, str(error), hint)]


def _tried(name: str, trial: Callable[[Path, Investigation], str], folder: Path, story: Investigation) -> Finding:
    try:
        return Finding(name, State.WORKS, trial(folder, story))
    except Exception as error:
        return Finding(name, State.BROKEN, f"{type(error).__name__}: {error}", _REINSTALL)


def _expect(wanted: object, found: object) -> None:
    if wanted != found:
        raise WrongAnswerError(f"expected {wanted}, found {found}")


def _logs(_: Path, story: Investigation) -> str:
    delta = hd.diff(hd.read_log(story.before), hd.read_log(story.after))
    grown = dict(delta.by("module").select("module", "requested_bytes_delta").drop_nulls().iter_rows())
    _expect({name: total.requested_bytes for name, total in story.growth.items()}, grown)
    return f"two logs read and compared, {plural(len(grown), 'module')} with the known growth"


def _dumps(folder: Path, _: Investigation) -> str:
    dumps = hd.testing.write_dump_investigation(folder / "dumps", stack_count=_STACKS)
    delta = hd.diff(hd.read_dump(dumps.before), hd.read_dump(dumps.after))
    grown = dict(delta.by("region_class").select("region_class", "committed_bytes_delta").iter_rows())
    _expect({name: total.committed_bytes for name, total in dumps.growth.items()}, grown)
    return "two minidumps read and compared, with the known growth"


def _archives(folder: Path, story: Investigation) -> str:
    case = folder / "case.zip"
    with zipfile.ZipFile(case, "x", zipfile.ZIP_DEFLATED) as archive:
        archive.write(story.after, "logs/after.txt")
    inside = hd.read_log(f"{case}!logs/after.txt")
    _expect(hd.read_log(story.after).usage.height, inside.usage.height)
    return "a log read out of a zip"


def _symbols(folder: Path, story: Investigation) -> str:
    store = hd.symbols(hd.testing.write_symbols(folder / "symbols"))
    named = hd.read_log(story.after).with_symbols(store).symbols
    _expect(True, (named["match"] != "none").any())
    return "functions named by PDB"


def _charts(folder: Path, story: Investigation) -> str:
    delta = hd.diff(hd.read_log(story.before), hd.read_log(story.after))
    picture = hd.chart.save(hd.chart.waterfall(delta), folder / "growth.png")
    _expect(b"\x89PNG", Path(picture).read_bytes()[:4])
    return "a waterfall drawn as PNG"


def _reports(folder: Path, story: Investigation) -> str:
    delta = hd.diff(hd.read_log(story.before), hd.read_log(story.after))
    written = hd.report(delta, folder / "report.html")
    _expect(True, story.culprit in written.path.read_text(encoding="utf-8"))
    return "a page written"


def _datasets(folder: Path, story: Investigation) -> str:
    hd.ingest(folder / "logs", folder / "dataset")
    ranked = hd.open(folder / "dataset").rank(by="module")
    _expect(story.culprit, ranked["module"][0])
    return "two logs ingested and ranked"


TRIALS: dict[str, Callable[[Path, Investigation], str]] = {
    "logs": _logs,
    "dumps": _dumps,
    "archives": _archives,
    "symbols": _symbols,
    "charts": _charts,
    "reports": _reports,
    "datasets": _datasets,
}
