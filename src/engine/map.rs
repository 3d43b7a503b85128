//! A file as bytes by address.

use std::fs::File;

use memmap2::Mmap;

/// Maps a file to be read. It must not be changed meanwhile: if it is cut, the next read behind its end stops the process
/// (SIGBUS). [`crate::read()`] says so to its callers.
///
/// # Errors
///
/// What the operating system says.
pub fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: nothing writes to the map. The file is left alone while it is mapped, as said above.
    unsafe { Mmap::map(file) }
}
