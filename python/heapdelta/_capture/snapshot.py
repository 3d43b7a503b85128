"""`Snapshot`: a heap log, as polars tables beside its header."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _html
from heapdelta import _native as core
from heapdelta._capture.dump import Dump
from heapdelta._capture.dump_log import native_log
from heapdelta._capture.text import TextCapture
from heapdelta._numbers import issue_count, total
from heapdelta._options import checked_threads
from heapdelta._ranking.live import Live
from heapdelta._symbols.store import SymbolStore, checked_store
from heapdelta._words import moment, plural
from heapdelta.blame import DEFAULT, Allocators, RuleLike

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapdelta._tree.table import By, Direction, Kept

__all__ = ["Snapshot"]


class Snapshot(TextCapture[core.Snapshot]):
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

    _noun = "a heap log"
    _names = (
        *("allocations", "usage", "stacks", "frames", "modules", "heaps", "sections", "issues"),
        *("symbols", "inlines", "frame_symbols"),
    )

    def __init__(self, native: core.Snapshot, *, named_by: tuple[SymbolStore, bool] | None = None) -> None:
        super().__init__(native)
        self._named_by = named_by

    @classmethod
    def of_dump(cls, dump: Dump, *, experimental: bool = False) -> Snapshot:
        """Make the heap log of the moment of a dump whose blocks have stacks (``gflags +ust``).

        What works on logs works on it: `heapdelta.diff`, `heapdelta.series`, blame, trees, reports, exports.

        Parameters
        ----------
        dump : Dump
            A dump that holds the memory of its heaps.
        experimental : bool, default False
            Must be True: no real dump with stacks was at hand, so they are tested on synthetic ones alone.

        Returns
        -------
        Snapshot
            One row per busy block. ``taken_at`` is UTC, and there is no machine. Blocks of a heap in which fewer than
            90 % have a stack that proves itself have none; an issue says so, as others say what of the heaps is
            unknown.

        Raises
        ------
        OptionError
            Without `experimental`, or if no heap has stacks.
        """
        return cls(native_log(dump, experimental=experimental))

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

    @property
    def symbols(self) -> pl.DataFrame:
        """One row per module with addresses: where their names come from; empty before `with_symbols`."""
        return self._table("symbols")

    @property
    def inlines(self) -> pl.DataFrame:
        """One row per call that the compiler inlined at a frame, innermost first; empty before `with_symbols`."""
        return self._table("inlines")

    def _inlined(self) -> pl.DataFrame:
        place = pl.format("{}:{}", "file", "source_line")
        call = pl.concat_str([pl.col("function").fill_null("?"), place], separator=" at ", ignore_nulls=True)
        return self.inlines.group_by("frame_id", maintain_order=True).agg(call.alias("inlined"))

    @property
    def frame_symbols(self) -> pl.DataFrame:
        """One row per frame that symbols named: what they say beside the name; empty before `with_symbols`."""
        return self._table("frame_symbols")

    @property
    def name_fingerprints(self) -> pl.DataFrame:
        """One row per stack, in the order of `stacks`: ``name_fingerprint`` u64, null where no frame has a function.

        A hash of the modules and functions without offsets: equal in all builds of a program, where fingerprints are
        not.
        """
        return pl.DataFrame(self._native.name_fingerprints())

    def _by_names(self) -> Snapshot:
        """Give the log with these in the place of fingerprints, where there is one."""
        return Snapshot(self._native.by_names(), named_by=self._named_by)

    def live(self, allocators: Iterable[RuleLike] | None = None) -> Live:
        """Give what is live as something to be ranked, filtered and looked into, as a `Delta` is.

        Parameters
        ----------
        allocators : iterable of Rule or str, optional
            Rules in place of `heapdelta.blame.DEFAULT`.

        Returns
        -------
        Live
            With `by`, `total`, `stack`, `filter`, `left_out` and `notes`.

        Raises
        ------
        OptionError
            If a rule cannot be read.
        """
        return Live(self, DEFAULT if allocators is None else Allocators(allocators))

    def by(self, kind: str, *, inclusive: bool = False, allocators: Iterable[RuleLike] | None = None) -> pl.DataFrame:
        r"""Rank what is live, by module, stack, function, heap, trace or size of a block.

        A stack counts for its first frame, from the innermost outward, that no allocator owns.

        Parameters
        ----------
        kind : {"module", "stack", "function", "heap", "trace", "size"}
            What each row is about. Sizes are those of single blocks, of a log read with them.
        inclusive : bool, default False
            For modules and functions: count a stack for every one it passes, once each. Such sums overlap.
        allocators : iterable of Rule or str, optional
            Rules in place of `heapdelta.blame.DEFAULT`.

        Returns
        -------
        polars.DataFrame
            Sorted by ``requested_bytes``, largest first, then by key. First the key and ``status``, as in `Delta.by`
            but for ``trace_id`` str in place of two; then ``requested_bytes``, ``overhead_bytes`` and
            ``allocation_count`` u64, null where the tool does not write them or 64 bits do not hold the sum.

        Raises
        ------
        OptionError
            If `kind` is none of these or makes no sense for the log, which the message says.

        Examples
        --------
        >>> import heapdelta as hd
        >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
        >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n"
        >>> log += b"40 bytes + 18 at 2E9FC00 by BackTrace7\n\t776CDD82\n\n"
        >>> hd.read(log).by("size").select("size", "requested_bytes", "allocation_count").rows()
        [(64, 128, 2)]
        """
        return self.live(allocators).by(kind, inclusive=inclusive)

    def tree(
        self,
        *,
        direction: Direction = "outward",
        by: By = "function",
        allocators: Kept = "trim",
        hide: Iterable[RuleLike] | RuleLike = (),
    ) -> pl.DataFrame:
        r"""Show through which calls came what is live, as a tree with exact sums.

        Parameters
        ----------
        direction, by, allocators, hide : optional
            As in `Delta.tree`. Other rules of allocators: ``snapshot.live(rules).tree()``.

        Returns
        -------
        polars.DataFrame
            As in `Delta.tree`, with three numbers: ``requested_bytes``, ``overhead_bytes``, ``allocation_count``;
            siblings by the first.

        Raises
        ------
        OptionError
            If an option is none of its choices, or a pattern is empty.

        Examples
        --------
        >>> import heapdelta as hd
        >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
        >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\t776CDD90\n\n"
        >>> hd.read(log).tree(direction="inward").select("depth", "function", "requested_bytes").rows()
        [(0, None, 64), (1, '776CDD90', 64), (2, '776CDD82', 64)]
        """
        return self.live().tree(direction=direction, by=by, allocators=allocators, hide=hide)

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
        if not isinstance(dump, Dump):
            raise TypeError(f"expected a Dump, found {type(dump).__name__}")
        completed = Snapshot(self._native.with_modules(dump._native))
        if self._named_by is None:
            return completed
        store, by_name = self._named_by
        return completed.with_symbols(store, by_name=by_name)

    def with_symbols(self, store: SymbolStore, *, by_name: bool = False, threads: int | None = None) -> Snapshot:
        r"""Name the functions, files and lines of the log's addresses.

        Parameters
        ----------
        store : SymbolStore
            Where symbols are, made by `heapdelta.symbols`.
        by_name : bool, default False
            Take symbols that nothing but their name, or name and size, shows to be of the right build. Those of another
            build name nearly everything, and nearly everything wrong.
        threads : int, optional
            Threads of the core that work on it, 1 to 1024; by default one for each core. The answer never depends on
            it.

        Returns
        -------
        Snapshot
            A new one. In `frames`, ``function``, ``offset``, ``file`` and ``source_line`` are filled where the log had
            an address alone; ids and texts stay, and so do all fingerprints. `symbols` tells of every module which file
            was taken and what proves it, `inlines` has inlined calls. A module of which a dump knows the build takes
            symbols of that build and no others: see `with_modules`. A log that has names is asked anew, of the places
            of this store and of those before.

        Raises
        ------
        TypeError
            If `store` is not a `SymbolStore`.

        Examples
        --------
        >>> import tempfile
        >>> import heapdelta as hd
        >>> log = b"*- - - - Start of data for heap @ 10000 - - - -\n"
        >>> log += b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\n"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     named = hd.read_log(log).with_symbols(hd.symbols(folder))
        >>> named.symbols.height
        0
        """
        checked_store(store)
        checked_threads(threads)
        if self._named_by is not None:
            earlier, was_by_name = self._named_by
            store, by_name = earlier.joined(store), by_name or was_by_name
        native = store._native.complete(self._native, by_name=by_name, threads=threads)
        return Snapshot(native, named_by=(store, by_name))

    def _called(self) -> str:
        return f"a {self.format} log"

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
