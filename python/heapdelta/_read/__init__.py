"""From files to captures: one, or many side by side."""
