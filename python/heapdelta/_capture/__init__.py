"""What was captured: snapshots of heaps, dumps, and comparisons that another tool made of two snapshots."""
