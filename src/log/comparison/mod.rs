//! Comparisons by DHCMP (mode 1) and UMDH: what each stack held in two logs.
//!
//! ```text
//! +    5320 (  f110 -  9df0)     3a allocs<TAB>BackTrace00053
//! +      20 (    3a -    1a)<TAB>BackTrace00053<TAB>allocations       (umdh only)
//!
//! <TAB>ntdll!RtlAllocateHeap+00000274                                 (umdh, dhcmp -v)
//!
//! Total increase == 5320
//! ```
//!
//! Invariant: a row's amounts are those of its line, and its delta is `after - before` of them, whatever difference was
//! printed. A frame belongs to the last row above it.

pub mod captures;
pub mod line;
pub mod radix;
mod reader;
mod sums;

use crate::{
    error::Result,
    log::{
        comparison::{
            line::{Record, Total},
            radix::Evidence,
            reader::Reader,
        },
        lines::lines,
        sink::{Sink, TraceSlot},
        typography::restored,
    },
};

/// Which tool wrote a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// DHCMP: one line per stack.
    Dhcmp,
    /// UMDH: two lines per stack, or a total with overhead.
    Umdh,
}

impl Style {
    /// The name in `Comparison.format`.
    pub fn as_str(self) -> &'static str {
        match self {
            Style::Dhcmp => "dhcmp",
            Style::Umdh => "umdh-compare",
        }
    }
}

/// What a comparison says; its frames, stacks and issues are in the sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// In file order.
    pub rows: Vec<Row>,
    /// 10 or 16; absent if no number needs one.
    pub radix: Option<u32>,
    /// Who wrote it.
    pub style: Style,
    /// Bytes of the total line, after - before; absent without one.
    pub total_requested_delta: Option<i128>,
    /// Overhead of the total line, bytes, after - before; absent in its old form.
    pub total_overhead_delta: Option<i128>,
}

/// One stack, or one call site, of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The id as printed; absent for a call site.
    pub trace_id: Option<String>,
    /// Slot of the id; absent for a call site, and for `BackTrace0` without frames.
    pub trace: Option<TraceSlot>,
    /// Its frames: index in the piece's definitions; absent if none were printed.
    pub definition: Option<u32>,
    /// Bytes in the older log.
    pub before: u64,
    /// Bytes in the newer log.
    pub after: u64,
    /// Bytes, after - before.
    pub delta: i128,
    /// Blocks in the older log; absent without a count line.
    pub count_before: Option<u64>,
    /// Blocks in the newer log.
    pub count_after: Option<u64>,
    /// Blocks, after - before; absent without a count line.
    pub count_delta: Option<i128>,
    /// Lines before it in the piece.
    pub line: u64,
    /// Bytes before its line in the piece.
    pub byte: u64,
}

/// Reads a whole comparison into the sink's piece.
///
/// # Errors
///
/// If the radix cannot be proven, or is not the one the caller says: see [`Evidence::decide`].
pub fn read(text: &[u8], radix: Option<u32>, sink: &mut Sink) -> Result<Comparison> {
    let (text, pasted) = restored(text);
    let mut evidence = Evidence::default();
    let mut style = Style::Dhcmp;
    for (number, line) in lines(&text).enumerate() {
        if pasted == Some(line.start) {
            sink.piece.pasted = Some((number as u64, line.start as u64));
        }
        let Some(record) = Record::parse(line.bytes) else { continue };
        evidence.add(&record, line.bytes, number as u64, line.start as u64);
        if matches!(record, Record::Count { .. } | Record::Total(Total { overhead: Some(_), .. })) {
            style = Style::Umdh;
        }
    }
    let radix = evidence.decide(radix)?;
    let mut reader = Reader::new(style, radix, sink);
    for line in lines(&text) {
        reader.line(&line);
    }
    Ok(reader.finish())
}
