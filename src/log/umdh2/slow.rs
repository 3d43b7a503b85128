//! Lines that the fast path does not take: headings, modules, symbols, records and frames that are not printed just so, what is
//! spoilt, and what does not belong to the log at all.
//!
//! Invariant: every line is counted once, and a line that begins as a record ends the stack above it.

use super::{Open, Owner, Reader};
use crate::log::{
    comparison, console, cut,
    fields::{is_bare_frame, trim},
    header,
    line::{Banner, BannerKind, Edge, Line, classify},
    lines::{line_at, starts_a_record},
    module_row::ModuleRow,
    sink::{Allocation, HeapEvent, Issue, Module, SectionLine, Severity, SymbolNote, TraceSlot},
    typography::restored_line,
};

impl Reader<'_> {
    #[cold]
    #[inline(never)]
    pub(super) fn slow_line(&mut self) {
        let Some(line) = line_at(&self.text[..self.end], self.at) else { return };
        let number = self.line_number();
        let start = self.at;
        self.at = line.next;
        let restored = restored_line(line.bytes);
        let bytes = restored.as_deref().unwrap_or(line.bytes);
        if restored.is_some() {
            self.sink.piece.pasted.get_or_insert((number, start as u64));
        }
        let mut shape = classify(bytes);
        // The path of a symbol file is on the line behind its `DBGHELP:` line; both may be inside a stack.
        let after_symbols = std::mem::take(&mut self.symbols_line) == Some(number);
        let is_symbol_file =
            after_symbols && matches!(shape, Line::Other(path) if bytes[0] != path[0]) && !console::is_like_data(bytes);
        let is_noise = self.is_noise(bytes, start);
        if !is_noise
            && let Line::Other(body) = shape
            && self.is_frame_here(body, start)
        {
            shape = Line::RawFrame(body);
        }
        if !is_symbol_file && !is_noise && !self.goes_on(&shape, bytes) {
            self.close_stack();
        } else if self.open.is_none() {
            self.open = self.stack_above(start, &shape);
        }
        match shape {
            Line::Other(path) if is_symbol_file => self.symbol_file(path, bytes, number),
            // What a cut banner says of a heap may be cut as well; `end_of_file` tells.
            Line::Banner(banner) if !banner.closed && !line.ended => self.sink.piece.lines.structure += 1,
            shape if is_noise && !matches!(shape, Line::Symbols { .. }) => self.verbatim("console", bytes, number),
            shape => self.line_of_log(&shape, bytes, start),
        }
    }

    fn line_of_log(&mut self, shape: &Line<'_>, bytes: &[u8], start: usize) {
        let number = self.line_number();
        match *shape {
            Line::Blank => self.sink.piece.lines.blank += 1,
            Line::Legend => self.sink.piece.lines.structure += 1,
            Line::Banner(banner) if banner.kind.is_of_heap() => self.banner(&banner, bytes, start),
            // A heading that names no heap, and is none: every heap has banners of its own.
            Line::Banner(Banner { kind: BannerKind::Other, .. }) => {
                self.sink.piece.lines.structure += 1;
                self.keep("banner", bytes, number);
            }
            Line::Banner(_) => self.verbatim("console", bytes, number),
            Line::Header(_) => header::take(bytes, number, start as u64, self.sink),
            Line::Module { base, size, path } => self.module(base, size, path),
            Line::Block { requested_bytes, overhead_bytes, address, trace_id } => {
                self.careful_block(bytes, start, (requested_bytes, overhead_bytes, address), trace_id);
            }
            Line::RawFrame(frame) | Line::ResolvedFrame(frame) if !starts_a_record(bytes) => {
                self.frame(frame, bytes, start);
            }
            Line::Symbols { module, symbols } => self.symbols(module, symbols, bytes, number),
            Line::Alias => self.alias(bytes, start),
            Line::NoStack => self.sink.piece.lines.structure += 1,
            Line::Comment(_) => self.verbatim("comment", bytes, number),
            Line::Hog { .. } => self.sink.unreadable(number, start as u64, bytes),
            Line::Other(_) | Line::RawFrame(_) | Line::ResolvedFrame(_) => self.other(bytes, start),
        }
    }

    /// True for a line that may be in the middle of a stack.
    fn goes_on(&self, shape: &Line<'_>, line: &[u8]) -> bool {
        let may = match shape {
            Line::RawFrame(_) | Line::ResolvedFrame(_) | Line::Alias | Line::Symbols { .. } | Line::Comment(_) => true,
            Line::Banner(banner) => !banner.kind.is_of_heap(),
            Line::Other(body) => console::is_decoration(body),
            _ => false,
        };
        may && !starts_a_record(line)
    }

    /// A line without a shape of this format: of the window that it was copied from, or spoilt, or of another format.
    fn other(&mut self, bytes: &[u8], start: usize) {
        let line = self.line_number();
        if let Some(ModuleRow { base, size, path }) = ModuleRow::parse_bare(trim(bytes)) {
            return self.module(base, size, path);
        }
        let prose = self.outside && !console::is_like_data(bytes);
        if prose || (console::is_decoration(bytes) && !starts_a_record(bytes)) {
            return self.verbatim("console", bytes, line);
        }
        if comparison::line::decides(bytes) {
            self.sink.comparison_row(line, start as u64, bytes);
        }
        self.sink.unreadable(line, start as u64, bytes);
        // The numbers cannot be read, but whose frames follow can.
        if let Some(id) = console::id_of_spoilt(bytes) {
            self.begin(id, line);
        }
    }

    /// Opens the stack of an id; `BackTrace0` has none.
    fn begin(&mut self, id: &[u8], line: u64) -> Option<TraceSlot> {
        let trace = self.sink.trace(id, line);
        let owner = trace.map_or(Owner::Nobody, Owner::Trace);
        self.open = Some(Open { owner, line, alias: false, spaced: false });
        trace
    }

    fn banner(&mut self, banner: &Banner<'_>, bytes: &[u8], start: usize) {
        let line = self.line_number();
        let byte = self.sink.piece.byte + start as u64;
        self.sink.piece.lines.structure += 1;
        let event = match banner.kind {
            BannerKind::Start(_) | BannerKind::Spoilt(Edge::Start) => HeapEvent::Start,
            BannerKind::End(_) | BannerKind::Spoilt(Edge::End) => HeapEvent::End,
            _ => HeapEvent::Open,
        };
        if let BannerKind::Spoilt(_) = banner.kind {
            self.heap_in_doubt(bytes, start);
        }
        match banner.kind {
            BannerKind::End(heap) => drop(self.sink.enter_heap(Some(heap))),
            BannerKind::Spoilt(Edge::End) => self.sink.enter_doubtful_heap(byte),
            _ => self.enter(banner, byte),
        }
        self.sink.heap_event(line, event);
        self.enter(banner, byte);
    }

    fn heap_in_doubt(&mut self, bytes: &[u8], start: usize) {
        let (line, text) = (Some(self.line_number() - 1), self.sink.text(bytes));
        self.sink.issue(Issue {
            severity: Severity::Warning,
            kind: "heap_in_doubt",
            line,
            byte: Some(start as u64),
            text,
            action: "the rows below it count for the heap that its other heading names; where there is none, their heap is null",
        });
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
            self.begin(id, line);
            return;
        };
        if self.unnamed_heap {
            self.sink.enter_heap(None);
            self.unnamed_heap = false;
            self.sink.heap_event(line, HeapEvent::Open);
        }
        let trace = self.begin(id, line);
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
                self.open = Some(Open { owner, line, alias: true, spaced: open.spaced });
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
    pub(super) fn end_of_file(&mut self, inside_stack: bool) {
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
            Line::Other(body) if is_bare_frame(body) => cut::DATA,
            _ if cut::is_heading(&text[start..]) => cut::HEADING,
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
