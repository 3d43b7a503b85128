//! The two keys of a process, solved on its heaps and proved there.
//!
//! ```text
//! signature of a page segment = segment ^ context ^ key of heaps ^ a constant, as wide as a pointer
//! places of an LFH subsegment = (bytes of a block | place of the first << 16) ^ key ^ address >> 12
//! ```
//!
//! The first gives its key outright; where segments give several, the first chunks of subsegments tell which is right. Of the second
//! nothing is known but what is possible: each subsegment allows some keys, and the one counts that more subsegments than one allow,
//! and more than any other.

use std::collections::HashMap;

use super::{
    super::{layout::Width, space::Space},
    fields::{Fields, LfhFields},
    plan::{PageSegment, SegmentHeap},
    ranges::{Kind, Units},
    vs::Chunks,
};

/// What signatures of page segments have in them beside addresses and a key.
const SIGNATURE: u64 = 0xA2E6_4EAD_A2E6_4EAD;

/// Keys of a process, as far as they are proved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Solved {
    /// That of page segments and chunks.
    pub heap: Option<u64>,
    /// That of subsegments of the low-fragmentation heap.
    pub lfh: Option<u32>,
}

/// The key that the signature of a page segment gives.
pub fn of_segment(space: &Space<'_>, base: u64, context: u64, fields: &Fields, width: &Width) -> Option<u64> {
    let signature = space.pointer(base.checked_add(fields.segment.signature)?, width)?;
    Some((signature ^ base ^ context ^ SIGNATURE) & width.last())
}

/// Solves both keys, and tells them to all heaps.
pub fn solve(space: &Space<'_>, mut heaps: Vec<&mut SegmentHeap>) {
    let heap_key = of_heaps(space, &heaps);
    let mut allowed = Vec::new();
    for heap in &heaps {
        for segment in heap.segments.iter().filter(|segment| Some(segment.key) == heap_key) {
            of_lfh(space, heap, segment, &mut allowed);
        }
    }
    let lfh_key = most(allowed.into_iter(), 2);
    heaps.iter_mut().for_each(|heap| heap.keys = Solved { heap: heap_key, lfh: lfh_key });
}

/// The key that most page segments give, and most first chunks of subsegments allow.
fn of_heaps(space: &Space<'_>, heaps: &[&mut SegmentHeap]) -> Option<u64> {
    /// Different keys that are tried on chunks: there is one in a process.
    const MOST: usize = 16;
    /// Chunks that follow each other.
    const LONG: usize = 4;
    let segments = || heaps.iter().flat_map(|heap| heap.segments.iter().map(move |segment| (heap, segment)));
    let mut counts: HashMap<u64, u64, ahash::RandomState> = HashMap::default();
    segments().for_each(|(_, segment)| *counts.entry(segment.key).or_default() += 1);
    let mut all: Vec<(u64, u64)> = counts.into_iter().map(|(key, count)| (count, key)).collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    all.truncate(MOST);
    if all.len() == 1 {
        return Some(all[0].1);
    }
    for (heap, segment) in segments() {
        let Some(units) = Units::read(space, &heap.fields, segment) else { continue };
        let (fields, unit) = (&heap.fields.vs, heap.width.unit);
        for range in units.ranges().0.iter().filter(|range| range.kind == Kind::Vs) {
            let (start, end) = (segment.unit(range.at), segment.unit(range.at + range.units));
            let first = start + fields.size.next_multiple_of(unit);
            for (count, key) in all.iter_mut().filter(|_| first < end) {
                let chunks = Chunks { space, fields, key: *key, unit };
                let (length, ended) = chunks.chain(first, end, Some(0), LONG);
                *count += u64::from(ended || length == LONG);
            }
        }
    }
    let most = all.iter().max()?;
    (all.iter().filter(|(count, _)| *count == most.0).count() == 1).then_some(most.1)
}

/// The one that is there more often than any other, and at least so often.
fn most<T: Copy + Eq + std::hash::Hash>(all: impl Iterator<Item = T>, least: u64) -> Option<T> {
    let mut counts: HashMap<T, u64, ahash::RandomState> = HashMap::default();
    all.for_each(|key| *counts.entry(key).or_default() += 1);
    let (key, count) = counts.iter().max_by_key(|(_, count)| **count)?;
    let rivals = counts.values().filter(|other| *other == count).count();
    (rivals == 1 && *count >= least).then_some(*key)
}

/// Adds the keys that the subsegments of a page segment allow, each once.
fn of_lfh(space: &Space<'_>, heap: &SegmentHeap, segment: &PageSegment, allowed: &mut Vec<u32>) {
    let Some(units) = Units::read(space, &heap.fields, segment) else { return };
    for range in units.ranges().0.iter().filter(|range| range.kind == Kind::Lfh) {
        let start = segment.unit(range.at);
        let bytes = (range.units as u64) << segment.shift;
        let mut keys = Places::allowed(space, start, bytes, &heap.fields.lfh, heap.width.unit).unwrap_or_default();
        keys.sort_unstable();
        keys.dedup();
        allowed.append(&mut keys);
    }
}

/// What a subsegment of the low-fragmentation heap says of its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// How many there are.
    pub count: u64,
    /// Bytes of one.
    pub block: u64,
    /// Where the first begins: bytes from the start.
    pub first: u64,
}

impl Places {
    /// Bytes up to the end of the bitmap.
    fn before(count: u64, fields: &LfhFields) -> u64 {
        fields.bitmap + fields.bitmap_bytes(count)
    }

    /// Decoded by a key; absent where they do not fit into the subsegment.
    pub fn decoded(space: &Space<'_>, start: u64, bytes: u64, fields: &LfhFields, unit: u64, key: u32) -> Option<Self> {
        let (count, encoded) = told(space, start, fields)?;
        let plain = (encoded ^ key ^ (start >> 12) as u32).to_le_bytes();
        let (block, first) = (fields.block.of(&plain)?, fields.first.of(&plain)?);
        let fits = block > 0
            && block.is_multiple_of(unit)
            && first.is_multiple_of(unit)
            && first >= Self::before(count, fields)
            && first + count * block <= bytes;
        fits.then_some(Self { count, block, first })
    }

    /// The keys that it allows if its first block begins right behind what is before it, and as many blocks are there as fit.
    fn allowed(space: &Space<'_>, start: u64, bytes: u64, fields: &LfhFields, unit: u64) -> Option<Vec<u32>> {
        let (count, encoded) = told(space, start, fields)?;
        let head = space.read(start, fields.bitmap)?;
        let commit = fields.commit.and_then(|(offset, units)| Some(offset.of(&head)? + 2 * units.of(&head)?));
        let before = Self::before(count, fields);
        let ends = [Some(before), commit.filter(|commit| *commit > before)];
        let mut keys = Vec::new();
        for first in ends.into_iter().flatten().filter_map(|end| end.checked_next_multiple_of(unit)) {
            let Some(room) = bytes.checked_sub(first).filter(|_| count > 0) else { continue };
            let (least, largest) = (room / (count + 1) / unit + 1, room / count / unit);
            for units in least..=largest {
                // Both are numbers of 16 bits.
                let (Ok(block), Ok(first)) = (u16::try_from(units * unit), u16::try_from(first)) else { break };
                let plain = [(fields.block.at, block), (fields.first.at, first)];
                let plain = plain.iter().fold(0, |word, (at, value)| word | u32::from(*value) << (8 * (at & 2)));
                keys.push(encoded ^ (start >> 12) as u32 ^ plain);
            }
        }
        Some(keys)
    }
}

/// How many blocks a subsegment has, and its encoded places.
fn told(space: &Space<'_>, start: u64, fields: &LfhFields) -> Option<(u64, u32)> {
    let head = space.read(start, fields.bitmap)?;
    let count = fields.count.of(&head).filter(|count| *count > 0)?;
    Some((count, space.u32(start.checked_add(fields.offsets)?)?))
}
