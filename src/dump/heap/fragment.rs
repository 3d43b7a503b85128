//! Parts of heaps in dumps that hold a little memory around pointers: without the header of the heap, but with areas of the
//! low-fragmentation heap, each of which proves itself by its subsegment, its bitmap and its key.

use std::collections::BTreeMap;

use super::{
    super::fields::u32_at,
    backend::Asked,
    header::{Heap, Source, same},
    layout::{Layout, Width},
    lfh::{SIGNATURE, walk_area},
    plan::{HeapKind, Planned},
    proof::Share,
    rows::ROWS,
    segment::Segment,
    space::Space,
    types::HeapSymbols,
    walked::Walked,
};

/// Areas of one heap, and what each holds.
type Parts = (Vec<Segment>, Vec<Walked>);

/// Memory that is looked through: dumps that hold more hold the headers of heaps as well.
const MOST_BYTES: u64 = 64 << 20;

/// What areas tell of heaps whose headers are not in the dump: one heap for each key. The layout is that of the PDB of this very build,
/// or else of the row of the build: the first by which an area proves itself.
pub fn find(
    space: &Space<'_>,
    width: &'static Width,
    build: Option<u32>,
    symbols: &HeapSymbols,
    asked: &Asked<'_>,
) -> Vec<(Planned, Vec<Walked>)> {
    if space.memory.stretches().map(|(_, size)| size).fold(0, u64::saturating_add) > MOST_BYTES {
        return Vec::new();
    }
    let layouts = layouts(width, build, symbols).into_iter().filter(|(layout, _)| layout.lfh.bitmap.is_some());
    layouts.map(|(layout, source)| by(space, layout, source, asked)).find(|found| !found.is_empty()).unwrap_or_default()
}

/// That of a PDB, then that of a row; one where both say the same.
fn layouts(width: &'static Width, build: Option<u32>, symbols: &HeapSymbols) -> Vec<(Layout, Source)> {
    let row = ROWS.iter().find(|row| row.layout.width == width && row.is_of(build));
    let told = symbols.of(width).and_then(|pdb| Some((&pdb.name, *pdb.layout.as_ref().ok()?)));
    match (told, row) {
        (Some((name, layout)), Some(row)) if layout == row.layout => {
            vec![(layout, Source::from(row).and(&same(name)))]
        }
        (told, row) => {
            let of_pdb = told.map(|(name, layout)| (layout, Source::of_pdb(name, width)));
            of_pdb.into_iter().chain(row.map(|row| (row.layout, row.into()))).collect()
        }
    }
}

/// The same by one layout.
fn by(space: &Space<'_>, layout: Layout, source: Source, asked: &Asked<'_>) -> Vec<(Planned, Vec<Walked>)> {
    let width = layout.width;
    let heap = Heap {
        base: 0,
        layout,
        source,
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
