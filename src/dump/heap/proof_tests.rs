//! Which layout a heap proves where symbols tell one, and how keys of the front end are proved.

use super::{
    backend::Asked,
    find::{Found, Kind},
    layout::{Layout, Lfh, NARROW, WIDE},
    plan::plan,
    rows::{ROWS, Row},
    space::Space,
    tests::{BASE, BLOCKS, COMMITTED, LFH_KEY, MARKS, STRIDE, Sketch},
    types::{HeapSymbols, Missing, Pdb},
    walked::Budget,
};
use crate::dump::{
    memory::{Memory, Ranges},
    shared::Shared,
};

/// The key check of 64-bit front ends up to Windows 7: formulas that are tried, none that is known.
#[test]
fn a_key_is_proved_by_the_formula_that_gives_one_or_not_checked() {
    let row = ROWS.iter().find(|row| row.name == "Windows Vista to 7, 64-bit").unwrap();
    let blocks = |sketch: &Sketch| {
        let user = sketch.headers[2] + row.layout.width.unit;
        let first = user + row.layout.lfh.blocks;
        (0..MARKS.len() as u64).map(move |at| first + STRIDE * at).collect::<Vec<u64>>()
    };
    let coded = |code: &dyn Fn(u64) -> u32| {
        let mut sketch = Sketch::with_front_end(row);
        for header in blocks(&sketch) {
            sketch.number((header - BASE) as usize + 8, code(header));
        }
        sketch.walk().heaps.remove(0)
    };
    let subsegment = {
        let sketch = Sketch::with_front_end(row);
        (sketch.headers[1] + row.layout.width.unit + 0x20) as u32
    };
    let formulas: [&dyn Fn(u64) -> u32; 4] = [
        &|header| (header >> 3) as u32 ^ BASE as u32,
        &|header| (header >> 4) as u32 ^ BASE as u32,
        &|header| (header >> 3) as u32,
        &|header| (header >> 4) as u32,
    ];
    for formula in formulas {
        let heap = coded(&|header| formula(header) ^ subsegment ^ LFH_KEY);
        assert_eq!((heap.proof.keys.made, heap.proof.keys.whole(), heap.proof.keys_unknown), (5, true, false));
        assert_eq!(heap.proof.trust(), "proved");
    }
    let heap = coded(&|header| (header as u32).wrapping_mul(0x9E37_79B1));
    assert_eq!((heap.proof.keys.made, heap.proof.keys_unknown), (0, true));
    assert_eq!(heap.proof.trust(), "proved", "the area proves itself");
    assert!(heap.proof.words("").contains("LFH keys not checked"));
    assert_eq!(heap.account.unknown(), 0);
}

/// The formula of 32 bits is proved on a real file: what contradicts it is damage.
#[test]
fn a_key_that_differs_is_damage_where_the_formula_is_known() {
    let row = ROWS.iter().find(|row| row.name == "Windows Vista to 7, 32-bit").unwrap();
    let mut sketch = Sketch::with_front_end(row);
    let first = sketch.headers[2] + row.layout.width.unit + row.layout.lfh.blocks - BASE;
    sketch.bytes[first as usize] ^= 1;
    let heap = sketch.walk().heaps.remove(0);
    assert_eq!((heap.proof.keys.held, heap.proof.keys.made), (4, 5));
    assert_eq!(heap.proof.trust(), "damaged");
}

/// What the header of a sketch proves, with a PDB that says this.
fn proved_with(sketch: &Sketch, layout: Layout, build: u32) -> Result<super::header::Heap, String> {
    let memory = memory_of(sketch);
    let space = Space { file: &sketch.bytes, memory: &memory };
    super::header::prove(&space, BASE, sketch.layout.width, Some(build), Some(&pdb_with(layout)))
}

fn memory_of(sketch: &Sketch) -> Memory {
    let mut ranges = Ranges::default();
    ranges.base.push(BASE);
    ranges.offset.push(0);
    ranges.size.push(COMMITTED);
    ranges.declared_size.push(COMMITTED);
    Memory::new(&ranges, &mut Shared::new(&sketch.bytes))
}

fn pdb_with(layout: Layout) -> Pdb {
    Pdb { name: "ntdll.pdb 1".to_owned(), layout: Ok(layout), segment_heap: Err(Missing::other("", "")) }
}

/// The areas of a sketch without its header, for a build of Windows and with a PDB that says this: name of the layout, its evidence, and
/// busy blocks of the front end.
fn parts_with(sketch: &Sketch, build: Option<u32>, layout: Option<Layout>) -> Vec<(String, String, u64)> {
    let memory = memory_of(sketch);
    let space = Space { file: &sketch.bytes, memory: &memory };
    let width = sketch.layout.width;
    let symbols = layout.map_or_else(HeapSymbols::default, |layout| HeapSymbols::of_pdb(pdb_with(layout), width));
    let budget = Budget::of(sketch.bytes.len());
    let asked = Asked { own: &[], budget: &budget, contents: None, committed: None };
    let found = super::fragment::find(&space, width, build, &symbols, &asked);
    let words = |(planned, walked): (super::plan::Planned, Vec<super::walked::Walked>)| {
        let source = planned.heap.unwrap().source;
        (source.name.into(), source.evidence.into(), walked.iter().map(|walked| walked.counts.lfh.0).sum())
    };
    found.into_iter().map(words).collect()
}

#[test]
fn parts_without_a_header_are_read_by_symbols_where_they_prove_themselves() {
    for row in &ROWS[..2] {
        let (sketch, name) = (Sketch::with_front_end(row), row.name.to_owned());
        let evidence = row.evidence.to_owned();
        assert_eq!(parts_with(&sketch, Some(19045), None), [(name.clone(), evidence.clone(), 5)]);
        assert!(parts_with(&sketch, None, None).is_empty());
        let same = parts_with(&sketch, Some(19045), Some(row.layout));
        assert_eq!(same, [(name.clone(), format!("{evidence}; ntdll.pdb 1 has the same"), 5)]);
        let by_pdb = (format!("ntdll.pdb 1, {}-bit", row.layout.width.bits), "the types of ntdll.pdb 1".to_owned(), 5);
        assert_eq!(parts_with(&sketch, None, Some(row.layout)), std::slice::from_ref(&by_pdb));
        // Another build has its areas elsewhere.
        let moved = Lfh { block_size: 0x10, block_count: 0x16, blocks: row.layout.lfh.blocks + 0x10, ..row.layout.lfh };
        let layout = Layout { lfh: moved, ..row.layout };
        assert_eq!(parts_with(&sketch, Some(19045), Some(layout)), [(name, evidence, 5)], "what does not prove itself");
        let other: &'static Row = Box::leak(Box::new(Row { layout, ..*row }));
        let sketch = Sketch::with_front_end(other);
        assert!(parts_with(&sketch, Some(19045), None).is_empty());
        assert_eq!(parts_with(&sketch, Some(19045), Some(layout)), [by_pdb]);
    }
}

#[test]
fn symbols_of_the_very_build_win_over_a_row_and_both_prove_themselves() {
    let row = &ROWS[0];
    let sketch = Sketch::with_front_end(row);
    let same = proved_with(&sketch, row.layout, 19045).unwrap();
    assert_eq!(same.source.name, row.name);
    assert!(same.source.evidence.ends_with("; ntdll.pdb 1 has the same"));
    // Without a front end, that of another family fits as well.
    let sketch = Sketch::new(row, &BLOCKS);
    let other = ROWS.iter().find(|row| row.name == "Windows 8 to 10 1803, 64-bit").unwrap();
    let chosen = proved_with(&sketch, other.layout, 19045).unwrap();
    assert_eq!((&*chosen.source.name, chosen.layout), (other.name, other.layout), "the row that symbols confirm");
    let moved = Layout { lfh: Lfh { zones: 0x48, ..row.layout.lfh }, ..row.layout };
    let told = proved_with(&sketch, moved, 19045).unwrap();
    assert_eq!((&*told.source.name, told.layout), ("ntdll.pdb 1, 64-bit", moved));
    assert!(told.source.evidence.ends_with("which are not those of Windows 10 1809 to 11, 64-bit"));
    let wrong = Layout { encoding: 0x90, ..row.layout };
    let kept = proved_with(&sketch, wrong, 19045).unwrap();
    assert_eq!(kept.source.name, row.name);
    assert!(kept.source.evidence.contains("that of ntdll.pdb 1 does not fit: "));
}

#[test]
fn a_segment_heap_that_is_not_read_says_what_is_missing() {
    let memory = Memory::default();
    let space = Space { file: &[], memory: &memory };
    let path = Some("ntdll.pdb/A1/ntdll.pdb".to_owned());
    let symbols = HeapSymbols::default().with_paths([path, None]);
    for (width, why) in
        [(&WIDE, "(ntdll.pdb/A1/ntdll.pdb of a symbol server)"), (&NARROW, "by the symbols of ntdll alone")]
    {
        let found = Found { base: BASE, width, kind: Kind::SegmentHeap };
        let plan = plan(&space, &[found], &[None, None], None, &symbols);
        assert_eq!(plan.issues.rows[0].kind, "segment_heap");
        assert!(plan.issues.rows[0].text.contains(why), "{}", plan.issues.rows[0].text);
    }
}
