//! The two line shapes that make up nearly all of a log, read straight through.
//!
//! ```text
//! 64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0
//! <TAB>776CDD82
//! ```
//!
//! Blanks and line ends of 64 bytes are found at once, and every number stands between two of them. So where the next
//! line starts is known before the numbers of this one are, and the processor reads both at the same time: a chain from
//! number to number took twice as long (1 GB log, 2026-11-23). What is not exactly of these forms is not read here, but by
//! [`crate::log::line::classify`]; tests and a fuzz target hold the two together.

use crate::{
    log::{
        hex::{Hex, Window, bytes, long, two_long, two_short, word},
        trace_ids::TraceIds,
    },
    table::frames,
    vector::Vector,
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
pub fn block_at<V: Vector>(vector: V, text: &[u8], at: usize) -> Option<Block> {
    const BYTES: u64 = u64::from_le_bytes(*b" bytes +");
    const AT: u32 = u32::from_le_bytes(*b" at ");
    const BY_BACK: u64 = u64::from_le_bytes(*b" by Back");
    const BACKTRACE: u64 = u64::from_le_bytes(*b"ackTrace");
    let line: &Window = text.get(at..)?.first_chunk()?;
    let breaks = vector.breaks(line.first_chunk()?);
    // Seven blanks, then the line's end. The words between them say that it is these blanks.
    let behind_requested = breaks.trailing_zeros() as usize;
    let breaks = without::<3>(breaks);
    let behind_overhead = breaks.trailing_zeros() as usize;
    let breaks = without::<2>(breaks);
    let behind_address = breaks.trailing_zeros() as usize;
    let end = without::<2>(breaks).trailing_zeros() as usize;
    let requested = (0, behind_requested);
    let overhead = behind_requested + 9;
    let overhead = (overhead, behind_overhead.wrapping_sub(overhead));
    let address = behind_overhead + 4;
    let address = (address, behind_address.wrapping_sub(address));
    let id = behind_address + 13;
    let id = (id, end.wrapping_sub(id));
    let differs = (word(line, behind_requested) ^ BYTES)
        | u64::from(line[overhead.0 - 1] ^ b' ')
        | u64::from(u32::from_le_bytes(bytes(line, behind_overhead)) ^ AT)
        | (word(line, behind_address) ^ BY_BACK)
        | (word(line, behind_address + 5) ^ BACKTRACE);
    if differs != 0 {
        return None;
    }
    let (requested, overhead_bytes) = two_short(vector, line, requested, overhead)?;
    let (address, trace) = two_long(vector, line, address, id)?;
    let trace_key = TraceIds::key_of_hex(Hex { value: trace, digits: id.1 as u32 })?;
    let next = at + behind_line_end(line, end)?;
    Some(Block { requested: u64::from(requested), overhead: overhead_bytes, address, trace_key, next })
}

/// Reads lines of TAB `776CDD82` from `at` on, as many as follow: hands the key of each to `take`, and gives the place behind
/// the last.
#[inline(always)]
pub fn frames_at<V: Vector>(vector: V, text: &[u8], mut at: usize, mut take: impl FnMut(u64)) -> usize {
    while let Some(window) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let window: &Window = window;
        let mut breaks = window.first_chunk().map_or(0, |start| vector.breaks(start));
        let mut place = 0;
        loop {
            // The first break is the TAB's own.
            let end = without::<1>(breaks).trailing_zeros() as usize;
            if end >= 64 {
                break;
            }
            let digits = end.wrapping_sub(place + 1);
            let next = behind_line_end(window, end);
            let (Some(next), true) = (next, window[place] == b'\t') else { return at + place };
            let Some(value) = long(vector, window, (place + 1, digits)) else { return at + place };
            let Some(key) = frames::key_of_hex(Hex { value, digits: digits as u32 }) else { return at + place };
            take(key);
            place = next;
            if next >= 64 {
                break;
            }
            breaks &= u64::MAX << next;
        }
        if place == 0 {
            break;
        }
        at += place;
    }
    at
}

/// All but the lowest bits that are set.
#[inline(always)]
fn without<const COUNT: usize>(bits: u64) -> u64 {
    (0..COUNT).fold(bits, |bits, _| bits & bits.wrapping_sub(1))
}

/// The place behind a line end, LF, CRLF or CR CR LF, that starts here.
#[inline(always)]
fn behind_line_end(line: &Window, at: usize) -> Option<usize> {
    const CRLF: u16 = u16::from_le_bytes(*b"\r\n");
    const CRCR: u16 = u16::from_le_bytes(*b"\r\r");
    // One comparison for the line ends of Windows.
    match u16::from_le_bytes(bytes(line, at)) {
        CRLF => Some(at + 2),
        CRCR => (bytes(line, at + 2) == *b"\n").then_some(at + 3),
        other => (other as u8 == b'\n').then_some(at + 1),
    }
}
