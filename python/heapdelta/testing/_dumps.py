"""Synthetic minidumps, as `heapdelta.testing` offers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from heapdelta import _native, _whole_file
from heapdelta.testing._files import own_places

if TYPE_CHECKING:
    from os import PathLike

#: The defects that `write_dump` can write, by name.
DAMAGE: tuple[str, ...] = tuple(_native.damage_names())


@dataclass(frozen=True)
class RegionTotals:
    """What a class of memory adds up to, or the difference of two such sums.

    Attributes
    ----------
    committed_bytes, reserved_bytes : int
        Committed; reserved and not committed.
    region_count : int
        Rows of ``regions``.
    """

    committed_bytes: int = 0
    reserved_bytes: int = 0
    region_count: int = 0

    def __sub__(self, other: RegionTotals) -> RegionTotals:
        return RegionTotals(
            self.committed_bytes - other.committed_bytes,
            self.reserved_bytes - other.reserved_bytes,
            self.region_count - other.region_count,
        )


@dataclass(frozen=True)
class DumpAnswer:
    """What is in a dump that `write_dump` wrote: counted while writing, never by reading. Damage is not counted.

    Attributes
    ----------
    path : Path
        The dump.
    byte_count : int
        Of the file.
    pid : int
        Process id: that of the logs.
    taken_at, process_created_at : datetime
        UTC; the dump is taken five minutes after the log of its step.
    module_count, unloaded_module_count, thread_count, region_count, handle_count, memory_range_count : int
        Rows of the tables; regions include free ones.
    memory_bytes : int
        Bytes of memory contents in the file.
    private_usage : int
        ``PrivateUsage`` of the VM counters.
    heap_block_bytes : int
        Bytes of all blocks in the log of this step, with their overhead. The heaps commit these, to the page.
    classes : dict of str to RegionTotals
        What the address space is made of: ``image``, ``mapped``, ``stack``, ``teb``, ``peb``, ``heap``, ``private``.
    modules : dict of str to int
        Bytes of each module's image, by name.
    handle_types : dict of str to int
        Handles of each type.
    thread_starts : dict of str to int
        Threads by where they start: ``fhpreview+0x27A8``.
    """

    path: Path
    byte_count: int
    pid: int
    taken_at: datetime
    process_created_at: datetime
    module_count: int
    unloaded_module_count: int
    thread_count: int
    region_count: int
    handle_count: int
    memory_range_count: int
    memory_bytes: int
    private_usage: int
    heap_block_bytes: int
    classes: dict[str, RegionTotals]
    modules: dict[str, int]
    handle_types: dict[str, int]
    thread_starts: dict[str, int]


def _differences(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    grown = {name: after.get(name, 0) - before.get(name, 0) for name in sorted({*before, *after})}
    return {name: bytes_or_count for name, bytes_or_count in grown.items() if bytes_or_count}


@dataclass(frozen=True)
class DumpInvestigation:
    """Dumps of one story, oldest first. Made by `write_dump_investigation`.

    Attributes
    ----------
    answers : tuple of DumpAnswer
        One for each dump.
    """

    answers: tuple[DumpAnswer, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The dumps, oldest first."""
        return tuple(answer.path for answer in self.answers)

    @property
    def before(self) -> Path:
        """The first dump."""
        return self.answers[0].path

    @property
    def after(self) -> Path:
        """The second dump."""
        return self.answers[1].path

    @property
    def growth(self) -> dict[str, RegionTotals]:
        """What each class of memory has more in the second dump than in the first; sorted by name."""
        before, after = self.answers[0].classes, self.answers[1].classes
        names = sorted({*before, *after})
        return {name: after.get(name, RegionTotals()) - before.get(name, RegionTotals()) for name in names}

    @property
    def module_growth(self) -> dict[str, int]:
        """Bytes of images, of the modules that were loaded (above 0) or unloaded (below) in between."""
        return _differences(self.answers[0].modules, self.answers[1].modules)

    @property
    def handle_growth(self) -> dict[str, int]:
        """Handles of the types of which there are more or fewer than before."""
        return _differences(self.answers[0].handle_types, self.answers[1].handle_types)

    @property
    def thread_growth(self) -> dict[str, int]:
        """Threads by where they start, of the places with more or fewer of them."""
        return _differences(self.answers[0].thread_starts, self.answers[1].thread_starts)

    @property
    def private_usage_growth(self) -> int:
        """Bytes that the VM counter ``PrivateUsage`` grew by."""
        return self.answers[1].private_usage - self.answers[0].private_usage


def write_dump(
    path: str | PathLike[str],
    *,
    step: int = 0,
    seed: int = 1,
    stack_count: int = 2000,
    pointer_width: Literal[32, 64] = 64,
    full: bool = False,
    restarted: bool = False,
    damage: str | None = None,
) -> DumpAnswer:
    """Write one minidump of the story, taken five minutes after the log that `write_log` writes for the same options.

    Process id, module bases and sizes, and the bytes in the heaps are those of the log. With every step come 3 MiB of a
    mapped section, 40 handles of type ``Event`` and 3 threads that start in ``fhpreview``; ``fhprint.dll`` is loaded
    at step 0 only, ``fhexport.dll`` from step 1 on.

    Parameters
    ----------
    path : str or path-like
        File to write. One that is there is replaced when the new one is complete.
    step : int, default 0
        Which dump of the story: the leak grows with every step.
    seed : int, default 1
        Another seed, another server with the same story.
    stack_count : int, default 2000
        Size of the story, as for `write_log`.
    pointer_width : {64, 32}, default 64
        Width of an address; 32 bits hold some ten steps.
    full : bool, default False
        With the contents of all memory, some 100 MB; otherwise those of stacks, environment blocks, first pages of
        modules and heaps, some 700 kB.
    restarted : bool, default False
        Tell it of a later run of the program: other addresses and process id, same content.
    damage : str, optional
        A defect of `DAMAGE` to write into the file.

    Returns
    -------
    DumpAnswer
        What is in the dump.

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
    ...     answer = testing.write_dump(f"{folder}/before.dmp", stack_count=100)
    >>> answer.module_count, answer.handle_types["Event"], f"{answer.taken_at:%Y-%m-%d %H:%M}"
    (45, 148, '2024-03-11 09:05')
    """
    with _whole_file.replaced(path) as place:
        about: dict[str, Any] = _native.write_process_dump(
            place,
            step=step,
            seed=seed,
            run=int(restarted),
            stack_count=stack_count,
            pointer_width=pointer_width,
            full=full,
            damage=damage,
        )
    for name in ("taken_at", "process_created_at"):
        about[name] = datetime.fromtimestamp(about[name], UTC)
    classes = {name: RegionTotals(**sums) for name, sums in about.pop("classes").items()}
    return DumpAnswer(path=Path(path), classes=classes, **about)


def write_dump_investigation(
    folder: str | PathLike[str],
    *,
    steps: int = 2,
    seed: int = 1,
    stack_count: int = 2000,
    pointer_width: Literal[32, 64] = 64,
    full: bool = False,
    restarted: bool = False,
) -> DumpInvestigation:
    """Write the dumps of the story: ``before.dmp``, ``after.dmp``, and with more steps ``after_2.dmp`` and so on.

    With the same options, they are of the process in the logs of `write_investigation`.

    Parameters
    ----------
    folder : str or path-like
        Where to; made if it is not there. Files of these names are replaced if they are of the story.
    steps : int, default 2
        How many dumps, at least 2.
    seed, stack_count, pointer_width, full : optional
        As for `write_dump`.
    restarted : bool, default False
        Say that the program was started anew after the first dump.

    Returns
    -------
    DumpInvestigation
        The dumps and their answers.

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
    >>> from heapdelta import testing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = testing.write_dump_investigation(folder, stack_count=100)
    >>> story.module_growth, story.handle_growth, story.growth["mapped"].committed_bytes
    ({'fhexport': 630784, 'fhprint': -405504}, {'Event': 40}, 3145728)
    """
    if steps < 2:
        raise ValueError(f"expected at least 2 steps, found {steps}")
    names = ["before.dmp", "after.dmp", *(f"after_{step}.dmp" for step in range(2, steps))]
    answers = [
        write_dump(
            place,
            step=step,
            seed=seed,
            stack_count=stack_count,
            pointer_width=pointer_width,
            full=full,
            restarted=restarted and step > 0,
        )
        for step, place in enumerate(own_places(folder, names))
    ]
    return DumpInvestigation(tuple(answers))
