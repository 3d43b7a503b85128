//! Vectors of 32 bytes: AVX2.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi8, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_cvtsi128_si64, _mm_loadu_si128,
    _mm_maddubs_epi16, _mm_movemask_epi8, _mm_packus_epi16, _mm_set1_epi8, _mm_set1_epi16, _mm_shuffle_epi8,
    _mm256_add_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castsi256_pd, _mm256_castsi256_si128,
    _mm256_cmpeq_epi8, _mm256_cmpeq_epi64, _mm256_cmpgt_epi8, _mm256_extract_epi64, _mm256_loadu_si256,
    _mm256_maddubs_epi16, _mm256_movemask_epi8, _mm256_movemask_pd, _mm256_packus_epi16, _mm256_set_m128i,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi64x, _mm256_shuffle_epi8,
};

use super::{Digits, Vector, Work};

/// Vectors of 32 bytes. There is one only where the processor has them.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// Asks the processor, which costs nothing after the first time.
    #[inline(always)]
    pub fn detect() -> Option<Self> {
        let has =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
        has.then_some(Self(()))
    }

    /// Runs a work with the instructions of AVX2.
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
    let of = |half: &[u8; 32]| _mm256_movemask_epi8(_mm256_cmpgt_epi8(_mm256_set1_epi8(0x21), load_32(half))) as u32;
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
