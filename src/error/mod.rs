//! What can go wrong with a whole file, where, and what the reader of the message can do about it.
//!
//! Messages follow one grammar: `{path}:{line}: expected {what}, found {what}`, lower case, no full stop, at most 60
//! bytes of the input, escaped; advice is on a line of its own that starts with `hint: `. What concerns one line or
//! record is never an error here: it becomes a row of the `issues` table.

mod words;

use std::{fmt, io, path::PathBuf};

pub use words::{excerpt, excerpt_of, is_in_use, visible};
use words::{files, in_use, list, meant};

use crate::input::archive::fault::Fault;

/// The result of everything that reads.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file could not be read at all. Cheap to move: the contents are boxed.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    position: Position,
}

/// Where in the input an error is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// The file, absent for bytes and file objects without a name.
    pub path: Option<PathBuf>,
    /// Line number, from 1; absent where the error is about the whole file.
    pub line: Option<u64>,
    /// Byte offset in the input as it was given, from 0.
    pub byte: Option<u64>,
}

/// Rows of `issues` that one kind may have: millions of bad lines must not become millions of texts. One row more tells how
/// many are not listed.
pub const ISSUE_LIMIT: u64 = 1000;

/// How bad an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is missing from the tables.
    Error,
    /// It was read, but is doubtful.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// One capture of a file that holds several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureEntry {
    /// Line of the capture's header, from 1.
    pub line: u64,
    /// The header's own words.
    pub title: String,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused to open or to read.
    #[error("cannot read: {0}")]
    Io(io::Error),
    /// The path names a directory.
    #[error("expected a file, found a directory")]
    Directory,
    /// There is not one byte, or nothing but white space.
    #[error("expected a heap log, found an empty file")]
    Empty,
    /// The content is something else; `found` names it.
    #[error("expected a heap log of dh, umdh or dhcmp, found {found}")]
    NotALog {
        /// What the content is, in words, with the input's own bytes escaped.
        found: String,
    },
    /// The first bytes are those of a minidump, and nothing can be read behind them; `found` says why.
    #[error("expected a minidump, found {found}")]
    NotADump {
        /// What is wrong with it.
        found: String,
    },
    /// Contents of memory that the dump does not hold.
    #[error("expected {size} bytes at {address:#X}, found {absent_size} absent from {absent_address:#X} on")]
    AbsentMemory {
        /// First address asked for.
        address: u64,
        /// Bytes asked for.
        size: u64,
        /// First address that the dump does not hold.
        absent_address: u64,
        /// Bytes from there on that it does not hold.
        absent_size: u64,
    },
    /// Contents of memory of a dump that was closed.
    #[error("expected an open dump, found one that was closed")]
    Closed,
    /// A log and a dump of different processes; `found` says how that shows.
    #[error("expected a log and a dump of one process, found that {found}")]
    NotOneProcess {
        /// What contradicts it.
        found: String,
    },
    /// A header and not one heap: the tool on the customer's machine failed.
    #[error("expected a heap, found a capture that failed: {message}")]
    FailedCapture {
        /// What the tool said, escaped and cut at 400 bytes; without a word of it, that the log ends before its first heap.
        message: String,
    },
    /// Several captures in one file, and no word which one is meant.
    #[error("expected one capture, found {}: {}", .captures.len(), list(.captures))]
    ManyCaptures {
        /// In file order.
        captures: Vec<CaptureEntry>,
    },
    /// The capture asked for does not exist.
    #[error("expected a capture from 1 to {available}, found {wanted}")]
    NoSuchCapture {
        /// The number asked for, from 1.
        wanted: usize,
        /// How many there are.
        available: usize,
    },
    /// An archive, or a member of one, that cannot be unpacked at all.
    #[error("cannot unpack: {fault}")]
    Packed {
        /// Why.
        fault: Fault,
    },
    /// An archive without anything that can be read.
    #[error("expected an archive of one heap log or minidump, found {}", files(.members))]
    NoMember {
        /// What there is instead, each with what it is.
        members: Vec<String>,
    },
    /// An archive of several logs or dumps, and no word which one is meant.
    #[error("expected an archive of one heap log or minidump, found {}: {}", .members.len(), files(.members))]
    ManyMembers {
        /// In the archive's order.
        members: Vec<String>,
    },
    /// The member asked for does not exist.
    #[error("expected the member {} in the archive, found {}", excerpt(.wanted.as_bytes()), meant(.near.as_deref()))]
    NoSuchMember {
        /// The label asked for.
        wanted: String,
        /// One that is nearly the same.
        near: Option<String>,
    },
    /// What is named before a `!` is no archive.
    #[error("expected an archive in front of the !, found another file")]
    NotAnArchive,
    /// A comparison whose numbers can be read as decimal and as hexadecimal.
    #[error("expected a proof of the radix, found only digits 0-9 and no sum that decides")]
    RadixUnproven,
    /// A comparison that contradicts the radix the caller gave.
    #[error("expected numbers of radix {radix}, found {found}")]
    RadixContradicted {
        /// 10 or 16, as given.
        radix: u32,
        /// The number that does not fit.
        found: String,
    },
    /// An option was given a value it does not take.
    #[error("expected {expected}, found {found}")]
    Option {
        /// The values it takes.
        expected: &'static str,
        /// The value given.
        found: String,
    },
    /// The caller asked to stop.
    #[error("reading was cancelled")]
    Cancelled,
    /// A defect of ours, kept from taking the process down.
    #[error("expected to read the file, found a defect of heapdelta: {message}")]
    Internal {
        /// The panic's own message.
        message: String,
    },
}

impl ErrorKind {
    /// A stable name, for scripts and for the catalogue of errors in the documentation.
    pub fn name(&self) -> &'static str {
        match self {
            ErrorKind::Io(_) => "io",
            ErrorKind::Directory => "directory",
            ErrorKind::Empty => "empty",
            ErrorKind::NotALog { .. } => "not_a_log",
            ErrorKind::NotADump { .. } => "not_a_dump",
            ErrorKind::AbsentMemory { .. } => "absent_memory",
            ErrorKind::Closed => "closed",
            ErrorKind::NotOneProcess { .. } => "not_one_process",
            ErrorKind::FailedCapture { .. } => "failed_capture",
            ErrorKind::ManyCaptures { .. } => "many_captures",
            ErrorKind::NoSuchCapture { .. } => "no_such_capture",
            ErrorKind::Packed { fault } => fault.kind(),
            ErrorKind::NoMember { .. } => "no_member",
            ErrorKind::ManyMembers { .. } => "many_members",
            ErrorKind::NoSuchMember { .. } => "no_such_member",
            ErrorKind::NotAnArchive => "not_an_archive",
            ErrorKind::RadixUnproven => "radix_unproven",
            ErrorKind::RadixContradicted { .. } => "radix_contradicted",
            ErrorKind::Option { .. } => "option",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::Internal { .. } => "internal",
        }
    }

    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            ErrorKind::Io(source) => in_use(source),
            ErrorKind::Directory => Some("name the log files in it, one at a time"),
            ErrorKind::NotADump { .. } => Some("ask for the whole file: it was cut or changed on its way"),
            ErrorKind::Closed => Some("header and tables are there still; for contents of memory read the file again"),
            ErrorKind::AbsentMemory { .. } => Some("the table memory lists what the dump holds"),
            ErrorKind::FailedCapture { .. } => {
                Some("ask for a new capture, or for the whole file if it was cut on its way")
            }
            ErrorKind::ManyCaptures { .. } => Some("choose one with capture=1, 2, …"),
            ErrorKind::Packed { fault: Fault::NoPassword } => Some("give it with password= (--password)"),
            ErrorKind::NoSuchMember { .. } => Some("members(), in Python, lists what an archive holds"),
            ErrorKind::ManyMembers { .. } => Some("name one behind the archive, as in case.zip!before.txt"),
            ErrorKind::RadixUnproven => {
                Some("say which it is: radix=10 if the comparison was made with -d, else radix=16")
            }
            ErrorKind::RadixContradicted { .. } => Some("leave radix out to have it decided by proof"),
            ErrorKind::Internal { .. } => Some("please report this with the file, or the lines around the place"),
            _ => None,
        }
    }
}

impl ErrorKind {
    /// True for what is wrong with the content of a file: where its bytes end early, that may be why.
    pub(crate) fn is_of_content(&self) -> bool {
        matches!(
            self,
            ErrorKind::Empty
                | ErrorKind::NotALog { .. }
                | ErrorKind::NotADump { .. }
                | ErrorKind::FailedCapture { .. }
                | ErrorKind::RadixUnproven
        )
    }
}

impl Error {
    /// An error without a place; [`Error::at`] and [`Error::in_file`] add one.
    pub fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner { kind, position: Position::default() }))
    }

    /// Says on which line, and at which byte, the error is.
    #[must_use]
    pub fn at(mut self, line: u64, byte: u64) -> Self {
        self.0.position.line = Some(line);
        self.0.position.byte = Some(byte);
        self
    }

    /// Says in which file the error is.
    #[must_use]
    pub fn in_file(mut self, path: Option<PathBuf>) -> Self {
        self.0.position.path = path;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where it is.
    pub fn position(&self) -> &Position {
        &self.0.position
    }
}

impl Error {
    /// The message in one line, without the hint.
    pub fn message(&self) -> String {
        let Position { path, line, .. } = self.position();
        let path = path.as_ref().map_or_else(|| "<bytes>".to_owned(), |path| path.display().to_string());
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{path}{line}: {}", self.kind())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.message())?;
        match self.kind().hint() {
            Some(hint) => write!(out, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Io(source) => Some(source),
            _ => None,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        // A reader that was told to stop can say so only as an error of the system.
        source.downcast::<Self>().unwrap_or_else(|source| Self::new(ErrorKind::Io(source)))
    }
}
