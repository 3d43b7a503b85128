//! Gives memory that is free back to the system, so that what a process holds is what its snapshots need.

/// Called at the end of a read, whose temporary tables leave free memory between the columns that stay: a tenth of the log's
/// size with glibc, whose allocator keeps it (1 GB log of half stacks, 2026-11-23). Other allocators give it back themselves.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim touches free memory only, and may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
