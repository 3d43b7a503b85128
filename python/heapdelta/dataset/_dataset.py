"""`open`: a dataset as one thing to ask."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

import polars as pl

from heapdelta import _html
from heapdelta._options import checked_threads
from heapdelta._ranking.fingerprints import only_one
from heapdelta._symbols.store import SymbolStore, checked_store
from heapdelta._words import plural
from heapdelta.blame import DEFAULT, Allocators, RuleLike
from heapdelta.dataset import _compact, _export, _keys, _labels, _rank, _restore, _runs, _similar
from heapdelta.dataset._cases import cases_of
from heapdelta.dataset._layout import is_dataset
from heapdelta.dataset._lock import only_writer
from heapdelta.dataset._manifest import Manifest, manifest_of
from heapdelta.dataset._names import notes_on_names
from heapdelta.dataset._outcome import READ
from heapdelta.dataset._store import Place, Store, not_there, store_of
from heapdelta.dataset._symbolize import symbolize
from heapdelta.dataset._tree import Tables
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from heapdelta._capture.snapshot import Snapshot

__all__ = ["Dataset", "open_dataset"]


class Dataset:
    """Captures of many cases as tables, and what they tell together. Made by `heapdelta.open`.

    It is as it was when it was opened; `heapdelta.open` again sees what came later.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = Tables(manifest_of(store))
        self._index: _similar.StackIndex | None = None

    @property
    def place(self) -> str:
        """Where it lies."""
        return self._store.place

    @property
    def manifest(self) -> pl.DataFrame:
        """What became of every file; see `Ingest.manifest`."""
        return self._tables.manifest

    def scan(self, table: str) -> pl.LazyFrame:
        """Give a table, which polars reads when it is asked for, and only what is asked for of it.

        Parameters
        ----------
        table : str
            ``captures`` (a row per log, comparison and dump), ``usage``, ``traces``, ``stacks``, ``frames``,
            ``modules``, ``heaps``, ``allocations``, ``sections``, ``rows``, ``issues``, ``regions``, ``handles``,
            ``threads``, ``memory``, ``unloaded_modules``, ``streams``, ``counters``, ``manifest``; and of `symbolize`
            ``symbols``, ``names``, ``inlines``, ``named_captures``.
            ``docs/datasets.md`` lists the columns.

        Returns
        -------
        polars.LazyFrame
            Rows of captures begin with ``case`` and ``capture``, by which they go together.

        Raises
        ------
        OptionError
            If there is no such table.
        """
        return self._tables.scan(table)

    def cases(self) -> pl.DataFrame:
        """Show one row per case.

        Returns
        -------
        polars.DataFrame
            Sorted by case: ``case`` str, ``files``, ``read``, ``failures`` u32 (of the manifest), ``size`` u64 (bytes
            of all files, unpacked), ``captures``, ``runs`` u32, ``first_taken_at``, ``last_taken_at`` datetime (null
            where no log says), ``programs``, ``machines`` list of str.
        """
        return cases_of(self._tables, self._points)

    @cached_property
    def _points(self) -> pl.DataFrame:
        return _runs.points_of(self._tables)

    def runs(self) -> pl.DataFrame:
        """Group the logs of each case into runs of processes, across its files.

        Returns
        -------
        polars.DataFrame
            Sorted by case, then by the first log: ``run`` u32 from 0, ``case``, ``machine`` str, ``pid`` i64,
            ``program`` str, ``proved`` bool (the logs name machine and process, and their module lists agree, as for
            `heapdelta.group`; False for logs of DH and others that name none: these are of one run if they lie in one
            folder or archive), ``restart`` bool, ``captures`` u32, ``first_taken_at``, ``last_taken_at`` datetime,
            ``time_source`` str (``log``, or ``mtime`` where the logs tell no time), ``capture`` list of str (oldest
            first). Logs that nothing puts in order are in no run.
        """
        return _runs.runs_of(self._points)

    def rank(
        self,
        by: Literal["module", "function", "stack"] = "module",
        *,
        min_share: float = 0.01,
        allocators: Iterable[RuleLike] | None = None,
    ) -> pl.DataFrame:
        """Rank what grew over all cases: in how many, how fast, since when, and whether it looks like a leak.

        Parameters
        ----------
        by : {"module", "function", "stack"}, default "module"
            What each row is about.
        min_share : float, default 0.01
            Leave out of a run what made up less of its growth: nearly everything grows by some bytes.
        allocators : iterable of Rule or str, optional
            Rules that tell an allocator's frames, in place of `heapdelta.blame.DEFAULT`.

        Returns
        -------
        polars.DataFrame
            Sorted by ``leak_cases``, ``cases``, then growth, largest first: the key as `Delta.by` has it, with
            ``status`` (``fingerprint`` is text), ``leak_cases`` u32 (cases with a run whose verdict is ``leak``),
            ``cases`` u32 (where it grew, or may have: a sum is not known), ``run_count`` u32,
            ``requested_bytes_delta`` i64 (last - first log, all runs
            together; null where one is not known), ``share`` f64 (of the growth of its run, median over runs),
            ``pace``, ``max_pace`` f64 (bytes per hour, median and largest), ``first_seen``, ``last_seen`` datetime,
            ``runs`` list of struct (``case``, ``run``, ``verdict`` as `Series.growth` gives it,
            ``requested_bytes_delta``, ``pace``, ``share``); by stack also ``label``.

        Raises
        ------
        OptionError
            If an option has a value it does not take.

        Notes
        -----
        Works on runs of two logs or more; a verdict needs six.
        """
        if by not in _keys.KEYS:
            raise OptionError(f"expected one of {', '.join(_keys.KEYS)}, found {by!r}", kind="option")
        if not 0 <= min_share <= 1:
            raise OptionError(f"expected a share from 0 to 1 for min_share, found {min_share}", kind="option")
        rules = DEFAULT if allocators is None else Allocators(allocators)
        ranked = _rank.ranking(self._tables, self._points, by, rules, min_share=min_share)
        return _labels.labelled(ranked, self.labels()) if by == "stack" else ranked

    def similar(
        self,
        fingerprint: str | int,
        *,
        min_score: float = 0.5,
        top: int | None = 50,
        allocators: Iterable[RuleLike] | None = None,
    ) -> pl.DataFrame:
        """Find the same stack, or nearly the same, elsewhere, to learn whether a leak is known.

        Parameters
        ----------
        fingerprint : str or int
            The stack: its fingerprint, or so many of its first digits that no other begins with them (``#C291BD``).
        min_score : float, default 0.5
            Leave out stacks that score less, from 0 to 1.
        top : int, optional
            Rows at most, 50 by default; None for all.
        allocators : iterable of Rule or str, optional
            Rules that tell an allocator's frames, in place of `heapdelta.blame.DEFAULT`.

        Returns
        -------
        polars.DataFrame
            One row per stack: first the stack itself, then by ``score``, ``case_count``, ``max_requested_bytes``,
            largest first. ``score`` f64 (1 if all frames agree), ``same`` bool (it has this very fingerprint),
            ``fingerprint`` str, ``module``, ``function`` str (that it is blamed on), ``label`` str (see `label`; null
            without one), ``differs`` str (the score in a sentence), ``shared_frames`` u32 (frames that agree),
            ``shared_modules`` u32 (others beside each other that agree in the module alone), ``frames`` u32 (of this
            stack, from the blamed one outward), ``case_count`` u32 (cases that have it), ``captures`` u32 (their logs
            and comparisons that have it), ``first_seen``, ``last_seen`` datetime (of these; where a log tells no
            time, when its file was changed), ``max_requested_bytes`` u64 (the most that it holds in one log; null
            where that is not known, or only a comparison has it), ``cases`` list of str (their names).

        Raises
        ------
        OptionError
            If no stack or several begin with these digits, or an option has a value it does not take.

        Notes
        -----
        Frames count from the blamed one outward; where all are an allocator's, all count. Two agree if module (in any
        case) and function are equal, whatever the offset. A frame without a function, or with one that was guessed
        from a table of exports, agrees if its offset is equal as well. Two of one module agree by 0.3 if a function
        is not known, and by 0.1 if there are two. Order counts: pairs of frames never cross.

        Each frame weighs 0.8 of the one inside it, so half as much three frames further out, divided by the square
        root of how many functions the dataset blames in stacks through it: where threads begin, or messages are
        dispatched, is in so many that it makes nothing similar. The score is the weight of both stacks that agrees,
        of all they have.

        At most 5,000 stacks are compared frame by frame: those that share most with this one in any order.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import heapdelta as hd
        >>> log = '''UMDH: Logtime 2001-02-03 04:05 - Machine=WEB01 - PID=812
        ... *********** Heap 00140000 Hogs ********************
        ... 00000100 bytes in 0x1 allocations (@ 0x100) by: BackTrace1
        ...         ntdll!RtlAllocateHeap+0x10
        ...         shop!Basket::Add+0x2c
        ...         shop!Order::Read+0x80
        ...         net!Channel::OnData+0x11
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for case, text in [("case-1", log), ("case-2", log.replace("Add+0x2c", "Insert+0x30"))]:
        ...         _ = Path(folder, case).mkdir()
        ...         _ = Path(folder, case, "before.txt").write_text(text)
        ...     _ = hd.ingest(folder, Path(folder, "dataset"), progress=lambda _: None)
        ...     dataset = hd.open(Path(folder, "dataset"))
        ...     stack = dataset.scan("traces").collect()["fingerprint"][0]
        ...     for row in dataset.similar(stack).iter_rows(named=True):
        ...         print(f"{row['score']:.2f}", row["cases"], row["differs"])
        1.00 ['case-1'] the stack itself
        0.55 ['case-2'] 2 of 3 frames agree; shop!Basket::Add is shop!Basket::Insert there
        """
        if not 0 <= min_score <= 1:
            raise OptionError(f"expected a score from 0 to 1 for min_score, found {min_score}", kind="option")
        if top is not None and top < 1:
            raise OptionError(f"expected at least 1 for top, found {top}", kind="option")
        index = self._indexed(DEFAULT if allocators is None else Allocators(allocators))
        stack = self._stack(fingerprint)
        return _similar.similar(self._tables, index, stack, self.labels(), min_score=min_score, top=top)

    def _indexed(self, rules: Allocators) -> _similar.StackIndex:
        """Give the stacks ready to be compared; those of the last rules are kept."""
        if self._index is None or self._index.allocators != rules:
            self._index = _similar.StackIndex(self._tables, rules)
        return self._index

    def case(self, name: str) -> list[Snapshot]:
        """Give the logs of a case as snapshots, for `heapdelta.diff` and `heapdelta.series`.

        Parameters
        ----------
        name : str
            The case.

        Returns
        -------
        list of Snapshot
            By run, oldest first; logs of no run last. They are made of the dataset, the files are not needed. Frames
            have the text ``module!function+0x1C`` in place of the file's own.

        Raises
        ------
        OptionError
            If the case has no logs.
        """
        logs = self.scan("captures").filter((pl.col("case") == name) & (pl.col("kind") == "log")).collect()
        if logs.is_empty():
            known = self.scan("captures").select(pl.col("case").unique()).collect()["case"].to_list()
            message = f"{self.place}: expected a case with logs, found none in {name!r}"
            hint = None if name not in known else "it holds dumps or comparisons alone: scan() has them"
            raise OptionError(message, path=self.place, hint=hint, kind="no_such_case")
        order = self._points.select("capture", "run", "point")
        logs = logs.join(order, on="capture", how="left", maintain_order="left")
        logs = logs.sort("run", "point", "taken_at", "path", nulls_last=True)
        return _restore.snapshots(self._tables, logs)

    def symbolize(self, store: SymbolStore, *, by_name: bool = False, threads: int | None = None) -> pl.DataFrame:
        r"""Name the addresses of all logs, without reading them again.

        What symbols say is kept beside the data, in place of what they said before. `rank` and `similar` use it, and
        `case` gives logs that have names. Fingerprints stay what they are.

        Parameters
        ----------
        store : SymbolStore
            Where symbols are, made by `heapdelta.symbols`. Give it all places each time, not only new ones.
        by_name : bool, default False
            As for `Snapshot.with_symbols`.
        threads : int, optional
            Threads of the core that work on it, 1 to 1024; by default one for each core.

        Returns
        -------
        polars.DataFrame
            One row per build of a module that has addresses without a name, sorted by ``frame_count``, largest first:
            ``build`` str (key), ``module``, ``path`` str (of one of the logs), ``size`` i64, and ``debug_file``,
            ``wanted_id``, ``found_path``, ``found_id``, ``match``, ``kind``, ``frame_count``, ``named_count``,
            ``reason`` as `Snapshot.symbols` has them.

        Raises
        ------
        TypeError
            If `store` is not a `SymbolStore`.
        OptionError
            If another process writes to the dataset, or `threads` is out of range.
        WriteError
            If the dataset cannot be written to.

        Notes
        -----
        A build is what a log tells of it: file, size, and the place that its tool had the symbols from; or what
        a dump of the same process in the same case says of the module that lies there. Where two builds of a
        module have the same offset in stacks, that is one frame with two names. Where nothing tells the build,
        each process has its own. Each log that `case` gives has its own. In `rank` and `similar`, which go over
        all logs, such a frame has a name if all builds that have it give the same, and else its offset; `notes`
        counts these frames.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import heapdelta as hd
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     uploads, symbols = Path(folder, "uploads"), Path(folder, "symbols")
        ...     story = hd.testing.write_investigation(uploads / "case-1", stack_count=60)
        ...     _ = hd.testing.write_symbols(symbols)
        ...     _ = hd.ingest(uploads, Path(folder, "dataset"))
        ...     dataset = hd.open(Path(folder, "dataset"))
        ...     found = dataset.symbolize(hd.symbols(symbols))
        ...     dataset.rank(by="function").select("module", "function").row(0)
        ('fhpreview', 'Thumbnail::Insert')
        """
        checked_store(store)
        checked_threads(threads)
        with only_writer(self._store, "threads"):
            manifest = manifest_of(self._store)
            found = symbolize(manifest, store, by_name=by_name, threads=threads)
        self._look_again(manifest)
        return found

    @property
    def notes(self) -> list[str]:
        """What a reader of rankings must know, one sentence each: names that are less than certain."""
        return notes_on_names(self._tables)

    def label(self, fingerprint: str | int, text: str | None) -> None:
        """Keep what is known of a stack beside the data; it is shown wherever that stack appears.

        Parameters
        ----------
        fingerprint : str or int
            The stack: 16 hexadecimal digits, the first of them (``#C291BD``), or the number of `Snapshot.stacks`.
        text : str or None
            Such as ``"KB5001234, fixed in 4.2"``, in place of an earlier label; None takes it away.

        Raises
        ------
        OptionError
            If no stack of the dataset has that fingerprint, or several have.
        WriteError
            If the dataset cannot be written to.
        """
        _labels.write_label(self._store, self._stack(fingerprint), text)

    def labels(self) -> pl.DataFrame:
        """Give all labels.

        Returns
        -------
        polars.DataFrame
            Sorted by ``fingerprint`` str, with ``label`` str and ``labelled_at`` datetime (UTC).
        """
        return _labels.read_labels(self._store)

    def to_delta(self, place: str | os.PathLike[str], *, storage_options: Mapping[str, str] | None = None) -> list[str]:
        """Write the tables as tables of Delta Lake, for houses that keep theirs so; needs the package ``deltalake``.

        Parameters
        ----------
        place : str or os.PathLike
            A folder, or an address such as ``s3://bucket/delta``: each table that has rows becomes a Delta table in it,
            and the manifest too. One that is there gets a new version with the content of now.
        storage_options : mapping, optional
            What deltalake needs to reach the address.

        Returns
        -------
        list of str
            The names of the tables written.

        Raises
        ------
        OptionError
            If deltalake is not installed; the hint says how.
        WriteError
            If a table cannot be written.

        Notes
        -----
        Each table is whole in memory while it is written.
        """
        return _export.to_delta(self._tables, place, storage_options=storage_options)

    def compact(self) -> int:
        """Merge small parts into large ones, and drop what does not count any more.

        Returns
        -------
        int
            Batches that were merged.

        Raises
        ------
        OptionError
            If another process writes to the dataset.

        Notes
        -----
        Can be killed at any moment. In an object store, which has no locks, nobody else may write meanwhile. Who has
        the dataset open opens it again.
        """
        with only_writer(self._store, "threads"):
            manifest = _compact.settle(manifest_of(self._store))
            merged = _compact.compact(manifest)
            manifest = manifest_of(self._store)
            _compact.sweep(manifest)
        self._look_again(manifest)
        return merged

    def _look_again(self, manifest: Manifest) -> None:
        """Forget what was made of the tables as they were."""
        self.__dict__.pop("_points", None)
        self._tables = Tables(manifest)
        self._index = None

    def _stack(self, fingerprint: str | int) -> str:
        known = self._index.fingerprints if self._index is not None else None
        if known is None:
            known = self.scan("stacks").select("fingerprint").collect()["fingerprint"]
        return only_one(known, fingerprint, f"{self.place}: ")

    def __repr__(self) -> str:
        manifest = self.manifest
        cases, read = manifest["case"].n_unique(), manifest.filter(pl.col("outcome") == READ).height
        files = plural(manifest.height, "file")
        return f"<Dataset {self.place}: {plural(cases, 'case')}, {read:,} of {files} read>"

    def _repr_html_(self) -> str:
        cases = self.cases()
        return _html.page(repr(self), {}, cases.head(_html.TOP), of=cases.height)


def open_dataset(destination: Place) -> Dataset:
    """Open a dataset that `heapdelta.ingest` made.

    Parameters
    ----------
    destination : str, os.PathLike or a store of obstore
        The dataset.

    Returns
    -------
    Dataset
        Its tables, and what they tell together.

    Raises
    ------
    NotFoundError
        If there is none.
    OptionError
        If it is of a newer layout.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import heapdelta as hd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     story = hd.testing.write_investigation(Path(folder, "uploads", "case-1"), stack_count=60)
    ...     found = hd.ingest(Path(folder, "uploads"), Path(folder, "dataset"))
    ...     dataset = hd.open(Path(folder, "dataset"))
    ...     dataset.rank(by="module").select("module", "cases").row(0)
    ('fhpreview', 1)
    """
    store = store_of(destination)
    if not is_dataset(store):
        raise not_there(store.place)
    return Dataset(store)
