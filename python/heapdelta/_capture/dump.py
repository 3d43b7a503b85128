"""`Dump`: a minidump as polars tables beside its header, and the memory that it holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakSet

import polars as pl

from heapdelta import _html
from heapdelta import _native as core
from heapdelta._capture.dump_heaps import WithHeaps
from heapdelta._capture.dump_lists import knows
from heapdelta._capture.heap_walk import Walks
from heapdelta._numbers import issue_count
from heapdelta._options import checked_threads
from heapdelta._safe_text import visible
from heapdelta._symbols import of_dump
from heapdelta._symbols.of_contents import Naming
from heapdelta._symbols.store import SymbolStore, checked_store
from heapdelta._words import moment, plural

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["Dump", "ExceptionRecord"]


class ExceptionRecord(NamedTuple):
    """The exception for which a dump was taken."""

    code: int
    """``ExceptionCode``, such as ``0xC0000005``."""
    address: int
    """Address where it happened."""
    thread_id: int
    """Thread in which it happened."""


class Dump(WithHeaps):
    """One minidump: a header, tables as `polars.DataFrame`, and the contents of memory that the file holds.

    Made by `heapdelta.read`. The file is mapped, not read: leave it as it is while the dump is in use, or `close` it.
    Tables are made when first asked for, from the core's own memory, without a copy. ``docs/tables.md`` lists every
    column.

    It tells how much of which kind of memory there was, which modules, threads and handles, and what the process
    counted itself. Where it holds the memory of the heaps (``procdump -ma``), it tells their blocks: `heaps`, `by`.
    Who asked for a block, it does not tell; what the block begins with often does.
    """

    _noun = "a minidump"
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
        super().__init__(native)
        self._walks = Walks(native)
        self._named: tuple[pl.DataFrame, pl.DataFrame] | None = None
        self._same_file: WeakSet[Dump] = WeakSet([self])

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
        return _utc(self._native.taken_at)

    @property
    def process_created_at(self) -> datetime | None:
        """When the process was made, in UTC, to the second; None if the file does not say."""
        return _utc(self._native.process_created_at)

    @property
    def pid(self) -> int | None:
        """Process id; None if the file does not say."""
        return self._native.pid

    @property
    def pointer_width(self) -> int:
        """32 or 64, bits of an address."""
        return self._native.pointer_width

    @property
    def os(self) -> str | None:
        """``windows``, ``linux``, ``macos``, …; None if the file does not say."""
        return self._native.os

    @property
    def os_version(self) -> str | None:
        """Version and build of the system, such as ``10.0.22000``; None if the file does not say, as those of Linux."""
        return self._native.os_version

    @property
    def service_pack(self) -> str | None:
        """Name of the service pack, of other systems what the writer calls the version; None if there is none."""
        return self._native.service_pack

    @property
    def cpu(self) -> str | None:
        """``x86``, ``amd64``, ``arm64``, …; None if the file does not say."""
        return self._native.cpu

    @property
    def processor_count(self) -> int | None:
        """Processors of the machine; None if the file does not say."""
        return self._native.processor_count

    @property
    def user_time(self) -> float | None:
        """Seconds of CPU time outside the kernel; None if the file does not say."""
        return self._native.user_time

    @property
    def kernel_time(self) -> float | None:
        """Seconds of CPU time in the kernel; None if the file does not say."""
        return self._native.kernel_time

    @property
    def comment(self) -> str | None:
        """Words that were put in with the dump, such as procdump's command line; None if there are none."""
        return self._native.comment

    @property
    def exception(self) -> ExceptionRecord | None:
        """The exception for which it was taken; None if it was taken without one."""
        record = self._native.exception
        return None if record is None else ExceptionRecord(*record)

    @property
    def flags(self) -> int:
        """``MINIDUMP_TYPE``, as the writer was asked for. It does not say which streams there are; `streams` does."""
        return self._native.flags

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
    def handles(self) -> pl.DataFrame:
        """One row per open handle, in the order of the file; empty where the writer left the list out."""
        return self._table("handles")

    @property
    def memory_counters(self) -> pl.DataFrame:
        """One row: what the process counted itself, bytes; null where the writer left a field out."""
        return self._table("memory_counters")

    @property
    def system_memory(self) -> pl.DataFrame:
        """One row: what the machine had, in pages; null where the writer left a field out."""
        return self._table("system_memory")

    @property
    def symbols(self) -> pl.DataFrame:
        """One row per module with addresses: where their names come from; empty before `with_symbols`."""
        return self._of_symbols()[0]

    @property
    def addresses(self) -> pl.DataFrame:
        """What the dump tells of single addresses; empty before `with_symbols`.

        One row per address: ``what`` str (``exception``, ``thread start``, ``thread`` for where a thread was),
        ``thread_id`` u32, ``address`` u64, ``module``, ``function`` str, ``offset`` u64 (bytes from the start of the
        function), ``file`` str, ``source_line`` u32, ``doubtful`` bool (perhaps another function); null where there is
        no module, or no name.
        """
        return self._of_symbols()[1]

    def with_symbols(self, store: SymbolStore, *, by_name: bool = False, threads: int | None = None) -> Dump:
        """Name the functions of threads and of the exception, and the classes of blocks.

        `contents` and ``by("content")`` have names then, looked up when they are first asked for.

        Parameters
        ----------
        store : SymbolStore
            Where symbols are, made by `heapdelta.symbols`.
        by_name : bool, default False
            Take symbols that nothing but name, or name and size, shows to be of the right build, for modules of which
            the dump does not know the build.
        threads : int, optional
            Threads of the core that work on it, 1 to 1024; by default one for each core. The answer never depends on
            it.

        Returns
        -------
        Dump
            The same dump with `symbols` and `addresses`, and with ``target_name`` in `contents`. Its heaps are read by
            the types in the PDB of its own ``ntdll.dll`` too, where the store has it; ``docs/heaps.md`` says what for.

        Raises
        ------
        TypeError
            If `store` is not a `SymbolStore`.
        """
        checked_store(store)
        dump = Dump(self._native)
        dump._walks = self._walks.with_symbols(store)
        dump._same_file = self._same_file
        dump._same_file.add(dump)
        dump._naming = Naming(store, by_name, checked_threads(threads))
        dump._named = of_dump.named(self, store, by_name=by_name, threads=checked_threads(threads))
        return dump

    def _of_symbols(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        if self._named is not None:
            return self._named
        return pl.DataFrame(core.empty_symbols()), pl.DataFrame(schema=of_dump.SCHEMA)

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
        ClosedError
            If the dump was closed.
        OverflowError
            If a number is negative or has more than 64 bits.
        """
        return self._native.bytes_at(address, size)

    def close(self) -> None:
        """Let go of the file, also for the dumps that `with_symbols` made of this one; a second call does nothing.

        Header and tables stay, contents of memory do not: `bytes_at` raises `ClosedError`, and so do tables of heaps
        that were not asked for before. What `bytes_at` gave can still be read, and keeps the file mapped until it is
        gone. On Windows a mapped file can be neither deleted nor replaced; a ``with`` block closes the dump at its end.

        Examples
        --------
        >>> import tempfile
        >>> import heapdelta as hd
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = hd.testing.write_dump(f"{folder}/app.dmp", stack_count=100)
        ...     with hd.read_dump(f"{folder}/app.dmp") as dump:
        ...         start = bytes(dump.bytes_at(dump.memory["base"][0], 2))
        >>> dump.modules.height
        45
        """
        closed = self._native.closed()
        for dump in self._same_file:
            dump._native = closed
            dump._walks.native = closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        system = visible(" ".join(filter(None, [self.os, self.os_version, self.cpu])))
        private = self.memory_counters["private_usage"].item()
        counts = [plural(self._table(f"{row}s").height, row) for row in _COUNTED if knows(self, f"{row}s")]
        memory = None if private is None else f"{plural(private, 'private byte')}"
        counts += self._heap_words()
        parts = [self.format, system, memory, *counts, plural(issue_count(self.issues), "issue")]
        return f"<Dump {self._label()}: {', '.join(filter(None, parts))}>"

    def _repr_html_(self) -> str:
        facts = {
            "file": self._label(),
            "heap memory": self._held_words(walk=False),
            "system": " ".join(filter(None, [self.os, self.os_version, self.service_pack, self.cpu])) or None,
            "taken": None if self.taken_at is None else f"{moment(self.taken_at)} UTC",
            "process": self.pid,
            "started": None if self.process_created_at is None else f"{moment(self.process_created_at)} UTC",
            "comment": self.comment,
            "exception": None if self.exception is None else f"{self.exception.code:#010x}",
        }
        names = [*self._names, *(self._heap_names[:5] if self._walks.done else ())]
        rows = pl.Series("rows", [self._table(name).height if knows(self, name) else None for name in names], pl.UInt32)
        sizes = pl.DataFrame({"table": names, "rows": rows})
        return _html.page(repr(self), facts, sizes)


_COUNTED = ("module", "thread", "region")


def _utc(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
