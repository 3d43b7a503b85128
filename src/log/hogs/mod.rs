//! UMDH 1 and DH logs: sums per stack and heap, with resolved frames, and whatever else DH was asked for.
//!
//! ```text
//! *********** Heap 00270000 Information ********************
//!     Flags: 58000062
//!     Creator:  (Backtrace00007)
//!         ntdll!RtlDebugCreateHeap+0x00000196
//! *********** Heap 00270000 Hogs ********************
//! 000001A0 bytes in 0x4 allocations (@ 0x00000068) by: BackTrace00031
//!         ntdll!RtlDebugAllocateHeap+0x000000FB
//! ```
//!
//! Invariant: the tables depend on the text alone, not on where it was cut into blocks: what the meaning of a line depends
//! on (section, heap, open stack) is in the [`Reader`], and what a later line decides waits there.

mod heaps;
mod information;
mod other;
mod records;

use std::collections::HashSet;

use crate::log::{
    comparison, console, cut,
    fields::{next_token, parse_field, parse_hex, trim},
    header,
    line::{Line, classify},
    lines::{Place, lines, starts_a_record},
    open_stack::OpenStack,
    sections::{self, Meaning, Subject},
    sink::{Issue, Module, SectionLine, Severity, Sink, SymbolNote},
    symbol_noise::SymbolNoise,
    typography::restored,
};

/// Reads a log from its first block to its last, in file order.
#[derive(Debug)]
pub struct Reader {
    /// Words of the last banner; `preamble` before the first.
    section: String,
    layout: Layout,
    heap: Heap,
    /// The heap of the rows above a heading that names none: where it was no heading at all, it is that of the rows below.
    heap_above: Option<u64>,
    /// Heaps of this capture whose hogs have begun.
    with_hogs: HashSet<u64>,
    /// Behind a prompt, until a record or a heading comes: what a console says is no spoilt line of the log.
    at_prompt: bool,
    /// A block line of UMDH 2 was met, and said so.
    foreign: bool,
    stack: OpenStack,
    /// A `DBGHELP:` line whose path may be on the next line.
    symbols: Option<SymbolNote>,
    noise: SymbolNoise,
    /// Lines of the blocks before this one.
    piece_start: u64,
}

/// What is known of the section's layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Before the first section: console text.
    Preamble,
    /// `KEY: VALUE`, and the creator's stack.
    Information,
    /// Records and their stacks.
    Hogs,
    /// Nothing.
    Other(Subject),
}

/// The heap that rows belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heap {
    /// A banner names it.
    Named(u64),
    /// No banner names one; `announced` once a row made it a heap of its own.
    Unnamed { announced: bool },
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader at the start of a file.
    pub fn new() -> Self {
        Self {
            section: PREAMBLE.to_owned(),
            layout: Layout::Preamble,
            heap: Heap::Unnamed { announced: false },
            heap_above: None,
            with_hogs: HashSet::new(),
            at_prompt: false,
            foreign: false,
            stack: OpenStack::default(),
            symbols: None,
            noise: SymbolNoise::default(),
            piece_start: 0,
        }
    }

    /// Reads the next block of whole lines into the sink's piece; `last` says that the file ends with it.
    pub fn read(&mut self, text: &[u8], last: bool, sink: &mut Sink) {
        let (text, pasted) = restored(text);
        for line in lines(&text) {
            if pasted == Some(line.start) {
                sink.piece.pasted = Some((sink.piece.lines.total(), line.start as u64));
            }
            let place = Place { line: sink.piece.lines.total(), byte: line.start as u64, text: line.bytes };
            let rows = sink.piece.lines.rows;
            if !line.ended && cut::is_heading(line.bytes) {
                sink.piece.lines.structure += 1;
                issue(sink, Severity::Warning, "cut_line", place, cut::HEADING);
                continue;
            }
            self.line(place, sink);
            if !line.ended && sink.piece.lines.rows > rows {
                issue(sink, Severity::Warning, "cut_line", place, cut::DATA);
            }
        }
        let now = sink.piece.lines.total();
        if last {
            let cut = self.stack.is_unsettled();
            self.close(now, sink);
            if let Some(definition) = sink.piece.definitions.last_mut().filter(|_| cut) {
                definition.cut = true;
            }
        }
        self.piece_start += now;
    }

    /// Ends what a line that does not go on with it ends.
    fn close(&mut self, now: u64, sink: &mut Sink) {
        self.stack.close(now, self.piece_start, sink);
        self.end_symbols(sink);
    }

    fn end_symbols(&mut self, sink: &mut Sink) {
        sink.piece.symbols.extend(self.symbols.take());
    }

    fn line(&mut self, place: Place<'_>, sink: &mut Sink) {
        let shape = classify(place.text);
        if let (Line::Other(path), true) = (&shape, self.symbols.is_some())
            && !place.text.starts_with(path)
            && !console::is_like_data(path)
        {
            self.symbol_file(path, place, sink);
            return;
        }
        self.end_symbols(sink);
        let is_noise = shape != Line::Blank && self.noise.takes(place.text);
        match shape {
            Line::Blank => self.blank(sink),
            Line::Header(_) => {
                self.leave(place, sink);
                header::take(place.text, place.line, place.byte, sink);
            }
            Line::Banner(banner) => self.banner(&banner, place, sink),
            Line::Comment(_) => self.keep("comment", place, sink),
            Line::Symbols { module, symbols } => {
                let note = SymbolNote { module: sink.text(module), symbols: sink.text(symbols), file: None };
                self.symbols = Some(note);
                self.keep("symbols", place, sink);
            }
            _ if is_noise => self.keep("console", place, sink),
            Line::Other(body) if comparison::line::decides(body) => {
                sink.comparison_row(place.line, place.byte, place.text);
                self.unreadable(body, place, sink);
            }
            Line::Other(body) if self.is_decoration(body) => {
                self.at_prompt |= console::is_prompt(body);
                self.keep("console", place, sink);
            }
            shape => match self.layout {
                Layout::Other(subject) => self.other(&shape, subject, place, sink),
                _ => self.known(&shape, place, sink),
            },
        }
    }

    /// Copies with doubled line ends have blank lines everywhere, so a blank line ends a stack only where the layout is not
    /// known, and what follows may be another thing.
    fn blank(&mut self, sink: &mut Sink) {
        match self.layout {
            Layout::Other(_) => self.close(sink.piece.lines.total(), sink),
            _ => self.stack.settle(),
        }
        sink.piece.lines.blank += 1;
    }

    /// A section without a known layout keeps all of its lines in its own words.
    fn is_decoration(&self, body: &[u8]) -> bool {
        let known = !matches!(self.layout, Layout::Other(_)) || console::is_prompt(body);
        known && console::is_decoration(body) && !starts_a_record(body)
    }

    /// Another capture begins here.
    fn leave(&mut self, place: Place<'_>, sink: &mut Sink) {
        self.close(place.line, sink);
        PREAMBLE.clone_into(&mut self.section);
        self.layout = Layout::Preamble;
        self.heap = Heap::Unnamed { announced: false };
        self.heap_above = None;
        self.with_hogs.clear();
        self.at_prompt = false;
    }

    /// A line of the preamble, of a heap's information or of hogs.
    fn known(&mut self, shape: &Line<'_>, place: Place<'_>, sink: &mut Sink) {
        let body = trim(place.text);
        let is_field =
            self.layout == Layout::Information && parse_field(body).is_some_and(|(key, _)| information::is_known(key));
        if self.record(shape, place, sink) || (is_field && self.field(body, place, sink)) {
            return;
        }
        if sections::is_failure(body) {
            self.failure(place, sink);
            return;
        }
        if let Some(frame) = self.frame_text(shape, place.text) {
            self.frame(frame, place, sink);
            return;
        }
        match (shape, self.layout) {
            (Line::Legend, _) => sink.piece.lines.structure += 1,
            (Line::Alias, _) if self.stack.slot().is_some() => self.alias(place, sink),
            (_, Layout::Information) if self.field(body, place, sink) => {}
            (_, Layout::Preamble) => self.console(body, place, sink),
            _ => self.unreadable(body, place, sink),
        }
    }

    fn module(&mut self, base: u64, size: Option<u64>, path: &[u8], inferred: bool, sink: &mut Sink) {
        sink.piece.lines.rows += 1;
        let path = sink.text(path);
        sink.piece.modules.push(Module { base: Some(base), size, path, inferred });
    }

    fn console(&mut self, body: &[u8], place: Place<'_>, sink: &mut Sink) {
        if let Some(Meaning::Module { base, size, path }) = sections::bare_module(body) {
            self.module(base, size, path, true, sink);
            self.verbatim("module", Some(sections::row(body, Subject::default(), None).tokens), place, sink);
        } else if console::is_like_data(body) {
            self.unreadable(body, place, sink);
        } else {
            self.keep("console", place, sink);
        }
    }

    /// A console message does not end the stack it broke into; a spoilt record does, or its frames would go to another.
    /// The frames of one whose id can be read go to that id.
    fn unreadable(&mut self, body: &[u8], place: Place<'_>, sink: &mut Sink) {
        if self.at_prompt && !console::is_like_data(body) {
            return self.keep("console", place, sink);
        }
        if let Some(id) = console::id_of_spoilt(body) {
            self.begin(id, place, sink);
        } else if records::is_like_a_record(body) || starts_with_number(body) {
            self.close(place.line, sink);
        }
        sink.unreadable(place.line, place.byte, place.text);
    }

    fn failure(&mut self, place: Place<'_>, sink: &mut Sink) {
        issue(sink, Severity::Error, "failure_text", place, FAILURE_ACTION);
        if self.layout == Layout::Preamble {
            self.keep("console", place, sink);
        } else {
            sink.piece.lines.issues += 1;
        }
    }

    fn symbol_file(&mut self, path: &[u8], place: Place<'_>, sink: &mut Sink) {
        let path = sink.text(path);
        if let Some(note) = &mut self.symbols {
            note.file = Some(path);
        }
        self.end_symbols(sink);
        self.keep("symbols", place, sink);
    }

    /// Keeps a line word for word, and counts it.
    fn keep(&self, kind: &'static str, place: Place<'_>, sink: &mut Sink) {
        sink.piece.lines.preamble += 1;
        self.verbatim(kind, None, place, sink);
    }

    /// Keeps a line word for word.
    fn verbatim(&self, kind: &'static str, tokens: Option<String>, place: Place<'_>, sink: &mut Sink) {
        let text = sink.text(place.text);
        let section = self.section.clone();
        sink.piece.sections.push(SectionLine { section, line: place.line, kind, text, tokens });
    }
}

const PREAMBLE: &str = "preamble";

const REPEATED_ACTION: &str = "all of it counts; the file may hold the heap, or the whole log, more than once";

const FAILURE_ACTION: &str = "kept as text; the tool failed here, so something may be missing from the log";

fn issue(sink: &mut Sink, severity: Severity, kind: &'static str, place: Place<'_>, action: &'static str) {
    let text = sink.text(place.text);
    sink.issue(Issue { severity, kind, line: Some(place.line), byte: Some(place.byte), text, action });
}

fn starts_with_number(body: &[u8]) -> bool {
    let first = next_token(body).0;
    first.iter().any(u8::is_ascii_digit) && parse_hex(first).is_some()
}
