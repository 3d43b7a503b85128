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
    /// The first bytes at each of many places, and how many of them the file has; and what else there is to do meanwhile.
    ///
    /// They are read, not looked up in the map: a page that is touched there costs some 8 µs with its 15 neighbours (6 µs to
    /// map, 2 to unmap; a read 1.2; 2 cores, 1 GiB, November 2026), and counts as memory of this process.
    pub(crate) fn heads_at<T, const N: usize>(
        &self,
        places: &[u64],
        threads: Option<usize>,
        meanwhile: impl FnOnce() -> T,
    ) -> (Vec<([u8; N], usize)>, T) {
        let whole = self.len() as u64;
        let held = |place: u64| whole.saturating_sub(place).min(N as u64) as usize;
        let Some(file) = &self.file else {
            let head = |place: &u64| {
                let (mut head, held) = ([0; N], held(*place));
                let start = self.len().min(usize::try_from(*place).unwrap_or(usize::MAX));
                head[..held].copy_from_slice(&self[start..start + held]);
                (head, held)
            };
            return (places.iter().map(head).collect(), meanwhile());
        };
        let head = |place: &u64| {
            let (mut head, held) = ([0; N], held(*place));
            let read = read_exact_at(file, &mut head[..held], *place).is_ok();
            (head, if read { held } else { 0 })
        };
        threads::beside(places, threads, head, meanwhile)
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
