"""The files of `heapdelta demo`: it replaces its own, and nobody else's.

A case folder may well have a ``before.txt`` of its own. So the demo keeps a list of what it wrote, by name and SHA-256
of the content, in the hidden file ``.heapdelta-demo.json`` beside it. A file that is not in the list, or is another
than the list says, was not written by the demo, or was changed since.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from heapdelta import _whole_file
from heapdelta._long_path import for_system
from heapdelta._words import plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIST = ".heapdelta-demo.json"


@contextmanager
def claimed(folder: Path, names: Sequence[str]) -> Iterator[None]:
    """Make the folder, let the demo write these files into it, and put them on the list.

    Raises
    ------
    OptionError
        If one of them is there, and not as the demo wrote it; nothing is written then.
    """
    own = _own(folder)
    foreign = [name for name in names if _is_there(folder / name) and own.get(name) != _digest(folder / name)]
    if foreign:
        raise OptionError(
            f"{folder / foreign[0]}: expected no file, or one that the demo wrote, found another"
            + (f", and so {plural(len(foreign) - 1, 'more file')}" if len(foreign) > 1 else ""),
            path=str(folder / foreign[0]),
            hint="nothing was written; choose another folder with --out, or delete the file",
            kind="option",
        )
    for place in {(folder / name).parent for name in names}:
        Path(for_system(place)).mkdir(parents=True, exist_ok=True)
    # What the demo may not write, or not here, it tells before it works.
    for name in (*names, LIST):
        _whole_file.check(folder / name)
    try:
        yield
    except BaseException:
        # What is there by now is ours, and the next demo may replace it.
        with suppress(OSError):
            _write_list(folder, names)
        raise
    _write_list(folder, names)


def _write_list(folder: Path, names: Sequence[str]) -> None:
    written = {name: _digest(folder / name) for name in names if _is_there(folder / name)}
    _whole_file.write(folder / LIST, json.dumps(written, indent=2) + "\n")


def _is_there(path: Path) -> bool:
    place = Path(for_system(path))
    return place.is_symlink() or place.exists()


def _digest(path: Path) -> str | None:
    """Give the SHA-256 of a regular file: what else is there, a link or a folder, is not from the demo."""
    place = Path(for_system(path))
    if place.is_symlink() or not place.is_file():
        return None
    try:
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _own(folder: Path) -> dict[str, str]:
    """Read the list; without one, or with one that cannot be read, nothing there is ours."""
    try:
        listed = json.loads(Path(for_system(folder / LIST)).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return listed if isinstance(listed, dict) else {}
