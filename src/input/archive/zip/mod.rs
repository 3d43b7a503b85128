//! Zip: what Windows packs, and what Microsoft's article asks customers for. Read by the list at its end, or by the headers
//! before the members where the end is missing.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, chapter 4. The list is read by `rawzip`, which keeps members of one name; methods and
//! encryption by `zip`, but for the two that nearly all zips have: see [`inflate`].

mod directory;
mod inflate;
mod salvage;

use std::io::{Read, SeekFrom};

use zip::{ZipReadOptions, read::read_zipfile_from_stream_with_options, result::ZipError};

use super::{
    Format, Input, ReadSeek, Rules,
    fault::{self, Fault},
    limits::Sizes,
    names,
    walk::Level,
};
use directory::Rest;
use inflate::{Checked, Inflate};

/// The format.
pub struct Zip;

impl Format for Zip {
    fn name(&self) -> &'static str {
        "a zip archive"
    }

    /// A member, the list of no member, or the mark of a first part.
    fn begins(&self, start: &[u8]) -> bool {
        [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|mark| start.starts_with(*mark))
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let limits = level.rules().limits.clone();
        let mut input = input.seekable(&limits)?;
        let (entries, rest) = directory::entries(&mut *input, &limits);
        let overlapping = overlapping(&entries);
        for (entry, overlaps) in entries.iter().zip(overlapping) {
            if level.is_over() {
                return Ok(());
            }
            hand_on(entry, overlaps, &mut input, level)?;
        }
        match rest {
            Rest::Nothing(end) => nothing_behind(&mut *input, end),
            Rest::Members(fault) => {
                salvage::walk(&mut input, &entries, level)?;
                fault.map_or(Ok(()), Err)
            }
        }
    }
}

/// Refuses what somebody put behind a zip. A program that unpacks itself has its signature there.
fn nothing_behind(input: &mut dyn ReadSeek, end: u64) -> Result<(), Fault> {
    let mut start = [0; 2];
    input.rewind()?;
    input.read_exact(&mut start)?;
    if start != *b"PK" {
        return Ok(());
    }
    fault::nothing_behind(input, end)
}

/// Bytes at the end of a file in which that of a zip is looked for: it has 22, and may have a comment.
const TAIL: u64 = 1 << 10;

/// True if a file has members behind something else, as a program that unpacks itself: its end tells. Programs may have more behind
/// the zip, a signature for example.
pub fn is_behind(file: &mut dyn ReadSeek, is_program: bool) -> bool {
    let mut tail = Vec::new();
    let Ok(len) = file.seek(SeekFrom::End(0)) else { return false };
    let read = file.seek(SeekFrom::Start(len.saturating_sub(TAIL))).and_then(|_| file.read_to_end(&mut tail));
    if read.is_err() || !(is_program || memchr::memmem::find(&tail, b"PK\x05\x06").is_some()) {
        return false;
    }
    let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
    let archive = rawzip::ZipArchive::from_seekable(file, &mut buffer);
    archive.is_ok_and(|archive| archive.entries_hint() > 0 && (is_program || archive.end_offset() == len))
}

/// What the list, or the header before a member, says of it.
#[derive(Debug, Clone)]
struct Entry {
    name: Vec<u8>,
    /// Where the header before it is.
    offset: u64,
    packed: u64,
    /// Bytes unpacked, and their checksum; absent where nobody says.
    size: Option<u64>,
    crc: Option<u32>,
    method: u16,
    is_encrypted: bool,
    is_link: bool,
    modified: Option<i64>,
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Bytes of the header before a member, without the name and what is behind it.
const HEADER: usize = 30;

/// Which entries have bytes that belong to one before them in the file.
fn overlapping(entries: &[Entry]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries[*index].offset);
    let (mut overlaps, mut end) = (vec![false; entries.len()], 0);
    for index in order {
        let entry = &entries[index];
        overlaps[index] = entry.offset < end;
        // Not less than this: the header before a member has a name and more, which the list need not have.
        end = end.max(entry.offset.saturating_add(HEADER as u64).saturating_add(entry.packed));
    }
    overlaps
}

fn hand_on(
    entry: &Entry,
    overlaps: bool,
    input: &mut Box<dyn ReadSeek + '_>,
    level: &mut Level<'_, '_>,
) -> Result<(), Fault> {
    let name = names::decoded(&entry.name, level.rules().names);
    if name.ends_with('/') {
        return Ok(());
    }
    let Some(member) = level.member(&name, entry.size, entry.modified)? else { return Ok(()) };
    if overlaps {
        level.fault(&member, Fault::Overlap);
    } else if entry.is_link {
        level.fault(&member, Fault::Link("another file".to_owned()));
    } else {
        let rules = level.rules().clone();
        match content(entry, input, &rules) {
            Ok(mut content) => level.open(member, Sizes { packed: Some(entry.packed), exact: None }, &mut *content),
            Err(fault) => level.fault(&member, fault),
        }
    }
    Ok(())
}

/// A reader of a member.
fn content<'a>(
    entry: &Entry,
    input: &'a mut Box<dyn ReadSeek + '_>,
    rules: &'a Rules,
) -> Result<Box<dyn Read + 'a>, Fault> {
    input.seek(SeekFrom::Start(entry.offset))?;
    if !entry.is_encrypted && matches!(entry.method, STORED | DEFLATED) {
        skip_header(input)?;
        let packed = input.take(entry.packed);
        return Ok(match entry.method {
            STORED => Box::new(Checked::new(packed, entry.crc, Some(entry.packed))),
            _ => Box::new(Checked::new(Inflate::new(packed), entry.crc, None)),
        });
    }
    let password = rules.password.as_deref().map(str::as_bytes);
    if entry.is_encrypted && password.is_none() {
        return Err(Fault::NoPassword);
    }
    let mut options = ZipReadOptions::new().password(password).override_compressed_size(entry.packed);
    if let Some(size) = entry.size {
        options = options.override_uncompressed_size(size);
    }
    options = match entry.crc {
        Some(crc) => options.override_crc(crc),
        None => options.ignore_crc32(true),
    };
    let refuse = |error| match error {
        ZipError::InvalidPassword => Fault::WrongPassword,
        ZipError::CompressionMethodNotSupported(method) => Fault::Unsupported(format!("method {method}")),
        ZipError::UnsupportedArchive(what) => Fault::Unsupported(what.to_owned()),
        ZipError::Io(error) => error.into(),
        _ => Fault::changed(),
    };
    let file = read_zipfile_from_stream_with_options(input, options).map_err(refuse)?;
    file.map(|file| Box::new(file) as Box<dyn Read>).ok_or_else(|| Fault::Damaged("it has no header".to_owned()))
}

/// Passes over the header before a member.
fn skip_header(input: &mut dyn ReadSeek) -> Result<(), Fault> {
    let mut header = [0; HEADER];
    input.read_exact(&mut header)?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(Fault::Damaged("there is no member where its list says".to_owned()));
    }
    let len = |at: usize| i64::from(u16::from_le_bytes([header[at], header[at + 1]]));
    input.seek(SeekFrom::Current(len(26) + len(28)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, offset: u64, packed: u64) -> Entry {
        Entry {
            name: name.as_bytes().to_vec(),
            offset,
            packed,
            size: None,
            crc: None,
            method: STORED,
            is_encrypted: false,
            is_link: false,
            modified: None,
        }
    }

    #[test]
    fn members_overlap_where_they_share_bytes_whatever_their_names_and_sizes_say() {
        // A name in Unicode can be longer than the one in the file.
        let long = "журнал".repeat(9);
        assert_eq!(overlapping(&[entry(&long, 0, 10), entry("b", 45, 10)]), [false, false]);
        assert_eq!(overlapping(&[entry("a", 100, 10), entry("b", 0, u64::MAX)]), [true, false]);
    }
}
