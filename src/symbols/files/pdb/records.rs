//! Records of types or ids, by number, as they lie in their stream. Nothing in them is believed.
//!
//! ```text
//! header: version, bytes of the header, first number, number behind the last, …
//! record: bytes that follow (u16), kind (u16), what the kind has
//! ```
//!
//! Source: <https://llvm.org/docs/PDB/TpiStream.html>.

use pdb_addr2line::pdb::SourceView;

use super::source::View;
use crate::symbols::fault::Fault;

/// Bytes that a record takes at least.
const SMALLEST: usize = 4;

/// The records of a stream.
pub struct Records {
    stream: View,
    first: u32,
    /// Where each begins, with its kind; found so far.
    starts: Vec<u32>,
    next: usize,
}

impl Records {
    /// Those of a stream; of an empty one none.
    ///
    /// # Errors
    ///
    /// If it counts more records than it can hold: the crate takes memory for as many as it counts.
    pub fn of(stream: View) -> Result<Self, Fault> {
        let bytes = stream.as_slice();
        let header = |at| u32_at(bytes, at).unwrap_or_default();
        let (next, first, behind) = (header(4) as usize, header(8), header(12));
        let count = behind.saturating_sub(first) as usize;
        if count > bytes.len() / SMALLEST {
            let found = format!("expected at most {} types or ids, found {count}", bytes.len() / SMALLEST);
            return Err(Fault::Damaged(found));
        }
        Ok(Self { stream, first, starts: Vec::new(), next })
    }

    /// A record with its kind; absent where there is none of this number.
    pub fn get(&mut self, number: u32) -> Option<&[u8]> {
        let row = number.checked_sub(self.first)? as usize;
        let bytes = self.stream.as_slice();
        while self.starts.len() <= row {
            let start = self.next.checked_add(2)?;
            let end = start + usize::from(u16_at(bytes, self.next)?);
            self.starts.push(u32::try_from(start).ok().filter(|_| end <= bytes.len())?);
            self.next = end;
        }
        let start = self.starts[row] as usize;
        bytes.get(start..start + usize::from(u16_at(bytes, start - 2)?))
    }
}

/// Two bytes as a number.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|word| u16::from_le_bytes(*word))
}

/// Four bytes as a number.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}
