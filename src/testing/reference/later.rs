//! Later logs of the process of a reference log: most blocks stay, some are freed, some traded, and a leak goes on.
//!
//! Of 32 blocks of the first log that do not bring a new stack, one is freed at some later step and one is traded for a
//! smaller one at the same address with every step. The leak adds blocks behind the others of each heap, one for 128 of
//! them with every step, and frees none.

use std::io::{self, Write};

use super::super::random::{Random, mix};
use super::{GROWN_STRIDE, PORTION, Writer, block_size};

/// What becomes of a block of the first log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    /// Freed at this step.
    Freed(u64),
    /// A byte smaller with every step.
    Traded,
}

/// Steps at which blocks are freed: from 1 to this.
const LAST_FREED: u64 = 8;
/// Traded blocks start at this size at the least, so that they can shrink.
const TRADED_BYTES: u64 = 0x40;
/// One block of a heap in this many is leaked with every step.
const LEAKED: u64 = 128;
/// Distance of the first leaked block from the base of its heap, and of one step's from the next.
const LEAK_OFFSET: u64 = 0x20_0000_0000;
const LEAK_STEP: u64 = 0x1_0000_0000;

fn fate(seed: u64, record: u64, requested: u64) -> Fate {
    let chance = mix(seed ^ mix(record));
    match chance % 32 {
        0 => Fate::Freed(1 + (chance >> 8) % LAST_FREED),
        1 if requested > TRADED_BYTES => Fate::Traded,
        _ => Fate::Kept,
    }
}

impl<W: Write> Writer<'_, W> {
    /// Writes over the line of the first log, which starts at `start`, with what the block is at this step.
    pub(super) fn later(&mut self, start: usize, stack: u64, requested: u64, overhead: u64) {
        let step = self.options.step;
        let now = match fate(self.options.seed, self.records, requested) {
            Fate::Freed(at) if at <= step => {
                self.answer.died_block_count += u64::from(at == step);
                None
            }
            Fate::Traded => {
                let now = requested - step.min(TRADED_BYTES);
                self.answer.born_block_count += 1;
                self.answer.born_requested_bytes += now;
                self.answer.died_block_count += 1;
                Some(now)
            }
            Fate::Kept | Fate::Freed(_) => return,
        };
        self.buffer.truncate(start);
        self.answer.line_count -= 1;
        self.answer.block_count -= 1;
        self.answer.requested_bytes -= requested;
        self.answer.overhead_bytes -= overhead;
        if let Some(now) = now {
            let behind = self.address;
            self.address -= (requested + overhead).next_multiple_of(16);
            self.block(stack, now, overhead);
            self.address = behind;
        }
    }

    /// Writes what the steps so far leaked in a heap, behind its other blocks.
    pub(super) fn leaked(&mut self, handle: u64) -> io::Result<()> {
        let each = (self.records - self.heap_first_record) / LEAKED;
        for step in 1..=self.options.step {
            let mut random = Random::of(self.options.seed, "leaked", (handle << 8) + step);
            self.address = handle + LEAK_OFFSET + step * LEAK_STEP;
            for _ in 0..each {
                let (requested, overhead) = block_size(&mut random);
                let stack = random.below(self.answer.stack_count) / GROWN_STRIDE * GROWN_STRIDE;
                self.block(stack, requested, overhead);
                if step == self.options.step {
                    self.answer.born_block_count += 1;
                    self.answer.born_requested_bytes += requested;
                }
                if self.buffer.len() >= PORTION {
                    self.flush()?;
                }
            }
        }
        Ok(())
    }
}
