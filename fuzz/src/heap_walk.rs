//! Any bytes as memory in which heaps are: no panic, sums exact, and tables no larger than the memory can fill.
//!
//! The first byte chooses what the dump says of the memory: its width, whether regions are listed, whether a page is missing.
//! All else lies from an address on that the seeds know, so that pointers among the bytes lead back to them.

use arrow_array::{cast::AsArray, types::UInt64Type};
use heapdelta::{
    Capture, HeapWalk, Options, read,
    testing::dump::{Plan, Range, Region, State},
};

/// Where the bytes are.
pub const BASE: u64 = 0x10_0000;
const PAGE: usize = 0x1000;

/// Reads `data` as heaps, and asks for everything.
///
/// # Panics
///
/// If a promise is broken.
pub fn target(data: &[u8]) {
    let Some((choice, memory)) = data.split_first() else { return };
    let end = memory.len().next_multiple_of(PAGE).max(PAGE) as u64;
    let with_regions = choice & 2 == 0;
    let region = |base, size, state| Region {
        base,
        size,
        allocation_base: BASE,
        allocation_protect: 4,
        state,
        protect: 4,
        kind: 0x2_0000,
    };
    let regions = vec![
        region(BASE, end, State::Commit),
        region(BASE + end, 0x1_0000_u64.saturating_sub(end).max(0x1000), State::Reserve),
    ];
    // A missing page is one between two ranges.
    let cut = if choice & 4 == 0 { memory.len() } else { memory.len() / 2 };
    let parts = [(0, &memory[..cut]), (cut + PAGE, memory.get(cut + PAGE..).unwrap_or_default())];
    let range = |(offset, bytes): (usize, &[u8])| Range {
        known: vec![(0, bytes.to_vec())],
        ..Range::new(BASE + offset as u64, bytes.len() as u64)
    };
    let plan = Plan {
        is_64_bit: choice & 1 == 0,
        regions: with_regions.then_some(regions),
        memory: Some(parts.into_iter().filter(|(_, bytes)| !bytes.is_empty()).map(range).collect()),
        ..Plan::default()
    };
    let mut file = Vec::new();
    if plan.write(&mut file).is_err() {
        return;
    }
    let Ok(Capture::Dump(dump)) = read(file.as_slice(), &Options::default()) else { panic!("a dump was written") };
    let walk = dump.heap_walk(Some(1), true).expect("one thread");
    check(&walk, file.len() as u64);
}

fn numbers(walk: &HeapWalk, table: &str, column: &str) -> Vec<Option<u64>> {
    let table = walk.table(table).expect("every table is there");
    let columns = table.batches.iter().map(|batch| batch.column_by_name(column).expect("the schema has it"));
    columns.flat_map(|column| column.as_primitive::<UInt64Type>().iter().collect::<Vec<_>>()).collect()
}

/// Checks what a walk through the heaps of a file of so many bytes promises.
///
/// # Panics
///
/// If a promise is broken.
pub fn check(walk: &HeapWalk, size: u64) {
    for table in ["heaps", "segments"] {
        let parts = ["busy_bytes", "free_bytes", "overhead_bytes", "uncommitted_bytes", "unknown_bytes"];
        let parts = parts.map(|part| numbers(walk, table, part));
        for (row, reserved) in numbers(walk, table, "reserved_bytes").into_iter().enumerate() {
            let sum: Option<u64> = parts.iter().map(|part| part[row]).sum();
            assert_eq!(sum, reserved, "bytes of {table}");
        }
    }
    let total = |table: &str, column: &str| numbers(walk, table, column).into_iter().flatten().sum::<u64>();
    let busy = total("heaps", "busy_count");
    assert_eq!(total("sizes", "allocation_count"), busy);
    assert_eq!(total("contents", "allocation_count"), busy);
    assert_eq!(total("usage", "allocation_count"), busy);
    assert_eq!(total("usage", "requested_bytes"), total("heaps", "busy_bytes"));
    let blocks = walk.table("allocations").map_or(0, |table| table.len()) as u64;
    assert_eq!(blocks, busy + total("heaps", "free_count"));
    assert!(blocks <= size + 2048, "{blocks} blocks in a file of {size} bytes");
}
