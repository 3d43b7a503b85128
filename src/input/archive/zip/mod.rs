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

use super::{Format, Input, ReadSeek, Rules, fault::Fault, limits::Sizes, names, walk::Level};
use directory::Rest;
use inflate::{Checked, Inflate};

/// The format.
pub struct Zip;

/// A program that unpacks itself: a zip behind a program.
pub struct Program;

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
        let Rest::Members(fault) = rest else { return Ok(()) };
        salvage::walk(&mut input, &entries, level)?;
        fault.map_or(Ok(()), Err)
    }
}

impl Format for Program {
    fn name(&self) -> &'static str {
        "a program with a zip archive in it"
    }

    /// Most programs are only that, so their end has to be asked: see [`is_packed`].
    fn begins(&self, _: &[u8]) -> bool {
        false
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        Zip.walk(input, level)
    }
}

/// True if a program has members in it.
pub fn is_packed(program: &mut dyn ReadSeek) -> bool {
    let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
    let archive = rawzip::ZipArchive::from_seekable(program, &mut buffer);
    archive.is_ok_and(|archive| archive.entries_hint() > 0)
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
        let len = (HEADER + entry.name.len()) as u64 + entry.packed;
        end = end.max(entry.offset.saturating_add(len));
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
        error => Fault::Damaged(error.to_string()),
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
