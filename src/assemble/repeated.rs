//! Blocks that come twice in one heap: an address is that of one block.

use crate::{
    assemble::{issues::repeated_heap, merge::Placed},
    log::sink::{Issue, Severity},
    table::{allocations::Blocks, heaps::Heap},
};

/// Blocks of a log in which repetitions are looked for. Sorting more of them would show in the time of a read.
const LIMIT: usize = 1 << 17;

/// Heaps that begin more than once, and blocks that are more than once in a heap that does not.
pub fn repeated(
    heaps: &[Heap],
    numbers: &[Vec<u32>],
    pieces: &[Placed],
    blocks: &[Vec<Blocks>],
) -> impl Iterator<Item = Issue> {
    let begins_again = |heap: &Heap| heap.base.is_some() && heap.started > 1;
    let of_blocks: Vec<Issue> = addresses(heaps.len(), numbers, pieces, blocks)
        .into_iter()
        .zip(heaps)
        .filter(|(_, heap)| !begins_again(heap))
        .flat_map(|(mut addresses, heap)| {
            addresses.sort_unstable();
            let mut twice: Vec<u64> =
                addresses.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
            twice.dedup();
            twice.into_iter().map(|address| repeated_block(address, heap))
        })
        .collect();
    heaps.iter().filter(move |heap| begins_again(heap)).map(repeated_heap).chain(of_blocks)
}

/// Addresses of the blocks of each heap, unless there are too many.
fn addresses(heaps: usize, numbers: &[Vec<u32>], pieces: &[Placed], blocks: &[Vec<Blocks>]) -> Vec<Vec<u64>> {
    let mut addresses = vec![Vec::new(); heaps];
    if pieces.iter().map(|placed| placed.piece.blocks.len).sum::<usize>() > LIMIT {
        return addresses;
    }
    for placed in pieces.iter().filter(|placed| placed.piece.blocks.len > 0) {
        let span = placed.piece.blocks;
        let of_piece = blocks[placed.worker][span.region].addresses(span);
        let mut start = 0;
        for (heap, end) in &placed.piece.heap_runs {
            let end = *end as usize;
            addresses[numbers[placed.worker][*heap as usize] as usize].extend_from_slice(&of_piece[start..end]);
            start = end;
        }
    }
    addresses
}

fn repeated_block(address: u64, heap: &Heap) -> Issue {
    let of_heap = heap.base.map(|base| format!(" of heap {base:X}")).unwrap_or_default();
    Issue {
        severity: Severity::Warning,
        kind: "repeated_block",
        line: None,
        byte: None,
        text: format!("block {address:X}{of_heap}"),
        action: "each line of it counts; the file may hold a part of the log more than once",
    }
}
