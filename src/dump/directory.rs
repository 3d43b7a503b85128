//! The header and the directory: what a dump says that it holds.
//!
//! The `minidump` crate opens the file. It refuses one whose directory is cut, and keeps one stream of each type, so the
//! rows of the directory are read here: every one of them is a row of `streams`.

use std::{borrow::Cow, collections::HashSet};

use minidump::Minidump;

use super::{
    fields::{Fields, present},
    issues::{StreamIssues, StreamPlace},
    streams::{Kind, name},
};
use crate::error::{ErrorKind, Severity, excerpt};

/// First bytes of a dump.
pub const MAGIC: &[u8] = b"MDMP";

const HEADER_SIZE: usize = 32;
const ENTRY_SIZE: usize = 12;

/// `LastReservedStream`: numbers above are free for vendors.
const LAST_RESERVED: u32 = 0xFFFF;

/// Entries that are read of a directory; real ones have a few dozen, the largest known to us 39,000.
pub const ENTRY_LIMIT: usize = 1 << 16;

/// The header of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// Seconds since 1970 UTC; absent for 0.
    pub taken_at: Option<u32>,
    /// `MINIDUMP_TYPE`, as the writer was asked for; it says nothing about which streams there are.
    pub flags: u64,
    stream_count: u32,
    directory_offset: u32,
}

/// One entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `MINIDUMP_STREAM_TYPE`, or a vendor's number.
    pub kind: u32,
    /// Bytes, as declared.
    pub size: u32,
    /// Offset in the file.
    pub offset: u32,
    /// Its content, or part of it, is in the tables or the header.
    pub read: bool,
    /// Why it was not read, or what is missing.
    pub reason: Option<Cow<'static, str>>,
}

/// A stream that a reader is given.
#[derive(Debug, Clone, Copy)]
pub struct Stream<'a> {
    /// The documented name.
    pub name: &'static str,
    /// Offset in the file.
    pub offset: u64,
    /// The bytes that the file has of it.
    pub bytes: &'a [u8],
}

impl Stream<'_> {
    /// The stream as a place.
    pub fn place(&self) -> StreamPlace {
        StreamPlace { stream: Some(self.name), index: None, byte: Some(self.offset) }
    }
}

/// Reads the header.
///
/// # Errors
///
/// [`ErrorKind::NotADump`] for a file that no reader can take for a dump: the header is cut or of another version, or the
/// directory lies behind the end of the file.
pub fn header(file: &[u8]) -> Result<FileHeader, ErrorKind> {
    let refuse = |found: String| Err(ErrorKind::NotADump { found });
    if file.len() < HEADER_SIZE {
        return refuse(format!("a header cut after {} of {HEADER_SIZE} bytes", file.len()));
    }
    if !file.starts_with(MAGIC) {
        return refuse(format!("a file that starts with {}", excerpt(&file[..MAGIC.len()])));
    }
    let raw = raw_header(file);
    // Up to the end of the directory: at opening the crate would read a service pack's name of any length behind it.
    let directory_size = (raw.stream_count as usize).min(ENTRY_LIMIT) * ENTRY_SIZE;
    let end = (raw.directory_offset as usize).saturating_add(directory_size).clamp(HEADER_SIZE, file.len());
    let header = match Minidump::read(&file[..end]) {
        Ok(dump) => FileHeader {
            taken_at: Some(dump.header.time_date_stamp).filter(|seconds| *seconds != 0),
            flags: dump.header.flags,
            stream_count: dump.header.stream_count,
            directory_offset: dump.header.stream_directory_rva,
        },
        Err(minidump::Error::VersionMismatch) => {
            return refuse(format!("a header of version {:#06x}", Fields(file).u16(4)));
        }
        // A directory that is cut: Microsoft's engine reads what is there, and so do we.
        Err(_) => raw,
    };
    let after = file.len().saturating_sub(header.directory_offset as usize);
    if after < ENTRY_SIZE && header.stream_count > 0 {
        return refuse(format!("a directory at byte {}, behind the end of the file", header.directory_offset));
    }
    Ok(header)
}

fn raw_header(file: &[u8]) -> FileHeader {
    let fields = Fields(file);
    FileHeader {
        taken_at: Some(fields.u32(20)).filter(|seconds| *seconds != 0),
        flags: fields.u64(24),
        stream_count: fields.u32(8),
        directory_offset: fields.u32(12),
    }
}

/// Reads every entry that is there, at most [`ENTRY_LIMIT`].
pub fn entries(file: &[u8], header: &FileHeader, issues: &mut StreamIssues) -> Vec<Entry> {
    let wanted = header.stream_count as usize;
    let first = u64::from(header.directory_offset);
    let bytes = present(file, first, (wanted.min(ENTRY_LIMIT) * ENTRY_SIZE) as u64);
    let entry = |bytes: &[u8]| {
        let fields = Fields(bytes);
        Entry { kind: fields.u32(0), size: fields.u32(4), offset: fields.u32(8), read: false, reason: None }
    };
    let mut entries: Vec<Entry> = bytes.chunks_exact(ENTRY_SIZE).map(entry).collect();
    if entries.len() < wanted {
        end_at_first_stream(&mut entries, first);
        let end = first + (entries.len() * ENTRY_SIZE) as u64;
        issues.push(
            Severity::Error,
            "cut_directory",
            StreamPlace { byte: Some(end), ..StreamPlace::default() },
            || format!("{} of {wanted} entries of the directory", entries.len()),
            "read the entries that are there; the streams of the others are missing",
        );
    }
    entries
}

/// Ends a directory that does not fit into its file where the first stream begins: a number of streams that cannot be true
/// would turn contents into entries.
fn end_at_first_stream(entries: &mut Vec<Entry>, directory: u64) {
    let mut end = u64::MAX;
    let mut kept = 0;
    for (index, entry) in entries.iter().enumerate() {
        let place = directory + (index * ENTRY_SIZE) as u64;
        if place + ENTRY_SIZE as u64 > end {
            break;
        }
        kept = index + 1;
        if entry.size > 0 && u64::from(entry.offset) > place {
            end = end.min(entry.offset.into());
        }
    }
    entries.truncate(kept);
}

/// Takes the first stream of a type out of the directory, or says there why not.
pub fn take<'a>(file: &'a [u8], kind: Kind, entries: &mut [Entry], issues: &mut StreamIssues) -> Option<Stream<'a>> {
    let kind = kind as u32;
    let name = name(kind)?;
    let entry = entries.iter_mut().find(|entry| entry.kind == kind)?;
    let stream =
        Stream { name, offset: u64::from(entry.offset), bytes: present(file, entry.offset.into(), entry.size.into()) };
    let short = stream.bytes.len() < entry.size as usize;
    if short {
        let (found, size) = (stream.bytes.len(), entry.size);
        issues.push(
            Severity::Error,
            "cut_stream",
            stream.place(),
            || format!("{found} of {size} bytes are in the file"),
            "read what is there",
        );
        entry.reason = Some(format!("{found} of {size} bytes are in the file").into());
    }
    if stream.bytes.is_empty() {
        entry.reason.get_or_insert("it is empty".into());
        return None;
    }
    entry.read = true;
    Some(stream)
}

/// Says of streams of which nothing could be read that they were not: a table without rows would seem to say that there is
/// nothing.
pub fn leave_out(entries: &mut [Entry], left_out: &[(&'static str, &'static str)]) {
    for entry in entries.iter_mut().filter(|entry| entry.read) {
        if let Some((_, why)) = left_out.iter().find(|(stream, _)| Some(*stream) == name(entry.kind)) {
            entry.read = false;
            entry.reason.get_or_insert(Cow::Borrowed(why));
        }
    }
}

/// Says for every entry that nobody took why not. One that the file does not hold is an issue, whatever it is.
pub fn explain(file: &[u8], entries: &mut [Entry], issues: &mut StreamIssues) {
    let mut seen = HashSet::new();
    for (index, entry) in entries.iter_mut().enumerate() {
        let first = seen.insert(entry.kind);
        if entry.read || entry.reason.is_some() {
            continue;
        }
        let found = present(file, entry.offset.into(), entry.size.into()).len();
        entry.reason = Some(match (entry.kind, name(entry.kind)) {
            _ if found < entry.size as usize => {
                let words = format!("{found} of {} bytes are in the file", entry.size);
                issues.push(
                    Severity::Warning,
                    "stream_outside",
                    StreamPlace {
                        stream: name(entry.kind),
                        index: Some(index as u64),
                        byte: Some(entry.offset.into()),
                    },
                    || format!("stream type {:#x}: {words}", entry.kind),
                    "left the stream out, which no table would hold",
                );
                words.into()
            }
            (0, _) => "an unused entry".into(),
            (_, Some(_)) if !first => "a second stream of its type: the first one counts".into(),
            (kind, _) if kind == Kind::CommentStreamA as u32 => "CommentStreamW says it".into(),
            (_, Some(_)) => "no table holds what it says".into(),
            (..=LAST_RESERVED, _) => "an undocumented stream, or a vendor's".into(),
            _ => "a vendor's own stream".into(),
        });
    }
}
