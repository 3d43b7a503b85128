//! Where readers put what they find: one [`Sink`] per worker, one [`Piece`] per block of text.
//!
//! A reader says what a line means (`sink.trace`, `sink.begin_stack`, `sink.allocation`, `sink.issue`); the sink numbers
//! frames and trace ids for its worker and keeps everything else in file order, piece by piece, with places relative to
//! the piece. `parallel` puts the pieces of all workers together.

use super::fields::Hex;
use crate::table::{frames::FrameKeys, intern::Interner};

/// What became of every line: the sum of the fields is the number of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines that are data: blocks, hogs, frames, fields, modules.
    pub rows: u64,
    /// Banners, legends, headers, `Alias`.
    pub structure: u64,
    /// Comments and text kept word for word in `sections`.
    pub preamble: u64,
    /// Nothing but white space.
    pub blank: u64,
    /// Lines that stand in `issues`, because nothing could be made of them.
    pub issues: u64,
}

impl LineCounts {
    /// All lines.
    pub fn total(&self) -> u64 {
        self.rows + self.structure + self.preamble + self.blank + self.issues
    }

    /// Adds those of another part of the file.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.structure += other.structure;
        self.preamble += other.preamble;
        self.blank += other.blank;
        self.issues += other.issues;
    }
}

/// Number of a trace id within one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceSlot(pub u32);

impl TraceSlot {
    /// Stands in columns for "no stack was recorded".
    pub const NONE: u32 = u32::MAX;
}

/// How bad an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is missing from the tables.
    Error,
    /// It was read, but is doubtful.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// One row of `issues`, with its place relative to its piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How bad.
    pub severity: Severity,
    /// Stable name of the rule.
    pub kind: &'static str,
    /// Lines before it in the piece; absent for the whole file.
    pub line: Option<u64>,
    /// Bytes before its line in the piece.
    pub byte: u64,
    /// The line, or what is in doubt.
    pub text: String,
    /// What was done about it.
    pub action: &'static str,
}

/// One row of `sections`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionLine {
    /// Words of the banner.
    pub section: String,
    /// Lines before it in the piece.
    pub line: u64,
    /// What its tokens make of it.
    pub kind: &'static str,
    /// The line.
    pub text: String,
    /// Kinds of its tokens.
    pub tokens: Option<String>,
}

/// One row of `modules`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// First address; absent where a row names a module without it.
    pub base: Option<u64>,
    /// Bytes of address space.
    pub size: Option<u64>,
    /// As printed.
    pub path: String,
    /// Read by tokens.
    pub inferred: bool,
}

/// One `DBGHELP:` line: which symbols the tool had for a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolNote {
    /// The debugger's name of the module.
    pub module: String,
    /// `public symbols`, `no symbols loaded`, …
    pub symbols: String,
    /// The line that follows: path of the PDB.
    pub file: Option<String>,
}

/// Fields of a heap's `Information` section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the column of `heaps` of its name")]
pub enum HeapField {
    Flags,
    EntryCount,
    TagCount,
    AllocatedBytes,
    CommittedBytes,
    FreeBytes,
    VirtualChunkCount,
    AddressSpaceBytes,
    EntryOverheadBytes,
}

/// What happens to heaps, in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeapEvent {
    /// A banner opens it: data, information or hogs.
    Open,
    /// A banner that promises an end (`Start of data`).
    Start,
    /// Its `End of data`.
    End,
    /// A field of its information; `None` for `<unknown>`.
    Field(HeapField, Option<u64>),
    /// The stack that made it.
    Creator(Option<TraceSlot>),
}

/// A header line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderLine {
    /// Lines before it in the piece.
    pub line: u64,
    /// Bytes before it in the piece.
    pub byte: u64,
    /// `UMDH` or `DH`.
    pub tool: String,
    /// `6.1.7650.0`.
    pub version: Option<String>,
    /// `2012-04-30 12:09`, brought to that form.
    pub taken_at: Option<String>,
    /// Machine name.
    pub machine: Option<String>,
    /// Process id.
    pub pid: Option<u32>,
    /// The line.
    pub text: String,
}

/// An allocation as a reader hands it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// Address of the block; absent for sums.
    pub address: Option<u64>,
    /// Bytes asked for.
    pub requested_bytes: u64,
    /// Absent where the tool does not write it.
    pub overhead_bytes: Option<u32>,
    /// Blocks.
    pub allocation_count: u32,
    /// Absent for `BackTrace0`.
    pub trace: Option<TraceSlot>,
    /// Read by tokens.
    pub inferred: bool,
}

/// Sums of one trace id in one heap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Bytes asked for.
    pub requested_bytes: u64,
    /// Bytes of overhead.
    pub overhead_bytes: u64,
    /// Blocks.
    pub allocation_count: u64,
    /// Heap, as numbered by the worker.
    pub heap: u32,
    /// True if read by tokens: hogs of the same heap take its place.
    pub inferred: bool,
}

/// A trace id of one worker.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    /// The id, packed; see [`TraceIds`].
    pub key: u64,
    /// First mention: piece number in the high half, line in the low half.
    pub first: u64,
}

/// A stack as printed, in the piece that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The id it was printed under.
    pub trace: TraceSlot,
    /// End of its frames in [`Piece::frames`]; they start where those of the definition before it end.
    pub frames_end: u32,
    /// Line of its record, relative to the piece; negative if the stack began in a piece before this one.
    pub line: i32,
    /// Printed after `Alias`.
    pub alias: bool,
    /// The file ends inside it.
    pub cut: bool,
    /// Read by tokens.
    pub inferred: bool,
}

/// Columns of umdh2 blocks: all of them have an address, an overhead and a count of one.
#[derive(Debug, Default)]
pub struct BlockColumns {
    /// Bytes asked for.
    pub requested_bytes: Vec<u64>,
    /// Bytes of overhead.
    pub overhead_bytes: Vec<u32>,
    /// Address.
    pub address: Vec<u64>,
    /// Trace slot, or [`TraceSlot::NONE`].
    pub trace: Vec<u32>,
}

/// Everything one block of text turned into.
#[derive(Debug, Default)]
pub struct Piece {
    /// Number of the block in the file.
    pub index: u32,
    /// Offset of the block in the input.
    pub byte: u64,
    /// What became of its lines.
    pub lines: LineCounts,
    /// Blocks, if they are kept.
    pub blocks: BlockColumns,
    /// Heap of the blocks: (worker's heap number, rows so far when it ends).
    pub heap_runs: Vec<(u32, u32)>,
    /// Lines that are sums (hogs, entries), with the worker's heap number.
    pub sums: Vec<(u32, Allocation)>,
    /// Frames of the definitions, worker's numbers.
    pub frames: Vec<u32>,
    /// Stacks in the order they were printed.
    pub definitions: Vec<Definition>,
    /// Headers.
    pub headers: Vec<HeaderLine>,
    /// Modules.
    pub modules: Vec<Module>,
    /// Symbol lines.
    pub symbols: Vec<SymbolNote>,
    /// What happened to heaps: worker's heap number, line, event.
    pub heaps: Vec<(u32, u64, HeapEvent)>,
    /// Verbatim text.
    pub sections: Vec<SectionLine>,
    /// What could not be read.
    pub issues: Vec<Issue>,
    /// Some text needed windows-1252 to become a string.
    pub ansi: bool,
}

/// Trace ids as 64-bit keys, and back.
///
/// `F9A156DA` becomes its value and its length; what is not upper-case hexadecimal of at most 14 digits stands in `other`.
/// A call site has no id: its name stands in `other` too, and its key has no text.
#[derive(Debug, Default)]
pub struct TraceIds {
    other: Vec<Box<[u8]>>,
    other_ids: std::collections::HashMap<Box<[u8]>, u64>,
    sites: std::collections::HashMap<Box<[u8]>, u64>,
}

const OTHER: u64 = 0xF;
/// No id has zero digits.
const SITE: u64 = 0;

impl TraceIds {
    /// The key of an id whose digits were read by [`super::fields::hex_at`]; `None` if they are too many to pack.
    #[inline(always)]
    pub fn key_of_hex(id: Hex) -> Option<u64> {
        (id.digits <= 14).then_some(id.value << 4 | u64::from(id.digits))
    }

    /// The key of any text.
    pub fn key(&mut self, id: &[u8]) -> u64 {
        let plain = !id.iter().any(u8::is_ascii_lowercase);
        if let Some(key) = super::fields::parse_hex(id).filter(|_| plain).and_then(Self::key_of_hex) {
            return key;
        }
        if let Some(key) = self.other_ids.get(id) {
            return *key;
        }
        let key = (self.other.len() as u64) << 4 | OTHER;
        self.other.push(id.into());
        self.other_ids.insert(id.into(), key);
        key
    }

    /// The key of a call site, which has no id.
    pub fn site_key(&mut self, name: &[u8]) -> u64 {
        if let Some(key) = self.sites.get(name) {
            return *key;
        }
        let key = (self.other.len() as u64) << 4 | SITE;
        self.other.push(name.into());
        self.sites.insert(name.into(), key);
        key
    }

    /// The key here of an id that has a key in another worker's table.
    pub fn adopt(&mut self, key: u64, from: &TraceIds) -> u64 {
        match key & 0xF {
            OTHER => self.key(&from.other[(key >> 4) as usize]),
            SITE => self.site_key(&from.other[(key >> 4) as usize]),
            _ => key,
        }
    }

    /// The text of a key; absent for a stack that stands under no id.
    pub fn text(&self, key: u64) -> Option<String> {
        match key & 0xF {
            SITE => None,
            OTHER => Some(String::from_utf8_lossy(&self.other[(key >> 4) as usize]).into_owned()),
            digits => Some(format!("{:0width$X}", key >> 4, width = digits as usize)),
        }
    }
}

/// Everything one worker has read.
#[derive(Debug, Default)]
pub struct Sink {
    /// Frames.
    pub frames: FrameKeys,
    /// First appearance of each frame: piece number in the high half, frame of the piece in the low half.
    pub frame_first: Vec<u64>,
    /// Trace ids.
    pub trace_ids: TraceIds,
    trace_table: Interner,
    /// Trace ids, by slot.
    pub traces: Vec<Trace>,
    current: Vec<Sums>,
    no_stack: Sums,
    /// Sums per trace slot and heap, finished; the same pair can stand more than once.
    pub usage: Vec<(u32, Sums)>,
    /// Heap addresses, by the worker's heap number.
    pub heap_bases: Vec<Option<u64>>,
    heap: u32,
    /// The piece being read.
    pub piece: Piece,
    /// The pieces read before it.
    pub pieces: Vec<Piece>,
    keep_blocks: bool,
    pending: Vec<(u64, u32)>,
    pending_amounts: Vec<(u64, u32)>,
    pending_lines: Vec<u32>,
    /// Largest address of a block line.
    pub max_address: u64,
    slots: Vec<u32>,
}

/// Rows whose trace ids are looked up together.
const BATCH: usize = 64;

impl Sink {
    /// An empty sink. Without `keep_blocks` only the sums of block lines are kept.
    pub fn new(keep_blocks: bool) -> Self {
        Self { keep_blocks, heap: u32::MAX, ..Self::default() }
    }

    /// Starts the piece of a block of text.
    pub fn begin_piece(&mut self, index: u32, byte_hint: usize) {
        self.piece = Piece { index, ..Piece::default() };
        if self.keep_blocks {
            // A block line has 40 bytes or more; what is left over goes back in `end_piece`.
            let rows = byte_hint / 44;
            let blocks = &mut self.piece.blocks;
            blocks.requested_bytes.reserve(rows);
            blocks.overhead_bytes.reserve(rows);
            blocks.address.reserve(rows);
            blocks.trace.reserve(rows);
        }
    }

    /// Ends the piece.
    pub fn end_piece(&mut self) {
        self.flush();
        self.end_heap_run();
        let mut piece = std::mem::take(&mut self.piece);
        piece.blocks.requested_bytes.shrink_to_fit();
        piece.blocks.overhead_bytes.shrink_to_fit();
        piece.blocks.address.shrink_to_fit();
        piece.blocks.trace.shrink_to_fit();
        piece.frames.shrink_to_fit();
        piece.definitions.shrink_to_fit();
        self.pieces.push(piece);
    }

    /// Ends the file: what is still being summed goes to `usage`.
    pub fn finish(&mut self) {
        self.flush();
        for slot in 0..self.current.len() {
            self.spill(slot);
        }
        self.spill_no_stack();
        self.current = Vec::new();
        self.trace_table = Interner::new();
    }

    /// Says in which heap the following rows stand. Returns its number within this worker.
    pub fn enter_heap(&mut self, base: Option<u64>) -> u32 {
        let known = self.heap_bases.iter().position(|other| *other == base);
        let heap = known.unwrap_or_else(|| {
            self.heap_bases.push(base);
            self.heap_bases.len() - 1
        }) as u32;
        if heap != self.heap {
            self.flush();
            self.end_heap_run();
            self.heap = heap;
        }
        heap
    }

    fn end_heap_run(&mut self) {
        let rows = self.piece.blocks.trace.len() as u32;
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

    /// The slot of a call site, which has no id: the same name gets the same slot.
    pub fn site(&mut self, name: &[u8], line: u64) -> TraceSlot {
        self.flush();
        let key = self.trace_ids.site_key(name);
        TraceSlot(self.trace_of_key(key, line))
    }

    fn trace_of_key(&mut self, key: u64, line: u64) -> u32 {
        let first = u64::from(self.piece.index) << 32 | line;
        let traces = &mut self.traces;
        let slot = self.trace_table.intern(key, 0, || traces.push(Trace { key, first }));
        self.current.resize(self.traces.len(), Sums { heap: u32::MAX, ..Sums::default() });
        slot
    }

    /// Takes an allocation of any kind: a block line off the fast path, a hog, an entry.
    pub fn allocation(&mut self, line: u64, allocation: Allocation) {
        self.flush();
        self.max_address = self.max_address.max(allocation.address.unwrap_or(0));
        let trace = allocation.trace.map_or(TraceSlot::NONE, |slot| slot.0);
        let sums_overflow = self.add(trace, &allocation);
        if sums_overflow {
            self.issue(Issue {
                severity: Severity::Error,
                kind: "sum_overflow",
                line: Some(line),
                byte: 0,
                text: allocation.requested_bytes.to_string(),
                action: "the sum of this stack stops at 2^64 - 1",
            });
        }
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
                self.piece.blocks.requested_bytes.push(requested_bytes);
                self.piece.blocks.overhead_bytes.push(overhead);
                self.piece.blocks.address.push(address);
                self.piece.blocks.trace.push(trace);
            }
            sums => self.piece.sums.push((self.heap, sums)),
        }
    }

    fn add(&mut self, trace: u32, allocation: &Allocation) -> bool {
        let heap = self.heap;
        let stale = self.sums_of(trace);
        if stale.heap != heap || stale.inferred != allocation.inferred {
            if trace == TraceSlot::NONE {
                self.spill_no_stack();
            } else {
                self.spill(trace as usize);
            }
        }
        let sums = self.sums_of(trace);
        sums.heap = heap;
        sums.inferred = allocation.inferred;
        let (requested, overflow) = sums.requested_bytes.overflowing_add(allocation.requested_bytes);
        sums.requested_bytes = if overflow { u64::MAX } else { requested };
        sums.overhead_bytes = sums.overhead_bytes.saturating_add(u64::from(allocation.overhead_bytes.unwrap_or(0)));
        sums.allocation_count = sums.allocation_count.saturating_add(u64::from(allocation.allocation_count));
        overflow
    }

    fn sums_of(&mut self, trace: u32) -> &mut Sums {
        if trace == TraceSlot::NONE { &mut self.no_stack } else { &mut self.current[trace as usize] }
    }

    /// The fast path for a block line: sizes below 2^32, an upper-case id. The row is finished with its batch.
    #[inline(always)]
    pub fn block(&mut self, requested: u64, overhead: u32, address: u64, trace_key: u64) {
        if self.keep_blocks {
            self.piece.blocks.requested_bytes.push(requested);
            self.piece.blocks.overhead_bytes.push(overhead);
            self.piece.blocks.address.push(address);
        }
        self.max_address = self.max_address.max(address);
        self.pending.push((trace_key, 0));
        self.pending_amounts.push((requested, overhead));
        self.pending_lines.push(self.piece.lines.total() as u32);
        if self.pending.len() >= BATCH {
            self.flush();
        }
    }

    /// Looks up the trace ids of the rows that wait, and adds the rows up.
    pub fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.slots.resize(self.pending.len(), 0);
        let piece = u64::from(self.piece.index) << 32;
        let (traces, pending, lines) = (&mut self.traces, &self.pending, &self.pending_lines);
        self.trace_table.intern_batch(pending, &mut self.slots, |place| {
            traces.push(Trace { key: pending[place].0, first: piece | u64::from(lines[place]) });
        });
        self.current.resize(self.traces.len(), Sums { heap: u32::MAX, ..Sums::default() });
        for place in 0..self.slots.len() {
            let slot = self.slots[place];
            let (requested, overhead) = self.pending_amounts[place];
            if self.current[slot as usize].heap != self.heap {
                self.spill(slot as usize);
            }
            let sums = &mut self.current[slot as usize];
            sums.heap = self.heap;
            // Sizes are below 2^32 here, and a file has less than 2^32 lines of them, so neither sum can overflow
            // unless the slow path brought it near the end, and then it stays there.
            sums.requested_bytes = sums.requested_bytes.saturating_add(requested);
            sums.overhead_bytes += u64::from(overhead);
            sums.allocation_count += 1;
        }
        if self.keep_blocks {
            self.piece.blocks.trace.extend_from_slice(&self.slots);
        }
        self.pending.clear();
        self.pending_amounts.clear();
        self.pending_lines.clear();
    }

    /// The slot of the row that [`Sink::block`] took last.
    pub fn last_block_trace(&mut self) -> Option<TraceSlot> {
        self.flush();
        self.slots.last().map(|slot| TraceSlot(*slot))
    }

    fn spill(&mut self, slot: usize) {
        let sums = std::mem::replace(&mut self.current[slot], Sums { heap: u32::MAX, ..Sums::default() });
        if sums.allocation_count > 0 || sums.requested_bytes > 0 {
            self.usage.push((slot as u32, sums));
        }
    }

    fn spill_no_stack(&mut self) {
        let sums = std::mem::replace(&mut self.no_stack, Sums { heap: u32::MAX, ..Sums::default() });
        if sums.allocation_count > 0 || sums.requested_bytes > 0 {
            self.usage.push((TraceSlot::NONE, sums));
        }
    }

    /// Takes frames that were printed as upper-case addresses: value and digits of each.
    pub fn raw_frames(&mut self, keys: &[(u64, u32)]) {
        let start = self.piece.frames.len();
        self.piece.frames.resize(start + keys.len(), 0);
        let first = u64::from(self.piece.index) << 32 | start as u64;
        let firsts = &mut self.frame_first;
        self.frames.intern_raw_batch(keys, &mut self.piece.frames[start..], |place| firsts.push(first + place as u64));
    }

    /// Takes one frame of any form, as it stands in the file, without indentation.
    pub fn frame(&mut self, text: &[u8]) {
        let first = u64::from(self.piece.index) << 32 | self.piece.frames.len() as u64;
        let firsts = &mut self.frame_first;
        let id = self.frames.intern_text(text, || firsts.push(first));
        self.piece.frames.push(id);
    }

    /// Ends a stack: the frames taken since the last definition belong to `trace`.
    pub fn define(&mut self, trace: TraceSlot, line: u64, alias: bool, inferred: bool) {
        let frames_end = self.piece.frames.len() as u32;
        self.piece.definitions.push(Definition { trace, frames_end, line: line as i32, alias, cut: false, inferred });
    }

    /// Frames taken since the last definition.
    pub fn open_frames(&self) -> usize {
        self.piece.frames.len() - self.piece.definitions.last().map_or(0, |last| last.frames_end as usize)
    }

    /// Takes an issue about a line; the caller counts the line.
    pub fn issue(&mut self, issue: Issue) {
        self.piece.issues.push(issue);
    }

    /// Takes a line that nothing could be made of, and counts it.
    pub fn unreadable(&mut self, line: u64, byte: u64, text: &[u8]) {
        self.piece.lines.issues += 1;
        let text = self.text(text);
        self.issue(Issue {
            severity: Severity::Error,
            kind: "unreadable_line",
            line: Some(line),
            byte,
            text,
            action: "the line is in no other table",
        });
    }

    /// Turns bytes of the input into text: UTF-8 where they are, windows-1252 where they are not.
    pub fn text(&mut self, bytes: &[u8]) -> String {
        let (text, ansi) = decode(bytes);
        self.piece.ansi |= ansi;
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
