//! `read`: from a path or bytes to a [`Snapshot`](crate::Snapshot), a [`Comparison`](crate::Comparison) or a [`Dump`](crate::Dump).
//!
//! ```text
//! mod (options, panics become errors) -> open (first bytes) -> log (captures, dialects) -> workers (threads) -> capture (result)
//!                                                           -> dump
//! ```

mod capture;
mod dump;
mod log;
mod open;
mod other;
mod workers;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    control::Control,
    engine::memory,
    error::{ErrorKind, Result},
    input::{Part, Source, text::Encoding},
    log::blocks::BLOCK_SIZE,
    snapshot::Capture,
};
use open::open;

/// How to read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads; absent for one for each core. The result never depends on it.
    pub threads: Option<usize>,
    /// Keep one row for each block; without it `allocations` is empty, and memory grows with stacks alone.
    pub blocks: bool,
    /// 10 or 16 for a comparison whose numbers do not prove it.
    pub radix: Option<u32>,
    /// Which capture of several in one file, from 1.
    pub capture: Option<usize>,
    /// What bytes are that neither a byte-order mark nor their zeros explain: for logs of code pages other than windows-1252.
    pub encoding: Option<Encoding>,
    /// Bytes of text read at a time: for tests.
    #[doc(hidden)]
    pub block_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: None, blocks: true, radix: None, capture: None, encoding: None, block_size: BLOCK_SIZE }
    }
}

/// Bytes of a log whose temporary tables are worth giving back.
const LARGE: u64 = 16 << 20;

/// Reads a heap log or a minidump. The file of a dump is mapped: leave it as it is while the [`crate::Dump`] lives.
///
/// # Errors
///
/// See [`ErrorKind`]: everything that concerns the file as a whole. What concerns a line is a row of `issues`.
///
/// # Examples
///
/// ```
/// use heapdelta::{Capture, Options, read};
///
/// let text = "*- - - - - - Heap 2E60000 Hogs - - - - - -\n\n64 bytes + 1C at 2E9FA20 by BackTrace1\n\t776CDD82\n";
/// let Capture::Snapshot(snapshot) = read(text.as_bytes(), &Options::default())? else { panic!("a comparison") };
/// assert_eq!(snapshot.table("allocations").map(|table| table.len()), Some(1));
/// # Ok::<(), heapdelta::Error>(())
/// ```
pub fn read<'a>(source: impl Into<Source<'a>>, options: &Options) -> Result<Capture> {
    read_with(&source.into(), options, &Control::default())
}

/// Reads a heap log or a minidump that another thread can watch and stop.
///
/// # Errors
///
/// As [`read`], and [`ErrorKind::Cancelled`].
pub fn read_with(source: &Source<'_>, options: &Options, control: &Control) -> Result<Capture> {
    let path = source.path().map(ToOwned::to_owned);
    let outcome = catch_unwind(AssertUnwindSafe(|| read_capture(source, options, control)));
    let outcome = outcome.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
        Err(ErrorKind::Internal { message: words.to_owned() }.into())
    });
    if matches!(&outcome, Ok(Capture::Snapshot(log)) if log.about.byte_count >= LARGE) {
        memory::give_back();
    }
    outcome.map_err(|error| error.in_file(path))
}

fn read_capture(source: &Source<'_>, options: &Options, control: &Control) -> Result<Capture> {
    check_options(options)?;
    let opened = open(source, Part::default(), control)?;
    if opened.is_dump() {
        dump::read(source, opened, options, control)
    } else {
        log::read(source, opened, options, control)
    }
}

fn check_options(options: &Options) -> Result<()> {
    let refuse = |expected, found: usize| Err(ErrorKind::Option { expected, found: found.to_string() }.into());
    match (options.threads, options.radix) {
        (Some(threads), _) if threads == 0 || threads > 1024 => refuse("threads from 1 to 1024", threads),
        (_, Some(radix)) if radix != 10 && radix != 16 => refuse("radix 10 or 16", radix as usize),
        _ => Ok(()),
    }
}
