//! A source that is open: its first bytes tell whether it is a log or a dump, its first lines of which format a log is.

use std::io::Read;

use crate::{
    control::Control,
    dump::directory,
    error::{ErrorKind, Result},
    input::{Bytes, Part, Source, file},
    log::{Dialect, Evidence, typography},
    read::other::{self, text},
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
    started(file::open(source, part, control)?)
}

/// Reads the first bytes of what is open.
///
/// # Errors
///
/// [`ErrorKind::Io`] and [`ErrorKind::Empty`].
pub fn started(mut rest: Bytes<'_>) -> Result<Opened<'_>> {
    let mut start = Vec::new();
    rest.reader.by_ref().take(SNIFF_STEP as u64).read_to_end(&mut start)?;
    if start.is_empty() {
        let fault = rest.fault.first();
        return Err(fault.map_or(ErrorKind::Empty, |fault| ErrorKind::Packed { fault }).into());
    }
    Ok(Opened { start, rest })
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
            Some(dialect) if evidence.is_strong() || text::tool(&text).is_none() => {
                let otherwise = other::describe(&text);
                return Ok((text, dialect, Some(otherwise)));
            }
            _ => return Err(ErrorKind::NotALog { found: other::describe(&text) }.into()),
        }
    }
}
