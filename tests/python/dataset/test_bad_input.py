"""What strangers send, and what disks do: each is told, and costs nothing else."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from hostile import linked
from packed import locked_zip, log, overlapping_zip, raw_zip, tarred, zipped
from small_tree import assert_equal, small_batches, write_tree

GOOD = log(5)


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """A folder with one good log, which must be read whatever lies beside it."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "good.txt").write_bytes(GOOD)
    return folder


def told(uploads: Path, **options: object) -> dict[str, tuple[str, str | None]]:
    """Outcome and kind of everything but the good log, which was read."""
    found = hd.ingest(uploads, uploads.parent / "data", case="a", **options)  # type: ignore[arg-type]
    rows = {
        path.removeprefix(f"{uploads}{os.sep}").replace(os.sep, "/"): (outcome, kind)
        for path, outcome, kind in found.manifest.select("path", "outcome", "kind").iter_rows()
    }
    assert rows.pop("good.txt") == ("read", "umdh2")
    return rows


def test_a_bomb_is_stopped(uploads: Path) -> None:
    limits = hd.ArchiveLimits(member_bytes=1_000_000)
    (uploads / "bomb.zip").write_bytes(zipped([("zeros.txt", bytes(5_000_000)), ("b.txt", log(6))]))
    assert told(uploads, limits=limits) == {
        "bomb.zip": ("archive", None),
        "bomb.zip!b.txt": ("read", "umdh2"),
        "bomb.zip!zeros.txt": ("failed", "archive_limit"),
    }


def test_a_nested_bomb_is_stopped(uploads: Path) -> None:
    content = log(6)
    for depth in range(12):
        content = zipped([(f"{depth}.zip" if depth else "a.txt", content)])
    (uploads / "deep.zip").write_bytes(content)
    rows = told(uploads)
    assert ("failed", "archive_limit") in rows.values()
    assert not any(outcome == "read" for outcome, _ in rows.values())


def test_overlapping_members_are_told(uploads: Path) -> None:
    (uploads / "overlap.zip").write_bytes(overlapping_zip(log(6), 40))
    rows = told(uploads)
    assert ("failed", "overlapping_member") in rows.values()
    assert len(rows) >= 40


def test_names_are_labels_and_never_places(uploads: Path) -> None:
    names = ["../../evil.txt", "/etc/evil.txt", "C:\\evil.txt", "NUL", "con.txt", "A.TXT", "a.txt"]
    (uploads / "evil.zip").write_bytes(zipped([(name, log(10 + at)) for at, name in enumerate(names)]))
    before = set(uploads.parent.rglob("*"))
    rows = told(uploads)
    assert {outcome for outcome, _ in rows.values()} == {"read", "archive"}
    assert sum(outcome == "read" for outcome, _ in rows.values()) == len(names)
    new = set(uploads.parent.rglob("*")) - before
    assert all(path.is_relative_to(uploads.parent / "data") for path in new)


def test_members_of_one_name_are_all_there(uploads: Path) -> None:
    (uploads / "same.zip").write_bytes(raw_zip([(b"a.txt", log(6)), (b"a.txt", log(7))]))
    rows = told(uploads)
    assert sum(outcome == "read" for outcome, _ in rows.values()) == 2
    sizes = hd.open(uploads.parent / "data").scan("captures").collect()["requested_bytes"]
    assert sorted(sizes) == [5, 6, 7]


def test_names_in_three_code_pages(uploads: Path) -> None:
    for page in ("cp437", "cp866", "cp932"):
        name = {"cp437": "größe.txt", "cp866": "журнал.txt", "cp932": "ログ.txt"}[page]
        (uploads / f"{page}.zip").write_bytes(raw_zip([(name.encode(page), log(len(page) + ord(name[0])))]))
    rows = told(uploads)
    assert sum(outcome == "read" for outcome, _ in rows.values()) == 3
    assert "cp437.zip!größe.txt" in rows


def test_passwords(uploads: Path) -> None:
    (uploads / "locked.zip").write_bytes(locked_zip("a.txt", log(6), b"secret"))
    assert told(uploads)["locked.zip!a.txt"] == ("failed", "password")
    assert told(uploads)["locked.zip!a.txt"] == ("failed", "password"), "a second run knows it"
    assert told(uploads, password="wrong")["locked.zip!a.txt"] == ("failed", "password")
    assert told(uploads, password="secret")["locked.zip!a.txt"] == ("read", "umdh2")
    assert hd.ingest(uploads, uploads.parent / "data", case="a", password="secret").new_files == 0
    assert hd.open(uploads.parent / "data").scan("captures").collect().height == 2


def test_a_password_is_written_nowhere(uploads: Path) -> None:
    (uploads / "locked.zip").write_bytes(locked_zip("a.txt", log(6), b"secret-4711"))
    told(uploads, password="secret-4711")
    for file in (uploads.parent / "data").rglob("*"):
        assert file.is_dir() or b"secret-4711" not in file.read_bytes()
    assert "secret-4711" not in repr(hd.dataset.plan(uploads, password="secret-4711")[0].how)


def test_links_in_a_circle_end(uploads: Path) -> None:
    (uploads / "more").mkdir()
    (uploads / "more" / "b.txt").write_bytes(log(6))
    linked(uploads / "more" / "back", uploads)
    linked(uploads / "itself", uploads / "itself")
    linked(uploads / "nowhere", uploads / "there-is-no-such-file")
    rows = told(uploads)
    assert rows.pop("more/b.txt") == ("read", "umdh2")
    assert rows.pop("more/back") == ("not ours", "link")
    assert rows.pop("nowhere") == ("failed", "not_found")
    assert rows.pop("itself")[0] == "failed"
    assert not rows


def test_a_link_to_a_folder_does_not_take_its_files(uploads: Path) -> None:
    (uploads / "real").mkdir()
    (uploads / "real" / "b.txt").write_bytes(log(6))
    hd.ingest(uploads, uploads.parent / "data")
    for name in ("a-link", "z-link"):
        linked(uploads / name, uploads / "real")
    found = hd.ingest(uploads, uploads.parent / "data")
    assert found.vanished.is_empty()
    assert hd.open(uploads.parent / "data").scan("captures").collect().height == 2
    assert found.manifest.filter(pl.col("kind") == "link").height == 2


@pytest.mark.skipif(os.name == "nt", reason="there are no such files on Windows")
def test_what_is_no_file_is_told_and_not_opened(uploads: Path) -> None:
    os.mkfifo(uploads / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listening:
        # The names of sockets are short.
        here = Path.cwd()
        os.chdir(uploads)
        try:
            listening.bind("sock")
        finally:
            os.chdir(here)
        assert told(uploads) == {"pipe.txt": ("not ours", "special"), "sock": ("not ours", "special")}


def test_a_folder_that_cannot_be_looked_into(uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = uploads / "closed"
    closed.mkdir()
    (closed / "b.txt").write_bytes(log(6))
    told(uploads)
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path == str(closed):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    with monkeypatch.context() as patch:
        # The tests may run as root, whom nobody refuses.
        patch.setattr(os, "scandir", refusing)
        rows = told(uploads)
        assert rows["closed"] == ("failed", "permission")
        found = hd.ingest(uploads, uploads.parent / "data", case="a")
        assert (found.new_files, found.vanished.height) == (0, 0), "what is in it is not known to be gone"
    found = hd.ingest(uploads, uploads.parent / "data", case="a")
    assert found.failures.is_empty()


def test_a_file_that_changes_while_it_is_read_is_read_the_next_time(
    uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import heapdelta.dataset._work as batch

    grows = uploads / "grows.txt"
    grows.write_bytes(log(6))
    real = batch.read_each

    def growing(paths: list[str], **options: object) -> object:
        outcome = real(paths, **options)  # type: ignore[arg-type]
        grows.write_bytes(log(600_000))
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(batch, "read_each", growing)
        assert told(uploads)["grows.txt"] == ("failed", "changed")
    assert told(uploads)["grows.txt"] == ("read", "umdh2")
    sizes = hd.open(uploads.parent / "data").scan("captures").collect()["requested_bytes"]
    assert sorted(sizes) == [5, 600_000]


def test_an_archive_that_changes_while_it_is_read_gives_nothing(uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import heapdelta.dataset._work as batch

    monkeypatch.setattr(batch, "_AT_ONCE", 100)
    archive = uploads / "a.zip"
    archive.write_bytes(zipped([("a.txt", log(6)), ("b.txt", log(7))]))
    real = batch.for_each_member

    def growing(path: str, *arguments: object, **options: object) -> None:
        real(path, *arguments, **options)  # type: ignore[arg-type]
        archive.write_bytes(zipped([("a.txt", log(600_000))]))

    with monkeypatch.context() as patch:
        patch.setattr(batch, "for_each_member", growing)
        assert told(uploads) == {"a.zip": ("failed", "changed")}
    dataset = hd.open(uploads.parent / "data")
    assert dataset.scan("captures").collect()["requested_bytes"].to_list() == [5]
    assert pl.read_parquet(uploads.parent / "data" / "usage" / "*.parquet").height == 1


def test_rar_is_a_failure_and_no_file_of_another_kind(uploads: Path) -> None:
    (uploads / "logs.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(100))
    assert told(uploads) == {"logs.rar": ("failed", "unsupported_archive")}


def test_an_archive_in_several_files_is_one(uploads: Path) -> None:
    whole = tarred([("a.txt", log(6)), ("b.txt", log(7))])
    for number in range(3):
        third = len(whole) // 3 + 1
        (uploads / f"case.tar.{number + 1:03}").write_bytes(whole[number * third : (number + 1) * third])
    assert told(uploads) == {
        "case.tar.001": ("archive", None),
        "case.tar.001!a.txt": ("read", "umdh2"),
        "case.tar.001!b.txt": ("read", "umdh2"),
        "case.tar.002": ("part", None),
        "case.tar.003": ("part", None),
    }
    assert hd.ingest(uploads, uploads.parent / "data", case="a").new_files == 0


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_names_that_are_no_text(uploads: Path) -> None:
    (Path(os.fsdecode(os.fsencode(uploads) + b"/bad-\xff.txt"))).write_bytes(log(6))
    assert told(uploads) == {"bad-\\xff.txt": ("read", "umdh2")}
    assert hd.ingest(uploads, uploads.parent / "data", case="a").new_files == 0


@pytest.mark.skipif(os.name == "nt", reason="no name has such letters on Windows")
def test_names_that_do_things_to_a_terminal_are_written_out(uploads: Path) -> None:
    (uploads / "evil\x1b[31m.bin").write_bytes(b"\x7fELF" + bytes(100))
    found = hd.ingest(uploads, uploads.parent / "data")
    reason = found.manifest.filter(pl.col("outcome") == "not ours")["reason"].item()
    assert "\x1b" not in reason
    assert "\\x1b[31m" in reason


def test_a_place_that_is_not_ours_is_refused(uploads: Path, tmp_path: Path) -> None:
    place = tmp_path / "theirs"
    place.mkdir()
    (place / "thesis.doc").write_text("mine")
    with pytest.raises(hd.exceptions.OptionError, match=r"found others' files: thesis.doc") as refused:
        hd.ingest(uploads, place)
    assert refused.value.kind == "not_a_dataset"
    assert [path.name for path in place.iterdir()] == ["thesis.doc"]
    with pytest.raises(hd.exceptions.NotFoundError):
        hd.open(place)
    (place / "heapdelta.json").write_text("{}")
    for refused_by in (hd.open, lambda where: hd.ingest(uploads, where), hd.dataset.finish):
        with pytest.raises(hd.exceptions.OptionError, match="expected the mark of a dataset"):
            refused_by(place)


def test_a_dataset_of_a_newer_layout_is_refused_and_told_who_reads_it(uploads: Path, tmp_path: Path) -> None:
    hd.ingest(uploads, tmp_path / "data")
    mark = tmp_path / "data" / "heapdelta.json"
    mark.write_text(json.dumps({"dataset": "heapdelta", "schema": 2, "written_by": "7.1.0"}))
    for refused_by in (hd.open, lambda where: hd.ingest(uploads, where), hd.dataset.finish):
        with pytest.raises(hd.exceptions.OptionError, match="found one of layout 2") as refused:
            refused_by(tmp_path / "data")
        assert (refused.value.kind, refused.value.hint) == ("newer_dataset", "heapdelta 7.1.0 wrote it and reads it")


def test_what_is_asked_wrongly_is_refused(uploads: Path, tmp_path: Path) -> None:
    with pytest.raises(hd.exceptions.NotFoundError, match="no such file or folder"):
        hd.ingest(tmp_path / "nothing", tmp_path / "data")
    with pytest.raises(hd.exceptions.OptionError, match="expected at least one source"):
        hd.ingest([], tmp_path / "data")
    with pytest.raises(TypeError):
        hd.ingest(b"log", tmp_path / "data")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        hd.ingest(uploads, 5)
    assert not (tmp_path / "data").exists()
    hd.ingest(uploads, tmp_path / "data")
    dataset = hd.open(tmp_path / "data")
    for wrong in (
        lambda: dataset.scan("blocks"),
        lambda: dataset.rank("heap"),  # type: ignore[arg-type]
        lambda: dataset.rank(min_share=2),
        lambda: dataset.case("no such case"),
        lambda: dataset.label("0", "text"),
    ):
        with pytest.raises(hd.exceptions.OptionError):
            wrong()


def test_a_dataset_inside_its_source_is_left_out(uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = uploads.parent / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    hd.ingest("../uploads", "../uploads/data")
    assert hd.ingest("../uploads", "../uploads/data").new_files == 0
    found = hd.ingest("../uploads", "elsewhere")
    assert found.manifest.filter(pl.col("kind") == "dataset")["path"].to_list() == [str(uploads / "data")]
    hd.ingest(uploads, uploads / "data")
    found = hd.ingest(uploads, uploads / "data")
    assert (found.new_files, found.manifest.height) == (0, 1)


def test_an_open_dataset_that_was_compacted_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_batches(monkeypatch, 2)
    hd.ingest(write_tree(tmp_path / "uploads"), tmp_path / "data")
    early = hd.open(tmp_path / "data")
    hd.open(tmp_path / "data").compact()
    with pytest.raises(hd.exceptions.OptionError, match=r"found that .* is gone") as refused:
        early.cases()
    assert refused.value.kind == "changed_dataset"
    hd.ingest(tmp_path / "uploads", tmp_path / "clean")
    assert_equal(hd.open(tmp_path / "data"), hd.open(tmp_path / "clean"))
