//! Memory of the process as a walk needs it: small reads by address, none of which fails but by absence.

use std::borrow::Cow;

use super::{
    super::{
        fields::{u16_at, u32_at, u64_at},
        memory::Memory,
    },
    layout::Width,
};

/// What the dump holds of the process's memory.
#[derive(Clone, Copy)]
pub struct Space<'a> {
    /// The whole file.
    pub file: &'a [u8],
    /// Which of its bytes stand for an address.
    pub memory: &'a Memory,
}

impl<'a> Space<'a> {
    /// Bytes from an address on, as far as they are in one piece.
    pub fn slice(&self, address: u64) -> Option<&'a [u8]> {
        self.memory.slice_at(self.file, address)
    }

    /// So many bytes.
    pub fn read(&self, address: u64, size: u64) -> Option<Cow<'a, [u8]>> {
        self.memory.bytes_at(self.file, address, size).ok()
    }

    /// One byte.
    pub fn byte(&self, address: u64) -> Option<u8> {
        self.slice(address)?.first().copied()
    }

    /// The four bytes at an address.
    pub fn u32(&self, address: u64) -> Option<u32> {
        u32_at(&self.read(address, 4)?, 0)
    }

    /// The pointer at an address.
    pub fn pointer(&self, address: u64, width: &Width) -> Option<u64> {
        pointer_at(&self.read(address, width.pointer as u64)?, 0, width)
    }

    /// Both pointers of a list's link.
    pub fn link(&self, address: u64, width: &Width) -> Option<(u64, u64)> {
        let bytes = self.read(address, 2 * width.pointer as u64)?;
        Some((pointer_at(&bytes, 0, width)?, pointer_at(&bytes, width.pointer, width)?))
    }

    /// Where in the file an address is.
    pub fn place(&self, address: u64) -> Option<u64> {
        self.memory.cursor().start_of(address).map(|(place, _)| place)
    }
}

/// Memory that is committed, as the dump lists it: first address, and the address behind the last; apart and sorted.
#[derive(Debug, Clone, Default)]
pub struct Committed(Vec<(u64, u64)>);

impl Committed {
    /// Of regions by their ends; of those that overlap, each counts as far as the next one's start.
    pub fn new(mut regions: Vec<(u64, u64)>) -> Self {
        regions.sort_unstable();
        for at in 1..regions.len() {
            regions[at - 1].1 = regions[at - 1].1.min(regions[at].0);
        }
        Self(regions)
    }

    /// Committed bytes of so many from an address on.
    pub fn bytes(&self, address: u64, size: u64) -> u64 {
        let end = address.saturating_add(size);
        let first = self.0.partition_point(|(_, end)| *end <= address);
        let inside = self.0[first..].iter().take_while(|(start, _)| *start < end);
        inside.map(|(from, to)| to.min(&end).saturating_sub(*from.max(&address))).sum()
    }
}

/// A pointer of a structure, if it is there.
pub fn pointer_at(bytes: &[u8], at: usize, width: &Width) -> Option<u64> {
    if width.bits == 64 { u64_at(bytes, at) } else { u32_at(bytes, at).map(u64::from) }
}

/// A number of the width of a half pointer of a structure: two bytes.
pub fn short_at(bytes: &[u8], at: usize) -> Option<u64> {
    u16_at(bytes, at).map(u64::from)
}

/// The links of a list behind its head, each once, up to the head or to where the list contradicts itself; and whether it came
/// back to its head.
pub fn links(space: &Space<'_>, head: u64, width: &Width, limit: usize) -> (Vec<u64>, bool) {
    let mut found = Vec::new();
    let (mut before, mut next) = (head, space.pointer(head, width));
    while let Some(link) = next {
        if link == head {
            return (found, true);
        }
        // A list that comes back elsewhere fails here, since each link has one before it.
        match space.link(link, width) {
            Some((forward, back)) if back == before && found.len() < limit => {
                found.push(link);
                (before, next) = (link, Some(forward));
            }
            _ => break,
        }
    }
    (found, false)
}
