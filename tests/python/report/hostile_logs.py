"""Logs whose names act, in a page that lets them."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd

NAMES = [
    "</script><script>acted=1</script>",
    "<img src=x onerror=acted=2>",
    "<!--<script>acted=3",
    '" onmouseover=acted=4 x="',
    "{{ 7*7 }}{% raw %}",
    "javascript:acted=5",
    "]]><svg onload=acted=6>",
    "a\u202egnp.exe",
    "b\x1b[31mred",
    "</title></style></textarea><iframe srcdoc='<script>parent.acted=7</script>'>",
    "&lt;b&gt;&amp;",
    "\\u003cscript\\u003e",
    "${acted=8}`",
]


def hostile_delta(folder: Path) -> hd.Delta:
    """A difference of two logs whose machine, modules and functions have such names."""
    logs = []
    for hour, size in ((10, 0x1000), (11, 0x3000)):
        lines = [f"UMDH: Logtime 2000-06-28 {hour}:54 - Machine=<b>M - PID=704"]
        lines.append("*********** Heap 00270000 Hogs ********************")
        for place, name in enumerate(NAMES):
            lines.append(
                f"{size + 64 * place:08x} bytes in 0x4 allocations (@ {size // 4:#010x}) by: BackTrace{place + 0x31:05}"
            )
            other = NAMES[(place + 1) % len(NAMES)]
            lines += [
                f"        ntdll!RtlAllocateHeap+0x{place + 1:x}",
                f"        {name}!{other}+0x1",
                f"        app!{name}+0x2",
                "",
            ]
        path = folder / f"{hour} <img src=x onerror=acted=9>.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        logs.append(hd.read_log(path))
    return hd.diff(*logs)
