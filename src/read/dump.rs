//! A dump is mapped, or read to its end where it comes through a pipe.

use std::{io::Read, sync::atomic::Ordering};

use super::{Options, open::Opened};
use crate::{
    control::Control,
    error::{ErrorKind, Result},
    input::{Source, content::Content},
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
        Source::Path(_) | Source::Bytes(..) => {
            rest.reader.read_to_end(&mut start)?;
            Content::new(start)
        }
    };
    control.bytes_done.store(content.len() as u64, Ordering::Relaxed);
    Dump::new(content, source.path().map(ToOwned::to_owned), options.threads).map(Capture::Dump)
}
