//! A dump is mapped, or read to its end where it comes through a pipe.

use std::{
    io::{Cursor, Read},
    sync::atomic::Ordering,
};

use super::{Options, open::Opened};
use crate::{
    control::Control,
    error::{ErrorKind, Result},
    input::{
        Source,
        archive::{Spool, spooled},
        content::Content,
    },
    snapshot::{Capture, Dump},
};

/// Reads a minidump: a file is mapped, a pipe is read to its end.
///
/// # Errors
///
/// [`ErrorKind::Io`], [`ErrorKind::NoSuchCapture`] and [`ErrorKind::NotADump`].
pub fn read(source: &Source<'_>, opened: Opened<'_>, options: &Options, control: &Control) -> Result<Capture> {
    if let Some(wanted) = options.capture.filter(|wanted| *wanted != 1) {
        return Err(ErrorKind::NoSuchCapture { wanted, available: 1 }.into());
    }
    let Opened { mut start, mut rest } = opened;
    let content = match source {
        Source::Shared(content, _) => content.clone(),
        Source::Path(path) if rest.len.is_some() => Content::map(path)?,
        Source::Member(member) => match &member.unpacked {
            Some((content, _)) => content.clone(),
            None => unpacked(start, &mut rest.reader, member.rules.limits.memory_bytes)?,
        },
        Source::Path(_) | Source::Bytes(..) => {
            rest.reader.read_to_end(&mut start)?;
            Content::new(start)
        }
    };
    control.bytes_done.store(content.len() as u64, Ordering::Relaxed);
    let faults = rest.fault.all();
    Dump::new(content, source.path().map(ToOwned::to_owned), options.threads, &faults).map(Capture::Dump)
}

/// The bytes of a member: in memory, or in a nameless file that is mapped.
fn unpacked(start: Vec<u8>, rest: &mut dyn Read, memory_bytes: u64) -> Result<Content> {
    Ok(match spooled(&mut Cursor::new(start).chain(rest), memory_bytes)? {
        Spool::Memory(bytes) => Content::new(bytes.into_inner()),
        Spool::File(file) => Content::map_file(file)?,
    })
}
