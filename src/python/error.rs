//! Errors of the core as exceptions of `heapdelta.exceptions`.

use std::io;

use pyo3::{prelude::*, types::PyDict};

use crate::error::{Error, ErrorKind, is_in_use};

/// The class of `heapdelta.exceptions` for a kind of error.
pub fn class(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Io(source) => match source.kind() {
            io::ErrorKind::NotFound => "NotFoundError",
            _ if is_in_use(source) => "PermissionDeniedError",
            io::ErrorKind::PermissionDenied => "PermissionDeniedError",
            _ => "ReadError",
        },
        ErrorKind::Directory => "DirectoryError",
        ErrorKind::Empty | ErrorKind::NotALog { .. } | ErrorKind::NotADump { .. } => "FormatError",
        ErrorKind::Packed { .. }
        | ErrorKind::NoMember { .. }
        | ErrorKind::ManyMembers { .. }
        | ErrorKind::NoSuchMember { .. }
        | ErrorKind::NotAnArchive => "ArchiveError",
        ErrorKind::AbsentMemory { .. } => "AbsentMemoryError",
        ErrorKind::Closed => "ClosedError",
        ErrorKind::FailedCapture { .. } | ErrorKind::ManyCaptures { .. } | ErrorKind::NoSuchCapture { .. } => {
            "CaptureError"
        }
        ErrorKind::RadixUnproven | ErrorKind::RadixContradicted { .. } => "RadixError",
        ErrorKind::Option { .. } | ErrorKind::NotOneProcess { .. } => "OptionError",
        ErrorKind::Cancelled => "CancelledError",
        ErrorKind::Internal { .. } => "InternalError",
    }
}

/// The exception for an error.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let build = || -> PyResult<PyErr> {
        let class = py.import("heapdelta.exceptions")?.getattr(class(error.kind()))?;
        let place = error.position();
        let about = PyDict::new(py);
        about.set_item("path", place.path.as_ref().map(|path| path.display().to_string()))?;
        about.set_item("line", place.line)?;
        about.set_item("byte", place.byte)?;
        about.set_item("hint", error.kind().hint())?;
        about.set_item("kind", error.kind().name())?;
        Ok(PyErr::from_value(class.call((error.message(),), Some(&about))?))
    };
    build().unwrap_or_else(|failure| failure)
}
