"""A small writer of minidumps, kept apart from the package's own, so that the two do not share a mistake."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import heapdelta as hd

COMMIT, RESERVE, FREE = 0x1000, 0x2000, 0x1_0000
PRIVATE, MAPPED, IMAGE = 0x2_0000, 0x4_0000, 0x100_0000
APP = 0x40_0000
# 2024-03-11 09:00 UTC, and three hours before.
TAKEN, CREATED = 1_710_147_600, 1_710_136_800
COUNTERS = 18


@dataclass(frozen=True)
class Region:
    """One row of MemoryInfoList."""

    base: int
    size: int
    state: int = COMMIT
    kind: int = PRIVATE
    allocation_base: int = 0


@dataclass(frozen=True)
class Module:
    """One row of ModuleList, or of UnloadedModuleList."""

    base: int
    size: int
    path: str
    timestamp: int = 1
    build: int | None = None


@dataclass
class SmallDump:
    """A dump in the making; None leaves the stream out."""

    regions: list[Region] | None = field(default_factory=list)
    modules: list[Module] | None = field(default_factory=lambda: [Module(APP, 0x10_0000, "C:\\App\\app.exe")])
    unloaded: list[Module] | None = field(default_factory=list)
    handles: list[str | None] | None = field(default_factory=list)
    starts: list[int] | None = field(default_factory=list)
    counters: list[int] | None = field(default_factory=lambda: [0] * COUNTERS)
    pid: int | None = 704
    created: int = CREATED
    taken: int = TAKEN
    platform: int = 2

    def write(self) -> bytes:
        """Streams, the texts they point at, the directory."""
        self._data = bytearray(32)
        streams = [(7, self._put(struct.pack("<HHHBBIIIIIHH24x", 9, 0, 0, 1, 1, 10, 0, 17763, self.platform, 0, 0, 0)))]
        if self.pid is not None:
            streams.append((15, self._put(struct.pack("<6I", 24, 3, self.pid, self.created, 1, 1))))
        for number, made in (
            (4, self._modules()),
            (14, self._unloaded()),
            (3, self._threads()),
            (17, self._starts()),
            (12, self._handles()),
            (16, self._regions()),
            (22, self._counters()),
        ):
            if made is not None:
                streams.append((number, self._put(made)))
        directory = len(self._data)
        for number, (size, offset) in streams:
            self._data += struct.pack("<3I", number, size, offset)
        head = struct.pack("<4sIIIIIQ", b"MDMP", 0xA793, len(streams), directory, 0, self.taken, 0)
        return head + bytes(self._data[32:])

    def read(self) -> hd.Dump:
        dump = hd.read(self.write())
        assert isinstance(dump, hd.Dump)
        return dump

    def _put(self, content: bytes) -> tuple[int, int]:
        offset = len(self._data)
        self._data += content
        return len(content), offset

    def _text(self, text: str) -> int:
        units = text.encode("utf-16-le")
        return self._put(struct.pack("<I", len(units)) + units + b"\0\0")[1]

    def _modules(self) -> bytes | None:
        if self.modules is None:
            return None
        rows = [self._module(module) for module in self.modules]
        return struct.pack("<I", len(rows)) + b"".join(rows)

    def _module(self, module: Module) -> bytes:
        record = b"" if module.build is None else struct.pack("<4sI12xI", b"RSDS", module.build, 1)
        size, offset = self._put(record) if record else (0, 0)
        head = struct.pack("<QIIII", module.base, module.size, 0, module.timestamp, self._text(module.path))
        return head + bytes(52) + struct.pack("<IIII16x", size, offset, 0, 0)

    def _unloaded(self) -> bytes | None:
        if self.unloaded is None:
            return None
        rows = [struct.pack("<QIIII", m.base, m.size, 0, m.timestamp, self._text(m.path)) for m in self.unloaded]
        return struct.pack("<III", 12, 24, len(rows)) + b"".join(rows)

    def _threads(self) -> bytes | None:
        if self.starts is None:
            return None
        rows = [struct.pack("<IIIIQQIIII", number, 0, 0, 0, 0, 0, 0, 0, 0, 0) for number in range(len(self.starts))]
        return struct.pack("<I", len(rows)) + b"".join(rows)

    def _starts(self) -> bytes | None:
        if self.starts is None:
            return None
        rows = [struct.pack("<IIII6Q", at, 0, 0, 259, 0, 0, 0, 0, start, 1) for at, start in enumerate(self.starts)]
        return struct.pack("<III", 12, 64, len(rows)) + b"".join(rows)

    def _handles(self) -> bytes | None:
        if self.handles is None:
            return None
        rows = []
        for number, kind in enumerate(self.handles):
            rows.append(struct.pack("<QIIIIII", 4 * number, 0 if kind is None else self._text(kind), 0, 0, 0, 1, 1))
        return struct.pack("<IIII", 16, 32, len(rows), 0) + b"".join(rows)

    def _regions(self) -> bytes | None:
        if self.regions is None:
            return None
        rows = []
        for region in self.regions:
            owner = 0 if region.state == FREE else region.allocation_base
            kind = 0 if region.state == FREE else region.kind
            rows.append(struct.pack("<QQIIQIIII", region.base, owner, 4, 0, region.size, region.state, 4, kind, 0))
        return struct.pack("<IIQ", 16, 48, len(rows)) + b"".join(rows)

    def _counters(self) -> bytes | None:
        if self.counters is None:
            return None
        return struct.pack(f"<HHI{COUNTERS}Q", 2, 0x1F, 7, *self.counters)


def diff(before: SmallDump, after: SmallDump) -> hd.DumpDelta:
    return hd.diff(before.read(), after.read())
