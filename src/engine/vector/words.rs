//! Many bytes at a time without vectors, for processors that lack those we use.

use super::{Digits, Vector};

/// Words of eight bytes.
#[derive(Debug, Clone, Copy)]
pub struct Words;

impl Vector for Words {
    #[inline(always)]
    fn breaks(self, bytes: &[u8; 64]) -> u64 {
        let (words, _) = bytes.as_chunks();
        words.iter().rev().fold(0, |breaks, word| breaks << 8 | u64::from(breaks_of(u64::from_le_bytes(*word))))
    }

    #[inline(always)]
    fn digits(self, bytes: [u8; 16]) -> Digits {
        let all = u128::from_le_bytes(bytes);
        let (first, second) = (all as u64, (all >> 64) as u64);
        Digits { valid: digits_of(first) | digits_of(second) << 8, value: value_of(first) << 32 | value_of(second) }
    }

    #[inline(always)]
    fn digits_of_two(self, bytes: [[u8; 16]; 2]) -> [Digits; 2] {
        bytes.map(|bytes| self.digits(bytes))
    }

    #[inline(always)]
    fn equal(self, words: &[u64; 4], word: u64) -> u32 {
        words.iter().enumerate().fold(0, |hits, (place, known)| hits | u32::from(*known == word) << place)
    }
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte, first one lowest.
fn packed(high_bits: u64) -> u32 {
    ((high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// Which bytes are below `0x21` or above `0x7F`.
fn breaks_of(word: u64) -> u32 {
    // A byte cut to seven bits has the high bit in the sum from 0x21 on, and nothing is carried into its neighbour.
    let printed = (word & !HIGH_BITS) + 0x5F5F_5F5F_5F5F_5F5F;
    packed((!printed | word) & HIGH_BITS)
}

/// Which bytes are `0-9A-F`.
fn digits_of(word: u64) -> u32 {
    // Each byte is cut to seven bits before a constant below 0x80 is added, so no sum carries into its neighbour;
    // bytes that had the eighth bit are taken out at the end.
    let low = word & !HIGH_BITS;
    let from_0 = low + 0x5050_5050_5050_5050;
    let past_9 = low + 0x4646_4646_4646_4646;
    let from_a = low + 0x3F3F_3F3F_3F3F_3F3F;
    let past_f = low + 0x3939_3939_3939_3939;
    packed(((from_0 & !past_9) | (from_a & !past_f)) & !word & HIGH_BITS)
}

/// Eight bytes as digits, first one highest.
fn value_of(word: u64) -> u64 {
    let letters = (word >> 6) & 0x0101_0101_0101_0101;
    let nibbles = ((word & 0x0F0F_0F0F_0F0F_0F0F) + letters * 9) & 0x0F0F_0F0F_0F0F_0F0F;
    let pairs = (nibbles << 4 | nibbles >> 8) & 0x00FF_00FF_00FF_00FF;
    let quads = (pairs << 8 | pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    (quads << 16 | quads >> 32) & 0xFFFF_FFFF
}
