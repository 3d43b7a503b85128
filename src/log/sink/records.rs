//! What readers find, row by row: places are relative to the piece of text they were found in.

use crate::{
    log::sink::store::{Rows, Span},
    numbers,
};

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
    /// Lines that are in `issues`, because nothing could be made of them.
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
    /// What a column has where no stack was recorded.
    pub const NONE: u32 = u32::MAX;
}

pub use crate::error::Severity;

/// One row of `issues`, with its place relative to its piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How bad.
    pub severity: Severity,
    /// Stable name of the rule.
    pub kind: &'static str,
    /// Lines before it in the piece; absent for the whole file.
    pub line: Option<u64>,
    /// Bytes before its line in the piece; absent where no line was at hand.
    pub byte: Option<u64>,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

/// A row or a total of a comparison in a log of something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparisonRow {
    /// Lines before it in the piece.
    pub line: u64,
    /// Bytes before it in the piece.
    pub byte: u64,
    /// Ends the comparison.
    pub is_total: bool,
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

impl Sums {
    /// The sum of both, of one heap; absent if a number of it is too large.
    pub fn with(&self, other: &Self) -> Option<Self> {
        let mut sums = [self.requested_bytes, self.overhead_bytes, self.allocation_count];
        let more = [other.requested_bytes, other.overhead_bytes, other.allocation_count];
        (numbers::add(&mut sums, more) == 0).then_some(Self {
            requested_bytes: sums[0],
            overhead_bytes: sums[1],
            allocation_count: sums[2],
            ..*self
        })
    }

    /// True if anything was added.
    pub fn is_something(&self) -> bool {
        self.allocation_count > 0 || self.requested_bytes > 0
    }
}

/// A trace id of one worker.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    /// The id, packed; see [`super::TraceIds`].
    pub key: u64,
    /// First mention: piece number in the high half, line in the low half.
    pub first: u64,
}

/// A stack as printed, in the piece that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The id it was printed under.
    pub trace: TraceSlot,
    /// End of its frames among those of the piece; they start where those of the definition before it end.
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

impl Rows for BlockColumns {
    fn count(&self) -> usize {
        self.trace.len()
    }

    fn capacity(&self) -> usize {
        // They grow in step, but each of them by its own rule.
        let long = self.requested_bytes.capacity().min(self.address.capacity());
        long.min(self.overhead_bytes.capacity()).min(self.trace.capacity())
    }

    fn with_capacity(rows: usize) -> Self {
        Self {
            requested_bytes: Vec::with_capacity(rows),
            overhead_bytes: Vec::with_capacity(rows),
            address: Vec::with_capacity(rows),
            trace: Vec::with_capacity(rows),
        }
    }

    fn fit(&mut self) {
        self.requested_bytes.shrink_to_fit();
        self.overhead_bytes.shrink_to_fit();
        self.address.shrink_to_fit();
        self.trace.shrink_to_fit();
    }
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
    /// Blocks, if they are kept: where they are among the worker's.
    pub blocks: Span,
    /// Heap of the blocks: (worker's heap number, rows so far when it ends).
    pub heap_runs: Vec<(u32, u32)>,
    /// Lines that are sums (hogs, entries), with the worker's heap number.
    pub sums: Vec<(u32, Allocation)>,
    /// Frames of the definitions: where they are among the worker's.
    pub frames: Span,
    /// Stacks in the order they were printed.
    pub definitions: Vec<Definition>,
    /// Definitions whose rows count for them and not for the first stack of their id, and the slot of these rows.
    pub own_stacks: Vec<(u32, TraceSlot)>,
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
    /// Rows and totals of comparisons among those of a snapshot: they are captures of their own.
    pub comparisons: Vec<ComparisonRow>,
    /// What could not be read.
    pub issues: Vec<Issue>,
    /// The first line whose blanks or dashes somebody else put there: lines and bytes before it.
    pub pasted: Option<(u64, u64)>,
    /// The first text that needed windows-1252 to become a string.
    pub ansi: Option<String>,
}
