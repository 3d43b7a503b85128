//! Open-addressing tables that number what they are shown: the same key gets the same number, from 0, in order.
//!
//! One lookup is one multiplication and, nearly always, one cache line: five keys with their numbers, of which four
//! are compared at once. Lookups come in batches, of keys that were announced before ([`Interner::announce`]): their cache lines
//! come from memory while other work is done.

use std::hash::{BuildHasher, RandomState};

use zerocopy::FromZeros;

use crate::engine::{
    memory,
    random_access::RandomAccess,
    vector::{Vector, Words, Work, widest},
};

/// Numbers 64-bit keys.
#[derive(Debug)]
pub struct Interner {
    buckets: RandomAccess<Bucket>,
    len: u32,
    shift: u32,
    seed: u64,
}

/// Keys of a bucket: with their numbers and their count they fill a cache line.
const WIDTH: usize = 5;

#[derive(Debug, Clone, Copy, FromZeros)]
#[repr(align(64))]
struct Bucket {
    keys: [u64; WIDTH],
    ids: [u32; WIDTH],
    len: u32,
}

/// Keys a bucket, in the mean, before the table grows: few buckets are full then, so few lookups go on to the next one.
const MOST_A_BUCKET: usize = 3;

impl Bucket {
    const EMPTY: Self = Self { keys: [0; WIDTH], ids: [0; WIDTH], len: 0 };

    #[inline(always)]
    fn find<V: Vector>(&self, vector: V, key: u64) -> Option<u32> {
        let [first @ .., last] = &self.keys;
        let hits = vector.equal(first, key) & ((1 << self.len) - 1);
        if hits != 0 {
            return Some(self.ids[hits.trailing_zeros() as usize % WIDTH]);
        }
        (self.len as usize == WIDTH && *last == key).then_some(self.ids[WIDTH - 1])
    }

    /// Takes a key, unless the bucket is full.
    fn take(&mut self, key: u64, id: u32) -> bool {
        let place = self.len as usize;
        if place == WIDTH {
            return false;
        }
        (self.keys[place], self.ids[place]) = (key, id);
        self.len += 1;
        true
    }
}

impl Interner {
    /// An empty table. The seed differs from process to process, so that a hostile file cannot choose keys that collide.
    pub fn new() -> Self {
        /// Few: a hole that aligned memory leaves is no room for as much of it, and thousands of small logs leave thousands.
        const FIRST_BITS: u32 = 3;
        let seed = RandomState::new().hash_one(0);
        Self { buckets: RandomAccess::zeros(1 << FIRST_BITS), len: 0, shift: 64 - FIRST_BITS, seed }
    }

    /// Numbers every key of a batch, in order, behind the numbers that are there; `new` is called for each that was not known,
    /// with its place in the batch.
    #[inline]
    pub fn intern_batch(&mut self, keys: &[u64], ids: &mut Vec<u32>, new: impl FnMut(usize)) {
        widest(Batch { table: self, keys, ids, new });
    }

    /// Numbers any count of keys as [`Self::intern_batch`] does, batch by batch, each announced before.
    pub fn intern_all(&mut self, keys: &[u64], ids: &mut Vec<u32>, mut new: impl FnMut(usize)) {
        /// Enough that the waits for memory overlap.
        const ANNOUNCED: usize = 128;
        for (batch, keys) in keys.chunks(ANNOUNCED).enumerate() {
            keys.iter().for_each(|key| self.announce(*key));
            self.intern_batch(keys, ids, |place| new(batch * ANNOUNCED + place));
        }
    }

    /// Numbers one key.
    #[inline]
    pub fn intern(&mut self, key: u64, new: impl FnOnce()) -> u32 {
        self.number(Words, key, new)
    }

    #[inline(always)]
    fn number<V: Vector>(&mut self, vector: V, key: u64, new: impl FnOnce()) -> u32 {
        let home = self.home(key);
        if let Some(id) = self.buckets[home].find(vector, key) {
            return id;
        }
        self.number_elsewhere(home, key, new)
    }

    /// Numbers a key that is not in the bucket where it is looked for first.
    fn number_elsewhere(&mut self, home: usize, key: u64, new: impl FnOnce()) -> u32 {
        let mask = self.buckets.len() - 1;
        let mut at = home;
        while !self.buckets[at & mask].take(key, self.len) {
            at += 1;
            if let Some(id) = self.buckets[at & mask].find(Words, key) {
                return id;
            }
        }
        let id = self.len;
        new();
        self.len += 1;
        if self.len as usize > self.buckets.len() * MOST_A_BUCKET {
            self.grow();
        }
        id
    }

    /// Says that a key will be looked up soon.
    #[inline(always)]
    pub fn announce(&self, key: u64) {
        memory::prefetch(&self.buckets, self.home(key));
    }

    #[inline(always)]
    fn home(&self, key: u64) -> usize {
        let product = u128::from(key ^ self.seed) * u128::from(0x9E37_79B9_7F4A_7C15_u64);
        (((product >> 64) as u64 ^ product as u64) >> self.shift) as usize
    }

    /// Doubles the buckets where they are: each becomes two, of which the first has twice its place, so going backwards
    /// overwrites none that is still to come.
    #[cold]
    fn grow(&mut self) {
        let buckets = self.buckets.len();
        self.buckets.grow(buckets * 2);
        self.shift -= 1;
        // Keys that another bucket had to take in, for want of room.
        let mut elsewhere = Vec::new();
        for place in (0..buckets).rev() {
            let old = self.buckets[place];
            self.buckets[place * 2..place * 2 + 2].fill(Bucket::EMPTY);
            for (key, id) in old.keys.into_iter().zip(old.ids).take(old.len as usize) {
                let home = self.home(key);
                if home / 2 != place || !self.buckets[home].take(key, id) {
                    elsewhere.push((key, id));
                }
            }
        }
        let mask = buckets * 2 - 1;
        for (key, id) in elsewhere {
            let mut at = self.home(key);
            while !self.buckets[at & mask].take(key, id) {
                at += 1;
            }
        }
    }
}

/// Keys that are numbered together.
struct Batch<'a, F> {
    table: &'a mut Interner,
    keys: &'a [u64],
    ids: &'a mut Vec<u32>,
    new: F,
}

impl<F: FnMut(usize)> Work for Batch<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with<V: Vector>(mut self, vector: V) {
        let numbers =
            self.keys.iter().enumerate().map(|(place, key)| self.table.number(vector, *key, || (self.new)(place)));
        self.ids.extend(numbers);
    }
}

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_first_appearance_through_growth() {
        let mut table = Interner::new();
        for round in 0..2 {
            for key in 0..5000u64 {
                let mut fresh = false;
                let id = table.intern(key << 20, || fresh = true);
                assert_eq!((u64::from(id), fresh), (key, round == 0));
            }
        }
    }

    #[test]
    fn new_keys_of_many_are_told_by_their_places_among_all() {
        let keys: Vec<u64> = (0..1000).map(|place| place % 300 * 7).collect();
        let (mut table, mut ids, mut new) = (Interner::new(), Vec::new(), Vec::new());
        table.intern_all(&keys, &mut ids, |place| new.push(place));
        assert!(new.iter().copied().eq(0..300));
        assert!(ids.iter().zip(0..).all(|(id, place)| *id == place % 300));
    }

    #[test]
    fn key_of_a_free_place_is_a_key_like_any_other() {
        let mut table = Interner::new();
        assert_eq!((table.intern(7, || ()), table.intern(0, || ()), table.intern(0, || ())), (0, 1, 1));
    }
}
