"""The table of allocator frames that blame passes over."""
