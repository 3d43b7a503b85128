"""Packages that heapdelta needs, and those that it can use: whether each is there, new enough, and is imported."""

from __future__ import annotations

import re
import sys
import warnings
from importlib import import_module, metadata, util

from heapdelta._shell import pasted
from heapdelta.cli.doctor.finding import Finding, State

# As pyproject.toml says it; a test compares the two. The first version that will do, and the first that will not.
NEEDED: dict[str, tuple[str, str | None]] = {
    "polars": ("2.1", "3"),
    "altair": ("6.3", None),
    "jinja2": ("3.1", None),
    "vl-convert-python": ("1.9", None),
    "rich": ("15", None),
    "tqdm": ("4.67", None),
    "typer": ("0.28", "0.29"),
}
OPTIONAL: dict[str, tuple[str, str, str]] = {
    # The first version that will do, the extra that brings it, and what it is for.
    "pandas": ("2.2.3", "pandas", "tables as pandas frames: to_pandas()"),
    "pyarrow": ("17", "pandas", "tables as pandas frames: to_pandas()"),
    "xlsxwriter": ("3.2", "excel", "tables as Excel sheets: write_excel()"),
    "distributed": ("2026.7", "distributed", "ingest on many machines: --scheduler"),
    "obstore": ("0.12", "distributed", "datasets and uploads in object stores: s3://…"),
    "deltalake": ("1.0", "", "datasets as Delta Lake tables: Dataset.to_delta()"),
}
_IMPORTED_AS = {"vl-convert-python": "vl_convert"}


def needed() -> list[Finding]:
    """Tell of each package that heapdelta cannot do without."""
    return [_needed(name, first, beyond) for name, (first, beyond) in NEEDED.items()]


def _needed(name: str, first: str, beyond: str | None) -> Finding:
    wanted = f"{name}>={first}" + (f",<{beyond}" if beyond else "")
    hint = installing(wanted)
    version = _version(name)
    if version is None:
        return Finding(name, State.BROKEN, f"expected {wanted}, found none", hint)
    if _numbers(version) < _numbers(first) or (beyond is not None and _numbers(version) >= _numbers(beyond)):
        return Finding(name, State.BROKEN, f"expected {wanted}, found {version}", hint)
    wrong = _why_not_imported(name)
    if wrong is not None:
        again = installing("--force-reinstall", wanted)
        return Finding(name, State.BROKEN, f"{version} cannot be imported: {wrong}", again)
    return Finding(name, State.WORKS, version)


def installing(*words: str) -> str:
    """Give the command that installs into this very environment; those of uv have no pip."""
    if util.find_spec("pip") is None:
        return pasted(["uv", "pip", "install", "--python", sys.executable, *words])
    return pasted([sys.executable, "-m", "pip", "install", *words])


def optional() -> list[Finding]:
    """Tell of each package that heapdelta uses where it is there."""
    return [_optional(name, *about) for name, about in OPTIONAL.items()]


def _optional(name: str, first: str, extra: str, purpose: str) -> Finding:
    wanted = f"heapdelta[{extra}]" if extra else f"{name}>={first}"
    hint = installing(wanted)
    version = _version(name)
    if version is None:
        return Finding(name, State.ABSENT, f"not installed, for {purpose}", hint)
    if _numbers(version) < _numbers(first):
        return Finding(name, State.LIMITED, f"expected {first} or later, found {version}, for {purpose}", hint)
    wrong = _why_not_imported(name)
    if wrong is not None:
        return Finding(name, State.LIMITED, f"{version} cannot be imported: {wrong}; for {purpose}", hint)
    return Finding(name, State.WORKS, f"{version}, for {purpose}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """Give the release of a version: 2.1.0rc1 is (2, 1); zeros at the end mean nothing."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in release[0].split(".")] if release else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _why_not_imported(name: str) -> str | None:
    """Import a package, and tell why that does not go; what it warns of is its own affair."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(_IMPORTED_AS.get(name, name))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
