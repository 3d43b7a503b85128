"""Try one wheel on each Python and each polars that it is for: the core of the tests, demo, doctor and every extra.

    python tools/release/matrix.py WHEEL FOLDER [--only 3.13] [--polars 2.1.0]

FOLDER keeps the environments. Pythons are those on the PATH and of pyenv; what is lacking is unpacked from Debian's
packages. A Python that cannot be had is a line, and no failure: a table at the end says what was tried.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import environment
import smoke

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Those that pyproject.toml names; the wheel is one for all."""
TESTS = [
    "tests/python/test_interface.py",
    "tests/python/read/test_read.py",
    "tests/python/read/test_read_many.py",
    "tests/python/capture/test_dump.py",
    "tests/python/diff/test_diff.py",
    "tests/python/series/test_series.py",
    "tests/python/tree/test_tree.py",
    "tests/python/export/test_export.py",
    "tests/python/chart/test_chart.py",
    "tests/python/report/test_report_page.py",
    "tests/python/dataset/test_ingest.py",
    "tests/python/cli/test_cli.py",
    "tests/python/cli/test_cli_doctor.py",
]
TOOLS = ("pytest", "pytest-timeout", "hypothesis")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=PYTHONS, action="append")
    parser.add_argument("--polars", action="append", help="versions; by default the oldest allowed and the newest")
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    outcomes: list[tuple[str, str, str]] = []
    # Asked before anything is built: there may be no registry.
    every_polars = asked.polars or [oldest(), newest()]
    for version in asked.only or PYTHONS:
        python = found(version, folder)
        if python is None:
            outcomes.append((version, "-", "NOT TRIED: no such Python on the PATH, in pyenv or in Debian's packages"))
            continue
        for polars in dict.fromkeys(every_polars):
            outcomes.append(
                (version, polars, tried(python, polars, asked.wheel.resolve(), folder / f"{version}-{polars}"))
            )
    print("\nPython  polars  outcome")
    for outcome in outcomes:
        print("{:7} {:7} {}".format(*outcome))
    return exit_code([told for _, _, told in outcomes])


def exit_code(told: list[str]) -> int:
    """Give 1 if something failed, or nothing could be tried."""
    return int(any(each.startswith("FAILED") for each in told) or not any(each.startswith("passed") for each in told))


def found(version: str, folder: Path) -> str | None:
    """Give a Python of a version: of the PATH, of pyenv, or of Debian."""
    places = [shutil.which(f"python{version}")]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    places += [str(place) for place in sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)]
    for place in filter(None, places):
        # A name on the PATH may be a shim that leads to nothing.
        asked = subprocess.run(
            [place, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0 and asked.stdout.startswith(f"{version}."):
            return place
    if shutil.which("apt-get") is None:
        return None
    command = [HERE / "debian_python.sh", version, folder / f"debian-{version}"]
    done = subprocess.run(
        command, env=os.environ | {"HOST_PYTHON": sys.executable}, stdout=subprocess.PIPE, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def oldest() -> str:
    """Give the oldest polars that pyproject.toml allows; the last part of a version is one that exists."""
    return allowed()[0] + ".0"


def newest() -> str:
    """Ask the registry for the newest polars that pyproject.toml allows."""
    command = [sys.executable, "-m", "pip", "index", "versions", "polars", "--disable-pip-version-check"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    listed = re.search(r"^Available versions: (.*)$", asked.stdout, re.MULTILINE)
    if asked.returncode or listed is None:
        sys.exit(f"matrix: expected the versions of polars from the registry, found none\n{asked.stderr[-2000:]}")
    return newest_below(allowed()[1], listed[1].split(", "))


def allowed() -> tuple[str, str]:
    """Give the first version of polars that pyproject.toml allows, and the first that it does not."""
    found = (re.fullmatch(r"polars>=([\d.]+),<([\d.]+)", each) for each in project()["dependencies"])
    first, beyond = next(filter(None, found)).groups()
    return first, beyond


def newest_below(beyond: str, versions: list[str]) -> str:
    """Give the newest version before another; `versions` has the newest first."""
    return next(each for each in versions if numbers(each) < numbers(beyond))


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def project() -> dict[str, list[str]]:
    return tomllib.loads(PROJECT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]


def tried(python: str, polars: str, wheel: Path, folder: Path) -> str:
    """Run the tests, and give what came of it in a line."""
    shutil.rmtree(folder, ignore_errors=True)
    print(f"matrix: {python}, polars {polars}", flush=True)
    try:
        inside = environment.made(folder, python, f"{wheel}[all]", *TOOLS)
        # Also a polars that the wheel does not ask for: what it says then is what one wants to know.
        exactly = [f"polars=={polars}", f"polars-runtime-32=={polars}"]
        subprocess.run([inside, "-m", "pip", "install", "--quiet", "--no-deps", *exactly], check=True)
    except subprocess.CalledProcessError as error:
        return f"FAILED: cannot be installed: {error}"
    # Machines are shared: what takes long is no failure.
    command = [inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "1500", *TESTS]
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=PROJECT, env=bare, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout[-6000:], flush=True)
    if done.returncode == 0:
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
                smoke.run(Path(name), inside, "all")
        except (subprocess.CalledProcessError, AssertionError) as error:
            return f"FAILED: demo, doctor or extras: {error}"
    last = done.stdout.strip().splitlines()[-1].strip("= ")
    exact = subprocess.run([inside, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    return f"{'passed' if done.returncode == 0 else 'FAILED'} on {exact}: {last}"


if __name__ == "__main__":
    sys.exit(main())
