//! Page heap with every byte changed, one after the other.

use super::{
    account::Part,
    page,
    plan::{HeapKind, plan},
    result::{Heaps, add_up},
    space::Space,
    types::HeapSymbols,
};
use crate::dump::{
    memory::{Memory, Ranges},
    shared::Shared,
};

const BASE: u64 = 0x10_0000;
const PAGE: u64 = 0x1000;
const REQUESTED: u64 = 0x123;
const TRACE: u64 = 0x4567_8900;

/// A block in the first page, and its description in the second, behind the page heap's own structure.
fn sketch(pointer: usize) -> (Vec<u8>, u64) {
    let mut bytes = vec![0; 2 * PAGE as usize];
    let user = PAGE - REQUESTED.next_multiple_of(2 * pointer as u64);
    let mut word = |at: u64, value: u64| {
        bytes[at as usize..at as usize + pointer].copy_from_slice(&value.to_le_bytes()[..pointer]);
    };
    let step = pointer as u64;
    let header = user - 8 * step;
    word(header, 0xABCD_BBBB);
    for (number, value) in [(1, BASE + PAGE), (2, REQUESTED), (3, PAGE), (6, TRACE)] {
        word(header + number * step, value);
    }
    let description = PAGE + 0x100;
    for (number, value) in [(4, BASE + user), (8, REQUESTED), (12, TRACE)] {
        word(description + number * step, value);
    }
    bytes[user as usize - 4..user as usize].copy_from_slice(&0xDCBA_BBBB_u32.to_le_bytes());
    (bytes, user)
}

fn walk(bytes: &[u8], pointer: usize) -> Heaps {
    let mut ranges = Ranges::default();
    ranges.base.push(BASE);
    ranges.offset.push(0);
    ranges.size.push(bytes.len() as u64);
    ranges.declared_size.push(bytes.len() as u64);
    let memory = Memory::new(&ranges, &mut Shared::new(bytes));
    let space = Space { file: bytes, memory: &memory };
    let mut all = plan(&space, &[], &[None, None], None, &HeapSymbols::default());
    page::add(&space, pointer == 4, &mut all);
    let walked = all.heaps.iter().map(|_| Vec::new()).collect();
    add_up(all, walked, &space, None)
}

#[test]
fn a_block_is_proved_by_its_header_and_its_description() {
    for pointer in [8, 4] {
        let (bytes, user) = sketch(pointer);
        let heaps = walk(&bytes, pointer);
        assert!(heaps.issues.rows.is_empty(), "{:?}", heaps.issues.rows);
        let heap = &heaps.heaps[0];
        assert_eq!((heap.planned.base, heap.planned.kind), (Some(BASE + PAGE), HeapKind::Page));
        assert_eq!(heap.planned.pages[0].user, BASE + user);
        assert_eq!((heap.counts.busy, heap.account.bytes(Part::Busy)), (1, REQUESTED));
        assert_eq!((heap.account.unknown(), heap.account.reserved()), (0, PAGE));
        assert_eq!(heap.proof.trust(), "proved");
    }
}

#[test]
fn any_changed_byte_leaves_a_proved_block_or_an_issue() {
    for pointer in [8, 4] {
        let (bytes, user) = sketch(pointer);
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x41;
            let heaps = walk(&damaged, pointer);
            for heap in &heaps.heaps {
                let parts = [Part::Busy, Part::Free, Part::Overhead, Part::Uncommitted];
                let sum: u64 = parts.iter().map(|part| heap.account.bytes(*part)).sum();
                assert_eq!(sum + heap.account.unknown(), heap.account.reserved());
                let proved: Vec<u64> = heap.planned.pages.iter().filter(|it| it.proved).map(|it| it.user).collect();
                assert!(proved.is_empty() || proved == [BASE + user], "at {place:#X}");
                assert_eq!(proved.is_empty(), !heaps.issues.rows.is_empty(), "at {place:#X}");
            }
        }
    }
}

/// Writes the seeds of the fuzz target `heap_walk` with page heap.
#[test]
#[ignore = "writes files: HEAPDELTA_SEEDS names the folder"]
fn page_seeds() {
    let folder = std::path::PathBuf::from(std::env::var("HEAPDELTA_SEEDS").unwrap());
    for (choice, pointer) in [(0_u8, 8), (1, 4)] {
        let bytes = [vec![choice], sketch(pointer).0].concat();
        std::fs::write(folder.join(format!("page{}.heap", 8 * pointer)), bytes).unwrap();
    }
}
