//! What the units of a page segment are: ranges of them, told by a descriptor for each unit.
//!
//! The first descriptor of a range says how many units it has, each of the others how far it is behind the first. So ranges follow each
//! other from the first unit to the last, and one that is damaged ends where a chain begins that reaches the end.

use std::borrow::Cow;

use super::{
    super::space::Space,
    fields::{Fields, SegmentFields},
    plan::PageSegment,
};

/// Bits of `RangeFlags`.
const ALLOCATED: u64 = 1;
const FIRST: u64 = 2;
const KIND: u64 = 0xC;

/// What a range is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody's.
    Free,
    /// A block of the back end.
    Block,
    /// The heap's own.
    Own,
    /// A subsegment of the low-fragmentation heap.
    Lfh,
    /// A subsegment of blocks of variable size.
    Vs,
}

/// Units that are one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub at: usize,
    /// How many.
    pub units: usize,
    /// What they are.
    pub kind: Kind,
    /// Bytes that the program has not, of a block.
    pub unused: u64,
}

/// The descriptors of a page segment.
pub struct Units<'a> {
    bytes: Cow<'a, [u8]>,
    fields: &'a SegmentFields,
    first: usize,
    /// Pages of a unit.
    pages: u64,
}

impl<'a> Units<'a> {
    /// Reads them; absent where the dump lacks some.
    pub fn read(space: &Space<'a>, fields: &'a Fields, segment: &PageSegment) -> Option<Self> {
        let fields = &fields.segment;
        let start = segment.base.checked_add(fields.descriptors)?;
        let bytes = space.read(start, fields.step * fields.count as u64)?;
        Some(Self { bytes, fields, first: segment.first, pages: 1 << (segment.shift - 12) })
    }

    fn descriptor(&self, unit: usize) -> &[u8] {
        let step = self.fields.step as usize;
        &self.bytes[unit * step..(unit + 1) * step]
    }

    /// Pages of a unit that have memory.
    pub fn committed(&self, unit: usize) -> u64 {
        self.fields.committed.of(self.descriptor(unit)).unwrap_or_default()
    }

    /// The range that begins at a unit, if all of its descriptors agree.
    fn range(&self, at: usize) -> Option<Range> {
        let head = self.descriptor(at);
        let flags = self.fields.flags.of(head)?;
        let units = self.fields.units.of(head)? as usize;
        if units == 0
            || units > self.fields.count - at
            || (at..at + units).any(|unit| self.committed(unit) > self.pages)
        {
            return None;
        }
        let is_allocated = flags & ALLOCATED != 0;
        let behind = |number: usize| {
            let descriptor = self.descriptor(at + number);
            let flags = self.fields.flags.of(descriptor)?;
            let follows = !is_allocated || self.fields.offset.of(descriptor)? == number as u64;
            Some(follows && flags & FIRST == 0 && (is_allocated || flags & ALLOCATED == 0))
        };
        if is_allocated && flags & FIRST == 0 || !(1..units).all(|number| behind(number) == Some(true)) {
            return None;
        }
        let kind = match (is_allocated, (flags & KIND) >> 2) {
            (false, _) => Kind::Free,
            (true, 0) => Kind::Block,
            (true, 1) => Kind::Own,
            (true, 2) => Kind::Lfh,
            _ => Kind::Vs,
        };
        let unused = if kind == Kind::Block { self.fields.unused.of(head)? } else { 0 };
        Some(Range { at, units, kind, unused })
    }

    /// Ranges from a unit to the end, if they reach it.
    fn chain(&self, from: usize) -> Option<Vec<Range>> {
        let mut all = Vec::new();
        let mut at = from;
        while at < self.fields.count {
            let range = self.range(at)?;
            at += range.units;
            all.push(range);
        }
        Some(all)
    }

    /// All ranges, and the units between them of which nothing is known: the first, and the one behind the last.
    pub fn ranges(&self) -> (Vec<Range>, Option<(usize, usize)>) {
        let mut all = Vec::new();
        let mut at = self.first;
        let count = self.fields.count;
        while at < count {
            match self.range(at) {
                Some(range) => {
                    at += range.units;
                    all.push(range);
                }
                None => break,
            }
        }
        if at == count {
            return (all, None);
        }
        let behind = (at + 1..count).find_map(|next| {
            let chain = self.chain(next)?;
            (chain[0].kind != Kind::Free).then_some((next, chain))
        });
        match behind {
            Some((next, mut chain)) => {
                all.append(&mut chain);
                (all, Some((at, next)))
            }
            None => (all, Some((at, count))),
        }
    }
}
