//! Reads the heap logs (DH, UMDH, DHCMP) and minidumps that Windows support engineers receive into columnar tables.

pub mod assemble;
pub mod compat;
pub mod control;
pub mod diff;
pub mod dump;
pub mod engine;
pub mod error;
pub mod input;
pub mod log;
#[cfg(feature = "python")]
pub mod python;
pub mod read;
pub mod series;
pub mod snapshot;
pub mod survival;
pub mod table;
pub mod testing;

pub use error::{Error, ErrorKind, Result};
pub use read::{Options, read, read_with};
pub use snapshot::{Capture, Comparison, Dump, Snapshot};
