"""Archives that are cut, changed, locked, or made to do harm: what can be read is, and the rest is told."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import re
import struct
import tarfile
import zipfile
from typing import TYPE_CHECKING

import heapdelta as hd
import packed
import polars as pl
import pytest
from heapdelta.exceptions import ArchiveError, FormatError, HeapdeltaError
from packed import locked_zip, log, overlapping_zip, raw_zip, streamed_zip, tarred, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANY = [(f"{number}.txt", log(number)) for number in range(1, 6)]


def sizes(batch: hd.Batch) -> list[int]:
    return [int(each.usage["requested_bytes"].sum()) for each in batch]


def write(folder: Path, content: bytes, name: str = "case.zip") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("make", [zipped, streamed_zip], ids=["sizes in front", "sizes behind"])
def test_a_zip_without_its_list_is_read_by_its_headers(make: Callable[..., bytes], tmp_path: Path) -> None:
    whole = make(MANY)
    cut = whole[: whole.index(b"PK\1\2")]
    path = write(tmp_path, cut)
    batch = hd.read_many(path)
    assert sizes(batch) == [1, 2, 3, 4, 5]
    assert batch.failures["kind"].to_list() == ["damaged_archive"]
    assert "the list at its end is missing" in batch.failures["message"].item()
    assert hd.read_log(f"{path}!3.txt").usage["requested_bytes"].sum() == 3


@pytest.mark.parametrize("make", [zipped, streamed_zip], ids=["sizes in front", "sizes behind"])
def test_a_cut_zip_gives_what_is_there(make: Callable[..., bytes], tmp_path: Path) -> None:
    large = log(7) + b"".join(b"64 bytes + 8 at %X by BackTrace1\n" % (0x5000 + 64 * place) for place in range(20_000))
    whole = make([*MANY, ("large.txt", large)])
    place = whole.index(b"large.txt")
    path = write(tmp_path, whole[: place + (whole.index(b"PK\1\2") - place) // 2])
    batch = hd.read_many(path)
    assert sizes(batch)[:5] == [1, 2, 3, 4, 5]
    last = batch.snapshots[5]
    assert 0 < last.byte_count < len(large)
    told = last.issues.filter(last.issues["kind"] == "damaged_archive")
    assert told.height == 1
    assert told["severity"].item() == "error"
    # Alone, it says the same.
    again = hd.read_log(f"{path}!large.txt")
    assert again.usage.equals(last.usage)
    assert "damaged_archive" in again.issues["kind"].to_list()


def test_every_cut_of_every_format_ends_in_an_answer(tmp_path: Path) -> None:
    choose = random.Random(5)
    formats = [
        zipped(MANY),
        streamed_zip(MANY),
        tarred(MANY),
        tarred(MANY, "w:gz"),
        tarred(MANY, "w:xz"),
        packed.mail(MANY),
    ]
    for whole in formats:
        for length in [*choose.sample(range(1, len(whole)), 25), len(whole) - 1]:
            path = write(tmp_path, whole[:length], "cut")
            batch = hd.read_many(path)
            # The last one may be cut itself.
            assert sizes(batch)[:-1] == list(range(1, len(batch)))
            assert len(batch) == 5 or batch.failures.height or any(not each.issues.is_empty() for each in batch)


def test_every_changed_byte_ends_in_an_answer(tmp_path: Path) -> None:
    choose = random.Random(7)
    for whole in (zipped(MANY), streamed_zip(MANY), tarred(MANY, "w:gz"), tarred(MANY, "w:bz2"), tarred(MANY, "w:xz")):
        for _ in range(40):
            changed = bytearray(whole)
            for _ in range(choose.randint(1, 3)):
                changed[choose.randrange(len(changed))] = choose.randrange(256)
            batch = hd.read_many(write(tmp_path, bytes(changed), "changed"))
            assert len(batch) or batch.failures.height
            assert "internal" not in batch.failures["kind"].to_list()


def test_a_wrong_checksum_is_told_and_what_was_there_is_read(tmp_path: Path) -> None:
    whole = bytearray(zipped([("a.txt", log(5))]))
    whole[14] ^= 0xFF
    place = whole.index(b"PK\1\2")
    whole[place + 16] ^= 0xFF
    found = hd.read_log(write(tmp_path, bytes(whole)))
    assert found.usage["requested_bytes"].sum() == 5
    assert found.issues["kind"].to_list() == ["damaged_archive"]
    assert "its checksum is not that of its bytes" in found.issues["text"].item()


@pytest.mark.parametrize("said", [0, 1, 10**6])
def test_a_size_that_lies_loses_nothing(said: int, tmp_path: Path) -> None:
    assert (
        hd.read_log(write(tmp_path, raw_zip([(b"a.txt", log(5))], said_size=said))).usage["requested_bytes"].sum() == 5
    )


def test_a_password_opens_what_is_locked(tmp_path: Path) -> None:
    path = write(tmp_path, locked_zip("a.txt", log(5), b"secret"))
    assert hd.members(path)["kind"].to_list() == ["it is encrypted, and no password was given"]
    assert hd.read_log(path, password="secret").usage["requested_bytes"].sum() == 5
    with pytest.raises(ArchiveError, match="it is encrypted, and no password was given"):
        hd.read(path)
    with pytest.raises(ArchiveError, match="password") as caught:
        hd.read(f"{path}!a.txt")
    assert (caught.value.kind, caught.value.hint) == ("password", "give it with password= (--password)")
    with pytest.raises(ArchiveError, match="the password does not open it"):
        hd.read(f"{path}!a.txt", password="wrong")
    batch = hd.read_many([path], password="wrong")
    assert batch.failures["kind"].to_list() == ["password"]


def test_members_on_the_same_bytes_are_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, overlapping_zip(log(5), 250))
    # What the first of them holds begins like a zip, so it is gone through as well.
    assert hd.members(path)["kind"].to_list().count("its bytes belong to another member, too") == 249


def bomb(depth: int, width: int, kernel: bytes) -> bytes:
    """Archives in archives: the shape of 42.zip."""
    for _ in range(depth):
        kernel = zipped([(f"lib {number}.zip", kernel) for number in range(width)])
    return kernel


def test_archives_in_archives_have_an_end(tmp_path: Path) -> None:
    path = write(tmp_path, bomb(3, 3, zipped([("a.txt", log(1))])))
    assert len(hd.read_many(path)) == 27
    batch = hd.read_many(path, limits=hd.ArchiveLimits(depth=3))
    assert (len(batch), set(batch.failures["kind"])) == (0, {"archive_limit"})
    assert "the limit depth=3 is reached" in batch.failures["message"][0]
    batch = hd.read_many(path, limits=hd.ArchiveLimits(members=20))
    assert 0 < len(batch) < 20
    assert "the limit members=20 is reached" in batch.failures["message"].to_list()[-1]


def test_bytes_have_an_end(tmp_path: Path) -> None:
    large = log(5) + b"\n" * 3_000_000
    path = write(tmp_path, zipped([("large.txt", large), ("b.txt", log(2))]))
    cut = hd.read_many(path, limits=hd.ArchiveLimits(member_bytes=1_000_000))
    assert sizes(cut) == [5, 2]
    assert cut.snapshots[0].issues["kind"].to_list() == ["archive_limit"]
    over = hd.read_many(path, limits=hd.ArchiveLimits(total_bytes=1_000_000))
    assert sizes(over)[0] == 5
    assert "archive_limit" in over.snapshots[0].issues["kind"].to_list()


def test_a_bomb_of_zeros_is_no_log(tmp_path: Path) -> None:
    nested = gzip.compress(gzip.compress(bytes(300 << 20)))
    with pytest.raises(HeapdeltaError):
        hd.read(write(tmp_path, nested))


def test_links_are_told(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("link.txt", tarfile.SYMTYPE), ("hard.txt", tarfile.LNKTYPE)):
            about = tarfile.TarInfo(name)
            about.type, about.linkname = kind, "../../etc/passwd"
            archive.addfile(about)
        about = tarfile.TarInfo("a.txt")
        about.size = len(log(3))
        archive.addfile(about, io.BytesIO(log(3)))
    batch = hd.read_many(write(tmp_path, out.getvalue()))
    assert sizes(batch) == [3]
    assert batch.failures["kind"].to_list() == ["link", "link"]
    assert "it is a link to ../../etc/passwd" in batch.failures["message"][0]


def test_what_a_terminal_would_obey_is_written_out_of_a_link(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        about = tarfile.TarInfo("link.txt")
        about.type, about.linkname = tarfile.SYMTYPE, "a\x1b]0;owned\x07\nb"
        archive.addfile(about)
    path = write(tmp_path, out.getvalue())
    with pytest.raises(ArchiveError) as caught:
        hd.read(f"{path}!link.txt")
    assert str(caught.value).endswith(r"it is a link to a\u{1b}]0;owned\u{7}\nb")
    assert hd.read_many(path).failures["message"].to_list() == [str(caught.value)]


def test_an_archive_of_several_files_is_joined(tmp_path: Path) -> None:
    whole = zipped(MANY)
    third = len(whole) // 3
    for number, part in enumerate((whole[:third], whole[third : 2 * third], whole[2 * third :]), 1):
        write(tmp_path, part, f"case.zip.{number:03}")
    assert sizes(hd.read_many([tmp_path / "case.zip.001"])) == [1, 2, 3, 4, 5]
    (tmp_path / "case.zip.002").unlink()
    first = hd.read_many([tmp_path / "case.zip.001"])
    assert sizes(first)[:1] == [1]
    assert "damaged_archive" in first.failures["kind"].to_list()
    told = [message for message in first.failures["message"] if "its part" in message]
    assert [message.rpartition(": ")[2] for message in told] == ["its part case.zip.002 is missing"]


def test_the_part_that_is_missing_is_named(tmp_path: Path) -> None:
    whole = zipped([("a.txt", log(1)), ("b.txt", os.urandom(4000)), ("c.txt", log(2))])
    size = len(whole) // 4 + 1
    parts = [whole[start : start + size] for start in range(0, len(whole), size)]
    for names in (["a.zip.001", "a.zip.002", "a.zip.003", "a.zip.004"], ["b.z01", "b.z02", "b.z03", "b.zip"]):
        for name, part in zip(names, parts, strict=True):
            write(tmp_path, part, name)
        named = tmp_path / (names[0] if names[0].endswith("001") else names[-1])
        assert sizes(hd.read_many([named])) == [1, 2]
        (tmp_path / names[1]).unlink()
        batch = hd.read_many([named])
        assert batch.failures["path"][0] == str(named)
        assert batch.failures["message"][0].endswith(f"the archive is damaged: its part {names[1]} is missing")
        assert sum(path == str(named) for path in batch.failures["path"]) == 1
        with pytest.raises(ArchiveError, match=f"its part {names[1]} is missing"):
            hd.read(f"{named}!d.txt")


DAMAGE = "its bytes are not as its format says|only its first [0-9]+ bytes can be unpacked|it ends|its checksum is not"

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "zip": lambda content: zipped([("a.txt", content)]),
    "zip of bzip2": lambda content: zipped([("a.txt", content)], zipfile.ZIP_BZIP2),
    "zip of lzma": lambda content: zipped([("a.txt", content)], zipfile.ZIP_LZMA),
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "tar.gz": lambda content: tarred([("a.txt", content)], "w:gz"),
    "tar.xz": lambda content: tarred([("a.txt", content)], "w:xz"),
}


@pytest.mark.parametrize("kind", PACKED)
def test_damage_is_told_in_our_words(kind: str, tmp_path: Path) -> None:
    lines = b"".join(b"%x\n" % number for number in random.Random(1).choices(range(1 << 60), k=5000))
    whole = bytearray(PACKED[kind](log(1) + lines))
    for place in range(len(whole) // 2, len(whole) // 2 + 200):
        whole[place] ^= 0xFF
    path = write(tmp_path, bytes(whole))
    batch = hd.read_many([path])
    issues = [text for each in batch for text in each.issues.filter(pl.col("kind") == "damaged_archive")["text"]]
    told = [*batch.failures["message"], *issues]
    assert told
    assert all(re.search(f"({DAMAGE})[^:]*$", text) for text in told), told


def test_ones_own_zip_is_not_read_for_ever(tmp_path: Path) -> None:
    # Its own name inside of it, and an end that points behind itself.
    whole = bytearray(zipped([("case.zip", zipped([]))]))
    struct.pack_into("<I", whole, len(whole) - 6, 0xFFFFFF)
    with pytest.raises(FormatError):
        hd.read(write(tmp_path, bytes(whole)))


def test_a_limit_is_told_for_all_that_is_left(tmp_path: Path) -> None:
    members = [("readme.txt", b"hello world " * 100), *MANY]
    batch = hd.read_many(write(tmp_path, zipped(members)), limits=hd.ArchiveLimits(total_bytes=1000))
    assert (len(batch), batch.failures["kind"].to_list()[-1]) == (0, "archive_limit")
    assert "the limit total_bytes=1000 is reached" in batch.failures["message"].to_list()[-1]


def test_the_list_of_an_archive_inside_is_not_that_of_a_cut_one(tmp_path: Path) -> None:
    inner = zipped([("old.txt", log(1)), ("older.txt", log(2))])
    whole = zipped([("a.txt", log(3)), ("old.zip", inner), ("b.txt", log(4)), ("last.txt", log(5))], zipfile.ZIP_STORED)
    batch = hd.read_many(write(tmp_path, whole[: whole.index(b"last.txt") + 20]))
    assert sizes(batch) == [3, 1, 2, 4]
    assert batch.failures["kind"].to_list()[-1] == "damaged_archive"
    joined = hd.read_many(write(tmp_path, zipped(MANY[:2]) + zipped(MANY[2:])))
    assert sizes(joined) == [1, 2, 3, 4, 5]
    assert joined.failures["kind"].to_list() == ["damaged_archive"]


def test_an_archive_without_files_is_a_failure(tmp_path: Path) -> None:
    for content in (zipped([]), zipped([("folder/", b"")])):
        batch = hd.read_many([write(tmp_path, content), write(tmp_path, log(1), "a.txt")])
        assert (sizes(batch), batch.failures["kind"].to_list()) == ([1], ["no_member"])


def test_a_cut_mail_gives_what_is_there(tmp_path: Path) -> None:
    large = log(7) + b"".join(b"64 bytes + 8 at %X by BackTrace1\n" % (0x5000 + 64 * place) for place in range(2000))
    whole = packed.mail([("a.txt", log(1)), ("large.txt", large)])
    for length in (len(whole) // 2, len(whole) // 2 + 1, len(whole) // 2 + 2):
        batch = hd.read_many(write(tmp_path, whole[:length], "case.eml"))
        assert sizes(batch)[0] == 1
        assert 0 < batch.snapshots[1].byte_count < len(large)
        assert "it ends before its last part does" in batch.failures["message"].to_list()[-1]


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\n", b"From a@example.com Sun Apr 12 10:20:30 2026\n"])
def test_a_mail_is_one_whatever_is_before_it(before: bytes, tmp_path: Path) -> None:
    many = b"".join(b"X-Long-Header-Name-Of-Some-Filter-%d: %s\n" % (place, b"x" * 70) for place in range(300))
    assert sizes(hd.read_many(write(tmp_path, before + many + packed.mail([("a.txt", log(3))]), "a.eml"))) == [3]


def test_a_tar_tells_its_end(tmp_path: Path) -> None:
    whole = tarred(MANY[:2])
    block = len(whole[: whole.index(b"2.txt")])
    cut = hd.read_many(write(tmp_path, whole[:block], "cut.tar"))
    assert (sizes(cut), cut.failures["kind"].to_list()) == ([1], ["damaged_archive"])
    assert sizes(hd.read_many(write(tmp_path, whole + tarred(MANY[2:]), "joined.tar"))) == [1, 2, 3, 4, 5]


def test_every_file_has_a_path_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path, zipped([("in.zip", zipped([("a.txt", log(1))])), ("in.zip!a.txt", log(2))]))
    batch = hd.read_many(path)
    assert sizes(batch) == [1, 2]
    assert len(set(batch.paths)) == 2
    for name, expected in zip(batch.paths, (1, 2), strict=True):
        assert hd.read_log(name or "").usage["requested_bytes"].sum() == expected


def test_false_headers_cost_little(tmp_path: Path) -> None:
    path = write(tmp_path, b"PK\3\4" * 200_000)
    with pytest.raises(ArchiveError):
        hd.read(path)


def test_many_files_without_a_list_cost_little(tmp_path: Path) -> None:
    whole = zipped([(f"{number}.txt", b"") for number in range(20_000)])
    assert hd.members(write(tmp_path, whole[: whole.index(b"PK\1\2")])).height == 20_001


def test_an_archive_inside_is_named_like_a_file(tmp_path: Path) -> None:
    path = write(tmp_path, zipped([("one.zip", zipped(MANY[:1])), ("many.zip", zipped(MANY)), ("x.txt", log(9))]))
    assert hd.read_log(f"{path}!one.zip").path == f"{path}!one.zip!1.txt"
    assert hd.members(f"{path}!many.zip")["path"].to_list() == [f"{path}!many.zip!{name}" for name, _ in MANY]
    assert sizes(hd.read_many(f"{path}!many.zip")) == [1, 2, 3, 4, 5]
    with pytest.raises(ArchiveError, match=r"found 5: many\.zip!1\.txt"):
        hd.read(f"{path}!many.zip")


def test_a_name_that_is_nearly_right_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, tarred([("./logs/Before.txt", log(1))]), "a.tar")
    with pytest.raises(ArchiveError, match=r'member "logs/before.txt" in the archive, found "./logs/Before'):
        hd.read(f"{path}!logs/before.txt")
    plain = write(tmp_path, log(1), "plain.txt")
    with pytest.raises(ArchiveError, match="expected an archive in front of the !, found another file"):
        hd.read(f"{plain}!x")


def test_what_ended_a_file_early_is_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path, zipped([("a.txt", log(5))]))
    with pytest.raises(ArchiveError, match="the limit member_bytes=150 is reached"):
        hd.read(f"{path}!a.txt", limits=hd.ArchiveLimits(member_bytes=150))


def test_types_of_options_are_checked(tmp_path: Path) -> None:
    path = write(tmp_path, zipped(MANY))
    for read in (hd.read, hd.read_many, hd.members):
        with pytest.raises(TypeError, match="expected a password of text, found bytes"):
            read(path, password=b"secret")  # type: ignore[operator]
        with pytest.raises(TypeError, match="expected limits as ArchiveLimits"):
            read(path, limits={"depth": 1})  # type: ignore[operator]


def test_a_name_with_brackets_is_no_pattern(tmp_path: Path) -> None:
    path = write(tmp_path, zipped([("log[1].txt", log(4))]))
    assert sizes(hd.read_many(f"{path}!log[1].txt")) == [4]


def test_further_parts_of_an_archive_are_no_files_of_their_own(tmp_path: Path) -> None:
    whole = zipped(MANY)
    half = len(whole) // 2
    for name, part in (
        ("a.zip.001", whole[:half]),
        ("a.zip.002", whole[half:]),
        ("b.z01", whole[:half]),
        ("b.zip", whole[half:]),
    ):
        write(tmp_path, part, name)
    write(tmp_path, log(9), "notes.002")
    for sources in (tmp_path, tmp_path / "*"):
        batch = hd.read_many(sources)
        assert sizes(batch) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 9]
        assert batch.failures.is_empty()
