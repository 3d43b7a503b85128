"""Labels: what people know of a stack, kept beside the data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from heapdelta.dataset._layout import LABELS
from heapdelta.exceptions import ReadError

if TYPE_CHECKING:
    from heapdelta.dataset._store import Store

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "fingerprint": pl.String,
    "label": pl.String,
    "labelled_at": pl.Datetime("us"),
}


def write_label(store: Store, fingerprint: str, text: str | None) -> None:
    """Keep a label, in place of one that was there; None takes it away."""
    name = f"{LABELS}/{fingerprint}.json"
    if text is None:
        store.delete(name)
        return
    now = datetime.now(UTC).replace(tzinfo=None).isoformat()
    store.put(name, json.dumps({"fingerprint": fingerprint, "label": text, "labelled_at": now}).encode())


def read_labels(store: Store) -> pl.DataFrame:
    """Give all labels: ``fingerprint``, ``label``, ``labelled_at`` (UTC), by fingerprint."""
    rows = []
    for name in store.names(LABELS):
        content = store.get(f"{LABELS}/{name}") if name.endswith(".json") else None
        if content is None:
            continue
        try:
            about = json.loads(content)
            rows.append((str(about["fingerprint"]), str(about["label"]), datetime.fromisoformat(about["labelled_at"])))
        except (ValueError, KeyError, TypeError) as error:
            path = f"{store.place}/{LABELS}/{name}"
            raise ReadError(f"{path}: expected a label, found something else", path=path, kind="io") from error
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def labelled(rows: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Add the column ``label`` to rows with a ``fingerprint``."""
    return rows.join(labels.select("fingerprint", "label"), on="fingerprint", how="left", maintain_order="left")
