//! One side of a process: its heaps in memory, their answer, the database of its stacks, its environment block.

use super::{
    Options,
    answer::{Rows, count},
    content::Images,
    memory::{Allocation, Memory},
    page_heap::Pages,
    paint::Painting,
    place::{Segment, place},
    plan::HeapPlan,
    rows::Row,
    segment_heap::SegmentHeap,
    traces::Traces,
};

/// `FLG_*` of `NtGlobalFlag`.
const TAIL_FREE_PARAMETERS: u64 = 0x70;
const STACK_TRACES: u64 = 0x1000;
const PAGE_HEAP: u64 = 0x0200_0000;
/// Where the list of the heaps is in the page of the environment block.
pub const LIST: u64 = 0xA00;

/// A side of a process.
pub struct World {
    pub row: &'static Row,
    pub heaps: Vec<HeapPlan>,
    pub segments: Vec<Vec<Segment>>,
    pub images: Images,
    pub traces: Option<Traces>,
    pub pages: Option<Pages>,
    pub segment_heap: Option<SegmentHeap>,
}

impl World {
    pub fn new(row: &'static Row, heaps: Vec<HeapPlan>, images: Images) -> Self {
        let segments = heaps.iter().map(|heap| place(row, heap)).collect();
        Self { row, heaps, segments, images, traces: None, pages: None, segment_heap: None }
    }

    fn painting(&self, number: usize) -> Painting<'_> {
        let (row, plan, segments) = (self.row, &self.heaps[number], &self.segments[number]);
        Painting { row, plan, segments, images: &self.images, traces: self.traces.as_ref(), number: number as u64 + 1 }
    }

    /// All its allocations.
    pub fn paint(&self) -> Vec<Allocation> {
        let mut parts: Vec<Allocation> =
            (0..self.heaps.len()).flat_map(|number| self.painting(number).paint().parts).collect();
        let mut memory = Memory::new(self.row);
        if let Some(pages) = &self.pages {
            pages.paint(self.row, &mut memory, &self.images, self.traces.as_ref());
        }
        if let Some(heap) = &self.segment_heap {
            heap.paint(&mut memory, &self.images);
        }
        if let Some(traces) = &self.traces {
            traces.paint(self.row, &mut memory);
        }
        parts.append(&mut memory.parts);
        parts
    }

    /// Adds its heaps and blocks to the answer.
    pub fn count(&self, rows: &mut Rows) {
        for number in 0..self.heaps.len() {
            count(&self.painting(number), rows);
        }
        if let Some(pages) = &self.pages {
            pages.count(self.row, &self.images, rows);
        }
        if let Some(heap) = &self.segment_heap {
            heap.count(&self.images, rows);
        }
    }

    /// The heaps that the process lists.
    pub fn listed(&self) -> Vec<u64> {
        let heaps = self.heaps.iter().filter(|heap| heap.is_listed).map(|heap| heap.base);
        heaps.chain(self.segment_heap.as_ref().map(SegmentHeap::base)).collect()
    }
}

/// `NtGlobalFlag` for what the options turn on.
pub fn global_flag(options: &Options) -> u64 {
    let on = |is_on: bool, bits| if is_on { bits } else { 0 };
    on(options.tails, TAIL_FREE_PARAMETERS) | on(options.traces, STACK_TRACES) | on(options.page_heap, PAGE_HEAP)
}

/// A page with an environment block and the list of the heaps.
pub fn peb(row: &Row, base: u64, image: u64, flags: u64, heaps: &[u64]) -> Allocation {
    let mut memory = Memory::new(row);
    memory.add(base, 0x1000, 0x1000);
    let at = row.peb;
    memory.word(base + at.image, image);
    memory.word(base + at.heap, heaps.first().copied().unwrap_or_default());
    memory.u32(base + at.flags, flags);
    memory.u32(base + at.heap_count, heaps.len() as u64);
    memory.u32(base + at.heap_count + 4, (0x1000 - LIST) / row.pointer);
    memory.word(base + at.heaps, base + LIST);
    for (number, heap) in (0..).zip(heaps) {
        memory.word(base + LIST + number * row.pointer, *heap);
    }
    memory.parts.remove(0)
}

/// Environment blocks of a thread on the 64-bit side, and on the 32-bit side behind it.
pub fn tebs(outer: &Row, base: u64, stack: (u64, u64), peb: u64, inner: &Row, inner_peb: u64) -> Allocation {
    let mut memory = Memory::new(outer);
    memory.add(base, 0x3000, 0x3000);
    let inner_base = base + 0x2000;
    memory.word(base, inner_base);
    memory.words(base + 0x08, stack.0, stack.1);
    memory.word(base + 0x30, base);
    memory.word(base + 0x60, peb);
    memory.is_64_bit = inner.is_64_bit;
    memory.words(inner_base + 0x04, stack.0, stack.1);
    memory.word(inner_base + 0x18, inner_base);
    memory.word(inner_base + 0x30, inner_peb);
    memory.parts.remove(0)
}
