//! The tables of the heaps of a dump. Blocks are the ones that are many: columns that say the same in every row share buffers.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, StringViewArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow_schema::DataType;

use super::{all_u32s, all_u64s, stacks, texts, u32s, u64s};
use crate::{
    dump::heap::{
        account::Part,
        blocks::{Columns, FrontEnd},
        header::Heap,
        issues::HeapIssue,
        plan::HeapKind,
        result::{HeapResult, Heaps, Piece},
        space::Space,
    },
    dump::issues::{StreamIssue, StreamPlace},
    table::{Table, modules::ModuleMap, schema},
};

/// Builds all tables; those of contents, too, if they were asked for.
pub fn tables(mut all: Heaps, space: &Space<'_>, modules: &ModuleMap, contents: bool) -> Vec<(&'static str, Table)> {
    let (usage, sizes) = (usage(&all.heaps), sizes(&all.heaps));
    let allocations = allocations(&mut all.heaps);
    let (stacks, frames) = stacks::tables(&all.stacks, modules);
    let mut batches = vec![
        (&schema::DUMP_HEAPS, vec![heaps(&all.heaps)]),
        (&schema::HEAP_SEGMENTS, vec![segments(&all.heaps)]),
        (&schema::DUMP_ALLOCATIONS, allocations),
        (&schema::BLOCK_SIZES, vec![sizes]),
        (&schema::USAGE, vec![usage]),
        (&schema::STACKS, vec![stacks]),
        (&schema::FRAMES, frames),
        (&schema::DUMP_ISSUES, vec![issues(&all.issues.rows, space)]),
    ];
    if contents {
        batches.push((&schema::BLOCK_CONTENTS, vec![super::contents::contents(&all.heaps, modules)]));
        batches.push((&schema::CRT_BLOCKS, vec![super::contents::crt_blocks(&all.heaps, space)]));
    }
    batches.into_iter().map(|(table, batches)| (table.name, Table::new(table, batches))).collect()
}

fn heaps(all: &[HeapResult]) -> RecordBatch {
    fn header(heap: &HeapResult) -> Option<&Heap> {
        heap.planned.heap.as_ref().ok()
    }
    fn with_header(heap: &HeapResult) -> Option<&Heap> {
        header(heap).filter(|_| heap.planned.base.is_some())
    }
    let proved = |value: fn(&HeapResult) -> u64| u64s(all.iter().map(move |heap| header(heap).map(|_| value(heap))));
    let said = |value: fn(&Heap) -> bool| -> ArrayRef {
        Arc::new(all.iter().map(|heap| with_header(heap).map(value)).collect::<BooleanArray>())
    };
    let words = all.iter().map(|heap| match &heap.planned.heap {
        Ok(header) => heap.proof.words(&header.source.evidence),
        Err(why) => why.clone(),
    });
    let words: Vec<String> = words.collect();
    let front_end = |heap: &HeapResult| {
        Some(match (heap.planned.kind, header(heap)?.has_lfh) {
            (HeapKind::Page, _) => "page",
            (_, true) => "lfh",
            (_, false) => "backend",
        })
    };
    let flags = |heap: &HeapResult| with_header(heap).filter(|_| heap.planned.kind == HeapKind::Nt).map(|it| it.flags);
    let columns: Vec<ArrayRef> = vec![
        all_u32s(0..all.len() as u32),
        u64s(all.iter().map(|heap| heap.planned.base)),
        all_u32s(all.iter().map(|heap| heap.planned.width.bits)),
        texts(all.iter().map(|heap| Some(heap.planned.kind.name()))),
        u32s(all.iter().map(flags)),
        texts(all.iter().map(|heap| Some(&*header(heap)?.source.name))),
        texts(all.iter().map(|heap| Some(header(heap).map_or("unproved", |_| heap.proof.trust())))),
        texts(words.iter().map(|words| Some(words.as_str()))),
        Arc::new(all.iter().map(|heap| heap.planned.listed).collect::<BooleanArray>()),
        texts(all.iter().map(front_end)),
        said(|heap| heap.stack_traces),
        proved(HeapResult::segment_count),
        proved(|heap| heap.account.reserved()),
        proved(|heap| heap.account.reserved() - heap.account.bytes(Part::Uncommitted)),
        proved(|heap| heap.account.bytes(Part::Uncommitted)),
        proved(|heap| heap.account.bytes(Part::Busy)),
        proved(|heap| heap.counts.busy),
        proved(|heap| heap.account.bytes(Part::Free)),
        proved(|heap| heap.counts.free),
        proved(|heap| heap.account.bytes(Part::Overhead)),
        proved(|heap| heap.account.unknown()),
        proved(|heap| heap.counts.lfh.1),
        proved(|heap| heap.counts.lfh.0),
        proved(|heap| heap.counts.lfh_free.1),
        proved(|heap| heap.counts.lfh_free.0),
        proved(|heap| heap.large.1),
        proved(|heap| heap.large.0),
        proved(|heap| heap.counts.largest_free),
        proved(|heap| heap.counts.entries.0),
        proved(|heap| heap.counts.entries.1),
    ];
    crate::table::batch(&schema::DUMP_HEAPS, columns)
}

fn segments(all: &[HeapResult]) -> RecordBatch {
    let rows: Vec<(u32, Piece)> =
        (0..).zip(all).flat_map(|(at, heap)| heap.pieces.iter().map(move |piece| (at, *piece))).collect();
    let number = |value: fn(&Piece) -> u64| all_u64s(rows.iter().map(move |(_, piece)| value(piece)));
    let columns: Vec<ArrayRef> = vec![
        all_u32s(rows.iter().map(|(heap, _)| *heap)),
        number(|piece| piece.base),
        texts(rows.iter().map(|(_, piece)| Some(piece.kind))),
        number(|piece| piece.account.reserved()),
        number(|piece| piece.account.bytes(Part::Uncommitted)),
        number(|piece| piece.account.bytes(Part::Busy)),
        number(|piece| piece.counts.busy),
        number(|piece| piece.account.bytes(Part::Free)),
        number(|piece| piece.counts.free),
        number(|piece| piece.account.bytes(Part::Overhead)),
        number(|piece| piece.account.unknown()),
        number(|piece| piece.counts.largest_free),
    ];
    crate::table::batch(&schema::HEAP_SEGMENTS, columns)
}

/// The columns that say the same in every row of a batch, as long as the longest; batches show parts of them.
struct Same {
    heap: ArrayRef,
    ones: ArrayRef,
    front_end: [ArrayRef; 5],
    state: [ArrayRef; 2],
    no_u64: ArrayRef,
    no_u32: ArrayRef,
}

impl Same {
    fn new(rows: usize) -> Self {
        let word =
            |word: &str| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(word, rows))) };
        Self {
            heap: Arc::new(UInt32Array::from(vec![0; rows])),
            ones: Arc::new(UInt32Array::from(vec![1; rows])),
            front_end: FrontEnd::ALL.map(|front_end| word(front_end.name())),
            state: ["busy", "free"].map(word),
            no_u64: new_null_array(&DataType::UInt64, rows),
            no_u32: new_null_array(&DataType::UInt32, rows),
        }
    }
}

/// Blocks of a batch, and what is the same for all of them.
struct Chunk {
    heap: u32,
    front_end: FrontEnd,
    free: bool,
    columns: Columns,
    stacks: Option<ArrayRef>,
}

fn allocations(all: &mut [HeapResult]) -> Vec<RecordBatch> {
    let mut chunks = Vec::new();
    for (id, heap) in (0..).zip(all) {
        for (front_end, free) in FrontEnd::ALL.into_iter().flat_map(|front_end| [(front_end, false), (front_end, true)])
        {
            for (piece, blocks) in heap.blocks.iter_mut().enumerate() {
                let of_trace = heap.stacks.get(piece).map_or(&[][..], Vec::as_slice);
                chunks.extend(blocks.take(front_end, free).into_iter().map(|columns| {
                    let stack = |trace: &u32| of_trace.get(*trace as usize).copied().flatten();
                    let stacks = (!columns.traces.is_empty()).then(|| u32s(columns.traces.iter().map(stack)));
                    Chunk { heap: id, front_end, free, columns, stacks }
                }));
            }
        }
    }
    let rows = chunks.iter().map(|chunk| chunk.columns.address.len()).max().unwrap_or(0);
    let mut same = Same::new(rows);
    let mut of_heap = 0;
    let mut batches = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        if chunk.heap != of_heap {
            (same.heap, of_heap) = (Arc::new(UInt32Array::from(vec![chunk.heap; rows])), chunk.heap);
        }
        batches.push(blocks(chunk, &same));
    }
    batches
}

fn blocks(chunk: Chunk, same: &Same) -> RecordBatch {
    let Chunk { front_end, free, columns, stacks, .. } = chunk;
    let rows = columns.address.len();
    let part = |column: &ArrayRef| column.slice(0, rows);
    let overhead = |(bytes, requested): (&u64, &u64)| u32::try_from(bytes - requested).unwrap_or(u32::MAX);
    let (requested, overhead): (ArrayRef, ArrayRef) = if free {
        (part(&same.no_u64), part(&same.no_u32))
    } else {
        let overhead = all_u32s(columns.bytes.iter().zip(&columns.requested).map(overhead));
        (Arc::new(UInt64Array::from(columns.requested)), overhead)
    };
    let columns: Vec<ArrayRef> = vec![
        part(&same.heap),
        Arc::new(UInt64Array::from(columns.address)),
        requested,
        overhead,
        Arc::new(UInt64Array::from(columns.bytes)),
        part(&same.ones),
        part(&same.front_end[front_end as usize]),
        part(&same.state[usize::from(free)]),
        Arc::new(UInt32Array::from(columns.flags)),
        stacks.unwrap_or_else(|| part(&same.no_u32)),
    ];
    crate::table::batch(&schema::DUMP_ALLOCATIONS, columns)
}

fn sizes(all: &[HeapResult]) -> RecordBatch {
    let mut rows: Vec<(u32, u64, u64)> = Vec::new();
    for (id, heap) in (0..).zip(all) {
        let mut of_heap: BTreeMap<u64, u64> = BTreeMap::new();
        for (size, count) in heap.blocks.iter().flat_map(|blocks| blocks.sizes()) {
            *of_heap.entry(size).or_default() += count;
        }
        rows.extend(of_heap.into_iter().map(|(size, count)| (id, size, count)));
    }
    let columns: Vec<ArrayRef> = vec![
        all_u32s(rows.iter().map(|row| row.0)),
        all_u64s(rows.iter().map(|row| row.1)),
        all_u64s(rows.iter().map(|row| row.2)),
    ];
    crate::table::batch(&schema::BLOCK_SIZES, columns)
}

fn usage(all: &[HeapResult]) -> RecordBatch {
    // Heaps and stacks as the table sorts them: without a stack last.
    let mut rows: BTreeMap<(u32, u32), [u64; 3]> = BTreeMap::new();
    for (id, heap) in (0..).zip(all).filter(|(_, heap)| heap.counts.busy > 0) {
        let mut rest = [heap.account.bytes(Part::Busy), heap.counts.busy_overhead, heap.counts.busy];
        for (blocks, of_trace) in heap.blocks.iter().zip(&heap.stacks) {
            for columns in blocks.all_busy() {
                let sums = columns.traces.iter().zip(columns.requested.iter().zip(&columns.bytes));
                for (trace, (requested, bytes)) in sums {
                    let Some(stack) = of_trace.get(*trace as usize).copied().flatten() else { continue };
                    let row = rows.entry((id, stack)).or_default();
                    for (at, value) in [*requested, bytes - requested, 1].into_iter().enumerate() {
                        row[at] += value;
                        rest[at] -= value;
                    }
                }
            }
        }
        if rest[2] > 0 {
            rows.insert((id, u32::MAX), rest);
        }
    }
    let columns: Vec<ArrayRef> = vec![
        all_u32s(rows.keys().map(|(id, _)| *id)),
        u32s(rows.keys().map(|(_, stack)| Some(*stack).filter(|stack| *stack != u32::MAX))),
        all_u64s(rows.values().map(|sums| sums[0])),
        all_u64s(rows.values().map(|sums| sums[1])),
        all_u64s(rows.values().map(|sums| sums[2])),
    ];
    crate::table::batch(&schema::USAGE, columns)
}

fn issues(rows: &[HeapIssue], space: &Space<'_>) -> RecordBatch {
    let row = |issue: &HeapIssue| StreamIssue {
        severity: issue.severity,
        kind: issue.kind,
        place: StreamPlace { byte: issue.address.and_then(|address| space.place(address)), ..StreamPlace::default() },
        text: issue.text.clone(),
        action: issue.action,
        count: issue.count,
    };
    let mut rows: Vec<StreamIssue> = rows.iter().map(row).collect();
    rows.sort_by_key(|row| row.place.byte.unwrap_or(u64::MAX));
    super::issues(&rows)
}
