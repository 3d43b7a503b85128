"""What a release must not change unseen: columns of tables, and fingerprints of stacks, as lines of text.

`make interface` writes both into tests/data/interface; test_interface.py compares them. A line that changes or goes is
a change of the interface, and wants a word in CHANGELOG.md; a line that is added is none.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import heapdelta as hd
import polars as pl
from heapdelta import _native
from heapdelta._capture.heap_walk import CONTENTS, TABLES
from heapdelta.dataset import _layout

FOLDER = Path(__file__).parents[1] / "data" / "interface"
FIXTURES = FOLDER.parent
Schemas = Mapping[str, Mapping[str, object]]

# A log of stacks that are awkward to name, each under an id that says why; see `log_of_awkward_stacks`.
AWKWARD: dict[str, list[str]] = {
    "1": [],
    "2": ["77000100"],
    "3": ["400100", "77000100"],
    "4": ["400100", "400100", "77000100"],
    "5": ["10000100", "400100"],
    "6": ["12345678"],
    "7": ["0"],
    "8": ["FFFFFFFFFFFFFFFF", "7FF612340000"],
    "9": ["400000", "4FFFFF", "500000"],
    "A": ["ntdll!RtlAllocateHeap+00000010", "app!main+00000020"],
    "B": ["NTDLL!RtlAllocateHeap+10", "APP!main+20"],
    "C": ["app!operator new+00000000", "app!std::vector<int,std::allocator<int> >::push_back+0000001F"],
    "D": ["app!<lambda_1>::operator()+7", "прев!функция+1", "app!main+20"],
    "E": ["app!main+20 (c:\\src\\main.cpp, 12)", "kernel32!BaseThreadInitThunk+14"],
    "F": ["???????? : 400100", "00000001"],
}


def log_of_awkward_stacks() -> str:
    """Write the log; addresses lie in modules, at their ends, and outside of all."""
    lines = ["// UMDH: version 6.1.7650.0: Logtime 2012-04-30 12:09 - Machine=BOX - PID=704", "// Loaded modules:"]
    lines += [
        "//     Base Size Module",
        "//     400000 100000 C:\\App\\App.exe",
        "//     77000000 100000 C:\\W\\NTDLL.dll",
    ]
    lines += ["//     10000000 100000 C:\\App\\Größe 中.dll", "//", "// Process modules enumerated.", ""]
    lines += ["*- - - - - - - - - - Start of data for heap @ 10000 - - - - - - - - - -", ""]
    for number, (trace, frames) in enumerate(AWKWARD.items()):
        lines += [
            f"10 bytes + 8 at {0x100000 + 64 * number:X} by BackTrace{trace}",
            *(f"\t{each}" for each in frames),
            "",
        ]
    lines.append("*- - - - - - - - - - End of data for heap @ 10000 - - - - - - - - - -")
    return "\n".join(lines) + "\n"


def tables() -> list[str]:
    """Give a line for each column of each table, in order."""
    lines: list[str] = []
    for noun in ("a heap log", "the comparison of two logs", "a minidump"):
        lines += of_schemas(noun, {name: pl.DataFrame(table).schema for name, table in _native.empty_tables(noun)})
    lines += of_schemas("a dataset", _layout.tables())
    lines += of_schemas("a dataset", {"manifest": _layout.BATCH_COLUMNS})
    lines += of_schemas("names of a dataset", _layout.NAME_TABLES)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        lines += of_schemas("heaps of a minidump", dict(heap_tables(Path(folder))))
        lines += of_schemas("a ranking", dict(rankings(Path(folder))))
    return [*lines, f"layout of a dataset: {_layout.SCHEMA}"]


def of_schemas(noun: str, schemas: Schemas) -> Iterator[str]:
    for table, columns in schemas.items():
        yield from (f"{noun}, {table}, {column}: {kind}" for column, kind in columns.items())


def rankings(folder: Path) -> Iterator[tuple[str, pl.Schema]]:
    """Give the columns of what diff and series answer."""
    story = hd.testing.write_investigation(folder / "logs", steps=6, stack_count=60)
    dumps = hd.testing.write_dump_investigation(folder, stack_count=60)
    logs = [hd.read_log(path) for path in story.paths]
    delta = hd.diff(logs[0], logs[1])
    for kind in ("module", "stack", "function", "heap", "size"):
        yield f"diff by {kind}", delta.by(kind).schema
    of_dumps = hd.diff(hd.read_dump(dumps.before), hd.read_dump(dumps.after))
    for kind in ("region_class", "module", "handle_type"):
        yield f"diff of dumps by {kind}", of_dumps.by(kind).schema
    yield "series", hd.series(logs).growth().schema
    yield "tree", delta.tree().schema
    hd.ingest(folder / "logs", folder / "dataset", progress=lambda _: None)
    dataset = hd.open(folder / "dataset")
    yield "cases", dataset.cases().schema
    yield "runs", dataset.runs().schema
    for kind in ("module", "function", "stack"):
        yield f"rank by {kind}", dataset.rank(by=kind).schema
    yield "similar", dataset.similar(dataset.scan("stacks").collect()["fingerprint"][0]).schema
    heaps = hd.testing.write_heap_dumps(folder / "heaps", stack_count=20)
    with_heaps = [hd.read_dump(heaps.before), hd.read_dump(heaps.after)]
    of_heaps = hd.diff(*with_heaps)
    for kind in ("heap", "size", "size_class", "content", "source"):
        yield f"blocks of a dump by {kind}", with_heaps[0].by(kind).schema
        yield f"blocks of two dumps by {kind}", of_heaps.by(kind).schema


def heap_tables(folder: Path) -> Iterator[tuple[str, pl.Schema]]:
    """Give the columns of the tables of a dump's heaps."""
    path = folder / "heaps.dmp"
    hd.testing.write_heap_dump(path, stack_count=20)
    dump = hd.read_dump(path)
    for name in (*TABLES, *CONTENTS):
        yield name, getattr(dump, name).schema
    yield "issues", dump.heap_issues.schema


def fingerprints() -> list[str]:
    """Give a line for each stack of the awkward log, of our fixtures and of the synthetic server."""
    # Windows deletes no file that is mapped, as symbols are.
    lines = list(of_log("awkward", hd.read_log(log_of_awkward_stacks().encode())))
    for file in sorted(FIXTURES.glob("*.txt")):
        read = hd.read(file)
        if isinstance(read, hd.Snapshot):
            lines += of_log(file.name, read)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for dialect in ("umdh2", "umdh1"):
            path = Path(folder, dialect)
            hd.testing.write_log(path, stack_count=30, dialect=dialect)
            lines += of_log(f"synthetic {dialect}", hd.read_log(path))
        named = hd.read_log(Path(folder, "umdh2")).with_symbols(
            hd.symbols(hd.testing.write_symbols(Path(folder, "pdbs")))
        )
        lines += of_log("synthetic umdh2 with symbols", named)
    return lines


def of_log(name: str, log: hd.Snapshot) -> Iterator[str]:
    for trace, depth, fingerprint in log.stacks.select("trace_id", "depth", "fingerprint").iter_rows():
        yield f"{name}, {trace} of depth {depth}: {'none' if fingerprint is None else format(fingerprint, '016X')}"


GOLDEN = {"tables.txt": tables, "fingerprints.txt": fingerprints}


def write(folder: Path, names: Iterable[str] = GOLDEN) -> None:
    for name in names:
        content = "\n".join(GOLDEN[name]()) + "\n"
        folder.joinpath(name).write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(FOLDER)
    print(f"written: {FOLDER}: look at what git diff says of it", file=sys.stderr)
