//! A source that is open: its first bytes tell whether it is a log or a dump.

use std::{io::Read, sync::atomic::Ordering};

use crate::{
    dump::directory,
    error::{ErrorKind, Result},
    input::{Bytes, Part, Source, content::Content, file},
    parallel::Control,
    read::Options,
    snapshot::{Dump, Log},
};

/// Bytes that are read before anything is decided.
pub const SNIFF_STEP: usize = 64 << 10;

/// A part that is open.
pub struct Opened<'a> {
    /// Its first bytes.
    pub start: Vec<u8>,
    /// The rest.
    pub rest: Bytes<'a>,
}

impl Opened<'_> {
    /// True for what can only be a minidump.
    pub fn is_dump(&self) -> bool {
        self.start.starts_with(directory::MAGIC)
    }
}

/// Opens a part.
///
/// # Errors
///
/// [`ErrorKind::Io`], [`ErrorKind::Directory`] and [`ErrorKind::Empty`].
pub fn open<'a>(source: &'a Source<'_>, part: Part, control: &'a Control) -> Result<Opened<'a>> {
    let mut rest = file::open(source, part, control)?;
    let mut start = Vec::new();
    rest.reader.by_ref().take(SNIFF_STEP as u64).read_to_end(&mut start)?;
    if start.is_empty() {
        return Err(ErrorKind::Empty.into());
    }
    Ok(Opened { start, rest })
}

/// Reads a minidump: a file is mapped, a pipe is read to its end.
///
/// # Errors
///
/// [`ErrorKind::Io`], [`ErrorKind::NoSuchCapture`] and [`ErrorKind::NotADump`].
pub fn read_dump(source: &Source<'_>, opened: Opened<'_>, options: &Options, control: &Control) -> Result<Log> {
    if let Some(wanted) = options.capture.filter(|wanted| *wanted != 1) {
        return Err(ErrorKind::NoSuchCapture { wanted, available: 1 }.into());
    }
    let Opened { mut start, mut rest } = opened;
    let content = match source {
        Source::Shared(content, _) => content.clone(),
        Source::Path(path) if rest.len.is_some() => Content::map(path)?,
        Source::Path(_) | Source::Bytes(..) => {
            rest.reader.read_to_end(&mut start)?;
            Content::new(start)
        }
    };
    control.bytes_done.store(content.len() as u64, Ordering::Relaxed);
    Dump::new(content, source.path().map(ToOwned::to_owned), options.threads).map(Log::Dump)
}
