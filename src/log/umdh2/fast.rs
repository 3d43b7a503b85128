//! The two line shapes that make up nearly all of a log, read straight through.
//!
//! ```text
//! 64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0
//! <TAB>776CDD82
//! ```
//!
//! Blanks and line ends of 64 bytes are found at once, and every number is between two of them. So where the next
//! line starts is known before the numbers of this one are, and the processor reads both at the same time: a chain from
//! number to number took twice as long (1 GB log, 2026-11-23). What is not exactly of these forms is not read here, but by
//! [`crate::log::line::classify`]; tests and a fuzz target hold the two together.

use crate::{
    engine::vector::{
        Form, Numbers, Vector,
        hex::{Hex, Window, bytes, long},
        without_lowest,
    },
    log::sink::{frame_keys::key_of_hex, trace_ids::TraceIds},
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
    static FORM: Form = Form::new([b" bytes + ", b" at ", b" by BackTrace"], [8, 8, 16, 14]);
    let line: &Window = text.get(at..)?.first_chunk()?;
    let Numbers { values: [requested, overhead, address], last: id, end } = FORM.numbers(vector, line)?;
    let trace_key = TraceIds::key_of_hex(id)?;
    let next = at + behind_line_end(line, end)?;
    Some(Block { requested, overhead: overhead as u32, address, trace_key, next })
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
            let end = without_lowest(breaks, 1).trailing_zeros() as usize;
            if end >= 64 {
                break;
            }
            let digits = end.wrapping_sub(place + 1);
            let next = behind_line_end(window, end);
            let (Some(next), true) = (next, window[place] == b'\t') else { return at + place };
            let Some(value) = long(vector, window, (place + 1, digits)) else { return at + place };
            let Some(key) = key_of_hex(Hex { value, digits: digits as u32 }) else { return at + place };
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
