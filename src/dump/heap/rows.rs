//! The layouts that are known: one row for each family of versions and each width. Offsets are those of the types in Microsoft's
//! public symbol files; `evidence` says on what each row was held so far.

use super::layout::{Bitmap, LargeFields, Layout, Lfh, NARROW, SegmentLists, WIDE};

/// One row: a family of versions in one width.
#[derive(Debug)]
pub struct Row {
    /// Its name, as the table `heaps` shows it.
    pub name: &'static str,
    /// First build of Windows that has it, and the first that has not.
    pub builds: (u32, u32),
    /// What it was held on.
    pub evidence: &'static str,
    /// Where everything is.
    pub layout: Layout,
}

impl Row {
    /// Whether it is that of a build of Windows.
    pub fn is_of(&self, build: Option<u32>) -> bool {
        build.is_some_and(|build| (self.builds.0..self.builds.1).contains(&build))
    }
}

const SEGMENT_WIDE: SegmentLists = SegmentLists {
    link: 0x18,
    uncommitted_pages: 0x50,
    uncommitted_ranges: 0x54,
    ranges: 0x60,
    range_address: 0x10,
    range_size: 0x18,
};

const SEGMENT_NARROW: SegmentLists = SegmentLists {
    link: 0x10,
    uncommitted_pages: 0x2C,
    uncommitted_ranges: 0x30,
    ranges: 0x38,
    range_address: 0x08,
    range_size: 0x0C,
};

const LARGE_WIDE: LargeFields = LargeFields { committed: 0x20, reserved: 0x28, entry: 0x30 };

const LARGE_NARROW: LargeFields = LargeFields { committed: 0x10, reserved: 0x14, entry: 0x18 };

const LFH_WIDE_VISTA: Lfh = Lfh {
    zones: 0x28,
    subsegment: 0,
    signature: 0x18,
    blocks: 0x20,
    user_blocks: 0x08,
    block_size: 0x18,
    block_count: 0x1C,
    bitmap: None,
};

const LFH_NARROW_VISTA: Lfh = Lfh {
    zones: 0x18,
    subsegment: 0,
    signature: 0x0C,
    blocks: 0x10,
    user_blocks: 0x04,
    block_size: 0x10,
    block_count: 0x14,
    bitmap: None,
};

const LFH_WIDE: Lfh = Lfh {
    zones: 0x08,
    subsegment: 0,
    signature: 0x14,
    blocks: 0x30,
    user_blocks: 0x08,
    block_size: 0x24,
    block_count: 0x28,
    bitmap: Some(Bitmap { encoded: 0x18, bits: 0x20, pointer: 0x28 }),
};

const LFH_NARROW: Lfh = Lfh {
    zones: 0x04,
    subsegment: 0,
    signature: 0x0C,
    blocks: 0x1C,
    user_blocks: 0x04,
    block_size: 0x14,
    block_count: 0x18,
    bitmap: Some(Bitmap { encoded: 0x10, bits: 0x14, pointer: 0x18 }),
};

/// All rows. Windows XP and 2003 keep segments in an array and have no encoding: no row.
pub static ROWS: [Row; 6] = [
    Row {
        name: "Windows 10 1809 to 11, 64-bit",
        builds: (17763, u32::MAX),
        evidence: "types of public symbol files of 17763 to 19045; blocks and front end of a real process of 19042",
        layout: Layout {
            width: &WIDE,
            flags: 0x70,
            mask: 0x7C,
            encoding: 0x80,
            interceptor: 0x90,
            signature: 0x98,
            total_free: 0xC0,
            large_list: 0x110,
            segments: 0x120,
            front_end: 0x198,
            front_end_type: 0x1A2,
            segment: SEGMENT_WIDE,
            large: LARGE_WIDE,
            lfh: LFH_WIDE,
        },
    },
    Row {
        name: "Windows 10 1809 to 11, 32-bit",
        builds: (17763, u32::MAX),
        evidence: "types of public symbol files of 17763 to 19045",
        layout: Layout {
            width: &NARROW,
            flags: 0x40,
            mask: 0x4C,
            encoding: 0x50,
            interceptor: 0x58,
            signature: 0x60,
            total_free: 0x74,
            large_list: 0x9C,
            segments: 0xA4,
            front_end: 0xE4,
            front_end_type: 0xEA,
            segment: SEGMENT_NARROW,
            large: LARGE_NARROW,
            lfh: LFH_NARROW,
        },
    },
    Row {
        name: "Windows 8 to 10 1803, 64-bit",
        builds: (9200, 17763),
        evidence: "published types alone: no real process was seen",
        layout: Layout {
            width: &WIDE,
            flags: 0x70,
            mask: 0x7C,
            encoding: 0x80,
            interceptor: 0x90,
            signature: 0x98,
            total_free: 0xC0,
            large_list: 0x110,
            segments: 0x120,
            front_end: 0x170,
            front_end_type: 0x17A,
            segment: SEGMENT_WIDE,
            large: LARGE_WIDE,
            lfh: LFH_WIDE,
        },
    },
    Row {
        name: "Windows 8 to 10 1803, 32-bit",
        builds: (9200, 17763),
        evidence: "published types alone: no real process was seen",
        layout: Layout {
            width: &NARROW,
            flags: 0x40,
            mask: 0x4C,
            encoding: 0x50,
            interceptor: 0x58,
            signature: 0x60,
            total_free: 0x74,
            large_list: 0x9C,
            segments: 0xA4,
            front_end: 0xD0,
            front_end_type: 0xD6,
            segment: SEGMENT_NARROW,
            large: LARGE_NARROW,
            lfh: LFH_NARROW,
        },
    },
    Row {
        name: "Windows Vista to 7, 64-bit",
        builds: (6000, 9200),
        evidence: "a real process of Windows 7 SP1, without the front end",
        layout: Layout {
            width: &WIDE,
            flags: 0x70,
            mask: 0x7C,
            encoding: 0x80,
            interceptor: 0x98,
            signature: 0xA0,
            total_free: 0xC8,
            large_list: 0x118,
            segments: 0x128,
            front_end: 0x178,
            front_end_type: 0x182,
            segment: SEGMENT_WIDE,
            large: LARGE_WIDE,
            lfh: LFH_WIDE_VISTA,
        },
    },
    Row {
        name: "Windows Vista to 7, 32-bit",
        builds: (6000, 9200),
        evidence: "a real process of Windows 7 SP1, with the front end",
        layout: Layout {
            width: &NARROW,
            flags: 0x40,
            mask: 0x4C,
            encoding: 0x50,
            interceptor: 0x5C,
            signature: 0x64,
            total_free: 0x78,
            large_list: 0xA0,
            segments: 0xA8,
            front_end: 0xD4,
            front_end_type: 0xDA,
            segment: SEGMENT_NARROW,
            large: LARGE_NARROW,
            lfh: LFH_NARROW_VISTA,
        },
    },
];

/// Page heap has a header in front of each block and none that these rows tell of: only the width and the names count.
pub static PAGE_WIDE: Row = Row { name: "page heap, 64-bit", evidence: PAGE_EVIDENCE, ..ROWS[0] };

/// The same with 32 bits.
pub static PAGE_NARROW: Row = Row { name: "page heap, 32-bit", evidence: PAGE_EVIDENCE, ..ROWS[1] };

const PAGE_EVIDENCE: &str = "types of public symbol files and the debugger's documentation: no real process was seen";
