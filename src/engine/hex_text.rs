//! Hexadecimal numbers as text, all digits at once: a log of many stacks has a million of them to print.

/// A number written with a given count of digits, the last of those that it has.
#[derive(Debug, Clone, Copy)]
pub struct HexText {
    bytes: [u8; 16],
    digits: usize,
}

/// `776CDD82`: at most sixteen digits.
pub fn upper_case(value: u64, digits: u32) -> HexText {
    HexText::new::<b'A'>(value, digits)
}

/// `776cdd82`: as many digits as the number needs.
pub fn lower_case(value: u64) -> HexText {
    HexText::new::<b'a'>(value, (64 - (value | 1).leading_zeros()).div_ceil(4))
}

impl HexText {
    #[inline]
    fn new<const TEN: u8>(value: u64, digits: u32) -> Self {
        let halves = [value >> 32, value & 0xFFFF_FFFF].map(|half| printed::<TEN>(half).to_be_bytes());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&halves[0]);
        bytes[8..].copy_from_slice(&halves[1]);
        Self { bytes, digits: (digits as usize).min(16) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        let digits = &self.bytes[16 - self.digits..];
        // SAFETY: `printed` makes nothing but 0-9 and letters.
        unsafe { std::str::from_utf8_unchecked(digits) }
    }
}

/// Eight digits of a number of 32 bits, the first of them highest; `TEN` is the digit for ten.
#[inline]
fn printed<const TEN: u8>(number: u64) -> u64 {
    const ONE_EACH: u64 = 0x0101_0101_0101_0101;
    let pairs = (number | number << 16) & 0x0000_FFFF_0000_FFFF;
    let bytes = (pairs | pairs << 8) & 0x00FF_00FF_00FF_00FF;
    let digits = (bytes | bytes << 4) & (0x0F * ONE_EACH);
    let letters = (digits + 6 * ONE_EACH) >> 4 & ONE_EACH;
    digits + u64::from(b'0') * ONE_EACH + letters * u64::from(TEN - 10 - b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_in_every_place_is_as_the_standard_library_prints_it() {
        for place in 0..16 {
            for digit in 0..16 {
                for value in [digit << (4 * place), 0x0123_4567_89AB_CDEF ^ digit << (4 * place), u64::MAX] {
                    assert_eq!(lower_case(value).as_str(), format!("{value:x}"));
                    for digits in 1..=16 {
                        let text = format!("{value:016X}");
                        assert_eq!(upper_case(value, digits).as_str(), &text[16 - digits as usize..]);
                    }
                }
            }
        }
    }
}
