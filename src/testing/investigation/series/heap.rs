//! An allocator: where a block comes to lie, and what happens to the place when it is freed.

use std::collections::HashMap;

use super::super::{FIRST_BLOCK, Random};

/// One heap. Freed places are given out again for blocks of the same size, any of them as likely as the other, as the
/// low-fragmentation heap of Windows does; else the heap grows.
#[derive(Debug)]
pub struct Heap {
    end: u64,
    free: HashMap<u64, Vec<u64>>,
}

impl Heap {
    pub fn new() -> Self {
        Self { end: FIRST_BLOCK, free: HashMap::new() }
    }

    /// Place of a new block of the given size and overhead, from the base of the heap.
    pub fn place(&mut self, random: &mut Random, bytes: u64) -> u64 {
        let free = self.free.entry(bytes).or_default();
        if !free.is_empty() {
            return free.swap_remove(random.below(free.len() as u64) as usize);
        }
        let offset = self.end;
        self.end += bytes;
        offset
    }

    /// Takes a place back.
    pub fn free(&mut self, offset: u64, bytes: u64) {
        self.free.entry(bytes).or_default().push(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_place_is_given_out_again_for_its_size_only() {
        let (mut heap, mut random) = (Heap::new(), Random::new(1));
        let first = heap.place(&mut random, 0x40);
        assert_eq!(heap.place(&mut random, 0x40), first + 0x40);
        heap.free(first, 0x40);
        assert_eq!(heap.place(&mut random, 0x30), first + 0x80);
        assert_eq!(heap.place(&mut random, 0x40), first);
    }
}
