//! The story at one step as blocks, heap by heap in the order of their addresses, and their sums.

use std::collections::BTreeMap;

use super::super::random::Random;
use super::program::MODULES;
use super::sites::{Behaviour, HEAPS, Site, sites};
use super::{Answer, Dialect, FIRST_BLOCK, Options, Totals};

/// Whose a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trace {
    /// `BackTrace0`
    None,
    /// An id without a stack.
    Undefined,
    /// Number of a site.
    Site(usize),
}

/// One live block.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// Whose it is.
    pub trace: Trace,
    /// Bytes asked for.
    pub requested: u64,
    /// Bytes of overhead; 0 in a dialect that does not say.
    pub overhead: u64,
    /// Where it lies, from the base of its heap.
    pub offset: u64,
}

/// Everything that a log of the step says.
pub struct Story {
    /// Who allocates.
    pub sites: Vec<Site>,
    /// Blocks of each heap.
    pub heaps: Vec<Vec<Block>>,
}

/// One block in this many has no stack.
const STACKLESS: u64 = 48;
const UNDEFINED_BLOCKS: u64 = 3;

impl Story {
    pub(super) fn new(options: &Options) -> Self {
        let sites = sites(options.seed, options.stack_count);
        let mut story = Self { sites, heaps: vec![Vec::new(); HEAPS] };
        for number in 0..story.sites.len() {
            story.add_site(options, number);
        }
        story.add_stackless(options);
        for (number, heap) in story.heaps.iter_mut().enumerate() {
            Random::of(options.seed, "order", (options.step << 8) + number as u64).shuffle(heap);
            place(heap);
        }
        story
    }

    fn add_site(&mut self, options: &Options, number: usize) {
        let site = &self.sites[number];
        for block in 0..site.count(options.seed, number, options.step) {
            let requested = match options.dialect {
                Dialect::Umdh2 => site.block_bytes(options.seed, number, block),
                Dialect::Umdh1 => site.bytes,
            };
            let overhead = overhead(options, requested);
            self.heaps[site.block_heap(block)].push(Block {
                trace: Trace::Site(number),
                requested,
                overhead,
                offset: 0,
            });
        }
    }

    fn add_stackless(&mut self, options: &Options) {
        let mut random = Random::of(options.seed, "stackless", options.step);
        for heap in [0, 1] {
            let count = self.heaps[heap].len() as u64 / STACKLESS;
            for _ in 0..count {
                let requested = if options.dialect == Dialect::Umdh1 { 0x40 } else { random.between(0x10, 0x100) };
                let overhead = overhead(options, requested);
                self.heaps[heap].push(Block { trace: Trace::None, requested, overhead, offset: 0 });
            }
        }
        // Version 1 prints the stack with every row, so none can be missing.
        if options.dialect == Dialect::Umdh2 {
            let block =
                Block { trace: Trace::Undefined, requested: 0x58, overhead: overhead(options, 0x58), offset: 0 };
            self.heaps[1].extend([block; UNDEFINED_BLOCKS as usize]);
        }
    }

    /// Completes an answer with the sums.
    pub(super) fn answer(&self, mut answer: Answer) -> Answer {
        let mut modules: BTreeMap<&'static str, Totals> = BTreeMap::new();
        for Block { trace, requested, overhead, .. } in self.heaps.iter().flatten().copied() {
            answer.total.add(requested, overhead);
            let Trace::Site(number) = trace else {
                let without = if trace == Trace::None { &mut answer.without_stack } else { &mut answer.undefined };
                without.add(requested, overhead);
                continue;
            };
            let site = &self.sites[number];
            modules.entry(MODULES[site.owner].name()).or_default().add(requested, overhead);
            match site.behaviour {
                Behaviour::Leak(_) => answer.leaked.add(requested, overhead),
                Behaviour::Cache(_) => answer.cached.add(requested, overhead),
                _ => {}
            }
        }
        answer.modules = modules.into_iter().collect();
        answer
    }
}

/// Lays the blocks of a heap out one behind the other.
fn place(heap: &mut [Block]) {
    let mut offset = FIRST_BLOCK;
    for block in heap {
        block.offset = offset;
        offset += block.requested + block.overhead;
    }
}

/// What fills a block up to the next multiple of the allocator's step, and its header.
pub(super) fn overhead(options: &Options, requested: u64) -> u64 {
    match (options.dialect, options.pointer_width) {
        (Dialect::Umdh1, _) => 0,
        (Dialect::Umdh2, 64) => 0x20 + 16 - requested % 16,
        (Dialect::Umdh2, _) => 0x18 + 8 - requested % 8,
    }
}
