"""`heapdelta check`: a gate for scripts."""
