//! Segments of a heap, and which parts of them have no memory.

use super::{
    find::{HEAD, whole},
    header::Heap,
    issues::HeapIssues,
    space::{Space, links, pointer_at},
};
use crate::error::Severity;

const PAGE: u64 = 0x1000;
/// Links of a list that are followed: more than any heap has.
const MOST_LINKS: usize = 1 << 20;

/// A segment, and where it has no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// First address.
    pub base: u64,
    /// Address behind the last.
    pub end: u64,
    /// Uncommitted ranges: first address, and the address behind the last; sorted, apart, none empty.
    pub holes: Vec<(u64, u64)>,
}

impl Segment {
    /// Reads the header of a segment of a heap; none if it is not one.
    pub fn read(space: &Space<'_>, base: u64, heap: &Heap, issues: &mut HeapIssues) -> Option<Self> {
        let (width, lists) = (heap.width(), &heap.layout.segment);
        let bytes = space.read(base, HEAD as u64)?;
        if whole(base, &bytes, width)? != heap.base {
            return None;
        }
        let end = pointer_at(&bytes, width.segment.end, width)?;
        let number = |at: usize| space.u32(base.checked_add(at as u64)?);
        let (pages, count) = (number(lists.uncommitted_pages)?, number(lists.uncommitted_ranges)?);
        let mut segment = Self { base, end, holes: Vec::new() };
        if let Err(why) = segment.find_holes(space, heap, (pages, count)) {
            issues.push(
                Severity::Error,
                "heap_damage",
                base,
                || format!("uncommitted ranges of the segment at {base:#X}: {why}"),
                "what lies behind a range that is missing here is counted as unknown",
            );
        }
        Some(segment)
    }

    /// Bytes of address space.
    pub fn reserved(&self) -> u64 {
        self.end - self.base
    }

    /// Parts with memory: first address, and the address behind the last.
    pub fn runs(&self) -> impl Iterator<Item = (u64, u64)> {
        let starts = std::iter::once(self.base).chain(self.holes.iter().map(|hole| hole.1));
        let ends = self.holes.iter().map(|hole| hole.0).chain(std::iter::once(self.end));
        starts.zip(ends).filter(|(start, end)| start < end)
    }

    fn find_holes(&mut self, space: &Space<'_>, heap: &Heap, told: (u32, u32)) -> Result<(), String> {
        let (width, lists) = (heap.width(), &heap.layout.segment);
        let (descriptors, closed) = links(space, self.base + lists.ranges as u64, width, MOST_LINKS);
        let mut outside = 0;
        for descriptor in &descriptors {
            let word = |at: usize| space.pointer(descriptor.checked_add(at as u64)?, width);
            let (Some(address), Some(size)) = (word(lists.range_address), word(lists.range_size)) else { continue };
            let inside = address >= self.base && address.is_multiple_of(PAGE) && size.is_multiple_of(PAGE);
            match address.checked_add(size).filter(|end| inside && *end <= self.end) {
                Some(end) if end > address => self.holes.push((address, end)),
                Some(_) => {}
                None => outside += 1,
            }
        }
        self.holes.sort_unstable();
        let all = self.holes.len();
        let mut reached = self.base;
        self.holes.retain(|(start, end)| {
            let apart = *start >= reached;
            reached = reached.max(*end);
            apart
        });
        let found: u64 = self.holes.iter().map(|(start, end)| (end - start) / PAGE).sum();
        if outside > 0 || all > self.holes.len() {
            return Err("some lie outside of it, or over others".to_owned());
        }
        if !closed || descriptors.len() != told.1 as usize || found != u64::from(told.0) {
            return Err(format!(
                "{found} pages in {} ranges, and its header tells of {} in {}",
                descriptors.len(),
                told.0,
                told.1
            ));
        }
        Ok(())
    }
}

/// First addresses of the segments that a heap's list names, and whether the list holds together.
pub fn listed(space: &Space<'_>, heap: &Heap) -> (Vec<u64>, bool) {
    let width = heap.width();
    let (entries, closed) = links(space, heap.base + heap.layout.segments as u64, width, MOST_LINKS);
    (entries.into_iter().filter_map(|entry| entry.checked_sub(heap.layout.segment.link as u64)).collect(), closed)
}
