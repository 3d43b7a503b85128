//! Members that are stored or deflated: read as far as they go, whatever sizes their lists give, and checked at their end.

use std::io::{self, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use crate::input::archive::fault::Fault;

/// Packed bytes read at a time.
const PIECE: usize = 64 << 10;

/// Deflated bytes become plain; they tell their own end.
pub struct Inflate<R> {
    packed: R,
    state: Box<Decompress>,
    piece: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: Read> Inflate<R> {
    /// Nothing is read yet.
    pub fn new(packed: R) -> Self {
        Self { packed, state: Box::new(Decompress::new(false)), piece: Vec::new(), taken: 0, ended: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.piece.clear();
        self.packed.by_ref().take(PIECE as u64).read_to_end(&mut self.piece)?;
        if self.piece.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

impl<R: Read> Read for Inflate<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !out.is_empty() {
            if self.taken == self.piece.len() {
                self.refill()?;
            }
            let before = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(&self.piece[self.taken..], out, FlushDecompress::None);
            let status = status.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            self.taken += (self.state.total_in() - before.0) as usize;
            self.ended = status == Status::StreamEnd;
            match (self.state.total_out() - before.1) as usize {
                0 => {}
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

/// Bytes whose checksum, or number, is known.
pub struct Checked<R> {
    content: R,
    crc: Option<u32>,
    size: Option<u64>,
    sum: Crc,
    read: u64,
}

impl<R: Read> Checked<R> {
    /// Nothing is read yet.
    pub fn new(content: R, crc: Option<u32>, size: Option<u64>) -> Self {
        Self { content, crc, size, sum: Crc::new(), read: 0 }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(out)?;
        self.sum.update(&out[..count]);
        self.read += count as u64;
        if count == 0 && !out.is_empty() {
            if self.size.is_some_and(|size| self.read < size) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.crc.is_some_and(|crc| crc != self.sum.sum()) {
                return Err(Fault::Damaged("its checksum is not that of its bytes".to_owned()).into());
            }
        }
        Ok(count)
    }
}
