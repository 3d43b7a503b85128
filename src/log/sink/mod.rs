//! Where readers put what they find: one [`Sink`] per worker, one [`Piece`] per block of text.
//!
//! A reader says what a line means (`sink.trace`, `sink.define`, `sink.allocation`, `sink.issue`); the sink numbers
//! frames and trace ids for its worker and keeps everything else in file order, piece by piece, with places relative to
//! the piece. `assemble` puts the pieces of all workers together.

mod batch;
pub mod frame_keys;
pub mod issues;
pub mod records;
pub mod running_sums;
pub mod store;
pub mod trace_ids;

pub use crate::log::sink::records::{
    Allocation, BlockColumns, ComparisonRow, Definition, HeaderLine, HeapEvent, HeapField, Issue, LineCounts, Module,
    Piece, SectionLine, Severity, Sums, SymbolNote, Trace, TraceSlot,
};
pub use crate::log::sink::trace_ids::TraceIds;
use crate::{
    engine::intern::Interner,
    log::sink::frame_keys::FrameKeys,
    log::{
        fields::trim,
        sink::{batch::Batch, issues::IssueCounts, running_sums::RunningSums, store::Store},
    },
};

/// Everything one worker has read.
#[derive(Debug, Default)]
pub struct Sink {
    /// Frames.
    pub frames: FrameKeys,
    /// First appearance of each frame: piece number in the high half, frame of the piece in the low half.
    pub frame_first: Vec<u64>,
    /// Trace ids.
    pub trace_ids: TraceIds,
    /// Slots of their keys.
    pub trace_table: Interner,
    /// Trace ids, by slot.
    pub traces: Vec<Trace>,
    /// Sums per trace slot and heap.
    pub sums: RunningSums,
    /// Heap addresses, by the worker's heap number.
    pub heap_bases: Vec<Option<u64>>,
    /// Heaps whose heading cannot be read: the worker's heap number, and the byte of the text where the heading is.
    pub doubtful_heaps: Vec<(u32, u64)>,
    heap: u32,
    /// The piece being read.
    pub piece: Piece,
    /// The pieces read before it.
    pub pieces: Vec<Piece>,
    keep_blocks: bool,
    /// Blocks of all pieces.
    pub blocks: Store<BlockColumns>,
    /// Frames of the definitions of all pieces, by the worker's numbers.
    pub piece_frames: Store<Vec<u32>>,
    /// The vector that the definitions of one piece after the other grow in; what a piece keeps is copied out of it. Vectors
    /// that grow where they stay leave holes between them: a tenth of the log's size, measured on 2026-11-23.
    spare_definitions: Vec<Definition>,
    batch: Batch,
    /// Keys of frames that wait for their numbers, so that many are looked up together.
    waiting_frames: Vec<u64>,
    /// Bits that are set in any address of a block.
    pub address_bits: u64,
    /// Issues of all pieces, whether they were kept or not.
    pub issue_counts: IssueCounts,
}

/// Frames that are looked up together, at the least.
const FRAME_BATCH: usize = 256;

impl Sink {
    /// An empty sink. Without `keep_blocks` only the sums of block lines are kept.
    pub fn new(keep_blocks: bool) -> Self {
        Self { keep_blocks, heap: u32::MAX, ..Self::default() }
    }

    /// Starts the piece of a block of text.
    pub fn begin_piece(&mut self, index: u32) {
        let definitions = std::mem::take(&mut self.spare_definitions);
        self.piece = Piece { index, definitions, ..Piece::default() };
        self.blocks.begin();
        self.piece_frames.begin();
    }

    /// Ends the piece.
    pub fn end_piece(&mut self) {
        self.flush();
        self.number_frames();
        self.end_heap_run();
        let mut piece = std::mem::take(&mut self.piece);
        piece.blocks = self.blocks.end();
        piece.frames = self.piece_frames.end();
        let definitions = piece.definitions.as_slice().to_vec();
        self.spare_definitions = std::mem::replace(&mut piece.definitions, definitions);
        self.spare_definitions.clear();
        self.pieces.push(piece);
    }

    /// Ends the file.
    pub fn finish(&mut self) {
        self.flush();
    }

    /// Says in which heap the following rows are. Returns its number within this worker.
    pub fn enter_heap(&mut self, base: Option<u64>) -> u32 {
        let is_known =
            |(heap, other): &(usize, &Option<u64>)| *other == &base && (base.is_some() || self.is_sure(*heap));
        let known = self.heap_bases.iter().enumerate().find(is_known).map(|(heap, _)| heap as u32);
        self.enter(known, base)
    }

    /// Says that the following rows are below a heading that names a heap, but not which; `byte` of the text is its place.
    pub fn enter_doubtful_heap(&mut self, byte: u64) {
        let known = self.doubtful_heaps.iter().rfind(|(_, other)| *other == byte).map(|(heap, _)| *heap);
        let heap = self.enter(known, None);
        if known.is_none() {
            self.doubtful_heaps.push((heap, byte));
        }
    }

    fn is_sure(&self, heap: usize) -> bool {
        self.doubtful_heaps.iter().all(|(other, _)| *other as usize != heap)
    }

    fn enter(&mut self, known: Option<u32>, base: Option<u64>) -> u32 {
        let heap = known.unwrap_or_else(|| {
            self.heap_bases.push(base);
            self.heap_bases.len() as u32 - 1
        });
        if heap != self.heap {
            self.flush();
            self.end_heap_run();
            self.heap = heap;
        }
        heap
    }

    fn end_heap_run(&mut self) {
        let rows = self.blocks.piece_len() as u32;
        if rows > self.piece.heap_runs.last().map_or(0, |run| run.1) {
            self.piece.heap_runs.push((self.heap, rows));
        }
    }

    /// Records something about the heap that was entered last.
    pub fn heap_event(&mut self, line: u64, event: HeapEvent) {
        self.piece.heaps.push((self.heap, line, event));
    }

    /// The slot of a trace id; `None` for an id that says that no stack was recorded (`BackTrace0`).
    pub fn trace(&mut self, id: &[u8], line: u64) -> Option<TraceSlot> {
        if !id.is_empty() && id.iter().all(|byte| *byte == b'0') {
            return None;
        }
        Some(self.trace_slot(id, line))
    }

    /// The slot of a trace id, also of `0`: for a `0` that has frames all the same.
    pub fn trace_slot(&mut self, id: &[u8], line: u64) -> TraceSlot {
        self.flush();
        let key = self.trace_ids.key(id);
        TraceSlot(self.trace_of_key(key, line))
    }

    /// One more slot of an id, for rows that count for another stack than its first. For the only worker of a file.
    pub fn another_trace(&mut self, id: TraceSlot, line: u64) -> TraceSlot {
        self.flush();
        let key = self.trace_ids.another_key(self.traces[id.0 as usize].key);
        TraceSlot(self.trace_of_key(key, line))
    }

    /// The slot of a call site, which has no id: the same name gets the same slot.
    pub fn site(&mut self, name: &[u8], line: u64) -> TraceSlot {
        self.flush();
        let key = self.trace_ids.site_key(name);
        TraceSlot(self.trace_of_key(key, line))
    }

    fn trace_of_key(&mut self, key: u64, line: u64) -> u32 {
        let first = u64::from(self.piece.index) << 32 | line;
        let traces = &mut self.traces;
        let slot = self.trace_table.intern(key, || traces.push(Trace { key, first }));
        self.sums.make_room(self.traces.len());
        slot
    }

    /// Takes an allocation of any kind: a block line off the fast path, a hog, an entry.
    pub fn allocation(&mut self, allocation: Allocation) {
        self.flush();
        self.address_bits |= allocation.address.unwrap_or(0);
        let trace = allocation.trace.map_or(TraceSlot::NONE, |slot| slot.0);
        self.sums.add(self.heap, trace, &allocation);
        if !self.keep_blocks {
            return;
        }
        match allocation {
            Allocation {
                address: Some(address),
                overhead_bytes: Some(overhead),
                allocation_count: 1,
                inferred: false,
                requested_bytes,
                ..
            } => {
                let columns = &mut self.blocks.open;
                columns.requested_bytes.push(requested_bytes);
                columns.overhead_bytes.push(overhead);
                columns.address.push(address);
                columns.trace.push(trace);
            }
            sums => self.piece.sums.push((self.heap, sums)),
        }
    }

    /// The fast path for a block line: sizes below 2^32, an upper-case id. The row is finished with its batch.
    #[inline(always)]
    pub fn block(&mut self, requested: u64, overhead: u32, address: u64, trace_key: u64, line: u64) {
        self.trace_table.announce(trace_key);
        if self.batch.take(requested, overhead, address, trace_key, line) {
            self.flush();
        }
    }

    /// Looks up the trace ids of the rows that wait, and adds the rows up.
    pub fn flush(&mut self) {
        let rows = self.batch.len;
        if rows == 0 {
            return;
        }
        let piece = u64::from(self.piece.index) << 32;
        let (traces, batch) = (&mut self.traces, &mut self.batch);
        let (keys, lines) = (&batch.keys[..rows], &batch.lines[..rows]);
        batch.slots.clear();
        self.trace_table.intern_batch(keys, &mut batch.slots, |place| {
            traces.push(Trace { key: keys[place], first: piece | u64::from(lines[place]) });
        });
        self.sums.make_room(self.traces.len());
        self.sums.announce(&batch.slots);
        self.address_bits |= batch.address[..rows].iter().fold(0, |bits, address| bits | address);
        if self.keep_blocks {
            batch.append_to(&mut self.blocks.open);
        }
        self.sums.add_blocks(self.heap, &self.batch);
        let batch = &mut self.batch;
        batch.len = 0;
        batch.last_slot = batch.slots[rows - 1];
        for (definition, row) in batch.definitions.drain(..) {
            self.piece.definitions[definition as usize].trace = TraceSlot(batch.slots[row as usize]);
        }
    }

    /// Ends the stack of the row that [`Sink::block`] took last: its trace is known once the batch is full.
    pub fn define_for_last_block(&mut self, line: u64) {
        let definition = self.piece.definitions.len() as u32;
        match self.batch.len.checked_sub(1) {
            Some(row) => {
                self.batch.definitions.push((definition, row as u32));
                self.define(TraceSlot(TraceSlot::NONE), line, false, false);
            }
            None => {
                let trace = self.last_block_trace();
                self.define(trace, line, false, false);
            }
        }
    }

    /// The trace of the row that [`Sink::block`] took last.
    pub fn last_block_trace(&mut self) -> TraceSlot {
        self.flush();
        TraceSlot(self.batch.last_slot)
    }

    /// Takes a frame that was printed as an upper-case address, by its key.
    #[inline(always)]
    pub fn raw_frame(&mut self, key: u64) {
        self.frames.announce(key);
        self.waiting_frames.push(key);
    }

    /// Numbers the frames that wait, if they are many.
    #[inline(always)]
    pub fn number_waiting_frames(&mut self) {
        if self.waiting_frames.len() >= FRAME_BATCH {
            self.number_frames();
        }
    }

    /// Takes one frame of any form, as the file has it, without indentation.
    pub fn frame(&mut self, text: &[u8]) {
        self.number_frames();
        let first = u64::from(self.piece.index) << 32 | self.piece_frames.piece_len() as u64;
        let firsts = &mut self.frame_first;
        let id = self.frames.intern_text(text, || firsts.push(first));
        self.piece_frames.open.push(id);
    }

    fn number_frames(&mut self) {
        let first = u64::from(self.piece.index) << 32 | self.piece_frames.piece_len() as u64;
        let firsts = &mut self.frame_first;
        let new = |place| firsts.push(first + place as u64);
        self.frames.intern_batch(&self.waiting_frames, &mut self.piece_frames.open, new);
        self.waiting_frames.clear();
    }

    fn frame_count(&self) -> usize {
        self.piece_frames.piece_len() + self.waiting_frames.len()
    }

    /// Ends a stack: the frames taken since the last definition belong to `trace`.
    pub fn define(&mut self, trace: TraceSlot, line: u64, alias: bool, inferred: bool) {
        let frames_end = self.frame_count() as u32;
        self.piece.definitions.push(Definition { trace, frames_end, line: line as i32, alias, cut: false, inferred });
    }

    /// Frames taken since the last definition.
    pub fn open_frames(&self) -> usize {
        self.frame_count() - self.piece.definitions.last().map_or(0, |last| last.frames_end as usize)
    }

    /// Takes an issue about a line, as long as there are few of its kind; the caller counts the line.
    pub fn issue(&mut self, issue: Issue) {
        if self.issue_counts.keeps(issue.kind) {
            self.piece.issues.push(issue);
        }
    }

    /// Notes a row or a total of a comparison in a log of something else, the first of those that follow one another; the caller
    /// counts the line.
    pub fn comparison_row(&mut self, line: u64, byte: u64, text: &[u8]) {
        let is_total = trim(text).starts_with(b"Total");
        let header = self.piece.headers.last().map(|header| header.line);
        let goes_on = self.piece.comparisons.last().is_some_and(|last| !last.is_total && header < Some(last.line));
        if is_total || !goes_on {
            let text = self.text(trim(text));
            self.piece.comparisons.push(ComparisonRow { line, byte, is_total, text });
        }
    }

    /// Takes a line that nothing could be made of, and counts it.
    pub fn unreadable(&mut self, line: u64, byte: u64, text: &[u8]) {
        self.piece.lines.issues += 1;
        let text = self.text(text);
        self.issue(Issue {
            severity: Severity::Error,
            kind: "unreadable_line",
            line: Some(line),
            byte: Some(byte),
            text,
            action: "the line is in no other table",
        });
    }

    /// Turns bytes of the input into text: UTF-8 where they are, windows-1252 where they are not.
    pub fn text(&mut self, bytes: &[u8]) -> String {
        let (text, ansi) = decode(bytes);
        if ansi && self.piece.ansi.is_none() {
            self.piece.ansi = Some(text.clone());
        }
        text
    }
}

/// Bytes of the input as text, and whether windows-1252 was needed.
pub fn decode(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), true),
    }
}
