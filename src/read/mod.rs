//! `read`: from a path or bytes to a [`Snapshot`](crate::Snapshot), a [`Comparison`](crate::Comparison) or a [`Dump`](crate::Dump).
//!
//! ```text
//! mod (options, panics become errors) -> open (first bytes) -> log (captures, dialects) -> workers (threads) -> capture (result)
//!                                                           -> dump
//!                                                           -> packed (the one log of an archive, which is opened in its turn)
//! ```

mod capture;
mod dump;
mod log;
mod open;
mod other;
pub mod packed;
mod workers;

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use crate::{
    control::Control,
    engine::memory,
    error::{Error, ErrorKind, Result},
    input::{
        Part, Source,
        archive::{Member, Rules},
        member::Packed,
        text::Encoding,
    },
    log::blocks::BLOCK_SIZE,
    snapshot::Capture,
};
use open::{Opened, open};
use packed::Named;

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
    /// How archives are opened.
    pub archives: Rules,
    /// Bytes of text read at a time: for tests.
    #[doc(hidden)]
    pub block_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: None,
            blocks: true,
            radix: None,
            capture: None,
            encoding: None,
            archives: Rules::default(),
            block_size: BLOCK_SIZE,
        }
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
    finished(source, guarded(|| read_capture(source, options, control)))
}

/// What a read gave, with the name of its file.
fn finished(source: &Source<'_>, outcome: Result<Capture>) -> Result<Capture> {
    if matches!(&outcome, Ok(Capture::Snapshot(log)) if log.about.byte_count >= LARGE) {
        memory::give_back();
    }
    outcome.map_err(|error| named(source, error))
}

/// An error with the name of its file.
fn named(source: &Source<'_>, error: Error) -> Error {
    match error.position().path {
        Some(_) => error,
        None => error.in_file(source.path().map(ToOwned::to_owned)),
    }
}

/// What an archive holds: for each file, what it is. Absent for what is no archive.
///
/// # Errors
///
/// As [`read_with`].
pub fn members(source: &Source<'_>, options: &Options, control: &Control) -> Result<Option<Vec<packed::Entry>>> {
    let entries = |archive: &Packed, inside: Option<&str>, _: Option<&Path>| {
        packed::entries(archive, inside, options, control).map(Some)
    };
    of_archive(source, options, control, entries, |_| Ok(None))
}

/// Reads all that an archive holds. Absent for what is no archive.
///
/// # Errors
///
/// As [`read_with`], for what concerns the archive as a whole.
pub fn read_members(
    source: &Source<'_>,
    options: &Options,
    control: &Control,
    found: packed::Found<'_>,
) -> Result<Option<()>> {
    let all = |archive: &Packed, inside: Option<&str>, path: Option<&Path>| {
        packed::read_all(archive, inside, path, options, control, found).map(Some)
    };
    of_archive(source, options, control, all, |_| Ok(None))
}

/// Reads all that an archive holds, or the one log or dump that a source is: a pipe cannot be asked first.
///
/// # Errors
///
/// As [`read_with`], for what concerns the source as a whole.
pub fn read_members_or_itself(
    source: &Source<'_>,
    options: &Options,
    control: &Control,
    found: packed::Found<'_>,
) -> Result<()> {
    let found = RefCell::new(found);
    let all = |archive: &Packed, inside: Option<&str>, path: Option<&Path>| {
        packed::read_all(archive, inside, path, options, control, &mut **found.borrow_mut())
    };
    let itself = |opened: Opened<'_>| {
        let outcome = finished(source, read_opened(source, opened, options, control));
        let member = Member { label: String::new(), size: None, modified: None };
        (found.borrow_mut())(packed::Unpacked { member, outcome, hash: packed::Hash::default() });
        Ok(())
    };
    of_archive(source, options, control, all, itself)
}

/// Works on an archive, or on an archive inside of it; `otherwise` on what is none.
fn of_archive<T>(
    source: &Source<'_>,
    options: &Options,
    control: &Control,
    work: impl FnOnce(&Packed, Option<&str>, Option<&Path>) -> Result<T>,
    otherwise: impl FnOnce(Opened<'_>) -> Result<T>,
) -> Result<T> {
    let open = || {
        check_options(options)?;
        if let Some(named) = Named::new(source) {
            return work(&named.packed, Some(&named.label), Some(&named.path));
        }
        let mut opened = open(source, Part::default(), control)?;
        let archive = match packed::archive(source, &mut opened)? {
            None => packed::behind_others(source, &opened, options)?,
            archive => archive,
        };
        match archive {
            Some(archive) => work(&archive, None, source.path()),
            None => otherwise(opened),
        }
    };
    guarded(open).map_err(|error| error.in_file(source.path().map(ToOwned::to_owned)))
}

/// A panic becomes an error.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
        Err(ErrorKind::Internal { message: words.to_owned() }.into())
    })
}

fn read_capture(source: &Source<'_>, options: &Options, control: &Control) -> Result<Capture> {
    read_one_file(source, options, control, |source, opened| read_opened(source, opened, options, control))
}

/// Reads every capture of a file: a log can hold several, appended to each other.
///
/// # Errors
///
/// As [`read_with`], for what concerns the file as a whole.
pub fn read_every(source: &Source<'_>, options: &Options, control: &Control) -> Result<Vec<Result<Capture>>> {
    let work = |source: &Source<'_>, opened: Opened<'_>| match opened.is_dump() {
        true => Ok(vec![read_opened(source, opened, options, control).map_err(|error| named(source, error))]),
        false => log::read_every(source, opened, options, control),
    };
    guarded(|| read_one_file(source, options, control, work)).map_err(|error| named(source, error))
}

/// Opens the one log or dump that a source is, or an archive holds, or a path with a `!` names.
fn read_one_file<T>(
    source: &Source<'_>,
    options: &Options,
    control: &Control,
    work: impl Fn(&Source<'_>, Opened<'_>) -> Result<T>,
) -> Result<T> {
    check_options(options)?;
    let read_member = |member: Source<'static>| {
        let outcome = open(&member, Part::default(), control).and_then(|opened| work(&member, opened));
        outcome.map_err(|error| error.in_file(member.path().map(ToOwned::to_owned)))
    };
    if let Some(named) = Named::new(source) {
        return match read_member(named.member(options)) {
            // It may be an archive itself.
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchMember { .. }) => {
                read_member(named.inside(options, control)?)
            }
            outcome => outcome,
        };
    }
    let mut opened = open(source, Part::default(), control)?;
    let archive = match packed::archive(source, &mut opened)? {
        Some(archive) => archive,
        None => match work(source, opened) {
            // Asked last, so that it costs nothing to read a log.
            Err(error) if matches!(error.kind(), ErrorKind::NotALog { .. }) => packed::behind(source)?.ok_or(error)?,
            outcome => return outcome,
        },
    };
    read_member(packed::only(archive, source.path(), options, control)?)
}

/// Reads a source that is open. Where its bytes ended early, what their parser says of them is not the reason.
fn read_opened(source: &Source<'_>, opened: Opened<'_>, options: &Options, control: &Control) -> Result<Capture> {
    if !opened.is_dump() {
        return log::read(source, opened, options, control);
    }
    let fault = opened.rest.fault.clone();
    dump::read(source, opened, options, control).map_err(|error| fault.reason_for(error))
}

fn check_options(options: &Options) -> Result<()> {
    let refuse = |expected, found: usize| Err(ErrorKind::Option { expected, found: found.to_string() }.into());
    match (options.threads, options.radix) {
        (Some(threads), _) if threads == 0 || threads > 1024 => refuse("threads from 1 to 1024", threads),
        (_, Some(radix)) if radix != 10 && radix != 16 => refuse("radix 10 or 16", radix as usize),
        _ => Ok(()),
    }
}
