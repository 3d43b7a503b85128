//! Allocations of address space while they are filled: numbers at addresses.

use super::rows::Row;

/// One allocation, committed from its base as far as its bytes go but for its holes.
#[derive(Debug, Clone, Default)]
pub struct Allocation {
    pub base: u64,
    /// Bytes of address space.
    pub reserved: u64,
    /// Contents, up to the end of what is committed.
    pub bytes: Vec<u8>,
    /// Reserved parts among the committed ones: address and bytes.
    pub holes: Vec<(u64, u64)>,
    /// Committed parts that the dump does not hold.
    pub missing: Vec<(u64, u64)>,
    /// `MEM_MAPPED` instead of `MEM_PRIVATE`.
    pub is_mapped: bool,
}

/// Some allocations, and the width of a pointer in them.
#[derive(Debug, Clone)]
pub struct Memory {
    pub is_64_bit: bool,
    pub parts: Vec<Allocation>,
}

impl Memory {
    pub fn new(row: &Row) -> Self {
        Self { is_64_bit: row.is_64_bit, parts: Vec::new() }
    }

    /// Adds committed zeros and some reserve behind them.
    pub fn add(&mut self, base: u64, committed: u64, reserved: u64) -> &mut Allocation {
        let bytes = vec![0; committed as usize];
        self.parts.push(Allocation { base, reserved: reserved.max(committed), bytes, ..Default::default() });
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }

    /// What is from an address to the end of its allocation; empty where there is none.
    pub fn at(&mut self, address: u64) -> &mut [u8] {
        let holds = |part: &&mut Allocation| (part.base..part.base + part.bytes.len() as u64).contains(&address);
        match self.parts.iter_mut().rev().find(holds) {
            Some(part) => &mut part.bytes[(address - part.base) as usize..],
            None => &mut [],
        }
    }

    /// Bytes at an address; what does not fit is left out.
    pub fn put(&mut self, address: u64, bytes: &[u8]) {
        let place = self.at(address);
        let count = bytes.len().min(place.len());
        place[..count].copy_from_slice(&bytes[..count]);
    }

    pub fn u8(&mut self, address: u64, value: u8) {
        self.put(address, &[value]);
    }

    pub fn u16(&mut self, address: u64, value: u64) {
        self.put(address, &(value as u16).to_le_bytes());
    }

    pub fn u32(&mut self, address: u64, value: u64) {
        self.put(address, &(value as u32).to_le_bytes());
    }

    /// A number as wide as a pointer.
    pub fn word(&mut self, address: u64, value: u64) {
        let width = if self.is_64_bit { 8 } else { 4 };
        self.put(address, &value.to_le_bytes()[..width]);
    }

    /// Two words in a row.
    pub fn words(&mut self, address: u64, first: u64, second: u64) {
        self.word(address, first);
        self.word(address + if self.is_64_bit { 8 } else { 4 }, second);
    }

    /// A ring of `LIST_ENTRY`s, the head first.
    pub fn ring(&mut self, links: &[u64]) {
        for (number, link) in links.iter().enumerate() {
            let next = links[(number + 1) % links.len()];
            let before = links[(number + links.len() - 1) % links.len()];
            self.words(*link, next, before);
        }
    }
}

impl Allocation {
    /// Committed parts: address and bytes.
    pub fn committed(&self) -> Vec<(u64, u64)> {
        parts(self.base, self.base + self.bytes.len() as u64, &self.holes)
    }

    /// Committed parts that the dump holds.
    pub fn present(&self) -> Vec<(u64, u64)> {
        let whole = self.committed();
        whole.iter().flat_map(|(base, size)| parts(*base, base + size, &self.missing)).collect()
    }
}

/// What is left of a stretch without its holes, which come in the order of their addresses.
pub fn parts(mut start: u64, end: u64, holes: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut parts = Vec::new();
    for (hole, size) in holes {
        if *hole >= end || hole + size <= start {
            continue;
        }
        if *hole > start {
            parts.push((start, hole - start));
        }
        start = (hole + size).min(end);
    }
    if start < end {
        parts.push((start, end - start));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_left_out() {
        assert_eq!(parts(0x1000, 0x5000, &[(0x2000, 0x1000)]), [(0x1000, 0x1000), (0x3000, 0x2000)]);
        assert_eq!(parts(0x1000, 0x5000, &[(0, 0x2000), (0x4000, 0x9000)]), [(0x2000, 0x2000)]);
        assert_eq!(parts(0x1000, 0x2000, &[(0x3000, 0x1000)]), [(0x1000, 0x1000)]);
    }

    #[test]
    fn ring_of_one_points_at_itself() {
        let mut memory = Memory { is_64_bit: false, parts: Vec::new() };
        memory.add(0x1000, 0x1000, 0);
        memory.ring(&[0x1010]);
        assert_eq!(memory.at(0x1010)[..8], [0x10, 0x10, 0, 0, 0x10, 0x10, 0, 0]);
        memory.ring(&[0x1000, 0x1010, 0x1020]);
        assert_eq!(memory.at(0x1010)[..8], [0x20, 0x10, 0, 0, 0x00, 0x10, 0, 0]);
        memory.u32(0x1FFE, 0x1234_5678);
        assert_eq!(memory.at(0x1FFE), [0x78, 0x56]);
    }
}
