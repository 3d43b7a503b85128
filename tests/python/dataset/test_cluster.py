"""The same dataset on many machines: Dask's workers, processes, and what becomes of work whose worker dies."""

from __future__ import annotations

import os
import pickle
import signal
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta.dataset import _ingest, _scheduler, finish, ingest_batch, plan
from heapdelta.dataset._layout import MARK
from heapdelta.dataset._scheduler import executor_at
from heapdelta.dataset._work import Work
from heapdelta.exceptions import NotFoundError, OptionError
from small_tree import small_batches
from small_uploads import assert_nothing_twice, assert_same, rows_of, write_plain_tree, write_tree
from small_workers import Through, deadly, killed_once, without_package

OF_DASK = "workers of Dask are tried on POSIX alone"


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes; a task whose worker dies twice is given up."""
    if os.name == "nt":
        pytest.skip(OF_DASK)
    import dask
    from distributed import Client, LocalCluster

    quiet = {"distributed.scheduler.allowed-failures": 1, "distributed.admin.system-monitor.gil.enabled": False}
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with dask.config.set(quiet), LocalCluster(**options, silence_logs=50) as workers, Client(workers) as client:
        yield client


@pytest.fixture(name="small_batches")
def _small_batches(monkeypatch):
    small_batches(monkeypatch, 3)


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "uploads")


@pytest.mark.usefixtures("small_batches")
def test_workers_of_a_cluster_make_the_dataset_that_threads_make(cluster, tree, tmp_path):
    alone = hd.ingest(tree, tmp_path / "alone")
    spread = hd.ingest(tree, tmp_path / "spread", executor=cluster.get_executor(retries=3))
    assert spread.new_files == alone.new_files == 36
    assert_same(rows_of(tmp_path / "alone"), rows_of(tmp_path / "spread"))
    assert hd.ingest(tree, tmp_path / "spread").new_files == 0


def test_an_address_gives_the_workers(cluster, tree, tmp_path):
    with executor_at(cluster.scheduler.address) as executor:
        hd.ingest(tree, tmp_path / "dataset", executor=executor)
    assert hd.open(tmp_path / "dataset").cases().height == 6


@pytest.mark.usefixtures("small_batches")
def test_a_worker_that_is_killed_in_the_middle_costs_nothing(cluster, tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 60)
    hd.ingest(tree, tmp_path / "alone")
    killed = []

    def kill(progress):
        if progress.files >= 15 and not killed:
            killed.append(next(iter(cluster.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    hd.ingest(tree, tmp_path / "spread", executor=cluster.get_executor(retries=3), progress=kill)
    assert killed
    assert_nothing_twice(tmp_path / "spread")
    assert_same(rows_of(tmp_path / "alone"), rows_of(tmp_path / "spread"))


@pytest.mark.usefixtures("small_batches")
def test_a_batch_that_was_written_before_its_worker_died_counts_once(cluster, tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 12)
    executor = Through(cluster.get_executor(retries=3), killed_once, str(tmp_path / "flag"))
    hd.ingest(tree, tmp_path / "dataset", executor=executor)
    assert (tmp_path / "flag").exists()
    assert_nothing_twice(tmp_path / "dataset")
    assert hd.open(tmp_path / "dataset").manifest.height == 12


@pytest.mark.usefixtures("small_batches")
def test_a_file_that_no_worker_lives_through_is_noted_and_the_others_are_read(cluster, tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 5)
    (tree / "case-001" / "poison.txt").write_bytes(b"x")
    done = hd.ingest(tree, tmp_path / "dataset", executor=Through(cluster.get_executor(retries=3), deadly))
    assert done.count("read") == 5
    assert done.failures.select("case", "kind").rows() == [("case-001", "killed_worker")]
    assert "none lived through it" in done.failures["reason"][0]
    # It may have been the machine: the next run tries again.
    again = hd.ingest(tree, tmp_path / "dataset")
    assert (again.new_files, again.failures.height) == (1, 0)


@pytest.mark.usefixtures("small_batches")
def test_processes_make_the_dataset_that_threads_make(tree, tmp_path):
    hd.ingest(tree, tmp_path / "alone")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        hd.ingest(tree, tmp_path / "spread", executor=pool)
    assert_same(rows_of(tmp_path / "alone"), rows_of(tmp_path / "spread"))


def test_relative_paths_mean_the_same_in_a_worker_elsewhere(tmp_path, monkeypatch):
    tree = write_plain_tree(tmp_path / "uploads", 3)
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        moved = Through(pool, lambda task, *arguments: (os.chdir("/"), task(*arguments))[1])
        assert hd.ingest("uploads", "dataset", executor=moved).count("read") == 3
    assert {Path(path).parents[1] for path in hd.open(tmp_path / "dataset").manifest["path"]} == {tree}


@pytest.mark.usefixtures("small_batches")
def test_a_broken_pool_is_an_error_with_a_hint_and_the_next_run_goes_on(tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 9)
    (tree / "case-004" / "poison.txt").write_bytes(b"x")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(OptionError) as caught:
        hd.ingest(tree, tmp_path / "dataset", executor=Through(pool, deadly))
    assert caught.value.kind == "executor"
    assert "the next run goes on" in str(caught.value.hint)
    assert_nothing_twice(tmp_path / "dataset")
    there = hd.open(tmp_path / "dataset").manifest.height
    rest = hd.ingest(tree, tmp_path / "dataset")
    assert rest.known_files == there
    assert rest.count("read") == 9


def test_workers_without_the_package_are_told_of_and_no_file_is_blamed(tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 3)
    with ThreadPoolExecutor(1) as pool, pytest.raises(OptionError) as caught:
        hd.ingest(tree, tmp_path / "dataset", executor=Through(pool, without_package))
    assert caught.value.hint == "install the same heapdelta on all machines"
    assert hd.open(tmp_path / "dataset").manifest.is_empty()


def test_an_executor_that_loses_its_cluster_is_an_error(tmp_path):
    class Lost(ThreadPoolExecutor):
        def submit(self, *_arguments):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    tree = write_plain_tree(tmp_path / "uploads", 3)
    with Lost(1) as pool, pytest.raises(OptionError) as caught:
        hd.ingest(tree, tmp_path / "dataset", executor=pool)
    assert caught.value.kind == "executor"


def test_a_worker_that_does_not_see_the_dataset_writes_nothing(tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 1)
    batch = plan(tree)[0]
    with pytest.raises(NotFoundError):
        ingest_batch(batch, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_worker_of_another_version_is_refused(tmp_path, monkeypatch):
    tree = write_plain_tree(tmp_path / "uploads", 1)
    batch = plan(tree, tmp_path / "dataset")[0]
    monkeypatch.setattr("heapdelta.dataset._batch.__version__", "9.9.9")
    with pytest.raises(OptionError) as caught:
        ingest_batch(batch, tmp_path / "dataset")
    assert caught.value.hint == "install the same heapdelta on all machines"


@pytest.mark.usefixtures("small_batches")
def test_the_three_functions_make_what_one_call_makes(tree, tmp_path):
    hd.ingest(tree, tmp_path / "alone")
    batches = pickle.loads(pickle.dumps(plan(tree, tmp_path / "spread")))
    assert len(batches) == 12
    for batch in [*reversed(batches), batches[0]]:
        ingest_batch(batch, tmp_path / "spread")
    done = finish(tmp_path / "spread")
    assert done.count("archive") == 12
    assert plan(tree, tmp_path / "spread") == []
    assert_same(rows_of(tmp_path / "alone"), rows_of(tmp_path / "spread"))


def test_the_second_run_of_a_task_changes_nothing_even_if_its_file_did(tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 2)
    batch = plan(tree, tmp_path / "dataset")[0]
    first = ingest_batch(batch, tmp_path / "dataset")
    before = rows_of(tmp_path / "dataset")
    (tree / "case-000" / "before.txt").write_bytes(b"something else now")
    # One that was at it already: it does not look whether the batch is there.
    late = Work(batch, _ingest.store_of(tmp_path / "dataset"))
    late.read(list(batch.inputs), is_archive=False)
    late.commit()
    assert ingest_batch(batch, tmp_path / "dataset") == first
    assert_same(before, rows_of(tmp_path / "dataset"))
    assert_nothing_twice(tmp_path / "dataset")


def test_a_stray_task_whose_parts_were_swept_writes_them_again(tmp_path, monkeypatch):
    """A coordinator died; another swept what it took for leftovers; then the first one's task commits."""
    tree = write_plain_tree(tmp_path / "uploads", 2)
    batch = plan(tree, tmp_path / "dataset")[0]
    commit, swept = Work.commit, []

    def sweep_first(work, **options):
        if not swept:
            swept.extend(part.unlink() for part in (tmp_path / "dataset").glob("*/*.parquet"))
        commit(work, **options)

    monkeypatch.setattr(Work, "commit", sweep_first)
    ingest_batch(batch, tmp_path / "dataset")
    assert swept
    assert_nothing_twice(tmp_path / "dataset")
    hd.ingest(tree, tmp_path / "alone")
    assert_same(rows_of(tmp_path / "alone"), rows_of(tmp_path / "dataset"))


@pytest.mark.usefixtures("small_batches")
def test_a_stray_task_that_commits_after_its_files_were_read_anew_does_not_double_them(tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 4)
    stray = plan(tree, tmp_path / "dataset")
    (tree / "case-0000").mkdir()
    (tree / "case-0000" / "before.txt").write_bytes(b"shifts every batch by one")
    hd.ingest(tree, tmp_path / "dataset")
    before = rows_of(tmp_path / "dataset")
    for batch in stray:
        ingest_batch(batch, tmp_path / "dataset")
    assert_nothing_twice(tmp_path / "dataset")
    finish(tmp_path / "dataset")
    assert_nothing_twice(tmp_path / "dataset")
    assert_same(before, rows_of(tmp_path / "dataset"))


@pytest.mark.skipif(os.name == "nt", reason=OF_DASK)
def test_nobody_at_the_address_is_said_within_seconds(monkeypatch):
    monkeypatch.setattr(_scheduler, "_PATIENCE", 1.0)
    started = time.monotonic()
    with pytest.raises(OptionError) as caught, executor_at("tcp://127.0.0.1:9"):
        pass
    assert "found none that answers" in str(caught.value)
    assert time.monotonic() - started < 10


def test_without_dask_the_hint_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(OptionError) as caught, executor_at("tcp://127.0.0.1:9"):
        pass
    assert caught.value.hint == "pip install 'heapdelta[distributed]'"


def test_the_mark_is_all_that_a_plan_writes(tmp_path):
    tree = write_plain_tree(tmp_path / "uploads", 1)
    plan(tree, tmp_path / "dataset")
    assert [each.name for each in (tmp_path / "dataset").iterdir()] == [MARK]
    assert isinstance(hd.open(tmp_path / "dataset").manifest, pl.DataFrame)
