"""Cases with several logs of one process. `case.py` runs each in a process of its own."""

from __future__ import annotations

import gc
import random
import time
from pathlib import Path
from typing import Any

from memory import PROCESS, private_bytes, status_bytes, warm


def survival(*paths: Path) -> dict[str, Any]:
    """Time of reading the logs with their blocks, and of following these from log to log up to the ranking."""
    import heapdelta as hd
    import polars as pl

    gc.collect()
    start = time.perf_counter()
    batch = hd.read_many(paths, blocks=True, on_error="raise")
    reads = time.perf_counter() - start
    series = hd.series(batch)
    start = time.perf_counter()
    found = series.survival()
    stacks = found.stacks
    seconds = time.perf_counter() - start
    table = found.table
    table_seconds = time.perf_counter() - start
    births = table.filter((pl.col("born") == pl.col("point")) & (pl.col("point") > 0))
    return {
        "seconds": seconds,
        "reads_seconds": reads,
        "table_seconds": table_seconds,
        "rows": table.height,
        "block_count": int(table["allocation_count"].sum()),
        "requested_bytes": int(table["requested_bytes"].sum()),
        "born_block_count": int(births["allocation_count"].sum()),
        "born_requested_bytes": int(births["requested_bytes"].sum()),
        "died_block_count": int(stacks["died_count"].sum()),
    }


def read_many(folder: Path) -> dict[str, Any]:
    """Time and memory of reading a folder of logs for their sums."""
    import heapdelta as hd

    warm(*folder.iterdir())
    gc.collect()
    before = private_bytes()
    (PROCESS / "clear_refs").write_text("5")  # VmHWM starts again here
    resident = status_bytes("VmRSS")
    start = time.perf_counter()
    batch = hd.read_many(f"{folder}/*.txt", on_error="raise")
    seconds = time.perf_counter() - start
    usage = [snapshot.usage for snapshot in batch]
    return {
        "seconds": seconds,
        "held_bytes": private_bytes() - before,
        "peak_bytes": status_bytes("VmHWM") - resident,
        "byte_count": sum(snapshot.byte_count for snapshot in batch),
        "block_count": sum(int(sums["allocation_count"].sum()) for sums in usage),
        "requested_bytes": sum(int(sums["requested_bytes"].sum()) for sums in usage),
    }


SNAPSHOTS, STACKS, LEAKING = 200, 20_000, 50
"""Of the stacks, one in `LEAKING` leaks."""


def growth() -> dict[str, Any]:
    """Time from snapshots in memory to a verdict on each of their stacks; every curve is noisy, some rise."""
    import heapdelta as hd

    draw = random.Random(SNAPSHOTS)
    modules = "".join(
        f"//     {0x1000_0000 + 0x10_0000 * place:X} 100000 C:\\App\\m{place}.dll\n" for place in range(40)
    )
    stacks = [
        "".join(f"\t{0x1000_0000 + 4 * draw.randrange(40 << 18):X}\n" for _ in range(8)) + "\n" for _ in range(STACKS)
    ]
    sizes = [draw.randrange(1_000, 100_000) for _ in range(STACKS)]
    snapshots, last = [], 0
    for point in range(SNAPSHOTS):
        now = [
            int(size * (0.95 + 0.1 * draw.random())) + (0 if place % LEAKING else size * point // 50)
            for place, size in enumerate(sizes)
        ]
        snapshots.append(hd.read(_log(point, modules, stacks, now), blocks=False))
        last = sum(now)
    gc.collect()
    start = time.perf_counter()
    series = hd.series(snapshots, by="stack")
    found = series.growth()
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    again = series.growth()
    leaks = found.filter(found["verdict"] == "leak")
    return {
        "seconds": seconds,
        "again_seconds": time.perf_counter() - start,
        "rows": again.height,
        "last_bytes": int(found["last_bytes"].sum()) - last,
        "steep_leaks": leaks.filter(leaks["last_bytes"] > 2 * leaks["first_bytes"]).height,
    }


def _log(point: int, modules: str, stacks: list[str], sizes: list[int]) -> bytes:
    taken = f"2024-03-{1 + point // 24:02d} {point % 24:02d}:00"
    head = f"// UMDH: version 6.1.7650.0: Logtime {taken} - Machine=BOX - PID=704\n// Loaded modules:\n"
    banner = "*- - - - - - - - - - {} of data for heap @ 2E60000 - - - - - - - - - -\n"
    blocks = (
        f"{size:X} bytes + 18 at {0x2000_0000 + 64 * place:X} by BackTrace{place + 1:X}\n{stack}"
        for place, (size, stack) in enumerate(zip(sizes, stacks, strict=True))
    )
    parts = [head, "//     Base Size Module\n", modules, "//\n// Process modules enumerated.\n\n"]
    return "".join([*parts, banner.format("Start"), "\n", *blocks, banner.format("End")]).encode()


CASES = {"survival": survival, "read-many": read_many, "growth": growth}
