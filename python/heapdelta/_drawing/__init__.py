"""Charts are drawn in a process that starts ahead of them: what draws takes a second to start."""
