//! Opening a source.

use std::{
    fs::{File, metadata},
    io::{Read, Seek, SeekFrom},
};

use super::{Bytes, Part, Source};
use crate::error::{ErrorKind, Result};

/// Opens a part of a source.
///
/// # Errors
///
/// [`ErrorKind::Io`] and [`ErrorKind::Directory`].
pub fn open<'a>(source: &'a Source<'_>, part: Part) -> Result<Bytes<'a>> {
    match source {
        Source::Bytes(bytes, _) => Ok(in_memory(bytes, part)),
        Source::Shared(content, _) => Ok(in_memory(content, part)),
        Source::Path(path) => {
            // Windows refuses to open a directory with a misleading error, so the question comes first.
            let about = metadata(path)?;
            if about.is_dir() {
                return Err(ErrorKind::Directory.into());
            }
            let mut file = File::open(path)?;
            let len =
                about.is_file().then(|| part.end.unwrap_or(about.len()).min(about.len()).saturating_sub(part.start));
            if part.start > 0 {
                file.seek(SeekFrom::Start(part.start))?;
            }
            let reader: Box<dyn Read + Send> = match part.end {
                Some(end) => Box::new(file.take(end.saturating_sub(part.start))),
                None => Box::new(file),
            };
            Ok(Bytes { reader, len })
        }
    }
}

fn in_memory(bytes: &[u8], part: Part) -> Bytes<'_> {
    let start = bytes.len().min(usize::try_from(part.start).unwrap_or(usize::MAX));
    let end = part.end.and_then(|end| usize::try_from(end).ok()).unwrap_or(bytes.len()).min(bytes.len());
    let bytes = &bytes[start..end.max(start)];
    Bytes { reader: Box::new(bytes), len: Some(bytes.len() as u64) }
}
