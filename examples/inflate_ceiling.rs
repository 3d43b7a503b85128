//! The ceiling of `make bench` for a zipped log: how fast can one core inflate it, and do nothing with it?
//!
//! `inflate_ceiling FILE` inflates the first member of a zip by the library that heapdelta takes, and prints seconds, bytes, and the
//! number of its lines, so that the work cannot be left out.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::{env, error::Error, fs::File, io::Read, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: inflate_ceiling FILE")?;
    let start = Instant::now();
    let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
    let archive = rawzip::ZipArchive::from_file(File::open(path)?, &mut buffer)?;
    let mut entries = archive.entries(&mut buffer);
    let wayfinder = entries.next_entry()?.ok_or("expected a member, found none")?.wayfinder();
    let member = archive.get_entry(wayfinder)?;
    let mut text = flate2::read::DeflateDecoder::new(member.reader());
    let mut piece = vec![0; 64 << 10];
    let (mut bytes, mut lines) = (0, 0);
    loop {
        let count = text.read(&mut piece)?;
        if count == 0 {
            break;
        }
        bytes += count;
        lines += memchr::memchr_iter(b'\n', &piece[..count]).count();
    }
    println!("{:.6} {bytes} {lines}", start.elapsed().as_secs_f64());
    Ok(())
}
