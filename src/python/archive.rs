//! Archives: how they are opened, what they hold, and all of it read in one pass.

use std::path::PathBuf;

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
        content::Content,
        member::Packed,
        text::Encoding,
    },
    read::{
        self, Options,
        packed::{Entry, Named, Unpacked},
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
    let source = match source {
        Input::Bytes(bytes) => Source::Shared(Content::new(bytes), None),
        Input::Path(path) => Source::Path(path),
    };
    let found = watched(py, &control, None, None, || read::members(&source, &options, &control))?;
    let row =
        |Entry { member, kind }: Entry| (member.label, member.size, member.modified, kind.words(), kind.readable());
    let entries = found.map_err(|error| exception(py, &error))?;
    Ok(entries.map(|entries| entries.into_iter().map(row).collect()))
}

/// A file of an archive: its label, its time in seconds since 1970, and what `read` gives for it or raises.
type UnpackedRow = (String, Option<i64>, FoundOrException);

/// Read all that an archive holds, in one pass; None for what is no archive.
#[pyfunction]
#[pyo3(signature = (path, *, threads, blocks, encoding, progress, password=None, limits=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn read_members(
    py: Python<'_>,
    path: PathBuf,
    threads: Option<usize>,
    blocks: bool,
    encoding: Option<&str>,
    progress: Py<PyAny>,
    password: Option<String>,
    limits: Option<ArchiveLimits>,
) -> PyResult<Option<Vec<UnpackedRow>>> {
    let encoding = encoding.map(|name| named(py, name)).transpose()?;
    let options =
        Options { threads, blocks, encoding, archives: rules(password, encoding, limits), ..Options::default() };
    let control = Control::default();
    let source = Source::Path(path);
    let found = watched(py, &control, None, Some(&progress), || read::read_members(&source, &options, &control))?;
    let row =
        |Unpacked { member, outcome }: Unpacked| (member.label, member.modified, FoundOrException::new(py, outcome));
    let members = found.map_err(|error| exception(py, &error))?;
    Ok(members.map(|members| members.into_iter().map(row).collect()))
}

/// Which of these files are archives. What cannot be opened is none: who reads it says why.
#[pyfunction]
pub fn are_archives(py: Python<'_>, paths: Vec<PathBuf>) -> Vec<bool> {
    let is_inside = |path: &PathBuf| Named::new(&Source::Path(path.clone())).is_some_and(|named| named.is_archive());
    let is_archive = |path: PathBuf| {
        if path.is_file() { Packed::Path(path).is_archive().unwrap_or(false) } else { is_inside(&path) }
    };
    py.detach(|| paths.into_iter().map(is_archive).collect())
}

/// The archive that a path with a `!` names, if there is no file of that path; None for every other path.
#[pyfunction]
pub fn archive_of(path: PathBuf) -> Option<PathBuf> {
    if path.exists() { None } else { split(&path).map(|(archive, _)| archive) }
}
