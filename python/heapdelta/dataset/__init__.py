"""Archives of customer submissions as one dataset, on one machine or on many."""

from heapdelta.dataset._answer import Ingest
from heapdelta.dataset._batch import BatchOutcome, ingest_batch
from heapdelta.dataset._dataset import Dataset, open_dataset
from heapdelta.dataset._ingest import finish, ingest, plan
from heapdelta.dataset._plan import Batch
from heapdelta.dataset._progress import Progress

__all__ = [
    "Batch",
    "BatchOutcome",
    "Dataset",
    "Ingest",
    "Progress",
    "finish",
    "ingest",
    "ingest_batch",
    "open_dataset",
    "plan",
]
