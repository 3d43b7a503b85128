"""The views that a `Delta` and a `Comparison` share: rankings, the total, the frames of one stack."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, SupportsIndex

import polars as pl

from heapdelta._ranking.measures import MEASURES
from heapdelta._words import listed
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta._ranking.matched import Matched

_ALLOWS_INCLUSIVE = ("module", "function")


class Views:
    """Rankings of matched rows. A class that inherits says which kinds it has, and why it refuses one."""

    _kinds: tuple[str, ...] = ()

    @property
    def _matched(self) -> Matched:
        raise NotImplementedError

    def _refusal(self, kind: str) -> str | None:
        raise NotImplementedError

    def by(self, kind: str, *, inclusive: bool = False) -> pl.DataFrame:
        """Rank what grew, by module, stack, function, heap or trace.

        A stack counts for its first frame, from the innermost outward, that no allocator owns. Growth is not yet a
        leak: a cache that is still filling looks the same in two snapshots.

        Parameters
        ----------
        kind : {"module", "stack", "function", "heap", "trace"}
            What one row stands for. Modules are told apart without regard to case; stacks by their content, so that two
            runs of a program compare; traces by the log's own ids, inside one run only. A comparison has no heaps.
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

            then ``status`` str, which tells why a key is null: ``ok``, ``no stack recorded``, ``stack not in file``,
            ``no module``, ``no heap named``, ``several stacks`` (of a trace: a comparison has several under the id, and
            `by` stack tells them apart). Then ``requested_bytes`` (bytes the program asked for), ``overhead_bytes``
            (bytes the heap manager added) and ``allocation_count`` (blocks), each as ``_before`` u64, ``_after`` u64
            and ``_delta`` i64, which is after - before. They are null where the tool does not write them, else 0 for
            what is not there. A sum past 2^64 - 1 and a difference past 63 bits are null, never wrong: an issue
            ``sum_overflow`` tells of it.

        Raises
        ------
        OptionError
            If `kind` is none of these, makes no sense for this data (the message says why), or is asked for
            inclusively and is neither module nor function.
        """
        known = ("module", "stack", "function", "heap", "trace")
        if kind not in known:
            raise OptionError(f"expected one of {', '.join(known)}, found {kind!r}", kind="option")
        if inclusive and kind not in _ALLOWS_INCLUSIVE:
            raise OptionError(f"expected module or function with inclusive=True, found {kind!r}", kind="option")
        reason = self._refusal(kind)
        if reason is not None:
            raise OptionError(
                f"expected {listed([k for k in known if self._refusal(k) is None])}, found {kind!r}: {reason}",
                hint="by='stack' matches stacks by what they contain" if kind == "trace" else None,
                kind="option",
            )
        return self._matched.by(kind, inclusive=inclusive)

    @property
    def total(self) -> pl.DataFrame:
        """One row with the nine number columns of `by`: the sums of everything."""
        return self._matched.total()

    def stack(self, fingerprint: int) -> pl.DataFrame:
        """Show the frames of one stack.

        Parameters
        ----------
        fingerprint : int
            Of the stack, as `by` shows it.

        Returns
        -------
        polars.DataFrame
            One row per frame, innermost first, from the after side if the stack is there, else from before: ``index``
            u32 from 0, ``module``, ``function`` str, ``offset``, ``address`` u64, ``file`` str, ``source_line`` u32,
            ``text`` str (the frame as the file has it), ``blamed`` bool (the frame the stack counts for), and
            ``alias`` u32: 0 for the stack itself, 1 and up for other stacks that the tool printed under the same id.

        Raises
        ------
        OptionError
            If `fingerprint` is no whole number, or neither side has a stack of that fingerprint.
        """
        stacks = self._matched.located(self._matched.stacks)
        number = _whole(fingerprint)
        hits = stacks.filter(pl.col("fingerprint") == number) if 0 <= number < 1 << 64 else stacks.clear()
        if hits.is_empty():
            raise OptionError(f"expected the fingerprint of a stack, found {fingerprint}", kind="option")
        # A stack of these frames that is the first of its id has the fewest others beside it.
        hit = hits.sort("source", pl.col("alias_of").is_not_null(), maintain_order=True).row(0, named=True)
        source = self._matched.sources[hit["source"]]
        flags = self._matched.flags[hit["source"]]
        main = hit["stack_id"] if hit["alias_of"] is None else hit["alias_of"]
        family = source.stacks.filter((pl.col("stack_id") == main) | (pl.col("alias_of") == main))
        family = family.sort(pl.col("stack_id") != hit["stack_id"], "stack_id")
        return pl.concat(
            [_frames_of(ids, alias, source.frames, flags) for alias, ids in enumerate(family["frame_ids"].to_list())]
        )

    def _top_html(self) -> pl.DataFrame:
        keep = ["module", "status", *(f"{measure}_delta" for measure in MEASURES)]
        return self.by("module").select(keep)


def _whole(value: object) -> int:
    """Let a whole number pass, of numpy too; polars' own words about others help nobody."""
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        return index(value)
    raise OptionError(f"expected the fingerprint of a stack, found {value!r}", kind="option")


def _frames_of(ids: list[int], alias: int, frames: pl.DataFrame, flags: pl.Series) -> pl.DataFrame:
    outside = [place for place, frame in enumerate(ids) if not flags[frame]]
    blamed = outside[0] if outside else len(ids) - 1
    shown = frames.select(pl.all().gather(pl.Series(ids, dtype=pl.UInt32)))
    return shown.with_row_index("index").select(
        "index",
        "module",
        "function",
        "offset",
        "address",
        "file",
        "source_line",
        "text",
        (pl.col("index") == blamed).alias("blamed"),
        pl.lit(alias, dtype=pl.UInt32).alias("alias"),
    )
