//! Parts of heaps in dumps that hold a little memory around pointers: without the header of the heap, but with areas of the
//! low-fragmentation heap, each of which proves itself by its subsegment, its bitmap and its key.

use std::collections::BTreeMap;

use super::{
    super::fields::u32_at,
    backend::Asked,
    header::Heap,
    layout::Width,
    lfh::{SIGNATURE, walk_area},
    plan::{HeapKind, Planned},
    proof::Share,
    rows::ROWS,
    segment::Segment,
    space::Space,
    walked::Walked,
};

/// Areas of one heap, and what each holds.
type Parts = (Vec<Segment>, Vec<Walked>);

/// Memory that is looked through: dumps that hold more hold the headers of heaps as well.
const MOST_BYTES: u64 = 64 << 20;

/// What areas tell of heaps whose headers are not in the dump: one heap for each key.
pub fn find(
    space: &Space<'_>,
    width: &'static Width,
    build: Option<u32>,
    asked: &Asked<'_>,
) -> Vec<(Planned, Vec<Walked>)> {
    let of_build = |(first, behind): (u32, u32)| build.is_some_and(|build| (first..behind).contains(&build));
    let row = ROWS.iter().find(|row| row.layout.width == width && of_build(row.builds));
    let Some(row) = row.filter(|row| row.layout.lfh.bitmap.is_some()) else { return Vec::new() };
    if space.memory.stretches().map(|(_, size)| size).fold(0, u64::saturating_add) > MOST_BYTES {
        return Vec::new();
    }
    let heap = Heap {
        base: 0,
        layout: row.layout,
        source: row.into(),
        flags: 0,
        encoding: None,
        stack_traces: false,
        total_free: 0,
        front_end: 0,
        has_lfh: true,
    };
    let mut by_key: BTreeMap<Vec<(u32, u64)>, Parts> = BTreeMap::new();
    for start in signed(space, &heap) {
        let Some((segment, mut walked)) = walk_area(space, &heap, start, asked) else { continue };
        let (segments, all) = by_key.entry(std::mem::take(&mut walked.keys.found)).or_default();
        walked.proof.headerless = true;
        walked.proof.keys = Share { made: 1, held: 1 };
        segments.push(segment);
        all.push(walked);
    }
    let planned = |segments| Planned {
        base: None,
        width,
        kind: HeapKind::Nt,
        heap: Ok(heap.clone()),
        segments,
        large: Vec::new(),
        pages: Vec::new(),
        own: Vec::new(),
        segment_heap: None,
        listed: None,
    };
    by_key.into_values().map(|(segments, walked)| (planned(segments), walked)).collect()
}

/// Addresses of what has the signature of an area.
fn signed(space: &Space<'_>, heap: &Heap) -> Vec<u64> {
    let unit = heap.width().unit;
    let mut all = Vec::new();
    for (base, _) in space.memory.stretches() {
        let bytes = space.slice(base).unwrap_or_default();
        let skipped = base.next_multiple_of(unit) - base;
        let mut at = skipped as usize;
        while let Some(word) = u32_at(bytes, at.saturating_add(heap.layout.lfh.signature)) {
            if word == SIGNATURE {
                all.push(base + at as u64);
            }
            at += unit as usize;
        }
    }
    all
}
