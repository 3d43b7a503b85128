//! Where Windows keeps what in its heap's structures: one row for each family of versions and each width.
//!
//! A row is never taken because of a version alone: [`super::header`] proves it on the heap itself. Offsets are those of
//! the types in Microsoft's public symbol files. `evidence` says on what each row was held so far.

/// Where fields of a segment are; they are the same since Windows Vista.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFields {
    /// `SegmentSignature`.
    pub signature: usize,
    /// `SegmentListEntry`, which links the segments of a heap.
    pub list_entry: usize,
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
    /// `NumberOfUnCommittedPages`.
    pub uncommitted_pages: usize,
    /// `UCRSegmentList`, which links the descriptors of uncommitted ranges.
    pub ranges: usize,
    /// Bytes up to the last of these.
    pub size: usize,
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
    /// Descriptor of an uncommitted range, from its link in the segment's list: the address, then the size.
    pub range_address: usize,
    /// Block with an allocation of its own: `CommitSize`; `ReserveSize` is a pointer's width behind.
    pub large_commit: usize,
    /// Its header.
    pub large_entry: usize,
    /// Its first byte for the program.
    pub large_user: usize,
    /// `_PEB.NumberOfHeaps`.
    pub peb_count: u64,
    /// `_PEB.ProcessHeaps`.
    pub peb_heaps: u64,
    /// `_SEGMENT_HEAP.Signature`.
    pub segment_heap: usize,
}

/// 64-bit structures.
pub static WIDE: Width = Width {
    bits: 64,
    pointer: 8,
    unit: 16,
    entry: 8,
    segment: SegmentFields {
        signature: 0x10,
        list_entry: 0x18,
        heap: 0x28,
        base: 0x30,
        pages: 0x38,
        first_entry: 0x40,
        end: 0x48,
        uncommitted_pages: 0x50,
        ranges: 0x60,
        size: 0x70,
    },
    range_address: 0x10,
    large_commit: 0x20,
    large_entry: 0x30,
    large_user: 0x40,
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
    segment: SegmentFields {
        signature: 0x08,
        list_entry: 0x10,
        heap: 0x18,
        base: 0x1C,
        pages: 0x20,
        first_entry: 0x24,
        end: 0x28,
        uncommitted_pages: 0x2C,
        ranges: 0x38,
        size: 0x40,
    },
    range_address: 0x08,
    large_commit: 0x10,
    large_entry: 0x18,
    large_user: 0x20,
    peb_count: 0x88,
    peb_heaps: 0x90,
    segment_heap: 0x08,
};

/// How the low-fragmentation heap keeps its blocks.
#[derive(Debug, PartialEq, Eq)]
pub struct Lfh {
    /// `_LFH_HEAP.SubSegmentZones`: memory that the front end takes for its subsegments.
    pub zones: u64,
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
    /// Bytes of a subsegment up to the last of these.
    pub size: u64,
    /// Where it says which blocks are busy.
    pub bitmap: Option<Bitmap>,
}

/// A bitmap of busy blocks, since Windows 8.
#[derive(Debug, PartialEq, Eq)]
pub struct Bitmap {
    /// `EncodedOffsets`.
    pub encoded: usize,
    /// `BusyBitmap.SizeOfBitMap`, in bits.
    pub bits: usize,
    /// `BusyBitmap.Buffer`.
    pub pointer: usize,
}

/// One row: a family of versions in one width.
#[derive(Debug)]
pub struct Layout {
    /// Its name, as the table `heaps` shows it.
    pub name: &'static str,
    /// First build of Windows that has it, and the first that has not.
    pub builds: (u32, u32),
    /// What it was held on.
    pub evidence: &'static str,
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
    pub large: usize,
    /// `SegmentList`.
    pub segments: usize,
    /// `FrontEndHeap`.
    pub front_end: usize,
    /// `FrontEndHeapType`.
    pub front_end_type: usize,
    /// The front end.
    pub lfh: &'static Lfh,
}

static LFH_WIDE_VISTA: Lfh = Lfh {
    zones: 0x28,
    signature: 0x18,
    blocks: 0x20,
    user_blocks: 0x08,
    block_size: 0x18,
    block_count: 0x1C,
    size: 0x20,
    bitmap: None,
};

static LFH_NARROW_VISTA: Lfh = Lfh {
    zones: 0x18,
    signature: 0x0C,
    blocks: 0x10,
    user_blocks: 0x04,
    block_size: 0x10,
    block_count: 0x14,
    size: 0x18,
    bitmap: None,
};

static LFH_WIDE: Lfh = Lfh {
    zones: 0x08,
    signature: 0x14,
    blocks: 0x30,
    user_blocks: 0x08,
    block_size: 0x24,
    block_count: 0x28,
    size: 0x30,
    bitmap: Some(Bitmap { encoded: 0x18, bits: 0x20, pointer: 0x28 }),
};

static LFH_NARROW: Lfh = Lfh {
    zones: 0x04,
    signature: 0x0C,
    blocks: 0x1C,
    user_blocks: 0x04,
    block_size: 0x14,
    block_count: 0x18,
    size: 0x1C,
    bitmap: Some(Bitmap { encoded: 0x10, bits: 0x14, pointer: 0x18 }),
};

/// All rows. Windows XP and 2003 keep segments in an array and have no encoding: no row.
pub static LAYOUTS: [Layout; 6] = [
    Layout {
        name: "Windows 10 1809 to 11, 64-bit",
        builds: (17763, u32::MAX),
        evidence: "types of public symbol files of 17763 to 19045; blocks and front end of a real process of 19042",
        width: &WIDE,
        flags: 0x70,
        mask: 0x7C,
        encoding: 0x80,
        interceptor: 0x90,
        signature: 0x98,
        total_free: 0xC0,
        large: 0x110,
        segments: 0x120,
        front_end: 0x198,
        front_end_type: 0x1A2,
        lfh: &LFH_WIDE,
    },
    Layout {
        name: "Windows 10 1809 to 11, 32-bit",
        builds: (17763, u32::MAX),
        evidence: "types of public symbol files of 17763 to 19045",
        width: &NARROW,
        flags: 0x40,
        mask: 0x4C,
        encoding: 0x50,
        interceptor: 0x58,
        signature: 0x60,
        total_free: 0x74,
        large: 0x9C,
        segments: 0xA4,
        front_end: 0xE4,
        front_end_type: 0xEA,
        lfh: &LFH_NARROW,
    },
    Layout {
        name: "Windows 8 to 10 1803, 64-bit",
        builds: (9200, 17763),
        evidence: "published types alone: no real process was seen",
        width: &WIDE,
        flags: 0x70,
        mask: 0x7C,
        encoding: 0x80,
        interceptor: 0x90,
        signature: 0x98,
        total_free: 0xC0,
        large: 0x110,
        segments: 0x120,
        front_end: 0x170,
        front_end_type: 0x17A,
        lfh: &LFH_WIDE,
    },
    Layout {
        name: "Windows 8 to 10 1803, 32-bit",
        builds: (9200, 17763),
        evidence: "published types alone: no real process was seen",
        width: &NARROW,
        flags: 0x40,
        mask: 0x4C,
        encoding: 0x50,
        interceptor: 0x58,
        signature: 0x60,
        total_free: 0x74,
        large: 0x9C,
        segments: 0xA4,
        front_end: 0xD0,
        front_end_type: 0xD6,
        lfh: &LFH_NARROW,
    },
    Layout {
        name: "Windows Vista to 7, 64-bit",
        builds: (6000, 9200),
        evidence: "a real process of Windows 7 SP1, without the front end",
        width: &WIDE,
        flags: 0x70,
        mask: 0x7C,
        encoding: 0x80,
        interceptor: 0x98,
        signature: 0xA0,
        total_free: 0xC8,
        large: 0x118,
        segments: 0x128,
        front_end: 0x178,
        front_end_type: 0x182,
        lfh: &LFH_WIDE_VISTA,
    },
    Layout {
        name: "Windows Vista to 7, 32-bit",
        builds: (6000, 9200),
        evidence: "a real process of Windows 7 SP1, with the front end",
        width: &NARROW,
        flags: 0x40,
        mask: 0x4C,
        encoding: 0x50,
        interceptor: 0x5C,
        signature: 0x64,
        total_free: 0x78,
        large: 0xA0,
        segments: 0xA8,
        front_end: 0xD4,
        front_end_type: 0xDA,
        lfh: &LFH_NARROW_VISTA,
    },
];

/// Page heap has a header in front of each block and none that these rows tell of: only the width and the names count.
pub static PAGE_WIDE: Layout = Layout { name: "page heap, 64-bit", evidence: PAGE_EVIDENCE, ..LAYOUTS[0] };

/// The same with 32 bits.
pub static PAGE_NARROW: Layout = Layout { name: "page heap, 32-bit", evidence: PAGE_EVIDENCE, ..LAYOUTS[1] };

const PAGE_EVIDENCE: &str = "types of public symbol files and the debugger's documentation: no real process was seen";

/// Bytes of a heap's header up to the last field of any row.
pub const HEADER_SIZE: u64 = 0x1A8;
