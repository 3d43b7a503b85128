//! The heaps of the server of [`super::super::super::investigation`] at a step: who asked for which block, and where it lies.
//!
//! - A block that is there at two steps lies at one address in both dumps; one that is gone left a free place.
//! - Blocks of one size that come in numbers are in the low-fragmentation heap, very large ones have memory of their own.
//! - The last heap is in shared memory, and its headers are plain.
//!
//! Invariant: where a block lies depends on what was asked for before it, never on what came after or is gone by now.

use std::collections::HashMap;

use super::{
    Options,
    content::Content,
    plan::{Block, HeapPlan, Piece},
    rows::Row,
};
use crate::testing::{
    investigation::{
        self,
        program::{CULPRIT, MODULES, module_named},
        sites::{Behaviour, HEAPS, Site, sites},
    },
    random::Random,
};

/// A block that was asked for, maybe freed since.
#[derive(Debug, Clone, Copy)]
struct Request {
    block: Block,
    is_alive: bool,
}

/// Most bytes of a block of the low-fragmentation heap, fewest blocks of a size for it, most slots of UserBlocks.
const LFH_LARGEST: u32 = 0x3F0;
const LFH_FEWEST: usize = 6;
const LFH_SLOTS: (u64, u64) = (9, 70);
/// One block in this many has no stack.
const STACKLESS: u64 = 48;
/// Places of a heap's parts, from its base.
const SEGMENT: u64 = 0x10_0000;
const MORE_SEGMENTS: u64 = 0x20_0000;
const STORE: u64 = 0x980_0000;
const LARGE: u64 = 0x600_0000;
const LARGE_APART: u64 = 0x20_0000;
/// Flags of a busy entry, as real ones have them.
const BUSY: [u8; 8] = [1, 1, 1, 1, 1, 9, 9, 0x23];

/// The options of the log of the same step.
pub fn log_options(options: &Options, is_64_bit: bool) -> investigation::Options {
    investigation::Options {
        seed: options.seed,
        step: options.step,
        stack_count: options.stack_count,
        pointer_width: if is_64_bit { 64 } else { 32 },
        ..investigation::Options::default()
    }
}

/// The heaps of the server.
pub fn heaps(options: &Options, row: &Row) -> Vec<HeapPlan> {
    let sites = sites(options.seed, options.stack_count);
    let bases = investigation::heap_bases(&log_options(options, row.is_64_bit));
    let mut random = Random::of(options.seed, "heap keys", 0);
    let key = random.bits() as u32;
    let mut heaps: Vec<HeapPlan> = bases.iter().map(|base| new_heap(options, *base, key, &mut random)).collect();
    for (number, heap) in heaps.iter_mut().enumerate() {
        for step in 0..=options.step {
            let batch = requests(options, row, &sites, number, step);
            add(options, row, heap, batch, (number as u64) << 32 | step);
        }
    }
    heaps[3].large = large(options, row, heaps[3].base);
    let last = &mut heaps[HEAPS - 1];
    (last.encoding, last.is_mapped) = (None, true);
    heaps
}

/// Two heaps of the 64-bit side of a 32-bit process: ntdll's own.
pub fn outer_heaps(options: &Options, row: &Row) -> Vec<HeapPlan> {
    let mut random = Random::of(options.seed, "outer heaps", 0);
    let key = random.bits() as u32;
    let plain = Options { traces: false, tails: false, ..*options };
    let bases = [0x3_0050_0000, 0x3_0150_0000];
    let mut heaps: Vec<HeapPlan> = bases.iter().map(|base| new_heap(&plain, *base, key, &mut random)).collect();
    for (number, heap) in heaps.iter_mut().enumerate() {
        // A key of a segment heap is proved on several areas.
        let count = if options.segment_heap { 600 } else { 60 };
        let batch = (0..count).map(|_| stackless(&mut random, row)).collect();
        add(&plain, row, heap, batch, 0xFF00 + number as u64);
    }
    heaps
}

fn new_heap(options: &Options, base: u64, key: u32, random: &mut Random) -> HeapPlan {
    let mut encoding = random.bits().to_le_bytes();
    (encoding[6], encoding[7]) = (0, 0);
    let mut heap = HeapPlan::new(base, SEGMENT);
    // Each segment is twice as large as the one before, up to a limit.
    let mut next = base + MORE_SEGMENTS;
    for number in 0..18 {
        let reserved = (SEGMENT << (number + 1)).min(0x40_0000);
        heap.more.push((next, reserved));
        next += reserved + 0x10_0000;
    }
    heap.flags = if options.tails { 0x4000_0062 } else { 2 };
    heap.encoding = Some(encoding);
    heap.has_traces = options.traces;
    heap.has_tails = options.tails;
    heap.store = base + STORE;
    heap.key = key;
    heap
}

/// What a heap is asked for between two steps, in an order of chance.
fn requests(options: &Options, row: &Row, sites: &[Site], heap: usize, step: u64) -> Vec<Request> {
    let mut random = Random::of(options.seed, "requests", (heap as u64) << 32 | step);
    let mut batch = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let count = |step| site.count(options.seed, number, step);
        let before = (0..step).map(count).max().unwrap_or(0);
        for block in before..count(step).max(before) {
            if site.block_heap(block) == heap {
                let is_alive = block < count(options.step);
                batch.push(Request { block: block_of(options, row, site, number, block), is_alive });
            }
        }
    }
    if step == 0 {
        let count = if heap == HEAPS - 1 { 24 } else { batch.len() as u64 / STACKLESS };
        batch.extend((0..count).map(|_| stackless(&mut random, row)));
    }
    random.shuffle(&mut batch);
    batch
}

fn stackless(random: &mut Random, row: &Row) -> Request {
    let requested = random.between(0, 0x100) as u32;
    let number = random.below(64) as u16;
    let kinds = [Content::Ascii(number), Content::Wide(number), Content::Links, Content::Noise];
    let content = random.choose(&kinds).fitting(row, requested);
    Request { block: Block { requested, content, stack: 0 }, is_alive: true }
}

fn block_of(options: &Options, row: &Row, site: &Site, number: usize, block: u64) -> Block {
    let requested = site.block_bytes(options.seed, number, block) as u32;
    let content = content(options.seed, site, number, block).fitting(row, requested);
    Block { requested, content, stack: number as u32 + 1 }
}

/// All blocks of a site are alike.
fn content(seed: u64, site: &Site, number: usize, block: u64) -> Content {
    let owner = site.owner as u8;
    let debug = Content::Debug(((number as u32) << 12 | block as u32) + 1);
    if let Behaviour::Leak(_) = site.behaviour {
        return if number == 4 { debug } else { Content::Class(owner, number as u8 % 2) };
    }
    let mut random = Random::of(seed, "content", number as u64);
    let is_debug = MODULES[site.owner].name() == CULPRIT;
    match random.below(8) {
        0 | 1 => Content::Class(owner, random.below(8) as u8),
        2 => Content::Ascii(block as u16),
        3 => Content::Wide(block as u16),
        4 => Content::Links,
        5 => Content::Function(owner),
        6 if is_debug => debug,
        6 => Content::Zeros,
        _ => Content::Noise,
    }
}

/// Adds the pieces of a batch behind all others.
fn add(options: &Options, row: &Row, heap: &mut HeapPlan, batch: Vec<Request>, number: u64) {
    let mut random = Random::of(options.seed, "pieces", number);
    let stride = |request: &Request| {
        let shape = heap.shape(row, u64::from(request.block.requested));
        shape.bytes.next_multiple_of(2 * row.unit)
    };
    let mut classes: HashMap<u64, usize> = HashMap::new();
    for request in batch.iter().filter(|request| request.block.requested <= LFH_LARGEST) {
        *classes.entry(stride(request)).or_default() += 1;
    }
    let mut open: HashMap<u64, (usize, Vec<Option<Block>>)> = HashMap::new();
    let mut pieces = Vec::new();
    for request in &batch {
        let Request { block, is_alive } = *request;
        let stride = stride(request);
        let is_small = block.requested <= LFH_LARGEST && classes.get(&stride).is_some_and(|many| *many >= LFH_FEWEST);
        if !is_small {
            backend(row, heap, &mut random, request, &mut pieces);
            continue;
        }
        let (room, slots) = open.entry(stride).or_insert_with(|| {
            (random.between(LFH_SLOTS.0, LFH_SLOTS.1).min(0x6000 / stride).max(2) as usize, Vec::new())
        });
        slots.push(is_alive.then_some(block));
        if random.below(12) == 0 {
            slots.push(None);
        }
        if slots.len() >= *room {
            pieces.push(Piece::Slots(stride, std::mem::take(slots)));
        }
    }
    let mut rest: Vec<_> = open.into_iter().filter(|(_, (_, slots))| !slots.is_empty()).collect();
    rest.sort_unstable_by_key(|(stride, _)| *stride);
    for (stride, (room, mut slots)) in rest {
        slots.resize(room.max(slots.len()), None);
        pieces.push(Piece::Slots(stride, slots));
    }
    heap.pieces.extend(pieces);
}

/// A block, or the place of one; now and then something free behind it, seldom some pages that are not committed.
fn backend(row: &Row, heap: &HeapPlan, random: &mut Random, request: &Request, pieces: &mut Vec<Piece>) {
    let Request { block, is_alive } = *request;
    let flags = if heap.has_tails { 5 } else { *random.choose(&BUSY) };
    let may_spare = !heap.has_tails && !heap.has_traces && block.requested >= 0x10;
    let spare = u8::from(may_spare && random.below(10) == 0);
    let bytes = heap.shape(row, u64::from(block.requested)).bytes + u64::from(spare) * row.unit;
    pieces.push(if is_alive { Piece::Block(block, flags, spare) } else { Piece::Free(bytes) });
    match random.below(200) {
        0..12 => pieces.push(Piece::Free(row.unit * random.between(2, 40))),
        12 => pieces.push(Piece::Hole(random.between(1, 6))),
        _ => {}
    }
}

/// Blocks with memory of their own, one more with every step.
fn large(options: &Options, row: &Row, base: u64) -> Vec<(u64, Block)> {
    let owner = module_named(CULPRIT) as u8;
    let block = |number: u64| {
        let more = Random::of(options.seed, "large", number).below(0x4_0000);
        let requested = (row.largest() + 0x100 + more) as u32;
        let content = if number.is_multiple_of(2) { Content::Class(owner, 7) } else { Content::Wide(number as u16) };
        (base + LARGE + number * LARGE_APART, Block { requested, content, stack: 1 })
    };
    (0..3 + options.step).map(block).collect()
}
