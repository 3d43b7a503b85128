"""Files of other viewers: matched rows become places, steps and sums, of which the core makes a file of each format."""
