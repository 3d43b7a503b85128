"""Gives a public-only PDB the GUID of the full one: `public.py FULL PUBLIC`, each with a server.exe and a server.pdb.

lld takes the GUID from the content of a PDB, so the two differ, although their images have the same code. The age of
the info stream becomes 3 while the image and the DBI stream say 1: so it is in the ntdll.pdb that Microsoft publishes.
"""

from __future__ import annotations

import sys
from pathlib import Path


def identity(folder: Path) -> bytes:
    image = (folder / "server.exe").read_bytes()
    start = image.index(b"RSDS") + 4
    return image[start : start + 16]


def code(folder: Path) -> bytes:
    """The image from its first section on, without its GUID and its timestamp."""
    image = (folder / "server.exe").read_bytes()
    header = int.from_bytes(image[0x3C:0x40], "little")
    return image[0x400:].replace(identity(folder), b"").replace(image[header + 8 : header + 12], b"")


full, public = Path(sys.argv[1]), Path(sys.argv[2])
pdb = (public / "server.pdb").read_bytes()
own = (1).to_bytes(4, "little") + identity(public)
if pdb.count(own) != 1:
    sys.exit(f"{public}: expected the age and GUID once, found {pdb.count(own)}")
if code(full) != code(public):
    sys.exit(f"{public}: expected the code of {full}")
(public / "server.pdb").write_bytes(pdb.replace(own, (3).to_bytes(4, "little") + identity(full)))
