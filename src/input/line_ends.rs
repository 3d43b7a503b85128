//! Text whose lines end in CR alone, as old programs and some editors write it, gets an LF in the place of each.
//!
//! Invariant: the text keeps its length, so places in it stay places in the input. Text with an LF near its start is handed on
//! as it is.

use std::io::{self, Read};

/// Bytes at the start in which an LF is looked for.
const SAMPLE: usize = 64 << 10;

/// A reader of text over a reader of text with either line end.
pub struct LineEnds<'a> {
    reader: Box<dyn Read + Send + 'a>,
    /// The start of the text, once it has been read, and how much of it was handed on.
    sample: Option<(Vec<u8>, usize)>,
    /// CR ends a line.
    is_cr: bool,
    /// A byte that was read to tell whether the CR in front of it is part of CRLF.
    pending: Option<u8>,
}

impl<'a> LineEnds<'a> {
    /// Looks at the text once it is read.
    pub fn new(reader: Box<dyn Read + Send + 'a>) -> Self {
        Self { reader, sample: None, is_cr: false, pending: None }
    }

    fn sample(&mut self) -> io::Result<&mut (Vec<u8>, usize)> {
        if self.sample.is_none() {
            let mut sample = Vec::new();
            self.reader.by_ref().take(SAMPLE as u64).read_to_end(&mut sample)?;
            let inside = sample.strip_suffix(b"\r").unwrap_or(&sample);
            self.is_cr = memchr::memchr(b'\n', inside).is_none() && inside.contains(&b'\r');
            self.sample = Some((sample, 0));
        }
        Ok(self.sample.get_or_insert_default())
    }

    fn read_plain(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(byte) = self.pending.take() {
            out[0] = byte;
            return Ok(1);
        }
        let (sample, at) = self.sample()?;
        let len = sample[*at..].len().min(out.len());
        if len > 0 {
            out[..len].copy_from_slice(&sample[*at..*at + len]);
            *at += len;
            return Ok(len);
        }
        (*sample, *at) = (Vec::new(), 0);
        self.reader.read(out)
    }
}

impl Read for LineEnds<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let len = self.read_plain(out)?;
        if !self.is_cr {
            return Ok(len);
        }
        if out[..len].last() == Some(&b'\r') {
            let mut next = [0];
            if self.read_plain(&mut next)? == 1 {
                self.pending = Some(next[0]);
            }
        }
        // Further down there may be lines that end in CRLF.
        for at in 0..len {
            let next = out[..len].get(at + 1).copied().or(self.pending);
            if out[at] == b'\r' && next != Some(b'\n') {
                out[at] = b'\n';
            }
        }
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::LineEnds;

    fn read(text: &str, step: usize) -> String {
        let mut reader = LineEnds::new(Box::new(Cursor::new(text.to_owned())));
        let (mut all, mut some) = (Vec::new(), vec![0; step]);
        loop {
            match reader.read(&mut some).unwrap() {
                0 => return String::from_utf8(all).unwrap(),
                len => all.extend_from_slice(&some[..len]),
            }
        }
    }

    #[test]
    fn a_lone_cr_ends_a_line_where_no_lf_is_near_the_start() {
        let far = format!("{}\r", "a".repeat(super::SAMPLE));
        for step in [1, 2, 3, 1 << 20] {
            assert_eq!(read("a\r\rb\rc", step), "a\n\nb\nc");
            assert_eq!(read("a\r\nb\rc", step), "a\r\nb\rc");
            assert_eq!(read("a b\r", step), "a b\r");
            assert_eq!(read(&format!("b\r{far}c\r\nd\re\r"), step), format!("b\n{}\nc\r\nd\ne\n", far.trim_end()));
        }
    }
}
