//! Archives: how they are opened, what they hold, and all of it read in one pass.

use std::{path::PathBuf, sync::atomic::Ordering};

use pyo3::prelude::*;

use super::{
    error::exception,
    read::{FoundOrException, Input, named, watched},
};
use crate::{
    control::Control,
    input::{
        Source,
        archive::{Rules, limits::Limits, split},
        member::Packed,
        text::Encoding,
    },
    read::{
        self, Options,
        packed::{Entry, Named, Unpacked, is_archive},
    },
};

/// `heapdelta.ArchiveLimits`.
#[derive(FromPyObject)]
pub struct ArchiveLimits {
    ratio: u64,
    member_bytes: u64,
    total_bytes: u64,
    members: u64,
    depth: u64,
    memory_bytes: u64,
}

/// How archives are opened.
pub fn rules(password: Option<String>, encoding: Option<Encoding>, limits: Option<ArchiveLimits>) -> Rules {
    let limits = limits.map_or_else(Limits::default, |limits| Limits {
        ratio: limits.ratio,
        member_bytes: limits.member_bytes,
        total_bytes: limits.total_bytes,
        members: limits.members,
        depth: limits.depth,
        memory_bytes: limits.memory_bytes,
    });
    Rules { password, names: encoding.map(Encoding::of_names), limits }
}

/// A file of an archive: its label, the bytes it should have, its time in seconds since 1970, what it is in a word or a few,
/// and whether it can be read, if that is known.
type MemberRow = (String, Option<u64>, Option<i64>, String, Option<bool>);

/// What an archive holds: None for what is no archive. Wrapped by `heapdelta.members`.
#[pyfunction]
#[pyo3(signature = (source, *, encoding=None, password=None, limits=None))]
pub fn members(
    py: Python<'_>,
    source: Input,
    encoding: Option<&str>,
    password: Option<String>,
    limits: Option<ArchiveLimits>,
) -> PyResult<Option<Vec<MemberRow>>> {
    let encoding = encoding.map(|name| named(py, name)).transpose()?;
    let options = Options { encoding, archives: rules(password, encoding, limits), ..Options::default() };
    let control = Control::default();
    let source = source.named(None);
    let found = watched(py, &control, None, None, || read::members(&source, &options, &control))?;
    let row =
        |Entry { member, kind }: Entry| (member.label, member.size, member.modified, kind.words(), kind.readable());
    let entries = found.map_err(|error| exception(py, &error))?;
    Ok(entries.map(|entries| entries.into_iter().map(row).collect()))
}

/// Read all that an archive holds, in one pass. False for what is no archive; or that is read itself, as the file without a
/// label.
///
/// `each` is called with every file as soon as it is read: its label, the bytes it should have, its time in seconds since 1970,
/// the hash of its bytes if it was unpacked to its end, and what `read` gives for it or raises. What it raises stops the reading.
#[pyfunction]
#[pyo3(signature = (source, each, *, threads, blocks, encoding, progress, password=None, limits=None, name=None, or_itself=false))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn read_members(
    py: Python<'_>,
    source: Input,
    each: Py<PyAny>,
    threads: Option<usize>,
    blocks: bool,
    encoding: Option<&str>,
    progress: Py<PyAny>,
    password: Option<String>,
    limits: Option<ArchiveLimits>,
    name: Option<PathBuf>,
    or_itself: bool,
) -> PyResult<bool> {
    let encoding = encoding.map(|name| named(py, name)).transpose()?;
    let options =
        Options { threads, blocks, encoding, archives: rules(password, encoding, limits), ..Options::default() };
    let control = Control::default();
    let source = source.named(name);
    let mut raised = None;
    let mut found = |Unpacked { member, outcome, hash }: Unpacked| {
        if raised.is_none() {
            raised = Python::attach(|py| {
                let outcome = FoundOrException::new(py, outcome);
                each.call1(py, (member.label, member.size, member.modified, hash.get(), outcome)).err()
            });
            control.cancelled.fetch_or(raised.is_some(), Ordering::Relaxed);
        }
    };
    let read = watched(py, &control, None, Some(&progress), || match or_itself {
        true => read::read_members_or_itself(&source, &options, &control, &mut found).map(Some),
        false => read::read_members(&source, &options, &control, &mut found),
    })?;
    match raised {
        Some(error) => Err(error),
        None => read.map(|all| all.is_some()).map_err(|error| exception(py, &error)),
    }
}

/// Which of these files are archives. What cannot be opened is none: who reads it says why.
#[pyfunction]
#[pyo3(signature = (paths, *, encoding=None, password=None, limits=None))]
pub fn are_archives(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    encoding: Option<&str>,
    password: Option<String>,
    limits: Option<ArchiveLimits>,
) -> PyResult<Vec<bool>> {
    let encoding = encoding.map(|name| named(py, name)).transpose()?;
    let rules = rules(password, encoding, limits);
    let is_inside =
        |path: &PathBuf| Named::new(&Source::Path(path.clone())).is_some_and(|named| named.is_archive(&rules));
    let holds_files = |path: PathBuf| {
        if path.is_file() { is_archive(&Packed::Path(path), encoding).unwrap_or(false) } else { is_inside(&path) }
    };
    Ok(py.detach(|| paths.into_iter().map(holds_files).collect()))
}

/// The archive that a path with a `!` names, if there is no file of that path; None for every other path.
#[pyfunction]
pub fn archive_of(path: PathBuf) -> Option<PathBuf> {
    if path.exists() { None } else { split(&path).map(|(archive, _)| archive) }
}
