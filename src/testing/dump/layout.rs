//! Where everything is in the file: header, directory, streams, and behind them the contents of memory.

use std::io::{self, Write};

use super::{Plan, bytes::Bytes, memory::Range};

/// A directory entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Number of the stream.
    pub stream: u32,
    /// Where it starts in the file.
    pub offset: u32,
    /// Its bytes.
    pub size: u32,
}

/// A file, laid out; contents of memory are still to be made.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Everything before the contents of memory.
    pub head: Vec<u8>,
    /// The directory.
    pub places: Vec<Slot>,
    /// Contents of memory, one after the other behind the head.
    pub tail: Vec<Range>,
    /// Bytes of the file: where a smaller number is put here, it is cut there.
    pub byte_count: u64,
    /// Places in the head that want the file offset of an address's contents.
    pub(super) wanted: Vec<(usize, u64)>,
    seed: u64,
}

/// Bytes of `MINIDUMP_HEADER`.
pub(super) const HEADER: usize = 32;
/// Bytes of `MINIDUMP_DIRECTORY`.
pub(super) const ENTRY: usize = 12;
/// Where streams and what they point to start is a multiple of this.
const ALIGNMENT: usize = 8;
/// Contents are made in portions of this many bytes.
const PORTION: u64 = 256 << 10;

impl Layout {
    pub(super) fn new(stream_count: usize, plan: &Plan) -> Self {
        let mut head = Bytes::default();
        head.bytes(b"MDMP").u32(0xA793).u32(stream_count as u32).u32(HEADER as u32).u32(0);
        head.u32(plan.time_date_stamp).u64(plan.flags).zeros_to(HEADER + ENTRY * stream_count);
        Self {
            head: head.0,
            places: Vec::with_capacity(stream_count),
            tail: Vec::new(),
            byte_count: 0,
            wanted: Vec::new(),
            seed: plan.seed,
        }
    }

    /// Where the next bytes will be.
    pub(super) fn next(&self) -> usize {
        self.head.len().next_multiple_of(ALIGNMENT)
    }

    /// Adds bytes and gives their offset.
    pub(super) fn push(&mut self, bytes: &[u8]) -> u32 {
        let at = self.next();
        self.head.resize(at, 0);
        self.head.extend_from_slice(bytes);
        at as u32
    }

    /// Enters what is from `offset` to the end of the head as a stream.
    pub(super) fn stream(&mut self, number: u32, offset: u32) {
        let place = Slot { stream: number, offset, size: self.head.len() as u32 - offset };
        let at = HEADER + ENTRY * self.places.len();
        self.places.push(place);
        self.put(at, &[place.stream, place.size, place.offset].map(u32::to_le_bytes).concat());
    }

    /// Adds a `MINIDUMP_STRING` and gives its offset, or the false one that the text asks for.
    pub(super) fn text(&mut self, text: &Text) -> u32 {
        if let Some(offset) = text.offset {
            return offset;
        }
        let mut bytes = Bytes::default();
        bytes.u32(text.declared_bytes.unwrap_or(2 * text.units.len() as u32));
        for unit in text.units.iter().chain([&0]) {
            bytes.u16(*unit);
        }
        self.push(&bytes.0)
    }

    /// Writes over bytes of the head; what would be behind it is left out.
    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        for (place, byte) in self.head.iter_mut().skip(at).zip(bytes) {
            *place = *byte;
        }
    }

    /// The first stream of a number.
    pub fn place(&self, stream: u32) -> Option<Slot> {
        self.places.iter().find(|place| place.stream == stream).copied()
    }

    /// Where the directory entry of the first stream of a number is.
    pub fn entry(&self, stream: u32) -> Option<usize> {
        self.places.iter().position(|place| place.stream == stream).map(|place| HEADER + ENTRY * place)
    }

    /// Where the contents of the tail's ranges start.
    pub(super) fn tail_offset(&self) -> u64 {
        self.head.len() as u64
    }

    /// Fixes the length of the file and what waited for the places of memory contents.
    pub(super) fn close(&mut self) {
        self.byte_count = self.tail_offset() + self.tail.iter().map(|range| range.size).sum::<u64>();
        for (at, address) in std::mem::take(&mut self.wanted) {
            let mut offset = self.tail_offset();
            for range in &self.tail {
                if range.holds(address) {
                    // 0 where the contents lie too far for 32 bits, as for contents of a Memory64List.
                    let found = u32::try_from(offset + (address - range.base)).unwrap_or(0);
                    self.put(at, &found.to_le_bytes());
                    break;
                }
                offset += range.size;
            }
        }
    }

    /// Writes the file; gives the number of bytes.
    ///
    /// # Errors
    ///
    /// What `out` returns.
    pub fn write(&self, out: &mut impl Write) -> io::Result<u64> {
        let head = self.byte_count.min(self.head.len() as u64);
        out.write_all(&self.head[..head as usize])?;
        let mut left = self.byte_count - head;
        let mut buffer = Vec::with_capacity(PORTION as usize);
        for range in &self.tail {
            let size = range.size.min(left);
            left -= size;
            let mut start = 0;
            while start < size {
                let count = PORTION.min(size - start);
                range.contents(self.seed, start, count, &mut buffer);
                out.write_all(&buffer)?;
                start += count;
            }
        }
        out.flush()?;
        Ok(self.byte_count)
    }
}

/// A text as `MINIDUMP_STRING`, true or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Text {
    /// UTF-16.
    pub units: Vec<u16>,
    /// The length in bytes that the file says, where it is not the true one.
    pub declared_bytes: Option<u32>,
    /// The offset that the file says, where there is no text.
    pub offset: Option<u32>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { units: text.encode_utf16().collect(), ..Self::default() }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}
