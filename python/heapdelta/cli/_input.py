"""Reading for the command line: progress where it takes long, and only what the sub-command can use."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import heapdelta as hd
from heapdelta import blame
from heapdelta._long_path import for_system
from heapdelta._read.encoding import encoding_name
from heapdelta._read.sources import named_files
from heapdelta.blame import Allocators, RuleLike
from heapdelta.cli._bar import Bar
from heapdelta.cli._files import INPUT
from heapdelta.cli._modules import all_completed, completed
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump
    from heapdelta._capture.snapshot import Snapshot
    from heapdelta._read.many import Batch
    from heapdelta._read.one import AnyCapture
    from heapdelta._read.source import Source

BeforeCapture = Annotated[
    int | None, typer.Option(min=1, help="Which capture of the older file, from 1, if it holds several.")
]
AfterCapture = Annotated[
    int | None, typer.Option(min=1, help="Which capture of the newer file, from 1, if it holds several.")
]

Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="CODEPAGE",
        callback=encoding_name,
        help="Code page of names that are not UTF-8, such as cp932 or cp1251.",
        show_default="windows-1252",
    ),
]

Password = Annotated[
    str | None,
    typer.Option(envvar="HEAPDELTA_PASSWORD", help="What opens encrypted files of an archive.", show_default=False),
]
ArchiveLimit = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=NUMBER",
        help="How much of an archive is believed: ratio, member_bytes, total_bytes, members, depth, memory_bytes;"
        " can be repeated.",
    ),
]


AllocatorFile = Annotated[
    Path | None,
    INPUT,
    typer.Option(help="Logs: rules of allocator frames: one a line, such as mymem!pool_*; DEFAULT: the built-in ones."),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, max=1024, metavar="N", help="Threads that read and compare.", show_default="one per core"),
]


Symbols = Annotated[
    list[str] | None,
    INPUT,
    typer.Option(
        metavar="PATH",
        help="Where symbols are: a folder, a symbol store, a file, or a text as in _NT_SYMBOL_PATH; can be repeated.",
    ),
]
SymbolsByName = Annotated[
    bool,
    typer.Option(
        "--symbols-by-name", help="Take symbols that nothing but name, or name and size, shows to be the right ones."
    ),
]

DumpStacks = Annotated[
    bool,
    typer.Option(
        "--dump-stacks",
        help="Take minidumps that hold the stacks of their blocks (gflags +ust) as heap logs of their moment. "
        "Experimental: synthetic dumps alone show that they are read right.",
    ),
]

Modules = Annotated[
    list[str] | None,
    INPUT,
    typer.Option(
        metavar="DUMP",
        help="A minidump of the same process: it tells the builds of modules, and modules that a log does not list; "
        "can be repeated.",
    ),
]


@dataclass(frozen=True)
class How:
    """How files are opened: the code page of names, what is believed of archives, and where symbols are."""

    encoding: str | None = None
    password: str | None = None
    limits: hd.ArchiveLimits | None = None
    threads: int | None = None
    blocks: bool = False
    """Whether single blocks of logs are asked for."""
    symbols: hd.SymbolStore | None = None
    by_name: bool = False
    dumps: tuple[hd.Dump, ...] = ()
    """Those of the processes whose logs are read."""
    dump_stacks: bool = False
    """Whether dumps are taken as the logs of their moment."""

    def as_log(self, found: AnyCapture) -> AnyCapture:
        """Take a dump as the log of its moment, where that is asked for."""
        if self.dump_stacks and isinstance(found, hd.Dump):
            return hd.Snapshot.of_dump(found, experimental=True)
        return found

    def completed(self, found: AnyCapture) -> AnyCapture:
        """Complete the modules of what was read, and name its addresses."""
        if self.dumps:
            if not isinstance(found, hd.Snapshot):
                noun = "a dump" if isinstance(found, hd.Dump) else "a comparison"
                raise OptionError(f"expected --modules with a heap log, found {noun}", kind="option")
            found = completed(found, self.dumps)
        return self.named(found)

    def named(self, found: AnyCapture) -> AnyCapture:
        """Name the addresses of what was read."""
        if self.symbols is None:
            return found
        if isinstance(found, hd.Comparison):
            hint = "give --symbols with the two logs: heapdelta diff"
            raise OptionError("expected --symbols with a log or a dump, found a comparison", hint=hint, kind="option")
        return found.with_symbols(self.symbols, by_name=self.by_name, threads=self.threads)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `read`, `read_many` and `members`."""
        return {"encoding": self.encoding, "password": self.password, "limits": self.limits}


def how(
    encoding: str | None,
    password: str | None,
    archive_limit: list[str] | None,
    *,
    threads: int | None = None,
    blocks: bool = False,
    symbols: list[str] | None = None,
    by_name: bool = False,
    modules: list[str] | None = None,
    dump_stacks: bool = False,
) -> How:
    """Put together what a command's options say.

    Raises
    ------
    OptionError
        If a limit is not known, or its value is no number; or what should be a dump is none.
    """
    known = [field.name for field in fields(hd.ArchiveLimits)]
    limits = {}
    for text in archive_limit or []:
        name, _, value = text.partition("=")
        if name not in known:
            expected = f"{', '.join(known[:-1])} or {known[-1]}"
            raise OptionError(f"expected --archive-limit with {expected}, found {text}", kind="option")
        if not value.isascii() or not value.isdecimal():
            raise OptionError(f"expected --archive-limit {name} with a number, found {text}", kind="option")
        limits[name] = int(value)
    if by_name and not symbols:
        raise OptionError("expected --symbols with --symbols-by-name, found none", kind="option")
    store = hd.symbols(*symbols) if symbols else None
    believed = hd.ArchiveLimits(**limits) if limits else None
    paths = [file for path in modules or [] for file in named_files(path)]
    dumps = tuple(hd.read_dump(path, threads=threads, password=password, limits=believed) for path in paths)
    return How(encoding, password, believed, threads, blocks, store, by_name, dumps, dump_stacks)


def read(
    path: str,
    *,
    blocks: bool,
    radix: int | None = None,
    capture: int | None = None,
    how: How,
) -> AnyCapture:
    """Read a file, with a progress bar if it takes over a second."""
    bar = Bar(Path(path).name)
    try:
        found = hd.read(
            path, threads=how.threads, blocks=blocks, radix=radix, capture=capture, progress=bar, **how.options()
        )
        return how.completed(how.as_log(found))
    finally:
        bar.close()


def read_many(paths: list[Source], *, how: How) -> Batch:
    """Read many logs without their single blocks, with a progress bar of files if it takes over a second."""
    bar = Bar("reading", of_files=True)
    try:
        batch = hd.read_many(paths, threads=how.threads, progress=bar, **how.options())
        if how.dump_stacks:
            made = [hd.Snapshot.of_dump(dump, experimental=True) for dump in batch.dumps]
            batch.snapshots, batch.dumps = [*batch.snapshots, *made], []
        logs = all_completed(batch.snapshots, how.dumps)
        batch.snapshots = [log for log in map(how.named, logs) if isinstance(log, hd.Snapshot)]
        return batch
    finally:
        bar.close()


def read_snapshot(path: str, *, capture: int | None = None, how: How) -> Snapshot:
    """Read a log without its single blocks.

    Raises
    ------
    OptionError
        If the file is something else.
    """
    found = read(path, blocks=False, capture=capture, how=how)
    if isinstance(found, hd.Snapshot):
        return found
    raise _unexpected(path, "a heap log", found)


def read_snapshot_or_dump(path: str, *, capture: int | None = None, how: How) -> Snapshot | Dump:
    """Read a log or a minidump.

    Raises
    ------
    OptionError
        If the file is a comparison.
    """
    found = read(path, blocks=how.blocks, capture=capture, how=how)
    if isinstance(found, hd.Comparison):
        raise _unexpected(path, "a heap log or a minidump", found)
    return found


def _unexpected(path: str, expected: str, found: AnyCapture) -> OptionError:
    if isinstance(found, hd.Comparison):
        kind, hint = "a comparison of two logs", "a comparison is already a difference: heapdelta summary shows it"
    else:
        kind = "a minidump"
        hint = (
            "heapdelta diff and heapdelta summary take dumps; one with stacks (gflags +ust) is a log by --dump-stacks"
        )
    return OptionError(f"{path}: expected {expected}, found {kind}", path=path, hint=hint, kind="option")


def read_allocators(path: Path | None) -> Allocators | None:
    """Read a file of rules: one a line; `#` begins a comment, and a line `DEFAULT` stands for the built-in rules.

    Raises
    ------
    OptionError
        If the file cannot be read, or a rule in it.
    """
    if path is None:
        return None
    lines = read_rules(path, "allocator rules").splitlines()
    texts = [text for line in lines if (text := line.partition("#")[0].strip())]
    rules: list[RuleLike] = []
    for text in texts:
        rules += blame.DEFAULT if text == "DEFAULT" else [text]
    return Allocators(rules)


def read_rules(path: Path, what: str, *, hint: str | None = None) -> str:
    """Read a small file of text that an option names; `hint` is for who named something else.

    Raises
    ------
    OptionError
        If it cannot be read.
    """
    try:
        return Path(for_system(path)).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise OptionError(
            f"{path}: expected a file of {what}, cannot read it: {reason}", hint=hint, kind="option"
        ) from error
