//! The whole content of a dump, by address: a map of its file, or bytes that somebody else holds.

use std::{fmt, fs::File, ops::Deref, path::Path, sync::Arc};

use crate::engine::{map::map, threads};

/// Bytes that stay where they are. Clones share them.
#[derive(Clone)]
pub struct Content {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    /// The file that is mapped.
    file: Option<Arc<File>>,
}

impl Content {
    /// Takes bytes that are in memory; nothing is copied.
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self { bytes: Arc::new(bytes), file: None }
    }

    /// Maps a file: a dump can be larger than the memory of the machine. See [`map`] for what is asked of its owner.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(crate) fn map(path: &Path) -> std::io::Result<Self> {
        Self::map_file(File::open(path)?)
    }

    /// Maps a file that is open.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(crate) fn map_file(file: File) -> std::io::Result<Self> {
        Ok(Self { bytes: Arc::new(map(&file)?), file: Some(Arc::new(file)) })
    }

    /// The same bytes without the file, of which a process can have a thousand open: a map needs none.
    pub(crate) fn without_file(self) -> Self {
        Self { file: None, ..self }
    }
}

impl Content {
    /// Four bytes at each of many places, little-endian, absent where the file ends before; and what else there is to do
    /// meanwhile.
    ///
    /// They are read, not looked up in the map: a page that is touched there costs some 8 µs with its 15 neighbours (6 µs to
    /// map, 2 to unmap; a read 1.2; 2 cores, 1 GiB, November 2026), and counts as memory of this process.
    pub(crate) fn words_at<T>(
        &self,
        places: &[u64],
        threads: Option<usize>,
        meanwhile: impl FnOnce() -> T,
    ) -> (Vec<Option<u32>>, T) {
        let Some(file) = &self.file else {
            let word = |place: &u64| {
                let word = self.get(usize::try_from(*place).ok()?..)?.first_chunk()?;
                Some(u32::from_le_bytes(*word))
            };
            return (places.iter().map(word).collect(), meanwhile());
        };
        let word = |place: &u64| {
            let mut word = [0; 4];
            read_exact_at(file, &mut word, *place).ok().map(|()| u32::from_le_bytes(word))
        };
        threads::beside(places, threads, word, meanwhile)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], place: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, place)
}

#[cfg(windows)]
fn read_exact_at(file: &File, bytes: &mut [u8], place: u64) -> std::io::Result<()> {
    let count = std::os::windows::fs::FileExt::seek_read(file, bytes, place)?;
    if count == bytes.len() { Ok(()) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Content({} bytes)", self.len())
    }
}
