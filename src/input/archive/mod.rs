//! Archives: what customers pack becomes files again, whatever the format, and however often it was packed.
//!
//! ```text
//! case-1234.zip -> logs/before.txt, logs/after.txt.gz, dumps.7z!app.dmp
//! ```
//!
//! Invariant: a member is a label and bytes. Nothing is written under its label, its bytes are handed on once in a walk, and
//! never more of them than [`Limits`] allow. What cannot be had is a [`Fault`], and the walk goes on behind it.

mod cab;
pub mod fault;
pub mod limits;
mod mail;
mod moment;
mod names;
pub mod parts;
mod peek;
mod sevenz;
mod spool;
mod stream;
mod tar;
mod walk;
mod zip;

use std::io::{Read, Seek, SeekFrom};

use fault::Fault;
use limits::Limits;
pub use names::{LEVEL, split};
pub use parts::{all_parts, missing_part};
pub use spool::{Spool, spooled};
use walk::Level;
pub use walk::{PEEK, Visitor, walk};

use crate::input::text::Encoding;

/// How archives are opened.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What opens encrypted members.
    pub password: Option<String>,
    /// The code page of names that do not say theirs; absent for 437, which the format of zip names.
    pub names: Option<Encoding>,
    /// How much is believed.
    pub limits: Limits,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path; inside of an archive in the archive, both are joined by `!`. Empty for the content of a compressed file.
    pub label: String,
    /// Bytes that the archive says it has.
    pub size: Option<u64>,
    /// Seconds since 1970: in UTC, or in local time where the format keeps that (zip, cab).
    pub modified: Option<i64>,
}

/// Bytes that can be read from anywhere.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// The bytes of an archive, from its first.
pub enum Input<'a> {
    /// A file, or bytes in memory.
    Seekable(Box<dyn ReadSeek + 'a>),
    /// What another archive unpacks.
    Stream(&'a mut dyn Read),
}

impl<'a> Input<'a> {
    /// Bytes that can be read from anywhere: those of a stream are kept in memory or in a nameless file.
    fn seekable(self, limits: &Limits) -> Result<Box<dyn ReadSeek + 'a>, Fault> {
        match self {
            Input::Seekable(mut input) => {
                input.seek(SeekFrom::Start(0))?;
                Ok(input)
            }
            Input::Stream(stream) => Ok(Box::new(spooled(stream, limits.memory_bytes)?)),
        }
    }

    /// Bytes one after the other.
    fn stream(self) -> Box<dyn Read + 'a> {
        match self {
            Input::Seekable(input) => Box::new(input),
            Input::Stream(stream) => Box::new(stream),
        }
    }
}

/// One format of archives.
pub trait Format: Sync {
    /// For messages.
    fn name(&self) -> &'static str;

    /// Whether a file is one that begins so; there are at least [`walk::PEEK`] bytes, unless it is shorter.
    fn begins(&self, start: &[u8]) -> bool;

    /// True if it holds one file without a name of its own.
    fn is_one_file(&self) -> bool {
        false
    }

    /// Hands on the members.
    ///
    /// # Errors
    ///
    /// What concerns all the members that are left.
    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault>;
}

/// All formats.
static FORMATS: [&dyn Format; 9] = [
    &zip::Zip,
    &sevenz::SevenZ,
    &stream::Gzip,
    &stream::Bzip2,
    &stream::Xz,
    &stream::Zstd,
    &tar::Tar,
    &cab::Cab,
    &mail::Mail,
];

/// The format of a file that begins so.
pub fn format(start: &[u8]) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.begins(start))
}

/// The format of a file that begins so. Of any other, its end is asked: a zip can be behind a program, a script, or whatever it was
/// appended to.
pub fn outermost(start: &[u8], bytes: &mut dyn ReadSeek) -> Option<&'static dyn Format> {
    let behind = || zip::is_behind(bytes, is_program(start)).then_some(&zip::Zip as &dyn Format);
    format(start).or_else(behind)
}

/// True for what begins as a program of Windows does.
pub fn is_program(start: &[u8]) -> bool {
    start.starts_with(b"MZ")
}
