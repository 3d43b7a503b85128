"""Logs and dumps of any size for benchmarks, as `heapdelta.testing` offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from heapdelta import _native, _whole_file

if TYPE_CHECKING:
    from os import PathLike


def write_reference_log(
    path: str | PathLike[str],
    kind: Literal["blocks", "mixed", "heaps", "field"],
    size: int = 1_000_000_000,
    seed: int = 1,
    *,
    grown: bool = False,
    step: int = 0,
) -> dict[str, int]:
    """Write a benchmark log: 64-bit ``umdh2``, CRLF, six heaps or twelve.

    Parameters
    ----------
    path : str or path-like
        File to write. One that is there is replaced when the new one is complete.
    kind : {"blocks", "mixed", "heaps", "field"}
        Nearly nothing but block lines (at 1 GB 80,000 stacks of 10 to 32 frames); half of its bytes stacks (680,000
        of them over 250,000 distinct addresses); as ``blocks``, but twelve heaps, and each stack has blocks in all of
        them; or the shape of a log from the field (at 41 MB 64,592 stacks and some 445,000 blocks).
    size : int, default 1_000_000_000
        Bytes, kept to within a few records; stacks and addresses are fewer in proportion in a smaller log.
    seed : int, default 1
        Same seed, same log.
    grown : bool, default False
        Write the later log of the same process: the same stacks under the same ids, and some blocks more. No block lies
        where it lay.
    step : int, default 0
        Write the log of a later step of the same process, of about the same size: of 32 blocks 30 stay where they lay,
        one is freed sooner or later and one is traded with every step for another at its address; and some leak.

    Returns
    -------
    dict of str to int
        ``byte_count``, ``line_count``, ``block_count``, ``heap_count``, ``stack_count``, ``frame_count`` (lines that
        are frames), ``distinct_frame_count``, ``requested_bytes``, ``overhead_bytes``; and ``grown_block_count``,
        ``grown_requested_bytes``, ``grown_overhead_bytes``: what the log has more than the one that is not grown; and
        ``born_block_count``, ``born_requested_bytes``, ``died_block_count``: blocks that the log of the step before
        does not have, and those that it has and this one has not.

    Raises
    ------
    OptionError
        If `kind` is none of these, or a log shall be both grown and of a later step.
    WriteError
        If the file cannot be written; what was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> from heapdelta import testing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     answer = testing.write_reference_log(f"{folder}/blocks.txt", "blocks", 100_000)
    >>> answer["heap_count"], answer["stack_count"]
    (6, 8)
    """
    with _whole_file.replaced(path) as place:
        answer: dict[str, int] = _native.write_reference_log(place, kind, size, seed, grown, step)
    return answer


def write_reference_dump(
    path: str | PathLike[str],
    *,
    kind: Literal["full-1g", "full-2g"] = "full-1g",
    seed: int = 1,
    **sizes: int,
) -> dict[str, int]:
    """Write a benchmark dump: a full one of a 64-bit process, with 64 threads.

    Parameters
    ----------
    path : str or path-like
        File to write. One that is there is replaced when the new one is complete.
    kind : {"full-1g", "full-2g"}
        1 GiB of memory in 8,000 ranges, 16,000 regions, 250 modules, 3,000 handles; or 2 GiB in 20,000 ranges, 60,000
        regions, modules and handles as many.
    seed : int, default 1
        Same seed, same dump.
    **sizes : int
        Other numbers than those of `kind`: ``memory_bytes``, ``range_count``, ``region_count``, ``module_count``,
        ``handle_count``, ``thread_count``. What is too small for the others is raised.

    Returns
    -------
    dict of str to int
        The same names with what was written, and ``byte_count`` of the file; ``committed_bytes``, ``reserved_bytes``
        and ``free_bytes`` of all regions, ``image_bytes`` of the committed; ``end_words``: the first and the last 8
        bytes of every range as little-endian numbers, added up modulo 2**64.

    Raises
    ------
    OptionError
        If `kind` is neither of the two, or a size has another name.
    WriteError
        If the file cannot be written; what was there before is as it was.

    Examples
    --------
    >>> import tempfile
    >>> from heapdelta import testing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sizes = {"memory_bytes": 2**25, "range_count": 1000, "region_count": 1500}
    ...     answer = testing.write_reference_dump(f"{folder}/small.dmp", **sizes)
    >>> answer["range_count"], answer["region_count"], answer["memory_bytes"], answer["module_count"]
    (1000, 1500, 33554432, 250)
    """
    # The stub's dictionary is one of anything that counts as a number, and dictionaries are invariant.
    wanted: dict[str, Any] = dict(sizes)
    with _whole_file.replaced(path) as place:
        answer: dict[str, int] = _native.write_reference_dump(place, kind, seed, wanted)
    return answer
