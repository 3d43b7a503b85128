//! Small heaps made by hand, walked whole, damaged byte by byte, and with pages missing.

use super::{
    account::Part,
    backend::{Asked, walk},
    find::{Found, HEAD, Kind, found, whole},
    layout::Layout,
    plan::plan,
    result::{Heaps, add_up},
    rows::{ROWS, Row},
    space::Space,
    types::HeapSymbols,
    walked::Budget,
};
use crate::dump::{
    memory::{Memory, Ranges},
    shared::Shared,
};

pub(super) const BASE: u64 = 0x10_0000;
pub(super) const COMMITTED: u64 = 0x3000;
const RESERVED: u64 = 0x1_0000;
const KEY: u64 = 0xA1B2_C3D4_E5F6_0718;

/// A heap of one segment: header, blocks of these bytes (busy with so many unused ones, or free), the descriptor of what is not
/// committed.
pub(super) struct Sketch {
    row: &'static Row,
    pub(super) layout: &'static Layout,
    pub(super) bytes: Vec<u8>,
    /// Address of the header of each block, the heap's own left out.
    pub(super) headers: Vec<u64>,
}

impl Sketch {
    pub(super) fn new(row: &'static Row, blocks: &[(u64, Option<u8>)]) -> Self {
        let layout = &row.layout;
        let mut sketch = Self { row, layout, bytes: vec![0; COMMITTED as usize], headers: Vec::new() };
        let width = layout.width;
        let header = 0x2C0;
        let free: u64 = blocks.iter().filter(|(_, unused)| unused.is_none()).map(|(bytes, _)| bytes).sum();
        sketch.header(header, free);
        let (mut at, mut previous) = (sketch.entry(0, header, 0, Some(1)), header);
        for (bytes, unused) in blocks {
            sketch.headers.push(BASE + at);
            (at, previous) = (sketch.entry(at, *bytes, previous, *unused), *bytes);
        }
        let descriptor = at + width.unit;
        sketch.entry(at, COMMITTED - at, previous, Some(3));
        let link = descriptor + width.pointer as u64 * 2;
        let head = layout.segment.ranges as u64;
        sketch.list(head, link);
        sketch.pointer(link + layout.segment.range_address as u64, BASE + COMMITTED);
        sketch.pointer(link + layout.segment.range_size as u64, RESERVED - COMMITTED);
        sketch
    }

    fn header(&mut self, first: u64, free: u64) {
        let (layout, width) = (self.layout, self.layout.width);
        let fields = &width.segment;
        self.number(fields.signature, 0xFFEE_FFEE);
        self.pointer(fields.heap as u64, BASE);
        self.pointer(fields.base as u64, BASE);
        self.number(fields.pages, (RESERVED / 0x1000) as u32);
        self.pointer(fields.first_entry as u64, BASE + first);
        self.pointer(fields.end as u64, BASE + RESERVED);
        self.number(layout.segment.uncommitted_pages, ((RESERVED - COMMITTED) / 0x1000) as u32);
        self.number(layout.segment.uncommitted_ranges, 1);
        self.number(layout.flags, 2);
        self.number(layout.mask, 0x10_0000);
        let at = layout.encoding + width.entry;
        self.bytes[at..at + 8].copy_from_slice(&KEY.to_le_bytes());
        self.number(layout.signature, 0xEEFF_EEFF);
        self.pointer(layout.total_free as u64, free / width.unit);
        self.list(layout.segments as u64, layout.segment.link as u64);
        let large = layout.large_list as u64;
        self.pointer(large, BASE + large);
        self.pointer(large + width.pointer as u64, BASE + large);
    }

    /// A list of one link.
    fn list(&mut self, head: u64, link: u64) {
        let pointer = self.layout.width.pointer as u64;
        for (from, to) in [(head, link), (link, head)] {
            self.pointer(from, BASE + to);
            self.pointer(from + pointer, BASE + to);
        }
    }

    fn entry(&mut self, at: u64, bytes: u64, previous: u64, unused: Option<u8>) -> u64 {
        let width = self.layout.width;
        let size = (bytes / width.unit) as u16;
        let flags = u8::from(unused.is_some());
        let [low, high] = size.to_le_bytes();
        let [before, and] = ((previous / width.unit) as u16).to_le_bytes();
        let plain = [low, high, flags, low ^ high ^ flags, before, and, 0, unused.unwrap_or(0)];
        let word = u64::from_le_bytes(plain) ^ KEY;
        let place = at as usize + width.entry;
        self.bytes[place..place + 8].copy_from_slice(&word.to_le_bytes());
        at + bytes
    }

    /// A heap with a front end: its structure, a zone with a subsegment, an area of `MARKS.len()` blocks, one block more.
    pub(super) fn with_front_end(row: &'static Row) -> Self {
        let layout = &row.layout;
        let blocks = [(0x100, Some(8)), (0x100, Some(8)), (0x400, Some(8)), (0x40, Some(9))];
        let mut sketch = Self::new(row, &blocks);
        let (width, lfh) = (layout.width, layout.lfh);
        let user = |at: usize| sketch.headers[at] - BASE + width.unit;
        let (front_end, zone, area) = (user(0), user(1), user(2));
        sketch.pointer(layout.front_end as u64, BASE + front_end);
        sketch.bytes[layout.front_end_type] = 2;
        sketch.list(front_end + lfh.zones, zone);
        let subsegment = zone + 0x20;
        sketch.pointer(subsegment + lfh.user_blocks as u64, BASE + area);
        sketch.short(subsegment + lfh.block_size as u64, (STRIDE / width.unit) as u16);
        sketch.short(subsegment + lfh.block_count as u64, MARKS.len() as u16);
        sketch.pointer(area, BASE + subsegment);
        sketch.number(area as usize + lfh.signature, 0xF0E0_D0C0);
        let mut first = lfh.blocks;
        if let Some(bitmap) = &lfh.bitmap {
            first = (first + width.pointer as u64).next_multiple_of(width.unit);
            sketch.number(area as usize + bitmap.bits, MARKS.len() as u32);
            sketch.pointer(area + bitmap.pointer as u64, BASE + area + lfh.blocks);
            let bits = MARKS
                .iter()
                .enumerate()
                .fold(!0 << MARKS.len(), |bits: u32, (at, mark)| bits | u32::from(*mark != 0x80) << at);
            sketch.number((area + lfh.blocks) as usize, bits);
            let plain = first as u32 | (STRIDE as u32) << 16;
            let encoded = plain ^ (BASE + area) as u32 ^ (BASE + front_end) as u32 ^ LFH_KEY;
            sketch.number(area as usize + bitmap.encoded, encoded);
        }
        for (at, mark) in MARKS.iter().enumerate() {
            let header = area + first + STRIDE * at as u64;
            let code = ((BASE + header) >> 3) as u32 ^ LFH_KEY ^ BASE as u32 ^ (BASE + subsegment) as u32;
            sketch.number(header as usize + width.entry, code);
            sketch.bytes[header as usize + width.entry + 7] = *mark;
        }
        sketch
    }

    fn short(&mut self, at: u64, value: u16) {
        self.bytes[at as usize..at as usize + 2].copy_from_slice(&value.to_le_bytes());
    }

    pub(super) fn number(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn pointer(&mut self, at: u64, value: u64) {
        let size = self.layout.width.pointer;
        self.bytes[at as usize..at as usize + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    pub(super) fn walk(&self) -> Heaps {
        self.walk_with(&[(0, COMMITTED)])
    }

    /// Walks it as a dump that holds parts of it: offset and size.
    fn walk_with(&self, parts: &[(u64, u64)]) -> Heaps {
        let mut ranges = Ranges::default();
        for (offset, size) in parts {
            ranges.base.push(BASE + offset);
            ranges.offset.push(*offset);
            ranges.size.push(*size);
            ranges.declared_size.push(*size);
        }
        let memory = Memory::new(&ranges, &mut Shared::new(&self.bytes));
        let space = Space { file: &self.bytes, memory: &memory };
        let found = found(BASE, &self.bytes[..HEAD], false, true);
        let plan = plan(&space, found.as_slice(), &[None, None], Some(self.row.builds.0), &HeapSymbols::default());
        let budget = Budget::of(self.bytes.len());
        let walked = plan.heaps.iter().map(|planned| match &planned.heap {
            Ok(heap) => {
                let asked = Asked { own: &planned.own, budget: &budget, contents: None, committed: None };
                planned.segments.iter().map(|segment| walk(&space, heap, segment, &asked)).collect()
            }
            Err(_) => Vec::new(),
        });
        let walked = walked.collect();
        add_up(plan, walked, &space, None)
    }
}

pub(super) const LFH_KEY: u32 = 0x7E57_1234;
pub(super) const STRIDE: u64 = 0x40;
/// Blocks of an area: free, or busy with so many bytes that the program has not.
pub(super) const MARKS: [u8; 9] = [0x88, 0x80, 0x90, 0x80, 0x80, 0x8F, 0xA5, 0x80, 0x88];

pub(super) const BLOCKS: [(u64, Option<u8>); 7] = [
    (0x40, Some(9)),
    (0x100, Some(8)),
    (0x80, None),
    (0x60, Some(0x1F)),
    (0x400, Some(8)),
    (0x20, Some(12)),
    (0x200, None),
];

fn issues(heaps: &Heaps) -> Vec<&'static str> {
    heaps.issues.rows.iter().map(|issue| issue.kind).collect()
}

#[test]
fn every_block_is_found_and_every_byte_counted_once() {
    for row in &ROWS {
        let heaps = Sketch::new(row, &BLOCKS).walk();
        let heap = &heaps.heaps[0];
        assert!(issues(&heaps).is_empty(), "{:?}", heaps.issues.rows);
        assert_eq!(heap.proof.trust(), "proved", "{}", row.name);
        assert_eq!((heap.counts.busy, heap.counts.free), (5, 2));
        let unused = 9 + 8 + 0x1F + 8 + 12;
        assert_eq!(heap.account.bytes(Part::Busy), 0x40 + 0x100 + 0x60 + 0x400 + 0x20 - unused);
        assert_eq!(heap.account.bytes(Part::Free), 0x280);
        assert_eq!(heap.account.bytes(Part::Uncommitted), RESERVED - COMMITTED);
        assert_eq!((heap.account.unknown(), heap.account.reserved()), (0, RESERVED));
        assert_eq!(heap.counts.busy_overhead, unused);
    }
}

#[test]
fn of_rows_that_all_fit_the_build_chooses() {
    let names = [(7601, "Windows Vista to 7, 64-bit"), (9600, "Windows 8 to 10 1803, 64-bit")];
    for (build, name) in names {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let sketch = Sketch::new(row, &BLOCKS);
        let mut ranges = Ranges::default();
        ranges.base.push(BASE);
        ranges.offset.push(0);
        ranges.size.push(COMMITTED);
        ranges.declared_size.push(COMMITTED);
        let memory = Memory::new(&ranges, &mut Shared::new(&sketch.bytes));
        let space = Space { file: &sketch.bytes, memory: &memory };
        let heap = super::header::prove(&space, BASE, row.layout.width, Some(build), None).unwrap();
        assert_eq!(heap.source.name, name);
    }
}

#[test]
fn a_flipped_header_costs_its_block_and_is_an_issue_with_its_place() {
    let blocks: Vec<(u64, Option<u8>)> = (0..80).map(|at| (0x20 + 0x10 * (at % 3), Some(8 + (at % 5) as u8))).collect();
    for row in &ROWS {
        let mut sketch = Sketch::new(row, &blocks);
        let broken = sketch.headers[40];
        let place = (broken - BASE) as usize + row.layout.width.entry;
        sketch.bytes[place] ^= 0x10;
        let heaps = sketch.walk();
        let heap = &heaps.heaps[0];
        assert_eq!(issues(&heaps), ["heap_damage"]);
        assert_eq!(heaps.issues.rows[0].address, Some(broken));
        assert_eq!(heap.proof.trust(), "damaged");
        assert_eq!(heap.counts.busy, 79, "{}", row.name);
        assert_eq!(heap.account.unknown(), sketch.headers[41] - broken);
        assert_eq!(heap.account.reserved(), RESERVED);
    }
}

#[test]
fn pages_that_the_dump_lacks_are_unknown() {
    let blocks: Vec<(u64, Option<u8>)> = (0..200).map(|at| (0x20 + 0x10 * (at % 3), Some(8))).collect();
    for row in &ROWS {
        let sketch = Sketch::new(row, &blocks);
        let whole = sketch.walk();
        let heaps = sketch.walk_with(&[(0, 0x1000), (0x1800, COMMITTED - 0x1800)]);
        let (heap, whole) = (&heaps.heaps[0], &whole.heaps[0]);
        assert_eq!(issues(&heaps), ["heap_pages"]);
        assert_eq!(heap.proof.trust(), "partial");
        assert_eq!(heap.account.reserved(), RESERVED);
        assert!((0x800 - 0x40..0x800 + 0x80).contains(&heap.account.unknown()), "{:#X}", heap.account.unknown());
        assert!(heap.counts.busy < whole.counts.busy && heap.counts.busy > whole.counts.busy / 2);
    }
}

#[test]
fn any_changed_byte_leaves_sums_exact_and_never_more_than_there_was() {
    for row in &ROWS {
        let front_end = Sketch::with_front_end(row);
        for (sketch, most) in [(Sketch::new(row, &BLOCKS), 6), (front_end, 15)] {
            changed(&sketch, most);
        }
    }
}

/// Walks a heap with each of its bytes changed.
fn changed(sketch: &Sketch, most: u64) {
    for place in 0..sketch.bytes.len().min(0xC00) {
        for change in [0x01, 0x80, 0xFF] {
            let mut damaged = Sketch { bytes: sketch.bytes.clone(), headers: Vec::new(), ..*sketch };
            damaged.bytes[place] ^= change;
            for heap in damaged.walk().heaps.iter().filter(|heap| heap.planned.heap.is_ok()) {
                let parts = [Part::Busy, Part::Free, Part::Overhead, Part::Uncommitted];
                let sum: u64 = parts.iter().map(|part| heap.account.bytes(*part)).sum();
                assert_eq!(sum + heap.account.unknown(), heap.account.reserved());
                assert!(heap.counts.busy <= most, "{} blocks at {place:#X}", heap.counts.busy);
            }
        }
    }
}

#[test]
fn a_signature_alone_is_a_heap_of_no_proved_layout() {
    let mut head = [0x55; HEAD];
    head[0x10..0x14].copy_from_slice(&0xFFEE_FFEE_u32.to_le_bytes());
    let one = found(BASE, &head, false, true).unwrap();
    assert_eq!(one.kind, Kind::Signature);
    assert_eq!(found(BASE, &head, false, false), None, "in mapped memory the whole header must agree");
    let memory = Memory::default();
    let plan = plan(&Space { file: &[], memory: &memory }, &[one], &[None, None], None, &HeapSymbols::default());
    assert!(plan.heaps[0].heap.is_err());
    assert_eq!(plan.issues.rows[0].kind, "heap_layout");
}

#[test]
fn both_widths_are_found_in_a_64_bit_dump() {
    for row in &ROWS {
        let sketch = Sketch::new(row, &BLOCKS);
        let head = &sketch.bytes[..HEAD];
        let expected = Found { base: BASE, width: row.layout.width, kind: Kind::Segment { heap: BASE } };
        assert_eq!(found(BASE, head, false, false), Some(expected));
        assert_eq!(whole(BASE + 0x1_0000, head, row.layout.width), None, "its own address is in the header");
    }
}

#[test]
fn blocks_of_the_front_end_replace_the_block_that_holds_them() {
    for row in &ROWS {
        let heaps = Sketch::with_front_end(row).walk();
        let heap = &heaps.heaps[0];
        assert!(issues(&heaps).is_empty(), "{}: {:?}", row.name, heaps.issues.rows);
        assert_eq!(heap.proof.trust(), "proved");
        assert_eq!((heap.proof.marks.held, heap.proof.user_blocks.held), (MARKS.len() as u64, 1));
        assert!(heap.proof.keys.made > 0 && heap.proof.keys.whole());
        let requested = 5 * STRIDE - (8 + 0x10 + 0xF + 0x25 + 8);
        assert_eq!(heap.counts.lfh, (5, requested), "{}", row.name);
        assert_eq!(heap.counts.lfh_free, (4, 4 * STRIDE));
        assert_eq!(heap.counts.busy, 6, "what the front end took for itself is nobody's block");
        assert_eq!(heap.account.bytes(Part::Busy), requested + 0x40 - 9);
        assert_eq!((heap.account.unknown(), heap.account.reserved()), (0, RESERVED));
    }
}

#[test]
fn a_mark_that_the_bitmap_contradicts_is_an_issue_and_its_block_unknown() {
    for row in ROWS.iter().filter(|row| row.layout.lfh.bitmap.is_some()) {
        let mut sketch = Sketch::with_front_end(row);
        let area = sketch.headers[2] - BASE + row.layout.width.unit;
        sketch.bytes[(area + row.layout.lfh.blocks) as usize] ^= 2;
        let heaps = sketch.walk();
        assert_eq!(issues(&heaps), ["heap_front_end"]);
        assert_eq!(heaps.heaps[0].account.unknown(), STRIDE);
        assert_eq!(heaps.heaps[0].proof.trust(), "damaged");
    }
}

/// Writes the seeds of the fuzz target `heap_walk`.
#[test]
#[ignore = "writes files: HEAPDELTA_SEEDS names the folder"]
fn seeds() {
    let folder = std::path::PathBuf::from(std::env::var("HEAPDELTA_SEEDS").unwrap());
    for (at, row) in ROWS.iter().enumerate() {
        let choice = if row.layout.width.bits == 64 || at % 4 == 1 { 0 } else { 1 };
        let bytes = [vec![choice], Sketch::with_front_end(row).bytes].concat();
        std::fs::write(folder.join(format!("layout{at}.heap")), bytes).unwrap();
    }
}
