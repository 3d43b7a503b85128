//! Reads the heap logs and minidumps that Windows support engineers receive into columnar tables (Arrow).
//!
//! What is read:
//!
//! | file | becomes |
//! |---|---|
//! | a log of live blocks: UMDH, DH, or DHCMP's listing of call sites | [`Snapshot`] |
//! | a comparison of two logs: UMDH or DHCMP | [`Comparison`] |
//! | a minidump | [`Dump`] |
//!
//! The way of the data: [`read()`] takes a path or bytes and tells from the first bytes what they are. A log becomes text, block by
//! block, on all cores; lines become records, and records become columns. A dump is mapped, and each of its streams becomes a
//! table. The answer is a [`Capture`]: a header, and [`Table`]s by name, whose columns [`schema`] describes. What could not be
//! read is a row of the table `issues`; an [`Error`] is only what concerns the whole file.
//!
//! # A log
//!
//! ```
//! use heapdelta::{Capture, Options, read};
//!
//! let log = "\
//! *- - - - - - - - - - Heap 2E60000 Hogs - - - - - - - - - -
//!
//! 64 bytes + 1C at 2E9FA20 by BackTrace1
//! \t776CDD82
//! \t7768EC66
//!
//! 40 bytes + 18 at 2E9FB00 by BackTrace1
//! ";
//! // A path works as well: `read("before.txt", &Options::default())`.
//! let Capture::Snapshot(snapshot) = read(log.as_bytes(), &Options::default())? else { panic!("not a log") };
//!
//! assert_eq!(snapshot.header.format, "umdh2");
//! let rows = |name| snapshot.table(name).map(|table| table.len());
//! assert_eq!((rows("allocations"), rows("stacks"), rows("issues")), (Some(2), Some(1), Some(0)));
//! # Ok::<(), heapdelta::Error>(())
//! ```
//!
//! # A dump
//!
//! Here one that the cargo feature `testing` writes; read yours by its path.
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use heapdelta::{Capture, Options, read, testing::dump::{Plan, Range}};
//!
//! let page = Range { known: vec![(0, b"MZ".to_vec())], ..Range::new(0x1A0_0000_0000, 0x1000) };
//! let mut file = Vec::new();
//! Plan { is_64_bit: true, memory: Some(vec![page]), ..Plan::default() }.write(&mut file)?;
//!
//! let Capture::Dump(dump) = read(&file[..], &Options::default())? else { panic!("not a dump") };
//! assert_eq!(dump.table("memory").map(|table| table.len()), Some(1));
//! assert_eq!(dump.bytes_at(0x1A0_0000_0000, 2)?, &b"MZ"[..]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Cargo features
//!
//! None is on by default.
//!
//! - `polars`: `Table::to_polars`, which gives a `DataFrame`.
//! - `testing`: writes synthetic logs and dumps whose answers are known.
//! - `python`: the bindings of the Python package, which is where differences, series and charts are.

// Unsafe code is in two rooms: `engine`, and the file where tables and bytes cross to Python.
#![deny(unsafe_code)]
// Each room offers what its own tests need, which the rooms beside it may not; and some is there for the bindings alone.
#![cfg_attr(not(feature = "internals"), allow(unused_imports))]
#![cfg_attr(not(feature = "python"), allow(dead_code))]

mod assemble;
mod compat;
mod control;
mod dataset;
mod diff;
mod dump;
mod engine;
mod error;
mod export;
mod input;
mod log;
mod numbers;
#[cfg(feature = "python")]
mod python;
mod read;
mod series;
mod snapshot;
mod survival;
mod symbols;
mod table;
#[cfg(feature = "testing")]
pub mod testing;

pub use control::Control;
pub use dump::{header::DumpHeader, heap::types::HeapSymbols};
pub use error::{CaptureEntry, Error, ErrorKind, Position, Result};
pub use input::{
    Source,
    archive::{Rules as ArchiveRules, fault::Fault as ArchiveFault, limits::Limits as ArchiveLimits},
    content::Content,
    text::Encoding,
};
pub use log::sink::LineCounts;
pub use read::{Options, read, read_with};
pub use snapshot::{About, Capture, Comparison, Dump, Header, HeapWalk, Snapshot};
pub use table::{Table, schema};

/// The rooms themselves, for the tests, benches and fuzz targets of this repository. They change without notice.
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    macro_rules! rooms {
        ($($room:ident)+) => { $(pub mod $room { pub use crate::$room::*; })+ };
    }
    rooms! { assemble compat control dataset diff dump engine error export input log numbers read series snapshot survival symbols table }
}
