//! Full page heap (gflags `+hpa`): each block has pages of its own, ends where they do, and no memory follows. Experimental:
//! offsets are those of types in public symbol files and of the debugger's documentation; no real process was seen.
//!
//! A block proves itself twice: by the header in front of it, which has a stamp at both ends, and by a description elsewhere,
//! which has its address, its size and its stack. Where the list of these descriptions begins is not known, so headers are looked
//! for at the start of pages, and descriptions in all memory, where there is any header.

use std::collections::BTreeMap;

use super::{
    super::fields::u32_at,
    header::Heap,
    issues::HeapIssues,
    layout::{NARROW, WIDE, Width},
    plan::{HeapKind, Plan, Planned},
    rows::{PAGE_NARROW, PAGE_WIDE},
    space::{Space, pointer_at},
};
use crate::error::Severity;

const PAGE: u64 = 0x1000;
/// What a header begins and ends with.
const STAMPS: (u32, u32) = (0xABCD_BBBB, 0xDCBA_BBBB);

/// A block with pages of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageBlock {
    /// First address of its pages.
    pub base: u64,
    /// Address behind them.
    pub end: u64,
    /// Where the program's bytes are.
    pub user: u64,
    /// Bytes that it asked for.
    pub requested: u64,
    /// Where its stack is; 0 without one.
    pub trace: u64,
    /// Its header and its description agree.
    pub proved: bool,
}

/// What the header of a block says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// The page heap that it belongs to.
    root: u64,
    requested: u64,
    trace: u64,
    described: bool,
}

/// What a description says, and the page heap that it lies behind in one piece.
#[derive(Debug, Clone, Copy)]
struct Description {
    user: u64,
    requested: u64,
    trace: u64,
    root: Option<u64>,
}

/// Headers by the address of the program's bytes, and descriptions without one, of one width.
struct Search<'a> {
    space: &'a Space<'a>,
    width: &'static Width,
    headers: BTreeMap<u64, Header>,
    headless: Vec<Description>,
}

/// Adds the page heaps of a dump to what there is to walk. `narrow` tells that the process had 32-bit pointers.
pub fn add(space: &Space<'_>, narrow: bool, plan: &mut Plan) {
    // Ranges of a damaged dump may share bytes, so that there are more addresses than bytes.
    let mut left = (space.file.len() as u64).saturating_mul(4);
    let widths: [&'static Width; 2] = [&NARROW, &WIDE];
    for width in widths.into_iter().take(if narrow { 1 } else { 2 }) {
        let mut search = Search { space, width, headers: BTreeMap::new(), headless: Vec::new() };
        search.stamped(&mut left, plan);
        if !search.headers.is_empty() {
            search.described(&mut left);
            search.plan(plan);
        }
    }
    if left == 0 {
        plan.issues.push(
            Severity::Warning,
            "page_heap",
            None,
            || "ranges of memory share so many bytes that not all were looked through for page heap".to_owned(),
            "blocks of page heap may be missing",
        );
    }
    plan.heaps.sort_by_key(|heap| heap.base.unwrap_or(u64::MAX));
}

/// Takes so many bytes of what may be looked through; false if there are not as many.
fn take(left: &mut u64, bytes: u64) -> bool {
    let enough = *left >= bytes;
    *left = left.saturating_sub(bytes);
    enough
}

impl Search<'_> {
    /// Bytes of a header.
    fn header_size(&self) -> u64 {
        8 * self.width.pointer as u64
    }

    /// Address behind the pages of a block that ends where they do.
    fn end(&self, user: u64, requested: u64) -> Option<u64> {
        let end = user.checked_add(requested.checked_next_multiple_of(self.width.unit)?)?;
        end.is_multiple_of(PAGE).then_some(end)
    }

    /// First address of the pages of a block: it has no more than its header needs, too.
    fn base(&self, user: u64) -> u64 {
        user.saturating_sub(self.header_size()) / PAGE * PAGE
    }

    fn header(&self, bytes: &[u8]) -> Option<Header> {
        let pointer = self.width.pointer;
        let stamps = (u32_at(bytes, 0)?, u32_at(bytes, 8 * pointer - 4)?);
        let at = |number: usize| pointer_at(bytes, number * pointer, self.width);
        let header = Header { root: at(1)?, requested: at(2)?, trace: at(6)?, described: false };
        (stamps == STAMPS && self.space.slice(header.root).is_some()).then_some(header)
    }

    /// Looks for headers in the first page of all memory in one piece: behind each block there is none.
    fn stamped(&mut self, left: &mut u64, plan: &Plan) {
        for (base, _) in self.space.memory.stretches().filter(|(base, _)| base.is_multiple_of(PAGE)) {
            if !take(left, PAGE) {
                return;
            }
            let bytes = self.space.slice(base).unwrap_or_default();
            let starts = (0..bytes.len().min(PAGE as usize)).step_by(self.width.unit as usize);
            for at in starts.filter(|at| u32_at(bytes, *at) == Some(STAMPS.0)) {
                let user = base + at as u64 + self.header_size();
                if let Some(header) = self.header(&bytes[at..]).filter(|header| !plan.is_claimed(header.root)) {
                    self.headers.insert(user, header);
                    break;
                }
            }
        }
    }

    /// Looks for descriptions: three words that a header, or the pages of a block, confirm.
    fn described(&mut self, left: &mut u64) {
        let mut roots: Vec<u64> = self.headers.values().map(|header| header.root).collect();
        roots.sort_unstable();
        roots.dedup();
        for (base, size) in self.space.memory.stretches() {
            if !take(left, size) {
                return;
            }
            let pointer = self.width.pointer;
            let bytes = self.space.slice(base).unwrap_or_default();
            let first = base.next_multiple_of(pointer as u64) - base;
            for at in (first as usize..bytes.len()).step_by(pointer) {
                let word = |number: usize| pointer_at(bytes, at + number * pointer, self.width);
                let (Some(user), Some(requested), Some(trace)) = (word(0), word(4), word(8)) else { break };
                if user == 0 || !user.is_multiple_of(self.width.unit) || self.end(user, requested).is_none() {
                    continue;
                }
                let here = base + at as u64;
                let before = roots.partition_point(|root| *root <= here).checked_sub(1).map(|root| roots[root]);
                let root = before.filter(|root| *root >= base);
                self.confirm(&roots, Description { user, requested, trace, root });
            }
        }
    }

    fn confirm(&mut self, roots: &[u64], told: Description) {
        let agrees = |header: &Header| (header.requested, header.trace) == (told.requested, told.trace);
        if let Some(header) = self.headers.get_mut(&told.user) {
            header.described |= agrees(header);
            return;
        }
        let at = told.user.checked_sub(self.header_size());
        let Some(bytes) = at.and_then(|at| self.space.read(at, self.header_size())) else {
            // Freed blocks keep their descriptions, and have no memory.
            return;
        };
        let header = self.header(&bytes).filter(|header| roots.binary_search(&header.root).is_ok());
        match header {
            Some(header) => {
                self.headers.insert(told.user, Header { described: agrees(&header), ..header });
            }
            None if told.root.is_some() && self.ends_memory(&told) => self.headless.push(told),
            None => {}
        }
    }

    /// True if the pages that a description speaks of are there, and none behind them.
    fn ends_memory(&self, told: &Description) -> bool {
        let base = self.base(told.user);
        let held = self.space.slice(base).map_or(0, |bytes| bytes.len() as u64);
        let is_last = |end: u64| end.checked_sub(base) == Some(held) && self.space.slice(end).is_none();
        told.requested > 0 && self.end(told.user, told.requested).is_some_and(is_last)
    }

    /// Adds what was found: proved blocks first, so that nothing else takes their addresses.
    fn plan(&self, plan: &mut Plan) {
        let mut of_roots: BTreeMap<u64, Vec<PageBlock>> = BTreeMap::new();
        for proved in [true, false] {
            for (user, header) in &self.headers {
                let end = self.end(*user, header.requested);
                if (header.described && end.is_some()) != proved {
                    continue;
                }
                let base = self.base(*user);
                let end = end.filter(|_| proved).unwrap_or(base + PAGE);
                let (requested, trace) = (header.requested, header.trace);
                let block = PageBlock { base, end, user: *user, requested, trace, proved };
                let is_free = plan.claim(base, end);
                if !proved || !is_free {
                    contradicted(*user, is_free, &mut plan.issues);
                }
                of_roots.entry(header.root).or_default().extend(is_free.then_some(block));
            }
        }
        for told in &self.headless {
            let (user, requested, trace) = (told.user, told.requested, told.trace);
            let (Some(end), Some(root)) = (self.end(user, requested), told.root) else { continue };
            let block = PageBlock { base: self.base(user), end, user, requested, trace, proved: false };
            // Other words of a description look like one of the page before.
            if plan.claim(block.base, end) {
                headless(user, requested, &mut plan.issues);
                of_roots.entry(root).or_default().push(block);
            }
        }
        plan.heaps.extend(of_roots.into_iter().map(|(root, blocks)| planned(root, self.width, blocks)));
    }
}

fn planned(root: u64, width: &'static Width, mut pages: Vec<PageBlock>) -> Planned {
    pages.sort_by_key(|page| page.base);
    let row = if width.bits == 64 { &PAGE_WIDE } else { &PAGE_NARROW };
    let heap = Heap {
        base: root,
        layout: row.layout,
        source: row.into(),
        flags: 0,
        encoding: None,
        stack_traces: pages.iter().any(|page| page.trace != 0),
        total_free: 0,
        front_end: 0,
        has_lfh: false,
    };
    Planned {
        base: Some(root),
        width,
        kind: HeapKind::Page,
        heap: Ok(heap),
        segments: Vec::new(),
        large: Vec::new(),
        pages,
        own: Vec::new(),
        segment_heap: None,
        listed: None,
    }
}

fn contradicted(user: u64, is_free: bool, issues: &mut HeapIssues) {
    issues.push(
        Severity::Warning,
        "page_heap",
        user,
        || {
            let what = if is_free { "no description agrees with it" } else { "its pages are those of another block" };
            format!("the block at {user:#X} has the header of page heap, and {what}")
        },
        if is_free { "counted the page of its header as unknown" } else { "left it out: it is in no sum" },
    );
}

fn headless(user: u64, requested: u64, issues: &mut HeapIssues) {
    issues.push(
        Severity::Error,
        "heap_damage",
        user,
        || format!("page heap has {requested} bytes at {user:#X}, and no whole header is in front of them"),
        "counted its pages as unknown",
    );
}
