"""What changed between two captures."""
