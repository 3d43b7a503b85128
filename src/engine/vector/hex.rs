//! Upper-case hexadecimal numbers, read where they are in a line.

use super::{Digits, Vector};

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

/// Bytes from `at` on.
#[inline(always)]
pub fn bytes<const COUNT: usize>(window: &Window, at: usize) -> [u8; COUNT] {
    // The mask proves to the compiler that the place is inside the window, so no check is left in the machine code.
    let at = at & (WINDOW / 2 - 1);
    window[at..].first_chunk().map_or([0; COUNT], |bytes| *bytes)
}

/// Eight bytes at `at`, first byte lowest.
#[inline(always)]
pub fn word(window: &Window, at: usize) -> u64 {
    u64::from_le_bytes(bytes(window, at))
}

/// A number's place in a window, and its digits.
pub type Place = (usize, usize);

/// The number whose digits are known to be at a place; `None` if they are not 1 to 16 bytes of `0-9A-F`.
#[inline(always)]
pub fn long<V: Vector>(vector: V, window: &Window, (at, digits): Place) -> Option<u64> {
    let found = vector.digits(bytes(window, at));
    is_number(found.valid, digits).then(|| value(found, digits))
}

/// Two numbers of 1 to 16 digits each, read together.
#[inline(always)]
pub fn two_long<V: Vector>(vector: V, window: &Window, one: Place, other: Place) -> Option<(u64, u64)> {
    let [first, second] = vector.digits_of_two([bytes(window, one.0), bytes(window, other.0)]);
    let both = is_number(first.valid, one.1) & is_number(second.valid, other.1);
    both.then(|| (value(first, one.1), value(second, other.1)))
}

/// Two numbers of 1 to 8 digits each, read together.
#[inline(always)]
pub fn two_short<V: Vector>(vector: V, window: &Window, one: Place, other: Place) -> Option<(u32, u32)> {
    let words = u128::from(word(window, other.0)) << 64 | u128::from(word(window, one.0));
    let found = vector.digits(words.to_le_bytes());
    let both = is_number(found.valid & 0xFF, one.1) & is_number(found.valid >> 8, other.1);
    let value = |half: u64, digits: usize| (half as u32) >> (32 - 4 * digits);
    both.then(|| (value(found.value >> 32, one.1), value(found.value, other.1)))
}

/// The number that the first digits are; what is behind them falls out on the right.
#[inline(always)]
fn value(found: Digits, digits: usize) -> u64 {
    found.value >> (64 - 4 * digits)
}

/// True if there are digits, and every one is valid.
#[inline(always)]
fn is_number(valid: u32, digits: usize) -> bool {
    digits.wrapping_sub(1) < valid.trailing_ones() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::vector::{Work, each},
        log::fields::parse_hex,
    };

    /// Numbers of every length and pairs of them, read fast and plainly.
    #[derive(Clone, Copy)]
    struct Check<'a>(&'a Window);

    impl Work for Check<'_> {
        type Output = ();

        fn with<V: Vector>(self, vector: V) {
            let text = self.0;
            let plain = |at: usize, digits: usize| {
                let bytes = &text[at..at + digits];
                parse_hex(bytes).filter(|_| !bytes.iter().any(u8::is_ascii_lowercase)).map(|hex| hex.value)
            };
            for one in 0..=17 {
                assert_eq!(long(vector, text, (0, one)), plain(0, one), "{one} digits");
                for other in 0..=17 {
                    let places = ((0, one), (16, other));
                    let both = plain(0, one).zip(plain(16, other));
                    assert_eq!(two_long(vector, text, places.0, places.1), both, "{one} and {other} digits");
                    let short = both.filter(|_| one <= 8 && other <= 8);
                    let found = two_short(vector, text, places.0, places.1);
                    let found = found.map(|(one, other)| (u64::from(one), u64::from(other)));
                    assert_eq!(found, short, "{one} and {other} digits");
                }
            }
        }
    }

    #[test]
    fn fast_and_plain_readings_agree_whatever_byte_stands_among_digits() {
        for place in 0..34 {
            for byte in 0..=255u8 {
                let mut text = [0; WINDOW];
                text[..34].copy_from_slice(b"A1B2C3D4E5F60718293A4B5C6D7E8F9012");
                text[place] = byte;
                each(Check(&text));
            }
        }
    }
}
