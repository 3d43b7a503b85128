"""Many snapshots over time: their order, the growth of every key, and the verdict."""
