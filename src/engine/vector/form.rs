//! Lines of four hexadecimal numbers with fixed words between them.

use super::{
    Vector,
    hex::{Hex, Place, Window, bytes, two_long, two_short, word},
};

/// Three words and the four numbers around them. A word has 4 to 16 bytes, starts with a blank, and may have more of them.
#[derive(Debug)]
pub struct Form {
    words: [&'static [u8]; 3],
    most_digits: [u8; 4],
}

/// The numbers of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The first three.
    pub values: [u64; 3],
    /// The last one.
    pub last: Hex,
    /// Where it ends, before a break.
    pub end: usize,
}

impl Form {
    /// The words, and how many digits each number may have: at most 8 the first two, at most 16 the others.
    pub const fn new(words: [&'static [u8]; 3], most_digits: [u8; 4]) -> Self {
        assert!(most_digits[0] <= 8 && most_digits[1] <= 8 && most_digits[2] <= 16 && most_digits[3] <= 16);
        let mut at = 0;
        while at < words.len() {
            assert!(words[at].len() >= 4 && words[at].len() <= 16 && words[at][0] == b' ');
            at += 1;
        }
        Self { words, most_digits }
    }

    /// The numbers of a line; `None` for one that is not exactly of this form, or whose last number has no break behind it among
    /// the first 64 bytes. Blanks and line ends of 64 bytes are found at once, and every number is followed by one of them.
    #[inline(always)]
    pub fn numbers<V: Vector>(&self, vector: V, line: &Window) -> Option<Numbers> {
        let mut breaks = vector.breaks(line.first_chunk()?);
        let mut end = breaks.trailing_zeros() as usize;
        let mut places: [Place; 4] = [(0, end); 4];
        let mut differs = 0;
        for (word, place) in self.words.iter().zip(&mut places[1..]) {
            differs |= differs_from(line, end, word);
            let start = end + word.len();
            breaks = without_lowest(breaks, blanks_of(word));
            end = breaks.trailing_zeros() as usize;
            *place = (start, end.wrapping_sub(start));
        }
        let too_long = places.iter().zip(self.most_digits).any(|(place, most)| place.1 > usize::from(most));
        if differs != 0 || too_long || end == 64 {
            return None;
        }
        let (first, second) = two_short(vector, line, places[0], places[1])?;
        let (third, last) = two_long(vector, line, places[2], places[3])?;
        let last = Hex { value: last, digits: places[3].1 as u32 };
        Some(Numbers { values: [u64::from(first), u64::from(second), third], last, end })
    }
}

/// Not zero if something else than a word of 4 to 16 bytes is at a place.
#[inline(always)]
fn differs_from(line: &Window, at: usize, expected: &[u8]) -> u64 {
    let last = |count: usize| expected.len() - count;
    match (expected.first_chunk(), expected.last_chunk(), expected.first_chunk(), expected.last_chunk()) {
        (Some(start), Some(end), ..) => {
            (word(line, at) ^ u64::from_le_bytes(*start)) | (word(line, at + last(8)) ^ u64::from_le_bytes(*end))
        }
        (.., Some(start), Some(end)) => {
            let four = |at| u32::from_le_bytes(bytes(line, at));
            u64::from((four(at) ^ u32::from_le_bytes(*start)) | (four(at + last(4)) ^ u32::from_le_bytes(*end)))
        }
        _ => u64::MAX,
    }
}

/// How many breaks are in a word.
const fn blanks_of(word: &[u8]) -> u32 {
    let (mut blanks, mut at) = (0, 0);
    while at < word.len() {
        blanks += (word[at] == b' ') as u32;
        at += 1;
    }
    blanks
}

/// A mask without the lowest of its set bits, as many as asked for.
#[inline(always)]
pub fn without_lowest(bits: u64, count: u32) -> u64 {
    (0..count).fold(bits, |bits, _| bits & bits.wrapping_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::vector::{Work, each, hex::WINDOW};

    static FORM: Form = Form::new([b" bytes + ", b" at ", b" by BackTrace"], [8, 8, 16, 14]);

    #[derive(Clone, Copy)]
    struct Read<'a>(&'a Window);

    impl Work for Read<'_> {
        type Output = Option<Numbers>;

        #[inline(always)]
        fn with<V: Vector>(self, vector: V) -> Self::Output {
            FORM.numbers(vector, self.0)
        }
    }

    /// The numbers of a line, read word by word.
    fn plainly(line: &[u8]) -> Option<Numbers> {
        let mut rest = line;
        let mut take = |word: &[u8], most: usize| {
            rest = rest.strip_prefix(word)?;
            let digits = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')).count();
            let number;
            (number, rest) = rest.split_at(digits);
            let value = u64::from_str_radix(std::str::from_utf8(number).ok()?, 16).ok()?;
            (digits <= most).then_some(Hex { value, digits: digits as u32 })
        };
        let first = take(b"", 8)?.value;
        let values = [first, take(FORM.words[0], 8)?.value, take(FORM.words[1], 16)?.value];
        let last = take(FORM.words[2], 14)?;
        let end = line.len() - rest.len();
        (end < 64 && !(0x21..0x80).contains(&rest[0])).then_some(Numbers { values, last, end })
    }

    fn check(line: &[u8]) -> bool {
        let mut window = [0; WINDOW];
        window[..line.len()].copy_from_slice(line);
        let plain = plainly(&window);
        for found in each(Read(&window)) {
            assert_eq!(found, plain, "{}", line.escape_ascii());
        }
        plain.is_some()
    }

    #[test]
    fn numbers_of_every_length_are_read_up_to_the_most_digits_and_the_64th_byte() {
        let digits = "9F08A7B16C5D4E32B";
        let mut read = 0;
        for requested in 0..=9 {
            for overhead in 0..=9 {
                for address in 0..=17 {
                    for id in 0..=15 {
                        let [requested, overhead, address, id] =
                            [requested, overhead, address, id].map(|n| &digits[..n]);
                        let line = format!("{requested} bytes + {overhead} at {address} by BackTrace{id}\r\nFF");
                        read += usize::from(check(line.as_bytes()));
                    }
                }
            }
        }
        // Line ends from the 65th byte on are not seen: 26 bytes of words and more than 37 digits.
        let fits = |digits: [usize; 4]| digits.iter().sum::<usize>() < 38;
        let lengths = |most| 1..=most;
        let all = lengths(8).flat_map(|a| lengths(8).flat_map(move |b| lengths(16).map(move |c| [a, b, c])));
        let expected = all.flat_map(|[a, b, c]| lengths(14).map(move |d| [a, b, c, d])).filter(|digits| fits(*digits));
        assert_eq!(read, expected.count());
    }

    #[test]
    fn a_line_with_any_byte_changed_or_left_out_is_read_as_it_stands() {
        let line = b"64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0\r\n40 bytes + 18 at 2E9FB00 by BackTrace18D0A0D0\n";
        for place in 0..64 {
            for byte in 0..=255 {
                let mut changed = *line;
                changed[place] = byte;
                check(&changed);
            }
            check(&[&line[..place], &line[place + 1..]].concat());
            check(&[&line[place..], &line[..place]].concat());
        }
    }
}
