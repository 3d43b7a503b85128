//! What there is to walk: heaps whose layouts are proved, their segments and large blocks, none over another.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    find::{Found, Kind},
    header::{Heap, Large, prove},
    issues::HeapIssues,
    layout::Width,
    lfh,
    page::PageBlock,
    segment::{Segment, listed},
    segment_heap::{
        keys::solve,
        plan::{PAGE_SEGMENT, SegmentHeap},
    },
    space::{Space, links},
    types::HeapSymbols,
};
use crate::error::Severity;

/// Kinds of heaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeapKind {
    /// Segments of blocks.
    Nt,
    /// That of Windows 10 and later, which is read where symbols of ntdll tell its structures.
    Segment,
    /// Page heap: a verifier's, with pages for each block.
    Page,
}

impl HeapKind {
    /// As the table shows it.
    pub fn name(self) -> &'static str {
        ["nt", "segment", "page"][self as usize]
    }
}

/// A heap, as far as its headers tell.
#[derive(Debug)]
pub struct Planned {
    /// Its first address; absent for parts of a heap whose header is not in the dump.
    pub base: Option<u64>,
    /// Its width.
    pub width: &'static Width,
    /// What it is.
    pub kind: HeapKind,
    /// What its header says; what did not hold where its layout is not proved.
    pub heap: Result<Heap, String>,
    /// Its segments, by address.
    pub segments: Vec<Segment>,
    /// Its blocks with an allocation of their own, by address.
    pub large: Vec<Large>,
    /// Its blocks with pages of their own, by address.
    pub pages: Vec<PageBlock>,
    /// Addresses in memory that it took from itself, sorted.
    pub own: Vec<u64>,
    /// What a segment heap has; its own allocation and its page segments are its segments.
    pub segment_heap: Option<SegmentHeap>,
    /// Whether the PEB lists it.
    pub listed: Option<bool>,
}

/// All heaps of a dump.
#[derive(Debug, Default)]
pub struct Plan {
    /// By address.
    pub heaps: Vec<Planned>,
    /// What does not hold.
    pub issues: HeapIssues,
    claims: Claims,
}

impl Plan {
    /// True if no heap has any of these addresses; they are taken then.
    pub fn claim(&mut self, start: u64, end: u64) -> bool {
        self.claims.take(start, end)
    }

    /// True if a heap has an address.
    pub fn is_claimed(&self, address: u64) -> bool {
        self.claims.0.range(..=address).next_back().is_some_and(|(_, end)| *end > address)
    }

    /// Plans a segment heap: what it has becomes the segments and large blocks of `planned`.
    fn segment_heap(
        &mut self,
        space: &Space<'_>,
        planned: &mut Planned,
        base: u64,
        symbols: &HeapSymbols,
    ) -> Result<Heap, String> {
        let (heap, mut own) = SegmentHeap::find(space, base, planned.width, symbols, &mut self.issues)?;
        if !self.claim(base, own.ends.1) {
            return Err("another heap has its addresses".to_owned());
        }
        planned.segments.push(Segment { base, end: own.ends.1, holes: Vec::new() });
        for segment in std::mem::take(&mut own.segments) {
            let end = segment.base.saturating_add(segment.size());
            if self.claim(segment.base, end) {
                planned.segments.push(Segment { base: segment.base, end, holes: Vec::new() });
                own.segments.push(segment);
            } else {
                self.issues.left_out(PAGE_SEGMENT, base, segment.base);
            }
        }
        planned.large = own.large(space, |start, end| self.claims.take(start, end), &mut self.issues);
        planned.segment_heap = Some(own);
        Ok(heap)
    }
}

/// Address space that is somebody's already: first address, and the address behind the last.
#[derive(Debug, Default)]
struct Claims(BTreeMap<u64, u64>);

impl Claims {
    /// True if nobody has any of it; it is taken then.
    fn take(&mut self, start: u64, end: u64) -> bool {
        let before = self.0.range(..end).next_back().is_none_or(|(_, known)| *known <= start);
        if before && start < end {
            self.0.insert(start, end);
        }
        before && start < end
    }
}

/// Plans the walk of all heaps. `lists` are those of the PEBs: of 64 bits, then of 32.
pub fn plan(
    space: &Space<'_>,
    found: &[Found],
    lists: &[Option<Vec<u64>>; 2],
    build: Option<u32>,
    symbols: &HeapSymbols,
) -> Plan {
    let mut plan = Plan::default();
    useless(symbols, &mut plan.issues);
    let mut bases: BTreeMap<u64, (&'static Width, bool)> = BTreeMap::new();
    for one in found {
        match one.kind {
            // A segment may be in the dump though its heap is not.
            Kind::Segment { heap } => bases.entry(heap).or_insert((one.width, false)),
            Kind::Signature => bases.entry(one.base).or_insert((one.width, false)),
            Kind::SegmentHeap => bases.entry(one.base).or_insert((one.width, true)),
        };
    }
    let sets = lists.each_ref().map(|list| list.as_ref().map(|list| list.iter().copied().collect::<BTreeSet<u64>>()));
    for (base, (width, is_segment_heap)) in bases {
        let listed = sets[usize::from(width.bits == 32)].as_ref().map(|list| list.contains(&base));
        let mut planned = Planned {
            base: Some(base),
            width,
            kind: if is_segment_heap { HeapKind::Segment } else { HeapKind::Nt },
            heap: Err(String::new()),
            segments: Vec::new(),
            large: Vec::new(),
            pages: Vec::new(),
            own: Vec::new(),
            segment_heap: None,
            listed,
        };
        planned.heap = match is_segment_heap {
            true => plan.segment_heap(space, &mut planned, base, symbols),
            false => prove(space, base, width, build, symbols.of(width)),
        };
        match planned.heap.clone() {
            Ok(_) if is_segment_heap => {}
            Ok(heap) => fill(space, &mut planned, &heap, found, &mut plan.claims, &mut plan.issues),
            Err(why) => not_read(base, is_segment_heap, &why, &mut plan.issues),
        }
        plan.heaps.push(planned);
    }
    for bits in [64, 32] {
        // Each width has its own ntdll, and so its own keys.
        let of_width = plan.heaps.iter_mut().filter(|heap| heap.width.bits == bits);
        solve(space, of_width.filter_map(|heap| heap.segment_heap.as_mut()).collect());
    }
    unlisted(&plan.heaps, lists, &mut plan.issues);
    plan
}

/// Says which PDBs of `ntdll.dll` are of no use, though they are of its build.
fn useless(symbols: &HeapSymbols, issues: &mut HeapIssues) {
    let lacking = symbols.all().filter_map(|pdb| Some((pdb.name.clone(), pdb.layout.as_ref().err()?.to_string())));
    for (name, why) in symbols.useless.iter().cloned().chain(lacking) {
        issues.push(
            Severity::Warning,
            "heap_symbols",
            None,
            || format!("{name}: {why}"),
            "took no layout of NT heaps from it: the known ones are tried",
        );
    }
}

fn not_read(base: u64, is_segment_heap: bool, why: &str, issues: &mut HeapIssues) {
    let text = || format!("the heap at {base:#X}: {why}");
    if is_segment_heap {
        issues.push(Severity::Warning, "segment_heap", base, text, "nothing of it was read");
    } else {
        issues.push(
            Severity::Warning,
            "heap_layout",
            base,
            text,
            "nothing of it was read; its regions are still `heap`",
        );
    }
}

/// Finds the segments and large blocks of a heap.
fn fill(
    space: &Space<'_>,
    planned: &mut Planned,
    heap: &Heap,
    found: &[Found],
    claims: &mut Claims,
    issues: &mut HeapIssues,
) {
    let (listed, closed) = listed(space, heap);
    let seen = found.iter().filter(|one| one.kind == Kind::Segment { heap: heap.base }).map(|one| one.base);
    let bases: BTreeSet<u64> = listed.iter().copied().chain(seen).chain([heap.base]).collect();
    if !closed {
        let action = "segments that start with their header were found all the same";
        issues.open_list("the list of segments", heap.base, action);
    }
    for base in bases {
        let segment = Segment::read(space, base, heap, issues);
        match segment.filter(|segment| claims.take(segment.base, segment.end)) {
            Some(segment) => planned.segments.push(segment),
            None => issues.left_out("segment", heap.base, base),
        }
    }
    large_blocks(space, planned, heap, claims, issues);
    planned.own = lfh::own(space, heap);
}

fn large_blocks(space: &Space<'_>, planned: &mut Planned, heap: &Heap, claims: &mut Claims, issues: &mut HeapIssues) {
    /// Each has at least a page.
    const MOST: usize = 1 << 24;
    let (found, closed) = links(space, heap.base + heap.layout.large_list as u64, heap.width(), MOST);
    for base in found {
        let large = Large::read(space, base, heap).filter(|large| claims.take(base, base + large.reserved));
        match large {
            Some(large) => planned.large.push(large),
            None => issues.left_out("large block", heap.base, base),
        }
    }
    if !closed {
        issues.open_list("the list of large blocks", heap.base, "blocks behind the break are in no sum");
    }
    planned.large.sort_by_key(|large| large.base);
}

/// Says what the lists of the PEBs and the scan do not have in common.
fn unlisted(heaps: &[Planned], lists: &[Option<Vec<u64>>; 2], issues: &mut HeapIssues) {
    let known: BTreeSet<u64> = heaps.iter().filter_map(|heap| heap.base).collect();
    for missing in lists.iter().flatten().flatten().filter(|base| !known.contains(base)) {
        issues.push(
            Severity::Warning,
            "heap_list",
            *missing,
            || format!("the PEB lists a heap at {missing:#X}, and none was found there"),
            "the heap is in no table; its first page is probably not in the dump",
        );
    }
    for base in heaps.iter().filter(|heap| heap.listed == Some(false)).filter_map(|heap| heap.base) {
        issues.push(
            Severity::Info,
            "heap_list",
            base,
            || format!("the PEB does not list the heap at {base:#X}"),
            "read it; since Windows 11 24H2 only the first heap is listed",
        );
    }
}
