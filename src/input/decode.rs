//! Text of any encoding becomes UTF-8 while it is read, and places in the one can be told in the other.
//!
//! Invariant: a place at the start of a line is exact, whatever the encoding. Where all text is ASCII so far, a place is a
//! multiple; behind every line that is not, the two places of the next line are noted.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex},
};

use encoding_rs::DecoderResult;

use crate::{
    error::ISSUE_LIMIT,
    input::text::{Encoding, Form},
};

/// Where places of the text are in the input.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Offset of the text in the input.
    start: u64,
    /// Bytes of the input for each byte of ASCII.
    unit: u64,
    found: Arc<Mutex<Found>>,
}

#[derive(Debug, Default)]
struct Found {
    /// Starts of lines behind one that was not ASCII: in the text, and in the input.
    lines: Vec<(u64, u64)>,
    /// Bytes of the input that mean nothing in its encoding: the first of each line, one more than are listed as issues.
    malformed: Vec<u64>,
    /// Lines with such bytes.
    malformed_lines: u64,
    /// The last of them.
    last_malformed: Option<u64>,
}

impl Places {
    /// The offset in the input of an offset in the text.
    pub fn in_input(&self, text: u64) -> u64 {
        let Ok(found) = self.found.lock() else { return self.start + text };
        let after = found.lines.partition_point(|(line, _)| *line <= text);
        let (line, input) = after.checked_sub(1).map_or((0, 0), |last| found.lines[last]);
        self.start + input + (text - line) * self.unit
    }

    /// Offsets in the input of bytes that became U+FFFD: the first of each line; and how many lines have any.
    pub fn malformed(&self) -> (Vec<u64>, u64) {
        let place = |place: &u64| self.start + place;
        let Ok(found) = self.found.lock() else { return (Vec::new(), 0) };
        (found.malformed.iter().map(place).collect(), found.malformed_lines)
    }
}

impl Encoding {
    /// A reader of UTF-8 over a reader of this encoding, behind the mark. `start` is where that is in the input.
    pub fn to_utf8<'a>(self, reader: Box<dyn Read + Send + 'a>, start: u64) -> (Box<dyn Read + Send + 'a>, Places) {
        let places = Places { start, unit: self.unit() as u64, found: Arc::default() };
        let decoder = match (self.form, self.standard()) {
            (_, Some(standard)) => Decoder::Standard(Box::new(standard.new_decoder_without_bom_handling())),
            (Form::Dos(page), _) => Decoder::Dos(Box::new(page.characters())),
            (Form::Utf32 { high_first }, _) => Decoder::Utf32 { high_first },
            _ => return (reader, places),
        };
        let transcoder = Transcoder {
            reader,
            decoder,
            unit: self.unit(),
            newline: self.newline(),
            stateless: self.standard().is_none_or(|standard| standard != encoding_rs::ISO_2022_JP),
            raw: vec![0; RAW],
            text: Vec::with_capacity(4 * RAW),
            text_at: 0,
            position: 0,
            length: 0,
            bent: false,
            places: places.clone(),
            finished: false,
        };
        (Box::new(transcoder), places)
    }

    /// The text of a few bytes, as it is shown.
    pub fn decoded(self, bytes: &[u8]) -> String {
        let (mut reader, _) = self.to_utf8(Box::new(io::Cursor::new(bytes.to_vec())), 0);
        let mut text = Vec::new();
        // Bytes in memory cannot fail to be read.
        let _ = reader.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn newline(self) -> [u8; 4] {
        match self.form {
            Form::Utf16 { high_first: true } => [0, b'\n', 0, 0],
            Form::Utf32 { high_first: true } => [0, 0, 0, b'\n'],
            _ => [b'\n', 0, 0, 0],
        }
    }
}

/// Bytes read at a time.
const RAW: usize = 64 * 1024;

enum Decoder {
    Standard(Box<encoding_rs::Decoder>),
    Dos(Box<[char; 128]>),
    Utf32 { high_first: bool },
}

impl Decoder {
    /// Decodes bytes into free room, until they end, or until some that mean nothing have been passed over: gives what was
    /// read and written, and how far back those begin.
    fn decode(&mut self, bytes: &[u8], room: &mut [u8], last: bool) -> (usize, usize, Option<usize>) {
        match self {
            Decoder::Standard(decoder) => {
                let (result, read, written) = decoder.decode_to_utf8_without_replacement(bytes, room, last);
                let back = match result {
                    DecoderResult::Malformed(length, behind) => Some(usize::from(length) + usize::from(behind)),
                    DecoderResult::InputEmpty | DecoderResult::OutputFull => None,
                };
                (read, written, back)
            }
            Decoder::Dos(upper) => {
                let letter = |byte: &[u8]| match byte[0] {
                    ascii @ 0..=0x7F => Some(char::from(ascii)),
                    byte => Some(upper[usize::from(byte) - 0x80]).filter(|letter| *letter != '\u{FFFD}'),
                };
                one_by_one(bytes, 1, room, letter)
            }
            Decoder::Utf32 { high_first } => one_by_one(bytes, 4, room, |bytes| {
                let bytes = *bytes.first_chunk()?;
                char::from_u32(if *high_first { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
            }),
        }
    }
}

fn one_by_one(
    bytes: &[u8],
    unit: usize,
    room: &mut [u8],
    letter: impl Fn(&[u8]) -> Option<char>,
) -> (usize, usize, Option<usize>) {
    let (mut read, mut written) = (0, 0);
    for bytes in bytes.chunks(unit) {
        read += bytes.len();
        match letter(bytes) {
            Some(letter) => written += letter.encode_utf8(&mut room[written..]).len(),
            None => return (read, written, Some(bytes.len())),
        }
    }
    (read, written, None)
}

struct Transcoder<'a> {
    reader: Box<dyn Read + Send + 'a>,
    decoder: Decoder,
    unit: usize,
    /// Its first `unit` bytes.
    newline: [u8; 4],
    /// ASCII bytes always mean themselves.
    stateless: bool,
    raw: Vec<u8>,
    text: Vec<u8>,
    text_at: usize,
    /// Bytes of the input decoded so far.
    position: u64,
    /// Bytes of text made of them.
    length: u64,
    /// The line at hand is not plain ASCII.
    bent: bool,
    places: Places,
    finished: bool,
}

impl Transcoder<'_> {
    /// Decodes as much as is read at a time into the empty `text`.
    fn refill(&mut self) -> io::Result<()> {
        self.text_at = 0;
        self.text.clear();
        while self.text.is_empty() && !self.finished {
            let end = self.read_raw()?;
            self.finished = end == 0;
            let raw = std::mem::take(&mut self.raw);
            if self.is_plain(&raw[..end]) {
                self.decode(&raw[..end]);
            } else {
                self.decode_lines(&raw[..end]);
            }
            self.raw = raw;
        }
        Ok(())
    }

    /// Reads whole units, but for the end of the input.
    fn read_raw(&mut self) -> io::Result<usize> {
        let mut end = 0;
        loop {
            match self.reader.read(&mut self.raw[end..]) {
                Ok(0) => return Ok(end),
                Ok(read) => end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if end % self.unit == 0 {
                return Ok(end);
            }
        }
    }

    /// True for text of nothing but ASCII.
    fn is_plain(&self, bytes: &[u8]) -> bool {
        let place = self.newline.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let is_zero = |unit: &[u8]| unit.iter().enumerate().all(|(at, byte)| at == place || *byte == 0);
        let units = bytes.chunks_exact(self.unit);
        self.stateless
            && units.remainder().is_empty()
            && match self.unit {
                1 => bytes.is_ascii(),
                _ => units.fold(true, |plain, unit| plain & (unit[place] < 0x80) & is_zero(unit)),
            }
    }

    /// Decodes line by line, and notes where the lines begin behind one that is not ASCII.
    fn decode_lines(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let newline = rest.chunks_exact(self.unit).position(|unit| *unit == self.newline[..self.unit]);
            let (line, behind) = rest.split_at(newline.map_or(rest.len(), |at| (at + 1) * self.unit));
            self.bent |= !self.is_plain(line);
            self.decode(line);
            if newline.is_some()
                && std::mem::take(&mut self.bent)
                && let Ok(mut found) = self.places.found.lock()
            {
                found.lines.push((self.length, self.position));
            }
            rest = behind;
        }
    }

    /// Decodes bytes; none are the end of the input.
    fn decode(&mut self, mut bytes: &[u8]) {
        let last = bytes.is_empty();
        loop {
            let before = self.text.len();
            // Three bytes of text for each byte of a code page are the most there is; some may wait in the decoder.
            self.text.resize(before + 3 * bytes.len() + 16, 0);
            let (read, written, malformed) = self.decoder.decode(bytes, &mut self.text[before..], last);
            self.text.truncate(before + written);
            self.position += read as u64;
            bytes = &bytes[read..];
            if let Some(back) = malformed {
                self.text.extend_from_slice("\u{FFFD}".as_bytes());
                self.note(self.position.saturating_sub(back as u64));
            }
            self.length += (self.text.len() - before) as u64;
            if bytes.is_empty() && malformed.is_none() {
                return;
            }
        }
    }

    /// Notes bytes that mean nothing, once for each line.
    fn note(&mut self, place: u64) {
        if let Ok(mut found) = self.places.found.lock() {
            let line = found.lines.last().map_or(0, |(_, input)| *input);
            if found.last_malformed.is_none_or(|last| last < line) {
                found.last_malformed = Some(place);
                found.malformed_lines += 1;
                if found.malformed_lines <= ISSUE_LIMIT + 1 {
                    found.malformed.push(place);
                }
            }
        }
    }
}

impl Read for Transcoder<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.text_at == self.text.len() && !self.finished {
            self.refill()?;
        }
        let ready = &self.text[self.text_at..];
        let len = ready.len().min(out.len());
        out[..len].copy_from_slice(&ready[..len]);
        self.text_at += len;
        Ok(len)
    }
}
