"""Exports of a small pair that was made by hand, as tests/data/exports keeps them. One line writes them anew:

python tests/python/golden_exports.py
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import heapdelta as hd
from small_log import APP_FRAME, NTDLL_FRAME, Log

KEPT = Path(__file__).parents[1] / "data" / "exports"
NAMES = ("pair.pb", "pair.firefox.json", "pair.speedscope.json", "pair.folded", "after.heaptrack")
_RELEASE = b"heapdelta 0.1.0"
"""What files are kept as if they were of."""
_GROW, _SAVE, _MAIN = APP_FRAME, APP_FRAME + 0x40, APP_FRAME + 0x80
_STACKS = {
    "1": [NTDLL_FRAME, _GROW, _MAIN],
    "2": [NTDLL_FRAME, _SAVE, _MAIN],
    "3": [NTDLL_FRAME, NTDLL_FRAME + 0x20],
}


def pair() -> hd.Delta:
    """One stack grew, one shrank, one is the allocator's alone; blocks without a stack, and of one not in the file."""
    before = [("1", 100), ("2", 3000), ("3", 7), ("0", 30)]
    after = [("1", 100), ("1", 4096), ("2", 1976), ("3", 7), ("0", 40), ("AA", 5)]
    read = [
        Log([(0x10000, trace, size, 8) for trace, size in blocks], _STACKS, taken=f"2012-04-30 {hour}:00").read()
        for hour, blocks in ((12, before), (13, after))
    ]
    return hd.diff(*read)


def made(name: str) -> bytes:
    """Export the pair, or the log after; not packed, because packers change, and not of this release but of one."""
    delta = pair()
    with tempfile.TemporaryDirectory() as folder:
        written = hd.export(delta.after if name.startswith("after") else delta, Path(folder, name)).path.read_bytes()
    content = gzip.decompress(written) if name.endswith(".pb") else written
    own = f"heapdelta {hd.__version__}".encode()
    # pprof has the length of a text before it.
    return content.replace(bytes([len(own)]) + own, bytes([len(_RELEASE)]) + _RELEASE).replace(own, _RELEASE)


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for each in NAMES:
        (KEPT / each).write_bytes(made(each))
