//! Turns what all workers read into the tables of one capture, in file order.

use arrow_array::builder::StringViewBuilder;
use rayon::prelude::*;

use crate::{
    log::sink::LineCounts,
    log::sink::{Allocation, HeaderLine, HeapEvent, Issue, Module, SectionLine, Severity, Sink, SymbolNote, TraceSlot},
    merge::{self, MergedStacks, MergedTraces, Placed},
    table::{
        Table, allocations,
        frames::Frames,
        heaps::{self, Heap},
        modules::{self, ModuleMap},
        schema, stacks, usage,
    },
};

/// Rows that a batch should have at the least: smaller pieces are put together.
const BATCH_ROWS: usize = 32 * 1024;

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
    pub issues: Vec<Issue>,
    /// Header lines, with line and byte of the file.
    pub headers: Vec<HeaderLine>,
    /// What became of the lines.
    pub lines: LineCounts,
    /// Some text needed windows-1252.
    pub ansi: bool,
    /// Largest address seen: of a block, a frame, a heap or a module.
    pub max_address: u64,
    /// Stack of each definition of the only piece, for a comparison's rows.
    pub stack_of_definition: Vec<u32>,
    /// Stack of each trace slot of the only worker, for a comparison's rows.
    pub stack_of_trace: Vec<u32>,
}

/// Builds the tables. Run inside a [`crate::parallel::Pool`].
pub fn assemble(mut sinks: Vec<Sink>, facts: Facts) -> Tables {
    let mut pieces = merge::in_file_order(&mut sinks, facts.lines_before);
    let frames = merge::frames(&mut sinks);
    let traces = merge::traces(&mut sinks);
    let stacks = merge::stacks(&pieces, &traces, &frames.ids);
    let (bases, heap_numbers) = merge::heaps(&sinks, &pieces);
    let mut words = Words::default();
    pieces.iter_mut().for_each(|placed| words.take(placed));
    let names = modules::names(words.modules.iter().map(|module| module.path.as_str()));
    let frame_table = Frames::new(&frames.keys, &frames.order, &ModuleMap::new(&words.modules, &names));
    let heap_rows = heap_rows(&bases, &heap_numbers, &pieces, &traces, &stacks, &mut words.issues);
    words.issues.extend(stack_issues(&pieces, &traces, &stacks, facts.names_stacks));
    let usage_rows = usage_rows(&mut sinks, &traces, &stacks, &heap_numbers);
    let nameless_heap = bases.iter().position(Option::is_none).map(|heap| heap as u32);
    let usage = usage::batch(usage_rows, nameless_heap, facts.has_overhead);
    let max_address = max_address(&sinks, &words.modules, &bases, &frames);
    let of_slot = |numbers: &Vec<u32>| numbers.iter().map(|number| stacks.of_trace[*number as usize]).collect();
    let stack_of_trace = traces.numbers.first().filter(|_| facts.names_stacks).map(of_slot).unwrap_or_default();
    let context = Context {
        traces: &traces,
        stacks: &stacks,
        frame_ids: &frames.ids,
        heap_numbers: &heap_numbers,
        hashes: &frame_table.hashes,
        depth_limit: facts.depth_limit.max(stacks.max_depth),
    };
    let stack_of_definition = stacks.of_definition.first().filter(|_| pieces.len() == 1).cloned().unwrap_or_default();
    let (allocations, stack_batches) = context.batches(pieces, bases.len());
    Tables {
        allocations: Table::new(&schema::ALLOCATIONS, allocations),
        usage: Table::new(&schema::USAGE, vec![usage]),
        stacks: Table::new(&schema::STACKS, stack_batches),
        frames: Table::new(&schema::FRAMES, vec![frame_table.batch]),
        modules: Table::new(&schema::MODULES, vec![modules::batch(&words.modules, &names, &words.symbols)]),
        heaps: Table::new(&schema::HEAPS, vec![heaps::batch(&heap_rows)]),
        sections: words.sections,
        issues: words.issues,
        headers: words.headers,
        lines: words.lines,
        ansi: words.ansi || frame_table.ansi,
        max_address,
        stack_of_definition,
        stack_of_trace,
    }
}

/// What stands in pieces beside numbers, with its place in the file.
#[derive(Default)]
struct Words {
    lines: LineCounts,
    headers: Vec<HeaderLine>,
    modules: Vec<Module>,
    symbols: Vec<SymbolNote>,
    sections: Vec<SectionLine>,
    issues: Vec<Issue>,
    ansi: bool,
}

impl Words {
    fn take(&mut self, placed: &mut Placed) {
        let (line, byte) = (placed.line + 1, placed.piece.byte);
        let piece = &mut placed.piece;
        self.lines.add(&piece.lines);
        self.ansi |= piece.ansi;
        self.symbols.append(&mut piece.symbols);
        self.headers.extend(piece.headers.drain(..).map(|mut header| {
            header.line += line;
            header.byte += byte;
            header
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
            if !self.modules.contains(&module) {
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
    issues: &mut Vec<Issue>,
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
    for heap in heaps.iter().filter(|heap| heap.complete() == Some(false)) {
        issues.push(Issue {
            severity: Severity::Error,
            kind: "missing_end",
            line: None,
            byte: None,
            text: heap.base.map(|base| format!("heap {base:X}")).unwrap_or_default(),
            action: "read what is there; the file stops before the heap's end, so blocks are missing",
        });
    }
    heaps
}

/// Conflicts, and ids whose frames are nowhere.
fn stack_issues(pieces: &[Placed], traces: &MergedTraces, stacks: &MergedStacks, names_stacks: bool) -> Vec<Issue> {
    let name = |trace: u32| {
        let mut text = String::new();
        traces.ids.write(traces.keys[trace as usize], &mut text);
        format!("BackTrace{text}")
    };
    let conflict = |stack: &u32| {
        let place = stacks.stacks[*stack as usize];
        let placed = &pieces[place.piece as usize];
        let line = placed.piece.definitions[place.definition as usize].line;
        Issue {
            severity: Severity::Warning,
            kind: "conflicting_stack",
            line: Some((placed.line + 1).saturating_add_signed(i64::from(line))),
            byte: None,
            text: name(place.trace),
            action: "the id counts for the first stack printed under it; this one is kept as its alias",
        }
    };
    let undefined = |trace: &u32| {
        let first = traces.first[*trace as usize];
        let piece = pieces.binary_search_by_key(&((first >> 32) as u32), |placed| placed.piece.index);
        let line = piece.ok().map(|at| pieces[at].line + 1 + (first & 0xFFFF_FFFF));
        Issue {
            severity: Severity::Warning,
            kind: "stack_not_in_file",
            line,
            byte: None,
            text: name(*trace),
            action: "its bytes are counted; its frames stand nowhere in the file",
        }
    };
    let undefined = stacks.undefined.iter().filter(|_| !names_stacks).map(undefined);
    stacks.conflicts.iter().map(conflict).chain(undefined).collect()
}

fn usage_rows(
    sinks: &mut [Sink],
    traces: &MergedTraces,
    stacks: &MergedStacks,
    heaps: &[Vec<u32>],
) -> Vec<(u32, crate::log::sink::Sums)> {
    let mut rows = Vec::new();
    for (worker, sink) in sinks.iter_mut().enumerate() {
        rows.extend(std::mem::take(&mut sink.usage).into_iter().map(|(slot, mut sums)| {
            let stack = match slot {
                TraceSlot::NONE => TraceSlot::NONE,
                slot => stacks.of_trace[traces.numbers[worker][slot as usize] as usize],
            };
            sums.heap = heaps[worker][sums.heap as usize];
            (stack, sums)
        }));
    }
    rows
}

fn max_address(sinks: &[Sink], modules: &[Module], heaps: &[Option<u64>], frames: &merge::MergedFrames) -> u64 {
    let blocks = sinks.iter().map(|sink| sink.max_address);
    let modules = modules.iter().filter_map(|module| module.base);
    blocks.chain(modules).chain(heaps.iter().copied().flatten()).chain(frames.keys.max_address()).max().unwrap_or(0)
}

/// What every batch is made with.
struct Context<'a> {
    traces: &'a MergedTraces,
    stacks: &'a MergedStacks,
    frame_ids: &'a [Vec<u32>],
    heap_numbers: &'a [Vec<u32>],
    hashes: &'a [u64],
    depth_limit: u32,
}

/// Pieces that become one batch: places of the pieces in file order.
struct Group {
    first: usize,
    pieces: Vec<Placed>,
}

type Batches = Vec<arrow_array::RecordBatch>;

impl Context<'_> {
    fn batches(&self, pieces: Vec<Placed>, heap_count: usize) -> (Batches, Batches) {
        let groups = grouped(pieces);
        let most = groups.iter().map(|group| rows(&group.pieces)).max().unwrap_or(0);
        let shared = allocations::Shared::new(most, heap_count);
        let built: Vec<(Batches, Option<_>)> = groups.into_par_iter().map(|group| self.group(group, &shared)).collect();
        let (mut allocations, mut stacks) = (Batches::new(), Batches::new());
        for (some_allocations, some_stacks) in built {
            allocations.extend(some_allocations);
            stacks.extend(some_stacks);
        }
        if !self.stacks.undefined.is_empty() {
            let mut texts = StringViewBuilder::new();
            let undefined = self.stacks.undefined.iter();
            let mut scratch = String::new();
            undefined.for_each(|trace| self.append_id(*trace, &mut scratch, &mut texts));
            stacks.push(stacks::undefined(self.stacks.stacks.len() as u32, texts));
        }
        (allocations, stacks)
    }

    fn group(&self, mut group: Group, shared: &allocations::Shared) -> (Batches, Option<arrow_array::RecordBatch>) {
        let stacks = self.stack_rows(&mut group);
        let mut batches = Batches::new();
        let sums = self.sum_rows(&group.pieces);
        let (columns, runs) = self.block_rows(group.pieces);
        if !columns.trace.is_empty() {
            batches.push(allocations::blocks(columns, &runs, shared));
        }
        if !sums.is_empty() {
            batches.push(allocations::sums(&sums));
        }
        (batches, (!stacks.frames_end.is_empty()).then(|| stacks.finish(self.hashes, self.depth_limit)))
    }

    fn stack_rows(&self, group: &mut Group) -> stacks::StackRows {
        let mut rows = stacks::StackRows { first_id: u32::MAX, ..stacks::StackRows::default() };
        let only = group.pieces.len() == 1;
        let mut scratch = String::new();
        for (offset, placed) in group.pieces.iter_mut().enumerate() {
            let ids = &self.stacks.of_definition[group.first + offset];
            let map = &self.frame_ids[placed.worker];
            placed.piece.frames.iter_mut().for_each(|frame| *frame = map[*frame as usize]);
            let is_first = |at: usize| {
                let place = self.stacks.stacks[ids[at] as usize];
                place.piece as usize == group.first + offset && place.definition as usize == at
            };
            let kept: Vec<usize> = (0..ids.len()).filter(|at| is_first(*at)).collect();
            let whole = only && kept.len() == ids.len();
            for at in kept {
                let place = self.stacks.stacks[ids[at] as usize];
                let about = placed.piece.definitions[at];
                rows.first_id = rows.first_id.min(ids[at]);
                self.append_id(place.trace, &mut scratch, &mut rows.trace_ids);
                rows.alias_of.push(place.alias_of);
                rows.cut.push(about.cut);
                rows.inferred.push(about.inferred);
                if whole {
                    rows.frames_end.push(about.frames_end as i32);
                } else {
                    rows.frame_ids.extend_from_slice(placed.frames(at));
                    rows.frames_end.push(rows.frame_ids.len() as i32);
                }
            }
            if whole {
                rows.frame_ids = std::mem::take(&mut placed.piece.frames);
                rows.frame_ids.truncate(rows.frames_end.last().map_or(0, |end| *end as usize));
            }
        }
        rows
    }

    fn append_id(&self, trace: u32, scratch: &mut String, texts: &mut StringViewBuilder) {
        match self.traces.ids.write(self.traces.keys[trace as usize], scratch) {
            true => texts.append_value(scratch),
            false => texts.append_null(),
        }
    }

    fn sum_rows(&self, pieces: &[Placed]) -> Vec<(u32, Option<u32>, Allocation)> {
        let row = |placed: &Placed, (heap, allocation): &(u32, Allocation)| {
            let numbers = &self.traces.numbers[placed.worker];
            let stack = allocation.trace.map(|slot| self.stacks.of_trace[numbers[slot.0 as usize] as usize]);
            (self.heap_numbers[placed.worker][*heap as usize], stack, *allocation)
        };
        pieces.iter().flat_map(|placed| placed.piece.sums.iter().map(move |sums| row(placed, sums))).collect()
    }

    fn block_rows(&self, pieces: Vec<Placed>) -> (crate::log::sink::BlockColumns, Vec<(u32, u32)>) {
        let mut whole = crate::log::sink::BlockColumns::default();
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for mut placed in pieces {
            let numbers = &self.traces.numbers[placed.worker];
            let columns = &mut placed.piece.blocks;
            for trace in &mut columns.trace {
                if *trace != TraceSlot::NONE {
                    *trace = self.stacks.of_trace[numbers[*trace as usize] as usize];
                }
            }
            let before = whole.trace.len() as u32;
            for (heap, end) in placed.piece.heap_runs {
                let heap = self.heap_numbers[placed.worker][heap as usize];
                match runs.last_mut() {
                    Some(last) if last.0 == heap => last.1 = before + end,
                    _ => runs.push((heap, before + end)),
                }
            }
            if before == 0 {
                whole = placed.piece.blocks;
            } else {
                whole.requested_bytes.append(&mut columns.requested_bytes);
                whole.overhead_bytes.append(&mut columns.overhead_bytes);
                whole.address.append(&mut columns.address);
                whole.trace.append(&mut columns.trace);
            }
        }
        (whole, runs)
    }
}

fn rows(pieces: &[Placed]) -> usize {
    pieces.iter().map(|placed| placed.piece.blocks.trace.len()).sum()
}

/// Puts small neighbours together; a piece that is large enough stays alone and is moved, not copied.
fn grouped(pieces: Vec<Placed>) -> Vec<Group> {
    let weight = |placed: &Placed| {
        let piece = &placed.piece;
        piece.blocks.trace.len() + piece.sums.len() + piece.frames.len()
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut room = 0;
    for (at, placed) in pieces.into_iter().enumerate() {
        let this = weight(&placed);
        match groups.last_mut() {
            Some(group) if this <= room => {
                room -= this;
                group.pieces.push(placed);
            }
            _ => {
                room = BATCH_ROWS.saturating_sub(this);
                groups.push(Group { first: at, pieces: vec![placed] });
            }
        }
    }
    groups
}
