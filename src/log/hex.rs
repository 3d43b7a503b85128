//! Upper-case hexadecimal numbers, read where they stand in a line: sixteen digits at a time.
//!
//! The two line shapes that make up nearly all of a log go through here. On x86-64 every processor has the vector
//! instructions it takes; elsewhere words of eight bytes do the same work. Tests hold both against the plain reading.

/// A hexadecimal number as printed: its value, and how many digits stand for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex {
    /// The value.
    pub value: u64,
    /// Digits printed, 1 to 16, leading zeros included.
    pub digits: u32,
}

/// Bytes of a [`Window`].
pub const WINDOW: usize = 256;

/// What the fast path sees of a line: its start, or zeros behind the end of the text. Places up to 127 are in it, with
/// room for sixteen bytes behind them.
pub type Window = [u8; WINDOW];

/// Eight bytes at `at`, first byte lowest.
#[inline(always)]
pub fn word(window: &Window, at: usize) -> u64 {
    // The mask proves to the compiler that the place is inside the window, so no check is left in the machine code.
    let at = at & (WINDOW / 2 - 1);
    window[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// An upper-case hexadecimal number of up to 16 digits. Of a longer one it reads the first 16: what must follow the number
/// does not follow then.
#[inline(always)]
pub fn hex_at(window: &Window, at: usize) -> Option<Hex> {
    let (digits, all) = sixteen(word(window, at), word(window, at + 8));
    // What stands behind the digits falls out on the right.
    (digits != 0).then(|| Hex { value: all >> (64 - 4 * digits), digits })
}

/// How many of sixteen bytes, from the first, are `0-9A-F`, and all of them as digits, first one highest. What stands for
/// a byte that is no digit means nothing.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn sixteen(first: u64, second: u64) -> (u32, u64) {
    // SAFETY: SSE2 is part of x86-64 itself: no processor of it is without.
    unsafe { sixteen_by_vector(first, second) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn sixteen_by_vector(first: u64, second: u64) -> (u32, u64) {
    use std::arch::x86_64::{
        _mm_add_epi8, _mm_and_si128, _mm_cmpgt_epi8, _mm_cmplt_epi8, _mm_cvtsi128_si64, _mm_movemask_epi8,
        _mm_or_si128, _mm_packus_epi16, _mm_set_epi64x, _mm_set1_epi8, _mm_set1_epi16, _mm_slli_epi16, _mm_srli_epi16,
    };
    let bytes = _mm_set_epi64x(second as i64, first as i64);
    // The comparisons are signed: bytes from 0x80 on are below every digit.
    let between = |low: u8, high: u8| {
        let (below, above) = (_mm_set1_epi8(low as i8 - 1), _mm_set1_epi8(high as i8 + 1));
        _mm_and_si128(_mm_cmpgt_epi8(bytes, below), _mm_cmplt_epi8(bytes, above))
    };
    let letters = between(b'A', b'F');
    let valid = _mm_movemask_epi8(_mm_or_si128(between(b'0', b'9'), letters)) as u32;
    let low = _mm_and_si128(bytes, _mm_set1_epi8(0x0F));
    let nibbles = _mm_add_epi8(low, _mm_and_si128(letters, _mm_set1_epi8(9)));
    let pairs = _mm_or_si128(_mm_slli_epi16::<4>(nibbles), _mm_srli_epi16::<8>(nibbles));
    let pairs = _mm_and_si128(pairs, _mm_set1_epi16(0x00FF));
    let all = _mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs)) as u64;
    ((!valid).trailing_zeros(), all.swap_bytes())
}

/// See the other one: the same in words of eight bytes.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn sixteen(first: u64, second: u64) -> (u32, u64) {
    words::sixteen(first, second)
}

/// The reading without vector instructions.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod words {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

    pub fn sixteen(first: u64, second: u64) -> (u32, u64) {
        let digits = leading_digits(first);
        let digits = if digits == 8 { 8 + leading_digits(second) } else { digits };
        (digits, value(first) << 32 | value(second))
    }

    /// How many of eight bytes, from the first, are `0-9A-F`.
    fn leading_digits(word: u64) -> u32 {
        // Each byte is cut to seven bits before a constant below 0x80 is added, so no sum carries into its neighbour;
        // bytes that had the eighth bit are taken out at the end.
        let low = word & !HIGH_BITS;
        let from_0 = low + 0x5050_5050_5050_5050;
        let past_9 = low + 0x4646_4646_4646_4646;
        let from_a = low + 0x3F3F_3F3F_3F3F_3F3F;
        let past_f = low + 0x3939_3939_3939_3939;
        let digit = ((from_0 & !past_9) | (from_a & !past_f)) & !word & HIGH_BITS;
        (digit ^ HIGH_BITS).trailing_zeros() / 8
    }

    /// Eight bytes as digits, first one highest.
    fn value(word: u64) -> u64 {
        let letters = (word >> 6) & 0x0101_0101_0101_0101;
        let nibbles = ((word & 0x0F0F_0F0F_0F0F_0F0F) + letters * 9) & 0x0F0F_0F0F_0F0F_0F0F;
        let pairs = (nibbles << 4 | nibbles >> 8) & 0x00FF_00FF_00FF_00FF;
        let quads = (pairs << 8 | pairs >> 16) & 0x0000_FFFF_0000_FFFF;
        (quads << 16 | quads >> 32) & 0xFFFF_FFFF
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::fields::parse_hex;

    fn window(text: &[u8]) -> Window {
        let mut window = [0; WINDOW];
        window[..text.len()].copy_from_slice(text);
        window
    }

    /// The same number by words.
    fn by_words(text: &Window) -> Option<Hex> {
        let (digits, all) = words::sixteen(word(text, 0), word(text, 8));
        (digits != 0).then(|| Hex { value: all >> (64 - 4 * digits), digits })
    }

    #[test]
    fn fast_and_plain_readings_agree_on_every_length() {
        let digits = b"F9A156DA01234567";
        for length in 1..=16 {
            let text = window(&digits[..length]);
            assert_eq!(hex_at(&text, 0), parse_hex(&digits[..length]), "{length} digits");
            assert_eq!(by_words(&text), hex_at(&text, 0), "{length} digits by words");
        }
        assert_eq!(hex_at(&window(b" 1"), 0), None);
    }

    #[test]
    fn every_byte_beside_a_digit_ends_the_number() {
        for place in 0..16 {
            for byte in 0..=255u8 {
                let mut text = window(b"A1B2C3D4E5F60718");
                text[place] = byte;
                let is_digit = byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
                let end = if is_digit { 16 } else { place };
                assert_eq!(hex_at(&text, 0), parse_hex(&text[..end]), "byte {byte:#x} at {place}");
                assert_eq!(by_words(&text), hex_at(&text, 0), "byte {byte:#x} at {place} by words");
            }
        }
    }
}
