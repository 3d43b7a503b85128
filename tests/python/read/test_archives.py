"""Archives: each format, archives in archives, names, and which file is meant."""

from __future__ import annotations

import gzip
import io
import os
import struct
import sys
import threading
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import heapdelta as hd
import packed
import polars as pl
import pytest
from heapdelta.exceptions import ArchiveError, FormatError, OptionError
from packed import locked_zip, log, mail, raw_zip, streamed_zip, tarred, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapdelta._read.source import Source

BEFORE, AFTER = log(100), log(900, taken="2012-04-30 13:09")
TWO = [("logs/before.txt", BEFORE), ("logs/after.txt", AFTER)]


def size(capture: hd.Snapshot | hd.Dump | hd.Comparison) -> int:
    assert isinstance(capture, hd.Snapshot)
    return int(capture.usage["requested_bytes"].sum())


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


FORMATS = {
    "zip": zipped,
    "stored": lambda members: zipped(members, zipfile.ZIP_STORED),
    "bzip2": lambda members: zipped(members, zipfile.ZIP_BZIP2),
    "lzma": lambda members: zipped(members, zipfile.ZIP_LZMA),
    "streamed": streamed_zip,
    "tar": tarred,
    "tar.gz": lambda members: tarred(members, "w:gz"),
    "tar.bz2": lambda members: tarred(members, "w:bz2"),
    "tar.xz": lambda members: tarred(members, "w:xz"),
    "mail": mail,
    "zip in a zip": lambda members: zipped([("in/ner.zip", zipped(members))]),
    "zip in a mail": lambda members: mail([("case.zip", zipped(members))]),
    "tar.gz in a zip in a tar": lambda members: tarred([("a.zip", zipped([("b.tgz", tarred(members, "w:gz"))]))]),
    "behind a program": lambda members: b"MZ" + bytes(5000) + zipped(members),
    "behind a script": lambda members: b"#!/bin/sh\nexec unzip $0\n" * 3000 + zipped(members),
    "behind bytes": lambda members: b"\0\xff" + zipped(members),
    "with a comment": lambda members: zipped(members)[:-2] + b"\x05\x00hello",
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_of_every_format_is_listed_and_read(name: str, tmp_path: Path) -> None:
    # No name tells what it is.
    path = write(tmp_path, "upload.dat", FORMATS[name]([("readme.txt", b"hello"), *TWO, ("empty.txt", b"")]))
    listed = hd.members(path)
    ours = listed.filter("readable")
    assert [label.rsplit("!", 1)[1] for label in ours["path"]] == ["logs/before.txt", "logs/after.txt"]
    assert ours["kind"].to_list() == ["umdh2", "umdh2"]
    assert listed.filter(pl.col("path").str.ends_with("readme.txt"))["kind"].to_list() == [
        'text that starts with "hello"'
    ]
    assert listed.filter(pl.col("path").str.ends_with("empty.txt"))["kind"].to_list() == ["an empty file"]
    for label, expected in zip(ours["path"], (BEFORE, AFTER), strict=True):
        found = hd.read_log(label)
        plain = hd.read_log(expected)
        assert found.path == label
        assert found.byte_count == len(expected)
        for table in ("allocations", "usage", "stacks", "frames", "modules", "heaps", "sections", "issues"):
            assert getattr(found, table).equals(getattr(plain, table)), table
    with pytest.raises(
        ArchiveError, match=r"expected an archive of one .*, found 2: .*before\.txt \(umdh2\)"
    ) as caught:
        hd.read(path)
    assert caught.value.kind == "many_members"
    assert "case.zip!before.txt" in (caught.value.hint or "")
    batch = hd.read_many(path)
    assert [size(each) for each in batch] == [100, 900]
    assert len(batch.paths) == listed.height
    assert set(batch.failures["kind"]) == {"not_a_log", "empty"}


@pytest.mark.parametrize("end", packed.COMPRESSED)
def test_a_compressed_file_is_the_file(end: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"before.txt.{end}", packed.COMPRESSED[end](BEFORE))
    found = hd.read_log(path)
    assert size(found) == 100
    assert found.path == str(path)
    assert hd.members(path)["path"].to_list() == [str(path)]
    inside = write(tmp_path, "case.zip", zipped([("a.txt." + end, packed.COMPRESSED[end](AFTER))]))
    assert size(hd.read(inside)) == 900
    assert hd.members(inside)["path"].to_list() == [f"{inside}!a.txt.{end}"]


def test_an_archive_of_one_log_is_read_as_that(tmp_path: Path) -> None:
    content = zipped([("notes/readme.txt", b"hello"), ("logs/before.txt", BEFORE)])
    path = write(tmp_path, "case.zip", content)
    found = hd.read_log(path)
    assert size(found) == 100
    assert found.path == f"{path}!logs/before.txt"
    assert size(hd.read(content)) == 100
    assert size(hd.read(io.BytesIO(content))) == 100


def test_a_file_of_an_archive_is_named_behind_an_exclamation_mark(tmp_path: Path) -> None:
    path = write(tmp_path, "ca!se.zip", zipped([("lo!gs\\before.txt", BEFORE), ("x.zip", zipped(TWO))]))
    assert size(hd.read(f"{path}!lo!gs/before.txt")) == 100
    assert size(hd.read(f"{path}!lo!gs\\before.txt")) == 100
    assert size(hd.read(Path(f"{path}!x.zip!logs/after.txt"))) == 900
    with pytest.raises(ArchiveError, match=r'expected the member "nope" in the archive, found none') as caught:
        hd.read(f"{path}!nope")
    assert caught.value.kind == "no_such_member"
    # A file of that very name comes first.
    write(tmp_path, "case.zip", zipped(TWO))
    assert size(hd.read(write(tmp_path, "case.zip!logs", AFTER))) == 900


def test_members_of_one_name_are_all_there(tmp_path: Path) -> None:
    members = [("same.txt", log(1)), ("same.txt", log(2)), ("SAME.txt", log(3)), ("same.txt#2", log(4))]
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write(tmp_path, "case.zip", zipped(members))
    batch = hd.read_many(path)
    assert [size(each) for each in batch] == [1, 2, 3, 4]
    names = [(each.path or "").rsplit("!", 1)[1] for each in batch]
    assert names == ["same.txt", "same.txt#2", "SAME.txt", "same.txt#2#2"]
    for label, expected in zip(names, (1, 2, 3, 4), strict=True):
        assert size(hd.read(f"{path}!{label}")) == expected


@pytest.mark.parametrize(
    ("raw", "encoding", "shown"),
    [
        ("größe.txt".encode(), None, "größe.txt"),
        ("größe.txt".encode("cp437"), None, "größe.txt"),
        ("größe.txt".encode("cp850"), "cp1252", "größe.txt"),
        ("до.txt".encode("cp866"), "cp1251", "до.txt"),
        ("ログ.txt".encode("cp932"), "cp932", "ログ.txt"),
        ("日志.txt".encode("gbk"), "gbk", "日志.txt"),
        (b"\xff\xfe\x80.txt", None, "\xa0■Ç.txt"),
    ],
)
def test_names_are_read_by_the_code_page_of_dos(raw: bytes, encoding: str | None, shown: str, tmp_path: Path) -> None:
    path = write(tmp_path, "case.zip", raw_zip([(raw, BEFORE)]))
    assert hd.members(path, encoding=encoding)["path"].to_list() == [f"{path}!{shown}"]
    assert size(hd.read(f"{path}!{shown}", encoding=encoding)) == 100


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "/etc/evil.txt", "C:\\evil.txt", "CON", "a\x1b[2Jb.txt", "..\\up.txt"]
)
def test_a_name_is_a_label_and_no_place(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    path = write(folder, "case.zip", raw_zip([(name.encode(), BEFORE)]))
    label = name.replace("\\", "/")
    assert [size(each) for each in hd.read_many(path)] == [100]
    assert size(hd.read(f"{path}!{label}")) == 100
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "deep", folder, path]


def test_times_are_those_of_the_archive(tmp_path: Path) -> None:
    in_zip = hd.members(write(tmp_path, "a.zip", zipped(TWO)))["modified"]
    assert [str(each) for each in in_zip] == ["2026-04-12 10:20:30"] * 2
    for content in (tarred(TWO), tarred(TWO, "w:gz"), mail(TWO)):
        found = hd.members(write(tmp_path, "b", content)).filter("readable")["modified"]
        assert [str(each)[:10] for each in found] == ["2026-04-12"] * 2
    gz = io.BytesIO()
    with gzip.GzipFile(fileobj=gz, mode="wb", mtime=1_775_988_030) as file:
        file.write(BEFORE)
    assert str(hd.members(write(tmp_path, "c.gz", gz.getvalue()))["modified"].item())[:10] == "2026-04-12"


PADDING = {"nothing": b"", "zeros": bytes(20_000), "ends of lines": b"\r\n\r\n", "zeros that fill no block": bytes(700)}


@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("end", packed.COMPRESSED)
def test_a_compressed_file_has_parts_and_padding_behind_it(end: str, padding: str, tmp_path: Path) -> None:
    compress, half = packed.COMPRESSED[end], len(BEFORE) // 2
    parts = compress(BEFORE[:half]) + compress(b"") + compress(BEFORE[half:])
    # Between and behind the parts of an .xz file there are zeros by fours alone.
    padding_bytes = PADDING[padding] if end != "xz" else bytes(len(PADDING[padding]) // 4 * 4)
    found = hd.read_log(write(tmp_path, f"a.{end}", parts + padding_bytes))
    assert (size(found), found.issues.height) == (100, 0)


@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize("name", ["zip", "with a comment", "tar.gz", "zip in a zip"])
def test_padding_behind_an_archive_is_nothing(name: str, padding: str) -> None:
    batch = hd.read_many([FORMATS[name](TWO) + PADDING[padding]])
    assert [size(each) for each in batch] == [100, 900]
    assert batch.failures.is_empty()


@pytest.mark.parametrize("zeros", [512, 700, 20_000])
def test_a_tar_ends_in_zeros(zeros: int) -> None:
    batch = hd.read_many([tarred(TWO) + bytes(zeros)])
    assert [size(each) for each in batch] == [100, 900]
    assert batch.failures.is_empty()


@pytest.mark.parametrize("name", ["zip", "with a comment", "streamed", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_what_is_behind_an_archive_is_told(name: str) -> None:
    batch = hd.read_many([FORMATS[name](TWO) + bytes(10_000) + AFTER])
    assert [size(each) for each in batch] == [100, 900]
    assert batch.failures["kind"].to_list() == ["damaged_archive"]


@pytest.mark.parametrize("end", packed.COMPRESSED)
def test_what_is_behind_a_compressed_file_is_told(end: str, tmp_path: Path) -> None:
    found = hd.read_log(write(tmp_path, f"a.{end}", packed.COMPRESSED[end](BEFORE) + bytes(10_000) + AFTER))
    assert size(found) == 100
    assert found.issues["kind"].to_list() == ["damaged_archive"]


def test_the_signature_of_a_program_is_behind_its_members(tmp_path: Path) -> None:
    signed = write(tmp_path, "setup.exe", b"MZ" + bytes(5000) + zipped(TWO) + b"\x30\x82" * 500)
    assert hd.read_many([signed]).failures.is_empty()


def test_a_dump_in_an_archive_is_a_dump(tmp_path: Path) -> None:
    dump = tmp_path / "app.dmp"
    hd.testing.write_dump(dump)
    path = write(tmp_path, "case.zip", zipped([("app.dmp", dump.read_bytes())]))
    plain = hd.read_dump(dump)
    for limits in (None, hd.ArchiveLimits(memory_bytes=4096)):
        found = hd.read_dump(path, limits=limits)
        assert found.modules.equals(plain.modules)
        assert found.regions.equals(plain.regions)
        assert found.byte_count == plain.byte_count
    with pytest.raises(FormatError):
        hd.read_log(b"MDMP")


def test_archives_are_among_many_files(tmp_path: Path) -> None:
    write(tmp_path, "1.txt", log(1))
    write(tmp_path, "2.zip", zipped([("b.txt", log(2)), ("c.txt", log(3))]))
    write(tmp_path, "4.gz", gzip.compress(log(4)))
    write(tmp_path, "5.txt", b"hello")
    seen: list[tuple[int, int]] = []
    batch = hd.read_many(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert [size(each) for each in batch] == [1, 2, 3, 4]
    names = [None if path is None else Path(path).name for path in batch.paths]
    assert names == ["1.txt", "2.zip!b.txt", "2.zip!c.txt", "4.gz", "5.txt"]
    assert batch.failures["position"].to_list() == [4]
    assert (seen[0], seen[-1]) == ((0, 4), (4, 4))


def test_what_is_no_archive_has_no_files(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="expected an archive, found another file") as caught:
        hd.members(write(tmp_path, "a.txt", BEFORE))
    assert caught.value.kind == "not_an_archive"
    with pytest.raises(FormatError, match="found a Windows program or library"):
        hd.read(write(tmp_path, "a.exe", b"MZ" + bytes(70000)))
    with pytest.raises(FormatError, match="RAR"):
        hd.read(write(tmp_path, "a.rar", b"Rar!\x1a\x07\x01\0" + bytes(100)))


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "9", 2**64])
def test_a_limit_is_a_whole_number(wrong: object) -> None:
    with pytest.raises(OptionError, match="expected a whole number from 1 for members"):
        hd.ArchiveLimits(members=wrong)  # type: ignore[arg-type]


def test_a_name_in_unicode_beside_one_of_a_code_page_counts(tmp_path: Path) -> None:
    about = zipfile.ZipInfo("?????.txt")
    name = "журнал.txt".encode()
    field = struct.pack("<BI", 1, zlib.crc32(b"?????.txt")) + name
    about.extra = struct.pack("<HH", 0x7075, len(field)) + field
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(about, BEFORE)
    path = write(tmp_path, "case.zip", out.getvalue())
    assert size(hd.read(f"{path}!журнал.txt")) == 100


class Upload(io.BytesIO):
    name = "upload.dat"


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "memoryview", "file", "nameless file"])
def test_an_archive_that_is_no_path_is_its_files_as_well(kind: str) -> None:
    packed = zipped([("a.txt", log(1)), ("in.zip", zipped([("b.txt", log(2))])), ("readme.txt", b"hello")])
    makes: dict[str, Callable[[], Source]] = {
        "bytes": lambda: packed,
        "bytearray": lambda: bytearray(packed),
        "memoryview": lambda: memoryview(packed),
        "file": lambda: Upload(packed),
        "nameless file": lambda: io.BytesIO(packed),
    }
    name = Upload.name if kind == "file" else "<bytes>"
    batch = hd.read_many([log(9), makes[kind](), gzip.compress(log(3)), b"hello"])
    assert [size(each) for each in batch] == [9, 1, 2, 3]
    assert batch.paths == [None, f"{name}!a.txt", f"{name}!in.zip!b.txt", f"{name}!readme.txt", None, None]
    assert [each.path for each in batch] == [None, f"{name}!a.txt", f"{name}!in.zip!b.txt", None]
    assert batch.failures.select("position", "path", "kind").rows() == [
        (3, f"{name}!readme.txt", "not_a_log"),
        (5, None, "not_a_log"),
    ]
    with pytest.raises(FormatError, match=r"!readme\.txt: expected a heap log"):
        hd.read_many([makes[kind]()], on_error="raise")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_a_pipe_is_read_once_whatever_comes_out_of_it(tmp_path: Path) -> None:
    contents = [zipped(TWO), log(5), b"hello", gzip.compress(log(6))]
    pipes = [tmp_path / f"{number}.pipe" for number in range(len(contents))]

    def feed(pipe: Path, content: bytes) -> None:
        with pipe.open("wb") as file:
            file.write(content)

    threads = []
    for pipe, content in zip(pipes, contents, strict=True):
        os.mkfifo(pipe)
        threads.append(threading.Thread(target=feed, args=(pipe, content)))
        threads[-1].start()
    batch = hd.read_many(pipes)
    for thread in threads:
        thread.join()
    assert [size(each) for each in batch] == [100, 900, 5, 6]
    assert batch.paths == [f"{pipes[0]}!logs/before.txt", f"{pipes[0]}!logs/after.txt", *map(str, pipes[1:])]
    assert batch.failures["kind"].to_list() == ["not_a_log"]


def test_a_locked_archive_in_an_archive_is_found_with_the_password(tmp_path: Path) -> None:
    path = write(tmp_path, "case.zip", locked_zip("in.zip", zipped([("b.txt", log(2))]), b"secret"))
    batch = hd.read_many([f"{path}!in.zip"], password="secret")
    assert [size(each) for each in batch] == [2]
    assert batch.paths == [f"{path}!in.zip!b.txt"]


def test_a_log_is_a_log_whatever_is_behind_it(tmp_path: Path) -> None:
    both = BEFORE + zipped([("a.txt", AFTER)])
    path = write(tmp_path, "a.txt", both)
    for source in (path, both):
        assert size(hd.read(source)) == 100
        assert [size(each) for each in hd.read_many([source])] == [100]
        with pytest.raises(ArchiveError, match="expected an archive, found another file"):
            hd.members(source)


def test_a_zip_before_other_bytes_is_not_taken_for_the_file(tmp_path: Path) -> None:
    # What ends in other bytes is another format that keeps a zip, of which it is not known what else it holds.
    with pytest.raises(FormatError):
        hd.read(write(tmp_path, "a.dat", b"\0\xff" + zipped([("a.txt", BEFORE)]) + b"end"))


@pytest.mark.skipif(sys.platform != "linux", reason="paths are bytes")
def test_the_path_of_an_archive_need_not_be_text(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/gr\xf6\xdfe.zip")
    Path(path).write_bytes(zipped([*TWO, ("in.zip", zipped([("b.txt", log(2))]))]))
    assert size(hd.read(f"{path}!logs/before.txt")) == 100
    assert size(hd.read(f"{path}!in.zip")) == 2
    with pytest.raises(ArchiveError, match=r'expected the member "x\.txt" in the archive'):
        hd.read(f"{path}!x.txt")
    batch = hd.read_many(path)
    assert batch.paths == [f"{path}!logs/before.txt", f"{path}!logs/after.txt", f"{path}!in.zip!b.txt"]
    assert [size(hd.read(each)) for each in batch.paths if each] == [100, 900, 2]
    assert hd.members(path)["path"].to_list()[0].endswith("gr\ufffd\ufffde.zip!logs/before.txt")
