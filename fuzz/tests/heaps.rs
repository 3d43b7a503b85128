//! Heaps of which parts are changed: 256 of each seed; for `HEAPDELTA_HEAP_SECONDS` as many as there is time for, others each time.

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use heapdelta::{
    Capture, Options,
    internals::symbols::Store,
    read,
    testing::dump::heap::{Options as HeapOptions, Windows, write_heaps},
};
use heapdelta_fuzz::{
    heap_walk::{BASE, check, target},
    pdb_records::Random,
};

/// Changes a few words of a heap: mostly those that say something.
fn change(heap: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(6) {
        let place = place(heap, random);
        let width = [1, 2, 4, 8][random.below(4)].min(heap.len() - place);
        let other = random.below(heap.len() + 1 - width);
        let value = match random.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => BASE + random.below(heap.len() + 64) as u64,
            3 => random.below(1 << 16) as u64,
            4 => 1 << random.below(64),
            _ => heap[other..other + width].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        heap[place..place + width].copy_from_slice(&value.to_le_bytes()[..width]);
    }
    match random.below(12) {
        0 => heap.truncate(1 + random.below(heap.len())),
        1 => heap[0] = random.below(8) as u8,
        2 => {
            let from = random.below(heap.len());
            let part = heap[from..].to_vec();
            heap.extend(part);
        }
        _ => {}
    }
}

/// A place, most often one that is not in the midst of zeros.
fn place(heap: &[u8], random: &mut Random) -> usize {
    let start = random.below(heap.len());
    let near = heap[start..].iter().position(|byte| *byte != 0).map_or(start, |more| start + more);
    if random.below(5) == 0 { start } else { near.saturating_sub(random.below(4)) }
}

#[test]
fn heaps_that_contradict_themselves_are_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/heap_walk");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let seconds = env::var("HEAPDELTA_HEAP_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut number = end.map_or(1, |_| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1);
    let mut count = 0;
    while end.map_or(count < 256, |end| Instant::now() < end) {
        for seed in &seeds {
            let mut heap = seed.clone();
            change(&mut heap, &mut Random(number));
            if end.is_some() {
                // A stack that overflows ends the process: what is there then is what did it.
                fs::write(env::temp_dir().join("heapdelta-heap.bin"), &heap).unwrap();
            }
            target(&heap);
            number = number.wrapping_add(0x9E37_79B9_7F4A_7C15) | 1;
        }
        count += 1;
    }
    println!("{} heaps", count * seeds.len());
}

/// Segment heaps are too large for a seed: dumps of the made-up build are changed where their heaps are, and read by its symbols.
#[test]
fn segment_heaps_that_contradict_themselves_are_no_harm() {
    let symbols = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/symbols/ntdll");
    let store = Store::new([symbols.as_path()]);
    let base = HeapOptions { windows: Windows::Unknown, segment_heap: true, stack_count: 40, ..HeapOptions::default() };
    for options in [base, HeapOptions { pointer_width: 32, ..base }, HeapOptions { wow64: true, ..base }] {
        change_segment_heaps(&options, &store);
    }
}

fn change_segment_heaps(options: &HeapOptions, store: &Store) {
    let mut whole = Vec::new();
    let places = write_heaps(&mut whole, options).unwrap().segment_places;
    let Ok(Capture::Dump(dump)) = read(whole.as_slice(), &Options::default()) else { panic!("a dump was written") };
    let told = dump.heap_symbols(store).expect("the symbols are there");
    let place = |address: &u64| {
        let bytes = dump.bytes_at(*address, 0x40).unwrap();
        whole.windows(0x40).position(|window| window == &*bytes).expect("the dump holds it")
    };
    let mut starts: Vec<usize> = places.iter().map(place).collect();
    // The heaps themselves: the only places with their signature.
    let signatures = whole.windows(4).enumerate().filter(|(_, window)| *window == 0xDDEE_DDEE_u32.to_le_bytes());
    starts.extend(signatures.map(|(place, _)| place - 0x10));
    assert_eq!(starts.len(), places.len() + if options.wow64 { 2 } else { 1 });
    let mut random = Random(0x5EED);
    for number in 0..96 {
        let start = starts[number % starts.len()];
        let end = (start + 0x800).min(whole.len());
        let mut part = whole[start..end].to_vec();
        change(&mut part, &mut random);
        part.resize(end - start, 0);
        let mut changed = whole.clone();
        changed[start..end].copy_from_slice(&part);
        let Ok(Capture::Dump(dump)) = read(changed.as_slice(), &Options::default()) else { continue };
        check(&dump.heap_walk_with(Some(1), true, &told).unwrap(), changed.len() as u64);
    }
}
