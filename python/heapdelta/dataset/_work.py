"""The reading of a batch: rows of the manifest, and captures on their way into parts of the tables."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from heapdelta import _native
from heapdelta._capture.text import TextCapture
from heapdelta._read.archive import member_path
from heapdelta._read.one import Member, for_each_member, read, read_each, read_every
from heapdelta._safe_text import visible
from heapdelta.dataset._commit import commit, put_part
from heapdelta.dataset._gather import Kept
from heapdelta.dataset._layout import MANIFEST_COLUMNS
from heapdelta.dataset._outcome import (
    ARCHIVE,
    FAILED,
    NOT_OURS,
    NOT_OURS_KINDS,
    PART,
    READ,
    changed,
    failure,
    kinds_of,
    moment_of,
)
from heapdelta.dataset._plan import Batch, Input, text_of
from heapdelta.dataset._store import Folder, Store
from heapdelta.dataset._tables import tables_of
from heapdelta.exceptions import CaptureError, HeapdeltaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from heapdelta._capture.base import Capture
    from heapdelta._native import Keys

_MOMENT = timedelta(microseconds=1)
_LARGE, _SMALL = 256 << 20, 1 << 20
_AT_ONCE = 256 << 20
"""Bytes of text whose captures are in memory together."""


@dataclass
class Work:
    """The reading of a batch: rows of the manifest, and captures that are still to be written."""

    batch: Batch
    store: Store
    known: Keys | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)
    """Where the bytes of objects are; a file is where it is."""
    _kept: list[Kept] = field(default_factory=list)
    _bytes: int = 0
    _parts: list[str] = field(default_factory=list)
    _fresh: list[Keys] = field(default_factory=list)
    _flushes: int = 0
    _read_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))

    def reachable(self, inputs: Sequence[Input], places: Mapping[str, str | HeapdeltaError]) -> Iterator[Input]:
        """Leave out objects that could not be had, and note why."""
        for each in inputs:
            place = places.get(each.path)
            if isinstance(place, HeapdeltaError):
                self.rows.append(self.row(each, each.path, **failure(place)))
                continue
            if place is not None:
                self._places[each.path] = place
            yield each

    def in_a_row(self, inputs: Iterable[Input]) -> Iterator[tuple[list[Input], bool]]:
        """Cut inputs into what one call reads, and tell archives: all small files, every other alone."""
        several = list(inputs)
        archives = _native.are_archives([self._place(each) for each in several])
        row: list[Input] = []
        for each, is_archive in zip(several, archives, strict=True):
            if is_archive or each.size >= _SMALL:
                yield [each], is_archive
            else:
                row.append(each)
        if row:
            yield row, False

    def read(self, inputs: list[Input], *, is_archive: bool) -> None:
        """Read an archive, another file, or several small ones."""
        if is_archive:
            self._read_archive(inputs[0])
        else:
            self._read_files(inputs)

    def _read_files(self, inputs: list[Input]) -> None:
        started = time.perf_counter()
        paths, how = [self._place(each) for each in inputs], self.batch.how
        options: dict[str, Any] = {"blocks": how.blocks, "encoding": how.encoding}
        if len(paths) == 1:
            threads = None if inputs[0].size >= _LARGE else 1
            outcomes = [_outcome(paths[0], threads=threads, **options)]
        else:
            outcomes = list(read_each(paths, **options, password=None, limits=None, progress=_go_on))
        seconds = (time.perf_counter() - started) / len(paths)
        for each, outcome, digest in zip(inputs, outcomes, _native.content_hashes(paths), strict=True):
            if changed := self._changed(each):
                self.rows.append(self.row(each, each.path, **changed))
                continue
            facts = {"size": each.size, "modified": moment_of(each.mtime_ns), "hash": digest, "seconds": seconds}
            self._take(each, each.path, outcome, facts)

    def _read_archive(self, archive: Input) -> None:
        """Read all members; if the archive changed meanwhile, none of them counts."""
        how, first_row = self.batch.how, len(self.rows)
        inner: set[str] = set()
        started = last = time.perf_counter()

        def take(member: Member) -> None:
            nonlocal last
            now = time.perf_counter()
            modified = None if member.modified is None else moment_of(member.modified * 1_000_000_000)
            facts = {"size": member.size, "modified": modified, "hash": member.hash, "seconds": now - last}
            if not member.label and isinstance(member.outcome, BaseException):
                # What is wrong is the archive itself.
                facts |= {"size": archive.size, "modified": moment_of(archive.mtime_ns)}
            last = now
            self._take(archive, member_path(archive.path, member.label), member.outcome, facts)
            labels = member.label.split("!")[:-1]
            inner.update("!".join(labels[: depth + 1]) for depth in range(len(labels)))

        try:
            for_each_member(
                self._place(archive),
                take,
                threads=1,
                blocks=how.blocks,
                encoding=how.encoding,
                password=how.password,
                limits=how.limits,
                progress=_go_on,
            )
        except HeapdeltaError as error:
            self._take(archive, archive.path, error, {})
        if changed := self._changed(archive):
            self._forget(archive, first_row, changed)
            return
        own = self.rows[first_row:]
        if not any(row["path"] == text_of(archive.path) for row in own):
            facts = {
                "size": archive.size,
                "modified": moment_of(archive.mtime_ns),
                "seconds": time.perf_counter() - started,
            }
            facts["hash"] = _native.content_hashes([self._place(archive)])[0]
            reason = None if own else f"{visible(text_of(archive.path))}: no file in it"
            self.rows.append(self.row(archive, archive.path, outcome=ARCHIVE, reason=reason, **facts))
        for label in sorted(inner):
            self.rows.append(self.row(archive, member_path(archive.path, label), outcome=ARCHIVE))

    def _forget(self, one: Input, first_row: int, why: dict[str, Any]) -> None:
        """Take back what an input gave. Captures that are in a part already are named, so that they are left out."""
        keys = {key for row in self.rows[first_row:] for key in row["capture"]}
        del self.rows[first_row:]
        self._kept = [kept for kept in self._kept if kept.key not in keys]
        self.rows.append(self.row(one, one.path, **why, capture=sorted(keys)))

    def _take(self, one: Input, path: str, outcome: Capture[Any] | BaseException, facts: dict[str, Any]) -> None:
        """Note what a file became. One that holds several captures is read again for each."""
        if isinstance(outcome, CaptureError) and outcome.kind == "many_captures":
            captures = self._each_capture(self._place(one) + path.removeprefix(one.path))
        elif isinstance(outcome, BaseException):
            if not isinstance(outcome, Exception):
                raise outcome
            self.rows.append(self.row(one, path, **self._why(one, outcome), **facts))
            return
        else:
            captures = [(None, outcome)]
        keys = []
        failed: BaseException | None = None
        for number, capture in captures:
            if isinstance(capture, BaseException):
                failed = failed or capture
                continue
            key = _native.key_of(
                f"{one.case}\0{text_of(path)}\0{number}\0{one.size}\0{one.mtime_ns}\0{self.batch.how.key}"
            )
            keys.append(key)
            self._kept.append(Kept(one.case, key, text_of(path), number, capture, _native.issue_count(capture._native)))
            self._bytes += capture.byte_count if isinstance(capture, TextCapture) else 0
        good = [capture for _, capture in captures if not isinstance(capture, BaseException)]
        about: dict[str, Any] = {"outcome": READ, "kind": good[0].format} if good else {}
        about |= self._why(one, failed) if failed is not None else {}
        issues = sum(kept.issues for kept in self._kept[len(self._kept) - len(good) :])
        count = {"captures": len(good), "capture": keys, "rows": sum(map(_rows_of, good)), "issues": issues}
        self.rows.append(self.row(one, path, **about, **facts, **count))
        self._flush_if_large()

    def _each_capture(self, path: str) -> list[tuple[int | None, Capture[Any] | BaseException]]:
        how = self.batch.how
        options: dict[str, Any] = {"blocks": how.blocks, "encoding": how.encoding, "password": how.password}
        try:
            return list(enumerate(read_every(path, **options, limits=how.limits, progress=_go_on), start=1))
        except Exception as error:
            return [(None, error)]

    def _place(self, one: Input) -> str:
        return self._places.get(one.path, one.path)

    def _why(self, one: Input, error: BaseException) -> dict[str, Any]:
        """Say why something could not be read, by the name that the caller knows it by."""
        why = failure(error)
        return why | {"reason": why["reason"].replace(self._place(one), visible(text_of(one.path)))}

    def _changed(self, one: Input) -> dict[str, Any] | None:
        """Tell if a file is no longer what was planned; an object was asked that when it was fetched."""
        return None if one.path in self._places else changed(one)

    def _flush_if_large(self) -> None:
        if self._bytes >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what there is into parts of the tables; nothing of it counts before `commit`."""
        if not self._kept:
            return
        made, fresh = tables_of(self._kept, blocks=self.batch.how.blocks, known=self.known)
        self._fresh += fresh
        for name, table in made.items():
            self._parts.append(put_part(self.store, name, self.batch.id, table, self._flushes))
        self._flushes += 1
        self._kept, self._bytes = [], 0

    @property
    def is_as_before(self) -> bool:
        """Tell if all was tried again, and failed again in the same way: the manifest has it."""
        past = [each.before for each in self.batch.inputs]
        return all(past) and past == [kinds_of(self.rows, each) for each in self.batch.inputs]

    def commit(self, *, over: bool = False) -> None:
        """Write the part of the manifest by which all of it counts; `over` another that may be there."""
        if self.is_as_before:
            return
        rows = pl.DataFrame(self.rows, schema=MANIFEST_COLUMNS)
        commit(self.store, self.batch.id, rows, self._parts, over=over)
        if self.known is not None:
            for keys in self._fresh:
                self.known.add(keys)

    @property
    def is_swept(self) -> bool:
        """Tell if parts that count are gone: only in a folder does anybody sweep."""
        return isinstance(self.store, Folder) and not (self.is_as_before or all(map(self.store.has, self._parts)))

    def unread(self, one: Input) -> dict[str, Any]:
        """Make the row of what is not opened."""
        if one.of is not None:
            return self.row(
                one, one.path, outcome=PART, of=text_of(one.of), size=one.size, modified=moment_of(one.mtime_ns)
            )
        outcome = NOT_OURS if one.trouble in NOT_OURS_KINDS else FAILED
        return self.row(one, one.path, outcome=outcome, kind=one.trouble, reason=visible(text_of(one.reason or "")))

    def row(self, one: Input, path: str, **facts: Any) -> dict[str, Any]:  # noqa: ANN401 - of any column
        """Make a row of the manifest."""
        trouble = one.trouble or ("part" if one.of else None)
        return {
            "case": text_of(one.case),
            "path": text_of(path),
            "input": text_of(one.path),
            "input_size": one.size,
            "input_mtime_ns": one.mtime_ns,
            "options": trouble or self.batch.how.key,
            "batch": self.batch.id,
            "read_at": self._read_at if one.after is None else max(self._read_at, one.after + _MOMENT),
            "captures": 0,
            "rows": 0,
            "issues": 0,
            "capture": [],
            **facts,
        }


def _outcome(path: str, **options: Any) -> Any:  # noqa: ANN401 - those of `read`
    try:
        return read(path, **options)
    except Exception as error:
        return error


def _rows_of(capture: Capture[Any]) -> int:
    names = [name for name in ("usage", "rows", "regions") if name in capture._names]
    return sum(capture._height(name) for name in names)


def _go_on(_done: int, _total: int | None) -> None:
    """Let a read go on: a batch in hand is finished."""
