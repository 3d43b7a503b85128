//! Vectors of 64 bytes: AVX-512 with its instructions for bytes (VBMI and VBMI2), which Intel's processors for servers have since
//! 2021 and AMD's since 2022.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi128_si64, _mm_extract_epi64, _mm256_castsi256_si128, _mm256_extracti128_si256, _mm512_add_epi8,
    _mm512_and_si512, _mm512_castsi512_si256, _mm512_cmpge_epi8_mask, _mm512_cmpgt_epi8_mask, _mm512_cmplt_epi8_mask,
    _mm512_loadu_si512, _mm512_maddubs_epi16, _mm512_mask_add_epi8, _mm512_mask_cmpgt_epu8_mask,
    _mm512_mask_cmpneq_epi8_mask, _mm512_maskz_add_epi8, _mm512_maskz_compress_epi8, _mm512_maskz_permutexvar_epi8,
    _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_shuffle_epi8, _mm512_sub_epi8, _pdep_u64,
};

use super::{
    Avx2, Digits, Form, Numbers, Vector, Work,
    avx2::PAIRS,
    form::blanks_of,
    hex::{Hex, Window},
};

/// Vectors of 64 bytes. There is one only where the processor has them.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(Avx2);

impl Avx512 {
    /// Asks the processor, which costs nothing after the first time.
    #[inline(always)]
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("popcnt");
        Avx2::detect().filter(|_| has).map(Self)
    }

    /// Does a work with all the instructions at hand.
    #[inline(always)]
    pub fn run<W: Work>(self, work: W) -> W::Output {
        // SAFETY: `self` is there, so the processor has the instructions.
        unsafe { run(self, work) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2")]
fn run<W: Work>(vector: Avx512, work: W) -> W::Output {
    work.with(vector)
}

impl Vector for Avx512 {
    #[inline(always)]
    fn breaks(self, bytes: &[u8; 64]) -> u64 {
        // SAFETY: `self` is there, so the processor has the instructions.
        unsafe { breaks(load(bytes)) }
    }

    #[inline(always)]
    fn digits(self, bytes: [u8; 16]) -> Digits {
        self.0.digits(bytes)
    }

    #[inline(always)]
    fn digits_of_two(self, bytes: [[u8; 16]; 2]) -> [Digits; 2] {
        self.0.digits_of_two(bytes)
    }

    #[inline(always)]
    fn equal(self, words: &[u64; 4], word: u64) -> u32 {
        self.0.equal(words, word)
    }

    #[inline(always)]
    fn numbers(self, line: &Window, form: &Form) -> Option<Numbers> {
        // SAFETY: as above.
        unsafe { numbers(line.first_chunk()?, &form.tables) }
    }
}

/// A [`Form`] as bytes to look up: every number has a lane of sixteen bytes, the last of which is its last digit; words stand one
/// behind the other.
#[derive(Debug)]
#[repr(align(64))]
pub struct Tables {
    /// For each byte of a number, which break ends it.
    end: [u8; 64],
    /// Which break the word before the number starts with, and how long the word is.
    word_before: [u8; 64],
    word_length: [u8; 64],
    /// One less than the most digits of a number.
    longest: [u8; 64],
    /// For each byte of a word, which break the word starts with, how far it stands from there, and what it is.
    word: [u8; 64],
    in_word: [u8; 64],
    text: [u8; 64],
    /// Bytes of words.
    in_words: u64,
    /// The break that ends the last number.
    line_end: u32,
}

impl Tables {
    pub(super) const fn new(words: [&[u8]; 3], most_digits: [u8; 4]) -> Self {
        const NONE: [u8; 64] = [0; 64];
        let mut tables = Self {
            end: NONE,
            word_before: NONE,
            word_length: NONE,
            longest: NONE,
            word: NONE,
            in_word: NONE,
            text: NONE,
            in_words: 0,
            line_end: 0,
        };
        let (mut number, mut words_end) = (0, 0);
        while number < most_digits.len() {
            let (mut word, start): (&[u8], _) = (&[], tables.line_end as u8);
            if number > 0 {
                word = words[number - 1];
                let mut at = 0;
                while at < word.len() {
                    tables.word[words_end] = start;
                    tables.in_word[words_end] = at as u8;
                    tables.text[words_end] = word[at];
                    (words_end, at) = (words_end + 1, at + 1);
                }
                tables.line_end += blanks_of(word);
            }
            let mut digit = 0;
            while digit < 16 {
                let at = number * 16 + digit;
                tables.end[at] = tables.line_end as u8;
                tables.word_before[at] = start;
                tables.word_length[at] = word.len() as u8;
                tables.longest[at] = most_digits[number] - 1;
                digit += 1;
            }
            number += 1;
        }
        tables.in_words = (1 << words_end) - 1;
        tables
    }
}

/// The place of each byte.
static PLACES: [u8; 64] = {
    let (mut bytes, mut at) = ([0; 64], 0);
    while at < 64 {
        bytes[at] = at as u8;
        at += 1;
    }
    bytes
};
/// The even bytes of each lane, last one first.
static PAIRS_SWAPPED: [u8; 64] = {
    let (mut bytes, mut at) = ([0; 64], 0);
    while at < 32 {
        bytes[at] = (at / 8 * 16 + 14 - at % 8 * 2) as u8;
        at += 1;
    }
    bytes
};
/// How far each byte of a lane stands from the lane's end.
static FROM_END: [u8; 64] = {
    let (mut bytes, mut at) = ([0; 64], 0);
    while at < 64 {
        bytes[at] = (at as u8 % 16).wrapping_sub(16);
        at += 1;
    }
    bytes
};
/// The last byte of each lane.
const LAST_DIGITS: u64 = 0x8000_8000_8000_8000;
/// All lanes but the first, whose number has no word before it.
const NOT_FIRST: u64 = u64::MAX << 16;
static ALPHABET: [u8; 64] = *b"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF";

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are there, and they need not be aligned.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn breaks(bytes: __m512i) -> u64 {
    // The comparison is signed: bytes from 0x80 on are below every printed one.
    _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(0x21))
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2")]
fn numbers(line: &[u8; 64], form: &Tables) -> Option<Numbers> {
    let line = load(line);
    let breaks = breaks(line);
    // A break that is not there stands at place 0, where no number ends.
    let places = _mm512_maskz_compress_epi8(breaks, load(&PLACES));
    let ends = _mm512_permutexvar_epi8(load(&form.end), places);
    let words = _mm512_permutexvar_epi8(load(&form.word_before), places);
    let starts = _mm512_maskz_add_epi8(NOT_FIRST, words, load(&form.word_length));
    let at = _mm512_add_epi8(ends, load(&FROM_END));
    let inside = _mm512_cmpge_epi8_mask(at, starts);
    let text = _mm512_maskz_permutexvar_epi8(inside, at, line);
    let before_last = _mm512_sub_epi8(at, starts);
    let wrong_length = _mm512_mask_cmpgt_epu8_mask(LAST_DIGITS, before_last, load(&form.longest));
    let letters = _mm512_cmpgt_epi8_mask(text, _mm512_set1_epi8(0x40));
    let all_bits = _mm512_mask_add_epi8(text, letters, text, _mm512_set1_epi8(9));
    let nibbles = _mm512_and_si512(all_bits, _mm512_set1_epi8(0x0F));
    // A digit is what would be printed for its value.
    let printed = _mm512_shuffle_epi8(load(&ALPHABET), nibbles);
    let wrong_digit = _mm512_mask_cmpneq_epi8_mask(inside, printed, text);
    // Places go round behind the line, but a word there has no room for the number behind it.
    let words_at = _mm512_add_epi8(_mm512_permutexvar_epi8(load(&form.word), places), load(&form.in_word));
    let words = _mm512_permutexvar_epi8(words_at, line);
    let wrong_word = _mm512_mask_cmpneq_epi8_mask(form.in_words, words, load(&form.text));
    if wrong_length | wrong_digit | wrong_word != 0 {
        return None;
    }
    let pairs = _mm512_maddubs_epi16(nibbles, _mm512_set1_epi16(PAIRS));
    let values = _mm512_castsi512_si256(_mm512_permutexvar_epi8(load(&PAIRS_SWAPPED), pairs));
    let (first, last) = (_mm256_castsi256_si128(values), _mm256_extracti128_si256::<1>(values));
    let low = |half| _mm_cvtsi128_si64(half) as u64;
    let high = |half| _mm_extract_epi64::<1>(half) as u64;
    Some(Numbers {
        values: [low(first), high(first), low(last)],
        last: Hex { value: high(last), digits: (inside >> 48).count_ones() },
        end: _pdep_u64(1 << form.line_end, breaks).trailing_zeros() as usize,
    })
}
