//! Reads the heap logs (DH, UMDH, DHCMP) and minidumps that Windows support engineers receive into columnar tables.

pub mod assemble;
pub mod compat;
pub mod dump;
pub mod error;
pub mod input;
pub mod lines;
pub mod log;
pub mod memory;
pub mod merge;
pub mod opened;
pub mod parallel;
#[cfg(feature = "python")]
pub mod python;
pub mod read;
pub mod snapshot;
pub mod survival;
pub mod synth;
pub mod table;
pub mod trend;
pub mod vector;

pub use error::{Error, ErrorKind, Result};
pub use read::{Options, read, read_with};
pub use snapshot::{Comparison, Dump, Log, Snapshot};
