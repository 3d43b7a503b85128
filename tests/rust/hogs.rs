//! UMDH 1 and DH logs, read serially: one test for each rule of the format, and the properties that hold on any text.

mod known;
mod other;
mod properties;

use std::collections::BTreeMap;

use arrow_array::{Array, StringViewArray};
use heapdelta::internals::{
    log::{
        hogs::Reader,
        sink::{
            Allocation, HeapEvent, Issue, LineCounts, Module, SectionLine, Sink, SymbolNote, TraceSlot, store::Span,
        },
    },
    table::{frames::Frames, modules::ModuleMap},
};

/// Everything a text turned into, with places in the file and names for numbers.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    lines: LineCounts,
    rows: Vec<Row>,
    stacks: Vec<Stack>,
    headers: Vec<(u64, u64, String)>,
    modules: Vec<Module>,
    symbols: Vec<SymbolNote>,
    heaps: Vec<(Option<u64>, u64, Event)>,
    sections: Vec<SectionLine>,
    issues: Vec<Issue>,
    usage: BTreeMap<Owner, (u64, u64)>,
}

/// Heap, trace id, and whether both were inferred.
type Owner = (Option<u64>, Option<String>, bool);

#[derive(Debug, PartialEq)]
struct Row {
    heap: Option<u64>,
    address: Option<u64>,
    bytes: u64,
    overhead: Option<u32>,
    count: u32,
    trace: Option<String>,
    inferred: bool,
}

#[derive(Debug, PartialEq)]
struct Stack {
    trace: String,
    frames: Vec<String>,
    line: i64,
    alias: bool,
    cut: bool,
    inferred: bool,
}

#[derive(Debug, PartialEq)]
enum Event {
    Creator(Option<String>),
    Other(HeapEvent),
}

fn name(sink: &Sink, slot: TraceSlot) -> String {
    let mut text = String::new();
    sink.trace_ids.write(sink.traces[slot.0 as usize].key, &mut text);
    text
}

/// Reads the blocks of a text, in order, with one reader.
fn read_blocks(blocks: &[&[u8]]) -> Outcome {
    let mut sink = Sink::new(true);
    let mut reader = Reader::new();
    for (index, block) in blocks.iter().enumerate() {
        sink.begin_piece(index as u32);
        reader.read(block, index + 1 == blocks.len(), &mut sink);
        sink.end_piece();
    }
    sink.finish();
    collect(&mut sink, blocks)
}

fn read(text: &str) -> Outcome {
    read_blocks(&[text.as_bytes()])
}

fn collect(sink: &mut Sink, blocks: &[&[u8]]) -> Outcome {
    let mut found = Outcome::default();
    let pieces = std::mem::take(&mut sink.pieces);
    let frame_ids = sink.piece_frames.finish();
    let order: Vec<u32> = (0..sink.frames.len() as u32).collect();
    let frames = Frames::new(&sink.frames, &order, &ModuleMap::default()).batches;
    let texts = frames.iter().filter_map(|batch| batch.column_by_name("text")?.as_any().downcast_ref());
    let texts: Vec<&str> = texts.flat_map(StringViewArray::iter).flatten().collect();
    let (mut line, mut byte) = (0u64, 0u64);
    for (piece, block) in pieces.into_iter().zip(blocks) {
        found.rows.extend(piece.sums.iter().map(|(heap, row)| row_of(sink, *heap, row)));
        let Span { region, start: first, len } = piece.frames;
        let piece_frames = &frame_ids[region][first..first + len];
        let mut start = 0;
        for definition in &piece.definitions {
            let end = definition.frames_end as usize;
            found.stacks.push(Stack {
                trace: name(sink, definition.trace),
                frames: piece_frames[start..end].iter().map(|id| texts[*id as usize].to_owned()).collect(),
                line: line as i64 + i64::from(definition.line),
                alias: definition.alias,
                cut: definition.cut,
                inferred: definition.inferred,
            });
            start = end;
        }
        assert_eq!(start, piece_frames.len(), "every frame is in a stack of its piece");
        found.headers.extend(piece.headers.into_iter().map(|it| (line + it.line, byte + it.byte, it.text)));
        found.modules.extend(piece.modules);
        found.symbols.extend(piece.symbols);
        for (heap, at, event) in piece.heaps {
            let event = match event {
                HeapEvent::Creator(slot) => Event::Creator(slot.map(|slot| name(sink, slot))),
                event => Event::Other(event),
            };
            found.heaps.push((sink.heap_bases[heap as usize], line + at, event));
        }
        found.sections.extend(piece.sections.into_iter().map(|it| SectionLine { line: line + it.line, ..it }));
        let placed = |it: Issue| Issue { line: it.line.map(|at| line + at), byte: it.byte.map(|at| byte + at), ..it };
        found.issues.extend(piece.issues.into_iter().map(placed));
        found.lines.add(&piece.lines);
        line += piece.lines.total();
        byte += block.len() as u64;
    }
    for (slot, sums) in sink.sums.rows() {
        let trace = (slot != TraceSlot::NONE).then(|| name(sink, TraceSlot(slot)));
        let entry = found.usage.entry((sink.heap_bases[sums.heap as usize], trace, sums.inferred)).or_default();
        entry.0 = entry.0.saturating_add(sums.requested_bytes);
        entry.1 += sums.allocation_count;
    }
    found
}

fn row_of(sink: &Sink, heap: u32, row: &Allocation) -> Row {
    Row {
        heap: sink.heap_bases[heap as usize],
        address: row.address,
        bytes: row.requested_bytes,
        overhead: row.overhead_bytes,
        count: row.allocation_count,
        trace: row.trace.map(|slot| name(sink, slot)),
        inferred: row.inferred,
    }
}

impl Outcome {
    /// Kind and line (from 0) of every issue.
    fn issue_kinds(&self) -> Vec<(&str, u64)> {
        self.issues.iter().map(|issue| (issue.kind, issue.line.unwrap_or(u64::MAX))).collect()
    }

    /// Kind and text of every verbatim line.
    fn kept(&self) -> Vec<(&str, &str)> {
        self.sections.iter().map(|row| (row.kind, row.text.as_str())).collect()
    }

    /// Trace id and frames of every stack.
    fn stack_frames(&self) -> Vec<(&str, Vec<&str>)> {
        self.stacks.iter().map(|it| (it.trace.as_str(), it.frames.iter().map(String::as_str).collect())).collect()
    }
}
