//! The imagined process of a reference log: its modules, code addresses, ways in, trace ids and block sizes.

use super::super::random::{Random, mix};

/// Modules of the process.
pub const MODULES: u64 = 48;
/// Size of each of them.
pub const MODULE_BYTES: u64 = 0x40_0000;
/// Distinct outer halves of stacks: the ways into the program.
const ENTRIES: usize = 2_000;
/// Overheads as seen in logs, as often as seen.
const OVERHEADS: [u64; 8] = [0x30, 0x30, 0x30, 0x1C, 0x1A, 0x18, 0x10, 0x2C];
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// What stays the same from one log of the process to the next.
pub struct Process {
    /// Every code address as its line.
    pub frame_lines: Vec<FrameLine>,
    /// Outer halves of stacks, as places in `frame_lines`.
    pub entries: Vec<Vec<u32>>,
    /// Id of each stack.
    pub trace_ids: Vec<u32>,
}

/// `<TAB>7FFB2C81A3D4<CR><LF>`, padded: copied whole, cut by length.
#[derive(Clone, Copy)]
pub struct FrameLine {
    /// The text.
    pub bytes: [u8; 16],
    /// How much of it counts.
    pub length: usize,
}

impl Process {
    /// The process of a seed; ways in are 4 to `entry_depth` frames deep.
    pub fn new(seed: u64, addresses: u64, stacks: u64, entry_depth: u64) -> Self {
        let mut random = Random::of(seed, "entries", addresses);
        let entry = |_| {
            let depth = random.between(4, entry_depth);
            (0..depth).map(|_| skewed(&mut random, addresses)).collect()
        };
        Self {
            entries: (0..ENTRIES).map(entry).collect(),
            frame_lines: (0..addresses).map(|number| frame_line(code_address(seed, number))).collect(),
            trace_ids: trace_ids(seed, stacks),
        }
    }
}

/// Where a module is loaded; the last ones lie so low that their addresses have 11 digits.
pub fn module_base(seed: u64, module: u64) -> u64 {
    let floor = if module < MODULES - 4 { 0x7FF8_0000_0000 } else { 0x7F8_0000_0000 };
    floor + mix(seed) % 0x4000 * 0x1_0000 + module * 4 * MODULE_BYTES
}

/// Each number its own address: an odd factor permutes the bytes of a module.
fn code_address(seed: u64, number: u64) -> u64 {
    let module = number % MODULES;
    let offset = (number / MODULES * 0x9E_3779 + mix(module) % MODULE_BYTES) % (MODULE_BYTES - 0x1000);
    module_base(seed, module) + 0x1000 + offset
}

fn frame_line(address: u64) -> FrameLine {
    let mut text = vec![b'\t'];
    push_hex(&mut text, address);
    text.extend_from_slice(b"\r\n");
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(&text);
    FrameLine { bytes, length: text.len() }
}

/// Some functions are on many stacks, most on few: the smaller of two draws, squared towards 0.
#[inline]
pub fn skewed(random: &mut Random, end: u64) -> u32 {
    random.below(end).min(random.below(end)) as u32
}

/// Ids of 8 digits, no two alike.
fn trace_ids(seed: u64, count: u64) -> Vec<u32> {
    let first = mix(seed) as u32;
    // Adding, multiplying by an odd number and xor-shifting each map 32 bits one to one.
    let scatter = |number: u32| {
        let number = number.wrapping_add(first).wrapping_mul(0x9E37_79B1);
        (number ^ (number >> 15)).wrapping_mul(0x85EB_CA77)
    };
    (0..=u32::MAX).map(scatter).filter(|id| *id >= 0x1000_0000).take(count as usize).collect()
}

/// Requested bytes and overhead of a block: mostly small.
#[inline]
pub fn block_size(random: &mut Random) -> (u64, u64) {
    let bits = random.bits();
    let magnitude = [0x20, 0x40, 0x100, 0x100, 0x200, 0x200, 0x800, 0x4000][(bits & 7) as usize];
    let overhead = OVERHEADS[(bits >> 3 & 7) as usize];
    (1 + (bits >> 8) % magnitude, overhead)
}

/// Upper case, no leading zeros.
#[inline]
pub fn push_hex(buffer: &mut Vec<u8>, number: u64) {
    let digits = (67 - (number | 1).leading_zeros() as usize) / 4;
    let mut text = [0; 16];
    for (place, digit) in text[..digits].iter_mut().rev().enumerate() {
        *digit = HEX[(number >> (4 * place) & 0xF) as usize];
    }
    buffer.extend_from_slice(&text[..digits]);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn hex_is_as_format_writes_it() {
        for number in [0, 1, 0xF, 0x10, 0xABC, 0x7FFB_2C81_A3D4, u64::MAX] {
            let mut text = Vec::new();
            push_hex(&mut text, number);
            assert_eq!(text, format!("{number:X}").into_bytes());
        }
    }

    #[test]
    fn addresses_and_ids_are_distinct() {
        let addresses: HashSet<u64> = (0..250_000).map(|number| code_address(1, number)).collect();
        assert_eq!(addresses.len(), 250_000);
        assert!(addresses.iter().all(|address| (11..=12).contains(&format!("{address:X}").len())));
        let ids: HashSet<u32> = trace_ids(1, 100_000).into_iter().collect();
        assert_eq!(ids.len(), 100_000);
        assert!(ids.iter().all(|id| *id >= 0x1000_0000));
    }
}
