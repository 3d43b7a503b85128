//! Reads the blocks of a file on as many threads as asked for, each into its own sink.
//!
//! Blocks are handed out in order under a lock, which costs a copy out of the page cache; everything else runs outside
//! it. What a file turns into never depends on the number of threads: pieces carry their block's number.

use std::sync::{Mutex, atomic::Ordering};

use crate::{
    control::Control,
    engine::threads::Pool,
    error::Result,
    log::{
        blocks::{Block, Blocks},
        sink::{Issue, Severity, Sink},
        umdh2,
    },
};

/// Reads blocks of umdh2 text in any order, one sink for each thread.
///
/// # Errors
///
/// What reading the input says, and [`crate::ErrorKind::Cancelled`].
pub fn read_umdh2(pool: &Pool, blocks: Blocks<'_>, keep_blocks: bool, control: &Control) -> Result<Vec<Sink>> {
    let blocks = Mutex::new(blocks);
    let worker = || {
        let mut sink = Sink::new(keep_blocks);
        let mut block = Block::default();
        while next(&blocks, &mut block, control)? {
            read_piece(&block, &mut sink, |block, sink| {
                umdh2::read(block.padded(), (&block.banner, block.banner_byte), block.last, sink);
            });
        }
        sink.finish();
        Ok(sink)
    };
    pool.install(|| rayon::broadcast(|_| worker())).into_iter().collect()
}

/// Reads blocks in file order, for readers whose lines depend on the lines before them.
///
/// # Errors
///
/// What reading the input says, and [`crate::ErrorKind::Cancelled`].
pub fn read_in_order(
    mut blocks: Blocks<'_>,
    keep_blocks: bool,
    control: &Control,
    mut read: impl FnMut(&Block, &mut Sink),
) -> Result<Sink> {
    let mut sink = Sink::new(keep_blocks);
    let mut block = Block::default();
    while step(&mut blocks, &mut block, control)? {
        read_piece(&block, &mut sink, &mut read);
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
    control.go_on()?;
    let more = blocks.next_into(block)?;
    control.bytes_done.store(blocks.byte(), Ordering::Relaxed);
    Ok(more)
}

/// Reads one block into a piece of its own.
pub fn read_piece(block: &Block, sink: &mut Sink, read: impl FnOnce(&Block, &mut Sink)) {
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
    sink.end_piece();
}
