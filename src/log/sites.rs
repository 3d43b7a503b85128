//! Bytes per call site of one log: what DHCMP calls mode 2. No public document shows its layout; this one is ours.
//!
//! ```text
//! // heapdelta call sites, layout 1: BYTES bytes COUNT allocs TAB CALL SITE; 0x marks hexadecimal
//!     0x5320 bytes     0x3a allocs<TAB>app!Cache::insert+0x1e (cache.cpp, 42)
//!      21280 bytes       58 allocs<TAB>app!Cache::insert+0x1e (cache.cpp, 42)
//! ```
//!
//! Each number says its own radix, so lines can be taken out of the file and read alone. No line of DH or UMDH has `bytes`
//! before a number and `allocs`, and no comparison has `bytes`. Everything behind `allocs` is the name. There is no total:
//! bytes count for every call site of their stack, so the lines do not add up to anything.
//!
//! Invariant: each line is one allocation whose stack is the call site alone.

use crate::log::{
    comparison, console, cut,
    fields::{next_token, parse_0x, parse_decimal, trim},
    line::{Line, classify},
    lines::{self, lines},
    sink::{Allocation, HeapEvent, Issue, SectionLine, Severity, Sink},
    typography::restored,
};

/// First line of the layout.
pub const HEADER: &str =
    "// heapdelta call sites, layout 1: BYTES bytes COUNT allocs TAB CALL SITE; 0x marks hexadecimal";

const TITLE: &[u8] = b"// heapdelta call sites, layout ";

/// A line of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site<'a> {
    /// Bytes asked for in stacks that pass the call site.
    pub bytes: u64,
    /// Blocks.
    pub count: u64,
    /// The call site.
    pub name: &'a [u8],
}

impl<'a> Site<'a> {
    /// Reads a line; `None` for any other.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (bytes, rest) = next_token(line);
        let (word, rest) = next_token(rest);
        let (count, rest) = next_token(rest);
        let (other, name) = next_token(rest);
        let name = trim(name);
        let number = |token| parse_0x(token).map(|hex| hex.value).or_else(|| parse_decimal(token));
        let fits = word == b"bytes" && other == b"allocs" && !name.is_empty();
        fits.then_some(Site { bytes: number(bytes)?, count: number(count)?, name })
    }
}

/// True for a line that decides that a file is of this layout.
pub fn decides(line: &[u8]) -> bool {
    line.starts_with(TITLE) || Site::parse(line).is_some()
}

/// Reads a block of text into the sink's piece; `last` says that the file ends with it.
pub fn read(text: &[u8], last: bool, sink: &mut Sink) {
    let (text, pasted) = restored(text);
    for line in lines(&text) {
        let number = sink.piece.lines.total();
        if pasted == Some(line.start) {
            sink.piece.pasted = Some((number, line.start as u64));
        }
        match Site::parse(line.bytes) {
            Some(site) => {
                take(&site, &line, number, sink);
                if last && !line.ended {
                    cut(&line, number, sink);
                }
            }
            None => other(&line, number, sink),
        }
    }
}

fn take(site: &Site<'_>, line: &lines::Line<'_>, number: u64, sink: &mut Sink) {
    let Ok(allocation_count) = u32::try_from(site.count) else {
        return sink.unreadable(number, line.start as u64, line.bytes);
    };
    let is_first = sink.heap_bases.is_empty();
    sink.enter_heap(None);
    if is_first {
        sink.heap_event(number, HeapEvent::Open);
    }
    let slot = sink.site(site.name, number);
    let allocation = Allocation {
        address: None,
        requested_bytes: site.bytes,
        overhead_bytes: None,
        allocation_count,
        trace: Some(slot),
        inferred: false,
    };
    sink.allocation(allocation);
    sink.frame(site.name);
    sink.define(slot, number, false, false);
    sink.piece.lines.rows += 1;
}

fn other(line: &lines::Line<'_>, number: u64, sink: &mut Sink) {
    if trim(line.bytes).is_empty() {
        sink.piece.lines.blank += 1;
        return;
    }
    let is_comment = matches!(classify(line.bytes), Line::Comment(_) | Line::Module { .. });
    // There may be prose above the first row, and decoration anywhere.
    let prose = sink.heap_bases.is_empty() && !console::is_like_data(line.bytes);
    if !is_comment && !prose && !console::is_decoration(line.bytes) {
        if comparison::line::decides(line.bytes) {
            sink.comparison_row(number, line.start as u64, line.bytes);
        }
        return sink.unreadable(number, line.start as u64, line.bytes);
    }
    let text = sink.text(line.bytes);
    if line.bytes.starts_with(TITLE) {
        sink.piece.lines.structure += 1;
        if next_token(&line.bytes[TITLE.len()..]).0 != b"1:" {
            let action = "read as layout 1; a newer heapdelta wrote it";
            issue("unknown_layout", line, number, text, action, sink);
        }
        return;
    }
    sink.piece.lines.preamble += 1;
    let section = "preamble".to_owned();
    let kind = if is_comment { "comment" } else { "console" };
    sink.piece.sections.push(SectionLine { section, line: number, kind, text, tokens: None });
}

fn cut(line: &lines::Line<'_>, number: u64, sink: &mut Sink) {
    let text = sink.text(line.bytes);
    issue("cut_line", line, number, text, cut::WORDS, sink);
}

fn issue(kind: &'static str, line: &lines::Line<'_>, number: u64, text: String, action: &'static str, sink: &mut Sink) {
    let (severity, byte) = (Severity::Warning, line.start as u64);
    sink.issue(Issue { severity, kind, line: Some(number), byte: Some(byte), text, action });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_says_its_radix() {
        let site = Site::parse(b"    0x5320 bytes       58 allocs\tapp!operator new+0x1e (a b.cpp, 4)").unwrap();
        assert_eq!((site.bytes, site.count), (0x5320, 58));
        assert_eq!(site.name, b"app!operator new+0x1e (a b.cpp, 4)");
        assert_eq!(Site::parse(b"5a bytes 1 allocs\tapp!f"), None, "a letter needs 0x");
        assert_eq!(Site::parse(b"64 bytes + 1C at 2E9FA20 by BackTrace1"), None);
    }

    #[test]
    fn call_sites_become_stacks_of_one_frame_without_an_id() {
        let text = format!("{HEADER}\n0x20 bytes 2 allocs\tapp!f+1\n16 bytes 1 allocs\tapp!f+1\n");
        let mut sink = Sink::new(true);
        sink.begin_piece(0);
        read(text.as_bytes(), true, &mut sink);
        assert_eq!(sink.piece.sums.len(), 2);
        assert_eq!(sink.traces.len(), 1, "one name, one slot");
        assert!(!sink.trace_ids.write(sink.traces[0].key, &mut String::new()), "no id");
        assert_eq!(sink.piece.definitions.len(), 2);
        assert_eq!((sink.piece.lines.rows, sink.piece.lines.structure), (2, 1));
    }
}
