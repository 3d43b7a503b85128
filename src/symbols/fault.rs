//! Why a symbol file is of no use.

use std::{fmt, io, panic::resume_unwind};

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The system refuses it.
    Io(String),
    /// It is nothing that has names.
    NotSymbols,
    /// It is of a format that is not read; says which.
    Unsupported(&'static str),
    /// It is cut or changed.
    Damaged(String),
}

impl Fault {
    /// Ends the work on a file where the crates between know nothing of faults: `opened.rs` catches it.
    pub fn unwind(self) -> ! {
        resume_unwind(Box::new(self))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Io(error) => write!(out, "cannot read: {error}"),
            Fault::NotSymbols => write!(out, "expected symbols, found another file"),
            Fault::Unsupported(format) => write!(out, "expected symbols that heapdelta reads, found {format}"),
            Fault::Damaged(what) => write!(out, "the file is damaged: {what}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error.to_string())
    }
}
