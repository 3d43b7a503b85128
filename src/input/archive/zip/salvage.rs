//! Members of a zip whose list is missing or cut, as that of a broken upload: found by the header before each.
//!
//! ```text
//! PK\3\4, version, flags, method, time, checksum, sizes, length of name, of the rest; name, rest; bytes; PK\7\8 and sizes
//! ```
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, 4.3.7 and 4.3.9. Where the sizes are behind the bytes, deflated bytes tell their own
//! end; others end at the first mark whose size is the number of bytes before it.

use std::{
    collections::HashSet,
    io::{self, Read, SeekFrom},
};

use memchr::memmem::Finder;

use super::{DEFLATED, Entry, HEADER, ReadSeek, hand_on};
use crate::input::archive::{fault::Fault, moment::seconds, walk::Level};

/// Hands on all members but those of the list.
///
/// # Errors
///
/// What the operating system says, and if there are too many members.
pub fn walk(input: &mut Box<dyn ReadSeek + '_>, known: &[Entry], level: &mut Level<'_, '_>) -> Result<(), Fault> {
    let known: HashSet<u64> = known.iter().map(|entry| entry.offset).collect();
    let len = input.seek(SeekFrom::End(0))?;
    let (mut marks, mut ends) = (Marks::new(*b"PK\x03\x04"), Marks::new(*b"PK\x07\x08"));
    let mut from = 0;
    while let Some(offset) = marks.next(input, from, |_, _| true)? {
        from = offset + 1;
        if !level.goes_on() {
            return Ok(());
        }
        let Some((mut entry, data)) = header(input, offset)? else { continue };
        // The rest of a member of unknown length is looked through, and that of one that is longer than the file.
        let has_end = entry.packed > 0 || entry.size == Some(0);
        from = data.saturating_add(entry.packed);
        if !has_end || from > len {
            from = data;
            let tells_its_end = entry.method == DEFLATED && !entry.is_encrypted;
            entry.packed = if tells_its_end { len - data.min(len) } else { packed(input, &mut ends, data, len)? };
        }
        if !known.contains(&offset) {
            hand_on(&entry, false, input, level)?;
        }
    }
    Ok(())
}

/// Bytes of a member up to the sizes behind it, else up to the end.
fn packed(input: &mut Box<dyn ReadSeek + '_>, ends: &mut Marks, data: u64, len: u64) -> Result<u64, Fault> {
    let told = |place: u64, behind: &[u8]| {
        let size = behind.get(8..12).and_then(|size| size.first_chunk()).map(|size| u32::from_le_bytes(*size));
        size.is_some_and(|size| u64::from(size) == place - data)
    };
    Ok(ends.next(input, data, told)?.unwrap_or(len).saturating_sub(data))
}

/// Bytes read at a time, and those of them that are read again: what is behind a mark is looked at.
const PIECE: usize = 1 << 20;
const AGAIN: usize = 16;

/// The places of a mark, in a file that is read once.
struct Marks {
    finder: Finder<'static>,
    piece: Vec<u8>,
    piece_at: u64,
}

impl Marks {
    fn new(mark: [u8; 4]) -> Self {
        Self { finder: Finder::new(&mark).into_owned(), piece: Vec::new(), piece_at: u64::MAX }
    }

    /// The first from a place on that is as it must be.
    fn next(
        &mut self,
        input: &mut Box<dyn ReadSeek + '_>,
        mut from: u64,
        is_one: impl Fn(u64, &[u8]) -> bool,
    ) -> io::Result<Option<u64>> {
        loop {
            let at = from.checked_sub(self.piece_at).and_then(|at| usize::try_from(at).ok());
            let at = at.filter(|at| *at < self.piece.len().saturating_sub(AGAIN));
            let at = match at {
                Some(at) => at,
                None => {
                    input.seek(SeekFrom::Start(from))?;
                    self.piece.clear();
                    input.by_ref().take(PIECE as u64).read_to_end(&mut self.piece)?;
                    self.piece_at = from;
                    0
                }
            };
            let ended = self.piece.len() < PIECE;
            let whole = if ended { self.piece.len() } else { PIECE - AGAIN };
            let place = |found: usize| self.piece_at + (at + found) as u64;
            let rest = &self.piece[at..];
            let mut found = self.finder.find_iter(rest).take_while(|found| at + found < whole);
            match found.find(|found| is_one(place(*found), &rest[*found..])) {
                Some(found) => return Ok(Some(place(found))),
                None if ended => return Ok(None),
                None => from = self.piece_at + whole as u64,
            }
        }
    }
}

/// The header at a place, and where the bytes behind it begin; absent if it can be none.
fn header(input: &mut Box<dyn ReadSeek + '_>, offset: u64) -> Result<Option<(Entry, u64)>, Fault> {
    input.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    input.by_ref().take(HEADER as u64).read_to_end(&mut bytes)?;
    let Some(header) = bytes.first_chunk::<HEADER>().copied() else { return Ok(None) };
    let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (version, flags, method, name_len) = (half(4) & 0xFF, half(6), half(8), usize::from(half(26)));
    let rest_len = usize::from(half(28));
    if version > 63 || method > 99 || name_len == 0 {
        return Ok(None);
    }
    input.by_ref().take((name_len + rest_len) as u64).read_to_end(&mut bytes)?;
    let name = bytes.get(HEADER..HEADER + name_len).unwrap_or_default();
    if name.is_empty() || name.iter().any(|byte| *byte < 0x20) {
        return Ok(None);
    }
    let sizes_follow = flags & 8 != 0;
    let rest = bytes.get(HEADER + name_len..HEADER + name_len + rest_len).unwrap_or_default();
    let (size, packed) = large(rest, u64::from(word(22)), u64::from(word(18)));
    let (date, time) = (i64::from(half(12)), i64::from(half(10)));
    let entry = Entry {
        name: name.to_vec(),
        offset,
        packed,
        size: (!sizes_follow).then_some(size),
        crc: (!sizes_follow).then(|| word(14)),
        method,
        is_encrypted: flags & 1 != 0,
        is_link: false,
        modified: seconds(
            [1980 + (date >> 9), date >> 5 & 15, date & 31],
            [time >> 11, time >> 5 & 63, (time & 31) * 2],
        ),
    };
    Ok(Some((entry, offset + (HEADER + name_len + rest_len) as u64)))
}

/// Sizes past four GiB are behind the name, in the field 1.
fn large(mut rest: &[u8], size: u64, packed: u64) -> (u64, u64) {
    while let [id, id_high, len, len_high, behind @ ..] = rest {
        let (id, len) = (u16::from_le_bytes([*id, *id_high]), usize::from(u16::from_le_bytes([*len, *len_high])));
        let Some((field, next)) = behind.split_at_checked(len) else { break };
        if id == 1 {
            let mut words =
                field.chunks_exact(8).map(|word| word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)));
            let mut large = |told: u64| if told == u64::from(u32::MAX) { words.next().unwrap_or(told) } else { told };
            return (large(size), large(packed));
        }
        rest = next;
    }
    (size, packed)
}
