"""`DumpDelta`: what two minidumps say about growth, and what they cannot say."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta import _html
from heapdelta._capture import dump_lists, heap_views
from heapdelta._capture.same_process import why_not_one_process
from heapdelta._diff import dump_heap_views, dump_notes, dump_views
from heapdelta._diff.dump_modules import MODULE_MEASURES, by_module
from heapdelta._diff.dump_views import REGION_MEASURES, THREAD_MEASURES
from heapdelta._safe_text import visible
from heapdelta._words import count_text, listed
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._capture.dump import Dump

__all__ = ["DumpDelta"]

_SHOWN = {
    "region_class": (["region_class"], REGION_MEASURES),
    "module": (
        [
            "module",
            "change",
            *(f"{fact}_{side}" for fact in ("version", "debug_id", "base") for side in ("before", "after")),
        ],
        MODULE_MEASURES,
    ),
    "handle_type": (["handle_type", "status"], ("handle_count",)),
    "thread_start": (["thread_start", "module", "status"], THREAD_MEASURES),
    "allocation_base": (
        ["allocation_base", "change", "region_class", "type", "module", "thread_id"],
        REGION_MEASURES,
    ),
}
"""Key columns and measures of each ranking."""

_OF_HEAPS = {kind: (list(heap_views.KEYS[kind]), heap_views.MEASURES[kind]) for kind in dump_heap_views.KINDS}
_OF_HEAPS["heap"][0].extend(["change", "bits", "trust"])

_OF_LOGS = ("stack", "function", "trace")
_INSTEAD = {"allocation_base": "by('region_class') compares sums", "heap": "by('size') compares blocks"}
"""Rankings by address, which two processes do not have, and what compares them all the same."""


class DumpDelta:
    """What changed from one minidump to another. Made by `heapdelta.diff`.

    It tells how much of which kind of memory there is more, and which modules, threads and handles; and, of dumps that
    hold the memory of their heaps, which blocks: by heap, size, and what they begin with. Growth of private memory has
    no module here: a dump does not record who allocated what. A heap log of the same run does.

    Attributes
    ----------
    before, after : Dump
        The two sides.

    Examples
    --------
    >>> import tempfile
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = hd.testing.write_dump_investigation(folder, stack_count=60)
    ...     delta = hd.diff(*map(hd.read, story.paths))
    >>> delta.by("handle_type").select("handle_type", "handle_count_delta").row(0)
    ('Event', 40)
    """

    kinds = tuple(_SHOWN)
    """What `by` ranks of the lists of the dumps."""
    heap_kinds = dump_heap_views.KINDS
    """What `by` ranks of the blocks in their heaps, for which it walks through their memory when first asked."""

    def __init__(self, before: Dump, after: Dump) -> None:
        self.before = before
        self.after = after
        self._why_not_one_process = why_not_one_process(before, after)

    @property
    def same_process(self) -> bool:
        """True if both dumps are known to be of one process (its id, and when it was made), so that addresses compare.

        ``notes`` tells the reason if not. What a dump does not say counts as no.
        """
        return self._why_not_one_process is None

    @cached_property
    def lists(self) -> pl.DataFrame:
        """What the two dumps have of each list, one row per list: what an empty ranking means.

        ``list`` str, the table of `Dump` (``modules``, ``regions``, ``handles``, …), ``before``, ``after`` str:
        ``whole``; ``damaged`` (what could be read counts, and there may be more; sums are null where that is nothing);
        ``absent`` (nothing is known, not even that there is nothing).
        """
        return dump_lists.states(self.before, self.after)

    @cached_property
    def counters(self) -> pl.DataFrame:
        """What the process counted itself, one row per VM counter: the best sign of growth there is.

        In the order of ``memory_counters``: ``counter`` str, ``unit`` str (``bytes``, or ``count`` of page faults),
        ``value_before``, ``value_after`` u64 and ``value_delta`` i64, after - before; null where a dump does not say.
        """
        return dump_views.counters(self.before, self.after)

    @cached_property
    def total(self) -> pl.DataFrame:
        """One row: ``committed_bytes``, ``reserved_bytes`` and ``region_count`` of all memory that is not free.

        Each as ``_before`` u64, ``_after`` u64 and ``_delta`` i64; null where a dump does not list its regions. Free
        memory is in `address_space`.
        """
        return dump_views.total(self.before, self.after)

    @cached_property
    def address_space(self) -> pl.DataFrame:
        """One row per state of memory (``commit``, ``reserve``, ``free``), sorted by it.

        ``state`` str, then ``state_bytes``, ``region_count`` and ``largest_bytes`` (the largest region: of free memory,
        what can still be had in one piece), each as ``_before``, ``_after``, ``_delta``.
        """
        return dump_views.address_space(self.before, self.after).sort("state")

    def by(self, kind: str) -> pl.DataFrame:
        """Rank what grew, by class of memory, module, type of handle, start of thread, allocation; or of the blocks.

        Parameters
        ----------
        kind : {"region_class", "module", "handle_type", "thread_start", "allocation_base", "heap", "size", \
"size_class", "content", "source"}
            What each row is about; the last five are of blocks in heaps. ``allocation_base`` and ``heap`` need two
            dumps of one process: elsewhere an address says nothing about the other dump's.

        Returns
        -------
        polars.DataFrame
            Sorted by the first ``_delta`` column, largest first, then by key. First the key:

            - region_class: ``region_class`` str, as ``class`` of ``regions``: ``heap``, ``private``, ``stack``, …
            - module: ``module`` str; ``change`` str: ``loaded``, ``unloaded``, ``rebuilt`` (another build of the
              file), ``reloaded`` (same build, other address, one process), ``same``, ``came and went`` (in between, one
              process), ``unloaded earlier`` (in neither dump); ``version``, ``debug_id`` str and ``base`` u64 with
              ``_before`` and ``_after``. Modules are matched by file name and debug id.
            - handle_type: ``handle_type`` str, ``status`` str
            - thread_start: ``thread_start`` str (``app+0x27A8``, an address in no module as ``0x7FF65A10``), ``module``
              str, ``status`` str; threads that had ended do not count
            - allocation_base: ``allocation_base`` u64; ``change`` str: ``new``, ``grown``, ``shrunk``, ``gone``,
              ``same``; ``region_class`` str (several joined by ``|``), ``type``, ``module`` str, ``thread_id`` u32

            ``status`` tells why a key is null: ``ok``, ``no module``, ``not in the dump``. Then numbers, each as
            ``_before`` u64, ``_after`` u64 and ``_delta`` i64, which is after - before: null where a dump lacks the
            list, else 0 for what is not there; null also for what is not in a list that is damaged. No rows where
            neither dump has the list (`lists` tells).

            - region_class, allocation_base: ``committed_bytes``, ``reserved_bytes`` (reserved and not committed),
              ``region_count``; they add up to `total`
            - module: ``image_bytes`` (address space of its images), ``unload_count`` (how often the dump lists it as
              unloaded; Windows remembers the last 64 only)
            - handle_type: ``handle_count`` (open handles)
            - thread_start: ``thread_count``, ``stack_committed_bytes`` (of their stacks)

            Of blocks, keys and sums are those of `Dump.by`; ``heap`` has ``change`` as above. In a module that was
            built anew in between, ``content`` compares what both sides have a ``target_name`` for by that name:
            ``module_offset`` is null where it moved. Sums of a dump in whose
            heaps something is unknown are the least there can be, and what is not among the blocks that were read is
            null there; all is null where no heap could be read. `heap_notes` tells.

        Raises
        ------
        OptionError
            If `kind` is none of these, or ``allocation_base`` or ``heap`` is asked for two processes; the message says
            why.
        """
        reason = self._refusal(kind)
        if reason is not None:
            hint = _INSTEAD.get(kind)
            raise OptionError(f"expected {listed(self._allowed())}, found {kind!r}: {reason}", hint=hint, kind="option")
        every = (*self.kinds, *self.heap_kinds)
        if kind not in every:
            raise OptionError(f"expected one of {', '.join(every)}, found {kind!r}", kind="option")
        keys, measures = (_SHOWN | _OF_HEAPS)[kind]
        numbers = [f"{measure}_{part}" for measure in measures for part in ("before", "after", "delta")]
        order = [f"{measures[0]}_delta", *keys]
        ranking = self._ranking(kind).select(*keys, *numbers)
        return ranking.sort(order, descending=[True] + [False] * len(keys), nulls_last=True)

    def _ranking(self, kind: str) -> pl.DataFrame:
        if kind in self.heap_kinds:
            return dump_heap_views.by(kind, self.before, self.after)
        if kind == "module":
            return by_module(self.before, self.after, same_process=self.same_process)
        if kind == "thread_start":
            return dump_views.by_thread_start(self.before, self.after, same_process=self.same_process)
        if kind == "handle_type":
            return dump_views.by_handle_type(self.before, self.after)
        if kind == "allocation_base":
            return dump_views.by_allocation_base(self.before, self.after)
        return dump_views.by_region_class(self.before, self.after)

    def _allowed(self) -> list[str]:
        return [kind for kind in (*self.kinds, *self.heap_kinds) if self._refusal(kind) is None]

    def _refusal(self, kind: str) -> str | None:
        """Tell why a ranking makes no sense for these dumps; what they lack is no reason, see `_why_not_known`."""
        if kind in _INSTEAD and self._why_not_one_process is not None:
            return f"addresses mean nothing across processes, and {self._why_not_one_process}"
        if kind in _OF_LOGS:
            return "a minidump does not record who allocated what; a heap log does"
        return None

    def _why_not_known(self, kind: str) -> str | None:
        """Say why nothing can be said of a ranking, or of the counters; None where both dumps have its list."""
        if kind in self.heap_kinds:
            return dump_heap_views.why_not_known(self.before, self.after)
        return dump_lists.why_not_known(self.before, self.after, dump_lists.LIST_OF[kind])

    def _in_neither(self, kind: str) -> bool:
        if kind in self.heap_kinds:
            return dump_heap_views.in_neither(self.before, self.after)
        return dump_lists.in_neither(self.before, self.after, dump_lists.LIST_OF[kind])

    def _damaged_sides(self, kind: str) -> list[str]:
        if kind in self.heap_kinds:
            return dump_heap_views.partly_known(self.before, self.after)
        return dump_lists.damaged_sides(self.before, self.after, dump_lists.LIST_OF[kind])

    @property
    def issues(self) -> pl.DataFrame:
        """The issues of both files: ``side`` str (``before`` or ``after``), then the columns of ``issues``."""
        sides = [("before", self.before), ("after", self.after)]
        return pl.concat([dump.issues.select(pl.lit(side).alias("side"), pl.all()) for side, dump in sides])

    @cached_property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each; empty if there is nothing."""
        return dump_notes.of_dump_delta(
            self.before,
            self.after,
            classes=self.by("region_class"),
            counters=self.counters,
            why_not_one_process=self._why_not_one_process,
        )

    @cached_property
    def heap_notes(self) -> list[str]:
        """What a reader of the rankings of blocks must know, one sentence each; it walks through the heaps.

        First how much of its heap memory each dump holds.
        """
        return dump_heap_views.notes(self.before, self.after, self._why_not_one_process)

    @cached_property
    def content_notes(self) -> list[str]:
        """What a reader of the names in ``by("content")`` must know, one sentence each; empty without symbols."""
        return dump_heap_views.content_notes(self.before, self.after)

    def __repr__(self) -> str:
        names = visible(f"{self.before.path or '<bytes>'} -> {self.after.path or '<bytes>'}")
        private = self.counters.filter(pl.col("counter") == "private_usage")["value_delta"].item()
        sums = [(self.total["committed_bytes_delta"].item(), "committed"), (private, "private")]
        parts = [f"{count_text(number, signed=True)} {name} bytes" for number, name in sums if number is not None]
        return f"<DumpDelta {names}: {', '.join(parts) or 'sizes unknown'}>"

    def _repr_html_(self) -> str:
        facts: dict[str, str | None] = {"before": repr(self.before), "after": repr(self.after)}
        facts |= {f"note {number}": note for number, note in enumerate(self.notes, start=1)}
        lacking = self._why_not_known("region_class")
        if self._in_neither("region_class"):
            facts["committed memory per class"] = lacking
            known = self.counters.drop_nulls("value_delta")
            facts["counters"] = self._why_not_known("counter")
            return _html.page(repr(self), facts, known if known.height else known.select())
        ranking = self.by("region_class")
        return _html.page(repr(self), facts, ranking.head(_html.TOP), of=ranking.height)
