"""Names for addresses: where symbols are looked for, and what is to be said of those that were found."""
