"""The files that a command reads and writes: every option that names one says which, and no output is an input.

    def diff(
        before: Annotated[str, INPUT, typer.Argument(...)],
        parquet: Annotated[Path | None, OUTPUT, typer.Option(...)] = None,

`guarded` compares them by device and inode, through links and odd paths, before the command reads or writes anything.
It refuses a command with an option of type `Path` that says neither. Logs are named by text: the label of one in an
archive may have ``//`` in it, of which `Path` makes ``/``.
"""

from __future__ import annotations

import functools
import inspect
import os
import stat
import sys
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from heapdelta import _native, _whole_file
from heapdelta._long_path import for_system, real
from heapdelta._read.sources import listed_sources
from heapdelta.cli import _streams
from heapdelta.exceptions import HeapdeltaError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator


class Role(Enum):
    """What an option's file is to a command."""

    INPUT = auto()
    """Read; in a list, a folder or a pattern stands for its files."""
    OUTPUT = auto()
    """Written; ``-`` is standard output."""
    FOLDER = auto()
    """Files are written into it; the command itself looks which it may replace."""
    DATASET = auto()
    """A dataset: no output may lie in it."""


INPUT, OUTPUT, FOLDER, DATASET = Role.INPUT, Role.OUTPUT, Role.FOLDER, Role.DATASET


@dataclass(frozen=True)
class _Output:
    """Something that is written: what the user calls it, and its path or the number of its stream."""

    label: str
    place: Path | int

    @property
    def stream(self) -> int | None:
        return self.place if isinstance(self.place, int) else _whole_file.stream_of(self.place)

    def about(self) -> os.stat_result | None:
        """Give what the system knows of it; None for what is not there yet."""
        try:
            return os.stat(for_system(str(self.place)) if self.stream is None else self.stream)  # noqa: PTH116 - or a descriptor
        except OSError:
            return None


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a command so that it refuses to write over what it reads.

    Raises
    ------
    TypeError
        If an option of it is a path, and does not say of what.
    """
    roles = roles_of(command)

    @functools.wraps(command)
    def checked(**values: Any) -> Any:  # noqa: ANN401 - whatever the options are
        named = [(name, path) for name, role in roles.items() if role is OUTPUT and (path := values[name]) is not None]
        outputs = [_Output(f"--{name.replace('_', '-')} {path}", path) for name, path in named]
        inputs = [path for name, role in roles.items() if role is INPUT for path in _listed(values[name])]
        _refuse_inputs([*outputs, *_redirected()], inputs)
        refuse_inside([values[name] for name, role in roles.items() if role is DATASET], [path for _, path in named])
        _refuse_twins(outputs)
        for _, path in named:
            _whole_file.check(path)
        return command(**values)

    return checked


def roles_of(command: Callable[..., Any]) -> dict[str, Role]:
    """Give the options and arguments of a command that name files, with their roles.

    Raises
    ------
    TypeError
        If one is a path, and says of what in no way.
    """
    hints = get_type_hints(command, include_extras=True)
    roles = {}
    for name in inspect.signature(command).parameters:
        kind, *extras = get_args(hints[name]) if hasattr(hints[name], "__metadata__") else (hints[name],)
        found = [extra for extra in extras if isinstance(extra, Role)]
        if found:
            roles[name] = found[0]
        elif Path in (kind, *get_args(kind)):
            raise TypeError(f"expected {name} of {command.__name__} to be INPUT, OUTPUT or FOLDER, found none of these")
    return roles


def _listed(value: Path | str | list[str] | None) -> Iterator[str]:
    """List the files behind an argument; what cannot be listed is reported where it is read."""
    if isinstance(value, list):
        for source in value:
            try:
                yield from (str(_native.archive_of(str(file)) or file) for file in listed_sources(source))
            except HeapdeltaError:
                yield source
    elif value is not None:
        # Of `case.zip!before.txt`, the archive is what is read.
        yield str(_native.archive_of(value) or value)


def _redirected() -> Iterator[_Output]:
    """Give standard output and standard error where the shell has sent them into a file."""
    for stream, name in ((sys.stdout, "standard output"), (sys.stderr, "standard error")):
        try:
            output = _Output(name, stream.fileno())
        except (AttributeError, OSError, ValueError):
            continue
        about = output.about()
        if about is not None and stat.S_ISREG(about.st_mode):
            yield output


def keep_named(arguments: Iterable[str]) -> None:
    """Write nothing on standard error if it is sent into a file that the command line names.

    For complaints about a command line that is not understood, so that nobody knows which of its files are inputs.
    """
    errors = _errors_file()
    values = [part for argument in arguments for part in (argument, argument.partition("=")[2]) if part]
    if errors is not None and any(_file_key(value) == errors for value in values):
        _streams.leave_stderr()


def _errors_file() -> tuple[int, int] | None:
    """Give what standard error is sent into, if it is a file."""
    try:
        return _file_key(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return None


def _file_key(path: str | int) -> tuple[int, int] | None:
    """Tell a file by device and inode; None for what is none, or has a name that no path can have."""
    try:
        about = _regular(os.stat(path if isinstance(path, int) else for_system(path)))  # noqa: PTH116 - or a descriptor
    except (OSError, ValueError):
        return None
    return None if about is None else (about.st_dev, about.st_ino)


def _refuse_inputs(outputs: list[_Output], inputs: Iterable[str]) -> None:
    written = {(about.st_dev, about.st_ino): output for output in outputs if (about := _regular(output.about()))}
    if not written:
        return
    read: dict[tuple[int, int], str] = {}
    for path in inputs:
        if (found := _file_key(path)) is not None:
            read.setdefault(found, path)
    if _errors_file() in read:
        # Not even the refusal may be written there: the exit code tells.
        _streams.leave_stderr()
    for key, path in read.items():
        if output := written.get(key):
            raise OptionError(
                f"{output.label}: output is the input {path}",
                path=path,
                hint="nothing was read or written; choose another name for the output",
                kind="option",
            )


def refuse_inside(datasets: list[str], outputs: list[Path]) -> None:
    """Refuse to write into a dataset.

    Raises
    ------
    OptionError
        If an output lies in one.
    """
    for place in datasets:
        for output in outputs:
            if Path(real(output)).is_relative_to(real(place)):
                message = f"{output}: expected an output outside of the dataset {place}, found one in it"
                raise OptionError(message, path=str(output), kind="option")


def _refuse_twins(outputs: list[_Output]) -> None:
    """Refuse two outputs of one file: one would be lost."""
    seen: dict[Hashable, _Output] = {}
    for output in [*outputs, *(stream for stream in _redirected() if stream.place == 1)]:
        key = _key(output)
        if key is None:
            continue
        if key in seen:
            raise OptionError(
                f"{output.label}: output is the output of {seen[key].label}, too",
                hint="nothing was read or written; give each output a name of its own",
                kind="option",
            )
        seen.setdefault(key, output)


def _key(output: _Output) -> Hashable | None:
    """Give what two names of one file have in common; None for what takes several outputs, such as /dev/null.

    Who may write to standard output is for the command to say: the report wants to, and what is asked for by a flag.
    """
    if output.stream == 1 and not isinstance(output.place, int):
        return None
    about = output.about()
    if about is not None:
        return None if stat.S_ISCHR(about.st_mode) else (about.st_dev, about.st_ino)
    path = Path(real(str(output.place)))
    try:
        folder = path.parent.stat()
    except OSError:
        return str(path)
    return folder.st_dev, folder.st_ino, path.name if _tells_case(path.parent) else _caseless(path.name)


def _regular(about: os.stat_result | None) -> os.stat_result | None:
    return about if about is not None and stat.S_ISREG(about.st_mode) else None


def _caseless(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _tells_case(folder: Path) -> bool:
    """Tell whether `a` and `A` are two files there: by the folder's own name, or the first above it with letters."""
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        if other.name != place.name:
            try:
                return not other.samefile(place)
            except OSError:
                return True
    return True
