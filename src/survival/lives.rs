//! Sums of lives: how many blocks of a stack were born at one point and last seen at another.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

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
    /// Bytes that the program asked for.
    pub bytes: u64,
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
    sums: HashMap<Key, (u64, u64), BuildHasherDefault<Scatter>>,
}

impl Lives {
    /// One life more.
    #[inline]
    pub fn add(&mut self, stack: u32, born: u32, last: u32, bytes: u64) {
        let (count, sum) = self.sums.entry(Key { stack, born, last }).or_default();
        *count += 1;
        *sum += bytes;
    }

    /// The sums of all threads, by stack, birth and end.
    pub fn merged(all: Vec<Lives>) -> Vec<Life> {
        let life = |(Key { stack, born, last }, (count, bytes))| Life { stack, born, last, count, bytes };
        let mut lives: Vec<Life> = all.into_iter().flat_map(|lives| lives.sums).map(life).collect();
        lives.par_sort_unstable_by_key(|life| (life.stack, life.born, life.last));
        lives.dedup_by(|next, sum| {
            let same = (next.stack, next.born, next.last) == (sum.stack, sum.born, sum.last);
            if same {
                sum.count += next.count;
                sum.bytes += next.bytes;
            }
            same
        });
        lives
    }
}

/// Scatters a key of three numbers: what the standard library does against hostile keys takes longer than all the rest.
#[derive(Default)]
pub struct Scatter(u64);

impl Hasher for Scatter {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(29) ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
