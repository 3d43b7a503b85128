//! Lines of a block of text: LF, CRLF and CR CR LF, and the places where a block may be cut.

use crate::log::{
    fields::{is_blank, trim_start},
    typography::restored_line,
};

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

/// A line that is being read, and where it is in its piece.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Lines of the piece before it.
    pub line: u64,
    /// Its first byte in the text of the piece.
    pub byte: u64,
    /// The line.
    pub text: &'a [u8],
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

/// The last place where a block may end, so that no stack is torn: behind a line end, before a record. `None` if there is no
/// such place. Whatever else there is may be in the middle of a stack.
pub fn last_safe_cut(text: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'\n', text).map(|newline| newline + 1).find(|cut| {
        let rest = &text[*cut..];
        let may_be_one =
            |first: &u8| first.is_ascii_hexdigit() || is_blank(*first) || !first.is_ascii() || *first == b'&';
        rest.first().is_some_and(may_be_one)
            && line_at(rest, 0).is_some_and(|line| {
                let restored = || restored_line(line.bytes).is_some_and(|line| starts_a_record(&line));
                line.ended && (starts_a_record(line.bytes) || restored())
            })
    })
}

/// True for a line that begins as a record does, with a number and `bytes`: it ends the stack above it, whatever follows.
pub fn starts_a_record(line: &[u8]) -> bool {
    let body = trim_start(line);
    let body = body.strip_prefix(b"0x").unwrap_or(body);
    let digits = body.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    digits > 0 && trim_start(&body[digits..]).starts_with(b"bytes ") && is_blank(body[digits])
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
        let text = b"64 bytes + 1C at 2E9FA20 by BackTrace1\n\t776CDD82\n\t7768EC66\n\n40 bytes + 1\n\t7";
        assert_eq!(last_safe_cut(text).map(|cut| &text[cut..]), Some(&b"40 bytes + 1\n\t7"[..]));
        assert_eq!(last_safe_cut(&text[..text.len() - 3]), None, "a line that may go on");
        assert_eq!(last_safe_cut(b"a\n\tb\n\tc\n"), None);
        let margin = b"  64 bytes + 1C at 2E9FA20 by BackTrace1\n  40 bytes + 1C at 2E9FA20 by BackTrace1\n";
        assert!(last_safe_cut(margin).is_some());
    }
}
