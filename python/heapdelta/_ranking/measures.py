"""What is measured of heaps, and the two sides of a comparison."""

from __future__ import annotations

MEASURES = ("requested_bytes", "overhead_bytes", "allocation_count")
PAIRS = tuple(f"{measure}_{side}" for measure in MEASURES for side in ("before", "after"))

AFTER, BEFORE, BOTH = 0, 1, 2
"""Values of `side`: whose sums a row has."""
