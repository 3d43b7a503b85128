//! For `make bench`: how fast does Rust read a dump's memory?
//!
//! `dump_memory FILE` prints seconds for each read of 64 bytes by address, the sum that proves the reads (first and last 8
//! bytes of every range), then seconds for walking over all contents, and the bytes walked over.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::{env, error::Error, hint::black_box, time::Instant};

use arrow_array::{cast::AsArray, types::UInt64Type};
use heapdelta::{Capture, Dump, Options, read, testing::random::Random};

const SIZE: u64 = 64;
const ROUNDS: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: dump_memory FILE")?;
    let Capture::Dump(dump) = read(path.as_str(), &Options::default())? else { return Err("not a dump".into()) };
    let ranges = ranges(&dump)?;
    let mut addresses: Vec<(u64, u64)> =
        ranges.iter().flat_map(|(base, size)| [(*base, 0), (base + size - SIZE, SIZE - 8)]).collect();
    Random::new(1).shuffle(&mut addresses);
    let mut words = 0_u64;
    for (address, place) in &addresses {
        let bytes = dump.bytes_at(*address, SIZE)?;
        words = words.wrapping_add(u64::from_le_bytes(bytes[*place as usize..][..8].try_into()?));
    }
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for (address, _) in &addresses {
            black_box(dump.bytes_at(black_box(*address), SIZE)?.first());
        }
    }
    let each = start.elapsed().as_secs_f64() / (ROUNDS * addresses.len() as u64) as f64;
    let start = Instant::now();
    let (mut walked, mut sum) = (0_u64, 0_u64);
    for (base, size) in &ranges {
        let bytes = dump.bytes_at(*base, *size)?;
        walked += bytes.len() as u64;
        sum = bytes.chunks_exact(8).fold(sum, |sum, word| sum.wrapping_add(word.first_chunk().map_or(0, number)));
    }
    black_box(sum);
    println!("{each:.12} {words} {:.6} {walked}", start.elapsed().as_secs_f64());
    Ok(())
}

fn number(word: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*word)
}

/// Base and size of every range.
fn ranges(dump: &Dump) -> Result<Vec<(u64, u64)>, Box<dyn Error>> {
    let table = dump.table("memory").ok_or("no table of ranges")?;
    let mut ranges = Vec::new();
    for batch in &table.batches {
        let [base, size] = ["base", "size"].map(|name| batch.column_by_name(name));
        let (base, size) = (base.ok_or("no bases")?, size.ok_or("no sizes")?);
        let (base, size) = (base.as_primitive::<UInt64Type>(), size.as_primitive::<UInt64Type>());
        ranges.extend(base.values().iter().copied().zip(size.values().iter().copied()));
    }
    Ok(ranges)
}
