//! MemoryList and Memory64List: which bytes of the process the dump holds, and reading them by address.

use std::{borrow::Cow, cmp::Reverse, collections::BinaryHeap};

use super::{
    directory::Stream,
    fields::{Fields, u64_at},
    issues::StreamPlace,
    shared::{Shared, unextended},
};
use crate::error::Severity;

/// Ranges of addresses with contents, column by column: there are tens of thousands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges {
    /// First address.
    pub base: Vec<u64>,
    /// Bytes in the file.
    pub size: Vec<u64>,
    /// Bytes as declared; more than `size` where the file is cut.
    pub declared_size: Vec<u64>,
    /// Where they are in the file.
    pub offset: Vec<u64>,
    /// The streams that list them, and how many ranges each lists.
    pub streams: Vec<(&'static str, usize)>,
}

impl Ranges {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.base.len()
    }

    /// Address behind the last; the last of all where it would lie beyond.
    fn end(&self, at: usize) -> u64 {
        self.base[at].saturating_add(self.size[at])
    }

    /// The stream that lists a range.
    fn stream(&self, at: usize) -> Option<&'static str> {
        let mut left = at;
        let holds = |(_, count): &&(&str, usize)| {
            let holds = left < *count;
            left = left.saturating_sub(*count);
            holds
        };
        self.streams.iter().find(holds).map(|(name, _)| *name)
    }

    fn reserve(&mut self, stream: &'static str, count: usize) {
        self.streams.push((stream, count));
        for column in [&mut self.base, &mut self.size, &mut self.declared_size, &mut self.offset] {
            column.reserve(count);
        }
    }
}

/// Reads MemoryList.
pub fn list<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>, ranges: &mut Ranges) {
    let records = shared.counted(stream, 16);
    ranges.reserve(stream.name, records.count());
    for (place, record) in records.iter() {
        let fields = Fields(record);
        let (size, offset) = fields.location(8);
        add(shared, place, fields.u64(0), u64::from(size), u64::from(offset), ranges);
    }
}

/// Reads Memory64List: contents are one behind the other, from one offset on, which may be past 4 GiB.
pub fn list64<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>, ranges: &mut Ranges) {
    let (Some(count), Some(mut offset)) = (u64_at(stream.bytes, 0), u64_at(stream.bytes, 8)) else {
        shared.too_short(stream);
        return;
    };
    let records = shared.records(stream, 16, 16, count);
    ranges.reserve(stream.name, records.count());
    for (place, record) in records.iter() {
        let fields = Fields(record);
        add(shared, place, fields.u64(0), fields.u64(8), offset, ranges);
        offset = offset.saturating_add(fields.u64(8));
    }
}

fn add(shared: &mut Shared<'_>, place: StreamPlace, base: u64, declared: u64, offset: u64, ranges: &mut Ranges) {
    let size = declared.min((shared.file.len() as u64).saturating_sub(offset));
    let base = shared.address(base);
    if size < declared {
        shared.issues.push(
            Severity::Error,
            "cut_range",
            place,
            || format!("{size} of {declared} bytes of the range at {base:#X}"),
            "kept the bytes that are in the file",
        );
    }
    shared.check_end(base, size, place);
    ranges.base.push(base);
    ranges.size.push(size);
    ranges.declared_size.push(declared);
    ranges.offset.push(offset);
}

/// Contents without a gap, in the process and in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    base: u64,
    size: u64,
    offset: u64,
}

impl Piece {
    /// Address behind the last. Pieces never pass the end of the address space.
    fn end(&self) -> u64 {
        self.base + self.size
    }
}

/// The address space: which bytes of the file stand for an address.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Sorted by base, without overlaps; neighbours in both spaces are one piece.
    pieces: Vec<Piece>,
    narrow: bool,
}

/// Part of a read that the dump does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absent {
    /// First address without contents.
    pub address: u64,
    /// How many bytes from there on have none.
    pub size: u64,
}

impl Memory {
    /// The index of all ranges. Where two overlap, the one that is first in the file counts: an issue.
    pub fn new(ranges: &Ranges, shared: &mut Shared<'_>) -> Self {
        let mut order: Vec<u32> = (0..ranges.len() as u32).filter(|at| ranges.size[*at as usize] > 0).collect();
        order.sort_by_key(|at| ranges.base[*at as usize]);
        let mut memory = Self { pieces: Vec::with_capacity(order.len()), narrow: shared.narrow };
        // Ranges that reach the address, the first of the file on top.
        let mut open: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
        let base = |at: u32| ranges.base[at as usize];
        let end = |at: u32| ranges.end(at as usize);
        let mut starts = order.iter().copied().peekable();
        let mut address = 0;
        loop {
            while open.peek().is_some_and(|Reverse(at)| end(*at) <= address) {
                open.pop();
            }
            match (open.peek(), starts.peek()) {
                (None, None) => break,
                (None, Some(next)) => address = base(*next),
                _ => {}
            }
            while let Some(next) = starts.next_if(|next| base(*next) <= address) {
                if let Some(Reverse(other)) = open.peek().filter(|Reverse(at)| end(*at) > address) {
                    overlap(shared, ranges, next.max(*other), next.min(*other));
                }
                open.push(Reverse(next));
            }
            let Some(Reverse(top)) = open.peek().copied() else { continue };
            let until = starts.peek().map_or(u64::MAX, |next| base(*next)).min(end(top));
            let skipped = address - base(top);
            if until > address {
                let offset = ranges.offset[top as usize] + skipped;
                memory.push(Piece { base: address, size: until - address, offset });
            }
            address = until;
        }
        memory
    }

    fn push(&mut self, piece: Piece) {
        match self.pieces.last_mut() {
            Some(last) if last.end() == piece.base && last.offset + last.size == piece.offset => {
                last.size += piece.size
            }
            _ => self.pieces.push(piece),
        }
    }

    /// Bytes of the process, borrowed from the file where they are in one piece.
    ///
    /// # Errors
    ///
    /// The first part that the dump does not hold.
    pub fn bytes_at<'a>(&self, file: &'a [u8], address: u64, size: u64) -> Result<Cow<'a, [u8]>, Absent> {
        let address = unextended(address, self.narrow);
        if size == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let at = self.pieces.partition_point(|piece| piece.base <= address).saturating_sub(1);
        let pieces = &self.pieces[at..];
        let part = |piece: &Piece, from: u64, size: u64| {
            super::fields::present(file, piece.offset + (from - piece.base), size)
        };
        let whole =
            |piece: &&Piece| piece.base <= address && address.checked_add(size).is_some_and(|end| end <= piece.end());
        if let Some(piece) = pieces.first().filter(whole) {
            return Ok(Cow::Borrowed(part(piece, address, size)));
        }
        // Ranges of a damaged list may share bytes of the file, so that there are more addresses than bytes.
        let limit = file.len() as u64;
        if size > limit {
            covering(pieces, address, size)?;
            return Err(Absent { address: address.saturating_add(limit), size: size - limit });
        }
        let count = covering(pieces, address, size)?;
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let end = address.saturating_add(size);
        for piece in &pieces[..count] {
            let from = piece.base.max(address);
            bytes.extend_from_slice(part(piece, from, piece.end().min(end) - from));
        }
        Ok(Cow::Owned(bytes))
    }

    /// Bytes from an address on, as far as they are in one piece; none where the dump lacks it.
    pub fn slice_at<'a>(&self, file: &'a [u8], address: u64) -> Option<&'a [u8]> {
        let address = unextended(address, self.narrow);
        let at = self.pieces.partition_point(|piece| piece.base <= address).checked_sub(1)?;
        let piece = self.pieces.get(at).filter(|piece| address < piece.end())?;
        let skipped = address - piece.base;
        Some(super::fields::present(file, piece.offset + skipped, piece.size - skipped))
            .filter(|bytes| !bytes.is_empty())
    }

    /// First address from the given one on that the dump holds.
    pub fn next_present(&self, address: u64) -> Option<u64> {
        let at = self.pieces.partition_point(|piece| piece.end() <= address);
        self.pieces.get(at).map(|piece| piece.base.max(address))
    }

    /// First addresses and sizes of all contents in one piece.
    pub fn stretches(&self) -> impl Iterator<Item = (u64, u64)> {
        self.pieces.iter().map(|piece| (piece.base, piece.size))
    }

    /// Looks up addresses that go up, without a search for each.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { pieces: &self.pieces }
    }
}

/// See [`Memory::cursor`].
#[derive(Debug)]
pub struct Cursor<'a> {
    pieces: &'a [Piece],
}

impl Cursor<'_> {
    /// The place in the file of an address not below the one asked for before, and how many bytes are there in one piece.
    pub fn start_of(&mut self, address: u64) -> Option<(u64, u64)> {
        let passed = self.pieces.iter().position(|piece| piece.end() > address).unwrap_or(self.pieces.len());
        self.pieces = &self.pieces[passed..];
        let piece = self.pieces.first().filter(|piece| piece.base <= address)?;
        Some((piece.offset + (address - piece.base), piece.end() - address))
    }
}

/// How many of the pieces hold the read; all but the first start behind its first address.
fn covering(pieces: &[Piece], address: u64, size: u64) -> Result<usize, Absent> {
    let end = u128::from(address) + u128::from(size);
    let mut reached = address;
    for (at, piece) in pieces.iter().enumerate() {
        if piece.end() <= reached {
            continue;
        }
        if piece.base > reached {
            let gap = u128::from(piece.base).min(end) - u128::from(reached);
            return Err(Absent { address: reached, size: gap as u64 });
        }
        reached = piece.end();
        if u128::from(reached) >= end {
            return Ok(at + 1);
        }
    }
    Err(Absent { address: reached, size: (end - u128::from(reached)) as u64 })
}

fn overlap(shared: &mut Shared<'_>, ranges: &Ranges, later: u32, first: u32) {
    let (later, first) = (later as usize, first as usize);
    let text = |at: usize| format!("{:#X} bytes at {:#X}", ranges.size[at], ranges.base[at]);
    shared.issues.push(
        Severity::Warning,
        "overlapping_range",
        StreamPlace { stream: ranges.stream(later), index: None, byte: Some(ranges.offset[later]) },
        || format!("{} and {}", text(later), text(first)),
        "where both have contents, the range that is listed first counts",
    );
}
