"""Where a chart may be put, and how many lines it takes. Part of `chart`, without what draws."""

from __future__ import annotations

from pathlib import Path

from heapdelta._long_path import for_system
from heapdelta.exceptions import OptionError

MOST_LINES = 200
"""Lines of a series that can be told apart at all, and still have some points each."""
_PNG, _MARKUP = b"\x89PNG", b"<"
# Byte order marks, the NULs of UTF-16, and white space may be before the first sign of markup.
_BEFORE = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"


def refuse_other(path: Path) -> None:
    """Refuse to replace what is no picture of this sort: nobody means to lose a log.

    Raises
    ------
    OptionError
        If such a file is there.
    """
    place = Path(for_system(path))
    if not place.is_file() or place.stat().st_size == 0:
        return
    with place.open("rb") as file:
        start = file.read(64).lstrip(_BEFORE)
    if not start.startswith(_PNG if path.suffix.lower() == ".png" else _MARKUP):
        raise OptionError(
            f"{path}: expected no file, or a picture to replace, found another",
            path=str(path),
            hint="choose another name, or delete the file",
            kind="option",
        )
