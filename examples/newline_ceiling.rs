//! The ceiling of `make bench`: how fast can one core find every line end of a file?
//!
//! `newline_ceiling FILE [RUNS]` maps the file, walks over all its newlines with memchr, and prints one line per run:
//! seconds, newlines, and the sum of their positions modulo 2^64, so that no run can leave the work out.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::{env, error::Error, fs::File, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("usage: newline_ceiling FILE [RUNS]")?;
    let runs: usize = arguments.next().map_or(Ok(1), |runs| runs.parse())?;
    let file = File::open(path)?;
    // SAFETY: the benchmark wrote the file itself and changes it no more while it is mapped.
    let text = unsafe { memmap2::Mmap::map(&file)? };
    for _ in 0..runs {
        let start = Instant::now();
        let (count, sum) = memchr::memchr_iter(b'\n', &text)
            .fold((0_u64, 0_u64), |(count, sum), position| (count + 1, sum.wrapping_add(position as u64)));
        println!("{:.6} {count} {sum}", start.elapsed().as_secs_f64());
    }
    Ok(())
}
