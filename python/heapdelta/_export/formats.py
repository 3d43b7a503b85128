"""The formats: what each is called, by what names of files it is known, and what it has room for."""

from __future__ import annotations

from dataclasses import dataclass

from heapdelta._words import listed
from heapdelta.exceptions import OptionError


@dataclass(frozen=True)
class Format:
    """A format of another viewer."""

    name: str
    endings: tuple[str, ...]
    """What names of its files end with; also with ``.gz`` behind it."""
    always_packed: bool = False
    points: int | None = None
    """How many logs it has room for; None for any number."""
    numbers: int = 1 << 63
    """The first whole number that its readers do not keep."""


_DOUBLE = 1 << 53

FORMATS = {
    known.name: known
    for known in (
        Format("pprof", (".pb", ".pprof"), always_packed=True, points=2),
        Format("firefox", (".firefox.json",), numbers=_DOUBLE),
        Format("speedscope", (".speedscope.json", ".speedscope"), numbers=_DOUBLE),
        Format("folded", (".folded", ".collapsed"), points=2),
        Format("heaptrack", (".heaptrack",), points=1),
    )
}


def format_of(name: str | None, path: str) -> Format:
    """Find the format that is asked for, else the one that the name of the file says.

    Raises
    ------
    OptionError
        If there is none of that name, or the file's name says none.
    """
    if name is not None:
        if name not in FORMATS:
            raise OptionError(f"expected {listed(list(FORMATS))} as format, found {name!r}", kind="option")
        return FORMATS[name]
    plain = path.lower().removesuffix(".gz")
    for known in FORMATS.values():
        if plain.endswith(known.endings):
            return known
    endings = listed([known.endings[0] for known in FORMATS.values()])
    raise OptionError(
        f"{path}: expected a file that ends with {endings}, with or without .gz, found another name",
        path=path,
        hint="or say the format by its name",
        kind="option",
    )
