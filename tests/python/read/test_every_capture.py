"""A file of many captures, read for all of them at once: each as `read` with its number gives it."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta._read.one import read_every
from heapdelta.exceptions import HeapdeltaError
from packed import log, tarred, zipped
from polars.testing import assert_frame_equal

COMPARISON = (
    b"+     64 (    640 -    576)      2 allocs\tBackTrace00053\n"
    b"+     1 (     3 -      2)\tBackTrace00053\tallocations\n"
)
FAILED = b"UMDH: Logtime 2012-04-30 12:20 - Machine=WEB01 - PID=1000\nUnable to open the process\n"
LONG = log(77).replace(b"\n", b"\r\n") + log(3) * 40
FILES = {
    "two": log(5) + log(6),
    "long": LONG,
    "one": log(5),
    "comparison-between": log(5) + COMPARISON + log(6),
    "failed-between": log(5) + FAILED + log(6),
    "utf-16": (log(5) + log(6) + log(7)).decode().encode("utf-16"),
}


def expected(path: str) -> list[hd.Snapshot | hd.Comparison | hd.Dump | HeapdeltaError]:
    found: list[hd.Snapshot | hd.Comparison | hd.Dump | HeapdeltaError] = []
    while True:
        try:
            found.append(hd.read(path, capture=len(found) + 1))
        except HeapdeltaError as error:
            if error.kind == "no_such_capture":
                return found
            found.append(error)


def every(path: str) -> list[object]:
    return list(
        read_every(path, blocks=True, encoding=None, password=None, limits=None, progress=lambda _done, _total: None)
    )


@pytest.mark.parametrize("packing", ["plain", "zip", "tar.gz", "cut.zip"])
@pytest.mark.parametrize("name", FILES)
def test_every_capture_is_what_its_number_gives(name: str, packing: str, tmp_path: Path) -> None:
    content = FILES[name]
    path = tmp_path / f"{name}.{packing}"
    packed = {
        "plain": content,
        "zip": zipped([("other.txt", log(1)), ("it.txt", content)]),
        "tar.gz": tarred([("it.txt", content)], "w:gz"),
        "cut.zip": zipped([("it.txt", content + log(9) * 500)])[:-400],
    }[packing]
    path.write_bytes(packed)
    place = str(path) if packing == "plain" else f"{path}!it.txt"
    theirs, mine = expected(place), every(place)
    assert len(mine) == len(theirs) >= 1
    for one, other in zip(mine, theirs, strict=True):
        if isinstance(other, HeapdeltaError):
            assert (type(one), str(one)) == (type(other), str(other))
            continue
        assert isinstance(one, type(other))
        assert (one.path, one.byte_count, one.line_counts) == (other.path, other.byte_count, other.line_counts)  # type: ignore[attr-defined]
        for table in other._names:
            assert_frame_equal(pl.DataFrame(one.arrow(table)), pl.DataFrame(other.arrow(table)))  # type: ignore[attr-defined]


def test_what_is_no_log_is_said_as_read_says_it(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"ID3\x04 a song")
    with pytest.raises(HeapdeltaError) as theirs:
        hd.read(path)
    with pytest.raises(HeapdeltaError) as mine:
        every(str(path))
    assert str(mine.value) == str(theirs.value)
