//! Sums of lives: how many blocks of a stack were born at one point and last seen at another.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use rayon::prelude::*;

use crate::synth::random::mix;

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

/// Sums of one thread.
pub struct Lives {
    points: u64,
    sums: HashMap<u64, (u64, u64), BuildHasherDefault<Scatter>>,
}

impl Lives {
    pub fn new(points: usize, _stack_count: usize) -> Self {
        Self { points: points as u64, sums: HashMap::default() }
    }

    /// One life more.
    #[inline]
    pub fn add(&mut self, stack: u32, born: u32, last: u32, bytes: u64) {
        let key = u64::from(stack) << 32 | (u64::from(born) * self.points + u64::from(last));
        let (count, sum) = self.sums.entry(key).or_default();
        *count += 1;
        *sum += bytes;
    }

    /// The sums of all threads, by stack, birth and end.
    pub fn merged(all: Vec<Lives>) -> Vec<Life> {
        let life = |points: u64, (key, (count, bytes)): (u64, (u64, u64))| {
            let (born, last) = ((key & 0xFFFF_FFFF) / points, (key & 0xFFFF_FFFF) % points);
            Life { stack: (key >> 32) as u32, born: born as u32, last: last as u32, count, bytes }
        };
        let mut lives: Vec<Life> =
            all.into_iter().flat_map(|lives| lives.sums.into_iter().map(move |sum| life(lives.points, sum))).collect();
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

/// Scatters a key.
#[derive(Default)]
pub struct Scatter(u64);

impl Hasher for Scatter {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, key: u64) {
        self.0 = mix(key);
    }
}
