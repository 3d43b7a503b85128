"""`WithHeaps`: the heaps of a minidump, read from the memory that it holds when they are first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _native as core
from heapdelta._capture import heap_views
from heapdelta._capture.base import Capture
from heapdelta._capture.heap_walk import (
    CAPTURE_HINT,
    CONTENTS,
    ISSUES,
    TABLES,
    HeldMemory,
    Walks,
    doubts_of,
    held_memory,
    missing,
    state_of,
)
from heapdelta._numbers import issue_count
from heapdelta._symbols import of_contents
from heapdelta._words import plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapdelta._symbols.of_contents import Naming


class WithHeaps(Capture["core.Dump"]):
    """What a dump knows of its heaps. One walk through its memory answers all; nothing is read before."""

    _heap_names = (*TABLES, *CONTENTS)
    _walks: Walks
    _naming: Naming | None = None
    _named_contents: tuple[core.Table, core.Table] | None = None

    @property
    def regions(self) -> pl.DataFrame:
        """One row per region of the address space, with what it is for; empty where the writer left the list out."""
        return self._table("regions")

    @property
    def memory(self) -> pl.DataFrame:
        """One row per range of addresses whose contents the dump holds; `bytes_at` reads them."""
        return self._table("memory")

    @property
    def streams(self) -> pl.DataFrame:
        """One row per entry of the dump's directory: what it holds, and whether it was read."""
        return self._table("streams")

    @property
    def heap_memory(self) -> HeldMemory:
        """How much of its heap memory the dump holds: what everything below depends on.

        ``of`` str (``heap``; ``private`` where no heap is recognised), ``held_bytes`` and ``committed_bytes`` int (None
        where the dump does not list its regions), ``unread_segment_heaps`` int. As text it is a sentence. Counted is
        what is committed in segments of heaps. The dump's lists tell these, but for the page segments of segment heaps:
        where a dump has such heaps and `with_symbols` found the symbols that they are read by, heaps are walked for it;
        else they are counted in ``unread_segment_heaps`` alone. Blocks with an allocation of their own do not count.

        Raises
        ------
        ClosedError
            If the heaps are to be walked for it, and the dump was closed.
        """
        return held_memory(self, *self._walks.page_segments(walk=True))

    @property
    def heaps(self) -> pl.DataFrame:
        """One row per heap: what it has, how far it is proved, and by what. When first asked, it walks through them."""
        return self._table("heaps")

    @property
    def segments(self) -> pl.DataFrame:
        """One row per segment of a heap, and per block with an allocation of its own."""
        return self._table("segments")

    @property
    def allocations(self) -> pl.DataFrame:
        """One row per block, busy or free: address, size, heap, front end."""
        return self._table("allocations")

    @property
    def sizes(self) -> pl.DataFrame:
        """One row per heap and size of its busy blocks."""
        return self._table("sizes")

    @property
    def usage(self) -> pl.DataFrame:
        """One row per heap (and stack, where stacks are proved): the sums of its busy blocks."""
        return self._table("usage")

    @property
    def stacks(self) -> pl.DataFrame:
        """One row per stack by which blocks were allocated, where gflags recorded it. Experimental."""
        return self._table("stacks")

    @property
    def frames(self) -> pl.DataFrame:
        """One row per frame of these stacks."""
        return self._table("frames")

    @property
    def contents(self) -> pl.DataFrame:
        """One row per heap and what its busy blocks begin with. Walks once more, for it looks into the blocks.

        After `Dump.with_symbols`, ``target_name`` tells the class of a vtable.
        """
        return self._table("contents")

    @property
    def content_symbols(self) -> pl.DataFrame:
        """Where the names in `contents` come from: one row per module that blocks point into, columns as in `symbols`.

        Empty before `Dump.with_symbols`. ``frame_count`` counts the places that blocks point to, ``named_count`` those
        that have a name; ``match`` is ``none`` or ``mismatch`` where no file of the right build was found, and
        ``reason`` says why.
        """
        return pl.DataFrame(core.empty_symbols() if self._naming is None else self._contents()[1])

    @property
    def content_notes(self) -> list[str]:
        """What a reader of the names in `contents` must know, one sentence each; empty before `Dump.with_symbols`."""
        return of_contents.notes([self.content_symbols])

    @property
    def crt_blocks(self) -> pl.DataFrame:
        """One row per heap and source line that asked the debug CRT for blocks; empty without a debug CRT."""
        return self._table("crt_blocks")

    @property
    def heap_issues(self) -> pl.DataFrame:
        """One row per thing that does not hold in the heaps: damage, layouts that are not proved, pages not there.

        Apart from `issues`, which are those of the file: they are known without a walk, and do not change by one.
        """
        return pl.DataFrame(self._walks.table(ISSUES))

    @property
    def heap_notes(self) -> list[str]:
        """What a reader of the heaps must know, one sentence each; first how much of their memory the dump holds."""
        return [self._held_words(), *doubts_of(self.heaps, self.heap_issues)]

    def by(self, kind: str) -> pl.DataFrame:
        """Rank the blocks in the heaps, by heap, size, what they begin with, or the line that asked for them.

        Parameters
        ----------
        kind : {"heap", "size", "size_class", "content", "source"}
            What each row is about. ``size_class`` are sizes from one power of two to the next, ``source`` blocks of
            the debug CRT, which notes who asked for them.

        Returns
        -------
        polars.DataFrame
            Sorted by ``requested_bytes``, largest first, then by key. First the key:

            - heap: ``heap_base`` u64 (null: a part whose header is not in the dump); ``bits`` u32 and ``trust`` str as
              in `heaps`
            - size: ``size`` u64, requested bytes of one block
            - size_class: ``smallest_size`` and ``largest_size`` u64, requested bytes of one block; both are in the
              class. Of ``size`` and ``size_class``, ``requested_bytes`` are those of all blocks together
            - content: ``begins_with`` str as in `contents`; ``module`` str and ``module_offset`` u64 of what a vtable
              or a pointer into a module points to; ``target_name`` str, its name by the symbols of `Dump.with_symbols`:
              of a vtable the class
            - source: ``file`` str, ``source_line`` u32, ``block_use`` str as in `crt_blocks`

            then ``requested_bytes`` and ``allocation_count`` u64 of its busy blocks. Of a heap also ``free_bytes``,
            ``overhead_bytes``, ``unknown_bytes``, ``committed_bytes`` u64, which add up: committed is requested, free,
            overhead and unknown; ``free_count``, ``largest_free_bytes`` (the largest free block), ``held_free_bytes``
            (free in segments with busy blocks: the heap cannot give it back) u64, and ``fragmentation`` f64, the share
            of the free bytes that is not in the largest free block: 0 is one piece, near 1 are crumbs; null without
            free bytes. Null for a heap that was not read. Where something is unknown, sums are the least there can be:
            `heap_notes` says so.

        Raises
        ------
        OptionError
            If `kind` is none of these.

        Examples
        --------
        >>> import tempfile
        >>> import heapdelta as hd
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     answer = hd.testing.write_heap_dump(f"{folder}/app.dmp", stack_count=20)
        ...     dump = hd.read_dump(answer.path)
        ...     sizes = dump.by("size")
        >>> sizes["allocation_count"].sum() == answer.busy.height
        True
        """
        if kind not in heap_views.KINDS:
            raise OptionError(f"expected one of {', '.join(heap_views.KINDS)}, found {kind!r}", kind="option")
        return heap_views.ranked(self._tables_of(kind), kind)

    def arrow(self, name: str) -> core.Table:
        """Give a table to anyone who speaks the Arrow C stream: pyarrow, pandas, DuckDB.

        Parameters
        ----------
        name : str
            Name of the table, such as ``"modules"`` or ``"heaps"``.

        Returns
        -------
        Table
            An object with ``__arrow_c_stream__``. Nothing is copied.

        Raises
        ------
        OptionError
            If there is no such table.
        """
        return self._heap_table(name) if name in self._heap_names else super().arrow(name)

    def _held_words(self, *, walk: bool = True) -> str:
        """Say how much of its heap memory the dump holds, and how to capture more where that is little."""
        held = held_memory(self, *self._walks.page_segments(walk=walk))
        helps = held.little and self._native.os in (None, "windows")
        return f"{held}; {CAPTURE_HINT}" if helps else str(held)

    def _heap_state(self) -> str:
        """Tell whether all blocks are known: ``whole``, ``damaged`` (some are) or ``absent`` (none is)."""
        return state_of(self.heaps, self.heap_issues)

    def _all_heaps_found(self) -> bool:
        """Tell whether no heap can be there that is not among these: all have their headers."""
        return self.heaps.height > 0 and self.heaps["base"].null_count() == 0 and not missing(self.heap_issues)

    def _tables_of(self, kind: str) -> dict[str, pl.DataFrame]:
        """Give the tables that a ranking is made of."""
        return {name: self._table(name) for name in heap_views.NEEDS[kind]}

    def _table(self, name: str) -> pl.DataFrame:
        if name in self._heap_names and name not in self._tables:
            self._tables[name] = pl.DataFrame(self._heap_table(name))
        return super()._table(name)

    def _heap_table(self, name: str) -> core.Table:
        return self._contents()[0] if name == "contents" and self._naming is not None else self._walks.table(name)

    def _contents(self) -> tuple[core.Table, core.Table]:
        """Give `contents`, with the names that symbols have, and where these are from."""
        if self._named_contents is None:
            self._named_contents = self._name(self._walks.table("contents"))
        return self._named_contents

    def _name(self, contents: core.Table) -> tuple[core.Table, core.Table]:
        if self._naming is None:
            return contents, core.empty_symbols()
        return self._naming.named(self._native, contents)

    def _passing(self, names: Sequence[str]) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        """Give tables without keeping the walk that they need, and where names in them are from."""
        tables = self._walks.passing(names)
        symbols = core.empty_symbols()
        if "contents" in tables:
            tables["contents"], symbols = self._name(tables["contents"])
        return {name: pl.DataFrame(table) for name, table in tables.items()}, pl.DataFrame(symbols)

    def _heap_words(self) -> list[str]:
        """Say what a walk found; nothing before one."""
        if not self._walks.done:
            return []
        issues = issue_count(self.heap_issues.filter(pl.col("severity") != "info"))
        return [plural(self.heaps.height, "heap"), *([plural(issues, "heap issue")] if issues else [])]
