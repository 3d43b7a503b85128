//! MemoryInfoList, MemoryList, Memory64List, and what memory holds.

use super::{
    super::random::mix,
    Plan,
    bytes::Bytes,
    layout::Layout,
    stream::{MEMORY_INFO_LIST, MEMORY_LIST, MEMORY64_LIST},
};

/// `MINIDUMP_MEMORY_INFO`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub base: u64,
    /// Bytes.
    pub size: u64,
    /// What `VirtualAlloc` returned for it; 0 if free.
    pub allocation_base: u64,
    /// `PAGE_READWRITE` and so on, at the time of the allocation.
    pub allocation_protect: u32,
    /// Committed, reserved or free.
    pub state: State,
    /// `PAGE_READWRITE` and so on; 0 if reserved.
    pub protect: u32,
    /// `MEM_PRIVATE`, `MEM_MAPPED` or `MEM_IMAGE`; 0 if free.
    pub kind: u32,
}

/// State of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// `MEM_COMMIT`
    Commit,
    /// `MEM_RESERVE`
    Reserve,
    /// `MEM_FREE`
    Free,
}

impl State {
    /// The number in the file.
    pub fn bits(self) -> u32 {
        match self {
            State::Commit => 0x1000,
            State::Reserve => 0x2000,
            State::Free => 0x1_0000,
        }
    }
}

pub(super) const READ_ONLY: u32 = 0x02;
pub(super) const READ_WRITE: u32 = 0x04;
pub(super) const WRITE_COPY: u32 = 0x08;
pub(super) const EXECUTE_READ: u32 = 0x20;
pub(super) const EXECUTE_WRITE_COPY: u32 = 0x80;
pub(super) const NO_ACCESS: u32 = 0x01;
pub(super) const GUARD: u32 = 0x100;
pub(super) const PRIVATE: u32 = 0x2_0000;
pub(super) const MAPPED: u32 = 0x4_0000;
pub(super) const IMAGE: u32 = 0x100_0000;

/// Contents of some memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// First address.
    pub base: u64,
    /// Bytes that are in the file.
    pub size: u64,
    /// The size that the file says, where it is not the true one.
    pub declared_size: Option<u64>,
    /// The file offset that a MemoryList says, where it is not the true one.
    pub declared_offset: Option<u32>,
    /// Known bytes at distances from the base, in order; the rest is [`pattern`].
    pub known: Vec<(u64, Vec<u8>)>,
}

impl Range {
    /// Some memory that holds nothing known.
    pub fn new(base: u64, size: u64) -> Self {
        Self { base, size, ..Self::default() }
    }

    /// True if the contents of an address are among these.
    pub fn holds(&self, address: u64) -> bool {
        address.checked_sub(self.base).is_some_and(|distance| distance < self.size)
    }

    /// Replaces `buffer` by `count` bytes from a distance on.
    pub(super) fn contents(&self, seed: u64, start: u64, count: u64, buffer: &mut Vec<u8>) {
        let end = start + count;
        // What is known through and through needs no pattern.
        if let Some((at, bytes)) = self.known.iter().find(|(at, bytes)| *at <= start && at + bytes.len() as u64 >= end)
        {
            buffer.clear();
            buffer.extend_from_slice(&bytes[(start - at) as usize..(end - at) as usize]);
        } else {
            pattern(seed, self.base.wrapping_add(start), count, buffer);
        }
        for (at, bytes) in &self.known {
            let (first, last) = (start.max(*at), end.min(at + bytes.len() as u64));
            if first < last {
                let known = &bytes[(first - at) as usize..(last - at) as usize];
                buffer[(first - start) as usize..(last - start) as usize].copy_from_slice(known);
            }
        }
    }
}

/// Replaces `buffer` by the bytes of an invented memory: the word at each address that 8 divides is a number of its own.
pub fn pattern(seed: u64, address: u64, count: u64, buffer: &mut Vec<u8>) {
    buffer.clear();
    let skip = (address % 8) as usize;
    let words = (skip as u64 + count).div_ceil(8);
    let first = address - skip as u64;
    buffer.extend((0..words).flat_map(|word| mix(first.wrapping_add(8 * word) ^ seed).to_le_bytes()));
    buffer.drain(..skip);
    buffer.truncate(count as usize);
}

pub(super) fn put_regions(layout: &mut Layout, regions: &[Region]) {
    let mut list = Bytes::default();
    list.u32(16).u32(48).u64(regions.len() as u64);
    for region in regions {
        list.u64(region.base).u64(region.allocation_base).u32(region.allocation_protect).u32(0).u64(region.size);
        list.u32(region.state.bits()).u32(region.protect).u32(region.kind).u32(0);
    }
    let at = layout.push(&list.0);
    layout.stream(MEMORY_INFO_LIST, at);
}

/// Both lists of ranges are last, then their contents: first those that 32 bits must reach.
pub(super) fn put_ranges(layout: &mut Layout, plan: &Plan) {
    let near = plan.memory.as_deref().unwrap_or_default();
    let far = plan.memory64.as_deref().unwrap_or_default();
    let list_bytes = if plan.memory.is_some() { 4 + 16 * near.len() } else { 0 };
    let list64_bytes = if plan.memory64.is_some() { 16 + 16 * far.len() } else { 0 };
    let after_list = (layout.next() + list_bytes).next_multiple_of(8);
    let tail = if list64_bytes > 0 { after_list + list64_bytes } else { layout.next() + list_bytes } as u64;
    if plan.memory.is_some() {
        let mut list = Bytes::default();
        list.u32(near.len() as u32);
        let mut offset = tail;
        for range in near {
            let size = range.declared_size.unwrap_or(range.size) as u32;
            list.u64(range.base).u32(size).u32(range.declared_offset.unwrap_or(offset as u32));
            offset += range.size;
        }
        let at = layout.push(&list.0);
        layout.stream(MEMORY_LIST, at);
    }
    if plan.memory64.is_some() {
        let mut list = Bytes::default();
        list.u64(far.len() as u64).u64(tail + near.iter().map(|range| range.size).sum::<u64>());
        for range in far {
            list.u64(range.base).u64(range.declared_size.unwrap_or(range.size));
        }
        let at = layout.push(&list.0);
        layout.stream(MEMORY64_LIST, at);
    }
    layout.tail = near.iter().chain(far).cloned().collect();
    layout.close();
}
