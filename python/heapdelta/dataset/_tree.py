"""The tables of a dataset, as polars scans them: the parts that count, and of these the rows that do."""

from __future__ import annotations

import io
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from heapdelta.dataset._layout import MANIFEST, NAME_TABLES, SHARED, tables
from heapdelta.dataset._manifest import manifest_table
from heapdelta.dataset._named import Names
from heapdelta.exceptions import OptionError

if TYPE_CHECKING:
    from heapdelta.dataset._manifest import Manifest


class Tables:
    """The tables of a dataset."""

    def __init__(self, found: Manifest) -> None:
        self._found = found
        self.named = Names(found.store)

    @cached_property
    def manifest(self) -> pl.DataFrame:
        """What became of every file."""
        return manifest_table(self._found)

    def modified(self) -> pl.DataFrame:
        """Tell when the file of each capture was last changed: ``capture``, ``modified``."""
        rows = self._found.current.select("modified", "capture")
        return rows.explode("capture", empty_as_null=True).drop_nulls("capture").unique("capture", keep="first")

    def scan(self, name: str) -> pl.LazyFrame:
        """See `Dataset.scan`."""
        if name == MANIFEST:
            return self.manifest.lazy()
        if name in NAME_TABLES:
            return self.named.table(name).lazy()
        schemas = tables()
        if name not in schemas:
            every = ", ".join((*schemas, *NAME_TABLES, MANIFEST))
            raise OptionError(f"expected a table ({every}), found {name!r}", kind="option")
        parts = self._found.names(name)
        left_out = self._found.left_out
        clean = [part for batch, own in parts.items() if batch not in left_out for part in own]
        frames = [self._scan(clean)] if clean else []
        for batch in sorted(left_out):
            if batch not in parts:
                continue
            frame = self._scan(parts[batch])
            if name not in SHARED:
                frame = frame.filter(~pl.col("capture").is_in(left_out[batch]))
            frames.append(frame)
        if not frames:
            return pl.LazyFrame(schema=dict(schemas[name]))
        whole = pl.concat(frames) if len(frames) > 1 else frames[0]
        if name not in SHARED or len(parts) == 1:
            return whole
        # `unique` takes three times as long: it puts every column into groups.
        return whole.filter(pl.col(SHARED[name]).is_first_distinct())

    def _scan(self, names: list[str]) -> pl.LazyFrame:
        gone = self._found.store.first_missing(names)
        if gone is not None:
            place = self._found.store.place
            message = f"{place}: expected the parts that were there when it was opened, found that {gone} is gone"
            hint = "open it again, if it was written anew meanwhile; if not, read all files again with resume=False"
            raise OptionError(message, path=place, hint=hint, kind="changed_dataset")
        sources = [io.BytesIO(each) if isinstance(each, bytes) else each for each in self._found.store.scannable(names)]
        return pl.scan_parquet(sources)
