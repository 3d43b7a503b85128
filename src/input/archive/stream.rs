//! Compressed files: one file each, whose label is that of the archive. What they hold may be an archive, as in `logs.tar.gz`.
//!
//! Sources: RFC 1952 (gzip), RFC 8878 (Zstandard), the format of .xz files 1.2.1, and the marks that bzip2 begins with.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::{Format, Input, fault::Fault, limits::Sizes, walk::Level};

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
        open(&mut Parts { part: Some(decoder) }, modified, level)
    }
}

/// A gzip file of several parts, as `cat a.gz b.gz` makes it. Zeros behind them fill the blocks of a tape.
struct Parts<R> {
    part: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Parts<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = &mut self.part {
            let count = part.read(out)?;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            let Some(mut rest) = self.part.take().map(GzDecoder::into_inner) else { break };
            let behind = rest.fill_buf()?;
            if behind.starts_with(b"\x1F") {
                self.part = Some(GzDecoder::new(rest));
            } else if behind.iter().any(|byte| *byte != 0) {
                return Err(Fault::Damaged("there are other bytes behind its end".to_owned()).into());
            }
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
        open(&mut bzip2::read::MultiBzDecoder::new(input.stream()), None, level)
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
        let mut decoder = zstd::Decoder::new(input.stream())?;
        decoder.window_log_max(most)?;
        open(&mut Windowed(decoder), None, level)
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
