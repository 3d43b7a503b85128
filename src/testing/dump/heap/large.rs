//! Blocks with memory of their own: a link, the sizes, and an entry whose size is what was not asked for.

use super::{
    content::fill,
    memory::Memory,
    paint::{Painting, extended},
    place::{Entry, What, store_is_large},
    plan::Block,
};

/// Flags of such an entry: busy, something extra, `VirtualAlloc`; and what its last byte says.
const FLAGS: u8 = 0x0B;
const UNUSED: u8 = 4;

/// A block: where its memory starts, what it has, and from there to the user's bytes.
pub struct Large {
    pub base: u64,
    pub requested: u64,
    pub front: u64,
    pub committed: u64,
    pub block: Option<Block>,
}

/// The large blocks of a heap; the store of the low-fragmentation heap may be one.
pub fn blocks(painting: &Painting<'_>) -> Vec<Large> {
    let (row, plan) = (painting.row, painting.plan);
    let entry = row.large_entry;
    let mut blocks = Vec::new();
    if store_is_large(row) && plan.store_address(row).is_some() {
        let requested = row.lfh.store_bytes - if row.is_64_bit { entry } else { 0 };
        let committed = (requested + entry).next_multiple_of(0x1000);
        blocks.push(Large { base: plan.store, requested, front: entry, committed, block: None });
    }
    let front = if plan.has_traces { entry + row.front(true) - row.front(false) } else { entry };
    let tail = if plan.has_tails { row.unit } else { 0 };
    blocks.extend(plan.large.iter().map(|(base, block)| {
        let requested = u64::from(block.requested);
        let committed = (requested + front + tail).next_multiple_of(0x1000);
        Large { base: *base, requested, front, committed, block: Some(*block) }
    }));
    blocks
}

pub fn addresses(painting: &Painting<'_>) -> Vec<u64> {
    blocks(painting).iter().map(|large| large.base).collect()
}

pub fn bytes(painting: &Painting<'_>) -> u64 {
    blocks(painting).iter().map(|large| large.committed).sum()
}

pub fn paint(memory: &mut Memory, painting: &Painting<'_>) {
    let row = painting.row;
    for Large { base, requested, front, committed, block } in blocks(painting) {
        memory.add(base, committed, committed);
        memory.words(base + 4 * row.pointer, committed, committed);
        // Where a real one was seen, only the first half was combined.
        let unused = committed - requested;
        let address = base + 6 * row.pointer;
        let entry =
            Entry { address, units: unused as u16, previous: 0, flags: FLAGS, unused: UNUSED, what: What::Header };
        let header = painting.header_bytes(&entry);
        memory.put(address + row.header, &header[..4]);
        memory.put(address + row.header + 4, &[0, 0, 0, if front > row.large_entry { 0x42 } else { UNUSED }]);
        let Some(block) = block else { continue };
        if let (true, Some(traces)) = (front > row.large_entry, painting.traces) {
            let trace = traces.address(block.stack);
            memory.word(base + row.large_entry, trace);
            extended(memory, row, base + front, unused, trace);
        }
        fill(memory, painting.images, base + front, &block);
        painting.tail(memory, base + front + requested);
    }
}
