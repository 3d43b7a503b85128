"""What a report or an export is about: which files are a pair, which are a series, and of what."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heapdelta as hd
from heapdelta._long_path import for_system
from heapdelta._read.sources import listed_sources
from heapdelta._words import plural
from heapdelta.cli import _input, _pair, _views
from heapdelta.cli.diff import Matching
from heapdelta.cli.tree import refuse_dumps, view_of
from heapdelta.exceptions import ArchiveError, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapdelta._read.many import Batch
    from heapdelta._read.one import AnyCapture
    from heapdelta.blame import Allocators
    from heapdelta.cli._input import How
    from heapdelta.cli.series.choices import Sorting

    Files = list[tuple[str, AnyCapture]]


@dataclass
class About:
    """What a report is about, and what is to be told of its files."""

    view: Any
    """Whatever `heapdelta.report` takes."""
    files: Files
    """What each is called, and what it became."""
    failures: list[str] = field(default_factory=list)


def about(
    sources: list[str],
    how: How,
    captures: tuple[int | None, int | None],
    rules: Allocators | None,
    asked: Mapping[str, list[str]],
    match: Matching,
    order: Sorting,
    radix: int | None,
    *,
    dumps: bool = True,
) -> About:
    """Read files, and put together what they are; with or without `dumps`, which have no stacks.

    Raises
    ------
    OptionError
        If options and files do not go together, or there is nothing to report.
    """
    several = partial(_series, sources, how, captures, rules, asked, match, order, radix, dumps=dumps)
    if _is_series(sources):
        return several()
    if len(sources) == 1:
        files = _one(sources[0], how, captures, radix)
        if files is None:
            return several()
    else:
        if radix is not None:
            raise OptionError("expected no --radix with two logs: it is for a comparison", kind="option")
        read = [
            _input.read_snapshot_or_dump(path, capture=capture, how=how)
            for path, capture in zip(sources, captures, strict=True)
        ]
        files = list(zip(sources, read, strict=True))
    if not dumps:
        refuse_dumps(files)
    if any(isinstance(capture, hd.Dump) for _, capture in files):
        return About(_of_dumps(files, rules, asked, match), files)
    names = ("before", "after") if len(files) > 1 else ("file",)
    view = view_of(dict(zip(names, files, strict=True)), rules, match, how.threads)
    return About(_views.filtered(view, asked), files)


def about_case(
    sources: list[str],
    case: str,
    how: How,
    rules: Allocators | None,
    asked: Mapping[str, list[str]],
    order: Sorting,
) -> About:
    """Take the logs of a case out of a dataset: one, a pair, or a series of them.

    Raises
    ------
    OptionError
        If there are several datasets, or options about reading files.
    """
    if len(sources) != 1:
        raise OptionError(f"expected one dataset with --case, found {len(sources)}", kind="option")
    if how.symbols is not None or how.dumps:
        hint = "heapdelta symbolize names the addresses of a dataset"
        raise OptionError("expected no --symbols and no --modules with --case", hint=hint, kind="option")
    logs = hd.open(sources[0]).case(case)
    files: Files = [(log.path or "-", log) for log in logs]
    made: hd.Live | hd.Delta | hd.Series
    if len(logs) == 1:
        made = logs[0].live(rules)
    elif len(logs) == 2:
        pair = hd.diff(logs[0], logs[1], allocators=rules, threads=how.threads)
        assert isinstance(pair, hd.Delta)
        made = pair
    else:
        made = hd.series(logs, allocators=rules, order=order.value, runs="all", threads=how.threads)
    return About(_views.filtered(made, asked), files)


def _is_series(sources: list[str]) -> bool:
    """Tell whether these are more than a pair, by how they are named."""
    return len(sources) > 2 or any(
        Path(for_system(source)).is_dir() or len(listed_sources(source)) != 1 for source in sources
    )


def _one(source: str, how: How, captures: tuple[int | None, int | None], radix: int | None) -> Files | None:
    """Read one file, or the two of an archive; None for an archive of more."""
    if captures[1] is not None:
        raise OptionError("expected two files with --after-capture, found one", kind="option")
    try:
        return [(source, _input.read(source, blocks=False, radix=radix, capture=captures[0], how=how))]
    except ArchiveError as error:
        if error.kind != "many_members":
            raise
    try:
        return list(_pair.of_archive(source, how, (None, None)))
    except ArchiveError as error:
        readable = hd.members(source, **how.options())["readable"] if error.kind == "no_pair" else None
        if readable is None or readable.fill_null(False).arg_true().len() <= 2:
            raise
        return None


def _of_dumps(files: Files, rules: Allocators | None, asked: Mapping[str, list[str]], match: Matching) -> hd.DumpDelta:
    for path, capture in files:
        if not isinstance(capture, hd.Dump) or len(files) == 1:
            one = "one alone" if len(files) == 1 else "a dump and a log"
            raise OptionError(
                f"{path}: expected two heap logs or two minidumps, found {one}",
                path=path,
                hint="heapdelta summary shows one dump; --modules takes a dump beside logs",
                kind="option",
            )
    of_logs: dict[str, object] = {f"--{name}": patterns for name, patterns in asked.items()}
    _views.refuse_for_dumps(of_logs | {"--allocators": rules, "--match": match if match is Matching.NAME else None})
    (_, older), (_, newer) = files
    delta = hd.diff(older, newer)
    assert isinstance(delta, hd.DumpDelta)
    return delta


def _series(
    sources: list[str],
    how: How,
    captures: tuple[int | None, int | None],
    rules: Allocators | None,
    asked: Mapping[str, list[str]],
    match: Matching,
    order: Sorting,
    radix: int | None,
    *,
    dumps: bool,
) -> About:
    """Read many logs, each run judged by itself; or many dumps, where there are no two logs."""
    of_pairs = {"--radix": radix, "--before-capture": captures[0], "--after-capture": captures[1]}
    of_pairs["--match"] = 1 if match is Matching.NAME else None
    for option, value in of_pairs.items():
        if value is not None:
            raise OptionError(f"expected no {option} with a series of files", kind="option")
    batch = _input.read_many([file for source in sources for file in listed_sources(source)], how=how)
    failures = batch.failures["message"].to_list()
    if len(batch) >= 2:
        made = hd.series(hd.group(batch), allocators=rules, order=order.value, runs="all", threads=how.threads)
        return About(_views.filtered(made, asked), _files(batch), failures)
    if dumps and len(batch.dumps) >= 2:
        _views.refuse_for_dumps({f"--{name}": patterns for name, patterns in asked.items()} | {"--allocators": rules})
        counters = hd.series(batch, by="counter", order=order.value, runs="all", threads=how.threads)
        return About(counters, _files(batch), failures)
    wanted = "two heap logs or two minidumps" if dumps else "two heap logs"
    raise OptionError(
        f"expected {wanted} or more, found {plural(len(batch), 'log')} and "
        f"{plural(len(batch.dumps), 'dump')} in {plural(len(batch.paths), 'file')}",
        hint=failures[0] if failures else None,
        kind="option",
    )


def _files(batch: Batch) -> Files:
    captures: list[AnyCapture] = [*batch.snapshots, *batch.dumps]
    return [(capture.path or "-", capture) for capture in captures]
