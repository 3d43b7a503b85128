//! What system and processor are told about memory: that it may have back what is free, that some will be filled soon, that
//! some will be read soon.

use std::mem::MaybeUninit;

/// Called at the end of a read, whose temporary tables leave free memory between the columns that stay: a tenth of the log's
/// size with glibc, whose allocator keeps it (1 GB log of half stacks, 2026-11-23). Other allocators give it back themselves.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim touches free memory only, and may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// An empty vector with room for so many values, all of which will come soon.
pub fn roomy<T>(values: usize) -> Vec<T> {
    let mut vector = Vec::with_capacity(values);
    prepare_if_large(&mut vector);
    vector
}

/// Makes room for so many more values, as a vector does by itself, but all that it takes is memory that will be filled soon.
#[inline]
pub fn make_room<T>(vector: &mut Vec<T>, values: usize) {
    if vector.capacity() - vector.len() < values {
        vector.reserve(values);
        prepare_if_large(vector);
    }
}

fn prepare_if_large<T>(vector: &mut Vec<T>) {
    // Less than this the allocator is likely to have at hand.
    const WORTH_IT: usize = 48 << 10;
    let room = vector.spare_capacity_mut();
    if size_of_val(room) >= WORTH_IT {
        prepare(room);
    }
}

/// Asks the system for memory that will be filled soon, all of it at once: page by page, when each is first written, takes
/// half as long again (456 MB: 0.29 s and 0.19, 2026-11-25). It is advice: nothing depends on whether it is taken.
pub fn prepare<T>(room: &mut [MaybeUninit<T>]) {
    #[cfg(target_os = "linux")]
    // SAFETY: sysconf only answers. The advice covers `room`, widened to whole pages, which belong to the same allocation or
    // hold its neighbours' bytes; it changes no byte of them.
    unsafe {
        let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(4096);
        let before = room.as_ptr().addr() % page;
        let start = room.as_mut_ptr().wrapping_byte_sub(before);
        libc::madvise(start.cast(), before + size_of_val(room), libc::MADV_POPULATE_WRITE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
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
