//! What was found of each heap, added up.

use super::{
    account::{Account, Part},
    blocks::{Blocks, FrontEnd},
    content::{Contents, Known},
    header::{Heap, Large},
    issues::HeapIssues,
    layout::{NARROW, WIDE},
    lfh::{Formulas, Keys},
    plan::{HeapKind, Plan, Planned},
    proof::Proof,
    space::{Committed, Space},
    stacks::{self, Extended, NONE, Traces},
    walked::{Counts, Walked},
};
use crate::error::Severity;

/// A segment, or a block with an allocation of its own.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    /// First address.
    pub base: u64,
    /// `segment`, `header` for the structure of a segment heap, `large` for a block with an allocation of its own, `page` for one with pages of its own, or `part` of a
    /// segment.
    pub kind: &'static str,
    /// Where its bytes went.
    pub account: Account,
    /// Its blocks.
    pub counts: Counts,
}

/// A heap.
#[derive(Debug)]
pub struct HeapResult {
    /// What its headers tell.
    pub planned: Planned,
    /// Its segments and large blocks.
    pub pieces: Vec<Piece>,
    /// Where all its bytes went.
    pub account: Account,
    /// All its blocks.
    pub counts: Counts,
    /// Its blocks, by piece.
    pub blocks: Vec<Blocks>,
    /// Large blocks of the program, and their bytes.
    pub large: (u64, u64),
    /// What was checked.
    pub proof: Proof,
    /// What its blocks begin with, if that was asked for.
    pub contents: Contents,
    /// Stack of each number that blocks have, by piece: as numbered in `stacks` of all heaps; absent without a proved one.
    pub stacks: Vec<Vec<Option<u32>>>,
    traces: Vec<Vec<u64>>,
    keys: Keys,
    formulas: Formulas,
}

/// All heaps of a dump.
#[derive(Debug, Default)]
pub struct Heaps {
    /// By address.
    pub heaps: Vec<HeapResult>,
    /// Stacks of blocks: where each is, and its frames, innermost first.
    pub stacks: Vec<(u64, Vec<u64>)>,
    /// What does not hold.
    pub issues: HeapIssues,
}

/// Adds up what was walked: for each heap of the plan its segments, in their order.
pub fn add_up(plan: Plan, walked: Vec<Vec<Walked>>, space: &Space<'_>, known: Option<&Known>) -> Heaps {
    let mut all = Heaps { heaps: Vec::with_capacity(plan.heaps.len()), stacks: Vec::new(), issues: plan.issues };
    for (planned, segments) in plan.heaps.into_iter().zip(walked) {
        let mut heap = HeapResult {
            planned,
            pieces: Vec::new(),
            account: Account::default(),
            counts: Counts::default(),
            blocks: Vec::with_capacity(segments.len() + 1),
            large: (0, 0),
            proof: Proof::default(),
            contents: Contents::default(),
            stacks: Vec::new(),
            traces: Vec::new(),
            keys: Keys::default(),
            formulas: Formulas::default(),
        };
        for (at, walked) in segments.into_iter().enumerate() {
            heap.segment(at, walked, &mut all.issues);
        }
        if let Ok(header) = heap.planned.heap.clone() {
            heap.large_blocks(&header, space, known);
            heap.page_blocks(&header, space, known);
            heap.compare_free(&header, &mut all.issues);
        }
        all.heaps.push(heap);
    }
    compare_keys(&mut all);
    all
}

impl HeapResult {
    /// How many segments it has.
    pub fn segment_count(&self) -> u64 {
        self.planned.segments.len() as u64 - u64::from(self.planned.segment_heap.is_some())
    }

    /// Of a segment heap no field tells what is free; but what is committed, the dump's list of regions tells.
    pub fn compare_committed(&mut self, committed: &Committed, issues: &mut HeapIssues) {
        let Some(base) = self.planned.base.filter(|_| self.planned.segment_heap.is_some()) else { return };
        if self.account.unknown() > 0 {
            return;
        }
        let found = self.account.reserved() - self.account.bytes(Part::Uncommitted);
        let told = self.pieces.iter().map(|piece| committed.bytes(piece.base, piece.account.reserved())).sum();
        self.proof.committed = Some((found, told));
        if found != told {
            issues.push(
                Severity::Warning,
                "heap_sums",
                base,
                || format!("{found} committed bytes in the heap at {base:#X}, and the dump lists {told}"),
                "kept what the heap says",
            );
        }
    }

    fn segment(&mut self, at: usize, walked: Walked, issues: &mut HeapIssues) {
        let base = self.planned.segments[at].base;
        let kind = match (walked.proof.headerless, at) {
            (true, _) => "part",
            // The structure of a segment heap has an allocation of its own.
            (false, 0) if self.planned.segment_heap.is_some() => "header",
            _ => "segment",
        };
        self.pieces.push(Piece { base, kind, account: walked.account, counts: walked.counts });
        self.account += walked.account;
        self.counts += walked.counts;
        self.proof += walked.proof;
        self.keys.extend(&walked.keys);
        self.formulas.iter_mut().zip(&walked.formulas).for_each(|(all, keys)| all.extend(keys));
        self.blocks.push(walked.blocks);
        self.contents.extend(walked.contents);
        self.traces.push(walked.traces.addresses);
        issues.extend(walked.issues);
    }

    fn large_blocks(&mut self, heap: &Heap, space: &Space<'_>, known: Option<&Known>) {
        let (mut blocks, mut traces) = (Blocks::default(), Traces::default());
        let fields = &heap.layout.large;
        for large in &self.planned.large {
            let mut account = Account::of(large.reserved);
            let mut counts = Counts::default();
            account.take(Part::Uncommitted, large.reserved - large.committed);
            let entry = space.slice(large.base + fields.entry as u64);
            let extended = entry
                .filter(|_| heap.stack_traces)
                .and_then(|entry| Extended::of_large(entry, large.unused, fields.entry as u64, heap.width()));
            let user = match extended {
                Some(extended) => large.base + fields.entry as u64 + extended.user,
                // Those of segment heaps are described elsewhere.
                None if self.planned.segment_heap.is_some() => large.base,
                None => large.base + fields.user(heap.width()),
            };
            let requested = large.committed - large.unused;
            if is_own(&self.planned.own, large) {
                account.take(Part::Overhead, large.committed);
            } else {
                account.take(Part::Busy, requested);
                account.take(Part::Overhead, large.unused);
                blocks.busy(FrontEnd::Large, user, requested, large.committed, large.flags);
                if heap.stack_traces {
                    blocks.trace(FrontEnd::Large, extended.map_or(NONE, |extended| traces.number(extended.trace)));
                }
                (counts.busy, counts.busy_overhead) = (1, large.unused);
                self.large.0 += 1;
                self.large.1 += requested;
                if let Some(known) = known {
                    self.contents.add(space.slice(user), requested, heap.width(), space, known);
                }
            }
            self.account += account;
            self.counts += counts;
            self.pieces.push(Piece { base: large.base, kind: "large", account, counts });
        }
        self.blocks.push(blocks);
        self.traces.push(traces.addresses);
        self.pieces.sort_by_key(|piece| piece.base);
    }

    /// Blocks of page heap: what is not the program's of their pages is overhead.
    fn page_blocks(&mut self, heap: &Heap, space: &Space<'_>, known: Option<&Known>) {
        let (mut blocks, mut traces) = (Blocks::default(), Traces::default());
        for page in &self.planned.pages {
            let bytes = page.end - page.base;
            let (mut account, mut counts) = (Account::of(bytes), Counts::default());
            if page.proved {
                self.proof.headers.hold();
                let overhead = bytes - page.requested;
                account.take(Part::Busy, page.requested);
                account.take(Part::Overhead, overhead);
                (counts.busy, counts.busy_overhead) = (1, overhead);
                blocks.busy(FrontEnd::Page, page.user, page.requested, bytes, 0);
                if heap.stack_traces {
                    blocks.trace(FrontEnd::Page, if page.trace == 0 { NONE } else { traces.number(page.trace) });
                }
                if let Some(known) = known {
                    self.contents.add(space.slice(page.user), page.requested, heap.width(), space, known);
                }
            } else {
                self.proof.headers.fail();
            }
            self.account += account;
            self.counts += counts;
            self.pieces.push(Piece { base: page.base, kind: "page", account, counts });
        }
        self.blocks.push(blocks);
        self.traces.push(traces.addresses);
    }

    /// The heap counts its free blocks itself. Where something is unknown the two cannot be the same.
    fn compare_free(&mut self, heap: &Heap, issues: &mut HeapIssues) {
        if self.account.unknown() > 0 || self.proof.headerless || self.planned.kind != HeapKind::Nt {
            return;
        }
        let (found, told, base) = (self.counts.backend_free, heap.total_free, heap.base);
        self.proof.free = Some((found, told));
        if found != told {
            issues.push(
                Severity::Warning,
                "heap_sums",
                base,
                || format!("{found} free bytes in the segments of the heap at {base:#X}, and its header counts {told}"),
                "kept what is in the segments",
            );
        }
    }
}

fn is_own(own: &[u64], large: &Large) -> bool {
    let first = own.partition_point(|own| *own < large.base);
    own.get(first).is_some_and(|own| *own < large.base + large.committed)
}

/// The key of the low-fragmentation heap is one for all heaps of a process; a process of WOW64 has two, one for each width.
fn compare_keys(all: &mut Heaps) {
    for bits in [64, 32] {
        let of_width = |heap: &&mut HeapResult| heap.planned.width.bits == bits;
        choose_formula(all.heaps.iter_mut().filter(of_width).collect());
        let mut keys = Keys::default();
        all.heaps.iter_mut().filter(of_width).for_each(|heap| keys.extend(&heap.keys));
        let Some((key, _)) = keys.most() else { continue };
        for heap in all.heaps.iter_mut().filter(of_width) {
            let held = heap.keys.found.iter().find(|(own, _)| *own == key).map_or(0, |(_, count)| *count);
            heap.proof.keys.made += heap.keys.total();
            heap.proof.keys.held += held;
        }
    }
}

/// Of formulas of which none is known to be the right one, the one counts that gives one key for the blocks of all heaps. Where none
/// does, keys prove nothing.
fn choose_formula(mut heaps: Vec<&mut HeapResult>) {
    let mut all = Formulas::default();
    for heap in &heaps {
        all.iter_mut().zip(&heap.formulas).for_each(|(all, keys)| all.extend(keys));
    }
    let chosen = all.iter().position(Keys::are_one);
    for heap in heaps.iter_mut().filter(|heap| heap.formulas[0].total() > 0) {
        match chosen {
            Some(formula) => heap.keys.extend(&heap.formulas[formula]),
            None => heap.proof.keys_unknown = true,
        }
    }
}

/// Finds the stacks of blocks, in heaps that have some. `is_code` says whether an address is in a module.
pub fn find_stacks(all: &mut Heaps, space: &Space<'_>, is_code: impl Fn(u64) -> bool) {
    for bits in [64, 32] {
        let of_width = |heap: &&mut HeapResult| {
            heap.planned.width.bits == bits && heap.planned.heap.as_ref().is_ok_and(|header| header.stack_traces)
        };
        let mut addresses: Vec<u64> =
            all.heaps.iter_mut().filter(of_width).flat_map(|heap| heap.traces.iter().flatten().copied()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let width = if bits == 64 { &WIDE } else { &NARROW };
        let frames = stacks::frames(space, width, &addresses, &is_code);
        let proved = |address: &u64| addresses.binary_search(address).ok().filter(|at| frames[*at].is_some());
        let mut numbers: Vec<Option<u32>> = vec![None; addresses.len()];
        for heap in all.heaps.iter_mut().filter(of_width) {
            for (blocks, traces) in heap.blocks.iter().zip(&heap.traces) {
                for number in blocks.all_busy().flat_map(|columns| &columns.traces) {
                    match traces.get(*number as usize).and_then(proved) {
                        Some(_) => heap.proof.stacks.hold(),
                        None => heap.proof.stacks.fail(),
                    }
                }
            }
            let counts = heap.proof.stacks_count();
            for traces in &heap.traces {
                let of_trace = traces.iter().map(|address| {
                    let at = proved(address).filter(|_| counts)?;
                    let next = all.stacks.len() as u32;
                    if numbers[at].is_none() {
                        all.stacks.push((*address, frames[at].clone().unwrap_or_default()));
                    }
                    Some(*numbers[at].get_or_insert(next))
                });
                let of_trace = of_trace.collect();
                heap.stacks.push(of_trace);
            }
        }
    }
}
