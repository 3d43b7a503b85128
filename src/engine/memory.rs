//! What system and processor are told about memory: what the one may have back, and what the other will read soon.

/// Called at the end of a read, whose temporary tables leave free memory between the columns that stay: a tenth of the log's
/// size with glibc, whose allocator keeps it (1 GB log of half stacks, 2026-11-23). Other allocators give it back themselves.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim touches free memory only, and may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Asks the processor for the cache line of a value that will be read soon; any place will do.
#[inline(always)]
pub fn prefetch<T>(values: &[T], place: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch changes nothing that a program can see, wherever it points.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().wrapping_add(place).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, place);
}
