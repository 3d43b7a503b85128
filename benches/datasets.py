"""The cases of datasets: uploads, read alone and into a dataset, and what is asked of it; `case.py` runs them."""

from __future__ import annotations

import resource
import shutil
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

Result = dict[str, Any]

CASES_IN_ALL, SERVERS, STACKS = 2000, 200, 375
"""Cases of the tree; servers whose logs they are, so that a server's stacks are in ten cases; stacks of a log."""

TINY = 100_000
"""Tiny logs in one folder."""


def tree(folder: Path, cases: int = CASES_IN_ALL) -> Path:
    """Write zips of two logs each, some 3 GB of text in 2,000 cases, unless they are there already."""
    import heapdelta as hd

    uploads = folder / f"uploads-{cases}"
    if uploads.exists():
        return uploads
    half = folder / "uploads-half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    servers = min(SERVERS, cases)
    for server in range(servers):
        packed = folder / "server.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for step, name in enumerate(("before.txt", "after.txt")):
                text = folder / name
                hd.testing.write_log(text, step=step, seed=server + 1, stack_count=STACKS)
                archive.write(text, name)
                text.unlink()
        for case in range(server, cases, servers):
            (half / f"case-{case:05}").mkdir()
            shutil.copyfile(packed, half / f"case-{case:05}" / "upload.zip")
        packed.unlink()
    half.rename(uploads)
    return uploads


def text_bytes(uploads: Path) -> int:
    """Bytes of the logs in all zips, by their lists."""
    sizes = 0
    for packed in sorted(uploads.glob("*/*.zip")):
        with zipfile.ZipFile(packed) as archive:
            sizes += sum(member.file_size for member in archive.infolist())
    return sizes


def read_alone(uploads: Path, threads: int) -> Result:
    """Inflate and read every zip, and keep nothing."""
    from heapdelta._read.one import Member, for_each_member

    files = sorted(uploads.glob("*/*.zip"))
    sizes: list[int] = []

    def count(member: Member) -> None:
        sizes.append(member.outcome.byte_count)  # type: ignore[union-attr]

    def one(path: Path) -> None:
        for_each_member(
            path,
            count,
            threads=1,
            blocks=False,
            encoding=None,
            password=None,
            limits=None,
            progress=lambda _done, _total: None,
        )

    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, files))
    return {"seconds": time.perf_counter() - start, "byte_count": sum(sizes), "log_count": len(sizes)}


def _ingest(uploads: Path, place: Path, threads: int | None, executor: Executor | None = None) -> Result:
    import heapdelta as hd

    start = time.perf_counter()
    found = hd.ingest(uploads, place, threads=threads, executor=executor)
    return {
        "seconds": time.perf_counter() - start,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "byte_count": int(found.manifest.filter(found.manifest["outcome"] == "read")["size"].sum()),
        "log_count": found.count("read"),
        "failures": found.failures.height,
        "new_files": found.new_files,
    }


def ingest(uploads: Path, threads: int) -> Result:
    """Read every zip into a new dataset, which stays for those who ask."""
    place = uploads.parent / f"dataset-{uploads.name}"
    shutil.rmtree(place, ignore_errors=True)
    return _ingest(uploads, place, threads)


def again(uploads: Path, threads: int) -> Result:
    """Find that there is nothing new."""
    return _ingest(uploads, uploads.parent / f"dataset-{uploads.name}", threads)


def _asked(uploads: Path, question: Callable[[Any], int]) -> Result:
    import heapdelta as hd

    start = time.perf_counter()
    rows = question(hd.open(uploads.parent / f"dataset-{uploads.name}"))
    return {"seconds": time.perf_counter() - start, "rows": rows}


def rank(uploads: Path, _threads: int) -> Result:
    """Open the dataset and rank modules over all cases."""
    return _asked(uploads, lambda dataset: int(dataset.rank("module")["cases"].max()))


def similar(uploads: Path, _threads: int) -> Result:
    """Find what is like a stack that is known."""
    import heapdelta as hd

    dataset = hd.open(uploads.parent / f"dataset-{uploads.name}")
    stack = dataset.scan("stacks").select("fingerprint").sort("fingerprint").head(1).collect().item()
    return _asked(uploads, lambda opened: int(opened.similar(stack)["case_count"][0]))


def dask(uploads: Path, threads: int) -> Result:
    """Read every zip on a cluster of worker processes of this machine, which stands already."""
    from distributed import Client, LocalCluster

    place = uploads.parent / f"dataset-dask-{uploads.name}"
    shutil.rmtree(place, ignore_errors=True)
    with (
        LocalCluster(n_workers=threads, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(_import)
        result = _ingest(uploads, place, None, client.get_executor(retries=3))
    shutil.rmtree(place)
    return result


def _import() -> None:
    import heapdelta  # noqa: F401


CASES = {
    "dataset-read": read_alone,
    "dataset-ingest": ingest,
    "dataset-again": again,
    "dataset-rank": rank,
    "dataset-similar": similar,
    "dataset-dask": dask,
}
