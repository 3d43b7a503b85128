"""Symbols of other builds, and dumps of them: files that the package writes, changed byte by byte."""

from __future__ import annotations

import re
import struct
from pathlib import Path

CULPRIT = "fhpreview"
OTHER_ID = "0123456789ABCDEF0123456789ABCDEF1"


def tables(symbols: Path, module: str = CULPRIT) -> dict[int, str]:
    """What a file of symbols names outside of functions: by place, as it is written."""
    text = (symbols / f"{module}.sym").read_text()
    return {int(place, 16): name for place, name in re.findall(r"^PUBLIC (\w+) 0 (.*)$", text, re.MULTILINE)}


def rebuilt(symbols: Path, folder: Path, names: dict[int, str], module: str = CULPRIT) -> Path:
    """Write symbols of another build, with these names."""
    folder.mkdir()
    text = (symbols / f"{module}.sym").read_text().split("PUBLIC ")[0]
    text = re.sub(r"^(MODULE \S+ \S+) \S+", rf"\1 {OTHER_ID}", text)
    lines = [f"PUBLIC {place:x} 0 {name}\n" for place, name in names.items()]
    (folder / f"{module}.sym").write_text(text + "".join(lines), encoding="utf-8")
    return folder


def of_other_build(dump: Path, symbols: Path, module: str = CULPRIT) -> None:
    """Let a dump say that a module is of that build."""
    written = (symbols / f"{module}.sym").read_text().split()[3]
    content = dump.read_bytes()
    own = _record(written)
    assert content.count(own) == 1
    dump.write_bytes(content.replace(own, _record(OTHER_ID)))


def without_module(dump: Path, module: str = CULPRIT) -> None:
    """Let a dump list a module elsewhere, as if it had been unloaded."""
    content = bytearray(dump.read_bytes())
    _, _, count, directory = struct.unpack_from("<4sIII", content)
    rows = struct.iter_unpack("<III", content[directory : directory + 12 * count])
    at = next(offset for number, _, offset in rows if number == 4)
    for number in range(struct.unpack_from("<I", content, at)[0]):
        row = at + 4 + 108 * number
        name = struct.unpack_from("<I", content, row + 20)[0]
        size = struct.unpack_from("<I", content, name)[0]
        if module in content[name + 4 : name + 4 + size].decode("utf-16-le"):
            struct.pack_into("<Q", content, row, 0x10000)
    dump.write_bytes(content)


def _record(written: str) -> bytes:
    """GUID and age, as a dump has them."""
    guid = bytes.fromhex(written[:32])
    turned = guid[3::-1] + guid[5:3:-1] + guid[7:5:-1] + guid[8:]
    return turned + struct.pack("<I", int(written[32:], 16))
