//! Compressed files: one file each, whose label is that of the archive. What they hold may be an archive, as in `logs.tar.gz`.
//!
//! Sources: RFC 1952 (gzip), RFC 8878 (Zstandard), the format of .xz files 1.2.1, and the marks that bzip2 begins with.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;

use super::{
    Format, Input,
    fault::{Fault, behind_the_end, first_behind},
    limits::Sizes,
    walk::Level,
};

/// The format.
pub struct Gzip;

/// The format.
pub struct Bzip2;

/// The format.
pub struct Xz;

/// The format.
pub struct Zstd;

/// Hands on what a compressed file holds.
fn open(content: &mut dyn Read, modified: Option<i64>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
    if let Some(member) = level.member("", None, modified)? {
        level.open(member, Sizes::default(), content);
    }
    Ok(())
}

impl Format for Gzip {
    fn name(&self) -> &'static str {
        "a gzip file"
    }

    fn begins(&self, start: &[u8]) -> bool {
        start.starts_with(b"\x1F\x8B\x08")
    }

    fn is_one_file(&self) -> bool {
        true
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let decoder = GzDecoder::new(BufReader::new(input.stream()));
        let modified = decoder.header().map(|header| i64::from(header.mtime())).filter(|seconds| *seconds > 0);
        let mut parts =
            Parts { part: Some(decoder), begins: |byte| byte == 0x1F, next: |rest| Ok(GzDecoder::new(rest)) };
        open(&mut parts, modified, level)
    }
}

/// A file of several parts, as `cat a.gz b.gz` makes it.
struct Parts<D, N> {
    part: Option<D>,
    /// Whether a part can begin with a byte.
    begins: fn(u8) -> bool,
    next: N,
}

/// A decoder of one part.
trait Part: Read {
    type Inner: BufRead;

    /// What is behind it.
    fn rest(self) -> Self::Inner;
}

impl<R: BufRead> Part for GzDecoder<R> {
    type Inner = R;

    fn rest(self) -> R {
        self.into_inner()
    }
}

impl<R: BufRead> Part for BzDecoder<R> {
    type Inner = R;

    fn rest(self) -> R {
        self.into_inner()
    }
}

impl<R: BufRead> Part for zstd::Decoder<'_, R> {
    type Inner = R;

    fn rest(self) -> R {
        self.finish()
    }
}

impl<D: Part, N: FnMut(D::Inner) -> io::Result<D>> Read for Parts<D, N> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = &mut self.part {
            let count = part.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            let Some(mut rest) = self.part.take().map(Part::rest) else { break };
            self.part = match first_behind(&mut rest)? {
                None => None,
                Some(byte) if (self.begins)(byte) => Some((self.next)(rest)?),
                Some(_) => return Err(behind_the_end().into()),
            };
        }
        Ok(0)
    }
}

impl Format for Bzip2 {
    fn name(&self) -> &'static str {
        "a bzip2 file"
    }

    fn begins(&self, start: &[u8]) -> bool {
        let marks = [[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]];
        start.starts_with(b"BZh") && start.get(4..10).is_some_and(|mark| marks.iter().any(|known| mark == known))
    }

    fn is_one_file(&self) -> bool {
        true
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let decoder = BzDecoder::new(BufReader::new(input.stream()));
        let mut parts =
            Parts { part: Some(decoder), begins: |byte| byte == b'B', next: |rest| Ok(BzDecoder::new(rest)) };
        open(&mut parts, None, level)
    }
}

impl Format for Xz {
    fn name(&self) -> &'static str {
        "an xz file"
    }

    fn begins(&self, start: &[u8]) -> bool {
        start.starts_with(b"\xFD7zXZ\0")
    }

    fn is_one_file(&self) -> bool {
        true
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let memory = u32::try_from(level.rules().limits.memory_bytes / 1024).unwrap_or(u32::MAX);
        open(&mut lzma_rust2::XzReader::new_mem_limit(input.stream(), true, memory), None, level)
    }
}

impl Format for Zstd {
    fn name(&self) -> &'static str {
        "a Zstandard file"
    }

    /// A frame, or one that is to be passed over.
    fn begins(&self, start: &[u8]) -> bool {
        match start.first_chunk::<4>().map(|mark| u32::from_le_bytes(*mark)) {
            Some(mark) => mark == 0xFD2F_B528 || mark & !0xF == 0x184D_2A50,
            None => false,
        }
    }

    fn is_one_file(&self) -> bool {
        true
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let most = level.rules().limits.memory_bytes.max(1 << 20).ilog2().min(31);
        let next = |rest| {
            let mut decoder = zstd::Decoder::with_buffer(rest)?.single_frame();
            decoder.window_log_max(most)?;
            Ok(decoder)
        };
        let part = Some(next(BufReader::new(input.stream()))?);
        // A frame, or one that is to be passed over.
        let begins = |byte| byte == 0x28 || byte & 0xF0 == 0x50;
        open(&mut Windowed(Parts { part, begins, next }), None, level)
    }
}

/// A decoder whose window can be too large: its library has words for that alone.
struct Windowed<R>(R);

impl<R: Read> Read for Windowed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(|error| match error.to_string().contains("memory") {
            true => io::ErrorKind::OutOfMemory.into(),
            false => error,
        })
    }
}
