//! The header of a heap: which layout it has is proved on the heap itself.

use super::{
    super::fields::{u16_at, u32_at, u64_at},
    layout::{HEADER_SIZE, LAYOUTS, Layout, Width},
    space::{Space, pointer_at},
};

/// `_HEAP.Signature`.
const SIGNATURE: u32 = 0xEEFF_EEFF;
/// The bit of `EncodeFlagMask` that heaps have which encode headers.
const ENCODED: u32 = 0x10_0000;

/// A heap whose layout is proved.
#[derive(Debug, Clone, Copy)]
pub struct Heap {
    /// Its first address.
    pub base: u64,
    /// Its layout.
    pub layout: &'static Layout,
    /// `Flags`.
    pub flags: u32,
    /// What headers of blocks are XORed with; absent where they are plain, and have no checksum.
    pub encoding: Option<u64>,
    /// Blocks carry a stack.
    pub stack_traces: bool,
    /// `TotalFreeSize` in bytes.
    pub total_free: u64,
    /// The front end's own structure; 0 without one.
    pub front_end: u64,
    /// The low-fragmentation heap serves it.
    pub has_lfh: bool,
}

impl Heap {
    /// Its width.
    pub fn width(&self) -> &'static Width {
        self.layout.width
    }
}

/// The header of a block, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(pub u64);

impl Entry {
    /// Bytes in units.
    #[inline(always)]
    pub fn size(self) -> u16 {
        self.0 as u16
    }

    /// Flags.
    #[inline(always)]
    pub fn flags(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// Bit 0 of the flags: other bits say other things of busy blocks.
    #[inline(always)]
    pub fn is_busy(self) -> bool {
        self.flags() & 1 != 0
    }

    /// Units of the block before.
    #[inline(always)]
    pub fn previous(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// Bytes that the program has not.
    #[inline(always)]
    pub fn unused(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// The fourth byte is the first three, XORed.
    #[inline(always)]
    pub fn checksum_holds(self) -> bool {
        let bytes = self.0 as u32;
        (bytes ^ bytes >> 8 ^ bytes >> 16 ^ bytes >> 24) & 0xFF == 0
    }
}

/// Proves a layout, or says what did not hold. `build` is that of Windows: of two rows that fit, it names one.
///
/// # Errors
///
/// What did not hold, in words.
pub fn prove(space: &Space<'_>, base: u64, width: &'static Width, build: Option<u32>) -> Result<Heap, String> {
    let bytes = space.slice(base).unwrap_or_default();
    let bytes = &bytes[..bytes.len().min(HEADER_SIZE as usize)];
    let mut why = None;
    let mut fitting = Vec::new();
    for layout in LAYOUTS.iter().filter(|layout| layout.width == width) {
        if u32_at(bytes, layout.signature) != Some(SIGNATURE) {
            continue;
        }
        match fits(bytes, base, layout) {
            Ok(heap) => fitting.push(heap),
            Err(reason) => why = Some(format!("{}: {reason}", layout.name)),
        }
    }
    let of_build =
        |heap: &&Heap| build.is_some_and(|build| (heap.layout.builds.0..heap.layout.builds.1).contains(&build));
    // Without a build, a front end that is where a row says tells more than one that is not.
    let with_lfh = || fitting.iter().find(|heap| heap.has_lfh);
    let chosen = fitting.iter().find(of_build).or_else(with_lfh).or_else(|| fitting.first()).copied();
    chosen.ok_or_else(|| {
        why.unwrap_or_else(|| format!("no known layout has the signature {SIGNATURE:#X} in a header like this"))
    })
}

fn fits(bytes: &[u8], base: u64, layout: &'static Layout) -> Result<Heap, &'static str> {
    const CUT: &str = "the dump does not hold the whole header";
    let width = layout.width;
    let pointer = |at| pointer_at(bytes, at, width).ok_or(CUT);
    let number = |at| u32_at(bytes, at).ok_or(CUT);
    let mask = number(layout.mask)?;
    if mask != 0 && mask != ENCODED {
        return Err("EncodeFlagMask is neither 0 nor 0x100000");
    }
    let word = |at: usize| u64_at(bytes, at + width.entry).ok_or(CUT);
    let encoding = if mask == 0 { None } else { Some(word(layout.encoding)?) };
    let first = Entry(word(0)? ^ encoding.unwrap_or_default());
    let header = pointer(width.segment.first_entry)?.checked_sub(base);
    if encoding.is_some() && !first.checksum_holds() {
        return Err("the checksum of the first header is wrong by Encoding");
    }
    if Some(u64::from(first.size()) * width.unit) != header || first.previous() != 0 || !first.is_busy() {
        return Err("the first block does not end where FirstEntry points");
    }
    for list in [layout.large, layout.segments] {
        let (next, last) = (pointer(list)?, pointer(list + width.pointer)?);
        let head = base + list as u64;
        if next == 0 || last == 0 || (next == head) != (last == head) {
            return Err("a list of the header has no two ends");
        }
    }
    let front_end = pointer(layout.front_end)?;
    let kind = bytes.get(layout.front_end_type).copied().ok_or(CUT)?;
    if kind > 2 || (kind == 0) != (front_end == 0) || !front_end.is_multiple_of(width.pointer as u64) {
        return Err("FrontEndHeap and FrontEndHeapType contradict each other");
    }
    Ok(Heap {
        base,
        layout,
        flags: number(layout.flags)?,
        encoding,
        stack_traces: number(layout.interceptor)? != 0,
        total_free: pointer(layout.total_free)?.saturating_mul(width.unit),
        front_end,
        has_lfh: kind == 2,
    })
}

/// A block with an allocation of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Large {
    /// Its first address: that of its header.
    pub base: u64,
    /// Bytes with memory.
    pub committed: u64,
    /// Bytes of address space.
    pub reserved: u64,
    /// Bytes that the program has not.
    pub unused: u64,
    /// Flags of its header.
    pub flags: u8,
}

impl Large {
    /// What the header at an address says, if it is one.
    pub fn read(space: &Space<'_>, base: u64, heap: &Heap) -> Option<Self> {
        /// `HEAP_ENTRY_BUSY` and `HEAP_ENTRY_VIRTUAL_ALLOC`.
        const BUSY_LARGE: u8 = 9;
        const PAGE: u64 = 0x1000;
        let width = heap.width();
        let bytes = space.read(base, width.large_user as u64)?;
        let committed = pointer_at(&bytes, width.large_commit, width)?;
        let reserved = pointer_at(&bytes, width.large_commit + width.pointer, width)?;
        let word = u64_at(&bytes, width.large_entry + width.entry)?;
        let entry = Entry(word ^ heap.encoding.unwrap_or_default());
        // The size of its header is what the program has not of the committed bytes.
        let unused = u16_at(&entry.0.to_le_bytes(), 0).map(u64::from)?;
        let holds = (heap.encoding.is_none() || entry.checksum_holds())
            && entry.flags() & BUSY_LARGE == BUSY_LARGE
            && base.is_multiple_of(PAGE)
            && committed > 0
            && committed <= reserved
            && committed.is_multiple_of(PAGE)
            && reserved.is_multiple_of(PAGE)
            && base.checked_add(reserved).is_some()
            && unused >= width.large_user as u64
            && unused <= committed;
        holds.then_some(Self { base, committed, reserved, unused, flags: entry.flags() })
    }
}
