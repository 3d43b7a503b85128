//! Turns what all workers read into the tables of one capture, in file order.

mod batches;
mod ends;
mod heaps;
mod issues;
pub mod merge;
mod of_text;
mod repeated;

use std::{collections::HashSet, mem::take};

use arrow_buffer::ScalarBuffer;
use rayon::prelude::*;

use crate::{
    assemble::merge::{MergedStacks, MergedTraces, Placed},
    control::Control,
    error::Result,
    log::sink::{
        ComparisonRow, HeaderLine, HeapEvent, LineCounts, Module, SectionLine, Sink, SymbolNote, issues::Issues,
        store::Span,
    },
    table::{
        Table,
        allocations::Blocks,
        frames::Frames,
        heaps::{Heap, batch as heap_batch},
        modules::{self, ModuleMap, file_name},
        schema,
        separators::file_name_beyond_doubt,
        usage,
    },
};
use batches::Context;
use ends::Ends;
use heaps::MergedHeaps;
use issues::{Named, late_header, missing_end};

/// What the reader of the file knows besides its lines.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Frames of the deepest stack that the tool writes.
    pub depth_limit: u32,
    /// The tool writes overheads.
    pub has_overhead: bool,
    /// The text names stacks by ids whose frames it may leave out: a comparison without `-v`.
    pub names_stacks: bool,
    /// Lines of the file before this capture.
    pub lines_before: u64,
}

/// One capture as tables.
#[derive(Debug)]
pub struct Tables {
    /// See [`schema`].
    pub allocations: Table,
    /// See [`schema`].
    pub usage: Table,
    /// See [`schema`].
    pub stacks: Table,
    /// See [`schema`].
    pub frames: Table,
    /// See [`schema`].
    pub modules: Table,
    /// See [`schema`].
    pub heaps: Table,
    /// See [`schema`].
    pub sections: Vec<SectionLine>,
    /// Not sorted yet.
    pub issues: Issues,
    /// Header lines, with line and byte of the file.
    pub headers: Vec<HeaderLine>,
    /// Rows of comparisons in between, with line and byte of the file.
    pub comparisons: Vec<ComparisonRow>,
    /// What became of the lines.
    pub lines: LineCounts,
    /// The first text that needed windows-1252; empty if it was that of a frame.
    pub ansi: Option<String>,
    /// Bits that are set in any address: of a block, a frame, a heap or a module.
    pub address_bits: u64,
    /// Stack of each definition of the only piece, for a comparison's rows.
    pub stack_of_definition: Vec<u32>,
    /// Stack of each trace slot of the only worker, for a comparison's rows.
    pub stack_of_trace: Vec<u32>,
}

impl Tables {
    /// True if the text named no heap and no capture, and not one row was made of it.
    pub fn hold_nothing(&self) -> bool {
        let empty = [&self.allocations, &self.usage, &self.heaps, &self.modules].iter().all(|table| table.is_empty());
        empty && self.headers.is_empty()
    }
}

/// Builds the tables. Run inside a [`crate::engine::threads::Pool`].
///
/// # Errors
///
/// [`crate::ErrorKind::Cancelled`].
pub fn assemble(mut sinks: Vec<Sink>, facts: Facts, control: &Control) -> Result<Tables> {
    let mut pieces = merge::in_file_order(&mut sinks, facts.lines_before);
    let mut words = Words::default();
    pieces.iter_mut().for_each(|placed| words.take(placed));
    for (kind, more) in sinks.iter().flat_map(|sink| sink.issue_counts.left_out()) {
        words.issues.count_more(kind, more);
    }
    words.issues.extend(words.pasted.map(of_text::pasted));
    let file_name = if words.ansi.is_some() { file_name_beyond_doubt } else { file_name };
    let named = |module: &Module| modules::named_file(file_name(&module.path), module.base).into_owned();
    let files: Vec<String> = words.modules.iter().map(named).collect();
    let names = modules::names(files.iter().map(String::as_str));
    let frames_of_workers =
        sinks.iter_mut().map(|sink| (take(&mut sink.frames), take(&mut sink.frame_first))).collect();
    let regions: Vec<_> = sinks.iter_mut().map(|sink| sink.piece_frames.finish()).collect();
    let (frames, traces) = rayon::join(
        || {
            let frames = merge::frames(frames_of_workers);
            place_frames(&mut pieces, regions, &frames.ids);
            frames
        },
        || merge::traces(&mut sinks),
    );
    control.go_on()?;
    let (frame_table, stacks) = rayon::join(
        || Frames::new(&frames.keys, &frames.order, &ModuleMap::new(&words.modules, &names)),
        || merge::stacks(&pieces, &traces),
    );
    control.go_on()?;
    let MergedHeaps { bases, numbers: heap_numbers, issues: in_doubt } = heaps::heaps(&sinks, &pieces);
    words.issues.extend(in_doubt);
    let heap_rows = heap_rows(&bases, &heap_numbers, &pieces, &traces, &stacks, &mut words.issues);
    words.issues.extend(late_header(&words.headers, &pieces));
    let named = Named::new(&pieces, &traces, &stacks);
    words.issues.extend(named.conflicts(&pieces));
    if !facts.names_stacks {
        words.issues.extend(named.undefined());
    }
    let address_bits = address_bits(&sinks, &words.modules, &bases, &frames);
    let of_slot = |numbers: &Vec<u32>| numbers.iter().map(|number| stacks.of_trace[*number as usize]).collect();
    let stack_of_slot: Vec<Vec<u32>> = traces.numbers.par_iter().map(of_slot).collect();
    let stack_of_trace = stack_of_slot.first().filter(|_| facts.names_stacks).cloned().unwrap_or_default();
    let blocks = blocks(&mut sinks, &stack_of_slot);
    words.issues.extend(repeated::repeated(&heap_rows, &heap_numbers, &pieces, &blocks));
    control.go_on()?;
    let depth_limit = facts.depth_limit.max(stacks.max_depth);
    let context = Context {
        traces: &traces,
        stacks: &stacks,
        blocks: &blocks,
        heap_numbers: &heap_numbers,
        hashes: &frame_table.hashes,
        ends: Ends::new(&pieces, &stacks, depth_limit),
    };
    let stack_of_definition = stacks.of_definition.first().filter(|_| pieces.len() == 1).cloned().unwrap_or_default();
    let (usage, (allocations, stack_batches)) = rayon::join(
        || {
            let numbers = stack_of_slot.iter().zip(&heap_numbers);
            let parts: Vec<_> = sinks
                .iter()
                .zip(numbers)
                .map(|(sink, (stacks, heaps))| usage::Part { sums: &sink.sums, stacks, heaps })
                .collect();
            let stack_count = stacks.stacks.len() + stacks.undefined.len();
            usage::usage(&parts, stack_count, &bases, facts.has_overhead)
        },
        || context.batches(pieces, bases.len()),
    );
    control.go_on()?;
    words.issues.extend(named.overflows(&usage, &bases));
    Ok(Tables {
        allocations: Table::new(&schema::ALLOCATIONS, allocations),
        usage: Table::new(&schema::USAGE, vec![usage.batch]),
        stacks: Table::new(&schema::STACKS, stack_batches),
        frames: Table::new(&schema::FRAMES, frame_table.batches),
        modules: Table::new(&schema::MODULES, vec![modules::batch(&words.modules, &names, &words.symbols)]),
        heaps: Table::new(&schema::HEAPS, vec![heap_batch(&heap_rows)]),
        sections: words.sections,
        issues: words.issues,
        headers: words.headers,
        comparisons: words.comparisons,
        lines: words.lines,
        ansi: words.ansi.or(frame_table.ansi.then(String::new)),
        address_bits,
        stack_of_definition,
        stack_of_trace,
    })
}

/// Gives every piece its frames, out of the regions of all workers, in the numbers of the file.
fn place_frames(pieces: &mut [Placed], regions: Vec<Vec<Vec<u32>>>, numbers: &[Vec<u32>]) {
    let renumbered = |(mut regions, numbers): (Vec<Vec<u32>>, &Vec<u32>)| {
        merge::renumber(regions.iter_mut(), numbers);
        regions.into_iter().map(ScalarBuffer::from).collect()
    };
    let regions: Vec<Vec<ScalarBuffer<u32>>> = regions.into_iter().zip(numbers).map(renumbered).collect();
    for placed in pieces {
        let Span { region, start, len } = placed.piece.frames;
        placed.frames = regions[placed.worker][region].slice(start, len);
    }
}

/// Blocks of every worker, region by region, with the stacks of the file.
fn blocks(sinks: &mut [Sink], stack_of_slot: &[Vec<u32>]) -> Vec<Vec<Blocks>> {
    let regions_of = |(sink, stacks): (&mut Sink, &Vec<u32>)| {
        let mut regions = sink.blocks.finish();
        merge::renumber(regions.iter_mut().map(|columns| &mut columns.trace), stacks);
        regions.into_iter().map(Blocks::from).collect()
    };
    sinks.iter_mut().zip(stack_of_slot).map(regions_of).collect()
}

/// What is in pieces beside numbers, with its place in the file.
#[derive(Default)]
struct Words {
    lines: LineCounts,
    headers: Vec<HeaderLine>,
    comparisons: Vec<ComparisonRow>,
    modules: Vec<Module>,
    known_modules: HashSet<Module>,
    symbols: Vec<SymbolNote>,
    sections: Vec<SectionLine>,
    issues: Issues,
    ansi: Option<String>,
    pasted: Option<(u64, u64)>,
}

impl Words {
    fn take(&mut self, placed: &mut Placed) {
        let (line, byte) = (placed.line + 1, placed.piece.byte);
        let piece = &mut placed.piece;
        self.lines.add(&piece.lines);
        self.ansi = self.ansi.take().or(piece.ansi.take());
        self.pasted = self.pasted.or(piece.pasted.map(|place| (place.0 + line, place.1 + byte)));
        self.symbols.append(&mut piece.symbols);
        self.headers.extend(piece.headers.drain(..).map(|mut header| {
            header.line += line;
            header.byte += byte;
            header
        }));
        self.comparisons.extend(piece.comparisons.drain(..).map(|mut row| {
            row.line += line;
            row.byte += byte;
            row
        }));
        self.sections.extend(piece.sections.drain(..).map(|mut row| {
            row.line += line;
            row
        }));
        self.issues.extend(piece.issues.drain(..).map(|mut issue| {
            issue.line = issue.line.map(|relative| relative + line);
            issue.byte = issue.byte.map(|relative| relative + byte);
            issue
        }));
        for module in piece.modules.drain(..) {
            if self.known_modules.insert(module.clone()) {
                self.modules.push(module);
            }
        }
    }
}

fn heap_rows(
    bases: &[Option<u64>],
    numbers: &[Vec<u32>],
    pieces: &[Placed],
    traces: &MergedTraces,
    stacks: &MergedStacks,
    issues: &mut Issues,
) -> Vec<Heap> {
    let mut heaps: Vec<Heap> = bases.iter().map(|base| Heap { base: *base, ..Heap::default() }).collect();
    for placed in pieces {
        for (heap, _, event) in &placed.piece.heaps {
            let row = &mut heaps[numbers[placed.worker][*heap as usize] as usize];
            match event {
                HeapEvent::Open => {}
                HeapEvent::Start => row.started += 1,
                HeapEvent::End => row.ended += 1,
                HeapEvent::Field(field, value) => row.set(*field, *value),
                HeapEvent::Creator(trace) => {
                    row.creator =
                        trace.map(|slot| stacks.of_trace[traces.numbers[placed.worker][slot.0 as usize] as usize]);
                }
            }
        }
    }
    issues.extend(heaps.iter().filter(|heap| heap.complete() == Some(false)).map(missing_end));
    heaps
}

fn address_bits(sinks: &[Sink], modules: &[Module], heaps: &[Option<u64>], frames: &merge::MergedFrames) -> u64 {
    let blocks = sinks.iter().map(|sink| sink.address_bits);
    let modules = modules.iter().filter_map(|module| module.base);
    let addresses = blocks.chain(modules).chain(heaps.iter().copied().flatten()).chain(frames.keys.addresses());
    addresses.fold(0, |bits, address| bits | address)
}
