//! Minidumps: from the bytes of a file to rows. No files, no threads, no Arrow.
//!
//! ```text
//! header -> directory -> one reader for each stream -> rows, issues, the address space
//! ```
//!
//! The invariant: a bad record costs that record. The `minidump` crate opens the file and reads SystemInfo, MiscInfo and
//! registers; the lists are read here, because the crate gives up a whole list for one bad record. Every count is bounded
//! by the bytes that are there, every chain by a limit, and texts together by twice the size of the file.

pub mod classes;
pub mod counters;
pub mod directory;
pub mod fields;
pub mod handles;
pub mod header;
pub mod heap;
pub mod issues;
pub mod memory;
pub mod modules;
pub mod regions;
pub mod shared;
pub mod streams;
pub mod threads;

use crate::error::{ErrorKind, Severity};
use classes::Contents;
use counters::{ProcessCounters, SystemMemory};
use directory::{Entry, Stream};
use header::DumpHeader;
use issues::{StreamIssue, StreamPlace};
use memory::{Memory, Ranges};
use minidump::MinidumpSystemInfo;
use shared::Shared;
use streams::Kind;

/// Everything that a dump says, as rows.
#[derive(Debug, Default)]
pub struct Rows {
    /// The process as a whole.
    pub header: DumpHeader,
    /// The directory.
    pub streams: Vec<Entry>,
    /// Modules that were loaded.
    pub modules: Vec<modules::Module>,
    /// Modules that had been unloaded.
    pub unloaded_modules: Vec<modules::Module>,
    /// Threads.
    pub threads: Vec<threads::Thread>,
    /// Regions of the address space.
    pub regions: regions::Regions,
    /// What the regions are for, but for heaps.
    pub classes: classes::Classes,
    /// What may be a heap: contents far apart tell, which the owner of the file reads.
    pub candidates: classes::Candidates,
    /// Open handles.
    pub handles: Vec<handles::Handle>,
    /// Contents that the file holds.
    pub ranges: Ranges,
    /// The same, by address.
    pub memory: Memory,
    /// What the process used.
    pub memory_counters: ProcessCounters,
    /// What the machine had.
    pub system_memory: SystemMemory,
    /// What could not be read.
    pub issues: Vec<StreamIssue>,
}

/// Reads a dump.
///
/// # Errors
///
/// [`ErrorKind::NotADump`]. Everything else is a row of `issues`.
pub fn read(file: &[u8]) -> Result<Rows, ErrorKind> {
    let file_header = directory::header(file)?;
    let mut shared = Shared::new(file);
    let mut entries = directory::entries(file, &file_header, &mut shared.issues);
    let mut rows = Rows::default();
    rows.header.taken_at = file_header.taken_at.map(i64::from);
    rows.header.flags = file_header.flags;
    let system = about(&mut shared, &mut entries, &mut rows.header);
    lists(&mut shared, &mut entries, system.as_ref(), &mut rows);
    directory::leave_out(&mut entries, &shared.left_out);
    directory::explain(file, &mut entries, &mut shared.issues);
    rows.streams = entries;
    rows.memory = Memory::new(&rows.ranges, &mut shared);
    let contents = Contents { file, memory: &rows.memory, narrow: shared.narrow };
    (rows.classes, rows.candidates) = classes::classify(&rows.regions, &rows.threads, &contents);
    if rows.header.pointer_width == 0 {
        rows.header.pointer_width = pointer_width(&rows);
    }
    other_system(&mut shared, &rows.header);
    rows.issues = shared.issues.finish();
    Ok(rows)
}

/// The streams that speak of the process as a whole.
fn about(shared: &mut Shared<'_>, entries: &mut [Entry], header: &mut DumpHeader) -> Option<MinidumpSystemInfo> {
    let file = shared.file;
    let mut take = |shared: &mut Shared<'_>, kind| directory::take(file, kind, entries, &mut shared.issues);
    let system = take(shared, Kind::SystemInfoStream).and_then(|stream| header::system(shared, &stream, header));
    shared.narrow = header.pointer_width == 32;
    if let Some(stream) = take(shared, Kind::MiscInfoStream) {
        header::misc(shared, &stream, header);
    }
    if let Some(stream) = take(shared, Kind::ExceptionStream) {
        header::exception(shared, &stream, header);
    }
    if let Some(stream) = take(shared, Kind::CommentStreamW) {
        header::wide_comment(shared, &stream, header);
    }
    if header.comment.is_none()
        && let Some(stream) = take(shared, Kind::CommentStreamA)
    {
        header::ansi_comment(shared, &stream, header);
    }
    system
}

/// The streams that are lists, and the counters.
fn lists(shared: &mut Shared<'_>, entries: &mut [Entry], system: Option<&MinidumpSystemInfo>, rows: &mut Rows) {
    let order: Vec<u32> = entries.iter().map(|entry| entry.kind).collect();
    let file = shared.file;
    let mut take = |shared: &mut Shared<'_>, kind| directory::take(file, kind, entries, &mut shared.issues);
    if let Some(stream) = take(shared, Kind::ModuleListStream) {
        rows.modules = modules::loaded(shared, &stream);
    }
    if let Some(stream) = take(shared, Kind::UnloadedModuleListStream) {
        rows.unloaded_modules = modules::unloaded(shared, &stream);
    }
    if let Some(stream) = take(shared, Kind::ThreadListStream) {
        rows.threads = threads::list(shared, &stream, system);
    }
    if let Some(stream) = take(shared, Kind::ThreadInfoListStream) {
        threads::infos(shared, &stream, &mut rows.threads);
    }
    if let Some(stream) = take(shared, Kind::ThreadNamesStream) {
        threads::names(shared, &stream, &mut rows.threads);
    }
    if let Some(stream) = take(shared, Kind::MemoryInfoListStream) {
        rows.regions = regions::read(shared, &stream);
    }
    // Where ranges of both lists overlap, the list that comes first in the directory counts.
    let mut memory_lists = [Kind::MemoryListStream, Kind::Memory64ListStream];
    memory_lists.sort_by_key(|kind| order.iter().position(|known| *known == *kind as u32));
    for kind in memory_lists {
        let stream: Option<Stream<'_>> = take(shared, kind);
        match (stream, kind) {
            (Some(stream), Kind::MemoryListStream) => memory::list(shared, &stream, &mut rows.ranges),
            (Some(stream), _) => memory::list64(shared, &stream, &mut rows.ranges),
            (None, _) => {}
        }
    }
    if let Some(stream) = take(shared, Kind::HandleDataStream) {
        rows.handles = handles::read(shared, &stream);
    }
    if let Some(stream) = take(shared, Kind::ProcessVmCountersStream) {
        rows.memory_counters = counters::process(shared, &stream);
    }
    if let Some(stream) = take(shared, Kind::SystemMemoryInfoStream) {
        rows.system_memory = counters::system(shared, &stream);
    }
}

/// Without SystemInfo, as for logs: 64 if any address needs it.
fn pointer_width(rows: &Rows) -> u32 {
    let modules = rows.modules.iter().map(|module| module.base);
    let listed = rows.ranges.base.iter().chain(&rows.regions.base).copied();
    let largest = modules.chain(listed).max().unwrap_or(0);
    if largest > u64::from(u32::MAX) { 64 } else { 32 }
}

/// Breakpad and Crashpad write dumps of other systems, too.
fn other_system(shared: &mut Shared<'_>, header: &DumpHeader) {
    if let Some(os) = header.os.as_deref().filter(|os| *os != "windows") {
        shared.issues.push(
            Severity::Info,
            "other_system",
            StreamPlace::default(),
            || format!("a process of {os}"),
            "read what the format shares; tables that only Windows fills are empty",
        );
    }
}
