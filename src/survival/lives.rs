//! Sums of lives: how many blocks of a stack were born at one point and last seen at another.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::numbers;

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
    /// Blocks and bytes. A larger entry costs a tenth of the whole, so the count has the mark [`TOO_LARGE`].
    sums: HashMap<Key, (u64, u64), ahash::RandomState>,
}

/// Bit of a count whose bytes 64 bits do not hold.
const TOO_LARGE: u64 = 1 << 63;

impl Lives {
    /// One life more.
    #[inline]
    pub fn add(&mut self, stack: u32, born: u32, last: u32, bytes: u64) {
        let (count, sum) = self.sums.entry(Key { stack, born, last }).or_default();
        *count += 1;
        *count |= u64::from(numbers::add(std::array::from_mut(sum), [bytes])) << 63;
    }

    /// The sums of all threads, by stack, birth and end.
    pub fn merged(all: Vec<Lives>) -> Vec<Life> {
        let life = |(Key { stack, born, last }, (count, bytes))| {
            let bytes = (count & TOO_LARGE == 0).then_some(bytes);
            Life { stack, born, last, count: count & !TOO_LARGE, bytes }
        };
        let mut lives: Vec<Life> = all.into_iter().flat_map(|lives| lives.sums).map(life).collect();
        lives.par_sort_unstable_by_key(|life| (life.stack, life.born, life.last));
        lives.dedup_by(|next, sum| {
            let same = (next.stack, next.born, next.last) == (sum.stack, sum.born, sum.last);
            if same {
                sum.count += next.count;
                sum.bytes = numbers::plus(sum.bytes, next.bytes);
            }
            same
        });
        lives
    }
}
