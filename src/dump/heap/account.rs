//! What became of the bytes of a segment: each is counted exactly once.

use std::ops::AddAssign;

/// What a byte of a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The program's.
    Busy,
    /// In a free block.
    Free,
    /// The heap's own.
    Overhead,
    /// Without memory.
    Uncommitted,
}

/// Bytes of a segment, or of many. All are unknown at first, and leave that for one other part: so the parts are always the
/// whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    parts: [u64; 4],
    unknown: u64,
}

impl Account {
    /// So many bytes, of which nothing is known.
    pub fn of(reserved: u64) -> Self {
        Self { parts: [0; 4], unknown: reserved }
    }

    /// Says what some of the unknown bytes are; false, and nothing changes, if there are not as many.
    pub fn take(&mut self, part: Part, bytes: u64) -> bool {
        let Some(left) = self.unknown.checked_sub(bytes) else { return false };
        self.unknown = left;
        self.parts[part as usize] += bytes;
        true
    }

    /// Bytes of a part.
    pub fn bytes(&self, part: Part) -> u64 {
        self.parts[part as usize]
    }

    /// Bytes of which nothing is known.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// All bytes.
    pub fn reserved(&self) -> u64 {
        self.parts.iter().fold(self.unknown, |sum, part| sum.saturating_add(*part))
    }
}

impl AddAssign for Account {
    /// Segments lie apart in one address space, so their bytes together never pass 64 bits.
    fn add_assign(&mut self, other: Self) {
        for (part, more) in self.parts.iter_mut().zip(other.parts) {
            *part = part.saturating_add(more);
        }
        self.unknown = self.unknown.saturating_add(other.unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_always_the_whole() {
        let mut account = Account::of(100);
        assert!(account.take(Part::Busy, 60) && account.take(Part::Overhead, 30));
        assert!(!account.take(Part::Free, 11), "only ten are left");
        assert_eq!((account.bytes(Part::Free), account.unknown(), account.reserved()), (0, 10, 100));
        let mut both = account;
        both += account;
        assert_eq!((both.bytes(Part::Busy), both.unknown(), both.reserved()), (120, 20, 200));
    }
}
