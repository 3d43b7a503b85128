//! Opening a source.

use std::{
    fs::{File, Metadata, metadata},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::{
    control::Control,
    error::{ErrorKind, Result},
    input::{Bytes, Part, Source, waiting::Waiting},
};

/// Opens a part of a source. What may keep us waiting for ever, a pipe for example, stops when `control` says so.
///
/// # Errors
///
/// [`ErrorKind::Io`] and [`ErrorKind::Directory`].
pub fn open<'a>(source: &'a Source<'_>, part: Part, control: &'a Control) -> Result<Bytes<'a>> {
    match source {
        Source::Bytes(bytes, _) => Ok(in_memory(bytes, part)),
        Source::Shared(content, _) => Ok(in_memory(content, part)),
        Source::Member(member) => {
            let mut bytes = member.open(control)?;
            io::copy(&mut bytes.reader.by_ref().take(part.start), &mut io::sink())?;
            let Some(end) = part.end else { return Ok(bytes) };
            let reader = Box::new(bytes.reader.take(end.saturating_sub(part.start)));
            // Who unpacks is ahead, and may have come to what is wrong further on.
            Ok(Bytes { reader, fault: member.faults_of_all(), ..bytes })
        }
        Source::Path(path) => {
            // Windows refuses to open a directory with a misleading error, so the question comes first.
            let about = metadata(path)?;
            if about.is_dir() {
                return Err(ErrorKind::Directory.into());
            }
            if is_socket(&about) {
                return Err(io::Error::other("it is a socket, not a file").into());
            }
            if !about.is_file() {
                let path = path.clone();
                return Ok(Bytes::new(Box::new(Waiting::new(move || open_at(&path, part), control)?), None));
            }
            let len = part.end.unwrap_or(about.len()).min(about.len()).saturating_sub(part.start);
            Ok(Bytes::new(open_at(path, part)?, Some(len)))
        }
    }
}

fn open_at(path: &Path, part: Part) -> io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(path)?;
    if part.start > 0 {
        file.seek(SeekFrom::Start(part.start))?;
    }
    Ok(match part.end {
        Some(end) => Box::new(file.take(end.saturating_sub(part.start))),
        None => Box::new(file),
    })
}

#[cfg(unix)]
fn is_socket(about: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&about.file_type())
}

#[cfg(not(unix))]
fn is_socket(_: &Metadata) -> bool {
    false
}

fn in_memory(bytes: &[u8], part: Part) -> Bytes<'_> {
    let start = bytes.len().min(usize::try_from(part.start).unwrap_or(usize::MAX));
    let end = part.end.and_then(|end| usize::try_from(end).ok()).unwrap_or(bytes.len()).min(bytes.len());
    let bytes = &bytes[start..end.max(start)];
    Bytes::new(Box::new(bytes), Some(bytes.len() as u64))
}
