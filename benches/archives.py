"""The cases of archives: heapdelta, and what Python has beside it. `case.py` runs one of them."""

from __future__ import annotations

import gc
import time
import zipfile
from pathlib import Path
from typing import Any

from memory import PROCESS, private_bytes, status_bytes, warm

Result = dict[str, Any]


def zipped(path: Path) -> Path:
    """Zip a log as Windows does, once."""
    target = path.with_suffix(".zip")
    if not target.exists():
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
    return target


def read(path: Path) -> Result:
    """Read the one log of a zip, to its sums; time and memory."""
    import heapdelta as hd

    warm(path)
    gc.collect()
    before = private_bytes()
    (PROCESS / "clear_refs").write_text("5")
    resident = status_bytes("VmRSS")
    start = time.perf_counter()
    snapshot = hd.read_log(path, blocks=False)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "peak_bytes": status_bytes("VmHWM") - resident,
        "held_bytes": private_bytes() - before,
        "line_count": snapshot.line_count,
        "requested_bytes": int(snapshot.usage["requested_bytes"].sum()),
    }


def python(path: Path) -> Result:
    """Unpack it by `zipfile`, and do nothing with it."""
    warm(path)
    start = time.perf_counter()
    lines = 0
    with zipfile.ZipFile(path) as archive, archive.open(archive.infolist()[0]) as text:
        while piece := text.read(1 << 20):
            lines += piece.count(b"\n")
    return {"seconds": time.perf_counter() - start, "line_count": lines}


CASES = {"zip-read": read, "zip-python": python}
