//! UMDH 6.x to 10.x snapshots: live blocks one by one, each stack printed once.
//!
//! ```text
//! *- - - - - - - - - - Heap 2E60000 Hogs - - - - - - - - - -
//!
//! 64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0
//! <TAB>776CDD82
//! <TAB>7768EC66
//!
//! 40 bytes + 18 at 2E9FB00 by BackTrace18D0A0D0
//! ```
//!
//! Invariant: a block of text never starts inside a stack, so what a line means depends on nothing outside its block but
//! the last banner before it. That is why blocks can be read in any order.

mod fast;

pub use fast::{Block, block_at, frames_at};

use super::{
    cut, header,
    line::{Banner, BannerKind, Line, classify},
    sink::{Allocation, HeapEvent, Issue, Module, SectionLine, Severity, Sink, SymbolNote, TraceSlot},
};
use crate::{
    lines::line_at,
    vector::{Vector, Work, hex::WINDOW, widest},
};

/// Bytes of zeros that a block's text is followed by, so that the fast path can read past its end: a zero ends every number
/// and is no line feed, so no line goes on into them.
pub const PADDING: usize = WINDOW;

/// Reads one block of text into the sink's piece.
///
/// `text` ends in [`PADDING`] zeros, which are not part of it; `banner` is the last banner line before it; `last` says
/// that the file ends with it.
pub fn read(text: &[u8], banner: &[u8], last: bool, sink: &mut Sink) {
    let mut reader = Reader::new(text, sink);
    reader.resume(banner);
    widest(Run(&mut reader));
    let inside_stack = reader.open.is_some() && reader.sink.open_frames() > 0;
    reader.close_stack();
    if last {
        reader.end_of_file(inside_stack);
    }
}

/// All lines of a reader.
struct Run<'r, 'a>(&'r mut Reader<'a>);

impl Work for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with<V: Vector>(self, vector: V) {
        self.0.run(vector);
    }
}

struct Reader<'a> {
    /// Text and padding.
    text: &'a [u8],
    end: usize,
    at: usize,
    sink: &'a mut Sink,
    /// Words of the last banner.
    section: String,
    /// The stack that further frames belong to.
    open: Option<Open>,
    /// Where the path of a `DBGHELP:` line may stand: on the line behind it.
    symbols_line: Option<u64>,
    unnamed_heap: bool,
}

#[derive(Clone, Copy)]
struct Open {
    owner: Owner,
    line: u64,
    alias: bool,
}

/// Whose stack it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// `BackTrace0` has no frames.
    Nobody,
    /// The block line that the sink took last; its trace id is looked up later.
    LastBlock,
    /// This trace id.
    Trace(TraceSlot),
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8], sink: &'a mut Sink) -> Self {
        let end = text.len() - PADDING;
        Self { text, end, at: 0, sink, section: String::new(), open: None, symbols_line: None, unnamed_heap: true }
    }

    fn resume(&mut self, banner: &[u8]) {
        self.section = "preamble".to_owned();
        if let Line::Banner(banner) = classify(banner) {
            self.enter(&banner);
        }
    }

    fn enter(&mut self, banner: &Banner<'_>) {
        self.section = self.sink.text(banner.words);
        match banner.kind {
            BannerKind::Start(heap)
            | BannerKind::Hogs(heap)
            | BannerKind::Information(heap)
            | BannerKind::OtherOfHeap(heap) => {
                self.sink.enter_heap(Some(heap));
                self.unnamed_heap = false;
            }
            // Rows behind an end belong to a heap without a name: said once they come.
            BannerKind::End(_) | BannerKind::Other => self.unnamed_heap = true,
        }
    }

    fn line_number(&self) -> u64 {
        self.sink.piece.lines.total()
    }

    #[inline(always)]
    fn run<V: Vector>(&mut self, vector: V) {
        while self.at < self.end {
            let fast = match self.text[self.at] {
                b'0'..=b'9' | b'A'..=b'F' if !self.unnamed_heap => self.blocks(vector),
                b'\t' if self.open.is_some() => self.stack(vector),
                b'\r' | b'\n' => self.blank(),
                _ => false,
            };
            if !fast {
                self.slow_line();
            }
        }
    }

    #[inline(always)]
    fn blank(&mut self) -> bool {
        let length = match self.text[self.at..] {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            [b'\r', b'\r', b'\n', ..] => 3,
            _ => return false,
        };
        self.close_stack();
        self.sink.piece.lines.blank += 1;
        self.at += length;
        true
    }

    /// Lines of `64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0` that are printed just so: all up to one with a stack.
    #[inline(always)]
    fn blocks<V: Vector>(&mut self, vector: V) -> bool {
        let first = self.line_number();
        let mut line = first;
        while let Some(block) = block_at(vector, self.text, self.at) {
            if block.trace_key >> 4 == 0 {
                break;
            }
            if line == first {
                self.close_stack();
            }
            self.sink.block(block.requested, block.overhead, block.address, block.trace_key, line);
            line += 1;
            self.at = block.next;
            // A stack is opened only if the next line is indented, so that runs of bare lines stay in their batch.
            if matches!(self.text[block.next], b'\t' | b' ') {
                self.open = Some(Open { owner: Owner::LastBlock, line: line - 1, alias: false });
                break;
            }
        }
        self.sink.piece.lines.rows += line - first;
        line > first
    }

    /// Address lines that are printed just so, as many as follow.
    #[inline(always)]
    fn stack<V: Vector>(&mut self, vector: V) -> bool {
        if self.open.is_none_or(|open| open.owner == Owner::Nobody) {
            return false;
        }
        let before = self.at;
        let sink = &mut *self.sink;
        let mut count = 0;
        self.at = frames_at(vector, self.text, self.at, |key| {
            sink.raw_frame(key);
            count += 1;
        });
        sink.number_waiting_frames();
        sink.piece.lines.rows += count;
        self.at > before
    }

    #[inline(never)]
    fn close_stack(&mut self) {
        let Some(open) = self.open.take() else { return };
        if self.sink.open_frames() == 0 {
            return;
        }
        match open.owner {
            Owner::Nobody => {}
            Owner::LastBlock => self.sink.define_for_last_block(open.line),
            Owner::Trace(trace) => self.sink.define(trace, open.line, open.alias, false),
        }
    }

    #[cold]
    #[inline(never)]
    fn slow_line(&mut self) {
        let Some(line) = line_at(&self.text[..self.end], self.at) else { return };
        let number = self.line_number();
        let start = self.at;
        self.at = line.next;
        let shape = classify(line.bytes);
        // The path of a symbol file stands on the line behind its `DBGHELP:` line; both may stand inside a stack.
        let after_symbols = std::mem::take(&mut self.symbols_line) == Some(number);
        let is_symbol_file = after_symbols && matches!(shape, Line::Other(path) if line.bytes[0] != path[0]);
        let goes_on = matches!(shape, Line::RawFrame(_) | Line::ResolvedFrame(_) | Line::Alias | Line::Symbols { .. });
        if !goes_on && !is_symbol_file {
            self.close_stack();
        }
        match shape {
            Line::Blank => self.sink.piece.lines.blank += 1,
            Line::Legend => self.sink.piece.lines.structure += 1,
            // What a cut banner says of a heap may be cut as well; `end_of_file` tells.
            Line::Banner(banner) if !banner.closed && !line.ended => self.sink.piece.lines.structure += 1,
            Line::Banner(banner) => self.banner(&banner, line.bytes, number),
            Line::Header(_) => header::take(line.bytes, number, start as u64, self.sink),
            Line::Module { base, size, path } => self.module(base, size, path),
            Line::Block { requested_bytes, overhead_bytes, address, trace_id } => {
                self.careful_block(line.bytes, start, (requested_bytes, overhead_bytes, address), trace_id);
            }
            Line::RawFrame(frame) | Line::ResolvedFrame(frame) => self.frame(frame, line.bytes, start),
            Line::Alias => self.alias(line.bytes, start),
            Line::NoStack => self.sink.piece.lines.structure += 1,
            Line::Symbols { module, symbols } => self.symbols(module, symbols, line.bytes, number),
            Line::Other(path) if is_symbol_file => self.symbol_file(path, line.bytes, number),
            Line::Comment(_) => self.verbatim("comment", line.bytes, number),
            Line::Hog { .. } | Line::Other(_) => self.sink.unreadable(number, start as u64, line.bytes),
        }
    }

    fn banner(&mut self, banner: &Banner<'_>, bytes: &[u8], line: u64) {
        self.sink.piece.lines.structure += 1;
        match banner.kind {
            BannerKind::Start(_) => {
                self.enter(banner);
                self.sink.heap_event(line, HeapEvent::Start);
            }
            BannerKind::End(heap) => {
                self.sink.enter_heap(Some(heap));
                self.sink.heap_event(line, HeapEvent::End);
                self.enter(banner);
            }
            BannerKind::Other => {
                self.enter(banner);
                self.keep("banner", bytes, line);
            }
            _ => {
                self.enter(banner);
                self.sink.heap_event(line, HeapEvent::Open);
            }
        }
    }

    fn module(&mut self, base: u64, size: u64, path: &[u8]) {
        self.sink.piece.lines.rows += 1;
        let path = self.sink.text(path);
        self.sink.piece.modules.push(Module { base: Some(base), size: Some(size), path, inferred: false });
    }

    /// A block line that is not printed just so: other case, margins, large numbers, `BackTrace0`.
    fn careful_block(&mut self, bytes: &[u8], start: usize, numbers: (u64, u64, u64), id: &[u8]) {
        let (requested_bytes, overhead_bytes, address) = numbers;
        let line = self.line_number();
        let Ok(overhead_bytes) = u32::try_from(overhead_bytes) else {
            self.sink.unreadable(line, start as u64, bytes);
            return;
        };
        if self.unnamed_heap {
            self.sink.enter_heap(None);
            self.unnamed_heap = false;
            self.sink.heap_event(line, HeapEvent::Open);
        }
        let trace = self.sink.trace(id, line);
        let allocation = Allocation {
            address: Some(address),
            requested_bytes,
            overhead_bytes: Some(overhead_bytes),
            allocation_count: 1,
            trace,
            inferred: false,
        };
        self.sink.allocation(allocation);
        self.sink.piece.lines.rows += 1;
        let owner = trace.map_or(Owner::Nobody, Owner::Trace);
        self.open = Some(Open { owner, line, alias: false });
    }

    fn frame(&mut self, frame: &[u8], bytes: &[u8], start: usize) {
        let line = self.line_number();
        match self.open {
            Some(open) if open.owner != Owner::Nobody => {
                self.sink.frame(frame);
                self.sink.piece.lines.rows += 1;
            }
            _ => {
                self.sink.piece.lines.issues += 1;
                let text = self.sink.text(bytes);
                self.sink.issue(Issue {
                    severity: Severity::Error,
                    kind: "frame_without_record",
                    line: Some(line),
                    byte: Some(start as u64),
                    text,
                    action: "the frame is in no stack",
                });
            }
        }
    }

    fn alias(&mut self, bytes: &[u8], start: usize) {
        let line = self.line_number();
        match self.open {
            Some(open) if open.owner != Owner::Nobody => {
                self.close_stack();
                let owner = match open.owner {
                    Owner::LastBlock => Owner::Trace(self.sink.last_block_trace()),
                    owner => owner,
                };
                self.open = Some(Open { owner, line, alias: true });
                self.sink.piece.lines.structure += 1;
            }
            _ => self.sink.unreadable(line, start as u64, bytes),
        }
    }

    fn symbols(&mut self, module: &[u8], symbols: &[u8], bytes: &[u8], line: u64) {
        let note = SymbolNote { module: self.sink.text(module), symbols: self.sink.text(symbols), file: None };
        self.sink.piece.symbols.push(note);
        self.symbols_line = Some(line + 1);
        self.verbatim("symbols", bytes, line);
    }

    fn symbol_file(&mut self, path: &[u8], bytes: &[u8], line: u64) {
        let path = self.sink.text(path);
        if let Some(note) = self.sink.piece.symbols.last_mut() {
            note.file = Some(path);
        }
        self.verbatim("symbols", bytes, line);
    }

    fn verbatim(&mut self, kind: &'static str, bytes: &[u8], line: u64) {
        self.sink.piece.lines.preamble += 1;
        self.keep(kind, bytes, line);
    }

    fn keep(&mut self, kind: &'static str, bytes: &[u8], line: u64) {
        let text = self.sink.text(bytes);
        let section = self.section.clone();
        self.sink.piece.sections.push(SectionLine { section, line, kind, text, tokens: None });
    }

    /// A file that stops inside a stack, or without a line end inside a line, may be cut there.
    fn end_of_file(&mut self, inside_stack: bool) {
        if inside_stack && let Some(last) = self.sink.piece.definitions.last_mut() {
            last.cut = true;
        }
        let text = &self.text[..self.end];
        if text.is_empty() || text.ends_with(b"\n") {
            return;
        }
        let start = memchr::memrchr(b'\n', text).map_or(0, |newline| newline + 1);
        let action = match classify(&text[start..]) {
            Line::Block { .. } | Line::RawFrame(_) | Line::ResolvedFrame(_) => cut::DATA,
            Line::Banner(banner) if !banner.closed => cut::BANNER,
            _ => return,
        };
        let text = self.sink.text(&text[start..]);
        let line = Some(self.line_number() - 1);
        self.sink.issue(Issue {
            severity: Severity::Warning,
            kind: "cut_line",
            line,
            byte: Some(start as u64),
            text,
            action,
        });
    }
}
