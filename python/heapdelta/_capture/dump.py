"""`Dump`: a minidump as polars tables beside its header, and the memory that it holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, NoReturn, cast

import polars as pl

from heapdelta import _html
from heapdelta._capture.dump_lists import knows
from heapdelta._capture.snapshot import Snapshot
from heapdelta._numbers import issue_count
from heapdelta._safe_text import visible
from heapdelta._words import count_text, moment, plural
from heapdelta.exceptions import NoTableError

if TYPE_CHECKING:
    from heapdelta import _native as core

__all__ = ["Dump", "ExceptionRecord"]


class ExceptionRecord(NamedTuple):
    """The exception for which a dump was taken."""

    code: int
    """``ExceptionCode``, such as ``0xC0000005``."""
    address: int
    """Address where it happened."""
    thread_id: int
    """Thread in which it happened."""


class Dump(Snapshot):
    """One minidump: a header, tables as `polars.DataFrame`, and the contents of memory that the file holds.

    Made by `heapdelta.read`. The file is mapped, not read: leave it as it is while the dump is in use. Tables are made
    when first asked for, from the core's own memory, without a copy. ``docs/tables.md`` lists every column.

    A dump does not know who allocated what: it has no stacks, and private memory has no module. It tells how much of
    which kind of memory there was, which modules, threads and handles, and what the process counted itself.
    """

    _names = (
        "modules",
        "unloaded_modules",
        "threads",
        "regions",
        "handles",
        "memory",
        "memory_counters",
        "system_memory",
        "streams",
        "issues",
    )

    def __init__(self, native: core.Dump) -> None:
        super().__init__(cast("core.Snapshot", native))
        self._core = native

    @property
    def format(self) -> str:
        """Always ``minidump``."""
        return self._core.format

    @property
    def encoding(self) -> str:
        """Always ``binary``: a dump is no text."""
        return "binary"

    @property
    def tool_version(self) -> None:
        """Always None: a dump does not say what wrote it."""
        return None

    @property
    def machine(self) -> None:
        """Always None: a dump does not name its machine."""
        return None

    @property
    def taken_at(self) -> datetime | None:
        """When it was taken, in UTC, to the second; None if the file does not say."""
        return _utc(self._core.taken_at)

    @property
    def process_created_at(self) -> datetime | None:
        """When the process was made, in UTC, to the second; None if the file does not say."""
        return _utc(self._core.process_created_at)

    @property
    def os(self) -> str | None:
        """``windows``, ``linux``, ``macos``, …; None if the file does not say."""
        return self._core.os

    @property
    def os_version(self) -> str | None:
        """Version and build of the system, such as ``10.0.22000``; None if the file does not say, as those of Linux."""
        return self._core.os_version

    @property
    def service_pack(self) -> str | None:
        """Name of the service pack, of other systems what the writer calls the version; None if there is none."""
        return self._core.service_pack

    @property
    def cpu(self) -> str | None:
        """``x86``, ``amd64``, ``arm64``, …; None if the file does not say."""
        return self._core.cpu

    @property
    def processor_count(self) -> int | None:
        """Processors of the machine; None if the file does not say."""
        return self._core.processor_count

    @property
    def user_time(self) -> float | None:
        """Seconds of CPU time outside the kernel; None if the file does not say."""
        return self._core.user_time

    @property
    def kernel_time(self) -> float | None:
        """Seconds of CPU time in the kernel; None if the file does not say."""
        return self._core.kernel_time

    @property
    def comment(self) -> str | None:
        """Words that were put in with the dump, such as procdump's command line; None if there are none."""
        return self._core.comment

    @property
    def exception(self) -> ExceptionRecord | None:
        """The exception for which it was taken; None if it was taken without one."""
        record = self._core.exception
        return None if record is None else ExceptionRecord(*record)

    @property
    def flags(self) -> int:
        """``MINIDUMP_TYPE``, as the writer was asked for. It does not say which streams there are; `streams` does."""
        return self._core.flags

    @property
    def modules(self) -> pl.DataFrame:
        """One row per loaded module, with version, time stamp and debug id, in the order of the file."""
        return self._table("modules")

    @property
    def unloaded_modules(self) -> pl.DataFrame:
        """One row per module that had been unloaded, in the order of the file."""
        return self._table("unloaded_modules")

    @property
    def threads(self) -> pl.DataFrame:
        """One row per thread, in the order of the file."""
        return self._table("threads")

    @property
    def regions(self) -> pl.DataFrame:
        """One row per region of the address space, with what it is for; empty where the writer left the list out."""
        return self._table("regions")

    @property
    def handles(self) -> pl.DataFrame:
        """One row per open handle, in the order of the file; empty where the writer left the list out."""
        return self._table("handles")

    @property
    def memory(self) -> pl.DataFrame:
        """One row per range of addresses whose contents the dump holds; `bytes_at` reads them."""
        return self._table("memory")

    @property
    def memory_counters(self) -> pl.DataFrame:
        """One row: what the process counted itself, bytes; null where the writer left a field out."""
        return self._table("memory_counters")

    @property
    def system_memory(self) -> pl.DataFrame:
        """One row: what the machine had, in pages; null where the writer left a field out."""
        return self._table("system_memory")

    @property
    def streams(self) -> pl.DataFrame:
        """One row per entry of the dump's directory: what it holds, and whether it was read."""
        return self._table("streams")

    def bytes_at(self, address: int, size: int) -> memoryview:
        """Give the contents of memory as the process saw them.

        Parameters
        ----------
        address : int
            First address.
        size : int
            Bytes. They may lie in several ranges of `memory`, as long as there is no gap between.

        Returns
        -------
        memoryview
            Read-only. No copy is made where the file holds the bytes in one piece.

        Raises
        ------
        AbsentMemoryError
            If the dump does not hold all of it; the message names the first part that is absent.
        OverflowError
            If a number is negative or has more than 64 bits.
        """
        return self._core.bytes_at(address, size)

    def with_modules(self, dump: Dump) -> NoReturn:
        """Not for a dump, which has modules of its own."""
        raise NoTableError(f"a minidump needs no modules of {dump!r}: it has its own", kind="no_table")

    def __getattr__(self, name: str) -> NoReturn:
        # Python comes here after one of the properties below has raised.
        if name in _OF_LOGS:
            _refuse(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def allocations(self) -> NoReturn:
        """Not in a dump."""
        _refuse("allocations")

    @property
    def usage(self) -> NoReturn:
        """Not in a dump."""
        _refuse("usage")

    @property
    def stacks(self) -> NoReturn:
        """Not in a dump."""
        _refuse("stacks")

    @property
    def frames(self) -> NoReturn:
        """Not in a dump."""
        _refuse("frames")

    @property
    def heaps(self) -> NoReturn:
        """Not in a dump: `heapdelta.Dump.regions` tells which memory is a heap's."""
        _refuse("heaps")

    @property
    def sections(self) -> NoReturn:
        """Not in a dump."""
        _refuse("sections")

    @property
    def line_count(self) -> NoReturn:
        """Not in a dump: it is no text."""
        _refuse("line_count")

    @property
    def line_counts(self) -> NoReturn:
        """Not in a dump: it is no text."""
        _refuse("line_counts")

    def __repr__(self) -> str:
        system = visible(" ".join(filter(None, [self.os, self.os_version, self.cpu])))
        private = self.memory_counters["private_usage"].item()
        counts = [plural(self._table(f"{row}s").height, row) for row in _COUNTED if knows(self, f"{row}s")]
        memory = None if private is None else f"{count_text(private)} private bytes"
        parts = [self.format, system, memory, *counts, plural(issue_count(self.issues), "issue")]
        return f"<Dump {self._label()}: {', '.join(filter(None, parts))}>"

    def _repr_html_(self) -> str:
        facts = {
            "file": self._label(),
            "system": " ".join(filter(None, [self.os, self.os_version, self.service_pack, self.cpu])) or None,
            "taken": None if self.taken_at is None else f"{moment(self.taken_at)} UTC",
            "process": self.pid,
            "started": None if self.process_created_at is None else f"{moment(self.process_created_at)} UTC",
            "comment": self.comment,
            "exception": None if self.exception is None else f"{self.exception.code:#010x}",
        }
        rows = [self._table(name).height if knows(self, name) else None for name in self._names]
        sizes = pl.DataFrame({"table": list(self._names), "rows": pl.Series(rows, dtype=pl.UInt32)})
        return _html.page(repr(self), facts, sizes)


_COUNTED = ("module", "thread", "region")
_OF_LOGS = frozenset({"allocations", "frames", "heaps", "line_count", "line_counts", "sections", "stacks", "usage"})


def _utc(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def _refuse(name: str) -> NoReturn:
    tables = ", ".join(Dump._names)
    raise NoTableError(
        f"a minidump has no {name}: it does not record who allocated what",
        hint=f"its tables are {tables}",
        kind="no_table",
    )
