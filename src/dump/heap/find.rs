//! Where heaps are: by the headers of segments, in both widths; and what the PEB lists.

use super::{
    super::fields::u32_at,
    layout::{NARROW, WIDE, Width},
    space::{Space, pointer_at},
};

/// `_HEAP_SEGMENT.SegmentSignature`.
const SEGMENT: u32 = 0xFFEE_FFEE;
/// `_SEGMENT_HEAP.Signature`.
const SEGMENT_HEAP: u32 = 0xDDEE_DDEE;
const PAGE: u64 = 0x1000;

/// Bytes that tell whether an allocation starts with a heap.
pub const HEAD: usize = 0x50;

/// What an allocation starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The header of a segment, of which all fields agree: of this heap.
    Segment {
        /// The heap that it is part of; its own address for the first.
        heap: u64,
    },
    /// The signature of a segment, and nothing more that proves it.
    Signature,
    /// The signature of a segment heap.
    SegmentHeap,
}

/// Something of a heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its first address.
    pub base: u64,
    /// Its width.
    pub width: &'static Width,
    /// What it is.
    pub kind: Kind,
}

/// Looks at the first bytes of an allocation.
///
/// A signature alone counts in the width of the dump, and in private memory: there nothing else writes it where allocations
/// start. Elsewhere the whole header must agree.
pub fn found(base: u64, head: &[u8], narrow: bool, private: bool) -> Option<Found> {
    let widths = if narrow { [&NARROW, &NARROW] } else { [&WIDE, &NARROW] };
    let whole = widths.into_iter().find_map(|width| {
        let heap = whole(base, head, width)?;
        Some(Found { base, width, kind: Kind::Segment { heap } })
    });
    let alone = || {
        let width = widths[0];
        let kind = match u32_at(head, width.segment.signature)? {
            SEGMENT => Kind::Signature,
            SEGMENT_HEAP => Kind::SegmentHeap,
            _ => return None,
        };
        private.then_some(Found { base, width, kind })
    };
    let narrow_segment_heap = || {
        let is_one = private && !narrow && u32_at(head, NARROW.segment_heap) == Some(SEGMENT_HEAP);
        is_one.then_some(Found { base, width: &NARROW, kind: Kind::SegmentHeap })
    };
    whole.or_else(alone).or_else(narrow_segment_heap)
}

/// The heap of a segment, if every field of its header agrees with the others.
pub fn whole(base: u64, head: &[u8], width: &Width) -> Option<u64> {
    let fields = &width.segment;
    if u32_at(head, fields.signature)? != SEGMENT {
        return None;
    }
    let pointer = |at| pointer_at(head, at, width);
    let (heap, own, first, end) =
        (pointer(fields.heap)?, pointer(fields.base)?, pointer(fields.first_entry)?, pointer(fields.end)?);
    let size = u64::from(u32_at(head, fields.pages)?) * PAGE;
    let agree = own == base
        && base.checked_add(size) == Some(end)
        && first > base
        && first < end
        && first.is_multiple_of(width.unit)
        && heap != 0
        && heap.is_multiple_of(PAGE);
    agree.then_some(heap)
}

/// Heaps of a dump without MemoryInfoList, in the order of their addresses: allocations start at multiples of 64 KiB.
pub fn everywhere(space: &Space<'_>, narrow: bool) -> Vec<Found> {
    const GRANULARITY: u64 = 0x1_0000;
    let mut all = Vec::new();
    for (base, size) in space.memory.stretches() {
        let end = base.saturating_add(size);
        let mut at = base.checked_next_multiple_of(GRANULARITY);
        while let Some(address) = at.filter(|address| *address < end) {
            let head = space.slice(address).unwrap_or_default();
            let head = &head[..head.len().min(HEAD)];
            // Without regions nothing says what is private.
            all.extend(found(address, head, narrow, false));
            at = address.checked_add(GRANULARITY);
        }
    }
    all
}

/// Heaps that a PEB lists; none if it is not in the dump.
pub fn listed(space: &Space<'_>, peb: u64, width: &Width) -> Option<Vec<u64>> {
    /// Far more than any process has.
    const MOST: u32 = 1 << 16;
    let count = space.u32(peb.checked_add(width.peb_count)?)?;
    let list = space.pointer(peb.checked_add(width.peb_heaps)?, width)?;
    if count > MOST {
        return None;
    }
    let size = u64::from(count) * width.pointer as u64;
    let bytes = space.read(list, size)?;
    bytes.chunks_exact(width.pointer).map(|pointer| pointer_at(pointer, 0, width)).collect()
}

/// The heaps that the process's own lists name, for each width: those of its PEB, and of the 32-bit PEB of a WOW64 process.
pub fn lists(space: &Space<'_>, tebs: &[u64], narrow: bool) -> [Option<Vec<u64>>; 2] {
    // `_TEB.ProcessEnvironmentBlock` of winternl.h; a WOW64 thread has its 32-bit TEB two pages behind.
    const NARROW_TEB: u64 = 0x2000;
    let peb = |teb: u64, width: &Width| {
        let at = if width.bits == 64 { 0x60 } else { 0x30 };
        space.pointer(teb.checked_add(at)?, width).filter(|peb| *peb != 0)
    };
    let of = |skipped: u64, width: &Width| {
        tebs.iter().find_map(|teb| listed(space, peb(teb.checked_add(skipped)?, width)?, width))
    };
    if narrow { [None, of(0, &NARROW)] } else { [of(0, &WIDE), of(NARROW_TEB, &NARROW)] }
}
