"""docs/datasets.md and docs/errors.md against the code: every column of every table, every kind of error."""

from __future__ import annotations

import re
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta.dataset import _ingest, _layout
from heapdelta.dataset._lock import only_writer
from heapdelta.dataset._outcome import ARCHIVE, DUPLICATE, FAILED, NOT_OURS, PART, READ
from heapdelta.dataset._plan import AGAIN, NEEDS_PASSWORD
from heapdelta.dataset._store import store_of
from heapdelta.exceptions import HeapdeltaError
from small_dataset import dataset, log

PROJECT = Path(__file__).parents[3]
DATASETS, TABLES, ERRORS = [
    (PROJECT / "docs" / name).read_text(encoding="utf-8") for name in ("datasets.md", "tables.md", "errors.md")
]
LOG = log({"1": ["ntdll!RtlAllocateHeap+0x10", "shop!Basket::Add+0x2c"]})

Rows = dict[str, tuple[str, ...]]


def sections(document: str) -> dict[str, Rows]:
    """The rows of the table of each section, by their first cell, which is code; of two of one name all."""
    found: dict[str, Rows] = {}
    for name, text in re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", document, re.MULTILINE | re.DOTALL):
        lines = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
        rows = {column: tuple(re.split(r"(?<!\\) \| ", rest)) for column, rest in lines}
        found[name] = rows | found.get(name, {})
    return found


def type_name(kind: object) -> str:
    """The name of a type as docs/tables.md writes it."""
    made = kind() if isinstance(kind, type) else kind
    if isinstance(made, pl.Datetime):
        return f"Datetime({', '.join(filter(None, (made.time_unit, made.time_zone)))})"
    return str(made)


def test_the_document_has_every_column_with_its_type() -> None:
    written = {
        name: {column: kind for column, (kind, _) in rows.items()} for name, rows in sections(DATASETS).items() if rows
    }
    columns = {**_layout.tables(), _layout.MANIFEST: _layout.BATCH_COLUMNS, **_layout.NAME_TABLES}
    expected = {name: {column: type_name(kind) for column, kind in rows.items()} for name, rows in columns.items()}
    assert written == expected
    assert [list(rows) for rows in written.values()] == [list(rows) for rows in expected.values()], "other order"


def test_what_a_column_means_is_what_it_means_in_a_capture() -> None:
    written, captures = sections(DATASETS), sections(TABLES)
    captures["counters"] = captures["memory_counters"] | captures["system_memory"]
    for name in [name for name in _layout.tables() if _layout.nouns_of(name) or name == "counters"]:
        for column in set(written[name]) - {"case", "capture"}:
            meaning = captures[name][column][-1].replace("row of `stacks`", "row of `traces`")
            assert written[name][column][-1].removesuffix(", nanoseconds") == meaning, f"{name}.{column}"


def test_the_document_has_every_outcome_and_what_is_tried_again() -> None:
    outcomes = re.findall(r"^\| `([a-z ]+)` \| [^|]* \|$", DATASETS.split("## Every table")[0], re.MULTILINE)
    assert set(outcomes) == {READ, ARCHIVE, DUPLICATE, PART, NOT_OURS, FAILED}
    again = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", DATASETS.split("## Every table")[0], re.MULTILINE))
    assert {kind for kind, when in again.items() if when == "in every run"} == AGAIN
    assert {kind for kind, when in again.items() if "password" in when} == NEEDS_PASSWORD


class Dead(Executor):
    """An executor whose workers are gone."""

    def submit(self, *_: object, **__: object) -> Future[None]:
        future: Future[None] = Future()
        future.set_exception(BrokenExecutor("its workers are gone"))
        return future


def not_a_dataset(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    hd.ingest(folder / "in", folder)


def newer_dataset(folder: Path) -> None:
    mark = '{"dataset": "heapdelta", "schema": 2, "written_by": "0.3.0"}\n'
    (folder / "out" / _layout.MARK).write_text(mark)
    hd.open(folder / "out")


def in_use(folder: Path) -> None:
    with only_writer(store_of(folder / "out"), "threads"):
        hd.ingest(folder / "in", folder / "out")


def changed_dataset(folder: Path) -> None:
    opened = hd.open(folder / "out")
    (folder / "in" / "case-1" / "before.txt").write_text(LOG.replace("00000100", "00000200"))
    hd.ingest(folder / "in", folder / "out")
    opened.scan("usage")


def lost_part(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "after.txt").write_text(LOG.replace("00000100", "00000300"))
    hd.ingest(folder / "more", folder / "out")
    for part in (folder / "out" / "usage").iterdir():
        part.unlink()
    hd.open(folder / "out").compact()


FAULTS = {
    "not_a_dataset": not_a_dataset,
    "newer_dataset": newer_dataset,
    "in_use": in_use,
    "changed_dataset": changed_dataset,
    "lost_part": lost_part,
    "no_such_case": lambda folder: hd.open(folder / "out").case("case-9"),
    "no_such_stack": lambda folder: hd.open(folder / "out").label("00000000", "known"),
    "executor": lambda folder: hd.ingest(folder / "in", folder / "new", executor=Dead()),
    "not_found": lambda folder: hd.open(folder / "nowhere"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_the_catalogue_of_errors_shows_each_as_it_is_printed(kind: str, tmp_path: Path) -> None:
    dataset(tmp_path, {"case-1/before.txt": LOG})
    with pytest.raises(HeapdeltaError) as caught:
        FAULTS[kind](tmp_path)
    assert caught.value.kind == kind
    hint = f"\nhint: {caught.value.hint}" if caught.value.hint else ""
    printed = f"{caught.value}{hint}".replace(f"heapdelta {hd.__version__}", "heapdelta 0.1.0")
    for folder in (tmp_path / "out", tmp_path / "nowhere", tmp_path):
        printed = printed.replace(str(folder), "dataset")
    printed = re.sub(r"[0-9A-F]{16}-[0-9a-f]{8}", "6C84B331792412E3-d35ccc96", printed)
    section = ERRORS.split(f"\n#### {kind}\n")[1].split("\n#### ")[0]
    assert f"```text\n{printed}\n```" in section


def test_the_catalogue_of_errors_has_every_kind_of_a_dataset() -> None:
    package = Path(_ingest.__file__).parent
    files = [*package.glob("*.py"), *(package.parent / "cli" / "dataset").glob("*.py")]
    used = {kind for file in files for kind in re.findall(r'kind="(\w+)"', file.read_text(encoding="utf-8"))}
    documented = set(re.findall(r"^####? (\w+)$", ERRORS, re.MULTILINE))
    in_manifest = set(re.findall(r"^\| `(\w+)` \|", DATASETS, re.MULTILINE))
    assert used - documented - {"write"} <= in_manifest, "neither in docs/errors.md nor in docs/datasets.md"
    # What a scheduler that is not there says is partly the system's.
    assert {*FAULTS, "scheduler"} == set(re.findall(r"^#### (\w+)$", ERRORS, re.MULTILINE))
