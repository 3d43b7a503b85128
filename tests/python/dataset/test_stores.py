"""Datasets and sources in object stores: in memory, in a folder by obstore, and in a server that speaks S3."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import heapdelta as hd
import obstore
import packed
import polars as pl
import pytest
from heapdelta.dataset import _objects, finish, ingest_batch, plan
from heapdelta.dataset._bucket import Bucket, address_of
from heapdelta.dataset._manifest import within
from heapdelta.dataset._store import Folder, store_of
from heapdelta.exceptions import NotFoundError, OptionError, ReadError
from obstore.store import LocalStore, MemoryStore, S3Store
from small_tree import small_batches
from small_uploads import assert_nothing_twice, assert_same, rows_of, write_plain_tree, write_tree

# Both are made of times and paths, which a copy does not have of the original.
_OF_THE_PLACE = ("capture", "modified")


@pytest.fixture(name="small_batches")
def _small_batches(monkeypatch):
    small_batches(monkeypatch, 4)


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "uploads", 2)


@pytest.fixture(scope="module")
def s3():
    """A server of this process, and a maker of stores in its bucket."""
    if os.name == "nt":
        pytest.skip("the server of S3 is tried on POSIX alone")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    access = {
        "endpoint": f"http://{host}:{port}",
        "region": "us-east-1",
        "access_key_id": "nobody",
        "secret_access_key": "nothing",
    }
    import urllib.request

    request = urllib.request.Request(f"{access['endpoint']}/uploads", method="PUT")
    urllib.request.urlopen(request).close()

    def store(prefix, **more):
        return S3Store("uploads", prefix=prefix, **{**access, **more}, client_options={"allow_http": True})

    yield store
    server.stop()


def upload(tree, store):
    """Copy a tree into a store."""
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            obstore.put(store, path.relative_to(tree).as_posix(), path.read_bytes())


@pytest.mark.parametrize("kind", ["memory", "local", "s3"])
@pytest.mark.usefixtures("small_batches")
def test_a_dataset_in_a_store_is_that_in_a_folder(kind, tree, tmp_path, request):
    hd.ingest(tree, tmp_path / "dataset")
    if kind == "s3":
        store = request.getfixturevalue("s3")("datasets/one")
    else:
        store = MemoryStore() if kind == "memory" else LocalStore(tmp_path / "store", mkdir=True)
    done = hd.ingest(tree, store)
    assert done.new_files == 12
    assert_same(rows_of(tmp_path / "dataset"), rows_of(store))
    assert_nothing_twice(store)
    assert hd.ingest(tree, store).new_files == 0


@pytest.mark.usefixtures("small_batches")
def test_a_dataset_in_a_store_is_compacted_and_stays_the_same(tmp_path):
    tree, store = write_plain_tree(tmp_path / "uploads", 20), MemoryStore()
    hd.ingest(tree, store)
    before = rows_of(store)
    assert hd.open(store).compact() == 5
    assert_nothing_twice(store)
    assert_same(before, rows_of(store))
    assert len(obstore.list_with_delimiter(store, "usage")["objects"]) == 1


@pytest.mark.parametrize("kind", ["memory", "local", "s3"])
@pytest.mark.usefixtures("small_batches")
def test_uploads_in_a_store_are_read_as_those_in_a_folder(kind, tree, tmp_path, request):
    if kind == "s3":
        store = request.getfixturevalue("s3")("incoming/2026")
    else:
        store = MemoryStore() if kind == "memory" else LocalStore(tmp_path / "objects", mkdir=True)
    upload(tree, store)
    hd.ingest(tree, tmp_path / "of files")
    done = hd.ingest(store, tmp_path / "of objects")
    assert done.new_files == 12
    same_names = rows_of(tmp_path / "of objects", called=(address_of(store), str(tree)))
    assert_same(rows_of(tmp_path / "of files"), same_names, without=_OF_THE_PLACE)
    assert hd.ingest(store, tmp_path / "of objects").new_files == 0
    paths = hd.open(tmp_path / "of objects").manifest["path"]
    assert all(path.startswith(address_of(store) + "/case-") for path in paths)
    assert f"{address_of(store)}/case-0/what we sent.zip!b.zip!AFTER.LOG" in paths.to_list()
    assert not hd.open(tmp_path / "of objects").manifest["reason"].str.contains("/proc/|/tmp/[^p]").any()


@pytest.mark.usefixtures("small_batches")
def test_from_bucket_to_bucket_by_processes(tree, tmp_path, s3):
    source, destination = s3("incoming/processes"), s3("datasets/processes")
    upload(tree, source)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert hd.ingest(source, destination, executor=pool).new_files == 12
    hd.ingest(source, tmp_path / "alone")
    assert_same(rows_of(tmp_path / "alone"), rows_of(destination))


def test_addresses_are_stores_whose_keys_are_in_the_environment(tmp_path, s3, monkeypatch):
    store = s3("incoming/by address")
    obstore.put(store, "case-1/before.txt", packed.log(10))
    obstore.put(store, "case.zip", packed.zipped([("before.txt", packed.log(20))]))
    config = store.config
    for name in ("endpoint", "region", "access_key_id", "secret_access_key"):
        monkeypatch.setenv(f"AWS_{name.upper()}", config[name])
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    done = hd.ingest("s3://uploads/incoming/by address", "s3://uploads/datasets/by address")
    assert done.manifest.select("case", "path").rows() == [
        ("case", "s3://uploads/incoming/by address/case.zip"),
        ("case", "s3://uploads/incoming/by address/case.zip!before.txt"),
        ("case-1", "s3://uploads/incoming/by address/case-1/before.txt"),
    ]
    assert hd.open("s3://uploads/datasets/by address").scan("usage").collect().height == 2
    one = hd.ingest("s3://uploads/incoming/by address/case.zip", tmp_path / "one")
    assert one.manifest["path"].to_list() == done.manifest["path"].to_list()[:2]
    with pytest.raises(NotFoundError):
        hd.ingest("s3://uploads/incoming/nobody", tmp_path / "none")


def test_files_and_objects_can_be_sources_together(tmp_path):
    store = MemoryStore()
    obstore.put(store, "case-9/before.txt", packed.log(9))
    tree = write_plain_tree(tmp_path / "uploads", 1)
    done = hd.ingest([tree, store], tmp_path / "dataset")
    assert done.manifest["case"].to_list() == ["case-000", "case-9"]


def test_an_object_that_vanishes_is_denied_or_changes_is_a_failure_and_the_others_are_read(tmp_path, monkeypatch):
    store = MemoryStore()
    for name in ("a", "b", "c", "d"):
        obstore.put(store, f"case/{name}.txt", packed.log(10))
    batch = plan(store, tmp_path / "dataset")[0]
    obstore.delete(store, "case/a.txt")
    obstore.put(store, "case/b.txt", packed.log(11000))
    get = obstore.get

    def denied(where, name):
        if name == "case/c.txt":
            raise obstore.exceptions.PermissionDeniedError("403 Forbidden\n\nmany lines")
        return get(where, name)

    monkeypatch.setattr(obstore, "get", denied)
    ingest_batch(batch, tmp_path / "dataset")
    done = finish(tmp_path / "dataset")
    assert done.manifest.select("path", "outcome", "kind").rows() == [
        ("memory://case/a.txt", "failed", "not_found"),
        ("memory://case/b.txt", "failed", "changed"),
        ("memory://case/c.txt", "failed", "permission"),
        ("memory://case/d.txt", "read", "umdh2"),
    ]
    monkeypatch.undo()
    later = hd.ingest(store, tmp_path / "dataset")
    assert later.new_files == 2
    assert later.failures.is_empty() or later.failures["path"].to_list() == ["memory://case/a.txt"]
    assert later.vanished["path"].to_list() == ["memory://case/a.txt"]


@pytest.mark.parametrize(
    ("root", "begins"),
    [
        ("memory:/", "memory:/"),
        ("s3://bucket/uploads", "s3://bucket/uploads/"),
        ("/srv/uploads", "/srv/uploads/"),
        ("/", "/"),
        (r"C:\uploads", "C:\\uploads\\"),
        ("C:\\", "C:\\"),
    ],
)
def test_what_is_within_a_root_is_told_alike_on_every_system(root, begins):
    assert within(root) == begins


@pytest.mark.skipif(not _objects._NAMELESS, reason="this system has no files without names: see the next test")
def test_an_object_larger_than_the_limit_goes_through_a_file_of_which_nothing_stays(tmp_path, monkeypatch):
    store = MemoryStore()
    obstore.put(store, "case/a.zip", packed.zipped([("a.txt", packed.log(10))]))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    seen = []
    nameless = _objects._nameless

    def looked_at(*, in_memory):
        file = nameless(in_memory=in_memory)
        seen.append((in_memory, list((tmp_path / "temporary").iterdir())))
        return file

    monkeypatch.setattr(_objects, "_nameless", looked_at)
    for memory_bytes in (1, 1000):
        limits = hd.ArchiveLimits(memory_bytes=memory_bytes)
        assert hd.ingest(store, tmp_path / f"dataset {memory_bytes}", limits=limits).count("read") == 1
    assert seen == [(False, []), (True, [])]


def test_where_no_file_is_without_a_name_a_folder_is_cleared_behind_it(tmp_path, tree, monkeypatch):
    store = MemoryStore()
    upload(tree, store)
    monkeypatch.setattr(_objects, "_NAMELESS", False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    hd.ingest(store, tmp_path / "of objects")
    monkeypatch.undo()
    hd.ingest(tree, tmp_path / "of files")
    same_names = rows_of(tmp_path / "of objects", called=(address_of(store), str(tree)))
    assert_same(rows_of(tmp_path / "of files"), same_names, without=_OF_THE_PLACE)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_archive_in_several_objects_is_read_as_one(tmp_path):
    store = MemoryStore()
    whole = packed.zipped([("a.txt", packed.log(10)), ("b.txt", packed.log(20))])
    for number in range(3):
        third = len(whole) // 3 + 1
        obstore.put(store, f"case/all.zip.00{number + 1}", whole[number * third : (number + 1) * third])
    done = hd.ingest(store, tmp_path / "dataset")
    assert sorted(done.manifest["outcome"].to_list()) == ["archive", "part", "part", "read", "read"]


@pytest.mark.usefixtures("small_batches")
def test_two_ingests_at_once_into_one_store_count_everything_once(tree):
    for _ in range(3):
        store, start = MemoryStore(), threading.Barrier(2)

        def ingest(store=store, start=start):
            start.wait()
            return hd.ingest(tree, store, threads=2)

        with ThreadPoolExecutor(2) as both:
            outcomes = [future.result() for future in [both.submit(ingest), both.submit(ingest)]]
        assert_nothing_twice(store)
        alone = MemoryStore()
        hd.ingest(tree, alone)
        assert_same(rows_of(alone), rows_of(store))
        assert outcomes[0].count("read") == outcomes[1].count("read")


@pytest.mark.parametrize("kind", ["memory", "local", "s3", "folder"])
def test_the_first_writer_of_a_name_decides(kind, tmp_path, request):
    if kind == "folder":
        place = Folder(str(tmp_path))
    elif kind == "s3":
        place = Bucket(request.getfixturevalue("s3")("names"), "s3://uploads/names")
    else:
        place = Bucket(MemoryStore() if kind == "memory" else LocalStore(tmp_path), "a place")
    assert place.put_new("manifest/a", b"first")
    assert not place.put_new("manifest/a", b"second")
    assert place.get("manifest/a") == b"first"
    place.put("manifest/a", b"third")
    assert (place.get("manifest/a"), place.has("manifest/a"), place.has("manifest/b")) == (b"third", True, False)
    assert (place.folders(), place.names("manifest"), place.names()) == (["manifest"], ["a"], [])
    place.delete("manifest/a")
    place.delete("manifest/a")
    assert place.get("manifest/a") is None


def test_a_store_with_other_things_in_it_is_refused(tree):
    store = MemoryStore()
    obstore.put(store, "photos/1.jpg", b"x")
    with pytest.raises(OptionError) as caught:
        hd.ingest(tree, store)
    assert caught.value.kind == "not_a_dataset"


def test_a_store_in_memory_cannot_go_to_other_processes_and_no_file_is_blamed(tree):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(OptionError) as caught:
        hd.ingest(tree, MemoryStore(), executor=pool)
    assert caught.value.hint == "a store in memory is for threads of this process"


def test_a_part_that_is_gone_is_an_error_and_not_fewer_rows(tree):
    store = MemoryStore()
    hd.ingest(tree, store)
    opened = hd.open(store)
    for each in obstore.list_with_delimiter(store, "usage")["objects"]:
        obstore.delete(store, each["path"])
    with pytest.raises(ReadError):
        opened.scan("usage")


def test_a_bucket_that_nobody_answers_for_is_an_error_in_one_line(tmp_path):
    store = S3Store(
        "b",
        endpoint="http://127.0.0.1:9",
        region="us-east-1",
        skip_signature=True,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    with pytest.raises(ReadError) as caught:
        hd.ingest(store, tmp_path / "dataset")
    assert "\n" not in str(caught.value)
    assert not Path(tmp_path, "dataset").exists()


def test_an_address_that_obstore_does_not_know_is_an_option_error():
    with pytest.raises(OptionError):
        store_of("nope://x")


def test_a_file_address_is_a_folder(tree, tmp_path):
    hd.ingest(tree.as_uri(), (tmp_path / "data set").as_uri())
    assert isinstance(hd.open(tmp_path / "data set").scan("usage"), pl.LazyFrame)
    assert hd.open(tmp_path / "data set").cases().height == 2


def test_without_deltalake_the_hint_says_what_to_install(tree, tmp_path, monkeypatch):
    hd.ingest(tree, tmp_path / "dataset")
    monkeypatch.setitem(sys.modules, "deltalake", None)
    monkeypatch.delitem(sys.modules, "deltalake.exceptions", raising=False)
    with pytest.raises(OptionError) as caught:
        hd.open(tmp_path / "dataset").to_delta(tmp_path / "delta")
    assert caught.value.hint == "pip install deltalake"
