//! Brings the numbers of all workers together: one number for each frame, trace id, stack and heap of the file, in file
//! order, whichever worker met it.

use std::{collections::HashMap, mem::take};

use arrow_buffer::ScalarBuffer;
use rayon::prelude::*;

use crate::{
    engine::intern::Interner,
    log::sink::frame_keys::FrameKeys,
    log::sink::{Definition, Piece, Sink, TraceIds, TraceSlot},
};

/// A piece, with the worker that read it and the lines before it.
#[derive(Debug)]
pub struct Placed {
    /// Index of the sink.
    pub worker: usize,
    /// What was read.
    pub piece: Piece,
    /// Lines of the file before it.
    pub line: u64,
    /// Frames of its definitions, in the numbers of the file.
    pub frames: ScalarBuffer<u32>,
}

impl Placed {
    /// Frames of a definition.
    pub fn frames_of(&self, definition: usize) -> &[u32] {
        let ends = |at: usize| self.piece.definitions[at].frames_end as usize;
        let start = definition.checked_sub(1).map_or(0, ends);
        &self.frames[start..ends(definition)]
    }
}

/// Takes the pieces out of the sinks, in file order, still without their frames. `lines_before` is the number of the first
/// line, less one.
pub fn in_file_order(sinks: &mut [Sink], lines_before: u64) -> Vec<Placed> {
    let mut pieces: Vec<Placed> = Vec::new();
    for (worker, sink) in sinks.iter_mut().enumerate() {
        let taken = take(&mut sink.pieces);
        pieces.extend(taken.into_iter().map(|piece| Placed { worker, piece, line: 0, frames: Vec::new().into() }));
    }
    pieces.sort_by_key(|placed| placed.piece.index);
    let mut line = lines_before;
    for placed in &mut pieces {
        placed.line = line;
        line += placed.piece.lines.total();
    }
    pieces
}

/// Frames of all workers.
#[derive(Debug)]
pub struct MergedFrames {
    /// All keys.
    pub keys: FrameKeys,
    /// Keys in file order: place is the frame's number.
    pub order: Vec<u32>,
    /// Number of each worker's frames.
    pub ids: Vec<Vec<u32>>,
}

/// Numbers frames by first appearance in the file: of each worker, its frames and where it met each first.
pub fn frames(workers: Vec<(FrameKeys, Vec<u64>)>) -> MergedFrames {
    let mut keys = FrameKeys::default();
    let mut first: Vec<u64> = Vec::new();
    let mut ids: Vec<Vec<u32>> = Vec::new();
    for (worker, (frames, places)) in workers.into_iter().enumerate() {
        let map = if worker == 0 {
            keys = frames;
            (0..keys.len() as u32).collect()
        } else {
            keys.absorb(&frames)
        };
        first.resize(keys.len(), u64::MAX);
        for (merged, place) in map.iter().zip(&places) {
            first[*merged as usize] = first[*merged as usize].min(*place);
        }
        ids.push(map);
    }
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_unstable_by_key(|id| first[*id as usize]);
    let mut position = vec![0u32; order.len()];
    order.iter().enumerate().for_each(|(place, id)| position[*id as usize] = place as u32);
    ids.iter_mut().flatten().for_each(|id| *id = position[*id as usize]);
    MergedFrames { keys, order, ids }
}

/// Puts the file's numbers in the place of a worker's. With a single worker they nearly always are the same.
pub fn renumber<'a>(columns: impl Iterator<Item = &'a mut Vec<u32>>, numbers: &[u32]) {
    const SHARE: usize = 1 << 18;
    if numbers.iter().enumerate().all(|(place, number)| place == *number as usize) {
        return;
    }
    let columns: Vec<&mut Vec<u32>> = columns.collect();
    columns.into_par_iter().flat_map(|column| column.par_chunks_mut(SHARE)).for_each(|values| {
        for value in values {
            // What is no number, as `TraceSlot::NONE`, stays.
            *value = numbers.get(*value as usize).copied().unwrap_or(*value);
        }
    });
}

/// Trace ids of all workers.
#[derive(Debug, Default)]
pub struct MergedTraces {
    /// Their texts.
    pub ids: TraceIds,
    /// Packed id of each.
    pub keys: Vec<u64>,
    /// Where each is mentioned first: piece in the high half, line in the low half.
    pub first: Vec<u64>,
    /// Number of each worker's slots.
    pub numbers: Vec<Vec<u32>>,
}

/// Brings trace ids together: those of the first worker keep their numbers.
pub fn traces(sinks: &mut [Sink]) -> MergedTraces {
    let mut merged = MergedTraces::default();
    let Some((sink, others)) = sinks.split_first_mut() else { return merged };
    merged.ids = take(&mut sink.trace_ids);
    let mut table = take(&mut sink.trace_table);
    let traces = take(&mut sink.traces);
    merged.keys = traces.iter().map(|trace| trace.key).collect();
    merged.first = traces.iter().map(|trace| trace.first).collect();
    merged.numbers.push((0..traces.len() as u32).collect());
    for sink in others {
        let traces = take(&mut sink.traces);
        sink.trace_table = Interner::new();
        let keys: Vec<u64> = traces.iter().map(|trace| merged.ids.adopt(trace.key, &sink.trace_ids)).collect();
        let mut numbers = Vec::with_capacity(keys.len());
        table.intern_all(&keys, &mut numbers, |place| {
            merged.keys.push(keys[place]);
            merged.first.push(u64::MAX);
        });
        for (number, trace) in numbers.iter().zip(&traces) {
            let first = &mut merged.first[*number as usize];
            *first = (*first).min(trace.first);
        }
        merged.numbers.push(numbers);
    }
    merged
}

/// A stack of the file.
#[derive(Debug, Clone, Copy)]
pub struct StackPlace {
    /// Place of its piece in file order.
    pub piece: u32,
    /// Its place among the piece's definitions.
    pub definition: u32,
    /// Its trace id, as [`MergedTraces`] numbers it.
    pub trace: u32,
    /// First stack of the same id.
    pub alias_of: Option<u32>,
}

/// Which stack every definition and every trace id stands for.
#[derive(Debug, Default)]
pub struct MergedStacks {
    /// Stacks in file order: place is the stack's number.
    pub stacks: Vec<StackPlace>,
    /// Stack of each definition, by piece.
    pub of_definition: Vec<Vec<u32>>,
    /// First stack of each trace id; ids without frames have the numbers behind the last of `stacks`.
    pub of_trace: Vec<u32>,
    /// Trace ids without frames, in order of first mention.
    pub undefined: Vec<u32>,
    /// Stacks that differ from the first of their id although no `Alias` says so.
    pub conflicts: Vec<u32>,
    /// Frames of the deepest stack.
    pub max_depth: u32,
}

/// Numbers stacks in the order of their definitions; one that comes twice under its id is one stack.
pub fn stacks(pieces: &[Placed], traces: &MergedTraces) -> MergedStacks {
    let mut merged = MergedStacks { of_trace: vec![TraceSlot::NONE; traces.keys.len()], ..MergedStacks::default() };
    let mut more = More::default();
    for (piece, placed) in pieces.iter().enumerate() {
        let mut of_definition = Vec::with_capacity(placed.piece.definitions.len());
        for (definition, about) in placed.piece.definitions.iter().enumerate() {
            let trace = traces.numbers[placed.worker][about.trace.0 as usize];
            let first = merged.of_trace[trace as usize];
            let frames = placed.frames_of(definition);
            let is_same = |stack: &u32| {
                let at = merged.stacks[*stack as usize];
                let known = pieces[at.piece as usize].frames_of(at.definition as usize);
                if about.cut { known.starts_with(frames) } else { known == frames }
            };
            let known = if first == TraceSlot::NONE {
                None
            } else if is_same(&first) {
                Some(first)
            } else if about.cut {
                // The last stack of a file, of which there is one.
                more.of_trace.get(&trace).and_then(|others| others.iter().copied().find(is_same))
            } else {
                more.of_content.get(&(trace, frames)).copied()
            };
            merged.max_depth = merged.max_depth.max(frames.len() as u32);
            of_definition.push(known.unwrap_or_else(|| {
                let place = StackPlace {
                    piece: piece as u32,
                    definition: definition as u32,
                    trace,
                    alias_of: (first != TraceSlot::NONE).then_some(first),
                };
                merged.add(place, about, frames, &mut more)
            }));
        }
        for (definition, slot) in &placed.piece.own_stacks {
            let trace = traces.numbers[placed.worker][slot.0 as usize];
            merged.of_trace[trace as usize] = of_definition[*definition as usize];
        }
        merged.of_definition.push(of_definition);
    }
    merged.number_undefined(traces);
    merged
}

/// Stacks of a trace id behind its first; there may be many.
#[derive(Default)]
struct More<'a> {
    of_trace: HashMap<u32, Vec<u32>>,
    of_content: HashMap<(u32, &'a [u32]), u32>,
}

impl MergedStacks {
    fn add<'a>(&mut self, place: StackPlace, about: &Definition, frames: &'a [u32], more: &mut More<'a>) -> u32 {
        let id = self.stacks.len() as u32;
        self.stacks.push(place);
        if place.alias_of.is_some() {
            more.of_trace.entry(place.trace).or_default().push(id);
            more.of_content.insert((place.trace, frames), id);
            if !about.alias {
                self.conflicts.push(id);
            }
        } else {
            self.of_trace[place.trace as usize] = id;
        }
        id
    }

    fn number_undefined(&mut self, traces: &MergedTraces) {
        let undefined = self.of_trace.iter().enumerate().filter(|(_, stack)| **stack == TraceSlot::NONE);
        self.undefined = undefined.map(|(trace, _)| trace as u32).collect();
        self.undefined.sort_by_key(|trace| traces.first[*trace as usize]);
        let first = self.stacks.len() as u32;
        for (place, trace) in self.undefined.iter().enumerate() {
            self.of_trace[*trace as usize] = first + place as u32;
        }
    }
}
