//! Tar: what Unix gateways and backup programs make of a folder.
//!
//! Source: POSIX.1-2017, pax, "ustar Interchange Format"; read by the crate `tar`.

use std::{
    cell::Cell,
    io::{self, Read},
};

use tar::Archive;

use super::{Format, Input, fault::Fault, limits::Sizes, names, walk::Level};

/// The format.
pub struct Tar;

impl Format for Tar {
    fn name(&self) -> &'static str {
        "a tar archive"
    }

    /// A first header with the mark of POSIX, or of none that it should have, but with its own checksum: the sum of its bytes
    /// where those of the sum are blanks.
    fn begins(&self, start: &[u8]) -> bool {
        let Some(header) = start.first_chunk::<512>() else { return false };
        let digits = header[148..156].trim_ascii_start();
        let end = digits.iter().position(|byte| !matches!(byte, b'0'..=b'7')).unwrap_or(digits.len());
        let told = std::str::from_utf8(&digits[..end]).ok().and_then(|digits| u32::from_str_radix(digits, 8).ok());
        let sum =
            header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) });
        header[0] != 0 && told == Some(sum.sum())
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let zeros = Cell::new(0);
        let mut archive = Archive::new(Ends { tar: input.stream(), zeros: &zeros, read: 0 });
        // Several that were joined are read as one.
        archive.set_ignore_zeros(true);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            let name = names::decoded(&entry.path_bytes(), level.rules().names);
            let modified = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
            let size = entry.size();
            if let Some(member) = level.member(&name, Some(size), modified)? {
                if is_sparse(&mut entry) {
                    level.fault(&member, Fault::Unsupported("a file with holes, in the format pax".to_owned()));
                } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
                    level.open(member, Sizes { packed: None, exact: Some(size) }, &mut entry);
                } else if !kind.is_symlink() && !kind.is_hard_link() {
                    level.fault(&member, Fault::Unsupported("a pipe or a device".to_owned()));
                } else {
                    let target = entry.link_name_bytes().unwrap_or_default();
                    level.fault(&member, Fault::Link(names::decoded(&target, None)));
                }
            }
            if level.is_over() {
                return Ok(());
            }
        }
        if zeros.get() >= BLOCK { Ok(()) } else { Err(Fault::Damaged("its end is missing".to_owned())) }
    }
}

/// True for a file whose holes are told in words of its own.
fn is_sparse<R: Read>(entry: &mut tar::Entry<'_, R>) -> bool {
    let Ok(Some(words)) = entry.pax_extensions() else { return false };
    words.flatten().any(|word| word.key_bytes().starts_with(b"GNU.sparse."))
}

/// Bytes of a header, and of each block of zeros at the end. Fewer zeros fill the last block of a file.
const BLOCK: usize = 512;

/// A tar, and how many zeros what was read of it ends in. A block of zeros that is cut is made whole.
struct Ends<'a, R> {
    tar: R,
    zeros: &'a Cell<usize>,
    read: usize,
}

impl<R: Read> Read for Ends<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut count = self.tar.read(out)?;
        let cut = self.read % BLOCK;
        if count == 0 && cut > 0 && self.zeros.get() >= BLOCK + cut {
            count = out.len().min(BLOCK - cut);
            out[..count].fill(0);
        }
        self.read = self.read.wrapping_add(count);
        let zeros = out[..count].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros.set(if zeros == count { self.zeros.get().saturating_add(zeros) } else { zeros });
        Ok(count)
    }
}
