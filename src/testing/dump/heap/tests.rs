//! Checksums, chains and sums of what the writer makes, without a reader.

use super::{
    content::{Content, Images},
    paint::Painting,
    place::{Entry, What, free_units, place, uncommitted_pages},
    plan::{Block, HeapPlan, Piece, Shape},
    rows::{Row, row},
    *,
};

const ALL: [(Windows, bool); 6] = [
    (Windows::Seven, true),
    (Windows::Seven, false),
    (Windows::Ten, true),
    (Windows::Ten, false),
    (Windows::Unknown, true),
    (Windows::Unknown, false),
];

fn block(requested: u32) -> Block {
    Block { requested, content: Content::Noise, stack: 0 }
}

fn images() -> Images {
    Images { bases: vec![0x5800_0000], debug_module: 0 }
}

/// A heap with blocks of every size, holes, free places and slots, over several segments.
fn sample(row: &Row) -> HeapPlan {
    let mut heap = HeapPlan::new(0x20_0000, 0x1_0000);
    heap.more = vec![(0x30_0000, 0x2_0000), (0x40_0000, 0x4_0000), (0x60_0000, 0x10_0000)];
    heap.encoding = Some([0x31, 0x14, 0xBF, 0x2C, 0x70, 0x5F, 0, 0]);
    heap.store = 0x100_0000;
    for size in 0..600 {
        heap.pieces.push(Piece::Block(block(size), 1, u8::from(size % 7 == 3)));
        match size % 40 {
            7 => heap.pieces.push(Piece::Free(row.unit * u64::from(2 + size % 5))),
            23 => heap.pieces.push(Piece::Hole(u64::from(1 + size % 3))),
            31 => heap.pieces.push(Piece::Slots(4 * row.unit, vec![Some(block(size % 16)), None, Some(block(9))])),
            _ => {}
        }
    }
    heap
}

fn decoded(memory: &mut memory::Memory, row: &Row, code: [u8; 8], entry: &Entry) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&memory.at(entry.address + row.header)[..8]);
    bytes.iter_mut().zip(code).for_each(|(byte, code)| *byte ^= code);
    bytes
}

#[test]
fn entries_adjoin_from_the_first_to_the_end_of_each_segment() {
    for (windows, is_64_bit) in ALL {
        let row = row(windows, is_64_bit);
        let heap = sample(row);
        let segments = place(row, &heap);
        assert!(segments.len() > 2, "{windows:?} {is_64_bit}");
        for segment in &segments {
            let (mut next, mut before) = (segment.base, None::<&Entry>);
            for entry in &segment.entries {
                assert_eq!(entry.address, next);
                let follows = before.filter(|before| !matches!(before.what, What::Hole(..)));
                assert_eq!(entry.previous, follows.map_or(0, |before| before.units));
                assert!(entry.what != What::Free || follows.is_none_or(|before| before.what != What::Free));
                assert!(entry.units >= 2 || entry.what == What::Header);
                next += u64::from(entry.units) * row.unit;
                if let What::Hole(start, bytes) = entry.what {
                    assert_eq!((start, start % 0x1000), (next, 0));
                    next += bytes;
                }
                before = Some(entry);
            }
            assert_eq!(next, segment.base + segment.reserved);
        }
    }
}

#[test]
fn every_piece_has_its_place() {
    for (windows, is_64_bit) in ALL {
        let row = row(windows, is_64_bit);
        let heap = sample(row);
        let segments = place(row, &heap);
        let entries = segments.iter().flat_map(|segment| &segment.entries);
        let blocks = entries.clone().filter(|entry| matches!(entry.what, What::Block(_))).count();
        let slots = entries.filter(|entry| matches!(entry.what, What::Slots(_))).count();
        assert_eq!((blocks, slots), (600, heap.slots_count()));
        assert!(segments.iter().any(|segment| !segment.holes.is_empty()));
    }
}

#[test]
fn headers_have_checksums_and_say_the_unused_bytes() {
    for (windows, is_64_bit) in ALL {
        let row = row(windows, is_64_bit);
        let heap = sample(row);
        let segments = place(row, &heap);
        let images = images();
        let painting = Painting { row, plan: &heap, segments: &segments, images: &images, traces: None, number: 1 };
        let mut memory = painting.paint();
        let code = heap.encoding.unwrap();
        for entry in segments.iter().flat_map(|segment| &segment.entries) {
            let [low, high, flags, check, before_low, before_high, _, unused] = decoded(&mut memory, row, code, entry);
            assert_eq!(low ^ high ^ flags, check);
            assert_eq!(u16::from_le_bytes([low, high]), entry.units);
            assert_eq!(u16::from_le_bytes([before_low, before_high]), entry.previous);
            if let What::Block(piece) = entry.what {
                let Piece::Block(block, ..) = heap.pieces[piece as usize] else { panic!("a block's piece") };
                assert_eq!(u64::from(entry.units) * row.unit - u64::from(unused), u64::from(block.requested));
                assert!((8..0x3F).contains(&unused));
            }
        }
    }
}

#[test]
fn plain_headers_are_what_they_say() {
    let row = row(Windows::Ten, true);
    let heap = HeapPlan { encoding: None, ..sample(row) };
    let segments = place(row, &heap);
    let images = images();
    let painting = Painting { row, plan: &heap, segments: &segments, images: &images, traces: None, number: 1 };
    assert_eq!(painting.header_bytes(&segments[0].entries[0]), [0x74, 0, 1, 0, 0, 0, 0, 1]);
}

#[test]
fn shapes_are_those_of_real_blocks() {
    let shape = |is_64_bit, has_traces, requested| {
        let heap = HeapPlan { has_traces, ..HeapPlan::new(0, 0) };
        heap.shape(row(Windows::Ten, is_64_bit), requested)
    };
    // Eight bytes of the next header are the block's with 64 bits.
    assert_eq!(shape(true, false, 0x18), Shape { bytes: 0x20, front: 0x10, unused: 8 });
    assert_eq!(shape(true, false, 0x19), Shape { bytes: 0x30, front: 0x10, unused: 0x17 });
    assert_eq!(shape(false, false, 0x18), Shape { bytes: 0x20, front: 8, unused: 8 });
    assert_eq!(shape(false, false, 0), Shape { bytes: 0x10, front: 8, unused: 0x10 });
    assert_eq!(shape(true, true, 0x18), Shape { bytes: 0x40, front: 0x30, unused: 0x28 });
    assert_eq!(shape(false, true, 0x18), Shape { bytes: 0x30, front: 0x18, unused: 0x18 });
}

#[test]
fn sums_are_exact_to_the_byte() {
    for (windows, is_64_bit) in ALL {
        let row = row(windows, is_64_bit);
        let heap = sample(row);
        let segments = place(row, &heap);
        let images = images();
        let painting = Painting { row, plan: &heap, segments: &segments, images: &images, traces: None, number: 1 };
        let mut rows = Rows::default();
        answer::count(&painting, &mut rows);
        let [sums] = rows.heaps[..] else { panic!("one heap") };
        assert_eq!(sums.free_bytes, free_units(&segments) * row.unit);
        assert_eq!(sums.uncommitted_bytes, 0x1000 * segments.iter().map(uncommitted_pages).sum::<u64>());
        assert_eq!((sums.busy_count, sums.busy_bytes), (600, 599 * 600 / 2));
        assert_eq!((sums.lfh_busy_count, sums.lfh_free_count), (30, 15));
        assert_eq!(sums.lfh_free_bytes, 15 * 4 * row.unit);
        let mut memory = painting.paint();
        let read = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let width = row.pointer as usize;
        assert_eq!(read(&memory.at(heap.base + row.heap.total_free)[..width]) * row.unit, sums.free_bytes);
        let counters = memory.at(heap.base + row.heap.counters);
        assert_eq!(read(&counters[..width]), sums.reserved_bytes);
        assert_eq!(read(&counters[width..2 * width]), sums.committed_bytes);
        assert_eq!(read(&counters[3 * width..4 * width]), sums.large_committed_bytes);
    }
}

#[test]
fn same_options_write_the_same_bytes_and_every_defect_others() {
    let bytes = |damage| {
        let mut out = Vec::new();
        let answer = write_heaps(&mut out, &Options { stack_count: 60, damage, ..Options::default() }).unwrap();
        assert_eq!(answer.byte_count, out.len() as u64);
        out
    };
    let sound = bytes(None);
    assert!(sound == bytes(None));
    for (name, damage) in Damage::NAMED {
        assert!(bytes(Some(damage)) != sound, "{name}");
    }
}

#[test]
fn reference_dump_is_as_long_as_it_says() {
    let options = reference::Options { heap_bytes: 1 << 23, block_count: 20_001, heap_count: 4, seed: 1 };
    let mut out = Vec::new();
    let answer = reference::write_reference(&mut out, &options).unwrap();
    assert_eq!(answer.byte_count, out.len() as u64);
    let blocks = answer.heaps.iter().map(|heap| heap.busy_count + heap.lfh_busy_count).sum::<u64>();
    assert_eq!((answer.heaps.len(), blocks), (4, 20_001));
    let none = reference::Options { heap_count: 0, ..options };
    assert!(reference::write_reference(&mut Vec::new(), &none).is_err());
}
