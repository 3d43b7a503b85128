"""Synthetic minidumps with NT heaps whose every block is known, as `heapdelta.testing` offers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from heapdelta import _native, _whole_file
from heapdelta._numbers import count_of_rows, sum_of_signed
from heapdelta.testing._files import own_places
from heapdelta.testing._logs import Answer, with_totals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

#: The defects that `write_heap_dump` can write, by name.
HEAP_DAMAGE: tuple[str, ...] = tuple(_native.heap_damage_names())

_HEAP_SCHEMA: dict[str, Any] = {
    "heap": pl.UInt64,
    "pointer_width": pl.UInt8,
    "flags": pl.UInt32,
    "is_listed": pl.Boolean,
    "is_encoded": pl.Boolean,
    **dict.fromkeys(
        (
            "segment_count",
            "reserved_bytes",
            "committed_bytes",
            "uncommitted_bytes",
            "busy_count",
            "busy_bytes",
            "free_count",
            "free_bytes",
            "largest_free_bytes",
            "lfh_busy_count",
            "lfh_busy_bytes",
            "lfh_free_count",
            "lfh_free_bytes",
            "overhead_bytes",
            "large_count",
            "large_bytes",
            "large_committed_bytes",
        ),
        pl.UInt64,
    ),
}
_BLOCK_SCHEMA: dict[str, Any] = {
    "heap": pl.UInt64,
    "entry": pl.UInt64,
    "entry_bytes": pl.UInt64,
    "address": pl.UInt64,
    "requested_bytes": pl.UInt64,
    "front_end": pl.String,
    "state": pl.String,
    "flags": pl.UInt8,
    "content": pl.String,
    "first_word": pl.UInt64,
    "target_name": pl.String,
    "request_number": pl.UInt32,
    "file": pl.String,
    "line": pl.UInt32,
    "stack": pl.UInt32,
}


@dataclass(frozen=True)
class HeapDumpAnswer:
    """What is in a dump that `write_heap_dump` wrote: counted while writing, never by reading. Damage is not counted.

    Attributes
    ----------
    path : Path
        The dump.
    byte_count : int
        Of the file.
    pid : int
        Process id.
    taken_at : datetime
        UTC.
    global_flag : int
        ``NtGlobalFlag``, which `gflags` sets.
    culprit : str
        Module that leaks.
    damaged_at : int or None
        Address of the defect; None without one, or if it is not at an address.
    segment_places : tuple of int
        Addresses in the segment heap: of a chunk of variable size, of an area of the low-fragmentation heap, and of a
        page segment; 0 without one.
    heaps : polars.DataFrame
        One row per NT heap: ``heap`` (base), ``pointer_width``, ``flags``, ``is_listed`` (by the process),
        ``is_encoded`` (its headers); of the segments ``segment_count``, ``reserved_bytes``, ``committed_bytes``,
        ``uncommitted_bytes``, and of the committed ones ``busy_count``, ``busy_bytes`` (asked for), ``free_count``,
        ``free_bytes``, ``largest_free_bytes``, ``lfh_busy_count``, ``lfh_busy_bytes``, ``lfh_free_count``,
        ``lfh_free_bytes``, ``overhead_bytes`` (all that is left); of blocks with memory of their own ``large_count``,
        ``large_bytes``, ``large_committed_bytes``.
    blocks : polars.DataFrame
        One row per entry: ``heap``, ``entry`` and ``entry_bytes`` (with header), ``address`` and ``requested_bytes`` of
        those that the program has, ``front_end`` (``backend``, ``lfh``, ``large``, ``page_heap``, ``vs``), ``state``
        (``busy``, ``free``, ``internal``: the heap's own), ``flags``, ``content`` (``vtable``, ``ascii``, ``utf16``,
        ``pointer``, ``function``, ``debug_crt``, ``zeros``, ``noise``; of internal ones what they are), ``first_word``
        of blocks with a vtable or a function, ``target_name`` (the class of the vtable, where `write_symbols` names
        it), ``request_number``, ``file`` and ``line`` of blocks of the debug C runtime, ``stack``. Slots of the
        low-fragmentation heap lie in entries of content ``user_blocks``.
    stacks : tuple of tuple of str
        Places of each stack in modules, innermost first: ``fhpreview+0x27A8``. ``stack`` of a block counts from 0.
    """

    path: Path
    byte_count: int
    pid: int
    taken_at: datetime
    global_flag: int
    culprit: str
    damaged_at: int | None
    segment_places: tuple[int, ...]
    heaps: pl.DataFrame
    blocks: pl.DataFrame
    stacks: tuple[tuple[str, ...], ...]

    @property
    def busy(self) -> pl.DataFrame:
        """The blocks that the program has, sorted by address."""
        return self.blocks.filter(state="busy").sort("address")


@dataclass(frozen=True)
class HeapDumps:
    """Dumps of one process with a leak, each with the log of its moment. Made by `write_heap_dumps`.

    Attributes
    ----------
    dumps : tuple of HeapDumpAnswer
        Oldest first.
    logs : tuple of Answer
        The UMDH log of each dump: the same heaps, addresses, sizes and stacks.
    """

    dumps: tuple[HeapDumpAnswer, ...]
    logs: tuple[Answer, ...]

    @property
    def before(self) -> Path:
        """The first dump."""
        return self.dumps[0].path

    @property
    def after(self) -> Path:
        """The second dump."""
        return self.dumps[1].path

    @property
    def growth(self) -> pl.DataFrame:
        """What each stack has more in the second dump: ``stack``, ``count``, ``bytes``; most bytes first."""
        sums = [
            answer.busy.group_by("stack").agg(
                count_of_rows().cast(pl.Int64, strict=False).alias("count"),
                sum_of_signed(pl.col("requested_bytes")).alias("bytes"),
            )
            for answer in self.dumps[:2]
        ]
        before = sums[0].with_columns(-pl.col("count"), -pl.col("bytes"))
        grown = pl.concat([before, sums[1]]).group_by("stack").agg(sum_of_signed(pl.col("count", "bytes")))
        return grown.filter((pl.col("count") != 0) | (pl.col("bytes") != 0)).sort(
            ["bytes", "stack"], descending=[True, False]
        )


def write_heap_dump(
    path: str | PathLike[str],
    *,
    windows: Literal["7", "10", "unknown"] = "10",
    pointer_width: Literal[32, 64] = 64,
    wow64: bool = False,
    gflags: Sequence[Literal["ust", "htc", "hpa"]] = (),
    segment_heap: bool = False,
    step: int = 0,
    seed: int = 1,
    stack_count: int = 200,
    damage: str | None = None,
) -> HeapDumpAnswer:
    """Write one minidump of the story with the contents of its NT heaps, every block known.

    Five heaps: encoded headers, several segments, uncommitted ranges among them, blocks of the backend and of the
    low-fragmentation heap, large blocks with memory of their own; the last heap is in shared memory and has plain
    headers. With every step ``fhpreview`` leaks; a block that is in two dumps lies at one address.

    Parameters
    ----------
    path : str or path-like
        File to write. One that is there is replaced when the new one is complete.
    windows : {"10", "7", "unknown"}, default "10"
        Layout of the heaps: that of Windows 10 1809 to Windows 11, or of Windows 7; or one that nothing but the symbols
        of its ``ntdll.dll`` tells.
    pointer_width : {64, 32}, default 64
        Width of an address.
    wow64 : bool, default False
        A 32-bit process on 64-bit Windows: the heaps of the story have 32 bits, whatever `pointer_width` says, and two
        more have 64.
    gflags : sequence of {"ust", "htc", "hpa"}, default ()
        What gflags turned on: stack traces, patterns behind blocks, pages of their own for the blocks of the second
        heap's backend.
    segment_heap : bool, default False
        Half of what is in the second heap is in a segment heap beside it, which only the symbols of the unknown Windows
        tell how to read; `windows` has to be that. With `wow64`, the same of a heap of 64 bits.
    step : int, default 0
        Which dump of the story.
    seed : int, default 1
        Another seed, another server with the same story.
    stack_count : int, default 200
        Size of the story: some 10,000 blocks, or more or fewer.
    damage : str, optional
        A defect of `HEAP_DAMAGE`.

    Returns
    -------
    HeapDumpAnswer
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
    ...     answer = testing.write_heap_dump(f"{folder}/heaps.dmp", stack_count=20)
    >>> answer.heaps.height, answer.heaps["is_encoded"].sum(), sorted(answer.busy["front_end"].unique())
    (5, 4, ['backend', 'large', 'lfh'])
    """
    with _whole_file.replaced(path) as place:
        about: dict[str, Any] = _native.write_heap_dump(
            place,
            step=step,
            seed=seed,
            stack_count=stack_count,
            windows=windows,
            pointer_width=32 if wow64 else pointer_width,
            wow64=wow64,
            gflags=list(gflags),
            segment_heap=segment_heap,
            damage=damage,
        )
    about["taken_at"] = datetime.fromtimestamp(about["taken_at"], UTC)
    about["heaps"] = pl.DataFrame(about["heaps"], schema=_HEAP_SCHEMA)
    about["blocks"] = pl.DataFrame(about["blocks"], schema=_BLOCK_SCHEMA)
    about["segment_places"] = tuple(about["segment_places"])
    about["stacks"] = tuple(tuple(stack) for stack in about["stacks"])
    return HeapDumpAnswer(path=Path(path), **about)


def write_heap_dumps(
    folder: str | PathLike[str],
    *,
    steps: int = 2,
    windows: Literal["7", "10", "unknown"] = "10",
    pointer_width: Literal[32, 64] = 64,
    wow64: bool = False,
    gflags: Sequence[Literal["ust", "htc", "hpa"]] = ("ust",),
    seed: int = 1,
    stack_count: int = 200,
) -> HeapDumps:
    """Write dumps of a process that leaks, and for each the log that UMDH would write at that moment.

    ``before.dmp`` and ``before.txt``, ``after.dmp`` and ``after.txt``, with more steps ``after_2.dmp`` and so on. Log
    and dump have the same heaps, and in them the same blocks at the same addresses with the same sizes and stacks.

    Parameters
    ----------
    folder : str or path-like
        Where to; made if it is not there. Files of these names are replaced if they are of the story.
    steps : int, default 2
        How many, at least 2.
    windows, pointer_width, wow64, gflags, seed, stack_count : optional
        As for `write_heap_dump`. Without ``"ust"`` the log still has the stacks, the dump has not.

    Returns
    -------
    HeapDumps
        The answers.

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
    ...     story = testing.write_heap_dumps(folder, stack_count=20)
    >>> story.dumps[1].stacks[story.growth["stack"][0]][2].split("+")[0], story.dumps[1].culprit
    ('fhpreview', 'fhpreview')
    """
    if steps < 2:
        raise ValueError(f"expected at least 2 steps, found {steps}")
    names = ["before", "after", *(f"after_{step}" for step in range(2, steps))]
    places = own_places(folder, [f"{name}{end}" for name in names for end in (".dmp", ".txt")])
    dumps, logs = [], []
    for step, (dump, log) in enumerate(zip(places[::2], places[1::2], strict=True)):
        dumps.append(
            write_heap_dump(
                dump,
                step=step,
                seed=seed,
                stack_count=stack_count,
                windows=windows,
                pointer_width=pointer_width,
                wow64=wow64,
                gflags=gflags,
            )
        )
        with _whole_file.replaced(log) as place:
            about: dict[str, Any] = _native.write_heap_dump_log(
                place,
                step=step,
                seed=seed,
                stack_count=stack_count,
                windows=windows,
                pointer_width=32 if wow64 else pointer_width,
                wow64=wow64,
                gflags=list(gflags),
            )
        logs.append(Answer(path=log, **with_totals(about)))
    return HeapDumps(tuple(dumps), tuple(logs))


def write_reference_heaps(
    path: str | PathLike[str],
    *,
    heap_bytes: int = 1 << 30,
    block_count: int = 6_000_000,
    heap_count: int = 40,
    seed: int = 1,
) -> tuple[dict[str, int], pl.DataFrame]:
    """Write a benchmark dump of heaps: 64-bit, the layout of Windows 10, half of the blocks in low-fragmentation heaps.

    Parameters
    ----------
    path : str or path-like
        File to write. One that is there is replaced when the new one is complete.
    heap_bytes : int, default 2**30
        Committed bytes of all heaps, to some percent.
    block_count : int, default 6_000_000
        Blocks that the program has.
    heap_count : int, default 40
        Heaps, 1 to 190.
    seed : int, default 1
        Same seed, same dump.

    Returns
    -------
    tuple of (dict of str to int, polars.DataFrame)
        ``byte_count`` of the file and ``memory_bytes`` of contents; and the heaps as in `HeapDumpAnswer`.

    Raises
    ------
    OptionError
        If `heap_count` is none of these.
    WriteError
        If the file cannot be written; what was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> from heapdelta import testing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     about, heaps = testing.write_reference_heaps(
    ...         f"{folder}/heaps.dmp", heap_bytes=2**22, block_count=20_000, heap_count=3
    ...     )
    >>> heaps.height, int(heaps["busy_count"].sum() + heaps["lfh_busy_count"].sum())
    (3, 20000)
    """
    with _whole_file.replaced(path) as place:
        about: dict[str, Any] = _native.write_reference_heaps(
            place, heap_bytes=heap_bytes, block_count=block_count, heap_count=heap_count, seed=seed
        )
    heaps = pl.DataFrame(about.pop("heaps"), schema=_HEAP_SCHEMA)
    return about, heaps
