//! Where Windows keeps what in its heap's structures: what the two widths share, and what changes from version to version.
//!
//! [`super::rows`] has a row for each family of versions; a PDB of `ntdll.dll` gives one for its build. None is taken because of a
//! version alone: [`super::header`] proves it on the heap itself.

use super::types::{Missing, Types};

/// Where fields of a segment are by which it is found; they are the same since Windows Vista.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFields {
    /// `SegmentSignature`.
    pub signature: usize,
    /// `Heap`: the heap that it belongs to.
    pub heap: usize,
    /// `BaseAddress`: its own.
    pub base: usize,
    /// `NumberOfPages`.
    pub pages: usize,
    /// `FirstEntry`, behind the segment's header.
    pub first_entry: usize,
    /// `LastValidEntry`: behind the last.
    pub end: usize,
}

/// What the two widths have that no version changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Width {
    /// 64 or 32.
    pub bits: u32,
    /// Bytes of a pointer.
    pub pointer: usize,
    /// Bytes that sizes are counted in, and of a header.
    pub unit: u64,
    /// Where in a header its eight bytes begin.
    pub entry: usize,
    /// Fields of a segment.
    pub segment: SegmentFields,
    /// `_PEB.NumberOfHeaps`.
    pub peb_count: u64,
    /// `_PEB.ProcessHeaps`.
    pub peb_heaps: u64,
    /// `_SEGMENT_HEAP.Signature`.
    pub segment_heap: usize,
}

impl Width {
    /// The last address.
    pub fn last(&self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }
}

/// 64-bit structures.
pub static WIDE: Width = Width {
    bits: 64,
    pointer: 8,
    unit: 16,
    entry: 8,
    segment: SegmentFields { signature: 0x10, heap: 0x28, base: 0x30, pages: 0x38, first_entry: 0x40, end: 0x48 },
    peb_count: 0xE8,
    peb_heaps: 0xF0,
    segment_heap: 0x10,
};

/// 32-bit structures.
pub static NARROW: Width = Width {
    bits: 32,
    pointer: 4,
    unit: 8,
    entry: 0,
    segment: SegmentFields { signature: 0x08, heap: 0x18, base: 0x1C, pages: 0x20, first_entry: 0x24, end: 0x28 },
    peb_count: 0x88,
    peb_heaps: 0x90,
    segment_heap: 0x08,
};

/// What else is read of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentLists {
    /// `SegmentListEntry`, which links the segments of a heap.
    pub link: usize,
    /// `NumberOfUnCommittedPages`.
    pub uncommitted_pages: usize,
    /// `NumberOfUnCommittedRanges`.
    pub uncommitted_ranges: usize,
    /// `UCRSegmentList`, which links the descriptors of uncommitted ranges.
    pub ranges: usize,
    /// Descriptor of an uncommitted range, from its link in this list: `Address`.
    pub range_address: usize,
    /// From there, too: `Size`.
    pub range_size: usize,
}

/// Block with an allocation of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeFields {
    /// `CommitSize`.
    pub committed: usize,
    /// `ReserveSize`.
    pub reserved: usize,
    /// Its header, `BusyBlock`.
    pub entry: usize,
}

/// How the low-fragmentation heap keeps its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lfh {
    /// `_LFH_HEAP.SubSegmentZones`: memory that the front end takes for its subsegments.
    pub zones: u64,
    /// `_HEAP_USERDATA_HEADER.SubSegment`.
    pub subsegment: u64,
    /// `_HEAP_USERDATA_HEADER.Signature`.
    pub signature: usize,
    /// Where blocks begin, or would without a bitmap.
    pub blocks: u64,
    /// `_HEAP_SUBSEGMENT.UserBlocks`.
    pub user_blocks: usize,
    /// `_HEAP_SUBSEGMENT.BlockSize`, in units.
    pub block_size: usize,
    /// `_HEAP_SUBSEGMENT.BlockCount`.
    pub block_count: usize,
    /// Where it says which blocks are busy.
    pub bitmap: Option<Bitmap>,
}

/// A bitmap of busy blocks, since Windows 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bitmap {
    /// `EncodedOffsets`.
    pub encoded: usize,
    /// `BusyBitmap.SizeOfBitMap`, in bits.
    pub bits: usize,
    /// `BusyBitmap.Buffer`.
    pub pointer: usize,
}

/// Where everything is that versions have changed, in one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// What all versions share.
    pub width: &'static Width,
    /// `Flags`.
    pub flags: usize,
    /// `EncodeFlagMask`.
    pub mask: usize,
    /// `Encoding`.
    pub encoding: usize,
    /// `Interceptor`.
    pub interceptor: usize,
    /// `Signature`.
    pub signature: usize,
    /// `TotalFreeSize`, in units.
    pub total_free: usize,
    /// `VirtualAllocdBlocks`.
    pub large_list: usize,
    /// `SegmentList`.
    pub segments: usize,
    /// `FrontEndHeap`.
    pub front_end: usize,
    /// `FrontEndHeapType`.
    pub front_end_type: usize,
    /// A segment.
    pub segment: SegmentLists,
    /// A block with an allocation of its own.
    pub large: LargeFields,
    /// The front end.
    pub lfh: Lfh,
}

impl LargeFields {
    /// Its first byte for the program, without a stack.
    pub fn user(&self, width: &Width) -> u64 {
        self.entry as u64 + width.unit
    }
}

impl Lfh {
    /// Bytes of a subsegment up to the last of its fields.
    pub fn size(&self, width: &Width) -> u64 {
        (self.user_blocks + width.pointer).max(self.block_size + 2).max(self.block_count + 2) as u64
    }
}

impl Layout {
    /// That of types of a PDB.
    ///
    /// # Errors
    ///
    /// What they lack, or have otherwise than any version that is known.
    pub fn of(types: &Types, width: &'static Width) -> Result<Self, Missing> {
        let at = |structure, field| types.at(structure, field);
        found_by(types, width)?;
        let heap = |field| at("_HEAP", field);
        let segment = |field| at("_HEAP_SEGMENT", field);
        let large = |field| at("_HEAP_VIRTUAL_ALLOC_ENTRY", field);
        let link = at("_HEAP_UCR_DESCRIPTOR", "SegmentEntry")?;
        let of_range = |field| {
            let place = at("_HEAP_UCR_DESCRIPTOR", field)?;
            place.checked_sub(link).ok_or_else(|| Missing::other("_HEAP_UCR_DESCRIPTOR", field))
        };
        Ok(Self {
            width,
            flags: heap("Flags")?,
            mask: heap("EncodeFlagMask")?,
            encoding: heap("Encoding")?,
            interceptor: heap("Interceptor")?,
            signature: heap("Signature")?,
            total_free: heap("TotalFreeSize")?,
            large_list: heap("VirtualAllocdBlocks")?,
            segments: heap("SegmentList")?,
            front_end: heap("FrontEndHeap")?,
            front_end_type: heap("FrontEndHeapType")?,
            segment: SegmentLists {
                link: segment("SegmentListEntry")?,
                uncommitted_pages: segment("NumberOfUnCommittedPages")?,
                uncommitted_ranges: segment("NumberOfUnCommittedRanges")?,
                ranges: segment("UCRSegmentList")?,
                range_address: of_range("Address")?,
                range_size: of_range("Size")?,
            },
            large: LargeFields {
                committed: large("CommitSize")?,
                reserved: large("ReserveSize")?,
                entry: large("BusyBlock")?,
            },
            lfh: Lfh::of(types)?,
        })
    }
}

impl Lfh {
    fn of(types: &Types) -> Result<Self, Missing> {
        const AREA: &str = "_HEAP_USERDATA_HEADER";
        let area = |field| types.at(AREA, field);
        let subsegment = |field| types.at("_HEAP_SUBSEGMENT", field);
        let bitmap = match area("BusyBitmap") {
            // Up to Windows 7 the blocks themselves say whether they are busy.
            Err(_) => None,
            Ok(bitmap) => Some(Bitmap {
                // Windows 8 has the same number without a key.
                encoded: area("EncodedOffsets").or_else(|_| area("FirstAllocationOffset"))?,
                bits: bitmap + types.at("_RTL_BITMAP", "SizeOfBitMap")?,
                pointer: bitmap + types.at("_RTL_BITMAP", "Buffer")?,
            }),
        };
        let blocks = if bitmap.is_some() { area("BitmapData")? as u64 } else { types.size(AREA)? };
        Ok(Self {
            zones: types.at("_LFH_HEAP", "SubSegmentZones")? as u64,
            subsegment: area("SubSegment")? as u64,
            signature: area("Signature")?,
            blocks,
            user_blocks: subsegment("UserBlocks")?,
            block_size: subsegment("BlockSize")?,
            block_count: subsegment("BlockCount")?,
            bitmap,
        })
    }
}

/// Whether heaps of a PDB's types are found as all others are.
fn found_by(types: &Types, width: &Width) -> Result<(), Missing> {
    const SEGMENT: &str = "_HEAP_SEGMENT";
    let fields = &width.segment;
    let all = [
        (SEGMENT, "SegmentSignature", fields.signature),
        (SEGMENT, "Heap", fields.heap),
        (SEGMENT, "BaseAddress", fields.base),
        (SEGMENT, "NumberOfPages", fields.pages),
        (SEGMENT, "FirstEntry", fields.first_entry),
        (SEGMENT, "LastValidEntry", fields.end),
        ("_HEAP_ENTRY", "Size", width.entry),
    ];
    for (structure, field, known) in all {
        if types.at(structure, field)? != known {
            return Err(Missing::other(structure, field));
        }
    }
    if types.size("_HEAP_ENTRY")? == width.unit { Ok(()) } else { Err(Missing::other("_HEAP_ENTRY", "Size")) }
}
