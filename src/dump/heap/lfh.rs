//! The low-fragmentation heap: blocks of one size in a block of the back end.
//!
//! Such an area proves itself: it points at its subsegment, which points back, and both say how long its blocks are. Since
//! Windows 8.1 where they begin is encoded by a key of the process, which each area gives, and all others confirm.

use super::{
    super::fields::{u32_at, u64_at},
    account::Part,
    backend::{Asked, Walk},
    blocks::FrontEnd,
    header::Heap,
    layout::{Bitmap, Lfh, Width},
    segment::Segment,
    space::{Space, links, pointer_at, short_at},
    stacks::Extended,
    walked::Walked,
};
use crate::error::Severity;

/// `_HEAP_USERDATA_HEADER.Signature`.
pub const SIGNATURE: u32 = 0xF0E0_D0C0;

/// How up to Windows 7 the header of a block names its subsegment, by a key of the process: bits that its address is shifted by, and
/// whether the address of the heap takes part. With 32 bits the first is proved on a real file; with 64 no file was seen, and the one
/// that gives one key for all blocks is taken.
const FORMULAS: [(u32, bool); 4] = [(3, true), (4, true), (3, false), (4, false)];

/// Keys that each of these formulas gives.
pub type Formulas = [Keys; FORMULAS.len()];

/// Keys of the low-fragmentation heap, and how often each was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The first of them.
    pub found: Vec<(u32, u64)>,
    /// How often others were.
    pub others: u64,
}

impl Keys {
    /// Different keys that are kept: there is one in a process.
    const MOST: usize = 16;

    /// Adds a key that was found so often.
    pub fn add(&mut self, key: u32, count: u64) {
        match self.found.iter().position(|(known, _)| *known == key) {
            Some(known) => self.found[known].1 += count,
            None if self.found.len() < Self::MOST => self.found.push((key, count)),
            // One that is like none of many others is that of the process no more than they are.
            None => self.others += count,
        }
    }

    /// Adds what was found elsewhere.
    pub fn extend(&mut self, other: &Self) {
        other.found.iter().for_each(|(key, count)| self.add(*key, *count));
        self.others += other.others;
    }

    /// The one that was found most often, and how often.
    pub fn most(&self) -> Option<(u32, u64)> {
        self.found.iter().max_by_key(|(_, count)| *count).copied()
    }

    /// How often any was found.
    pub fn total(&self) -> u64 {
        self.found.iter().fold(self.others, |sum, (_, count)| sum + count)
    }

    /// Whether nearly all are one key, of so many that this is no chance.
    pub fn are_one(&self) -> bool {
        const LEAST: u64 = 4;
        let total = self.total();
        total >= LEAST && self.most().is_some_and(|(_, count)| count >= total - total / 10)
    }
}

/// Memory that the front end took from the heap for itself: its own structure, and zones of subsegments.
pub fn own(space: &Space<'_>, heap: &Heap) -> Vec<u64> {
    /// Far more than there are: each has room for tens of subsegments.
    const MOST_ZONES: usize = 1 << 16;
    if !heap.has_lfh {
        return Vec::new();
    }
    let zones = heap.front_end.checked_add(heap.layout.lfh.zones);
    let zones = zones.map(|head| links(space, head, heap.width(), MOST_ZONES).0).unwrap_or_default();
    let mut own: Vec<u64> = zones.into_iter().chain([heap.front_end]).collect();
    own.sort_unstable();
    own
}

/// True if a block of the back end, from its header on, has the signature of an area.
#[inline(always)]
pub fn is_signed(heap: &Heap, block: &[u8]) -> bool {
    u32_at(block, heap.width().unit as usize + heap.layout.lfh.signature) == Some(SIGNATURE)
}

/// Blocks of one size, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Area {
    /// Where the program's bytes of the back end's block would begin.
    start: u64,
    /// Its subsegment.
    subsegment: u64,
    /// Header of its first block.
    first: u64,
    /// Bytes of a block.
    stride: u64,
    /// How many there are.
    count: u64,
}

impl Area {
    /// Reads an area, if it proves itself.
    fn read(space: &Space<'_>, heap: &Heap, start: u64) -> Option<Self> {
        let (width, lfh) = (heap.width(), &heap.layout.lfh);
        let subsegment = space.pointer(start.checked_add(lfh.subsegment)?, width)?;
        let bytes = space.read(subsegment, lfh.size(width))?;
        let stride = short_at(&bytes, lfh.block_size)? * width.unit;
        let count = short_at(&bytes, lfh.block_count)?;
        let first = match &lfh.bitmap {
            Some(bitmap) => start.checked_add(first_offset(space, start, bitmap, lfh, width)?)?,
            None => start.checked_add(lfh.blocks)?,
        };
        let points_back = pointer_at(&bytes, lfh.user_blocks, width)? == start;
        let fits = first.checked_add(stride * count).is_some();
        let holds = points_back && fits && stride >= 2 * width.unit && count > 0;
        holds.then_some(Self { start, subsegment, first, stride, count })
    }

    /// Address behind its last block.
    fn end(&self) -> u64 {
        self.block(self.count)
    }

    /// Address of the header of a block.
    fn block(&self, at: u64) -> u64 {
        self.first + at * self.stride
    }
}

/// Bytes from an area's start to its first block: behind words of the bitmap.
fn first_offset(space: &Space<'_>, start: u64, bitmap: &Bitmap, lfh: &Lfh, width: &Width) -> Option<u64> {
    let bits = u64::from(space.u32(start.checked_add(bitmap.bits as u64)?)?);
    let words = bits.div_ceil(u64::from(width.bits)) * width.pointer as u64;
    (lfh.blocks + words).checked_next_multiple_of(width.unit)
}

/// Which blocks of an area are busy.
struct Bits<'a>(Option<std::borrow::Cow<'a, [u8]>>);

impl Bits<'_> {
    fn get(&self, at: u64) -> Option<bool> {
        let byte = self.0.as_ref()?.get(usize::try_from(at / 8).ok()?)?;
        Some(byte >> (at % 8) & 1 == 1)
    }
}

/// Counts the blocks of an area of a heap that has no header.
pub fn walk_area(space: &Space<'_>, heap: &Heap, start: u64, asked: &Asked<'_>) -> Option<(Segment, Walked)> {
    let area = Area::read(space, heap, start)?;
    let segment = Segment { base: start, end: area.end(), holes: Vec::new() };
    let mut walk = Walk::new(space, heap, &segment, asked);
    walk.area(&area, segment.reserved());
    let out = walk.out;
    Some((segment, out))
}

impl Walk<'_> {
    /// Counts the blocks of an area, whose block of the back end has `bytes`; true if it is one.
    #[inline(never)]
    pub(super) fn user_blocks(&mut self, start: u64, bytes: u64) -> bool {
        let end = start - self.heap.width().unit + bytes;
        match Area::read(self.space, self.heap, start).filter(|area| area.end() <= end) {
            Some(area) => self.area(&area, bytes),
            None => self.unproved_area(start, bytes),
        }
        true
    }

    /// Counts the blocks of an area that takes `bytes` with all that is around them.
    fn area(&mut self, area: &Area, bytes: u64) {
        self.out.proof.user_blocks.hold();
        let bits = match &self.heap.layout.lfh.bitmap {
            Some(bitmap) => Some(self.bitmap(area, bitmap)),
            None => None,
        };
        let mut own = bytes - area.stride * area.count;
        let mut unlike = 0;
        for at in 0..area.count {
            if !self.asked.budget.take(1) {
                break;
            }
            own += self.front_end_block(area, at, bits.as_ref(), &mut unlike);
        }
        self.out.account.take(Part::Overhead, own);
        if unlike > 0 {
            self.out.issues.push(
                Severity::Error,
                "heap_front_end",
                area.start,
                || format!("{unlike} of {} blocks of the LFH area at {:#X} contradict it", area.count, area.start),
                "counted these blocks as unknown",
            );
        }
    }

    /// Memory with an area's signature that nothing points back at: one that the front end keeps, or a damaged one.
    fn unproved_area(&mut self, start: u64, bytes: u64) {
        self.out.proof.user_blocks.fail();
        self.out.issues.push(
            Severity::Info,
            "heap_front_end",
            start,
            || format!("{bytes} bytes look like an LFH area, and no subsegment points back at {start:#X}"),
            "counted them as unknown",
        );
    }

    /// The bitmap of an area; its place and its key are checked.
    fn bitmap(&mut self, area: &Area, bitmap: &Bitmap) -> Bits<'static> {
        let (width, space) = (self.heap.width(), self.space);
        let at = |offset: usize| area.start.checked_add(offset as u64);
        let pointer = at(bitmap.pointer).and_then(|at| space.pointer(at, width));
        if let Some(encoded) = at(bitmap.encoded).and_then(|at| space.u32(at)) {
            let plain = (area.first - area.start) as u32 | (area.stride as u32) << 16;
            if encoded != plain {
                // Only the lower halves of pointers take part.
                self.out.keys.add(encoded ^ plain ^ area.start as u32 ^ self.heap.front_end as u32, 1);
            }
        }
        let inside = pointer.filter(|pointer| *pointer == area.start + self.heap.layout.lfh.blocks);
        let bytes = inside.and_then(|pointer| space.read(pointer, area.count.div_ceil(8)));
        Bits(bytes.map(|bytes| bytes.into_owned().into()))
    }

    /// Counts a block of an area; gives what of it is the heap's own.
    fn front_end_block(&mut self, area: &Area, at: u64, bits: Option<&Bits<'_>>, unlike: &mut u64) -> u64 {
        /// The mark of every block of a front end, and what its other bits say: bytes that the program has not, or that the
        /// number stands elsewhere.
        const FRONT_END: u8 = 0x80;
        const UNUSED: u8 = 0x3F;
        /// The mark of a block that carries a stack.
        const EXTENDED: u8 = 0xC2;
        let width = self.heap.width();
        let header = area.block(at);
        let mark_at = header + width.entry as u64 + 7;
        let Some(mark) = self.space.byte(mark_at) else {
            self.out.proof.absent += area.stride;
            return 0;
        };
        let slice = self.space.slice(header);
        let is_extended = self.heap.stack_traces && mark == EXTENDED;
        let extended = slice.filter(|_| is_extended).and_then(|slice| Extended::read(slice, area.stride, width));
        let unused = extended.map_or(u64::from(mark & UNUSED), |extended| extended.unused);
        let busy = unused != 0;
        let told = bits.map_or(Some(busy), |bits| bits.get(at));
        if mark & FRONT_END == 0 || told != Some(busy) || busy && (unused < 8 || unused > area.stride) {
            self.out.proof.marks.fail();
            *unlike += 1;
            return 0;
        }
        self.out.proof.marks.hold();
        let user = header + width.unit;
        if !busy {
            self.out.free(FrontEnd::Lfh, user, area.stride, 0);
            self.out.counts.lfh_free.0 += 1;
            self.out.counts.lfh_free.1 += area.stride;
            return 0;
        }
        if extended.is_none() && mark & UNUSED == UNUSED {
            // How many bytes are not the program's stands elsewhere: the block is nobody's to count.
            return 0;
        }
        if bits.is_none() {
            self.vista_key(area, header);
        }
        self.busy(FrontEnd::Lfh, header, area.stride, extended, unused, 0, slice);
        self.out.counts.lfh.0 += 1;
        self.out.counts.lfh.1 += area.stride - unused;
        unused
    }

    /// Up to Windows 7 each header names its subsegment, encoded by the key of the process.
    fn vista_key(&mut self, area: &Area, header: u64) {
        let width = self.heap.width();
        let at = header + width.entry as u64;
        let Some(word) = self.space.read(at, 8).and_then(|bytes| u64_at(&bytes, 0)) else { return };
        let key = |(shift, with_heap): (u32, bool)| {
            let heap = if with_heap { self.heap.base as u32 } else { 0 };
            word as u32 ^ (header >> shift) as u32 ^ heap ^ area.subsegment as u32
        };
        if width.bits == 32 {
            self.out.keys.add(key(FORMULAS[0]), 1);
        } else {
            let keys = FORMULAS.map(key);
            self.out.formulas.iter_mut().zip(keys).for_each(|(all, key)| all.add(key, 1));
        }
    }
}
