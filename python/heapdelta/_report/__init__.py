"""The report: one page that answers which module, how far to trust it and what next, and shows what it goes by."""
