//! Upper-case hexadecimal numbers and the blanks between them, read where they stand in a line: sixteen bytes at a time.
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

/// Where blanks and line feeds stand in the first 64 bytes of a window: the lowest bit is the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Blanks.
    pub blanks: u64,
    /// Line feeds.
    pub newlines: u64,
}

/// Eight bytes at `at`, first byte lowest.
#[inline(always)]
pub fn word(window: &Window, at: usize) -> u64 {
    // The mask proves to the compiler that the place is inside the window, so no check is left in the machine code.
    let at = at & (WINDOW / 2 - 1);
    window[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Finds the marks of a window.
#[inline(always)]
pub fn marks(window: &Window) -> Marks {
    (0..4).rev().fold(Marks { blanks: 0, newlines: 0 }, |marks, part| {
        let (blanks, newlines) = chosen::marks(word(window, 16 * part), word(window, 16 * part + 8));
        Marks { blanks: marks.blanks << 16 | u64::from(blanks), newlines: marks.newlines << 16 | u64::from(newlines) }
    })
}

/// The number whose digits are known to stand at `at`; `None` if they are not 1 to 16 bytes of `0-9A-F`.
#[inline(always)]
pub fn hex_between(window: &Window, at: usize, digits: usize) -> Option<u64> {
    if digits.wrapping_sub(1) >= 16 {
        return None;
    }
    let (valid, all) = chosen::sixteen(word(window, at), word(window, at + 8));
    // What stands behind the digits falls out on the right.
    is_all(valid, digits).then(|| all >> (64 - 4 * digits))
}

/// Two numbers of 1 to 8 digits each, by place and digits, read together.
#[inline(always)]
pub fn two_short(window: &Window, one: (usize, usize), other: (usize, usize)) -> Option<(u32, u32)> {
    if one.1.wrapping_sub(1) >= 8 || other.1.wrapping_sub(1) >= 8 {
        return None;
    }
    let (valid, all) = chosen::sixteen(word(window, one.0), word(window, other.0));
    let value = |half: u32, digits: usize| half >> (32 - 4 * digits);
    let both = is_all(valid, one.1) & is_all(valid >> 8, other.1);
    both.then(|| (value((all >> 32) as u32, one.1), value(all as u32, other.1)))
}

/// True if the first of the flags are all set.
#[inline(always)]
fn is_all(flags: u32, first: usize) -> bool {
    let wanted = (1u32 << first) - 1;
    flags & wanted == wanted
}

#[cfg(target_arch = "x86_64")]
use vector as chosen;
#[cfg(not(target_arch = "x86_64"))]
use words as chosen;

/// The reading by vector instructions.
#[cfg(target_arch = "x86_64")]
mod vector {
    use std::arch::x86_64::{
        _mm_add_epi8, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_cmplt_epi8, _mm_cvtsi128_si64,
        _mm_movemask_epi8, _mm_or_si128, _mm_packus_epi16, _mm_set_epi64x, _mm_set1_epi8, _mm_set1_epi16,
        _mm_slli_epi16, _mm_srli_epi16,
    };

    /// Which of sixteen bytes are `0-9A-F`, first one lowest, and all of them as digits, first one highest. What stands
    /// for a byte that is no digit means nothing.
    #[inline(always)]
    pub fn sixteen(first: u64, second: u64) -> (u32, u64) {
        // SAFETY: SSE2 is part of x86-64 itself: no processor of it is without.
        unsafe { sixteen_by_vector(first, second) }
    }

    /// Which of sixteen bytes are blanks, and which are line feeds, first one lowest.
    #[inline(always)]
    pub fn marks(first: u64, second: u64) -> (u32, u32) {
        // SAFETY: as above.
        unsafe { marks_by_vector(first, second) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn sixteen_by_vector(first: u64, second: u64) -> (u32, u64) {
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
        (valid, all.swap_bytes())
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn marks_by_vector(first: u64, second: u64) -> (u32, u32) {
        let bytes = _mm_set_epi64x(second as i64, first as i64);
        let equal = |byte: u8| _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8))) as u32;
        (equal(b' '), equal(b'\n'))
    }
}

/// The reading without vector instructions.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod words {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

    pub fn sixteen(first: u64, second: u64) -> (u32, u64) {
        (packed(digits(first)) | packed(digits(second)) << 8, value(first) << 32 | value(second))
    }

    pub fn marks(first: u64, second: u64) -> (u32, u32) {
        let both = |byte: u8| packed(equal(first, byte)) | packed(equal(second, byte)) << 8;
        (both(b' '), both(b'\n'))
    }

    /// The high bit of each byte, first one lowest.
    fn packed(high_bits: u64) -> u32 {
        ((high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    }

    /// The high bit of every byte that is `byte`.
    fn equal(word: u64, byte: u8) -> u64 {
        let differs = word ^ (u64::from(byte) * 0x0101_0101_0101_0101);
        // The sum of a byte cut to seven bits and 0x7F has the high bit unless the byte is 0, and carries nowhere.
        !(((differs & !HIGH_BITS) + !HIGH_BITS) | differs) & HIGH_BITS
    }

    /// The high bit of every byte that is `0-9A-F`.
    fn digits(word: u64) -> u64 {
        // Each byte is cut to seven bits before a constant below 0x80 is added, so no sum carries into its neighbour;
        // bytes that had the eighth bit are taken out at the end.
        let low = word & !HIGH_BITS;
        let from_0 = low + 0x5050_5050_5050_5050;
        let past_9 = low + 0x4646_4646_4646_4646;
        let from_a = low + 0x3F3F_3F3F_3F3F_3F3F;
        let past_f = low + 0x3939_3939_3939_3939;
        ((from_0 & !past_9) | (from_a & !past_f)) & !word & HIGH_BITS
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

    /// Numbers of every length at the start, and pairs of them, read fast and plainly, by vector and by words.
    fn check(text: &Window) {
        for digits in 0..=17 {
            let plain = parse_hex(&text[..digits]).filter(|_| !text[..digits].iter().any(u8::is_ascii_lowercase));
            assert_eq!(hex_between(text, 0, digits), plain.map(|hex| hex.value), "{digits} digits");
        }
        let short = |at: usize, digits: usize| hex_between(text, at, digits).map(|value| value as u32);
        for (one, other) in [(1, 8), (8, 1), (3, 5), (0, 2), (9, 1)] {
            let plain = short(0, one).zip(short(8, other)).filter(|_| one <= 8);
            assert_eq!(two_short(text, (0, one), (8, other)), plain, "{one} and {other} digits");
        }
        let (first, second) = (word(text, 0), word(text, 8));
        let (by_words, by_choice) = (words::sixteen(first, second), chosen::sixteen(first, second));
        assert_eq!(by_words.0, by_choice.0);
        let digits = by_words.0.trailing_ones();
        assert!(digits == 0 || (by_words.1 ^ by_choice.1) >> (64 - 4 * digits) == 0);
        assert_eq!(words::marks(first, second), chosen::marks(first, second));
    }

    #[test]
    fn fast_and_plain_readings_agree_whatever_byte_stands_among_digits() {
        for place in 0..16 {
            for byte in 0..=255u8 {
                let mut text = window(b"A1B2C3D4E5F60718");
                text[place] = byte;
                check(&text);
            }
        }
    }

    #[test]
    fn marks_are_the_places_of_blanks_and_line_feeds() {
        let text = window(b" 40 bytes + 18\r\n\xA0 at 2E9FB00 by BackTrace7\n---------------------- \n");
        let places = |byte: u8| (0..64).filter(|at| text[*at] == byte).map(|at| 1u64 << at).sum();
        assert_eq!(marks(&text), Marks { blanks: places(b' '), newlines: places(b'\n') });
    }
}
