//! MemoryInfoList: every region of the address space, as columns.

use super::{directory::Stream, fields::Fields, shared::Shared};
use crate::error::Severity;

/// `MEM_COMMIT`.
pub const COMMIT: u32 = 0x1000;
/// `MEM_RESERVE`.
pub const RESERVE: u32 = 0x2000;
/// `MEM_FREE`.
pub const FREE: u32 = 0x1_0000;
/// `MEM_PRIVATE`.
pub const PRIVATE: u32 = 0x2_0000;
/// `MEM_MAPPED`.
pub const MAPPED: u32 = 0x4_0000;
/// `MEM_IMAGE`.
pub const IMAGE: u32 = 0x100_0000;

/// The `MINIDUMP_MEMORY_INFO`s, column by column: there are tens of thousands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions {
    /// First address.
    pub base: Vec<u64>,
    /// Bytes.
    pub size: Vec<u64>,
    /// First address of the allocation that the region is part of; 0 if the writer names none.
    pub allocation_base: Vec<u64>,
    /// Protection that the allocation was made with.
    pub allocation_protect: Vec<u32>,
    /// [`COMMIT`], [`RESERVE`] or [`FREE`].
    pub state: Vec<u32>,
    /// Protection.
    pub protect: Vec<u32>,
    /// [`PRIVATE`], [`MAPPED`] or [`IMAGE`].
    pub kind: Vec<u32>,
}

const REGION_SIZE: usize = 48;

impl Regions {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.base.len()
    }

    /// True without regions.
    pub fn is_empty(&self) -> bool {
        self.base.is_empty()
    }

    /// True if a region is part of no allocation.
    pub fn is_free(&self, at: usize) -> bool {
        self.state[at] == FREE
    }

    /// First address of the allocation. Where the writer names none, a region stands for itself: all regions of the dump
    /// together are no allocation.
    pub fn allocation(&self, at: usize) -> u64 {
        if self.allocation_base[at] == 0 { self.base[at] } else { self.allocation_base[at] }
    }

    fn with_capacity(rows: usize) -> Self {
        Self {
            base: Vec::with_capacity(rows),
            size: Vec::with_capacity(rows),
            allocation_base: Vec::with_capacity(rows),
            allocation_protect: Vec::with_capacity(rows),
            state: Vec::with_capacity(rows),
            protect: Vec::with_capacity(rows),
            kind: Vec::with_capacity(rows),
        }
    }
}

/// Reads MemoryInfoList.
pub fn read<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>) -> Regions {
    let records = shared.headed(stream, 16, REGION_SIZE);
    let mut regions = Regions::with_capacity(records.count());
    let (mut last, mut reached) = (0, 0);
    for (place, record) in records.iter() {
        let fields = Fields(record);
        let (base, size) = (shared.address(fields.u64(0)), fields.u64(24));
        shared.check_end(base, size, place);
        // Writers walk up the address space. In a list of another order this finds neighbours only.
        if base < reached && base >= last {
            shared.issues.push(
                Severity::Warning,
                "overlapping_region",
                place,
                || format!("{size:#X} bytes at {base:#X}, and a region before it ends at {reached:#X}"),
                "kept both rows; where they overlap, sums count twice",
            );
        }
        reached = if base < last { base } else { reached }.max(base.saturating_add(size));
        last = base;
        regions.base.push(base);
        regions.allocation_base.push(shared.address(fields.u64(8)));
        regions.allocation_protect.push(fields.u32(16));
        regions.size.push(size);
        regions.state.push(fields.u32(32));
        regions.protect.push(fields.u32(36));
        regions.kind.push(fields.u32(40));
    }
    regions
}
