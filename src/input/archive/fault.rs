//! Why a member, or what is left of an archive, cannot be had.

use std::{
    fmt,
    io::{self, BufRead, BufReader, SeekFrom},
};

use super::ReadSeek;
use crate::error::visible;

/// Why something of an archive is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is cut or changed.
    Damaged(String),
    /// There is more than is believed; says which limit, and its value.
    Limit(&'static str, u64),
    /// It needs more memory to unpack than is allowed.
    Memory,
    /// It is encrypted, and no password was given.
    NoPassword,
    /// The password given does not open it.
    WrongPassword,
    /// It is packed in a way that cannot be read here.
    Unsupported(String),
    /// Its bytes are those of another member, too: so one file can seem to be millions.
    Overlap,
    /// It is a link.
    Link(String),
}

impl Fault {
    /// Bytes that a library cannot make sense of; its own words would mean nothing to who reads ours.
    pub fn changed() -> Self {
        Fault::Damaged("its bytes are not as its format says".to_owned())
    }

    /// A stable name.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Damaged(_) => "damaged_archive",
            Fault::Limit(..) | Fault::Memory => "archive_limit",
            Fault::NoPassword | Fault::WrongPassword => "password",
            Fault::Unsupported(_) => "unsupported_archive",
            Fault::Overlap => "overlapping_member",
            Fault::Link(_) => "link",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Damaged(what) => write!(out, "the archive is damaged: {what}"),
            Fault::Limit(limit, value) => write!(out, "the limit {limit}={value} is reached"),
            Fault::Memory => write!(out, "it needs more memory than the limit memory_bytes allows"),
            Fault::NoPassword => write!(out, "it is encrypted, and no password was given"),
            Fault::WrongPassword => write!(out, "the password does not open it, or it is damaged"),
            Fault::Unsupported(what) => write!(out, "it is packed in a way that heapdelta does not read: {what}"),
            Fault::Overlap => write!(out, "its bytes belong to another member, too"),
            Fault::Link(target) => write!(out, "it is a link to {}", visible(target)),
        }
    }
}

impl std::error::Error for Fault {}

/// The first byte behind the end of an archive that means anything. Zeros fill the blocks of a tape, and mail ends lines.
pub(super) fn first_behind(rest: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = rest.fill_buf()?;
        let count = bytes.len();
        if count == 0 {
            return Ok(None);
        }
        let at = bytes.iter().position(|byte| !matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n'));
        let found = at.map(|at| bytes[at]);
        rest.consume(at.unwrap_or(count));
        if found.is_some() {
            return Ok(found);
        }
    }
}

/// Refuses a file that goes on behind the end of its archive.
pub(super) fn nothing_behind(file: &mut dyn ReadSeek, end: u64) -> Result<(), Fault> {
    file.seek(SeekFrom::Start(end))?;
    first_behind(&mut BufReader::new(file))?.map_or(Ok(()), |_| Err(behind_the_end()))
}

/// What is told of bytes that nobody can say what they are.
pub(super) fn behind_the_end() -> Fault {
    Fault::Damaged("there are other bytes behind its end".to_owned())
}

/// True for an error about bytes that a library cannot unpack: neither a fault of ours nor an error of the system.
pub(super) fn is_of_library(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, OutOfMemory, UnexpectedEof, Unsupported};
    let is_ours = error.get_ref().is_some_and(|inner| inner.is::<Fault>());
    let has_meaning = matches!(error.kind(), Interrupted | OutOfMemory | UnexpectedEof | Unsupported);
    !is_ours && !has_meaning && error.raw_os_error().is_none()
}

impl From<io::Error> for Fault {
    /// A reader of a member tells its fault as an error of the system.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(fault) => fault,
            Err(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof => Fault::Damaged("it ends early".to_owned()),
                io::ErrorKind::OutOfMemory => Fault::Memory,
                io::ErrorKind::Unsupported => Fault::Unsupported(error.to_string()),
                _ if is_of_library(&error) => Fault::changed(),
                _ => Fault::Damaged(error.to_string()),
            },
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        io::Error::other(fault)
    }
}
