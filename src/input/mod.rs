//! A path or bytes become text: opened, named if it is something else, brought to UTF-8, cut into blocks. A dump becomes
//! one [`content::Content`].

pub mod archive;
mod code_page;
pub mod content;
pub mod decode;
pub mod file;
pub mod hash;
pub mod line_ends;
pub mod member;
mod oem;
pub mod text;
pub mod waiting;

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use content::Content;
use member::{FaultSlot, MemberSource};

/// Where the bytes come from.
#[derive(Debug, Clone)]
pub enum Source<'a> {
    /// A file.
    Path(PathBuf),
    /// Bytes in memory, with the name to use for them in messages, if they have one. A dump needs them as long as it
    /// lives, so it copies them.
    Bytes(&'a [u8], Option<PathBuf>),
    /// Bytes that a dump can go on using without a copy, and their name.
    Shared(Content, Option<PathBuf>),
    /// A member of an archive; to name one, take the path `case.zip!before.txt`.
    #[doc(hidden)]
    Member(Box<MemberSource>),
}

impl Source<'_> {
    /// The name for messages.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Source::Path(path) => Some(path),
            Source::Bytes(_, path) | Source::Shared(_, path) => path.as_deref(),
            Source::Member(member) => member.path.as_deref(),
        }
    }

    /// What is wrong with all of its bytes, wherever they end: with the archive that they are in.
    pub(crate) fn faults_of_all(&self) -> FaultSlot {
        if let Source::Member(member) = self { member.faults_of_all() } else { FaultSlot::default() }
    }
}

impl From<&Path> for Source<'_> {
    fn from(path: &Path) -> Self {
        Source::Path(path.to_owned())
    }
}

impl From<&str> for Source<'_> {
    fn from(path: &str) -> Self {
        Source::Path(path.into())
    }
}

impl From<Content> for Source<'_> {
    fn from(content: Content) -> Self {
        Source::Shared(content, None)
    }
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Source::Bytes(bytes, None)
    }
}

/// Part of an input: one capture of several. The default is all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Byte of the input where it starts.
    pub start: u64,
    /// Byte behind its last; absent for the end of the input.
    pub end: Option<u64>,
    /// Lines before it.
    pub lines_before: u64,
}

/// Bytes being read, with what is known of their number.
pub struct Bytes<'a> {
    /// The bytes of the part.
    pub reader: Box<dyn Read + Send + 'a>,
    /// How many there are; absent for pipes, and for members of archives.
    pub len: Option<u64>,
    /// Why they end early, once they have.
    pub fault: FaultSlot,
}

impl<'a> Bytes<'a> {
    /// Bytes that end where they do.
    fn new(reader: Box<dyn Read + Send + 'a>, len: Option<u64>) -> Self {
        Self { reader, len, fault: FaultSlot::default() }
    }
}
