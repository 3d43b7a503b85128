"""The views that a `Delta`, a `Comparison` and a `Live` share: rankings, totals, trees, frames of a stack, filters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from heapdelta._ranking.filters import Filter
from heapdelta._ranking.fingerprints import digits_of, only_one
from heapdelta._ranking.measures import MEASURES
from heapdelta._ranking.unmatched import about_unmatched
from heapdelta._tree.asked import WithTree
from heapdelta._words import bytes_text, listed, plural
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from heapdelta.blame import RuleLike

KINDS = ("module", "stack", "function", "heap", "trace", "size")
"""What rankings can be by."""

_ALLOWS_INCLUSIVE = ("module", "function")
_INSTEAD = {"trace": "by='stack' matches stacks by what they contain", "size": "read with blocks=True to rank by size"}
OF_TRACE = re.compile(r"(?i)BackTrace([0-9A-F]+)")


class Views(WithTree):
    """Rankings of matched rows. A class that inherits says which kinds it has, and why it refuses one."""

    _kinds: tuple[str, ...] = ()

    def _refusal(self, kind: str) -> str | None:
        raise NotImplementedError

    def _with_filter(self, filtered: Filter) -> Self:
        raise NotImplementedError

    def by(self, kind: str, *, inclusive: bool = False) -> pl.DataFrame:
        """Rank what grew, by module, stack, function, heap, trace or size of a block.

        A stack counts for its first frame, from the innermost outward, that no allocator owns. Growth is not yet a
        leak: a cache that is still filling looks the same in two snapshots.

        Parameters
        ----------
        kind : {"module", "stack", "function", "heap", "trace", "size"}
            What each row is about. Modules are told apart without regard to case; stacks by their content, so that two
            runs of a program compare; traces by the log's own ids, inside one run only; sizes are those of single
            blocks, of logs read with them. A comparison has no heaps and no sizes.
        inclusive : bool, default False
            For modules and functions: count a stack for every one it passes, once each. Such sums overlap and do not
            add up to the total.

        Returns
        -------
        polars.DataFrame
            Sorted by ``requested_bytes_delta``, largest first, then by key. First the key:

            - module: ``module`` str
            - function: ``module``, ``function`` str (``app+0x1C3F`` for a frame without one)
            - stack: ``fingerprint`` u64, ``trace_id_before``, ``trace_id_after`` str (null where that side lacks it,
              the first of them where a side has several), ``module``, ``function`` str, ``depth`` u32, frames
            - trace: ``trace_id`` str, ``fingerprint``, ``module``, ``function``, ``depth`` as above
            - heap: ``heap_base`` u64, its address
            - size: ``size`` u64, requested bytes of one block (null for lines that stand for several)

            then ``status`` str, which tells why a key is null: ``ok``, ``no stack recorded``, ``stack not in file``,
            ``no module``, ``no heap named``, ``several stacks`` (of a trace: a comparison has several under the id, and
            `by` stack tells them apart), ``sum of several blocks``. Then ``requested_bytes`` (bytes the program asked
            for), ``overhead_bytes`` (bytes the heap manager added) and ``allocation_count`` (blocks), each as
            ``_before`` u64, ``_after`` u64 and ``_delta`` i64, which is after - before. They are null where the tool
            does not write them, else 0 for what is not there. A sum past 2^64 - 1 and a difference past 63 bits are
            null, never wrong: an issue ``sum_overflow`` tells of it.

            Modules and functions, unless `inclusive`, have two columns more: ``requested_bytes_grown`` i64, the growth
            of their stacks that grew, and ``requested_bytes_shrunk`` i64, at most 0, that of those that shrank. They
            add up to the delta: one of -5 KiB can hide +4.6 MiB.

        Raises
        ------
        OptionError
            If `kind` is none of these, makes no sense for this data (the message says why), or is asked for
            inclusively and is neither module nor function.
        """
        known = KINDS
        if kind not in known:
            raise OptionError(f"expected one of {', '.join(known)}, found {kind!r}", kind="option")
        if inclusive and kind not in _ALLOWS_INCLUSIVE:
            raise OptionError(f"expected module or function with inclusive=True, found {kind!r}", kind="option")
        reason = self._refusal(kind)
        if reason is not None:
            raise OptionError(
                f"expected {listed([k for k in known if self._refusal(k) is None])}, found {kind!r}: {reason}",
                hint=_INSTEAD.get(kind),
                kind="option",
            )
        return self._matched.by(kind, inclusive=inclusive)

    @property
    def total(self) -> pl.DataFrame:
        """One row with the nine number columns of `by`: the sums of everything that no filter leaves out."""
        return self._matched.total()

    def filter(
        self,
        *,
        focus: Iterable[RuleLike] | RuleLike = (),
        ignore: Iterable[RuleLike] | RuleLike = (),
        hide: Iterable[RuleLike] | RuleLike = (),
        show: Iterable[RuleLike] | RuleLike = (),
    ) -> Self:
        """Look at some stacks, or past some frames.

        Parameters
        ----------
        focus, ignore : str, Rule or iterable of them, optional
            Keep only stacks with a frame that matches; leave out stacks with a frame that matches. Patterns are those
            of `heapdelta.blame`: ``mymem``, ``mymem!pool_*``, ``*!Cache::*``. The first that matches a stack decides;
            after a ``-`` it makes an exception.
        hide, show : str, Rule or iterable of them, optional
            Pass over frames that match, as over those of an allocator; or look at no others, allocators or not. A stack
            without any frame left is left out.

        Returns
        -------
        same type
            A new one. Filters add up: what this one leaves out stays so, unless no pattern is given, which takes all
            filters away. `left_out` says what it leaves out, and so do its notes, where it has notes.

        Raises
        ------
        OptionError
            If a pattern is empty. If there is a filter with `focus` and another is given, and so with `show`, or with
            exceptions to `ignore` or `hide`: give all patterns in one call.
        """
        return self._with_filter(self._matched.filtered.then(Filter.of(focus, ignore, hide, show)))

    @property
    def left_out(self) -> pl.DataFrame:
        """What a filter leaves out, in one row: ``stacks`` u32 (distinct ones), then the columns of `total`."""
        rows = self._matched.left_out
        left = self._matched.stacks.select(pl.col("content", "trace_id").gather(rows["stack"].drop_nulls().unique()))
        without_frames = left.filter(pl.col("content").is_null())["trace_id"]
        stacks = left["content"].drop_nulls().n_unique() + without_frames.n_unique()
        return self._matched.total(rows).select(pl.lit(stacks, pl.UInt32).alias("stacks"), pl.all())

    def _filter_note(self) -> list[str]:
        """Say what a filter leaves out, and which of its patterns match no frame."""
        if not self._matched.filtered:
            return []
        out = self.left_out.row(0, named=True)
        change, held = out["requested_bytes_delta"], out["requested_bytes_after"]
        what = f"{bytes_text(change, signed=True)} ({bytes_text(held)} after) in {plural(out['stacks'], 'stack')}"
        return self._with_unmatched(f"left out by filters: {what}; filters: {self._matched.filtered}")

    def _with_unmatched(self, note: str) -> list[str]:
        return [note, *about_unmatched(self._matched.filtered, self._matched.frames)]

    @property
    def _filtered_away(self) -> bool:
        """Tell whether filters leave nothing of what there is."""
        return self._matched.rows.is_empty() and not self._matched.left_out.is_empty()

    @property
    def fingerprints(self) -> pl.Series:
        """The fingerprints of all stacks, of both sides and with those that a filter leaves out: u64, each once."""
        return self._matched.stacks["fingerprint"].drop_nulls().unique(maintain_order=True)

    def fingerprint(self, asked: int | str) -> int:
        """Find the stack that is meant.

        Parameters
        ----------
        asked : int or str
            A fingerprint; or its first digits, so many that no other begins with them (``#C291BD``, ``0xC291BD``); or
            the log's own name for the stack (``BackTrace53``; after goes before).

        Returns
        -------
        int
            The fingerprint.

        Raises
        ------
        OptionError
            If there is no such stack with its frames, or several begin with these digits.
        """
        if type(asked) is int and 0 <= asked < 1 << 64 and (self._matched.stacks["fingerprint"] == asked).any():
            return asked
        match = OF_TRACE.fullmatch(asked.strip()) if isinstance(asked, str) else None
        if match is None:
            return int(only_one(digits_of(self.fingerprints), asked, "", self._matched.stacks["trace_id"]), 16)
        stacks = self._matched.located(self._matched.stacks)
        own = (
            (pl.col("trace_id").str.to_uppercase() == match[1].upper())
            & pl.col("fingerprint").is_not_null()
            & pl.col("alias_of").is_null()
        )
        found = stacks.filter(own).sort("source", maintain_order=True)["fingerprint"]
        if found.is_empty():
            raise OptionError(f"expected a stack with its frames, found none called {asked}", kind="no_such_stack")
        return int(found[0])

    def stack(self, fingerprint: int | str) -> pl.DataFrame:
        """Show the frames of one stack.

        Parameters
        ----------
        fingerprint : int or str
            Of the stack, as `by` shows it; or its first digits, so many that no other begins with them (``#C291BD``);
            or the log's own name for it (``BackTrace53``).

        Returns
        -------
        polars.DataFrame
            One row per frame, innermost first, from the after side if the stack is there, else from before: ``index``
            u32 from 0 (those of frames that a filter hides are missing), ``module``, ``function`` str, ``offset``,
            ``address`` u64, ``file`` str, ``source_line`` u32, ``text`` str (the frame as the file has it), ``blamed``
            bool (the frame the stack counts for), ``inlined`` list of str (calls that the compiler inlined there, as
            ``function at file:line``, innermost first; null where symbols tell none), and ``alias`` u32: 0 for the
            stack itself, 1 and up for other stacks that the tool printed under the same id.

        Raises
        ------
        OptionError
            If neither side has a stack of that fingerprint, or several begin with these digits.
        """
        stacks = self._matched.located(self._matched.stacks)
        hits = stacks.filter(pl.col("fingerprint") == self.fingerprint(fingerprint))
        # A stack of these frames that is the first of its id has the fewest others beside it.
        hit = hits.sort("source", pl.col("alias_of").is_not_null(), maintain_order=True).row(0, named=True)
        source = self._matched.sources[hit["source"]]
        flags = self._matched.flags[hit["source"]]
        hidden = self._matched.filtered.hidden(source.frames)
        frames = source.frames.join(source._inlined(), on="frame_id", how="left", maintain_order="left")
        main = hit["stack_id"] if hit["alias_of"] is None else hit["alias_of"]
        family = source.stacks.filter((pl.col("stack_id") == main) | (pl.col("alias_of") == main))
        family = family.sort(pl.col("stack_id") != hit["stack_id"], "stack_id")
        return pl.concat(
            [_frames_of(ids, alias, frames, flags, hidden) for alias, ids in enumerate(family["frame_ids"].to_list())]
        )

    def _top_html(self) -> pl.DataFrame:
        keep = ["module", "status", *(f"{measure}_delta" for measure in MEASURES)]
        return self.by("module").select(keep)


def _frames_of(ids: list[int], alias: int, frames: pl.DataFrame, flags: pl.Series, hidden: pl.Series) -> pl.DataFrame:
    outside = [place for place, frame in enumerate(ids) if not flags[frame]]
    blamed = outside[0] if outside else len(ids) - 1
    shown = frames.with_columns(hidden.alias("hidden")).select(pl.all().gather(pl.Series(ids, dtype=pl.UInt32)))
    return (
        shown.with_row_index("index")
        .filter(~pl.col("hidden"))
        .select(
            "index",
            "module",
            "function",
            "offset",
            "address",
            "file",
            "source_line",
            "text",
            (pl.col("index") == blamed).alias("blamed"),
            "inlined",
            pl.lit(alias, dtype=pl.UInt32).alias("alias"),
        )
    )
