"""Two logs of a small shop, with named frames: shop +2,500, cache +3,500, plug +2,000 (new), in all 8,000."""

from __future__ import annotations

from typing import TYPE_CHECKING

from small_hogs import hogs

if TYPE_CHECKING:
    from pathlib import Path

STACKS = {
    "1": ["ntdll!RtlAllocateHeap", "shop!Cart::insert", "shop!main"],
    "2": ["ntdll!RtlAllocateHeap", "cache!Pool::grow", "shop!Page::load", "shop!main"],
    "3": ["ntdll!RtlAllocateHeap", "cache!Pool::trim", "shop!main"],
    "4": ["ntdll!RtlAllocateHeap", "plug!`anonymous namespace'::make<a|b>", "shop!main"],
}
BEFORE = {"1": 1_000, "2": 5_000, "3": 900}
AFTER = {"1": 3_500, "2": 9_000, "3": 400, "4": 2_000}


def two_logs(folder: Path) -> None:
    """Write ``before.txt`` and ``after.txt``."""
    for name, held in (("before.txt", BEFORE), ("after.txt", AFTER)):
        (folder / name).write_text(hogs(held, STACKS), encoding="utf-8", newline="")
