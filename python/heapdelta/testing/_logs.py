"""Logs of the story of Fernhollow, as `heapdelta.testing` offers them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from heapdelta import _native, _whole_file
from heapdelta.testing._files import own_places

if TYPE_CHECKING:
    from os import PathLike


@dataclass(frozen=True)
class Totals:
    """A sum over blocks, or the difference of two such sums.

    Attributes
    ----------
    requested_bytes : int
        Bytes the program asked for.
    overhead_bytes : int
        Bytes the heap manager added; 0 in a dialect that does not say.
    allocation_count : int
        Blocks.
    """

    requested_bytes: int = 0
    overhead_bytes: int = 0
    allocation_count: int = 0

    def __sub__(self, other: Totals) -> Totals:
        return Totals(
            self.requested_bytes - other.requested_bytes,
            self.overhead_bytes - other.overhead_bytes,
            self.allocation_count - other.allocation_count,
        )


@dataclass(frozen=True)
class Answer:
    """What is in a log that `write_log` wrote: counted while writing, never by reading.

    Attributes
    ----------
    path : Path
        The log.
    culprit, cache, false_alarm : str
        Modules: the one that leaks, the one whose cache fills up, the one whose memory only changes stacks.
    byte_count, line_count : int
        Of the file.
    heap_count, module_count, stack_count : int
        Heaps (one is empty), rows of the module table (0 in ``umdh1``, which has none), ids with a stack.
    pid : int
        Process id.
    taken_at : str
        ``2024-03-11 09:00`` for step 0; four hours later for each step.
    total, leaked, cached : Totals
        All blocks; those never to be freed; those of the cache.
    without_stack, undefined : Totals
        Blocks for which no stack was recorded; blocks whose id has no stack in the file.
    modules : dict of str to Totals
        The blocks of each module, by the rules of `heapdelta.blame`, sorted by name. With the two before, they are all.
    """

    path: Path
    culprit: str
    cache: str
    false_alarm: str
    byte_count: int
    line_count: int
    heap_count: int
    module_count: int
    stack_count: int
    pid: int
    taken_at: str
    total: Totals
    leaked: Totals
    cached: Totals
    without_stack: Totals
    undefined: Totals
    modules: dict[str, Totals]


@dataclass(frozen=True)
class Investigation:
    """Logs of one story, oldest first. Made by `write_investigation`.

    Attributes
    ----------
    answers : tuple of Answer
        One for each log.
    """

    answers: tuple[Answer, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The logs, oldest first."""
        return tuple(answer.path for answer in self.answers)

    @property
    def before(self) -> Path:
        """The first log."""
        return self.answers[0].path

    @property
    def after(self) -> Path:
        """The second log."""
        return self.answers[1].path

    @property
    def culprit(self) -> str:
        """The module that leaks."""
        return self.answers[0].culprit

    @property
    def cache(self) -> str:
        """The module whose cache fills up."""
        return self.answers[0].cache

    @property
    def false_alarm(self) -> str:
        """The module whose memory changes stacks and does not grow."""
        return self.answers[0].false_alarm

    @property
    def leaked_bytes(self) -> int:
        """Bytes leaked between the first two logs."""
        return self.answers[1].leaked.requested_bytes - self.answers[0].leaked.requested_bytes

    @property
    def growth(self) -> dict[str, Totals]:
        """What each module holds more in the second log than in the first, negative if less; sorted by name."""
        before, after = self.answers[0].modules, self.answers[1].modules
        return {name: after.get(name, Totals()) - before.get(name, Totals()) for name in sorted({*before, *after})}


def write_log(
    path: str | PathLike[str],
    *,
    step: int = 0,
    seed: int = 1,
    stack_count: int = 2000,
    dialect: Literal["umdh2", "umdh1"] = "umdh2",
    pointer_width: Literal[32, 64] | None = None,
    line_end: Literal["\n", "\r\n", "\r\r\n"] = "\r\n",
    encoding: str = "utf-8",
    restarted: bool = False,
) -> Answer:
    r"""Write one log of the story.

    Parameters
    ----------
    path : str or path-like
        File to write. One that is there is replaced when the new one is complete.
    step : int, default 0
        Which log of the story: the leak grows with every step, the cache is full from step 3 on.
    seed : int, default 1
        Another seed, another server with the same story.
    stack_count : int, default 2000
        Size of the story: about 75,000 blocks and 4 MB, or less of both in proportion.
    dialect : {"umdh2", "umdh1"}, default "umdh2"
        One line a block and raw addresses, or one line a stack and names of functions.
    pointer_width : {32, 64}, optional
        Width of an address; by default 64 in ``umdh2``, 32 in ``umdh1``.
    line_end : {"\\n", "\\r\\n", "\\r\\r\\n"}, default "\\r\\n"
        End of every line.
    encoding : str, default "utf-8"
        ``utf-8``, ``utf-8-sig``, ``utf-16-le``, ``utf-16-be`` or ``windows-1252``; UTF-16 with its byte order mark.
    restarted : bool, default False
        Tell it of a later run of the program: other addresses, ids and process id, same content.

    Returns
    -------
    Answer
        What is in the log.

    Raises
    ------
    OptionError
        If an option has a value that it does not take.
    WriteError
        If the file cannot be written; what was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> from heapdelta import testing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     answer = testing.write_log(f"{folder}/before.txt", stack_count=100)
    >>> answer.culprit, answer.heap_count, answer.taken_at
    ('fhpreview', 5, '2024-03-11 09:00')
    """
    with _whole_file.replaced(path) as place:
        about: dict[str, Any] = _native.write_investigation_log(
            place,
            step=step,
            seed=seed,
            run=int(restarted),
            stack_count=stack_count,
            dialect=dialect,
            pointer_width=pointer_width or (32 if dialect == "umdh1" else 64),
            line_end=line_end,
            encoding=encoding,
        )
    return Answer(path=Path(path), **with_totals(about))


def with_totals(about: dict[str, Any]) -> dict[str, Any]:
    """Make sums of the dictionaries in which the core tells them."""
    modules = {name: Totals(**sums) for name, sums in about.pop("modules").items()}
    return {
        "modules": modules,
        **{name: Totals(**value) if isinstance(value, dict) else value for name, value in about.items()},
    }


def write_investigation(
    folder: str | PathLike[str],
    *,
    steps: int = 2,
    seed: int = 1,
    stack_count: int = 2000,
    dialect: Literal["umdh2", "umdh1"] = "umdh2",
    restarted: bool = False,
) -> Investigation:
    """Write the logs of the story: ``before.txt``, ``after.txt``, and with more steps ``after_2.txt`` and so on.

    Blocks lie at other addresses in every log; `write_series` tells of days in which a block stays where it is.

    Parameters
    ----------
    folder : str or path-like
        Where to; made if it is not there. Files of these names are replaced if they are of the story.
    steps : int, default 2
        How many logs, at least 2.
    seed, stack_count, dialect : optional
        As for `write_log`.
    restarted : bool, default False
        Say that the program was started anew after the first log.

    Returns
    -------
    Investigation
        The logs and their answers.

    Raises
    ------
    ValueError
        If `steps` is below 2.
    OptionError
        If an option has a value that it does not take, or a file of such a name is there that is not of the story.
    WriteError
        If a file cannot be written; what was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = hd.testing.write_investigation(folder, stack_count=100)
    ...     delta = hd.diff(hd.read(story.before), hd.read(story.after))
    >>> delta.by("module")["module"][0] == story.culprit
    True
    """
    if steps < 2:
        raise ValueError(f"expected at least 2 steps, found {steps}")
    names = ["before.txt", "after.txt", *(f"after_{step}.txt" for step in range(2, steps))]
    answers = [
        write_log(
            place,
            step=step,
            seed=seed,
            stack_count=stack_count,
            dialect=dialect,
            restarted=restarted and step > 0,
        )
        for step, place in enumerate(own_places(folder, names))
    ]
    return Investigation(tuple(answers))


def write_symbols(folder: str | PathLike[str]) -> Path:
    """Write the symbols of the server: every function of its own modules, with files, lines and inlined calls.

    The logs of `write_log` in the dialect ``umdh2``, and the dumps of `write_dump`, name the builds that these are of.
    Of two modules there are none: the customer's machine had no symbols of ``fhlicence``, and ``marlinsql`` is not of
    the server's makers.

    Parameters
    ----------
    folder : str or os.PathLike
        Made if need be. Files of these names (``fhpreview.sym``) are replaced if they are of the story.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OptionError
        If a file of such a name is there that is not of the story.
    WriteError
        If a file cannot be written; what was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as place:
    ...     story = hd.testing.write_investigation(place, stack_count=60)
    ...     symbols = hd.symbols(hd.testing.write_symbols(f"{place}/symbols"))
    ...     before, after = (hd.read_log(path).with_symbols(symbols) for path in (story.before, story.after))
    >>> hd.diff(before, after).by("function")["function"][0]
    'Thumbnail::Insert'
    """
    files = {name: bytes(content) for name, content in _native.server_symbols()}
    for place, content in zip(own_places(folder, list(files)), files.values(), strict=True):
        _whole_file.write(place, content)
    return Path(folder)
