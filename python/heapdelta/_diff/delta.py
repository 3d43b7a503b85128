"""`diff`: two snapshots become a `Delta`, two minidumps a `DumpDelta`; both rank what grew."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, overload

import polars as pl

from heapdelta import _html
from heapdelta._capture import one_run
from heapdelta._capture.comparison import Comparison
from heapdelta._capture.dump import Dump
from heapdelta._capture.one_run import Together
from heapdelta._capture.same_process import why_not_one_run
from heapdelta._capture.snapshot import Snapshot
from heapdelta._diff import notes
from heapdelta._diff.conflicts import conflicts
from heapdelta._diff.dump_delta import DumpDelta
from heapdelta._options import checked_threads
from heapdelta._ranking import by_size
from heapdelta._ranking.matched import Matched
from heapdelta._ranking.views import Views
from heapdelta._safe_text import visible
from heapdelta._words import plural
from heapdelta.blame import DEFAULT, Allocators, RuleLike
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, TypeAlias

    from heapdelta._ranking.filters import Filter
    from heapdelta._read.one import AnyCapture

    Match: TypeAlias = Literal["content", "name"]

__all__ = ["Delta", "diff"]


class Delta(Views):
    """What changed from one snapshot to another. Made by `heapdelta.diff`.

    Attributes
    ----------
    before, after : Snapshot
        The two sides.
    allocators : Allocators
        The rules by which stacks are blamed.
    """

    _kinds = ("module", "stack", "function", "heap", "trace", "size")

    def __init__(
        self,
        before: Snapshot,
        after: Snapshot,
        allocators: Allocators,
        threads: int | None = None,
        filtered: Filter | None = None,
        *,
        by_names: bool = False,
    ) -> None:
        self.before = before
        self.after = after
        self.allocators = allocators
        self._threads = threads
        self._filtered = filtered
        self._is_by_names = by_names
        self._why_not_one_run = why_not_one_run(before, after)

    @property
    def one_run(self) -> bool:
        """True if both sides are known to be of one run of one process, so that ids and addresses mean the same."""
        return self._why_not_one_run is None

    @cached_property
    def _together(self) -> Together:
        """Both sides, before first, as their run knows them."""
        if not self.one_run:
            return Together([self.before, self.after])
        return one_run.of_pair(self.before, self.after, threads=self._threads)

    @cached_property
    def _matched(self) -> Matched:
        before, after = self._together.snapshots
        return Matched.from_snapshots(
            before, after, self.allocators, one_run=self.one_run, filtered=self._filtered, threads=self._threads
        )

    def _with_filter(self, filtered: Filter) -> Delta:
        other = self._again(filtered)
        other._together = self._together
        return other

    def _again(self, filtered: Filter | None) -> Delta:
        sides = (self.before, self.after)
        return Delta(*sides, self.allocators, self._threads, filtered, by_names=self._is_by_names)

    def _as_known(self, sides: list[Snapshot]) -> Delta:
        """Make the same difference of sides as a longer run knows them, before first."""
        other = self._again(self._filtered)
        other._together = Together(sides)
        return other

    def _refusal(self, kind: str) -> str | None:
        if kind == "trace" and self._why_not_one_run is not None:
            return f"trace ids mean nothing across process runs, and {self._why_not_one_run}"
        if kind == "trace" and "dhcmp-sites" in (self.before.format, self.after.format):
            return "a list of call sites has no traces"
        return by_size.why_not([self.before, self.after]) if kind == "size" else None

    @cached_property
    def conflicts(self) -> pl.DataFrame:
        """Where the log's own ids and the content of stacks disagree, inside one run.

        One row per disagreement, sorted by ``kind``, then by id: ``trace_id_before``, ``trace_id_after`` str,
        ``fingerprint_before``, ``fingerprint_after`` u64, ``kind`` str: ``same id, other frames`` or ``same frames,
        other id`` (where several ids have the same frames, each is listed with the first of the other side). Rankings
        by stack went by the frames, rankings by trace by the id. The same id with the same raw addresses is no
        disagreement, whatever the module lists have there. Empty for two runs, where ids mean nothing.
        """
        return conflicts(*self._together.snapshots, possible=self.one_run)

    @property
    def issues(self) -> pl.DataFrame:
        """The issues of both files: ``side`` str (``before`` or ``after``), then the columns of ``issues``."""
        sides = [("before", self.before), ("after", self.after)]
        return pl.concat([snapshot.issues.select(pl.lit(side).alias("side"), pl.all()) for side, snapshot in sides])

    @cached_property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know, one sentence each; empty if there is nothing."""
        by_names = notes.about_matching(self.before, self.after) if self._is_by_names else []
        return (
            by_names
            + self._filter_note()
            + notes.of_delta(
                self.before,
                self.after,
                together=self._together,
                matched=self._matched,
                conflict_count=self.conflicts.height,
                why_not_one_run=self._why_not_one_run,
                by_names=self._is_by_names,
            )
        )

    def __repr__(self) -> str:
        total = self.total.row(0, named=True)
        names = visible(f"{self.before.path or '<bytes>'} -> {self.after.path or '<bytes>'}")
        change, blocks = total["requested_bytes_delta"], total["allocation_count_delta"]
        return f"<Delta {names}: {plural(change, 'byte', signed=True)} in {plural(blocks, 'block', signed=True)}>"

    def _repr_html_(self) -> str:
        facts = {"before": repr(self.before), "after": repr(self.after)}
        facts |= {f"note {number}": note for number, note in enumerate(self.notes, start=1)}
        ranking = self._top_html()
        return _html.page(repr(self), facts, ranking.head(_html.TOP), of=ranking.height)


@overload
def diff(
    before: Snapshot,
    after: Snapshot,
    *,
    allocators: Iterable[RuleLike] | None = None,
    match: Match = "content",
    threads: int | None = None,
) -> Delta: ...
@overload
def diff(before: Dump, after: Dump, *, allocators: None = None, threads: int | None = None) -> DumpDelta: ...
@overload
def diff(
    before: AnyCapture,
    after: AnyCapture,
    *,
    allocators: Iterable[RuleLike] | None = None,
    match: Match = "content",
    threads: int | None = None,
) -> Delta | DumpDelta: ...
def diff(
    before: AnyCapture,
    after: AnyCapture,
    *,
    allocators: Iterable[RuleLike] | None = None,
    match: Match = "content",
    threads: int | None = None,
) -> Delta | DumpDelta:
    r"""Compare two snapshots, or two minidumps.

    Stacks are matched by what they contain, so snapshots of two runs of a program compare. Inside one run the same id
    with the same raw addresses is the same stack, in the module it was first seen in: also when the module was
    unloaded, or its base went to another, which `Delta.notes` tells. A stack whose frames are in neither file is
    matched by its id inside one run, and else stays apart as a row of its own. Growth is not proof of a leak: a cache
    that is still filling looks the same; take a third snapshot.

    Parameters
    ----------
    before, after : Snapshot or Dump
        Two snapshots or two dumps of the same program, the older one first. Type checkers know which from
        `heapdelta.read_log` and `heapdelta.read_dump`; of what `heapdelta.read` gave they know that it is one of these.
    allocators : iterable of Rule or str, optional
        Rules that tell an allocator's frames, in place of `heapdelta.blame.DEFAULT`; extend that one with
        ``blame.DEFAULT + ["mymem!pool_*"]``. Only for logs.
    match : {"content", "name"}, default "content"
        ``name`` matches stacks by the names of their modules and functions, without offsets, where every frame has one:
        so two builds of a program compare. `Delta.notes` says so. Only for logs.
    threads : int, optional
        Threads of the core that work on it, 1 to 1024; by default one for each core. The answer never depends on it.

    Returns
    -------
    Delta or DumpDelta
        Of logs, rankings by module, stack, function, heap and trace; of dumps, counters and rankings by class of
        memory, module, type of handle, start of thread and allocation. Nothing is computed before it is asked for.

    Raises
    ------
    TypeError
        If one of them is neither a `Snapshot` nor a `Dump`; a `Comparison` is already a difference. Or if one is a log
        and the other a dump: `Snapshot.with_modules` brings these together.
    OptionError
        If a rule cannot be read, rules are given for dumps, or `threads` is out of range.

    Notes
    -----
    Works on the sums per heap and stack, never on single blocks: snapshots read with ``blocks=False`` do.

    Examples
    --------
    >>> import heapdelta as hd
    >>> start, stack = b"*- - - - Start of data for heap @ 10000 - - - -\n", b"\t776CDD82\n\n"
    >>> before = hd.read(start + b"40 bytes + 18 at 2E9FB00 by BackTrace7\n" + stack)
    >>> after = hd.read(start + b"140 bytes + 18 at 2E9FB00 by BackTrace9\n" + stack)
    >>> hd.diff(before, after).by("stack").select("trace_id_before", "trace_id_after", "requested_bytes_delta").rows()
    [('7', '9', 256)]
    """
    checked_threads(threads)
    if match not in ("content", "name"):
        raise OptionError(f"expected content or name for match, found {match!r}", kind="option")
    older, newer = _side(before, "before"), _side(after, "after")
    if isinstance(older, Dump) and isinstance(newer, Dump):
        if allocators is not None:
            raise OptionError("expected no allocators for two dumps, which have no stacks to blame", kind="option")
        if match != "content":
            raise OptionError("expected no match for two dumps, which have no stacks", kind="option")
        return DumpDelta(older, newer)
    if isinstance(older, Dump) or isinstance(newer, Dump):
        kinds = ["a dump" if isinstance(side, Dump) else "a log" for side in (older, newer)]
        raise TypeError(
            f"expected two logs or two dumps, found {kinds[0]} as before and {kinds[1]} as after: a dump does not "
            "record who allocated what; log.with_modules(dump) completes a log by a dump of the same process"
        )
    if match == "name":
        older, newer = older._by_names(), newer._by_names()
    rules = DEFAULT if allocators is None else Allocators(allocators)
    return Delta(older, newer, rules, threads, by_names=match == "name")


def _side(value: object, name: str) -> Snapshot | Dump:
    """Let a snapshot or a dump pass; `read` cannot promise one, so the types do not ask for it."""
    if isinstance(value, Comparison):
        raise TypeError(
            f"expected a Snapshot as {name}, found a Comparison, which is already a difference: use its own by()"
        )
    if not isinstance(value, Snapshot | Dump):
        raise TypeError(f"expected a Snapshot as {name}, found {type(value).__name__}: read() makes one of a log")
    return value
