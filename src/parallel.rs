//! The only file with threads: reads the blocks of a file on as many as asked for, each into its own sink.
//!
//! Blocks are handed out in order under a lock, which costs a copy out of the page cache; everything else runs outside
//! it. What a file turns into never depends on the number of threads: pieces carry their block's number.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use crate::{
    error::{Error, ErrorKind, Result},
    input::{
        blocks::{Block, Blocks},
        text::utf16_len,
    },
    log::{
        sink::{Issue, Severity, Sink},
        umdh2,
    },
};

/// What the one who waits for a read can see and say.
#[derive(Debug, Default)]
pub struct Control {
    /// Bytes of the input read so far.
    pub bytes_done: AtomicU64,
    /// Set by the caller to stop.
    pub cancelled: AtomicBool,
}

/// Threads for everything that runs in parallel.
pub struct Pool(rayon::ThreadPool);

impl Pool {
    /// A pool of the given number of threads, or of one for each core.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the system gives no threads.
    pub fn new(threads: Option<usize>) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or(0))
            .thread_name(|index| format!("heapdelta-{index}"))
            .build();
        pool.map(Self).map_err(|error| std::io::Error::other(error.to_string()).into())
    }

    /// Runs `work` inside the pool, so that its parallel iterators use these threads.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.install(work)
    }

    /// Reads blocks of umdh2 text in any order, one sink for each thread.
    ///
    /// # Errors
    ///
    /// What reading the input says, and [`ErrorKind::Cancelled`].
    pub fn read_umdh2(
        &self,
        blocks: Blocks<'_>,
        keep_blocks: bool,
        utf16: bool,
        control: &Control,
    ) -> Result<Vec<Sink>> {
        let blocks = Mutex::new(blocks);
        let sinks = self.0.broadcast(|_| {
            let mut sink = Sink::new(keep_blocks);
            let mut block = Block::default();
            while next(&blocks, &mut block, control)? {
                read_piece(&block, utf16, &mut sink, |block, sink| {
                    umdh2::read(block.padded(), &block.banner, block.last, sink);
                });
            }
            sink.finish();
            Ok(sink)
        });
        sinks.into_iter().collect()
    }
}

/// Reads blocks in file order, for readers whose lines depend on the lines before them.
///
/// # Errors
///
/// What reading the input says, and [`ErrorKind::Cancelled`].
pub fn read_in_order(
    mut blocks: Blocks<'_>,
    keep_blocks: bool,
    utf16: bool,
    control: &Control,
    mut read: impl FnMut(&Block, &mut Sink),
) -> Result<Sink> {
    let mut sink = Sink::new(keep_blocks);
    let mut block = Block::default();
    while step(&mut blocks, &mut block, control)? {
        read_piece(&block, utf16, &mut sink, &mut read);
    }
    sink.finish();
    Ok(sink)
}

fn next(blocks: &Mutex<Blocks<'_>>, block: &mut Block, control: &Control) -> Result<bool> {
    let Ok(mut blocks) = blocks.lock() else {
        // Another worker panicked with the lock in hand; its panic is the one to be told.
        return Ok(false);
    };
    step(&mut blocks, block, control)
}

fn step(blocks: &mut Blocks<'_>, block: &mut Block, control: &Control) -> Result<bool> {
    if control.cancelled.load(Ordering::Relaxed) {
        return Err(Error::new(ErrorKind::Cancelled));
    }
    let more = blocks.next_into(block)?;
    control.bytes_done.store(blocks.byte(), Ordering::Relaxed);
    Ok(more)
}

/// Reads one block into a piece of its own.
pub fn read_piece(block: &Block, utf16: bool, sink: &mut Sink, read: impl FnOnce(&Block, &mut Sink)) {
    sink.begin_piece(block.index);
    sink.piece.byte = block.byte;
    read(block, sink);
    if block.skipped > 0 {
        let text = crate::error::excerpt(block.text());
        sink.issue(Issue {
            severity: Severity::Error,
            kind: "long_line",
            line: Some(0),
            byte: Some(0),
            text,
            action: "only the start of the line was read; it is longer than 16 MiB",
        });
    }
    if utf16 {
        widen_places(block.text(), sink);
    }
    sink.end_piece();
}

/// Turns offsets in the UTF-8 text of a piece into offsets in the UTF-16 input.
fn widen_places(text: &[u8], sink: &mut Sink) {
    let (mut narrow, mut wide) = (0usize, 0u64);
    let mut widen = |byte: &mut u64| {
        let at = (*byte as usize).min(text.len());
        if at < narrow {
            (narrow, wide) = (0, 0);
        }
        wide += utf16_len(&text[narrow..at]);
        narrow = at;
        *byte = wide;
    };
    sink.piece.issues.iter_mut().filter_map(|issue| issue.byte.as_mut()).for_each(&mut widen);
    sink.piece.headers.iter_mut().for_each(|header| widen(&mut header.byte));
}

/// Does two things, at the same time if they are large.
pub fn both<A: Send, B>(large: bool, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    if !large {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    })
}

/// Does parts of a work in any order, on the threads of the pool it is called in; gives the worker of each thread.
pub fn share<W: Send>(count: usize, worker: impl Fn() -> W + Sync, work: impl Fn(&mut W, usize) + Sync) -> Vec<W> {
    let next = AtomicUsize::new(0);
    rayon::broadcast(|_| {
        let mut own = worker();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= count {
                return own;
            }
            work(&mut own, part);
        }
    })
}

/// Places that one thread should have at the least: starting one costs as much as reading some forty.
const SHARE: usize = 512;

/// Does the same for every place, on a few threads where there are many; answers stand in the order of the places.
pub fn map<T: Send>(places: &[u64], work: impl Fn(&u64) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = (places.len() / SHARE).clamp(1, cores.min(4));
    let share = places.len().div_ceil(threads).max(1);
    if threads == 1 {
        return places.iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            places.chunks(share).map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<T>>())).collect();
        let resume = |panic| std::panic::resume_unwind(panic);
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(resume)).collect()
    })
}
