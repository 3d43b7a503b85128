//! Numbers in structures: whole fields, and bits of some.

use super::super::{
    super::fields::u64_at,
    types::{Field, Missing, Types},
};

/// A number in a structure: its place, and which of its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// Bytes from the start of the structure.
    pub at: usize,
    shift: u8,
    mask: u64,
}

impl Number {
    /// A field: the bits that its type tells, or else whole bytes.
    ///
    /// # Errors
    ///
    /// What the types lack, or a place that no number can have.
    pub fn of_type(types: &Types, structure: &str, field: &str, bytes: u8) -> Result<Self, Missing> {
        let Field { offset, bits, .. } = types.field(structure, field)?;
        let (shift, count) = bits.unwrap_or((0, 8 * bytes));
        // Sums and products of numbers have room as long as none is larger than it can be.
        if count == 0 || count > 8 * bytes || u32::from(shift) + u32::from(count) > 64 {
            return Err(Missing::other(structure, field));
        }
        Ok(Self { at: offset as usize, shift, mask: u64::MAX >> (64 - count) })
    }

    /// Whether it ends within the first bytes of its structure.
    pub fn is_within(self, bytes: usize) -> bool {
        let bits = u32::from(self.shift) + (u64::BITS - self.mask.leading_zeros());
        self.at + bits.div_ceil(8) as usize <= bytes
    }

    /// Its value in the bytes of the structure.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> Option<u64> {
        let word = match u64_at(bytes, self.at) {
            Some(word) => word,
            None => {
                // At the end of a structure there are fewer than eight bytes.
                let rest = bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
                rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
            }
        };
        Some(word >> self.shift & self.mask)
    }
}
