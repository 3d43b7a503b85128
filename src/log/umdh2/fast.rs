//! The two line shapes that make up nearly all of a log, read straight through.
//!
//! ```text
//! 64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0
//! <TAB>776CDD82
//! ```
//!
//! Blanks and line feeds of 64 bytes are found at once, and every number stands between two of them. So where the next
//! line starts is known before the numbers of this one are, and the processor reads both at the same time: a chain from
//! number to number took twice as long (1 GB log, 2026-11-23). What is not exactly of these forms is not read here, but by
//! [`crate::log::line::classify`]; tests and a fuzz target hold the two together.

use crate::{
    log::{
        hex::{Hex, Window, hex_between, marks, two_short, word},
        trace_ids::TraceIds,
    },
    table::frames,
};

/// A block line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Bytes asked for, below 2^32.
    pub requested: u64,
    /// Bytes of overhead.
    pub overhead: u32,
    /// Address.
    pub address: u64,
    /// Packed trace id.
    pub trace_key: u64,
    /// Where the next line starts.
    pub next: usize,
}

/// Reads `64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0`; `None` for everything that is not exactly of that form, with
/// sizes below 2^32 and in 64 bytes at most.
#[inline(always)]
pub fn block_at(text: &[u8], at: usize) -> Option<Block> {
    const BYTES: u64 = u64::from_le_bytes(*b" bytes +");
    const BY_BACK: u64 = u64::from_le_bytes(*b" by Back");
    const BACKTRACE: u64 = u64::from_le_bytes(*b"ackTrace");
    const AT: u32 = u32::from_le_bytes(*b" at ");
    let line: &Window = text.get(at..)?.first_chunk()?;
    let marks = marks(line);
    let length = |start: usize| (marks.blanks >> (start & 63)).trailing_zeros() as usize;
    let end = marks.newlines.trailing_zeros() as usize;
    let requested = length(0);
    let overhead_at = requested + 9;
    if requested > 8 || word(line, requested) != BYTES || line[overhead_at - 1] != b' ' {
        return None;
    }
    let overhead = length(overhead_at);
    let behind = overhead_at + overhead;
    if overhead > 8 || word(line, behind) as u32 != AT {
        return None;
    }
    let address_at = behind + 4;
    let address = length(address_at);
    let behind = address_at + address;
    let id_at = behind + 13;
    if address > 16 || word(line, behind) != BY_BACK || word(line, behind + 5) != BACKTRACE || end >= 64 {
        return None;
    }
    let id = line_length(line, end).checked_sub(id_at)?;
    let (requested, overhead) = two_short(line, (0, requested), (overhead_at, overhead))?;
    let address = hex_between(line, address_at, address)?;
    let trace_key = TraceIds::key_of_hex(Hex { value: hex_between(line, id_at, id)?, digits: id as u32 })?;
    Some(Block { requested: u64::from(requested), overhead, address, trace_key, next: at + end + 1 })
}

/// Reads lines of TAB `776CDD82` from `at` on, as many as follow: pushes the key of each and gives the place behind the last.
#[inline(always)]
pub fn frames_at(text: &[u8], mut at: usize, end: usize, keys: &mut Vec<u64>) -> usize {
    while let Some(window) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let mut newlines = marks(window).newlines;
        let start = at;
        while newlines != 0 {
            let place = at - start;
            let next = newlines.trailing_zeros() as usize;
            newlines &= newlines - 1;
            let digits = line_length(window, next).wrapping_sub(place + 1);
            if window[place] != b'\t' || start + next >= end {
                return at;
            }
            let Some(value) = hex_between(window, place + 1, digits) else { return at };
            let Some(key) = frames::key_of_hex(Hex { value, digits: digits as u32 }) else { return at };
            keys.push(key);
            at = start + next + 1;
        }
        if at == start {
            break;
        }
    }
    at
}

/// Where the text of a line ends that has its line feed here: LF, CRLF or CR CR LF.
#[inline(always)]
fn line_length(line: &Window, newline: usize) -> usize {
    let returns = |at: usize| line[at & 63] == b'\r' && at < 64;
    match (returns(newline.wrapping_sub(1)), returns(newline.wrapping_sub(2))) {
        (false, _) => newline,
        (true, false) => newline - 1,
        (true, true) => newline - 2,
    }
}
