//! What blocks begin with: the best that can be said of who made them, where no stacks were recorded.
//!
//! Blocks of the debug CRT begin with its header, which names file and line; it proves itself by its guard bytes and its size.
//! The layouts of `_CrtMemBlockHeader` are those of the headers that came with Visual C++ up to 2013, and since with the UCRT.

use std::collections::HashMap;

use super::{
    super::fields::u32_at,
    layout::Width,
    space::{Space, pointer_at},
};

/// What a block begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Begins {
    /// A pointer to pointers to code, in a module: an object of a class with virtual functions.
    Vtable,
    /// A pointer into a module.
    Module,
    /// A pointer into a heap.
    Heap,
    /// ASCII.
    Text,
    /// UTF-16 that is ASCII.
    WideText,
    /// Zeros.
    Zero,
    /// Something else.
    Other,
    /// Nothing: the block has no room for a pointer.
    Short,
    /// The dump lacks it.
    Absent,
}

impl Begins {
    /// As the table shows it.
    pub fn name(self) -> &'static str {
        ["vtable", "module", "heap", "text", "wide_text", "zero", "other", "short", "absent"][self as usize]
    }
}

/// Ranges of addresses, apart and sorted: first address, and the address behind the last.
#[derive(Debug, Clone, Default)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Of any ranges: each counts as far as the next one's start.
    pub fn new(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.retain(|(start, end)| start < end);
        ranges.sort_unstable();
        for at in 1..ranges.len() {
            ranges[at - 1].1 = ranges[at - 1].1.min(ranges[at].0);
        }
        Self(ranges)
    }

    /// The start of the range that holds an address.
    #[inline(always)]
    pub fn start(&self, address: u64) -> Option<u64> {
        let at = self.0.partition_point(|(start, _)| *start <= address).checked_sub(1)?;
        Some(self.0[at]).filter(|(_, end)| address < *end).map(|(start, _)| start)
    }
}

/// What addresses mean.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Modules.
    pub modules: Ranges,
    /// Memory that can be executed.
    pub code: Ranges,
    /// Segments and large blocks of heaps.
    pub heaps: Ranges,
}

/// Blocks and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Blocks.
    pub count: u64,
    /// Bytes that the program asked for; those of the debug CRT without what it added.
    pub requested: u64,
}

impl Sum {
    fn add(&mut self, count: u64, requested: u64) {
        self.count += count;
        self.requested += requested;
    }
}

/// Where in a program the debug CRT was asked for blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CrtPlace {
    /// Where the name of the file is; 0 for none.
    pub file: u64,
    /// The line; 0 for none.
    pub line: u32,
    /// `_NORMAL_BLOCK` and its like: the lower half.
    pub block_use: u16,
}

/// Blocks of a place, and their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrtSum {
    /// Blocks and bytes.
    pub sum: Sum,
    /// Least and largest request number.
    pub requests: (u32, u32),
}

/// What the blocks of a segment begin with.
#[derive(Debug, Default)]
pub struct Contents {
    /// By what they begin with, and where that points for those that point into modules.
    pub begins: HashMap<(Begins, u64), Sum, ahash::RandomState>,
    /// Blocks of the debug CRT by their place.
    pub crt: HashMap<CrtPlace, CrtSum, ahash::RandomState>,
    /// A vtable, and whether it is one: objects of a class come one behind the other.
    last: Option<(u64, Begins)>,
}

/// The header of a block of the debug CRT.
struct Crt {
    place: CrtPlace,
    request: u32,
    /// Bytes of the header.
    header: u64,
    /// Bytes of the program.
    size: u64,
}

/// The bytes that the debug CRT puts on either side of the program's.
const GUARD: u32 = 0xFDFD_FDFD;

impl Crt {
    fn read(bytes: &[u8], requested: u64, width: &Width) -> Option<Self> {
        let pointer = width.pointer;
        let header = 4 * pointer + 16;
        if u32_at(bytes, header - 4)? != GUARD {
            return None;
        }
        let file = pointer_at(bytes, 2 * pointer, width)?;
        let line = u32_at(bytes, 3 * pointer)?;
        let request = u32_at(bytes, header - 8)?;
        // 32-bit headers have use and size in this order since 2015, and the other way round before.
        let fields = 3 * pointer + 4;
        let sizes: &[(usize, usize)] = if pointer == 8 { &[(0, 4)] } else { &[(0, 4), (4, 0)] };
        let fitting = sizes.iter().find_map(|(block_use, size)| {
            let size = pointer_at(bytes, fields + size, width)?;
            let whole = size.checked_add(header as u64 + 4)?;
            let behind = u32_at(bytes, header.checked_add(usize::try_from(size).ok()?)?);
            let holds = whole == requested && behind.is_none_or(|behind| behind == GUARD);
            holds.then_some((u32_at(bytes, fields + block_use)?, size))
        });
        let (block_use, size) = fitting?;
        let place = CrtPlace { file, line, block_use: block_use as u16 };
        // The uses that the CRT's headers name: free, normal, crt, ignore, client.
        (place.block_use <= 4).then_some(Self { place, request, header: header as u64, size })
    }
}

impl Contents {
    /// Counts a block. `bytes` begin with the program's, and may go on behind the block.
    pub fn add(&mut self, bytes: Option<&[u8]>, requested: u64, width: &Width, space: &Space<'_>, known: &Known) {
        let Some(bytes) = bytes else { return self.count((Begins::Absent, 0), requested) };
        let room = usize::try_from(requested).unwrap_or(usize::MAX).min(bytes.len());
        let mut bytes = &bytes[..room];
        let mut size = requested;
        if let Some(crt) = Crt::read(bytes, requested, width) {
            self.count_crt(&crt);
            size = crt.size;
            let start = bytes.len().min(crt.header as usize);
            let end = bytes.len().min(usize::try_from(crt.header + crt.size).unwrap_or(usize::MAX));
            bytes = &bytes[start..end];
        }
        let key = self.begins(bytes, size, width, space, known);
        self.count(key, size);
    }

    fn count(&mut self, key: (Begins, u64), requested: u64) {
        self.begins.entry(key).or_default().add(1, requested);
    }

    fn count_crt(&mut self, crt: &Crt) {
        let new = CrtSum { sum: Sum::default(), requests: (crt.request, crt.request) };
        let known = self.crt.entry(crt.place).or_insert(new);
        known.sum.add(1, crt.size);
        known.requests = (known.requests.0.min(crt.request), known.requests.1.max(crt.request));
    }

    fn begins(&mut self, bytes: &[u8], size: u64, width: &Width, space: &Space<'_>, known: &Known) -> (Begins, u64) {
        if size < width.pointer as u64 {
            return (Begins::Short, 0);
        }
        let Some(word) = pointer_at(bytes, 0, width) else { return (Begins::Absent, 0) };
        if word == 0 {
            return (Begins::Zero, 0);
        }
        if let Some((last, kind)) = self.last.filter(|(last, _)| *last == word) {
            return (kind, last);
        }
        if known.modules.start(word).is_some() {
            let aligned = word.is_multiple_of(width.pointer as u64);
            let points_to_code = || space.pointer(word, width).is_some_and(|code| known.code.start(code).is_some());
            let is_data = known.code.start(word).is_none();
            let kind = if aligned && is_data && points_to_code() { Begins::Vtable } else { Begins::Module };
            self.last = Some((word, kind));
            return (kind, word);
        }
        if known.heaps.start(word).is_some() {
            return (Begins::Heap, 0);
        }
        (text(&bytes[..bytes.len().min(16)]), 0)
    }

    /// Adds what another segment has.
    pub fn extend(&mut self, other: Self) {
        for (key, sum) in other.begins {
            self.begins.entry(key).or_default().add(sum.count, sum.requested);
        }
        for (place, more) in other.crt {
            let new = CrtSum { sum: Sum::default(), requests: more.requests };
            let known = self.crt.entry(place).or_insert(new);
            known.sum.add(more.sum.count, more.sum.requested);
            known.requests = (known.requests.0.min(more.requests.0), known.requests.1.max(more.requests.1));
        }
    }
}

/// Whether bytes are text: at least four characters, up to the end or to a zero.
fn text(bytes: &[u8]) -> Begins {
    const LEAST: usize = 4;
    let printable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    let all = |characters: &[u8]| {
        let length = characters.iter().position(|byte| *byte == 0).unwrap_or(characters.len());
        length >= LEAST && characters[..length].iter().all(printable)
    };
    if all(bytes) {
        return Begins::Text;
    }
    let halves = |half: usize| bytes.iter().skip(half).step_by(2).copied().collect::<Vec<u8>>();
    let (low, high) = (halves(0), halves(1));
    let length = low.iter().position(|byte| *byte == 0).unwrap_or(low.len());
    if all(&low) && high.iter().take(length).all(|byte| *byte == 0) { Begins::WideText } else { Begins::Other }
}

#[cfg(test)]
mod tests {
    use super::{super::layout::NARROW, super::layout::WIDE, *};
    use crate::dump::memory::Memory;

    fn first(bytes: &[u8], width: &Width) -> Contents {
        let mut contents = Contents::default();
        let memory = Memory::default();
        let space = Space { file: &[], memory: &memory };
        let known = Known {
            modules: Ranges::new(vec![(0x40_0000, 0x50_0000)]),
            code: Ranges::new(vec![(0x40_1000, 0x40_2000)]),
            heaps: Ranges::new(vec![(0x70_0000, 0x80_0000)]),
        };
        contents.add(Some(bytes), bytes.len() as u64, width, &space, &known);
        contents
    }

    fn begins(bytes: &[u8]) -> (Begins, u64) {
        *first(bytes, &WIDE).begins.keys().next().unwrap()
    }

    #[test]
    fn blocks_are_told_by_what_they_begin_with() {
        assert_eq!(begins(&0x40_1234_u64.to_le_bytes()), (Begins::Module, 0x40_1234));
        assert_eq!(begins(&0x70_0010_u64.to_le_bytes()), (Begins::Heap, 0));
        assert_eq!(begins(b"customer\0"), (Begins::Text, 0));
        assert_eq!(begins(b"w\0i\0d\0e\0\0\0"), (Begins::WideText, 0));
        assert_eq!(begins(&[0; 24]), (Begins::Zero, 0));
        assert_eq!(begins(&[1; 24]), (Begins::Other, 0));
        assert_eq!(begins(&[1; 3]), (Begins::Short, 0));
    }

    /// A block of the debug CRT: its header, three bytes for the program, guards.
    fn crt(width: &Width, size_first: bool) -> Vec<u8> {
        let pointer = |value: u64| value.to_le_bytes()[..width.pointer].to_vec();
        let mut bytes = [pointer(0), pointer(0), pointer(0x40_3000)].concat();
        bytes.extend(77_u32.to_le_bytes());
        let block_use = 1_u32.to_le_bytes().to_vec();
        bytes.extend(if size_first { [pointer(3), block_use].concat() } else { [block_use, pointer(3)].concat() });
        bytes.extend(4711_u32.to_le_bytes());
        bytes.extend([0xFD; 4]);
        bytes.extend(b"abc");
        bytes.extend([0xFD; 4]);
        bytes
    }

    #[test]
    fn headers_of_the_debug_crt_prove_themselves() {
        for (width, size_first) in [(&WIDE, false), (&NARROW, false), (&NARROW, true)] {
            let bytes = crt(width, size_first);
            let contents = first(&bytes, width);
            let (place, sum) = contents.crt.iter().next().unwrap();
            assert_eq!(*place, CrtPlace { file: 0x40_3000, line: 77, block_use: 1 });
            assert_eq!(*sum, CrtSum { sum: Sum { count: 1, requested: 3 }, requests: (4711, 4711) });
            assert_eq!(contents.begins[&(Begins::Short, 0)], Sum { count: 1, requested: 3 });
            let mut damaged = bytes.clone();
            let last = damaged.len() - 1;
            damaged[last] = 0;
            assert!(first(&damaged, width).crt.is_empty(), "the guard behind the bytes is gone");
        }
    }
}
