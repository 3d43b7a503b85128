//! Stacks of blocks (gflags `+ust`): experimental. The offsets are those on which two public debugger extensions agree, and of
//! types in public symbol files; no dump of a process with stacks was there to hold them on. So every stack proves itself, and a
//! heap of which fewer than nine in ten blocks have a proved one has none.

use std::collections::HashMap;

use super::{
    super::fields::u16_at,
    layout::Width,
    space::{Space, pointer_at},
};

/// A block that carries a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    /// Bytes from its header to the program's.
    pub user: u64,
    /// Bytes that the program has not.
    pub unused: u64,
    /// Where the stack is.
    pub trace: u64,
}

impl Extended {
    /// Reads the second header of a block, which stands before the program's bytes and points back at the first.
    pub fn read(block: &[u8], bytes: u64, width: &Width) -> Option<Self> {
        // The program's bytes may end behind the block: the first eight of the next header of 64 bits are theirs.
        let least = |second: &Self| second.user + 8 - width.unit;
        Self::second(block, width).filter(|second| (least(second)..=bytes).contains(&second.unused))
    }

    /// Reads that of a block with an allocation of its own, of which the first header says how much the program has not. It
    /// begins where the first header does, behind the sizes: `front` bytes.
    pub fn of_large(block: &[u8], unused: u64, front: u64, width: &Width) -> Option<Self> {
        let second = Self::second(block, width).filter(|second| front + second.user <= unused)?;
        Some(Self { unused, ..second })
    }

    fn second(block: &[u8], width: &Width) -> Option<Self> {
        /// `ExtendedBlockSignature`.
        const SIGNATURE: u8 = 5;
        const UNITS_BACK: u8 = 2;
        let user = 3 * width.unit;
        let second = user as usize - 8;
        let [back, signature] = *block.get(second + 6..)?.first_chunk()?;
        let unused = u64::from(u16_at(block, second + 4)?);
        let trace = pointer_at(block, width.unit as usize, width)?;
        (signature == SIGNATURE && back == UNITS_BACK).then_some(Self { user, unused, trace })
    }
}

/// Addresses of stacks, each once.
#[derive(Debug, Default)]
pub struct Traces {
    /// In the order in which they were met.
    pub addresses: Vec<u64>,
    numbers: HashMap<u64, u32, ahash::RandomState>,
    last: Option<(u64, u32)>,
}

/// No stack, as a number.
pub const NONE: u32 = u32::MAX;

impl Traces {
    /// The number of a stack.
    pub fn number(&mut self, address: u64) -> u32 {
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == address) {
            return number;
        }
        let number = *self.numbers.entry(address).or_insert_with(|| {
            self.addresses.push(address);
            (self.addresses.len() - 1) as u32
        });
        self.last = Some((address, number));
        number
    }
}

/// Frames of one stack.
type Frames = Vec<u64>;

/// The frames of stacks; absent for those that do not prove themselves: 1 to 32 addresses, each in a module.
///
/// Two fields of an entry have been taken for its depth. The one that proves more of all stacks counts, for all.
pub fn frames(
    space: &Space<'_>,
    width: &Width,
    addresses: &[u64],
    is_code: impl Fn(u64) -> bool,
) -> Vec<Option<Frames>> {
    let pointer = width.pointer;
    let (depths, first) = if width.bits == 64 { ([0xE, 0xC], 0x10) } else { ([0xA, 0x8], 0xC) };
    let read = |address: u64, depth_at: usize| -> Option<Frames> {
        const MOST: usize = 32;
        let bytes = space.slice(address)?;
        let depth = usize::from(u16_at(bytes, depth_at)?);
        let frames = bytes.get(first..first + depth * pointer).filter(|_| (1..=MOST).contains(&depth))?;
        let frames = frames.chunks_exact(pointer).map(|frame| pointer_at(frame, 0, width));
        frames.map(|frame| frame.filter(|frame| is_code(*frame))).collect()
    };
    let all = depths.map(|at| addresses.iter().map(|address| read(*address, at)).collect::<Vec<_>>());
    let proved = |all: &Vec<Option<Frames>>| all.iter().filter(|frames| frames.is_some()).count();
    let [by_depth, by_index] = all;
    if proved(&by_index) > proved(&by_depth) { by_index } else { by_depth }
}

#[cfg(test)]
mod tests {
    use super::{super::layout::WIDE, *};

    #[test]
    fn the_second_header_of_a_block_proves_itself() {
        let mut block = [0; 0x60];
        block[0x10..0x18].copy_from_slice(&0x1234_5670_u64.to_le_bytes());
        block[0x28..0x30].copy_from_slice(&[1, 0, 0, 0, 0x38, 0, 2, 5]);
        let extended = Extended { user: 0x30, unused: 0x38, trace: 0x1234_5670 };
        assert_eq!(Extended::read(&block, 0x60, &WIDE), Some(extended));
        assert_eq!(Extended::read(&block, 0x30, &WIDE), None, "more is unused than there is");
        block[0x2C] = 0x28;
        let full = Extended { unused: 0x28, ..extended };
        assert_eq!(Extended::read(&block, 0x60, &WIDE), Some(full), "it goes on over half of the next header");
        block[0x2C] = 0x27;
        assert_eq!(Extended::read(&block, 0x60, &WIDE), None);
        let of_large =
            |unused| Extended::of_large(&block, unused, 0x30, &WIDE).map(|extended| (extended.user, extended.unused));
        assert_eq!(of_large(0x60), Some((0x30, 0x60)), "the first header says how much is unused");
        assert_eq!(of_large(0x58), None, "both headers do not fit into what is unused");
        block[0x2F] = 4;
        assert_eq!(Extended::read(&block, 0x60, &WIDE), None);
        assert_eq!(Extended::of_large(&block, 0x60, 0x30, &WIDE), None);
    }

    #[test]
    fn stacks_are_numbered_as_they_come() {
        let mut traces = Traces::default();
        assert_eq!([8, 16, 8, 24, 16].map(|address| traces.number(address)), [0, 1, 0, 2, 1]);
        assert_eq!(traces.addresses, [8, 16, 24]);
    }
}
