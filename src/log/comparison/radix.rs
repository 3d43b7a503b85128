//! Hexadecimal or decimal? A comparison does not say, so its numbers have to: once for the whole file, with proof.
//!
//! ```text
//! +  483328 ( 487424 -   4096)   119 allocs<TAB>BackTrace23FF      487424 - 4096 = 483328 in radix 10 only
//! ```
//!
//! In this order: a letter in an amount means 16; else the radix in which `delta = new - old` holds on every line, where
//! a line that is wrong in both is damaged and says nothing; else the radix in which the rows add up to the total, or the
//! parts of the total to its sum; else there is no proof and the caller has to say. Two lines that prove different things
//! prove nothing.

use crate::{
    error::{Error, ErrorKind, Result, excerpt},
    log::{
        comparison::line::{Change, Record, Total},
        fields::{parse_decimal, parse_hex},
    },
};

/// The value of digits; `None` if they are not of that radix, or too many for 64 bits.
pub fn value(digits: &[u8], radix: u32) -> Option<u64> {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = &digits[zeros.min(digits.len().saturating_sub(1))..];
    if radix == 10 { parse_decimal(digits) } else { parse_hex(digits).map(|hex| hex.value) }
}

/// The value of digits with a sign; `None` if they are not of that radix, or too many for 96 bits: a total may pass 64.
pub fn signed(digits: &[u8], negative: bool, radix: u32) -> Option<i128> {
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let value = i128::from_str_radix(digits, radix).ok().filter(|value| *value < 1 << 96)?;
    Some(if negative { -value } else { value })
}

const RADIXES: [u32; 2] = [10, 16];

/// A line that proves something.
#[derive(Debug, Clone)]
struct Proof {
    line: u64,
    byte: u64,
    /// Its words in an error.
    found: String,
}

/// What the lines of one kind prove: the first line that holds in radix 10 only, and in radix 16 only.
#[derive(Debug, Default)]
struct Proofs([Option<Proof>; 2]);

impl Proofs {
    fn add(&mut self, holds: [bool; 2], proof: impl FnOnce(u32) -> Proof) {
        let place = match holds {
            [true, false] => 0,
            [false, true] => 1,
            _ => return,
        };
        self.0[place].get_or_insert_with(|| proof(RADIXES[place]));
    }

    fn verdict(&self) -> Option<(u32, &Proof)> {
        match &self.0 {
            [Some(proof), None] => Some((10, proof)),
            [None, Some(proof)] => Some((16, proof)),
            _ => None,
        }
    }
}

/// Collects what the lines of a file say about their radix.
#[derive(Debug)]
pub struct Evidence {
    /// First number whose value depends on the radix.
    needed: Option<(u64, u64)>,
    letter: Option<Proof>,
    differences: Proofs,
    totals: Proofs,
    /// Sum of the differences since the last total, in either radix.
    sums: [Option<i128>; 2],
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            needed: None,
            letter: None,
            differences: Proofs::default(),
            totals: Proofs::default(),
            sums: [Some(0); 2],
        }
    }
}

impl Evidence {
    /// Takes a line with numbers; `line` counts from 0.
    pub fn add(&mut self, record: &Record<'_>, text: &[u8], line: u64, byte: u64) {
        for digits in record.numbers() {
            if digits.iter().any(u8::is_ascii_alphabetic) {
                self.letter.get_or_insert_with(|| Proof { line, byte, found: excerpt(digits) });
            }
            if value(digits, 16).is_none_or(|value| value > 9) {
                self.needed.get_or_insert((line, byte));
            }
        }
        let proof =
            |radix| Proof { line, byte, found: format!("{}, which adds up in radix {radix} only", excerpt(text)) };
        match record {
            Record::Bytes { change, .. } => {
                self.differences.add(RADIXES.map(|radix| holds(change, radix)), proof);
                self.add_to_sums(change);
            }
            Record::Count { change, .. } => self.differences.add(RADIXES.map(|radix| holds(change, radix)), proof),
            Record::Total(total) => self.total(total, proof),
        }
    }

    fn add_to_sums(&mut self, change: &Change<'_>) {
        for (sum, radix) in self.sums.iter_mut().zip(RADIXES) {
            let delta = signed(change.delta, change.negative, radix);
            *sum = sum.zip(delta).and_then(|(sum, delta)| sum.checked_add(delta));
        }
    }

    fn total(&mut self, total: &Total<'_>, proof: impl Fn(u32) -> Proof) {
        let sums = std::mem::replace(&mut self.sums, [Some(0); 2]);
        let mut adds_up = [false; 2];
        for ((adds_up, sum), radix) in adds_up.iter_mut().zip(sums).zip(RADIXES) {
            *adds_up = sum.is_some() && sum == amounts(total, radix).map(|amounts| amounts.requested);
        }
        self.totals.add(adds_up, &proof);
        if total.overhead.is_some() {
            let consistent = RADIXES.map(|radix| amounts(total, radix).is_some_and(|amounts| amounts.consistent));
            self.totals.add(consistent, &proof);
        }
    }

    /// The radix of the file; `None` if no number needs one.
    ///
    /// # Errors
    ///
    /// `RadixUnproven` if nothing decides and the caller does not say; `RadixContradicted` if the caller says one and the
    /// lines prove the other; `Option` if the caller says neither 10 nor 16.
    pub fn decide(&self, said: Option<u32>) -> Result<Option<u32>> {
        if let Some(other) = said.filter(|radix| !RADIXES.contains(radix)) {
            return Err(ErrorKind::Option { expected: "radix 10 or 16", found: other.to_string() }.into());
        }
        let Some((line, byte)) = self.needed else { return Ok(None) };
        let letter = self.letter.as_ref().map(|proof| (16, proof));
        let proven = letter.or_else(|| self.differences.verdict()).or_else(|| self.totals.verdict());
        match (proven, said) {
            (Some((radix, proof)), Some(said)) if radix != said => {
                let kind = ErrorKind::RadixContradicted { radix: said, found: proof.found.clone() };
                Err(Error::new(kind).at(proof.line + 1, proof.byte))
            }
            (Some((radix, _)), _) | (None, Some(radix)) => Ok(Some(radix)),
            (None, None) => Err(Error::new(ErrorKind::RadixUnproven).at(line + 1, byte)),
        }
    }
}

fn holds(change: &Change<'_>, radix: u32) -> bool {
    let check = || {
        let (after, before) = change.sides?;
        let delta = signed(change.delta, change.negative, radix)?;
        Some(delta == signed(after, false, radix)? - signed(before, false, radix)?)
    };
    check().unwrap_or(false)
}

/// A total in numbers: `after - before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amounts {
    /// Bytes asked for.
    pub requested: i128,
    /// Overhead; absent in the old form.
    pub overhead: Option<i128>,
    /// False if the parts do not add up to the sum that is on the line.
    pub consistent: bool,
}

/// The numbers of a total line; `None` if one of them cannot be read in that radix.
pub fn amounts(total: &Total<'_>, radix: u32) -> Option<Amounts> {
    let requested = signed(total.requested.digits, total.requested.negative != total.negative, radix)?;
    let Some((overhead, sum)) = total.overhead else {
        return Some(Amounts { requested, overhead: None, consistent: true });
    };
    let overhead = signed(overhead.digits, overhead.negative != total.negative, radix)?;
    let sum = signed(sum.digits, sum.negative != total.negative, radix)?;
    Some(Amounts { requested, overhead: Some(overhead), consistent: requested + overhead == sum })
}
