//! Pipes, terminals and other devices become bytes: opened and read on a thread of their own, so that whoever waits for
//! them can still stop. Opening a pipe waits for its writer, and reading it for what that writes, maybe for ever.
//!
//! Invariant: a read returns within [`TICK`] after [`Control::cancelled`] is set. The thread is left behind then; it ends
//! with the process, or when the system wakes it.

use std::{
    io::{self, Read},
    mem,
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use crate::control::Control;

/// How often the one who waits looks whether to go on.
const TICK: Duration = Duration::from_millis(50);

/// Bytes that are read at a time: a pipe of Linux holds 64 KiB.
const PIECE: usize = 64 << 10;

/// Bytes that are unpacked at a time. Each piece wakes the one who waits for it, on the same core; small ones are read before that
/// thread has moved to another, and nothing runs side by side. A zipped log of 400 MB takes 0.95 to 1.03 s by 64 KiB and 0.79 to
/// 0.84 by 1 MiB, inflate alone 0.69 to 0.79 (medians of 7 to 11, in turn, three rounds, 2 cores, November 2026).
const FULL_PIECE: usize = if cfg!(debug_assertions) { PIECE } else { 1 << 20 };

/// Pieces that may be read before they are wanted.
const AHEAD: usize = 8;

/// Bytes from somewhere that may keep us waiting.
pub struct Waiting<'a> {
    pieces: Pieces,
    piece: Vec<u8>,
    taken: usize,
    control: &'a Control,
}

/// Where a thread puts what it reads.
pub struct Sender {
    pieces: SyncSender<io::Result<Vec<u8>>>,
    spent: Receiver<Vec<u8>>,
}

/// Where it is taken from.
#[derive(Debug)]
pub struct Pieces {
    pieces: Receiver<io::Result<Vec<u8>>>,
    spent: mpsc::Sender<Vec<u8>>,
}

/// A way for bytes from one thread to another. Pieces go back when they are read: to ask the system for each anew takes a tenth of
/// the time of inflating.
pub fn channel() -> (Sender, Pieces) {
    let (sender, pieces) = sync_channel(AHEAD);
    let (back, spent) = mpsc::channel();
    (Sender { pieces: sender, spent }, Pieces { pieces, spent: back })
}

impl Sender {
    /// Room for a piece; what is in it may be anything.
    fn room(&self, len: usize) -> Vec<u8> {
        let mut room = self.spent.try_recv().unwrap_or_default();
        room.resize(len, 0);
        room
    }

    /// False if nobody wants it any more.
    pub fn send(&self, piece: io::Result<Vec<u8>>) -> bool {
        self.pieces.send(piece).is_ok()
    }
}

impl<'a> Waiting<'a> {
    /// Lets a thread open something and read it to its end.
    ///
    /// # Errors
    ///
    /// If the system gives no thread. What `open` says comes out of the first read.
    pub fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        control: &'a Control,
    ) -> io::Result<Self> {
        let feed = move |sender: &Sender| {
            if let Err(error) = open().and_then(|mut source| hand_over_at_once(&mut source, sender)) {
                sender.send(Err(error));
            }
        };
        Self::fed(feed, control)
    }

    /// Lets a thread send bytes.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn fed(feed: impl FnOnce(&Sender) + Send + 'static, control: &'a Control) -> io::Result<Self> {
        let (sender, pieces) = channel();
        thread::Builder::new().name("heapdelta-wait".to_owned()).spawn(move || feed(&sender))?;
        Ok(Self::of(pieces, control))
    }

    /// Takes what another thread sends.
    pub fn of(pieces: Pieces, control: &'a Control) -> Self {
        Self { pieces, piece: Vec::new(), taken: 0, control }
    }
}

/// Sends all that is unpacked, in pieces that are full but for the last, until the end, or until nobody wants it any more.
///
/// # Errors
///
/// What the source says, behind the bytes before it.
pub fn hand_over(source: &mut dyn Read, sender: &Sender) -> io::Result<()> {
    loop {
        let mut piece = sender.room(FULL_PIECE);
        let mut filled = 0;
        let mut outcome = Ok(());
        while filled < FULL_PIECE {
            match source.read(&mut piece[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        piece.truncate(filled);
        let is_wanted = piece.is_empty() || sender.send(Ok(piece));
        outcome?;
        if filled < FULL_PIECE || !is_wanted {
            return Ok(());
        }
    }
}

/// Sends what there is as soon as it is there: who writes into a pipe may take a while to write more.
fn hand_over_at_once(source: &mut dyn Read, sender: &Sender) -> io::Result<()> {
    loop {
        let mut piece = sender.room(PIECE);
        match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => piece.truncate(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if !sender.send(Ok(piece)) {
            return Ok(());
        }
    }
}

impl Read for Waiting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.piece.len() {
            match self.pieces.pieces.recv_timeout(TICK) {
                Ok(piece) => {
                    let spent = mem::replace(&mut self.piece, piece?);
                    self.taken = 0;
                    // Nobody takes it who has sent the last one.
                    let _ = self.pieces.spent.send(spent);
                }
                Err(RecvTimeoutError::Timeout) => self.control.go_on().map_err(io::Error::other)?,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len() - self.taken);
        buffer[..count].copy_from_slice(&self.piece[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn everything_arrives_in_order() {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|place| (place % 251) as u8).collect();
        let control = Control::default();
        let given = bytes.clone();
        let mut read = Vec::new();
        Waiting::new(|| Ok(io::Cursor::new(given)), &control).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
    }

    #[test]
    fn pieces_that_are_unpacked_are_full_and_what_was_there_comes_before_what_went_wrong() {
        // Gives a byte at a time, and then an error.
        struct Slow(usize);
        impl Read for Slow {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::InvalidData)?;
                out[0] = b'a';
                Ok(1)
            }
        }
        let (sender, pieces) = channel();
        let error = hand_over(&mut Slow(FULL_PIECE + 7), &sender).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        drop(sender);
        let lens: Vec<usize> = pieces.pieces.into_iter().map(|piece| piece.unwrap().len()).collect();
        assert_eq!(lens, [FULL_PIECE, 7]);
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let control = Control::default();
        let open = || Err::<io::Empty, _>(io::Error::from(io::ErrorKind::PermissionDenied));
        let error = Waiting::new(open, &control).unwrap().read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let control = Control::default();
        control.cancelled.store(true, Ordering::Relaxed);
        let (_never, silence) = std::sync::mpsc::channel::<()>();
        let open = move || {
            let _ = silence.recv();
            Ok(io::empty())
        };
        let error = Waiting::new(open, &control).unwrap().read(&mut [0]).unwrap_err();
        assert!(matches!(Error::from(error).kind(), ErrorKind::Cancelled));
    }
}
