//! What the one who waits for a read can see of it, and how to stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// What the one who waits for a read can see and say.
#[derive(Debug, Default)]
pub struct Control {
    /// Bytes of the input read so far.
    pub bytes_done: AtomicU64,
    /// Set by the caller to stop.
    pub cancelled: AtomicBool,
}

impl Control {
    /// Lets work go on unless the caller wants it to stop.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cancelled`].
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::new(ErrorKind::Cancelled)) } else { Ok(()) }
    }
}
