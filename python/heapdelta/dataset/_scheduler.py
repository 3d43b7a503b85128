"""`executor_at`: the workers of a Dask cluster, by the address of its scheduler."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from heapdelta.dataset._bucket import first_line
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

RETRIES = 3
"""Times that a batch is tried again when it fails; a worker that dies is the scheduler's matter."""

_PATIENCE = 5.0
"""Seconds until nobody is taken to be there."""

_HINT = "its address is what `dask scheduler` prints, such as tcp://10.0.0.1:8786"


@contextmanager
def executor_at(address: str) -> Iterator[Executor]:
    """Give the workers of a Dask cluster as an executor, for `ingest`.

    Parameters
    ----------
    address : str
        Address of its scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    OptionError
        If Dask is not installed, or no scheduler answers within some seconds.
    """
    try:
        from distributed import Client
    except ImportError:
        message = "expected the package distributed for a cluster, found it not installed"
        raise OptionError(message, hint="pip install 'heapdelta[distributed]'", kind="option") from None
    # A client that found nobody goes on looking when it is thrown away.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _ask(address)).result()
    with Client(address, set_as_default=False) as client, client.get_executor(retries=RETRIES) as executor:  # type: ignore[no-untyped-call]
        yield executor


async def _ask(address: str) -> None:
    """See that a scheduler answers, and nobody else."""
    from distributed.core import rpc

    try:
        async with rpc(address, timeout=_PATIENCE) as server:  # type: ignore[no-untyped-call]
            about = await asyncio.wait_for(server.identity(), _PATIENCE)
    except (Exception, asyncio.CancelledError) as error:
        # Any program may listen there, and what it answers is then taken for sizes of what follows.
        said = first_line(error) if isinstance(error, OSError | ValueError) else "something else may listen there"
        said = f"nothing within {_PATIENCE:g} s" if said == "TimeoutError" else said
        message = f"{address}: expected the scheduler of a Dask cluster, found none that answers: {said}"
        raise OptionError(message, hint=_HINT, kind="scheduler") from error
    if about.get("type") != "Scheduler":
        message = f"{address}: expected the scheduler of a Dask cluster, found its {str(about.get('type')).lower()}"
        raise OptionError(message, hint=_HINT, kind="scheduler")
