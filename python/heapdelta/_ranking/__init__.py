"""Sums of stacks become rankings: what `Delta`, `Comparison` and `Check` answer alike."""
