"""Archives for tests, made by the standard library, or byte by byte where that refuses: what strangers send."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

from small_log import Log

if TYPE_CHECKING:
    from collections.abc import Iterable


def log(size: int, taken: str = "2012-04-30 12:09", pid: int = 1000) -> bytes:
    """A log of one block."""
    return Log([(0x10000, "1", size, 8)], {"1": [0x7700_0100]}, taken=taken, pid=pid).text().encode()


def zipped(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip; two members may have one name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (2026, 4, 12, 10, 20, 30)), content, compress_type=method)
    return out.getvalue()


class _Pipe(io.RawIOBase):
    """Takes bytes and can neither seek nor tell, so that sizes follow the members."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        self.taken += bytes(content)  # type: ignore[call-overload]
        return len(bytes(content))  # type: ignore[call-overload]


def streamed_zip(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip whose sizes are behind the members, as programs write it that cannot go back."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        for name, content in members:
            archive.writestr(name, content)
    return bytes(pipe.taken)


def raw_zip(members: Iterable[tuple[bytes, bytes]], *, said_size: int | None = None, flags: int = 0) -> bytes:
    """A zip with names as bytes, and sizes as somebody says they are."""
    out, central, count = bytearray(), bytearray(), 0
    for name, content in members:
        packed = zlib.compress(content, 6)[2:-4]
        size = len(content) if said_size is None else said_size
        fixed = struct.pack(
            "<HHHHHIIIHH", 20, flags, 8, 0x5282, 0x5C8C, zlib.crc32(content), len(packed), size, len(name), 0
        )
        central += b"PK\1\2" + struct.pack("<H", 20) + fixed + struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + name
        out += b"PK\3\4" + fixed + name + packed
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(out), 0)
    return bytes(out + central + b"PK\5\6" + end)


def locked_zip(name: str, content: bytes, password: bytes) -> bytes:
    """A zip by the old encryption of PKZIP, which the standard library reads and does not write."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc(value: int, byte: int) -> int:
        return zlib.crc32(bytes([byte]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    def update(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    def lock(byte: int) -> int:
        half = (keys[2] | 2) & 0xFFFF
        locked = byte ^ ((half * (half ^ 1)) >> 8 & 0xFF)
        update(byte)
        return locked

    for byte in password:
        update(byte)
    sum_ = zlib.crc32(content)
    packed = bytes(lock(byte) for byte in bytes(11) + bytes([sum_ >> 24]) + zlib.compress(content, 6)[2:-4])
    raw = name.encode()
    fixed = struct.pack("<HHHHHIIIHH", 20, 1, 8, 0x5282, 0x5C8C, sum_, len(packed), len(content), len(raw), 0)
    central = b"PK\1\2" + struct.pack("<H", 20) + fixed + struct.pack("<HHHII", 0, 0, 0, 0, 0) + raw
    body = b"PK\3\4" + fixed + raw + packed
    return body + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(body), 0)


def overlapping_zip(kernel: bytes, count: int) -> bytes:
    """Many members on the same bytes: each begins with a stored copy of the headers of those behind it."""
    packed = zlib.compress(kernel, 9)[2:-4]
    names = [f"{number:04}.txt".encode() for number in range(count)]

    def header(name: bytes, size: int, length: int, sum_: int) -> bytes:
        fixed = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, sum_, length, size, len(name), 0)
        return b"PK\3\4" + fixed + name

    # From the last to the first: what is behind a header is quoted as one stored block of deflate.
    body, plain, offsets = packed, kernel, []
    for name in reversed(names):
        head = header(name, len(plain), len(body), zlib.crc32(plain))
        offsets.append((name, len(plain), len(body), zlib.crc32(plain), len(head) + len(body)))
        quoted = b"\0" + struct.pack("<HH", len(head), len(head) ^ 0xFFFF) + head
        last, body, plain = head + body, quoted + body, head + plain
    central = bytearray()
    for name, size, length, sum_, from_end in reversed(offsets):
        fixed = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, sum_, length, size, len(name), 0)
        place = len(last) - from_end
        central += b"PK\1\2" + struct.pack("<H", 20) + fixed + struct.pack("<HHHII", 0, 0, 0, 0, max(0, place)) + name
    return last + bytes(central) + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(last), 0)


def tarred(members: Iterable[tuple[str, bytes]], mode: str = "w") -> bytes:
    """A tar, compressed by `mode`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            about = tarfile.TarInfo(name)
            about.size, about.mtime = len(content), 1_775_988_030
            archive.addfile(about, io.BytesIO(content))
    return out.getvalue()


def mail(attachments: Iterable[tuple[str, bytes]], text: str = "See the files.") -> bytes:
    """A mail with attachments."""
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "case 1234"
    message["Date"] = "Sun, 12 Apr 2026 10:20:30 +0000"
    message.set_content(text)
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return bytes(message)


COMPRESSED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
"""How a file is compressed, by the end of its name."""
