//! What a walk through a segment gives, and how much all walks may read.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{
    account::{Account, Part},
    blocks::{Blocks, FrontEnd},
    content::Contents,
    issues::HeapIssues,
    lfh::{Formulas, Keys},
    proof::Proof,
    stacks::Traces,
};
use crate::error::Severity;

/// Headers that all walks of a dump may read together: twice as many as its bytes can hold. Ranges of a damaged dump may show the
/// same bytes at many addresses.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Budget {
    /// For a file of so many bytes.
    pub fn of(file_bytes: usize) -> Self {
        Self(AtomicU64::new((file_bytes as u64 / 4).saturating_add(1024)))
    }

    /// Takes so many; false if there are none left.
    pub fn take(&self, count: u64) -> bool {
        let less = |left: u64| left.checked_sub(count);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// What a segment holds.
#[derive(Debug, Default)]
pub struct Walked {
    /// Where its bytes went.
    pub account: Account,
    /// Its blocks.
    pub blocks: Blocks,
    /// Counts of blocks.
    pub counts: Counts,
    /// What was checked.
    pub proof: Proof,
    /// Keys of the low-fragmentation heap.
    pub keys: Keys,
    /// Keys of headers of 64 bits up to Windows 7.
    pub formulas: Formulas,
    /// What its blocks begin with, if that was asked for.
    pub contents: Contents,
    /// Stacks of its blocks.
    pub traces: Traces,
    /// What does not hold.
    pub issues: HeapIssues,
}

impl Walked {
    /// Counts a block that nobody has.
    #[inline(always)]
    pub fn free(&mut self, front_end: FrontEnd, user: u64, bytes: u64, flags: u8) {
        self.blocks.free(front_end, user, bytes, flags);
        self.account.take(Part::Free, bytes);
        self.counts.free += 1;
        self.counts.largest_free = self.counts.largest_free.max(bytes);
    }

    /// Says that the dump lacks what leads to some bytes of a heap.
    pub fn absent(&mut self, heap: u64, from: u64, bytes: u64) {
        self.proof.absent += bytes;
        self.issues.push(
            Severity::Warning,
            "heap_pages",
            from,
            || format!("the dump lacks what leads to {bytes} bytes of the heap at {heap:#X}"),
            "counted them as unknown, and read on behind them",
        );
    }
}

/// Counts and sums that are parts of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Busy blocks of the program.
    pub busy: u64,
    /// Bytes of these that the program has not.
    pub busy_overhead: u64,
    /// Free blocks.
    pub free: u64,
    /// Bytes of the largest of these.
    pub largest_free: u64,
    /// Of the busy ones: blocks of the low-fragmentation heap, and their bytes.
    pub lfh: (u64, u64),
    /// Of the free ones: the same.
    pub lfh_free: (u64, u64),
    /// Busy entries of the back end and their bytes, without headers of segments.
    pub entries: (u64, u64),
    /// Of the account's free bytes: those that `TotalFreeSize` counts.
    pub backend_free: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.busy += other.busy;
        self.busy_overhead += other.busy_overhead;
        self.free += other.free;
        self.largest_free = self.largest_free.max(other.largest_free);
        for (sum, more) in
            [(&mut self.lfh, other.lfh), (&mut self.lfh_free, other.lfh_free), (&mut self.entries, other.entries)]
        {
            sum.0 += more.0;
            sum.1 += more.1;
        }
        self.backend_free += other.backend_free;
    }
}
