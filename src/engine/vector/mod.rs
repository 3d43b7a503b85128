//! Many bytes at a time: the few operations that reading a log spends most of its time in.
//!
//! [`Avx2`] does them by vector instructions that nearly every x86-64 processor since 2013 has, [`Words`] by words of eight bytes
//! on every other. [`widest`] chooses when the program runs. Tests hold both against the plain reading.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod form;
pub mod hex;
mod words;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
pub use form::{Form, Numbers, without_lowest};
pub use words::Words;

/// What can be done to many bytes at once.
pub trait Vector: Copy {
    /// Which of 64 bytes are blanks, tabs, line ends or anything else that is not printed in ASCII: the lowest bit is the first
    /// byte.
    fn breaks(self, bytes: &[u8; 64]) -> u64;

    /// Sixteen bytes as hexadecimal digits.
    fn digits(self, bytes: [u8; 16]) -> Digits;

    /// Twice sixteen bytes as hexadecimal digits.
    fn digits_of_two(self, bytes: [[u8; 16]; 2]) -> [Digits; 2];

    /// Which of four words are equal to another: the lowest bit is the first word.
    fn equal(self, words: &[u64; 4], word: u64) -> u32;
}

/// What sixteen bytes are as hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// Which of them are `0-9A-F`: the lowest bit is the first byte.
    pub valid: u32,
    /// All of them as digits, first one highest. What stands for a byte that is no digit means nothing.
    pub value: u64,
}

/// A work whose vectors are chosen when it is done.
pub trait Work {
    /// What it gives.
    type Output;

    /// Does it. Inlined everywhere, or the vector instructions are called one by one.
    fn with<V: Vector>(self, vector: V) -> Self::Output;
}

/// Runs a work on the widest vectors that this processor has.
#[inline(always)]
pub fn widest<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(vector) = Avx2::detect() {
        return vector.run(work);
    }
    work.with(Words)
}

/// Runs a work on each kind of vectors that this processor has, one after the other: for tests.
#[cfg(any(test, feature = "internals"))]
pub fn each<W: Work + Copy>(work: W) -> Vec<W::Output> {
    let mut outputs = vec![work.with(Words)];
    #[cfg(target_arch = "x86_64")]
    outputs.extend(Avx2::detect().map(|vector| vector.run(work)));
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Everything<'a>(&'a [u8; 64]);

    #[derive(Debug, PartialEq)]
    struct Found {
        breaks: u64,
        digits: [Digits; 3],
        equal: u32,
    }

    impl Work for Everything<'_> {
        type Output = Found;

        #[inline(always)]
        fn with<V: Vector>(self, vector: V) -> Found {
            let sixteen: [[u8; 16]; 4] = std::array::from_fn(|part| std::array::from_fn(|at| self.0[16 * part + at]));
            let words = sixteen.map(|bytes| u128::from_le_bytes(bytes) as u64);
            let [second, third] = vector.digits_of_two([sixteen[1], sixteen[2]]);
            let digits = [vector.digits(sixteen[0]), second, third].map(|found| Digits {
                valid: found.valid,
                value: (0..16)
                    .filter(|at| found.valid >> at & 1 == 1)
                    .map(|at| found.value & 0xF << (60 - 4 * at))
                    .sum(),
            });
            Found { breaks: vector.breaks(self.0), digits, equal: vector.equal(&words, words[2]) }
        }
    }

    fn plainly(bytes: &[u8; 64]) -> Found {
        let flags =
            |of: &[u8], is: &dyn Fn(u8) -> bool| (0..of.len()).filter(|at| is(of[*at])).map(|at| 1u64 << at).sum();
        let digits = [0, 1, 2].map(|part| {
            let bytes = &bytes[16 * part..16 * part + 16];
            let digit = |at: usize| match bytes[at] {
                byte @ (b'0'..=b'9' | b'A'..=b'F') => char::from(byte).to_digit(16),
                _ => None,
            };
            Digits {
                valid: (0..16).filter(|at| digit(*at).is_some()).map(|at| 1 << at).sum(),
                value: (0..16).map(|at| u64::from(digit(at).unwrap_or(0)) << (60 - 4 * at)).sum(),
            }
        });
        let word = |at: usize| &bytes[16 * at..16 * at + 8];
        Found {
            breaks: flags(bytes, &|byte| !(0x21..0x80).contains(&byte)),
            digits,
            equal: (0..4).filter(|at| word(*at) == word(2)).map(|at| 1 << at).sum(),
        }
    }

    #[test]
    fn every_vector_finds_what_the_plain_reading_finds_whatever_byte_stands_where() {
        for place in 0..64 {
            for byte in 0..=255u8 {
                let mut text = *b"A1B2C3D4E5F60718 bytes + 18\r\n0BD5A1B2C3D4E5F60718BackTrace0A9F\tF";
                text[place] = byte;
                let plain = plainly(&text);
                assert!(each(Everything(&text)).iter().all(|found| *found == plain), "{byte} at {place}");
            }
        }
    }
}
