//! What every reader of a stream works with: the file, its issues, its texts, and lists of records of one size.

use super::{
    directory::Stream,
    fields::{present, u32_at},
    issues::{StreamIssues, StreamPlace},
};
use crate::error::Severity;

/// Bytes that a name may have: Windows keeps names in `UNICODE_STRING`s, whose length is a `u16` of whole characters.
const NAME_LIMIT: u32 = 0xFFFE;

/// Bytes of text that any dump may become: offsets into a column of text have 32 bits.
const TEXT_LIMIT: usize = 1 << 30;

/// What all streams share.
#[derive(Debug)]
pub struct Shared<'a> {
    /// The whole file.
    pub file: &'a [u8],
    /// What could not be read.
    pub issues: StreamIssues,
    /// The process had 32-bit pointers.
    pub narrow: bool,
    /// Streams of which nothing could be read, and why.
    pub left_out: Vec<(&'static str, &'static str)>,
    /// Bytes of text that may still be made. Many records can point at one name, so names alone could take memory without
    /// bound; no honest file comes near.
    text_left: usize,
}

/// The records of a list that are there, whole.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    stream: &'static str,
    first: u64,
    size: usize,
    bytes: &'a [u8],
}

impl<'a> Records<'a> {
    /// Each record with its place.
    pub fn iter(self) -> impl Iterator<Item = (StreamPlace, &'a [u8])> {
        self.bytes.chunks_exact(self.size.max(1)).enumerate().map(move |(index, record)| {
            let byte = self.first + (index * self.size) as u64;
            (StreamPlace { stream: Some(self.stream), index: Some(index as u64), byte: Some(byte) }, record)
        })
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.bytes.len() / self.size.max(1)
    }
}

impl<'a> Shared<'a> {
    /// A reader of a file that has made no text yet.
    pub fn new(file: &'a [u8]) -> Self {
        let text_left = file.len().saturating_mul(2).saturating_add(1 << 20).min(TEXT_LIMIT);
        Self { file, issues: StreamIssues::default(), narrow: false, left_out: Vec::new(), text_left }
    }

    /// An address as the process knew it: 32-bit writers extend the sign, so that 0x80001000 becomes 0xFFFFFFFF80001000.
    pub fn address(&self, written: u64) -> u64 {
        unextended(written, self.narrow)
    }

    /// Says of a range that it passes the end of the address space.
    pub fn check_end(&mut self, base: u64, size: u64, place: StreamPlace) {
        if base.checked_add(size.saturating_sub(1)).is_none() {
            self.issues.push(
                Severity::Warning,
                "impossible_range",
                place,
                || format!("{size:#X} bytes at {base:#X}"),
                "kept the row; nothing stands for addresses past the last",
            );
        }
    }

    /// The records of a list: `declared` of them, `size` bytes each, from byte `header` of the stream on. Where fewer are
    /// there, the rest is an issue; so are whole records behind the last.
    pub fn records(&mut self, stream: &Stream<'a>, header: usize, size: usize, declared: u64) -> Records<'a> {
        let body = stream.bytes.get(header..).unwrap_or_default();
        let room = body.len() / size.max(1);
        let whole = usize::try_from(declared).unwrap_or(usize::MAX).min(room);
        if whole < room {
            self.issues.push(
                Severity::Info,
                "uncounted_records",
                stream.place(),
                || format!("the list counts {declared} of {room} records"),
                "read the records that the list counts",
            );
        }
        if (whole as u64) < declared {
            self.issues.push(
                Severity::Error,
                "cut_list",
                stream.place(),
                || format!("{whole} of {declared} records"),
                "read the records that are there",
            );
            if whole == 0 {
                self.left_out.push((stream.name, "none of its records is in the file"));
            }
        }
        let bytes = &body[..whole * size];
        Records { stream: stream.name, first: stream.offset + header as u64, size, bytes }
    }

    /// The records of a list that starts with a bare count. Some writers put four bytes between it and the first record.
    pub fn counted(&mut self, stream: &Stream<'a>, size: usize) -> Records<'a> {
        let Some(count) = u32_at(stream.bytes, 0) else {
            return self.too_short(stream);
        };
        let records = (count as usize).saturating_mul(size);
        let header = if stream.bytes.len().checked_sub(8) == Some(records) { 8 } else { 4 };
        self.records(stream, header, size, count.into())
    }

    /// The records of a list whose header gives the sizes of header and record; absent if they cannot be true.
    pub fn headed(&mut self, stream: &Stream<'a>, least_header: usize, least: usize) -> Records<'a> {
        let (header, size) = match (u32_at(stream.bytes, 0), u32_at(stream.bytes, 4)) {
            (Some(header), Some(size)) => (header as usize, size as usize),
            _ => return self.too_short(stream),
        };
        let count = match (least_header, u32_at(stream.bytes, 8), super::fields::u64_at(stream.bytes, 8)) {
            (16, _, Some(count)) => count,
            (_, Some(count), _) => u64::from(count),
            _ => return self.too_short(stream),
        };
        if header < least_header || size < least || header > stream.bytes.len() {
            return self.unreadable(stream, &format!("a header of {header} bytes, and records of {size}"));
        }
        self.records(stream, header, size, count)
    }

    /// Says that a list ends inside its header.
    pub fn too_short(&mut self, stream: &Stream<'a>) -> Records<'a> {
        self.unreadable(stream, &format!("a list cut after {} bytes", stream.bytes.len()))
    }

    fn unreadable(&mut self, stream: &Stream<'a>, found: &str) -> Records<'a> {
        self.issues.push(
            Severity::Error,
            "unreadable_list",
            stream.place(),
            || found.to_owned(),
            "left the stream out: its header cannot be true",
        );
        self.left_out.push((stream.name, "its header cannot be true"));
        Records { stream: stream.name, first: stream.offset, size: 1, bytes: &[] }
    }

    /// A `MINIDUMP_STRING`: a length in bytes, then UTF-16. Absent for offset 0, and for a text that cannot be read.
    pub fn text(&mut self, offset: u64, place: StreamPlace) -> Option<String> {
        if offset == 0 {
            return None;
        }
        let Some(length) = u32_at(self.file, usize::try_from(offset).unwrap_or(usize::MAX)) else {
            self.unreadable_text(offset, place, "it is not in the file");
            return None;
        };
        if length > NAME_LIMIT {
            self.unreadable_text(offset, place, &format!("{length} bytes are more than a name can have"));
            return None;
        }
        let mut bytes = present(self.file, offset.saturating_add(4), length.into());
        if bytes.len() < length as usize {
            self.issues.push(
                Severity::Warning,
                "cut_text",
                place,
                || format!("{} of {length} bytes of the text at byte {offset}", bytes.len()),
                "read what is there",
            );
            bytes = &bytes[..bytes.len() & !1];
        }
        self.utf16(bytes, place)
    }

    /// UTF-16 up to its end or its zeros; what is none becomes U+FFFD.
    pub fn utf16(&mut self, bytes: &[u8], place: StreamPlace) -> Option<String> {
        // Zeros at the end are no part of the text, but looking at them is work, too.
        let looked_at = bytes.len() / 2;
        let Some(bytes) = self.within_reach(bytes) else {
            self.unreadable_text(place.byte.unwrap_or(0), place, "the texts before it are larger than the file");
            return None;
        };
        let (text, malformed) = decode(bytes);
        self.text_left -= text.len().max(looked_at);
        if malformed {
            self.malformed(&text, place);
        }
        Some(text)
    }

    /// UTF-16 without the zeros at its end; absent where there is no room left to look at it, or to keep it at three bytes
    /// for each unit, which is the most that it can become.
    fn within_reach<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        if bytes.len() / 2 > self.text_left {
            return None;
        }
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let text = &bytes[..end.next_multiple_of(2).min(bytes.len())];
        (text.len().div_ceil(2) * 3 <= self.text_left).then_some(text)
    }

    /// UTF-8 up to its zero, or to the end of the bytes; what is none becomes U+FFFD. Absent if it is empty.
    pub fn utf8(&mut self, bytes: &[u8], place: StreamPlace) -> Option<String> {
        // No more is looked at than may be kept, at three bytes for each that is no UTF-8.
        let most = (NAME_LIMIT as usize).min(self.text_left / 3);
        let looked_at = &bytes[..bytes.len().min(most)];
        let end = memchr::memchr(0, looked_at);
        if end.is_none() && looked_at.len() < bytes.len() {
            self.unreadable_text(
                place.byte.unwrap_or(0),
                place,
                "it is longer than a name can be, or than may be kept",
            );
            return None;
        }
        let name = &looked_at[..end.unwrap_or(looked_at.len())];
        self.keep(String::from_utf8_lossy(name).into_owned(), place).filter(|name| !name.is_empty())
    }

    /// Takes text of another encoding off what may still be made; `None` if that is used up.
    pub fn keep(&mut self, text: String, place: StreamPlace) -> Option<String> {
        match self.text_left.checked_sub(text.len()) {
            Some(left) => {
                self.text_left = left;
                Some(text)
            }
            None => {
                self.unreadable_text(place.byte.unwrap_or(0), place, "the texts before it are larger than the file");
                None
            }
        }
    }

    fn malformed(&mut self, text: &str, place: StreamPlace) {
        self.issues.push(
            Severity::Warning,
            "malformed_text",
            place,
            || crate::error::excerpt(text.as_bytes()),
            "bytes that are not UTF-16 were read as U+FFFD",
        );
    }

    fn unreadable_text(&mut self, offset: u64, place: StreamPlace, why: &str) {
        self.issues.push(
            Severity::Warning,
            "unreadable_text",
            place,
            || format!("the text at byte {offset}: {why}"),
            "kept the record without this text",
        );
    }
}

/// UTF-16 as text, and whether some of it was none: half of a pair, or half of a unit at the end. Half of a zero ends the
/// text as a zero does.
fn decode(bytes: &[u8]) -> (String, bool) {
    let (units, rest) = bytes.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    let mut malformed = rest.iter().any(|byte| *byte != 0);
    // Nearly every name: thousands of handles have two each.
    if !malformed && units.clone().all(|unit| unit < 0x80) {
        let ascii = units.map(|unit| unit as u8).collect();
        return (String::from_utf8(ascii).unwrap_or_default(), false);
    }
    let half = malformed.then_some(char::REPLACEMENT_CHARACTER);
    let characters = char::decode_utf16(units).map(|character| {
        malformed |= character.is_err();
        character.unwrap_or(char::REPLACEMENT_CHARACTER)
    });
    (characters.chain(half).collect(), malformed)
}

/// See [`Shared::address`].
pub fn unextended(written: u64, narrow: bool) -> u64 {
    if narrow && written >> 31 == 0x1_FFFF_FFFF { written & 0xFFFF_FFFF } else { written }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_together_stay_below_a_multiple_of_the_file() {
        let mut file = vec![0; 4];
        file.extend(0xF000_u32.to_le_bytes());
        file.resize(0x10000, b'a');
        let mut shared = Shared::new(&file);
        let made: usize =
            (0..10_000).filter_map(|_| shared.text(4, StreamPlace::default())).map(|text| text.len()).sum();
        assert!(made <= 2 * file.len() + (1 << 20), "{made}");
        assert!(made >= file.len());
    }

    #[test]
    fn lone_surrogates_cost_one_character() {
        let mut shared = Shared::new(&[]);
        assert_eq!(shared.utf16(b"a\0\x00\xD8b\0\0\0", StreamPlace::default()).as_deref(), Some("a\u{FFFD}b"));
        assert_eq!(shared.issues.finish()[0].kind, "malformed_text");
    }

    #[test]
    fn only_32_bit_addresses_lose_their_sign() {
        assert_eq!(unextended(0xFFFF_FFFF_8000_1000, true), 0x8000_1000);
        assert_eq!(unextended(0xFFFF_FFFF_7000_1000, true), 0xFFFF_FFFF_7000_1000, "no sign was extended here");
        assert_eq!(unextended(0xFFFF_FFFF_8000_1000, false), 0xFFFF_FFFF_8000_1000);
    }
}
