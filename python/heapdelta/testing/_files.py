"""Where `heapdelta.testing` writes: whole files, and in a folder only over what it wrote itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from heapdelta._long_path import for_system
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

# The machine of every log of the story, the build string of the system in every dump, which is UTF-16, and the folder
# of the sources in every file of symbols.
_MARKS = (b"Machine=FERN-APP-", "17763.1.synthetic".encode("utf-16-le"), b"FILE 0 D:\\fernhollow\\")
_START = 4096


def own_places(folder: str | PathLike[str], names: Sequence[str]) -> list[Path]:
    """Make the folder, and give the paths of files in it that are to be written.

    Raises
    ------
    OptionError
        If a file of such a name is there that is not of the story: ``before.txt`` is what customers call theirs, too.
    """
    folder = Path(folder)
    places = [folder / name for name in names]
    for place in places:
        if Path(for_system(place)).exists() and not _is_of_the_story(place):
            raise OptionError(
                f"{place}: expected no file, or one of heapdelta.testing to replace, found another",
                path=str(place),
                hint="choose another folder, or delete the file",
                kind="option",
            )
    Path(for_system(folder)).mkdir(parents=True, exist_ok=True)
    return places


def _is_of_the_story(place: Path) -> bool:
    place = Path(for_system(place))
    if not place.is_file():
        return False
    with place.open("rb") as file:
        start = file.read(_START)
    # A log of UTF-16 has a NUL in every second byte.
    return not start or _MARKS[0] in start.replace(b"\0", b"") or any(mark in start for mark in _MARKS[1:])
