//! The whole content of a dump, by address: a map of its file, or bytes that somebody else holds.

use std::{fmt, fs::File, ops::Deref, path::Path, sync::Arc};

use memmap2::Mmap;

/// Bytes that stay where they are. Clones share them.
#[derive(Clone)]
pub struct Content(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Content {
    /// Takes bytes that are in memory; nothing is copied.
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(bytes))
    }

    /// Maps a file: a dump can be larger than the memory of the machine.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn map(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the map is only read. The file must not be changed while it is mapped, which `heapdelta::read` and
        // `heapdelta.read` ask of their callers: a file that is cut meanwhile ends the process (SIGBUS), as for every map.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self::new(map))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Content({} bytes)", self.len())
    }
}
