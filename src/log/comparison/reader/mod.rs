//! Folds the lines of a comparison, whose radix is known, into rows, stacks and issues.

mod rows;

use std::collections::HashSet;

use crate::log::{
    comparison::{
        Comparison, Style,
        line::{Name, Record, frame, is_suspect, is_total, spoilt},
        sums::Sums,
    },
    console, cut,
    fields::{is_bare_frame, is_blank, parse_frame, trim},
    header,
    line::{Line, classify},
    lines::{Line as RawLine, Place},
    module_row::ModuleRow,
    sink::{Issue, Module, SectionLine, Severity, Sink, TraceSlot},
    symbol_noise::SymbolNoise,
};

/// What count lines and frames belong to.
#[derive(Debug, Clone, Copy)]
struct Open<'a> {
    /// Absent where it cannot be read.
    name: Option<Name<'a>>,
    place: Place<'a>,
    /// The line could not be read as a row: its stack is kept for its id.
    spoilt: bool,
}

/// State between two lines.
pub(super) struct Reader<'s, 'a> {
    sink: &'s mut Sink,
    /// Either will do where no number needs one.
    radix: u32,
    place: Place<'a>,
    open: Option<Open<'a>>,
    /// Sum of the rows since the last total.
    sum: i128,
    sums: Sums<'a>,
    /// A difference past 63 bits was met, and said so.
    overflow: bool,
    /// Rows of a stack that has another row, with other amounts: two comparisons, if no total parts them.
    repeated: Vec<Place<'a>>,
    suspects: HashSet<&'a [u8]>,
    /// A row without brackets was met, and said so.
    inferred: bool,
    totals: u32,
    /// Between the first row and the total: prose has no place here.
    inside: bool,
    /// The line above is the debugger's: the path of a symbol file may follow it.
    console: bool,
    noise: SymbolNoise,
    comparison: Comparison,
}

impl<'s, 'a> Reader<'s, 'a> {
    pub(super) fn new(style: Style, radix: Option<u32>, sink: &'s mut Sink) -> Self {
        Self {
            sink,
            radix: radix.unwrap_or(16),
            place: Place { line: 0, byte: 0, text: b"" },
            open: None,
            sum: 0,
            sums: Sums::default(),
            overflow: false,
            repeated: Vec::new(),
            suspects: HashSet::new(),
            inferred: false,
            totals: 0,
            inside: false,
            console: false,
            noise: SymbolNoise::default(),
            comparison: Comparison {
                rows: Vec::new(),
                radix,
                style,
                total_requested_delta: None,
                total_overhead_delta: None,
            },
        }
    }

    /// Takes the next line, and counts it.
    pub(super) fn line(&mut self, line: &RawLine<'a>) {
        let (bytes, ended) = (line.bytes, line.ended);
        self.place = Place { line: self.sink.piece.lines.total(), byte: line.start as u64, text: bytes };
        let record = Record::parse(bytes);
        let frame = frame(bytes).or_else(|| self.frame_of_stack(bytes));
        // A cut total shows in its own sums.
        if !ended && (matches!(record, Some(Record::Bytes { .. } | Record::Count { .. })) || frame.is_some()) {
            let text = self.sink.text(bytes);
            self.issue(Severity::Warning, "cut_line", text, cut::WORDS);
        }
        let was_console = std::mem::take(&mut self.console);
        let is_noise = record.is_none() && !trim(bytes).is_empty() && self.noise.takes(bytes);
        match record {
            Some(Record::Bytes { change, count, name }) => self.bytes(&change, count, name),
            Some(Record::Count { change, name }) => self.count(&change, name),
            Some(Record::Total(total)) => self.total(&total),
            None if trim(bytes).is_empty() => self.sink.piece.lines.blank += 1,
            None if is_noise => {
                self.console = true;
                self.console();
            }
            None => match (classify(bytes), frame) {
                (Line::Comment(_), _) => self.comment(),
                (Line::Header(_), _) => header::take(bytes, self.place.line, self.place.byte, self.sink),
                (Line::Module { base, size, path }, _) => self.module(base, size, path),
                (_, Some(frame)) if spoilt(bytes).is_none() => self.frame(frame, ended),
                _ if was_console && is_blank(bytes[0]) => self.console(),
                (shape, _) => self.other(&shape),
            },
        }
    }

    /// A frame that has lost its margin, in a stack: an address, or a module with an offset.
    fn frame_of_stack(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let body = trim(line);
        let plain = || {
            !body.iter().any(|byte| is_blank(*byte)) && parse_frame(body).is_some_and(|frame| frame.offset.is_some())
        };
        (self.open.is_some() && (is_bare_frame(body) || plain())).then_some(body)
    }

    /// A line without a shape of this format: of the window that it was copied from, or spoilt, or of another format.
    fn other(&mut self, shape: &Line<'_>) {
        let text = self.place.text;
        if let Some(id) = spoilt(text) {
            return self.spoilt_row(id.map(Name::Trace));
        }
        if is_total(text) {
            self.close();
            (self.totals, self.inside) = (self.totals + 1, false);
            return self.unreadable();
        }
        if let Some(ModuleRow { base, size, path }) = ModuleRow::parse_bare(trim(text)) {
            return self.module(base, size, path);
        }
        let of_snapshot = matches!(shape, Line::Block { .. } | Line::Hog { .. } | Line::RawFrame(_))
            || matches!(shape, Line::Banner(banner) if banner.kind.is_of_heap());
        let prose = !self.inside && !console::is_like_data(text) && frame(text).is_none();
        let decoration = console::is_decoration(text) || matches!(shape, Line::Banner(_));
        if !of_snapshot && (prose || decoration) {
            return self.console();
        }
        if of_snapshot {
            self.close();
        }
        self.unreadable();
    }

    /// A row, or its count line, whose numbers cannot be read: the frames below it are those of no other row.
    fn spoilt_row(&mut self, name: Option<Name<'a>>) {
        self.inside = true;
        let goes_on = name.is_some() && self.open.is_some_and(|open| open.name == name);
        let counted = || memchr::memmem::find(self.place.text, b"allocations").is_some();
        if !(goes_on && counted()) {
            self.close();
            self.open = Some(Open { name, place: self.place, spoilt: true });
        }
        self.unreadable();
    }

    fn frame(&mut self, frame: &'a [u8], ended: bool) {
        match self.open.and_then(|open| open.name) {
            Some(Name::Trace(_)) => self.sink.frame(frame),
            // The name of a call site is its frame; `-v` prints it once more.
            Some(Name::Site(site)) if site == frame => {}
            _ => {
                self.sink.piece.lines.issues += 1;
                let text = self.sink.text(self.place.text);
                return self.issue(Severity::Error, "frame_without_record", text, "the frame is in no stack");
            }
        }
        self.sink.piece.lines.rows += 1;
        self.suspect(frame);
        if !ended {
            self.close();
            if let Some(last) = self.sink.piece.definitions.last_mut() {
                last.cut = true;
            }
        }
    }

    fn suspect(&mut self, frame: &'a [u8]) {
        if is_suspect(frame) && self.suspects.insert(frame) {
            let text = self.sink.text(frame);
            let action = "kept as printed; the name comes from export symbols and is probably that of another function";
            self.issue(Severity::Info, "suspect_symbol", text, action);
        }
    }

    /// Ends the last row: its frames become a definition.
    fn close(&mut self) {
        let Some(Open { name, place, spoilt }) = self.open.take() else { return };
        if let Some(Name::Trace(id)) = name
            && self.sink.open_frames() > 0
        {
            let slot = self.sink.trace_slot(id, place.line);
            let definition = self.define(slot, place.line);
            if let Some(row) = self.comparison.rows.last_mut().filter(|_| !spoilt) {
                (row.trace, row.definition) = (Some(slot), Some(definition));
            }
        }
        let counted = self.comparison.rows.last().is_some_and(|row| row.count_before.is_some());
        if self.comparison.style == Style::Umdh && !counted && !spoilt {
            let text = self.sink.text(place.text);
            let action = "the counts that only the count line gives are null";
            let here = std::mem::replace(&mut self.place, place);
            self.issue(Severity::Warning, "count_line_missing", text, action);
            self.place = here;
        }
    }

    /// Ends a stack; gives its number.
    fn define(&mut self, slot: TraceSlot, line: u64) -> u32 {
        let index = self.sink.piece.definitions.len() as u32;
        self.sink.define(slot, line, false, false);
        index
    }

    fn comment(&mut self) {
        self.sink.piece.lines.preamble += 1;
        let text = self.sink.text(self.place.text);
        let section = "preamble".to_owned();
        let line = self.place.line;
        self.sink.piece.sections.push(SectionLine { section, line, kind: "comment", text, tokens: None });
    }

    fn module(&mut self, base: u64, size: u64, path: &[u8]) {
        self.sink.piece.lines.rows += 1;
        let path = self.sink.text(path);
        self.sink.piece.modules.push(Module { base: Some(base), size: Some(size), path, inferred: false });
    }

    fn console(&mut self) {
        self.sink.piece.lines.issues += 1;
        let text = self.sink.text(self.place.text);
        self.issue(Severity::Info, "console_text", text, "left out: it is no line of the comparison");
    }

    fn unreadable(&mut self) {
        self.sink.unreadable(self.place.line, self.place.byte, self.place.text);
    }

    fn issue(&mut self, severity: Severity, kind: &'static str, text: String, action: &'static str) {
        let Place { line, byte, .. } = self.place;
        self.sink.issue(Issue { severity, kind, line: Some(line), byte: Some(byte), text, action });
    }

    fn repeated_row(&mut self, action: &'static str) {
        let text = self.sink.text(self.place.text);
        self.issue(Severity::Warning, "repeated_row", text, action);
    }

    /// What only all rows together show.
    fn say_of_all(&mut self) {
        if self.totals == 0 {
            for place in std::mem::take(&mut self.repeated) {
                self.place = place;
                self.repeated_row(
                    "it is a row of its own and counts in every sum; another comparison may begin above it",
                );
            }
        }
        if let Some(text) = self.sums.overflows().filter(|_| !self.overflow) {
            let action =
                "every row is exact; sums of several that are too large for 63 bits (changes) or 64 bits are null";
            let (severity, kind) = (Severity::Error, "sum_overflow");
            self.sink.issue(Issue { severity, kind, line: None, byte: None, text, action });
        }
    }

    /// Ends the last row; gives what was read.
    pub(super) fn finish(mut self) -> Comparison {
        self.close();
        self.say_of_all();
        if self.totals == 0 && !self.comparison.rows.is_empty() {
            let text = format!("the rows add up to {:+} bytes", self.sum);
            let action = "their sum could not be checked: the comparison has no total";
            let (severity, kind) = (Severity::Info, "total_missing");
            self.sink.issue(Issue { severity, kind, line: None, byte: None, text, action });
        }
        // A missing count line is only known once the row has ended.
        self.sink.piece.issues.sort_by_key(|issue| (issue.line.is_none(), issue.line, issue.byte));
        self.comparison
    }
}
