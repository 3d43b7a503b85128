//! Many bytes at a time: the few operations that reading a log spends most of its time in.
//!
//! [`Avx2`] does them by the vector instructions that nearly every x86-64 processor since 2013 has, [`Words`] by words of eight
//! bytes, on every other. [`widest`] chooses when the program runs. Tests hold both against the plain reading.

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

/// Does a work by the widest vectors that this processor has.
#[inline(always)]
pub fn widest<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(vector) = Avx2::detect() {
        return vector.run(work);
    }
    work.with(Words)
}

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_add_epi8, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_cvtsi128_si64,
        _mm_loadu_si128, _mm_maddubs_epi16, _mm_movemask_epi8, _mm_packus_epi16, _mm_set1_epi8, _mm_set1_epi16,
        _mm_shuffle_epi8, _mm256_add_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castsi256_pd,
        _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cmpeq_epi64, _mm256_cmpgt_epi8, _mm256_extract_epi64,
        _mm256_loadu_si256, _mm256_maddubs_epi16, _mm256_movemask_epi8, _mm256_movemask_pd, _mm256_packus_epi16,
        _mm256_set_m128i, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi64x, _mm256_shuffle_epi8,
    };

    use super::{Digits, Vector, Work};

    /// Vectors of 32 bytes. There is one only where the processor has them.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx2(());

    impl Avx2 {
        /// Asks the processor, which costs nothing after the first time.
        #[inline(always)]
        pub fn detect() -> Option<Self> {
            let has = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2");
            has.then_some(Self(()))
        }

        /// Does a work with all the instructions at hand.
        #[inline(always)]
        pub fn run<W: Work>(self, work: W) -> W::Output {
            // SAFETY: `self` is there, so the processor has the instructions.
            unsafe { run(self, work) }
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    fn run<W: Work>(vector: Avx2, work: W) -> W::Output {
        work.with(vector)
    }

    impl Vector for Avx2 {
        #[inline(always)]
        fn breaks(self, bytes: &[u8; 64]) -> u64 {
            // SAFETY: `self` is there, so the processor has the instructions; the same for the ones below.
            unsafe { breaks(bytes) }
        }

        #[inline(always)]
        fn digits(self, bytes: [u8; 16]) -> Digits {
            // SAFETY: as above.
            unsafe { digits(&bytes) }
        }

        #[inline(always)]
        fn digits_of_two(self, bytes: [[u8; 16]; 2]) -> [Digits; 2] {
            // SAFETY: as above.
            unsafe { digits_of_two(&bytes) }
        }

        #[inline(always)]
        fn equal(self, words: &[u64; 4], word: u64) -> u32 {
            // SAFETY: as above.
            unsafe { equal(words, word) }
        }
    }

    const ALPHABET: &[u8; 16] = b"0123456789ABCDEF";
    /// Multiplies the first of two digits by sixteen and adds the second.
    const PAIRS: i16 = 0x0110;

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: sixteen bytes are there, and they need not be aligned.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_32<T>(values: &T) -> __m256i {
        const { assert!(size_of::<T>() >= 32) }
        // SAFETY: 32 bytes are there, and they need not be aligned.
        unsafe { _mm256_loadu_si256(std::ptr::from_ref(values).cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn breaks(bytes: &[u8; 64]) -> u64 {
        // The comparison is signed: bytes from 0x80 on are below every printed one.
        let of =
            |half: &[u8; 32]| _mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x21), load_32(half))) as u32;
        let [first, second] = [0, 32].map(|at| bytes[at..].first_chunk().map_or(0, of));
        u64::from(second) << 32 | u64::from(first)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn digits(bytes: &[u8; 16]) -> Digits {
        let bytes = load(bytes);
        let letters = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(0x40));
        let all_bits = _mm_add_epi8(bytes, _mm_and_si128(letters, _mm_set1_epi8(9)));
        let nibbles = _mm_and_si128(all_bits, _mm_set1_epi8(0x0F));
        // A digit is what would be printed for its value.
        let printed = _mm_shuffle_epi8(load(ALPHABET), nibbles);
        let valid = _mm_movemask_epi8(_mm_cmpeq_epi8(printed, bytes)) as u32;
        let pairs = _mm_maddubs_epi16(nibbles, _mm_set1_epi16(PAIRS));
        let value = _mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs)) as u64;
        Digits { valid, value: value.swap_bytes() }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn digits_of_two(bytes: &[[u8; 16]; 2]) -> [Digits; 2] {
        let bytes = _mm256_set_m128i(load(&bytes[1]), load(&bytes[0]));
        let letters = _mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(0x40));
        let all_bits = _mm256_add_epi8(bytes, _mm256_and_si256(letters, _mm256_set1_epi8(9)));
        let nibbles = _mm256_and_si256(all_bits, _mm256_set1_epi8(0x0F));
        let printed = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load(ALPHABET)), nibbles);
        let valid = _mm256_movemask_epi8(_mm256_cmpeq_epi8(printed, bytes)) as u32;
        let pairs = _mm256_maddubs_epi16(nibbles, _mm256_set1_epi16(PAIRS));
        let packed = _mm256_packus_epi16(pairs, pairs);
        let first = _mm_cvtsi128_si64(_mm256_castsi256_si128(packed)) as u64;
        let second = _mm256_extract_epi64::<2>(packed) as u64;
        [
            Digits { valid: valid & 0xFFFF, value: first.swap_bytes() },
            Digits { valid: valid >> 16, value: second.swap_bytes() },
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal(words: &[u64; 4], word: u64) -> u32 {
        let equal = _mm256_cmpeq_epi64(load_32(words), _mm256_set1_epi64x(word as i64));
        _mm256_movemask_pd(_mm256_castsi256_pd(equal)) as u32
    }
}

/// Words of eight bytes, on every processor.
#[derive(Debug, Clone, Copy)]
pub struct Words;

impl Vector for Words {
    #[inline(always)]
    fn breaks(self, bytes: &[u8; 64]) -> u64 {
        let (words, _) = bytes.as_chunks();
        words.iter().rev().fold(0, |breaks, word| breaks << 8 | u64::from(words::breaks(u64::from_le_bytes(*word))))
    }

    #[inline(always)]
    fn digits(self, bytes: [u8; 16]) -> Digits {
        let all = u128::from_le_bytes(bytes);
        let (first, second) = (all as u64, (all >> 64) as u64);
        Digits {
            valid: words::digits(first) | words::digits(second) << 8,
            value: words::value(first) << 32 | words::value(second),
        }
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

mod words {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

    /// The high bit of each byte, first one lowest.
    fn packed(high_bits: u64) -> u32 {
        ((high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    }

    /// Which bytes are below `0x21` or above `0x7F`.
    pub fn breaks(word: u64) -> u32 {
        // A byte cut to seven bits has the high bit in the sum from 0x21 on, and nothing is carried into its neighbour.
        let printed = (word & !HIGH_BITS) + 0x5F5F_5F5F_5F5F_5F5F;
        packed((!printed | word) & HIGH_BITS)
    }

    /// Which bytes are `0-9A-F`.
    pub fn digits(word: u64) -> u32 {
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
    pub fn value(word: u64) -> u64 {
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

    /// Does the same by all vectors of this machine.
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
                assert_eq!(widest(Everything(&text)), plain);
                assert_eq!(Everything(&text).with(Words), plain);
            }
        }
    }
}
