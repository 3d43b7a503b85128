//! What there is of a segment heap: its own structure, its contexts, and their page segments.

use super::{
    super::{
        header::{Heap, Source},
        issues::HeapIssues,
        layout::{Layout, Width},
        rows::ROWS,
        space::{Space, links},
        types::HeapSymbols,
    },
    fields::Fields,
    keys,
};

/// `_SEGMENT_HEAP` has one context for small blocks, and one for those that are larger.
const CONTEXTS: u64 = 2;
/// Page segments of a context: more than any process has.
const MOST_SEGMENTS: usize = 1 << 16;
/// What issues call a part of it.
pub const PAGE_SEGMENT: &str = "page segment";
const PAGE: u64 = 0x1000;

/// A segment heap whose own structure holds together.
#[derive(Debug, Clone)]
pub struct SegmentHeap {
    /// Its first address.
    pub base: u64,
    /// Where everything is.
    pub fields: Fields,
    /// Its width.
    pub width: &'static Width,
    /// Address behind the committed part of its own allocation, and behind all of it.
    pub ends: (u64, u64),
    /// Its page segments, by address.
    pub segments: Vec<PageSegment>,
    /// Keys of the process.
    pub keys: keys::Solved,
}

/// Some pages in one piece, cut into units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSegment {
    /// First address.
    pub base: u64,
    /// Bytes of a unit, as a power of two.
    pub shift: u32,
    /// How many units it has.
    pub units: usize,
    /// The first unit that is not the segment's own.
    pub first: usize,
    /// The key that its signature gives.
    pub key: u64,
}

impl PageSegment {
    /// Its bytes.
    pub fn size(&self) -> u64 {
        (self.units as u64) << self.shift
    }

    /// Address of a unit.
    pub fn unit(&self, number: usize) -> u64 {
        self.base + ((number as u64) << self.shift)
    }
}

impl SegmentHeap {
    /// Reads the heap at an address by symbols, if there are some.
    ///
    /// # Errors
    ///
    /// What is missing, or does not hold, in words.
    pub fn find(
        space: &Space<'_>,
        base: u64,
        width: &'static Width,
        symbols: &HeapSymbols,
        issues: &mut HeapIssues,
    ) -> Result<(Heap, Self), String> {
        let Some(pdb) = symbols.of(width) else { return Err(symbols.needed(width)) };
        let name = &pdb.name;
        let fields = pdb.segment_heap.as_ref().map_err(|missing| format!("{name}: {missing}"))?;
        let own = Self::read(space, base, width, fields, issues).map_err(|why| format!("{name}: {why}"))?;
        let source = Source {
            name: format!("{name}, segment heap").into(),
            evidence: format!("the types of {name}; no real process with a segment heap was seen").into(),
        };
        let heap = Heap {
            base,
            // Nothing is read by it but its width.
            layout: Layout { width, ..ROWS[0].layout },
            source,
            flags: 0,
            encoding: None,
            stack_traces: false,
            total_free: 0,
            front_end: 0,
            has_lfh: true,
        };
        Ok((heap, own))
    }

    /// Reads the structure at an address.
    ///
    /// # Errors
    ///
    /// What does not hold, in words.
    fn read(
        space: &Space<'_>,
        base: u64,
        width: &'static Width,
        fields: &Fields,
        issues: &mut HeapIssues,
    ) -> Result<Self, String> {
        const CUT: &str = "the dump does not hold the whole structure of the heap";
        let word = |at: u64| base.checked_add(at).and_then(|at| space.pointer(at, width)).ok_or(CUT);
        let ends = (word(fields.heap.uncommitted)?, word(fields.heap.limit)?);
        let sound = base < ends.0 && ends.0 <= ends.1 && ends.0.is_multiple_of(PAGE) && ends.1.is_multiple_of(PAGE);
        if !sound {
            return Err("UncommittedBase and ReservedLimit are not behind each other".to_owned());
        }
        let mut heap = Self { base, fields: *fields, width, ends, segments: Vec::new(), keys: keys::Solved::default() };
        for number in 0..CONTEXTS {
            let at = fields.heap.contexts.checked_add(number * fields.context.size).and_then(|at| base.checked_add(at));
            heap.context(space, at.ok_or(CUT)?, issues)?;
        }
        heap.segments.sort_by_key(|segment| segment.base);
        Ok(heap)
    }

    fn context(&mut self, space: &Space<'_>, context: u64, issues: &mut HeapIssues) -> Result<(), String> {
        const CUT: &str = "the dump does not hold a whole context of the heap";
        let (fields, width) = (self.fields, self.width);
        let word = |at: u64| context.checked_add(at).and_then(|at| space.pointer(at, width)).ok_or(CUT);
        let byte = |at: u64| context.checked_add(at).and_then(|at| space.byte(at)).ok_or(CUT);
        if word(fields.context.heap)? != self.base {
            return Err("a context does not point back at its heap".to_owned());
        }
        let (mask, shift, first) =
            (word(fields.context.mask)?, u32::from(byte(fields.context.shift)?), byte(fields.context.first)?);
        let (last, units) = (width.last(), fields.segment.count);
        let is_shift = (12..=20).contains(&shift);
        let size = if is_shift { (units as u64) << shift } else { 0 };
        let own = u64::from(first) << shift.min(20);
        let fits = own >= fields.segment.size.max(units as u64 * fields.segment.step);
        if !is_shift || usize::from(first) >= units || mask != last - (size - 1) || first == 0 || !fits {
            return Err("SegmentMask, UnitShift and FirstDescriptorIndex contradict each other".to_owned());
        }
        let head = context.checked_add(fields.context.segments).ok_or(CUT)?;
        let (found, closed) = links(space, head, width, MOST_SEGMENTS);
        for link in found {
            let is_one = |base: &u64| base & !mask == 0 && base.checked_add(size - 1).is_some_and(|end| end <= last);
            let base = link.checked_sub(fields.segment.link).filter(is_one);
            let key = base.and_then(|base| keys::of_segment(space, base, context, &fields, width));
            match (base, key) {
                (Some(base), Some(key)) => {
                    self.segments.push(PageSegment { base, shift, units, first: usize::from(first), key });
                }
                _ => issues.left_out(PAGE_SEGMENT, self.base, link),
            }
        }
        if !closed {
            issues.open_list("a list of page segments", self.base, "segments behind the break are in no sum");
        }
        Ok(())
    }
}
