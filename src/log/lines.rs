//! Lines of a block of text: they end in LF, CRLF or CR CR LF.

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
}
