//! The header of a heap: which layout it has is proved on the heap itself.

use std::borrow::Cow;

use super::{
    super::fields::{u16_at, u32_at, u64_at},
    layout::{Layout, Width},
    rows::{ROWS, Row},
    space::{Space, pointer_at},
    types::Pdb,
};

/// `_HEAP.Signature`.
const SIGNATURE: u32 = 0xEEFF_EEFF;
/// The bit of `EncodeFlagMask` that heaps have which encode headers.
const ENCODED: u32 = 0x10_0000;

/// Bytes of a header that are looked at: more than any has.
const HEADER_SIZE: usize = 0x1000;

/// What a layout is called, and what is known of it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, as the table `heaps` shows it.
    pub name: Cow<'static, str>,
    /// On what it was held, or whose it is.
    pub evidence: Cow<'static, str>,
}

impl Source {
    /// The types of a PDB.
    pub fn of_pdb(name: &str, width: &Width) -> Self {
        Self { name: format!("{name}, {}-bit", width.bits).into(), evidence: format!("the types of {name}").into() }
    }

    /// With more evidence.
    pub fn and(self, more: &str) -> Self {
        Self { evidence: format!("{}{more}", self.evidence).into(), ..self }
    }
}

impl From<&'static Row> for Source {
    fn from(row: &'static Row) -> Self {
        Self { name: row.name.into(), evidence: row.evidence.into() }
    }
}

/// A heap whose layout is proved.
#[derive(Debug, Clone)]
pub struct Heap {
    /// Its first address.
    pub base: u64,
    /// Its layout.
    pub layout: Layout,
    /// Where the layout is from.
    pub source: Source,
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

/// Proves a layout, or says what did not hold. `build` is that of Windows: of two rows that fit, it names one. Where the PDB of this
/// very build says something else than a row, the PDB is right, if it proves itself.
///
/// # Errors
///
/// What did not hold, in words.
pub fn prove(
    space: &Space<'_>,
    base: u64,
    width: &'static Width,
    build: Option<u32>,
    pdb: Option<&Pdb>,
) -> Result<Heap, String> {
    let bytes = space.slice(base).unwrap_or_default();
    let bytes = &bytes[..bytes.len().min(HEADER_SIZE)];
    let pdb = pdb.and_then(|pdb| Some((pdb, pdb.layout.as_ref().ok()?)));
    let row = of_rows(bytes, base, width, build, pdb.map(|(_, layout)| layout));
    let Some((pdb, layout)) = pdb else { return row };
    let name = &pdb.name;
    let with = |heap: Heap, more: &str| Ok(Heap { source: heap.source.and(more), ..heap });
    match (fits(bytes, base, layout, Source::of_pdb(name, width)), row) {
        (Ok(heap), Ok(row)) if heap.layout == row.layout => with(row, &same(name)),
        (Ok(heap), Ok(row)) => with(heap, &format!(", which are not those of {}", row.source.name)),
        (Ok(heap), Err(_)) => with(heap, "; no known layout fits"),
        (Err(why), Ok(row)) => with(row, &format!("; that of {name} does not fit: {why}")),
        (Err(why), Err(reason)) => Err(format!("{reason}; {name}: {why}")),
    }
}

/// Evidence of a row that a PDB adds to.
pub fn same(pdb: &str) -> String {
    format!("; {pdb} has the same")
}

/// A row that fits: the one that a PDB has, too, or that of the build.
fn of_rows(
    bytes: &[u8],
    base: u64,
    width: &'static Width,
    build: Option<u32>,
    of_pdb: Option<&Layout>,
) -> Result<Heap, String> {
    let mut why = None;
    let mut fitting = Vec::new();
    for row in ROWS.iter().filter(|row| row.layout.width == width) {
        if u32_at(bytes, row.layout.signature) != Some(SIGNATURE) {
            continue;
        }
        match fits(bytes, base, &row.layout, row.into()) {
            Ok(heap) => fitting.push((row, heap)),
            Err(reason) => why = Some(format!("{}: {reason}", row.name)),
        }
    }
    let is_of_pdb = |(row, _): &&(&Row, Heap)| of_pdb == Some(&row.layout);
    let is_of_build = |(row, _): &&(&Row, Heap)| row.is_of(build);
    // Without a build, a front end that is where a row says tells more than one that is not.
    let with_lfh = || fitting.iter().find(|(_, heap)| heap.has_lfh);
    let of_pdb = fitting.iter().find(is_of_pdb);
    let chosen = of_pdb.or_else(|| fitting.iter().find(is_of_build)).or_else(with_lfh).or_else(|| fitting.first());
    chosen.map(|(_, heap)| heap.clone()).ok_or_else(|| {
        why.unwrap_or_else(|| format!("no known layout has the signature {SIGNATURE:#X} in a header like this"))
    })
}

fn fits(bytes: &[u8], base: u64, layout: &Layout, source: Source) -> Result<Heap, &'static str> {
    const CUT: &str = "the dump does not hold the whole header";
    let width = layout.width;
    let pointer = |at| pointer_at(bytes, at, width).ok_or(CUT);
    let number = |at| u32_at(bytes, at).ok_or(CUT);
    if number(layout.signature)? != SIGNATURE {
        return Err("the signature is not where it has to be");
    }
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
    for list in [layout.large_list, layout.segments] {
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
        layout: *layout,
        source,
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
        let (width, fields) = (heap.width(), &heap.layout.large);
        let bytes = space.read(base, fields.user(width))?;
        let committed = pointer_at(&bytes, fields.committed, width)?;
        let reserved = pointer_at(&bytes, fields.reserved, width)?;
        let word = u64_at(&bytes, fields.entry + width.entry)?;
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
            && unused >= fields.user(width)
            && unused <= committed;
        holds.then_some(Self { base, committed, reserved, unused, flags: entry.flags() })
    }
}
