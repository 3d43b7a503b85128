//! Open-addressing tables that number what they are shown: the same key gets the same number, from 0, in order.
//!
//! One lookup is one multiplication and, nearly always, one cache line. Lookups come in batches: a first pass over the
//! batch only touches the cache lines, so that their misses overlap instead of standing in a queue.

use std::hash::{BuildHasher, RandomState};

/// Numbers 64-bit keys.
#[derive(Debug)]
pub struct Interner {
    slots: Vec<Slot>,
    len: u32,
    shift: u32,
    seed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: u64,
    /// What else tells two keys apart: digits printed, or 0.
    width: u32,
    id: u32,
}

const FREE: Slot = Slot { key: 0, width: 0, id: u32::MAX };
const FIRST_BITS: u32 = 10;

impl Interner {
    /// An empty table. The seed differs from process to process, so that a hostile file cannot choose keys that collide.
    pub fn new() -> Self {
        Self {
            slots: vec![FREE; 1 << FIRST_BITS],
            len: 0,
            shift: 64 - FIRST_BITS,
            seed: RandomState::new().hash_one(0),
        }
    }

    /// An empty table with room for `keys` keys.
    pub fn with_capacity(keys: usize) -> Self {
        let bits = (keys * 3 / 2 + 2).next_power_of_two().trailing_zeros().max(FIRST_BITS);
        Self { slots: vec![FREE; 1 << bits], shift: 64 - bits, ..Self::new() }
    }

    fn len(&self) -> usize {
        self.len as usize
    }

    /// Numbers every key of a batch, in order; `new` is called for each that was not known, with its place in the batch.
    #[inline]
    pub fn intern_batch(&mut self, keys: &[(u64, u32)], ids: &mut [u32], mut new: impl FnMut(usize)) {
        let mut touched = 0;
        for (key, _) in keys {
            touched ^= self.slots[self.home(*key)].id;
        }
        std::hint::black_box(touched);
        for (place, ((key, width), id)) in keys.iter().zip(ids).enumerate() {
            *id = self.intern(*key, *width, || new(place));
        }
    }

    /// Numbers one key.
    #[inline]
    pub fn intern(&mut self, key: u64, width: u32, new: impl FnOnce()) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = self.home(key);
        loop {
            let slot = self.slots[at & mask];
            if slot.key == key && slot.width == width && slot.id != u32::MAX {
                return slot.id;
            }
            if slot.id == u32::MAX {
                break;
            }
            at += 1;
        }
        let id = self.len;
        new();
        self.slots[at & mask] = Slot { key, width, id };
        self.len += 1;
        // At most 0.7 full: two probes on average, nearly always in one cache line of four slots.
        if self.len() * 10 > self.slots.len() * 7 {
            self.grow();
        }
        id
    }

    #[inline(always)]
    fn home(&self, key: u64) -> usize {
        let product = u128::from(key ^ self.seed) * u128::from(0x9E37_79B9_7F4A_7C15_u64);
        (((product >> 64) as u64 ^ product as u64) >> self.shift) as usize
    }

    #[cold]
    fn grow(&mut self) {
        self.shift -= 1;
        let mask = self.slots.len() * 2 - 1;
        let old = std::mem::replace(&mut self.slots, vec![FREE; mask + 1]);
        for slot in old.into_iter().filter(|slot| slot.id != u32::MAX) {
            let mut at = self.home(slot.key);
            while self.slots[at & mask].id != u32::MAX {
                at += 1;
            }
            self.slots[at & mask] = slot;
        }
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
                let id = table.intern(key << 20, 0, || fresh = true);
                assert_eq!((u64::from(id), fresh), (key, round == 0));
            }
        }
        assert_eq!(table.intern(0, 5, || ()), 5000, "another width is another key");
    }
}
