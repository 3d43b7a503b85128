//! Lines of a block of text: LF, CRLF and CR CR LF, and the places where a block may be cut.

use crate::log::fields::{is_blank, trim_start};

/// One line: where it starts, and its bytes without the line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Offset of its first byte in the block.
    pub start: usize,
    /// Its bytes, without CR and LF at the end.
    pub bytes: &'a [u8],
    /// Offset of the line after it.
    pub next: usize,
    /// False if the block ends without an LF.
    pub ended: bool,
}

/// The line that starts at `start`; `None` at the end of the text.
pub fn line_at(text: &[u8], start: usize) -> Option<Line<'_>> {
    let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
    let (end, next, ended) = match memchr::memchr(b'\n', rest) {
        Some(newline) => (newline, start + newline + 1, true),
        None => (rest.len(), text.len(), false),
    };
    let mut bytes = &rest[..end];
    while let [shorter @ .., b'\r'] = bytes {
        bytes = shorter;
    }
    Some(Line { start, bytes, next, ended })
}

/// All lines of a text.
pub fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let line = line_at(text, next)?;
        next = line.next;
        Some(line)
    })
}

/// The last place where a block may end, so that no stack is torn: behind a line end, before a line that does not go on
/// with the one above it. `None` if there is no such place.
pub fn last_safe_cut(text: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'\n', text)
        .map(|newline| newline + 1)
        .find(|cut| text.get(*cut).is_some_and(|first| starts_afresh(*first, &text[*cut..])))
}

/// True for a line that does not go on with the one above it. Symbol lines may stand in the middle of a stack.
fn starts_afresh(first: u8, text: &[u8]) -> bool {
    const SYMBOLS: &[u8] = b"DBGHELP:";
    match first {
        b'D' => !text.starts_with(SYMBOLS) && !SYMBOLS.starts_with(text),
        first => !is_blank(first) || starts_a_record(text),
    }
}

/// True for an indented line that starts a record all the same: logs get pasted with a margin.
fn starts_a_record(text: &[u8]) -> bool {
    let Some(line) = line_at(text, 0) else { return false };
    let body = trim_start(line.bytes);
    line.ended
        && body.first().is_some_and(u8::is_ascii_hexdigit)
        && memchr::memmem::find(body, b" bytes ").is_some_and(|at| at <= 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_is_the_same_line_end() {
        for end in ["\n", "\r\n", "\r\r\n"] {
            let text = format!("a{end}{end}b");
            let found: Vec<&[u8]> = lines(text.as_bytes()).map(|line| line.bytes).collect();
            assert_eq!(found, [&b"a"[..], b"", b"b"], "{end:?}");
        }
    }

    #[test]
    fn cut_keeps_a_stack_with_its_record() {
        let text = b"64 bytes + 1C at 2E9FA20 by BackTrace1\n\t776CDD82\n\t7768EC66\n\n40 bytes";
        assert_eq!(last_safe_cut(text).map(|cut| &text[cut..]), Some(&b"40 bytes"[..]));
        assert_eq!(last_safe_cut(b"a\n\tb\n\tc\n"), None);
        let margin = b"  64 bytes + 1C at 2E9FA20 by BackTrace1\n  40 bytes + 1C at 2E9FA20 by BackTrace1\n";
        assert!(last_safe_cut(margin).is_some());
    }
}
