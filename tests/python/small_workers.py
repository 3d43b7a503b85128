"""What tests do to workers: a module, so that workers in other processes can import it."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor
from pathlib import Path

POISON = "poison"
"""A file whose name holds it kills who reads it."""


def deadly(task, batch, destination):
    """Do a task; a poisoned file is as a file that takes all memory would be."""
    if any(POISON in Path(each.path).name for each in batch.inputs):
        os._exit(9)
    return task(batch, destination)


def killed_once(flag, task, batch, destination):
    """Do a task; the first worker that comes here is killed when its batch is written, and before it can say so."""
    outcome = task(batch, destination)
    try:
        Path(flag).touch(exist_ok=False)
    except FileExistsError:
        return outcome
    time.sleep(0.05)
    os._exit(9)


def without_package(_task, _batch, _destination):
    """Fail as a worker without the package does."""
    raise ModuleNotFoundError("No module named 'heapdelta'")


class Through(Executor):
    """An executor whose tasks go through a function."""

    def __init__(self, inner, function, *arguments):
        self.inner, self.function, self.arguments, self.submitted = inner, function, arguments, 0

    def submit(self, task, *arguments):
        self.submitted += 1
        return self.inner.submit(self.function, *self.arguments, task, *arguments)
