"""`WithTree`: what has matched rows has a call tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapdelta._tree import table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from heapdelta._ranking.matched import Matched
    from heapdelta._tree.table import By, Direction, Kept
    from heapdelta.blame import RuleLike


class WithTree:
    """The call tree of matched rows."""

    _is_live = False
    """Whether there is one log alone, and no growth."""

    @property
    def _matched(self) -> Matched:
        raise NotImplementedError

    def tree(
        self,
        *,
        direction: Direction = "outward",
        by: By = "function",
        allocators: Kept = "trim",
        hide: Iterable[RuleLike] | RuleLike = (),
    ) -> pl.DataFrame:
        r"""Show through which calls memory grew, as a tree with exact sums.

        Parameters
        ----------
        direction : {"outward", "inward"}, default "outward"
            ``outward``: from the module that is blamed to its function that is, to its callers, to the start of the
            thread. ``inward``: from the start of the thread to the blamed frame.
        by : {"function", "module"}, default "function"
            ``module`` joins neighbours of one module; good where frames have no functions.
        allocators : {"trim", "keep"}, default "trim"
            ``keep`` also shows the allocator's frames inside the blamed one.
        hide : str, Rule or iterable of them, optional
            Frames to take out, by patterns of `heapdelta.blame`. What stacks count for stays, and so do all sums; to
            pass over frames instead, use `filter`, of which a tree shows what is left.

        Returns
        -------
        polars.DataFrame
            One row per node in preorder; siblings by all change, growth and shrinkage added up, largest first, unknown
            last:

            - ``node_id``, ``parent_id`` u32 (null for the root), ``depth`` u32 (0 for the root)
            - ``kind`` str: ``total``, ``module``, ``frame``, ``no stack recorded``, ``stack not in file``, ``outer
              frames cut off``, ``all frames hidden``
            - ``module``, ``function`` str, as `by` function has them; null where a kind has none
            - ``allocator`` bool: a frame that is passed over when stacks are blamed; a module of such frames alone
            - ``stack_count`` u32: distinct stacks below the node
            - the nine numbers of `by`, ``requested_bytes_grown`` and ``requested_bytes_shrunk`` (at most 0): what is
              below the node and in it. `Live` and `Snapshot` have three: ``requested_bytes``, ``overhead_bytes``,
              ``allocation_count``
            - the same with ``self_``: of stacks that end in the node
            - ``requested_bytes_left_out``: of the root, what filters leave out; null elsewhere

            The children of a node and its ``self_`` add up to it, the root is `total`, and outward the first level is
            `by` module. Sums are exact, or null where a part is not known. Stacks whose outer frames are cut off are
            those that are ``truncated`` in the table ``stacks``.

        Raises
        ------
        OptionError
            If an option is none of its choices, or a pattern is empty.

        Examples
        --------
        >>> import heapdelta as hd
        >>> start = b"*- - - - Start of data for heap @ 10000 - - - -\n"
        >>> before = hd.read(start + b"40 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\t776CDD90\n\n")
        >>> after = hd.read(start + b"140 bytes + 18 at 2E9FB00 by BackTrace7\n\t776CDD82\n\t776CDD90\n\n")
        >>> tree = hd.diff(before, after).tree()
        >>> tree.select("depth", "kind", "function", "requested_bytes_delta").rows()  # doctest: +NORMALIZE_WHITESPACE
        [(0, 'total', None, 256), (1, 'module', None, 256),
         (2, 'frame', '776CDD82', 256), (3, 'frame', '776CDD90', 256)]
        """
        return table.tree(
            self._matched, direction=direction, by=by, allocators=allocators, hide=hide, live=self._is_live
        )
