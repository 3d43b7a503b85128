//! The first bytes of a member tell what it is, before it is read from its first byte on.

use std::io::{self, Read};

/// A reader whose first bytes are known.
pub struct Peeked<R> {
    start: Vec<u8>,
    taken: usize,
    /// What the reader said instead of more bytes for the start.
    failed: Option<io::Error>,
    rest: R,
}

impl<R: Read> Peeked<R> {
    /// Reads the start.
    pub fn new(mut rest: R, count: usize) -> Self {
        let mut start = Vec::new();
        let failed = rest.by_ref().take(count as u64).read_to_end(&mut start).err();
        Self { start, taken: 0, failed, rest }
    }

    /// The first bytes.
    pub fn start(&self) -> &[u8] {
        &self.start
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken < self.start.len() {
            let count = (&self.start[self.taken..]).read(out)?;
            self.taken += count;
            return Ok(count);
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.rest.read(out),
        }
    }
}
