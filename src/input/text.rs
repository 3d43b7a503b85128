//! Encodings: told from the first bytes, and UTF-16 brought to UTF-8 while it is read.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex},
};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE};

use crate::error::ISSUE_LIMIT;

/// How the text is encoded. Names are Python's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 or plain ASCII; bytes that are not UTF-8 are read as windows-1252.
    Utf8,
    /// UTF-8 with a byte-order mark.
    Utf8Bom,
    /// UTF-16, low byte first.
    Utf16Le {
        /// Starts with a byte-order mark.
        bom: bool,
    },
    /// UTF-16, high byte first.
    Utf16Be {
        /// Starts with a byte-order mark.
        bom: bool,
    },
}

impl Encoding {
    /// Tells the encoding from the first bytes: the mark, or where the zeros of ASCII text stand.
    pub fn detect(start: &[u8]) -> Self {
        match start {
            [0xEF, 0xBB, 0xBF, ..] => return Encoding::Utf8Bom,
            [0xFF, 0xFE, ..] => return Encoding::Utf16Le { bom: true },
            [0xFE, 0xFF, ..] => return Encoding::Utf16Be { bom: true },
            _ => {}
        }
        let sample = &start[..start.len().min(256) & !1];
        let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
        let (low_first, high_first) = (zeros(1), zeros(0));
        let most = sample.len() / 2 - sample.len() / 8;
        match () {
            () if sample.len() < 2 => Encoding::Utf8,
            () if low_first > 0 && low_first >= most && high_first == 0 => Encoding::Utf16Le { bom: false },
            () if high_first > 0 && high_first >= most && low_first == 0 => Encoding::Utf16Be { bom: false },
            () => Encoding::Utf8,
        }
    }

    /// Bytes of the mark.
    pub fn bom_len(self) -> usize {
        match self {
            Encoding::Utf8Bom => 3,
            Encoding::Utf16Le { bom: true } | Encoding::Utf16Be { bom: true } => 2,
            _ => 0,
        }
    }

    /// Two bytes a character.
    pub fn is_utf16(self) -> bool {
        matches!(self, Encoding::Utf16Le { .. } | Encoding::Utf16Be { .. })
    }

    /// The name in `Snapshot.encoding`.
    pub fn as_str(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf8Bom => "utf-8-sig",
            Encoding::Utf16Le { .. } => "utf-16-le",
            Encoding::Utf16Be { .. } => "utf-16-be",
        }
    }

    fn decoder(self) -> Option<Decoder> {
        match self {
            Encoding::Utf16Le { .. } => Some(UTF_16LE.new_decoder_without_bom_handling()),
            Encoding::Utf16Be { .. } => Some(UTF_16BE.new_decoder_without_bom_handling()),
            _ => None,
        }
    }

    /// A reader of UTF-8 over a reader of this encoding, behind the mark.
    pub fn to_utf8<'a>(self, reader: Box<dyn Read + Send + 'a>, malformed: &Malformed) -> Box<dyn Read + Send + 'a> {
        match self.decoder() {
            Some(decoder) => Box::new(Transcoder {
                reader,
                decoder,
                raw: vec![0; RAW],
                raw_range: (0, 0),
                text: Vec::with_capacity(4 * RAW),
                text_at: 0,
                position: 0,
                malformed: Arc::clone(malformed),
                finished: false,
            }),
            None => reader,
        }
    }
}

/// Where text was no text in its encoding.
pub type Malformed = Arc<Mutex<Places>>;

/// Offsets from the start of the reader: the first, and how many there are in all.
#[derive(Debug, Default)]
pub struct Places {
    /// The first of them, one more than are listed as issues.
    pub first: Vec<u64>,
    /// All of them.
    pub count: u64,
}

impl Places {
    fn push(&mut self, place: u64) {
        self.count += 1;
        if self.count <= ISSUE_LIMIT + 1 {
            self.first.push(place);
        }
    }
}

/// Bytes read at a time.
const RAW: usize = 64 * 1024;

struct Transcoder<'a> {
    reader: Box<dyn Read + Send + 'a>,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_range: (usize, usize),
    text: Vec<u8>,
    text_at: usize,
    /// Bytes given to the decoder so far.
    position: u64,
    malformed: Malformed,
    finished: bool,
}

impl Transcoder<'_> {
    /// Decodes one piece into the empty `text`.
    fn refill(&mut self) -> io::Result<()> {
        self.text_at = 0;
        self.text.clear();
        self.text.resize(4 * RAW, 0);
        let mut written = 0;
        while written == 0 && !self.finished {
            if self.raw_range.0 == self.raw_range.1 {
                self.raw_range = (0, self.reader.read(&mut self.raw)?);
            }
            let (start, end) = self.raw_range;
            let last = start == end;
            let (result, read, wrote) =
                self.decoder.decode_to_utf8_without_replacement(&self.raw[start..end], &mut self.text, last);
            self.raw_range.0 += read;
            self.position += read as u64;
            written = wrote;
            match result {
                DecoderResult::InputEmpty => self.finished = last,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    let mark = '\u{FFFD}'.len_utf8();
                    '\u{FFFD}'.encode_utf8(&mut self.text[written..written + mark]);
                    written += mark;
                    if let Ok(mut places) = self.malformed.lock() {
                        places.push(self.position);
                    }
                }
            }
        }
        self.text.truncate(written);
        Ok(())
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

/// How many bytes UTF-8 text takes in UTF-16.
pub fn utf16_len(text: &[u8]) -> u64 {
    let units = text.iter().map(|byte| u64::from(*byte & 0xC0 != 0x80) + u64::from(*byte >= 0xF0)).sum::<u64>();
    2 * units
}
