"""A small writer of UMDH 1 logs, whose frames have names: stacks by id, and the sums that each of them holds."""

from __future__ import annotations

Stacks = dict[str, list[str]]


def hogs(held: dict[str, int], stacks: Stacks, *, pid: int = 812) -> str:
    """Each id holds the bytes given, in one block."""
    lines = [f"UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID={pid}"]
    lines += ["*********** Heap 00140000 Information ********************", "    Flags: 58000062"]
    lines += ["*********** Heap 00140000 Hogs ********************"]
    for trace, requested in held.items():
        lines.append(f"{requested:08X} bytes in 0x1 allocations (@ {requested:#010x}) by: BackTrace{trace}")
        lines += [f"        {frame}+0x00000010" for frame in stacks.get(trace, [])]
        lines.append("")
    return "\r\n".join(lines) + "\r\n"
