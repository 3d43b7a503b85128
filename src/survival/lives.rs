//! Sums of lives: how many blocks of a stack were born at one point and last seen at another.

use std::collections::HashMap;

use rayon::prelude::*;

/// Blocks of a stack that were first seen at one point and last seen at another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Number of the stack.
    pub stack: u32,
    /// First point.
    pub born: u32,
    /// Last point.
    pub last: u32,
    /// Blocks.
    pub count: u64,
    /// Bytes that the program asked for; absent if 64 bits do not hold them.
    pub bytes: Option<u64>,
}

/// Which life: stack, birth and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    stack: u32,
    born: u32,
    last: u32,
}

/// Sums of one thread.
#[derive(Default)]
pub struct Lives {
    sums: HashMap<Key, (u64, Bytes), ahash::RandomState>,
}

/// A sum of sizes; absent if 64 bits do not hold it.
#[derive(Clone, Copy)]
struct Bytes(Option<u64>);

impl Default for Bytes {
    fn default() -> Self {
        Self(Some(0))
    }
}

impl Lives {
    /// One life more.
    #[inline]
    pub fn add(&mut self, stack: u32, born: u32, last: u32, bytes: u64) {
        let (count, sum) = self.sums.entry(Key { stack, born, last }).or_default();
        *count += 1;
        sum.0 = plus(sum.0, Some(bytes));
    }

    /// The sums of all threads, by stack, birth and end.
    pub fn merged(all: Vec<Lives>) -> Vec<Life> {
        let life = |(Key { stack, born, last }, (count, Bytes(bytes)))| Life { stack, born, last, count, bytes };
        let mut lives: Vec<Life> = all.into_iter().flat_map(|lives| lives.sums).map(life).collect();
        lives.par_sort_unstable_by_key(|life| (life.stack, life.born, life.last));
        lives.dedup_by(|next, sum| {
            let same = (next.stack, next.born, next.last) == (sum.stack, sum.born, sum.last);
            if same {
                sum.count += next.count;
                sum.bytes = plus(sum.bytes, next.bytes);
            }
            same
        });
        lives
    }
}

/// The sum of both; absent if one is, or 64 bits do not hold it.
pub fn plus(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one?.checked_add(other?)
}
