"""The cases of minidumps: heapdelta, and what PyPI has beside it. `case.py` runs one of them.

Each case lists or reads with the library's own means and gives sums that `run.py` checks against the answer of the
dump. Imports are not timed.

skelsec's `minidump` reads every stream it knows at opening. `udmp-parser` opens, and makes its dictionaries when asked.
heapdelta reads every stream and makes every table in polars: more than the other two list.
"""

from __future__ import annotations

import gc
import logging
import random
import time
from pathlib import Path
from typing import Any

from memory import anonymous_bytes, private_bytes

Result = dict[str, Any]

TABLES = (
    "modules",
    "unloaded_modules",
    "threads",
    "regions",
    "handles",
    "memory",
    "memory_counters",
    "system_memory",
    "streams",
    "issues",
)
SIZE = 64
ROUNDS = 5


def read(path: Path) -> Result:
    """Every table of a dump in polars; time and memory."""
    import heapdelta as hd

    gc.collect()
    anonymous, private = anonymous_bytes(), private_bytes()
    start = time.perf_counter()
    dump = hd.read(path)
    frames = [getattr(dump, name) for name in TABLES]
    seconds = time.perf_counter() - start
    regions = dump.regions
    committed = regions.filter(regions["state"] == "commit")
    return {
        "seconds": seconds,
        "anonymous_bytes": anonymous_bytes() - anonymous,
        "private_bytes": private_bytes() - private,
        "table_count": len(frames),
        "range_count": dump.memory.height,
        "region_count": regions.height,
        "module_count": dump.modules.height,
        "handle_count": dump.handles.height,
        "thread_count": dump.threads.height,
        "memory_bytes": int(dump.memory["size"].sum()),
        "committed_bytes": int(committed["size"].sum()),
        "image_bytes": int(committed.filter(committed["class"] == "image")["size"].sum()),
        "issue_count": dump.issues.height,
    }


def skelsec(path: Path) -> Result:
    """Open, list modules and regions."""
    from minidump.minidumpfile import MinidumpFile

    logging.disable(logging.CRITICAL)  # it reports the lack of process parameters, with a stack
    gc.collect()
    start = time.perf_counter()
    dump = MinidumpFile.parse(str(path))
    modules = [(module.baseaddress, module.size, module.name) for module in dump.modules.modules]
    regions = [(info.BaseAddress, info.RegionSize, info.State) for info in dump.memory_info.infos]
    seconds = time.perf_counter() - start
    committed = sum(size for _, size, state in regions if state is not None and state.name == "MEM_COMMIT")
    return {
        "seconds": seconds,
        "module_count": len(modules),
        "region_count": len(regions),
        "committed_bytes": committed,
    }


def udmp(path: Path) -> Result:
    """Open, list modules and regions."""
    import udmp_parser

    gc.collect()
    start = time.perf_counter()
    dump = udmp_parser.UserDumpParser()
    assert dump.Parse(str(path))
    modules = [(module.BaseOfImage, module.SizeOfImage, module.ModuleName) for module in dump.Modules().values()]
    regions = [(block.BaseAddress, block.RegionSize, block.State) for block in dump.Memory().values()]
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "module_count": len(modules),
        "region_count": len(regions),
        "committed_bytes": sum(size for _, size, state in regions if state == 0x1000),
    }


def ends(words: int, contents: bytes) -> int:
    """Add the first and the last 8 bytes, as the dump's answer does."""
    return words + int.from_bytes(contents[:8], "little") + int.from_bytes(contents[-8:], "little")


def read_memory(path: Path) -> Result:
    """All contents, range by range, each as `bytes`."""
    import heapdelta as hd

    dump = hd.read(path)
    ranges = list(dump.memory.select("base", "size").iter_rows())
    gc.collect()
    start = time.perf_counter()
    words = byte_count = 0
    for base, size in ranges:
        contents = bytes(dump.bytes_at(base, size))
        byte_count += len(contents)
        words = ends(words, contents)
    return {"seconds": time.perf_counter() - start, "memory_bytes": byte_count, "end_words": words % 2**64}


def skelsec_memory(path: Path) -> Result:
    """All contents, range by range, by the range's own reader."""
    from minidump.minidumpfile import MinidumpFile

    logging.disable(logging.CRITICAL)
    dump = MinidumpFile.parse(str(path))
    segments = dump.memory_segments_64.memory_segments
    gc.collect()
    start = time.perf_counter()
    words = byte_count = 0
    for segment in segments:
        contents = segment.read(segment.start_virtual_address, segment.size, dump.file_handle)
        byte_count += len(contents)
        words = ends(words, contents)
    return {"seconds": time.perf_counter() - start, "memory_bytes": byte_count, "end_words": words % 2**64}


def udmp_memory(path: Path) -> Result:
    """All contents, range by range; this library gives a list of numbers."""
    import heapdelta as hd
    import udmp_parser

    dump = udmp_parser.UserDumpParser()
    assert dump.Parse(str(path))
    # Its blocks are regions; with or without contents, it does not say.
    ranges = list(hd.read(path).memory.select("base", "size").iter_rows())
    gc.collect()
    start = time.perf_counter()
    words = byte_count = 0
    for base, size in ranges:
        contents = dump.ReadMemory(base, size)
        byte_count += len(contents)
        words = ends(words, bytes(contents[:8] + contents[-8:]))
    return {"seconds": time.perf_counter() - start, "memory_bytes": byte_count, "end_words": words % 2**64}


def bytes_at(path: Path) -> Result:
    """Time of one read of 64 bytes by address; addresses of all ranges, out of order."""
    import heapdelta as hd

    dump = hd.read(path)
    ranges = list(dump.memory.select("base", "size").iter_rows())
    addresses = [(base, 0) for base, _ in ranges] + [(base + size - SIZE, SIZE - 8) for base, size in ranges]
    random.Random(1).shuffle(addresses)
    words = sum(int.from_bytes(dump.bytes_at(address, SIZE)[at : at + 8], "little") for address, at in addresses)
    places = [address for address, _ in addresses]
    gc.collect()
    start = time.perf_counter()
    for _ in range(ROUNDS):
        for address in places:
            dump.bytes_at(address, SIZE)
    seconds = (time.perf_counter() - start) / (ROUNDS * len(places))
    return {"seconds": seconds, "end_words": words % 2**64}


CASES = {
    "dump-read": read,
    "dump-skelsec": skelsec,
    "dump-udmp": udmp,
    "dump-read-memory": read_memory,
    "dump-skelsec-memory": skelsec_memory,
    "dump-udmp-memory": udmp_memory,
    "dump-bytes-at": bytes_at,
}
