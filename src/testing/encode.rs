//! Lines of text become bytes of a file: line end, encoding, and a count of both.

use std::io::{self, Write};

/// What is at the end of each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// After git, or from a Unix tool.
    Lf,
    /// As Windows writes it.
    CrLf,
    /// After a bad copy.
    CrCrLf,
}

impl LineEnd {
    /// The characters.
    pub fn text(self) -> &'static str {
        match self {
            LineEnd::Lf => "\n",
            LineEnd::CrLf => "\r\n",
            LineEnd::CrCrLf => "\r\r\n",
        }
    }

    /// The line end of these characters.
    pub fn of(text: &str) -> Option<Self> {
        [LineEnd::Lf, LineEnd::CrLf, LineEnd::CrCrLf].into_iter().find(|end| end.text() == text)
    }
}

/// How characters become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Without a byte order mark.
    Utf8,
    /// With the mark `EF BB BF`.
    Utf8Marked,
    /// Little endian with the mark, as PowerShell's `>` writes.
    Utf16Le,
    /// Big endian with the mark.
    Utf16Be,
    /// One byte a character: what the tools print on a western Windows.
    Windows1252,
}

impl Encoding {
    /// All encodings, each with the name that `Snapshot.encoding` gives it.
    pub const NAMED: [(&'static str, Encoding); 5] = [
        ("utf-8", Encoding::Utf8),
        ("utf-8-sig", Encoding::Utf8Marked),
        ("utf-16-le", Encoding::Utf16Le),
        ("utf-16-be", Encoding::Utf16Be),
        ("windows-1252", Encoding::Windows1252),
    ];

    /// The encoding of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, encoding)| encoding)
    }

    fn mark(self) -> &'static [u8] {
        match self {
            Encoding::Utf8 | Encoding::Windows1252 => b"",
            Encoding::Utf8Marked => b"\xEF\xBB\xBF",
            Encoding::Utf16Le => b"\xFF\xFE",
            Encoding::Utf16Be => b"\xFE\xFF",
        }
    }

    fn encode(self, text: &str, bytes: &mut Vec<u8>) {
        match self {
            Encoding::Utf8 | Encoding::Utf8Marked => bytes.extend_from_slice(text.as_bytes()),
            Encoding::Utf16Le => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Encoding::Utf16Be => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Encoding::Windows1252 => bytes.extend_from_slice(&encoding_rs::WINDOWS_1252.encode(text).0),
        }
    }
}

/// Writes lines, and counts what it wrote.
pub(super) struct Lines<'a, W: Write> {
    out: &'a mut W,
    encoding: Encoding,
    end: LineEnd,
    text: String,
    bytes: Vec<u8>,
    pub(super) line_count: u64,
    pub(super) byte_count: u64,
}

/// Text is encoded in portions of this many bytes.
const PORTION: usize = 64 << 10;

impl<'a, W: Write> Lines<'a, W> {
    pub(super) fn new(out: &'a mut W, encoding: Encoding, end: LineEnd) -> Self {
        let bytes = encoding.mark().to_vec();
        Self { out, encoding, end, text: String::new(), bytes, line_count: 0, byte_count: 0 }
    }

    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        self.text.push_str(line);
        self.text.push_str(self.end.text());
        self.line_count += 1;
        if self.text.len() < PORTION { Ok(()) } else { self.flush() }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.encoding.encode(&self.text, &mut self.bytes);
        self.out.write_all(&self.bytes)?;
        self.byte_count += self.bytes.len() as u64;
        self.text.clear();
        self.bytes.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_as_encoded() {
        for (name, expected) in [
            ("utf-8", &b"\xC3\xA4\r\n"[..]),
            ("utf-8-sig", b"\xEF\xBB\xBF\xC3\xA4\r\n"),
            ("utf-16-le", b"\xFF\xFE\xE4\0\r\0\n\0"),
            ("utf-16-be", b"\xFE\xFF\0\xE4\0\r\0\n"),
            ("windows-1252", b"\xE4\r\n"),
        ] {
            let mut out = Vec::new();
            let mut lines = Lines::new(&mut out, Encoding::of(name).unwrap(), LineEnd::CrLf);
            lines.line("ä").unwrap();
            lines.flush().unwrap();
            assert_eq!((lines.line_count, lines.byte_count), (1, expected.len() as u64), "{name}");
            assert_eq!(out, expected, "{name}");
        }
    }
}
