"""Commands for archives of many cases: `ingest`, `cases`, `rank`, `similar`, `label`, `compact`."""
