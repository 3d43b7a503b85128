"""`Snapshot` and `Comparison`: what was read, as polars tables beside the header."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

import polars as pl

from heapdelta import _html
from heapdelta._numbers import issue_count, total
from heapdelta._ranking.matched import Matched
from heapdelta._ranking.views import Views
from heapdelta._safe_text import visible
from heapdelta._words import count_text, moment, plural
from heapdelta.blame import DEFAULT, Allocators, RuleLike, frame_flags
from heapdelta.exceptions import NoTableError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapdelta import _native as core
    from heapdelta._capture.dump import Dump

__all__ = ["Comparison", "Snapshot"]

_OF_DUMPS = frozenset(
    {
        "bytes_at",
        "comment",
        "cpu",
        "exception",
        "handles",
        "kernel_time",
        "memory",
        "memory_counters",
        "os",
        "os_version",
        "process_created_at",
        "regions",
        "streams",
        "system_memory",
        "threads",
        "unloaded_modules",
        "user_time",
    }
)
"""What only a dump has, for a message that helps."""

Native = TypeVar("Native", bound="core.Snapshot | core.Comparison")


class _Capture(Generic[Native]):
    """What snapshots and comparisons have in common. Cannot be changed after it was made."""

    _names: tuple[str, ...] = ()

    def __init__(self, native: Native) -> None:
        self._native: Native = native
        self._tables: dict[str, pl.DataFrame] = {}

    @property
    def path(self) -> str | None:
        """The file it was read from; None for bytes and file objects."""
        return self._native.path

    @property
    def format(self) -> str:
        """Who wrote it: ``umdh2``, ``umdh1``, ``dh``, ``dhcmp-sites``; for a comparison ``dhcmp``, ``umdh-compare``."""
        return self._native.format

    @property
    def encoding(self) -> str:
        """Encoding of the text: ``utf-8``, ``utf-8-sig``, ``utf-16-le``, ``utf-16-be`` or ``windows-1252``."""
        return self._native.encoding

    @property
    def line_count(self) -> int:
        """Lines of the file."""
        return self._native.line_count

    @property
    def byte_count(self) -> int:
        """Bytes of the file."""
        return self._native.byte_count

    @property
    def line_counts(self) -> dict[str, int]:
        """What became of the lines: ``rows``, ``structure``, ``preamble``, ``blank``, ``issues``; adds up to all."""
        return dict(self._native.line_counts)

    @property
    def stacks(self) -> pl.DataFrame:
        """One row per distinct stack, in the order of the file."""
        return self._table("stacks")

    @property
    def frames(self) -> pl.DataFrame:
        """One row per distinct frame, in order of first appearance."""
        return self._table("frames")

    @property
    def modules(self) -> pl.DataFrame:
        """One row per loaded module, in the order of the file."""
        return self._table("modules")

    @property
    def sections(self) -> pl.DataFrame:
        """Comments, and lines of sections without a public layout, word for word, in the order of the file."""
        return self._table("sections")

    @property
    def issues(self) -> pl.DataFrame:
        """One row per thing that could not be read or is in doubt, in the order of the file.

        A kind has at most 1,000 rows; one row more has in ``count`` how many others there are.
        """
        return self._table("issues")

    def arrow(self, name: str) -> core.Table:
        """Give a table to anyone who speaks the Arrow C stream: pyarrow, pandas, DuckDB.

        Parameters
        ----------
        name : str
            Name of the table, such as ``"allocations"``.

        Returns
        -------
        Table
            An object with ``__arrow_c_stream__``. Nothing is copied.

        Raises
        ------
        OptionError
            If there is no such table.
        """
        if name not in self._names:
            raise OptionError(f"expected a table ({', '.join(self._names)}), found {name!r}", kind="option")
        return self._native.table(name)

    def blame(self, allocators: Iterable[RuleLike] | None = None) -> pl.DataFrame:
        """Tell for every stack the frame it counts for: the first, from the innermost outward, that no allocator owns.

        Parameters
        ----------
        allocators : iterable of Rule or str, optional
            Rules in place of `heapdelta.blame.DEFAULT`; ``blame.DEFAULT + ["mymem!pool_*"]`` extends them.

        Returns
        -------
        polars.DataFrame
            One row per stack whose frames are in the file, sorted by ``stack_id``: ``stack_id`` u32, ``frame_id`` u32
            (null for a stack without frames), ``module`` str, ``function`` str, ``offset`` u64 of that frame.

        Raises
        ------
        OptionError
            If a rule cannot be read.
        """
        rules = DEFAULT if allocators is None else Allocators(allocators)
        blamed = pl.DataFrame(self._native.blame(frame_flags(self.frames, rules).to_frame()))
        return blamed.join(
            self.frames.select("frame_id", "module", "function", "offset"),
            on="frame_id",
            how="left",
            maintain_order="left",
        )

    def _height(self, name: str) -> int:
        """Count the rows of a table: handing over all columns of all batches takes time."""
        return len(self._native.table(name))

    def _table(self, name: str) -> pl.DataFrame:
        if name not in self._tables:
            self._tables[name] = pl.DataFrame(self._native.table(name))
        return self._tables[name]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            # Reached only for names that the class does not have.
            if name in _OF_DUMPS:
                raise NoTableError(f"a {self.format} log has no {name}: only a minidump has", kind="no_table")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _label(self) -> str:
        return visible(self.path or "<bytes>")

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} cannot be changed: {name}")
        super().__setattr__(name, value)


class Snapshot(_Capture["core.Snapshot"]):
    r"""One capture of a process's heaps: a header, and tables as `polars.DataFrame`.

    Made by `heapdelta.read`. Tables are made when first asked for, from the core's own memory, without a copy.
    ``docs/tables.md`` lists every column.

    Examples
    --------
    >>> import heapdelta as hd
    >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
    >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n"
    >>> hd.read(log)
    <Snapshot <bytes>: umdh2, 64 bytes in 1 block, 1 stack, 1 heap, 1 issue>
    """

    _names: tuple[str, ...] = ("allocations", "usage", "stacks", "frames", "modules", "heaps", "sections", "issues")

    @property
    def tool_version(self) -> str | None:
        """Version of the tool that wrote the file; None if it does not say."""
        return self._native.tool_version

    @property
    def taken_at(self) -> datetime | None:
        """When it was taken, by the clock of the customer's machine (no time zone); None if the file does not say."""
        text = self._native.taken_at
        return None if text is None else datetime.fromisoformat(text)

    @property
    def machine(self) -> str | None:
        """Name of the machine; None if the file does not say."""
        return self._native.machine

    @property
    def pid(self) -> int | None:
        """Process id; None if the file does not say."""
        return self._native.pid

    @property
    def pointer_width(self) -> int:
        """32 or 64, bits of an address."""
        return self._native.pointer_width

    @property
    def allocations(self) -> pl.DataFrame:
        """One row per live block (umdh2) or per line of sums, in the order of the file; empty with ``blocks=False``."""
        return self._table("allocations")

    @property
    def usage(self) -> pl.DataFrame:
        """One row per heap and stack: the sums, sorted by heap, then stack."""
        return self._table("usage")

    @property
    def heaps(self) -> pl.DataFrame:
        """One row per heap, in the order of the file."""
        return self._table("heaps")

    def with_modules(self, dump: Dump) -> Snapshot:
        """Complete the modules of a log from a dump of the same process.

        Modules of the log get ``version``, ``timestamp`` and ``debug_id``. Modules that the log does not list are
        added, and raw addresses inside them become ``module`` and ``offset``, so that `diff` can name who grew.

        Parameters
        ----------
        dump : Dump
            A minidump of the same process, from before or after the log.

        Returns
        -------
        Snapshot
            A new one; neither file is read again. Frames and stacks keep their numbers. Fingerprints are those of a log
            with a whole module list.

        Raises
        ------
        OptionError
            If the two are not of one process: the process ids or the programs differ, or the program or most modules
            were loaded at other addresses, or nothing shows that they are: where an id is missing, only the program at
            the same address in both does.
        TypeError
            If `dump` is not a `Dump`.
        """
        from heapdelta._capture.dump import Dump

        if not isinstance(dump, Dump):
            raise TypeError(f"expected a Dump, found {type(dump).__name__}")
        return Snapshot(self._native.with_modules(dump._core))

    def __repr__(self) -> str:
        size, count = (total(self.usage[name]) for name in ("requested_bytes", "allocation_count"))
        parts = [
            f"{plural(size, 'byte')} in {plural(count, 'block')}",
            plural(self.stacks.height, "stack"),
            plural(self.heaps.height, "heap"),
            plural(issue_count(self.issues), "issue"),
        ]
        return f"<Snapshot {self._label()}: {self.format}, {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        facts = {
            "file": self._label(),
            "format": " ".join(filter(None, [self.format, self.tool_version])),
            "taken": moment(self.taken_at),
            "machine": self.machine,
            "process": self.pid,
        }
        sizes = pl.DataFrame({"table": list(self._names), "rows": [self._table(name).height for name in self._names]})
        return _html.page(repr(self), facts, sizes)


class Comparison(_Capture["core.Comparison"], Views):
    r"""The text that DHCMP or UMDH wrote about two logs, as tables, with the same views that a `Delta` has.

    Made by `heapdelta.read`. A comparison shows only stacks that changed, so its totals are changes, not what is live.

    Examples
    --------
    >>> import heapdelta as hd
    >>> text = b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n"
    >>> hd.read(text)
    <Comparison <bytes>: dhcmp, radix 16, 1 stack, +21,280 bytes, 0 issues>
    """

    _names = ("rows", "stacks", "frames", "modules", "sections", "issues")
    _kinds = ("module", "stack", "function", "trace")

    def __init__(self, native: core.Comparison, allocators: Iterable[RuleLike] | None = None) -> None:
        super().__init__(native)
        self._allocators = DEFAULT if allocators is None else Allocators(allocators)
        self._matched_rows: Matched | None = None

    @property
    def radix(self) -> int | None:
        """10 or 16, as proved by the numbers; None if every number reads the same in both."""
        return self._native.radix

    @property
    def total_requested_delta(self) -> int | None:
        """The file's own total of requested bytes, after - before; None if it has none."""
        return self._native.total_requested_delta

    @property
    def total_overhead_delta(self) -> int | None:
        """The file's own total of overhead, bytes, after - before; None if it has none."""
        return self._native.total_overhead_delta

    @property
    def rows(self) -> pl.DataFrame:
        """One row per stack of the comparison, in the order of the file: growth first."""
        return self._table("rows")

    @property
    def _stack_count(self) -> int:
        """Stacks that changed: a line may be about blocks without one."""
        return self.rows["stack_id"].drop_nulls().n_unique()

    def with_allocators(self, allocators: Iterable[RuleLike]) -> Comparison:
        """Make the same comparison, blamed by other rules.

        Parameters
        ----------
        allocators : iterable of Rule or str
            Rules in place of `heapdelta.blame.DEFAULT`.

        Returns
        -------
        Comparison
            A new one; the file is not read again.
        """
        return Comparison(self._native, allocators)

    @property
    def _matched(self) -> Matched:
        if self._matched_rows is None:
            self._matched_rows = Matched.from_comparison(self, self._allocators)
        return self._matched_rows

    def _refusal(self, kind: str) -> str | None:
        if kind == "heap":
            return "a comparison does not name heaps"
        if kind == "trace" and self.rows.height and self.rows["trace_id"].null_count() == self.rows.height:
            return "this comparison names call sites, not traces"
        return None

    def __repr__(self) -> str:
        change = count_text(self.total["requested_bytes_delta"].item(), signed=True)
        radix = "radix not needed" if self.radix is None else f"radix {self.radix}"
        stacks, issues = plural(self._stack_count, "stack"), plural(issue_count(self.issues), "issue")
        return f"<Comparison {self._label()}: {self.format}, {radix}, {stacks}, {change} bytes, {issues}>"

    def _repr_html_(self) -> str:
        facts = {"file": self._label(), "format": self.format, "radix": self.radix}
        ranking = self._top_html()
        return _html.page(repr(self), facts, ranking.head(_html.TOP), of=ranking.height)
