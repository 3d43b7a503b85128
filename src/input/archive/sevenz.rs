//! 7z, block by block: the members of one are packed together, so one that is wanted costs all before it.
//!
//! Source: 7zFormat.txt of 7-Zip; read by the crate `sevenz-rust2`.

use std::io::{self, Read};

use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, EncoderMethod, Error, Password};

use super::{
    Format, Input, Member, ReadSeek,
    fault::{self, Fault},
    limits::Sizes,
    names,
    walk::Level,
};

/// The format.
pub struct SevenZ;

/// Bytes from 1601, where 7z begins to count, to 1970, in seconds.
const BEFORE_1970: i64 = 11_644_473_600;

impl Format for SevenZ {
    fn name(&self) -> &'static str {
        "a 7z archive"
    }

    fn begins(&self, start: &[u8]) -> bool {
        start.starts_with(b"7z\xBC\xAF\x27\x1C")
    }

    fn walk(&self, input: Input<'_>, level: &mut Level<'_, '_>) -> Result<(), Fault> {
        let rules = level.rules().clone();
        let mut input = input.seekable(&rules.limits)?;
        let password = rules.password.as_deref().map_or_else(Password::empty, Password::from);
        let memory = usize::try_from(rules.limits.memory_bytes / 1024).unwrap_or(usize::MAX);
        let refused = |error| told(error, rules.password.is_some());
        let archive = Archive::read_with_memory_limit(&mut input, &password, memory).map_err(refused)?;
        for block in 0..archive.blocks.len() {
            let decoder = BlockDecoder::new_with_memory_limit(1, memory, block, &archive, &password, &mut input);
            let mut members = members(decoder.entries(), level)?.into_iter();
            if members.as_slice().iter().all(Option::is_none) {
                continue;
            }
            let is_locked = archive.blocks[block].coders.iter().any(|coder| coder.encoder_method_id() == LOCKED);
            let outcome = decoder.for_each_entries(&mut |entry: &ArchiveEntry, content: &mut dyn Read| {
                if let Some(member) = members.next().flatten() {
                    let mut content = Unlocked { content, is_locked };
                    level.open(member, Sizes { packed: None, exact: Some(entry.size()) }, &mut content);
                }
                // What is left of the block is passed over if nobody wants it.
                Ok(!level.is_over() && members.as_slice().iter().any(Option::is_some))
            });
            if level.is_over() {
                return Ok(());
            }
            if let Err(error) = outcome {
                let fault = if is_locked && rules.password.is_some() { Fault::WrongPassword } else { refused(error) };
                for member in members.flatten() {
                    level.fault(&member, fault.clone());
                }
            }
        }
        let empty: Vec<ArchiveEntry> =
            archive.files.iter().filter(|file| !file.has_stream() && !file.is_directory()).cloned().collect();
        for member in members(&empty, level)?.into_iter().flatten() {
            level.open(member, Sizes::default(), &mut std::io::empty());
        }
        if level.is_over() {
            return Ok(());
        }
        let end = end(&mut *input)?;
        fault::nothing_behind(&mut *input, end)
    }
}

/// Where an archive ends: behind its list, whose place and size stand in the first header, which counts from its own end.
fn end(input: &mut dyn ReadSeek) -> Result<u64, Fault> {
    let mut header = [0; 32];
    input.rewind()?;
    input.read_exact(&mut header)?;
    let [place, size] = [12, 20].map(|at| header[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)));
    Ok((header.len() as u64).saturating_add(place).saturating_add(size))
}

/// How 7z names its encryption.
const LOCKED: &[u8] = EncoderMethod::ID_AES256_SHA256;

/// Bytes that were encrypted: nothing but what comes out of them tells that the password was the right one.
struct Unlocked<'a> {
    content: &'a mut dyn Read,
    is_locked: bool,
}

impl Read for Unlocked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wrong = |error| if self.is_locked { Fault::WrongPassword.into() } else { error };
        self.content.read(out).map_err(wrong)
    }
}

/// The members of entries, absent for those that nobody wants.
fn members(entries: &[ArchiveEntry], level: &mut Level<'_, '_>) -> Result<Vec<Option<Member>>, Fault> {
    let member = |entry: &ArchiveEntry| {
        if entry.is_directory() {
            return Ok(None);
        }
        let since_1601 = u64::from(entry.last_modified_date()) / 10_000_000;
        let modified =
            i64::try_from(since_1601).ok().filter(|seconds| *seconds > 0).map(|seconds| seconds - BEFORE_1970);
        level.member(&names::slashed(entry.name()), Some(entry.size()), modified)
    };
    entries.iter().map(member).collect()
}

fn told(error: Error, has_password: bool) -> Fault {
    match error {
        Error::PasswordRequired => Fault::NoPassword,
        Error::MaybeBadPassword(_) if has_password => Fault::WrongPassword,
        Error::MaybeBadPassword(_) => Fault::NoPassword,
        Error::UnsupportedCompressionMethod(method) => Fault::Unsupported(method),
        Error::ExternalUnsupported => Fault::Unsupported("a list outside of the archive".to_owned()),
        Error::Unsupported(what) => Fault::Unsupported(what.into_owned()),
        Error::MaxMemLimited { max_kb, .. } => Fault::Limit("memory_bytes", max_kb as u64 * 1024),
        Error::Io(error, _) => error.into(),
        Error::ChecksumVerificationFailed | Error::NextHeaderCrcMismatch => {
            Fault::Damaged("a checksum is not that of its bytes".to_owned())
        }
        _ => Fault::changed(),
    }
}
