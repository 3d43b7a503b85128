//! Blocks of variable size: chunks that follow each other, each with its size and that of the one before.

use super::{
    super::{
        super::fields::{u32_at, u64_at},
        account::Part,
        blocks::FrontEnd,
        space::Space,
    },
    fields::VsFields,
    walk::{Subsegment, Walk},
};

/// What the size and the signature of a subsegment are combined with, and the bits that are then zero.
const MARK: (u64, u64) = (0x2BED, 0x7FFF);

/// The header of a chunk, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunk {
    /// Its bytes, with the header.
    bytes: u64,
    /// Bytes of the chunk before; 0 for the first.
    previous: u64,
    is_busy: bool,
    has_unused: bool,
}

/// What chunks are read by.
pub(super) struct Chunks<'a> {
    pub space: &'a Space<'a>,
    pub fields: &'a VsFields,
    pub key: u64,
    pub unit: u64,
}

impl Chunks<'_> {
    /// The one at an address: absent where the dump lacks it, none where it is no chunk or the one before has another size.
    fn read(&self, at: u64, end: u64, previous: Option<u64>) -> Option<Option<Chunk>> {
        let (fields, unit) = (self.fields, self.unit);
        let bytes = self.space.read(at, fields.header)?;
        // As many bytes of the address and of the key as there are of the sizes.
        let word = match fields.encoded {
            4 => u64::from(u32_at(&bytes, fields.sizes)?),
            _ => u64_at(&bytes, fields.sizes)?,
        };
        let sizes = (word ^ at ^ self.key).to_le_bytes();
        let sizes = &sizes[..fields.encoded];
        let chunk = Chunk {
            bytes: fields.chunk.of(sizes)? * unit,
            previous: fields.previous.of(sizes)? * unit,
            is_busy: fields.allocated.of(sizes)? != 0,
            has_unused: fields.has_unused.of(&bytes)? != 0,
        };
        let holds = chunk.bytes > 0
            && chunk.bytes >= fields.header
            && chunk.bytes <= end - at
            && previous.is_none_or(|previous| previous == chunk.previous);
        Some(holds.then_some(chunk))
    }

    /// How many follow each other from an address on, up to a limit; and whether the last ends where the subsegment does.
    pub fn chain(&self, from: u64, end: u64, mut previous: Option<u64>, limit: usize) -> (usize, bool) {
        let mut at = from;
        for length in 0..limit {
            let Some(Some(chunk)) = self.read(at, end, previous) else { return (length, false) };
            previous = Some(chunk.bytes);
            at += chunk.bytes;
            if at >= end {
                return (length + 1, at == end);
            }
        }
        (limit, false)
    }
}

impl Walk<'_> {
    /// Counts the chunks of a subsegment. Its bytes without memory are counted already.
    pub(super) fn variable(&mut self, of: Subsegment) {
        let fields = self.heap.fields.vs;
        let unit = self.heap.width.unit;
        let (bytes, first) = (of.end - of.start, of.start + fields.size.next_multiple_of(unit));
        let Some(head) = self.space.read(of.start, fields.size) else {
            return self.absent(of.start, bytes - self.uncommitted(of.start, of.end));
        };
        let told = (fields.units.of(&head), fields.signature.of(&head));
        let (Some(units), Some(signature)) = told else { return };
        if (units ^ signature ^ MARK.0) & MARK.1 != 0 || units == 0 || first >= of.end {
            let known = bytes - self.uncommitted(of.start, of.end);
            return self.broken(of.start, known, "size and signature of a subsegment of blocks contradict each other");
        }
        let end = of.end.min(first.saturating_add(units * unit));
        self.out.account.take(Part::Overhead, first - of.start - self.uncommitted(of.start, first));
        self.out.account.take(Part::Overhead, of.end - end - self.uncommitted(end, of.end));
        self.chunks(first, end);
    }

    fn chunks(&mut self, first: u64, end: u64) {
        let (mut at, mut previous) = (first, Some(0));
        while at < end {
            if !self.may_read(at) {
                return;
            }
            let chunk = self.chunk(at, end, previous);
            let counted = match &chunk {
                Some(Some(chunk)) => self.one(at, chunk),
                Some(None) => Some(false),
                None => None,
            };
            if let (Some(Some(chunk)), Some(true)) = (chunk, counted) {
                (at, previous) = (at + chunk.bytes, Some(chunk.bytes));
                continue;
            }
            let next = self.next_provable(at, end);
            let to = next.unwrap_or(end);
            let known = to - at - self.uncommitted(at, to);
            match counted {
                None => self.absent(at, known),
                Some(_) => self.broken(at, known, "the header of a chunk contradicts those around it"),
            }
            let Some(next) = next else { return };
            (at, previous) = (next, None);
        }
    }

    fn reader(&self) -> Option<Chunks<'_>> {
        let (space, fields, unit) = (self.space, &self.heap.fields.vs, self.heap.width.unit);
        Some(Chunks { space, fields, key: self.heap.keys.heap?, unit })
    }

    fn chunk(&self, at: u64, end: u64, previous: Option<u64>) -> Option<Option<Chunk>> {
        self.reader()?.read(at, end, previous)
    }

    /// Counts a chunk: false if it contradicts itself, absent where the dump lacks what says how much of it is unused.
    fn one(&mut self, at: u64, chunk: &Chunk) -> Option<bool> {
        let fields = self.heap.fields.vs;
        let holes = self.uncommitted(at, at + chunk.bytes);
        let user = at + fields.header;
        if !chunk.is_busy {
            self.out.proof.headers.hold();
            self.free(FrontEnd::Vs, user, chunk.bytes - holes);
            return Some(true);
        }
        if holes > 0 {
            return Some(false);
        }
        let unused = self.unused(at, chunk)?;
        if (unused > 0) != chunk.has_unused || unused > chunk.bytes - fields.header {
            return Some(false);
        }
        self.out.proof.headers.hold();
        self.busy(FrontEnd::Vs, user, chunk.bytes, unused + fields.header);
        self.out.account.take(Part::Overhead, unused + fields.header);
        Some(true)
    }

    /// Bytes of a busy chunk that the program has not, without its header; absent where the dump lacks what says it.
    fn unused(&self, at: u64, chunk: &Chunk) -> Option<u64> {
        if !chunk.has_unused {
            return Some(0);
        }
        let end = self.space.read((at + chunk.bytes).checked_sub(2)?, 2)?;
        self.heap.fields.vs.unused.of([end[0], end[1]])
    }

    /// The next chunk behind a break that others prove: a chain from it is too long for chance, or reaches the end.
    fn next_provable(&self, from: u64, end: u64) -> Option<u64> {
        /// Chunks that follow each other.
        const LONG: usize = 16;
        const SHORT: usize = 2;
        let (chunks, unit) = (self.reader()?, self.heap.width.unit);
        let mut at = from.checked_add(unit)?;
        while at < end && self.asked.budget.take(1) {
            if let Some(Some(chunk)) = chunks.read(at, end, None) {
                let (length, ended) = chunks.chain(at, end, None, LONG);
                let follows = chunk.previous == at - from;
                if length >= LONG || ended && length > SHORT || follows && (ended || length > SHORT) {
                    return Some(at);
                }
            }
            at += unit;
        }
        None
    }
}
