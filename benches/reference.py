"""The reference logs and dumps: written once, kept outside the repository, each with its known totals beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

KINDS = ("blocks", "mixed")
FIELD_BYTES = 41_000_000
"""Size of the log `field`, whatever the others' is."""
SMALL_LOGS = 10_000
DUMPS = ("full-1g", "full-2g")
SEED = 20260412


@dataclass(frozen=True)
class Log:
    """A log or a dump on disk and what is in it."""

    path: Path
    answer: dict[str, int]

    @property
    def size(self) -> int:
        return self.answer["byte_count"]


def log(folder: Path, kind: str, size: int, *, grown: bool = False, step: int = 0, seed: int = SEED) -> Log:
    """Write the log unless it is there already; `grown` and later steps are later logs of the same process."""
    from heapdelta import testing

    name = f"{kind}-{size}-{seed}{'-grown' if grown else ''}{f'-step-{step}' if step else ''}"
    return _kept(
        folder / f"{name}.txt",
        lambda path: testing.write_reference_log(path, kind, size, seed, grown=grown, step=step),
    )


def dump(folder: Path, kind: str, share: float) -> Log:
    """Write the dump unless it is there already; `share` of its memory, and all of its rows."""
    from heapdelta import testing

    full = {"full-1g": 1 << 30, "full-2g": 2 << 30}[kind]
    return _kept(
        folder / f"{kind}-{share:g}-{SEED}.dmp",
        lambda path: testing.write_reference_dump(path, kind=kind, seed=SEED, memory_bytes=int(full * share)),
    )


def tree_logs(folder: Path) -> tuple[Path, Log]:
    """Write a pair of logs of a program with a call graph, unless it is there already; the later has the answer."""
    from tree_logs import write

    before = folder / "tree-before.txt"

    def both(after: Path) -> dict[str, int]:
        return write(before, after) | {"byte_count": after.stat().st_size}

    return before, _kept(folder / "tree-after.txt", both)


def heaps_dump(folder: Path, share: float) -> Log:
    """Write the dump of heaps, of 1 GiB with 6 million blocks in 40 heaps at `share` 1, unless it is there already."""
    from heapdelta import testing

    def write(path: Path) -> dict[str, int]:
        about, heaps = testing.write_reference_heaps(
            path, heap_bytes=int((1 << 30) * share), block_count=int(6_000_000 * share), heap_count=40, seed=SEED
        )
        counts = {
            "heap_count": heaps.height,
            "busy_count": int(
                heaps.select("busy_count", "lfh_busy_count", "large_count").sum().sum_horizontal().item()
            ),
            "busy_bytes": int(
                heaps.select("busy_bytes", "lfh_busy_bytes", "large_bytes").sum().sum_horizontal().item()
            ),
        }
        return about | counts

    return _kept(folder / f"heaps-{share:g}-{SEED}.dmp", write)


def small_logs(folder: Path, count: int = SMALL_LOGS) -> Path:
    """Write a folder of logs of 500 B, unless it is there already: one stack each, and two blocks of 64 B."""
    small = folder / f"small-{count}"
    small.mkdir(exist_ok=True)
    banner = "*- - - - - - - - - - {} - - - - - - - - - -\n"
    head = (
        "// UMDH: version 10.0.19041.685: Logtime 2024-03-11 09:{:02} - Machine=BENCH-01 - PID={}\n// Loaded modules:\n"
    )
    modules = "//     7FFB2C800000   400000 C:\\Bench\\bench.dll\n//     7FFB2D000000   400000 C:\\Bench\\ntdll.dll\n\n"
    blocks = "40 bytes + 30 at 1E2B3C4D5E0 by BackTrace7\n\t7FFB2D01A3D4\n\t7FFB2C81A3D4\n\n"
    blocks += "40 bytes + 30 at 1E2B3C4D650 by BackTrace7\n"
    heap = banner.format("Start of data for heap @ 1A0") + blocks + banner.format("End of data for heap @ 1A0")
    for place in range(count):
        path = small / f"{place:05}.txt"
        if not path.exists():
            path.write_text(head.format(place % 60, 1000 + place // 60) + modules + heap)
    return small


def _kept(path: Path, write: Callable[[Path], dict[str, int]]) -> Log:
    """Write a file and its answer, or find both."""
    facts = path.with_suffix(".json")
    if not (path.exists() and facts.exists()):
        facts.write_text(json.dumps(dict(write(path))))
    answer = json.loads(facts.read_text())
    if path.stat().st_size != answer["byte_count"]:
        raise SystemExit(f"{path}: expected {answer['byte_count']} bytes, found {path.stat().st_size}: delete it")
    return Log(path, answer)


def part(whole: Log, folder: Path, size: int) -> Path:
    """The first `size` bytes of a log, up to a line end: for parsers that would take an hour for all of it."""
    if whole.size <= size:
        return whole.path
    path = folder / f"{whole.path.stem}-first-{size}.txt"
    if not path.exists():
        with whole.path.open("rb") as source:
            text = source.read(size)
        path.write_bytes(text[: text.rindex(b"\n") + 1])
    return path
