//! A stream becomes bytes that can be read from anywhere: in memory, or in a file without a name, which ends with the process.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
};

use super::fault::Fault;

/// Bytes kept for a while.
pub enum Spool {
    /// In memory.
    Memory(Cursor<Vec<u8>>),
    /// In a file of the temporary folder that has no name.
    File(File),
}

/// Reads all that there is. Where that ends in damage, what was read is kept: the format of the bytes tells what is missing.
///
/// # Errors
///
/// Where a limit is reached, or the temporary folder takes no more.
pub fn spooled(stream: &mut dyn Read, memory_bytes: u64) -> io::Result<Spool> {
    let mut bytes = Vec::new();
    let outcome = stream.take(memory_bytes).read_to_end(&mut bytes);
    if damaged(outcome)? || (bytes.len() as u64) < memory_bytes {
        return Ok(Spool::Memory(Cursor::new(bytes)));
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(&bytes)?;
    bytes.resize(PIECE, 0);
    bytes.shrink_to_fit();
    loop {
        let outcome = stream.read(&mut bytes);
        let count = *outcome.as_ref().unwrap_or(&0);
        if damaged(outcome)? || count == 0 {
            break;
        }
        file.write_all(&bytes[..count])?;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Spool::File(file))
}

/// Bytes that go into a file at a time.
const PIECE: usize = 1 << 20;

/// True if a reader ended in damage.
fn damaged(outcome: io::Result<usize>) -> io::Result<bool> {
    match outcome.map_err(Fault::from) {
        Ok(_) => Ok(false),
        Err(Fault::Damaged(_)) => Ok(true),
        Err(fault) => Err(fault.into()),
    }
}

impl Read for Spool {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Spool::Memory(bytes) => bytes.read(out),
            Spool::File(file) => file.read(out),
        }
    }
}

impl Seek for Spool {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        match self {
            Spool::Memory(bytes) => bytes.seek(place),
            Spool::File(file) => file.seek(place),
        }
    }
}
