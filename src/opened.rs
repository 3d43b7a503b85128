//! A source that is open: its first bytes tell whether it is a log or a dump, its first lines of which format a log is.

use std::{io::Read, sync::atomic::Ordering};

use crate::{
    dump::directory,
    error::{ErrorKind, Result},
    input::{Bytes, Part, Source, content::Content, file, magic, other_text},
    log::{Dialect, Evidence, typography},
    parallel::Control,
    read::Options,
    snapshot::{Dump, Log},
};

/// Bytes that are read before anything is decided.
const SNIFF_STEP: usize = 64 << 10;

/// Bytes at the start in which a row is looked for, which decides; weaker signs decide only where there is none.
const SNIFF_LIMIT: usize = 4 << 20;

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

/// Reads until a row decides the dialect, or as far as weaker signs are believed. Gives the text read so far and, where no row
/// was seen, what else the file is if its tables hold nothing.
///
/// # Errors
///
/// [`ErrorKind::Io`], [`ErrorKind::Empty`] and [`ErrorKind::NotALog`].
pub fn sniffed(reader: &mut dyn Read) -> Result<(Vec<u8>, Dialect, Option<String>)> {
    let mut text = Vec::new();
    let mut evidence = Evidence::default();
    let mut seen = 0;
    loop {
        let before = text.len();
        reader.take(SNIFF_STEP as u64).read_to_end(&mut text)?;
        let ended = text.len() == before || text.len() - before < SNIFF_STEP;
        // The last line may be cut here and go on in the next step: it counts only at the end of the file.
        let whole = if ended { text.len() } else { memchr::memrchr(b'\n', &text).map_or(0, |newline| newline + 1) };
        let decided = evidence.add(&typography::restored(&text[seen..whole.max(seen)]).0);
        seen = whole.max(seen);
        match evidence.dialect() {
            Some(dialect) if decided => return Ok((text, dialect, None)),
            _ if !ended && text.len() < SNIFF_LIMIT => {}
            _ if ended && text.trim_ascii().is_empty() => return Err(ErrorKind::Empty.into()),
            Some(dialect) if evidence.is_strong() || other_text::tool(&text).is_none() => {
                let otherwise = magic::describe(&text);
                return Ok((text, dialect, Some(otherwise)));
            }
            _ => return Err(ErrorKind::NotALog { found: magic::describe(&text) }.into()),
        }
    }
}
