//! Records, whose layout is the same in every section, and the frames that follow them.
//!
//! ```text
//! 000001A0 bytes in 0x4 allocations (@ 0x00000068) by: BackTrace00031
//!         ntdll!RtlDebugAllocateHeap+0x000000FB
//!         MyApp+0x0000A1B2
//!         77F9D123
//! ```
//!
//! Invariant: the first number of a hog is the sum of its bytes, whatever the others say; it counts for the stack that it prints.

use crate::log::{
    fields::{is_bare_frame, is_blank, next_token, parse_0x, parse_frame, parse_hex},
    hogs::{Layout, Place, Reader, issue},
    line::Line,
    open_stack::Owner,
    sink::{Allocation, Severity, Sink},
};

impl Reader {
    /// Takes a line of a layout that is the same in every section; false if it is none.
    pub(super) fn record(&mut self, shape: &Line<'_>, place: Place<'_>, sink: &mut Sink) -> bool {
        match *shape {
            Line::Hog { requested_bytes, allocation_count, each, trace_id } => {
                let sum = (requested_bytes, allocation_count);
                self.hog(sum, each, trace_id, place, sink);
            }
            Line::Block { requested_bytes, overhead_bytes, address, trace_id } => {
                self.block((requested_bytes, overhead_bytes, address), trace_id, place, sink);
            }
            Line::Module { base, size, path } => {
                self.close(place.line, sink);
                self.module(base, Some(size), path, false, sink);
            }
            Line::NoStack => {
                self.close(place.line, sink);
                sink.piece.lines.structure += 1;
            }
            _ => return false,
        }
        true
    }

    fn hog(&mut self, sum: (u64, u64), each: Option<&[u8]>, id: &[u8], place: Place<'_>, sink: &mut Sink) {
        let (requested_bytes, count) = sum;
        let Ok(allocation_count) = u32::try_from(count) else {
            self.begin(id, place, sink);
            sink.unreadable(place.line, place.byte, place.text);
            return;
        };
        if let Some(each) = each {
            let each = parse_0x(each).or_else(|| parse_hex(each));
            if each.and_then(|each| each.value.checked_mul(count)) != Some(requested_bytes) {
                let action = "the first number is taken as the sum, the others are not used";
                issue(sink, Severity::Warning, "hog_sum_mismatch", place, action);
            }
        }
        let row = Allocation {
            address: None,
            requested_bytes,
            overhead_bytes: None,
            allocation_count,
            trace: None,
            inferred: false,
        };
        self.allocation(row, id, place, sink);
    }

    fn block(&mut self, numbers: (u64, u64, u64), id: &[u8], place: Place<'_>, sink: &mut Sink) {
        let (requested_bytes, overhead_bytes, address) = numbers;
        if !std::mem::replace(&mut self.foreign, true) {
            let action =
                "read, but the overhead of lines such as this one is in no sum: the others are of UMDH 1 or DH";
            issue(sink, Severity::Error, "other_format", place, action);
        }
        let Ok(overhead_bytes) = u32::try_from(overhead_bytes) else {
            self.begin(id, place, sink);
            sink.unreadable(place.line, place.byte, place.text);
            return;
        };
        let row = Allocation {
            address: Some(address),
            requested_bytes,
            overhead_bytes: Some(overhead_bytes),
            allocation_count: 1,
            trace: None,
            inferred: false,
        };
        self.allocation(row, id, place, sink);
    }

    /// Takes a record, and opens the stack of its id.
    fn allocation(&mut self, row: Allocation, id: &[u8], place: Place<'_>, sink: &mut Sink) {
        // Records without any banner are hogs all the same.
        if self.layout == Layout::Preamble {
            self.layout = Layout::Hogs;
        }
        self.at_prompt = false;
        self.close(place.line, sink);
        self.settle_heap(place, sink);
        self.enter_heap(place, sink);
        self.begin(id, place, sink);
        let row = Allocation { trace: self.stack.slot(), ..row };
        if !self.stack.take_row(row) {
            sink.allocation(row);
        }
        sink.piece.lines.rows += 1;
    }

    /// Opens the stack of an id; `BackTrace0` says that none was recorded.
    pub(super) fn begin(&mut self, id: &[u8], place: Place<'_>, sink: &mut Sink) {
        self.close(place.line, sink);
        if let Some(slot) = sink.trace(id, place.line) {
            self.stack.open(Owner::Slot(slot), self.piece_start + place.line, false);
        }
    }

    pub(super) fn alias(&mut self, place: Place<'_>, sink: &mut Sink) {
        let Some(slot) = self.stack.slot() else { return };
        self.close(place.line, sink);
        self.stack.open(Owner::Slot(slot), self.piece_start + place.line, true);
        sink.piece.lines.structure += 1;
    }

    /// The frame on a line, if it is one here: the same words can be a console message where no stack is open.
    pub(super) fn frame_text<'a>(&self, shape: &Line<'a>, line: &[u8]) -> Option<&'a [u8]> {
        let open = self.stack.is_open();
        let frame = match *shape {
            Line::RawFrame(frame) => return (open || self.layout != Layout::Preamble).then_some(frame),
            Line::ResolvedFrame(frame) | Line::Other(frame) => frame,
            _ => return None,
        };
        if parse_frame(frame).is_some_and(|frame| frame.offset.is_some()) {
            // Pasted text loses its margin, so inside a stack a frame may start its line.
            let indented = matches!(shape, Line::ResolvedFrame(_)) && self.layout != Layout::Preamble;
            return (open || indented).then_some(frame);
        }
        (open && !is_like_a_record(frame) && is_unresolved(frame, line)).then_some(frame)
    }

    pub(super) fn frame(&mut self, frame: &[u8], place: Place<'_>, sink: &mut Sink) {
        if self.stack.is_open() {
            self.stack.push(frame);
            sink.piece.lines.rows += 1;
        } else {
            sink.piece.lines.issues += 1;
            issue(sink, Severity::Error, "frame_without_record", place, "the frame is in no stack");
        }
    }
}

/// True for the words of a banner such as `Memory Hogs`.
pub(super) fn names_hogs(words: &[u8]) -> bool {
    memchr::memmem::find(&words.to_ascii_lowercase(), b"hogs").is_some()
}

/// A record that was spoilt: the frames below it are not those of the record above it.
pub(super) fn is_like_a_record(body: &[u8]) -> bool {
    let lower = body.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&lower, word).is_some();
    has(b"backtrace") || has(b" bytes ") || has(b" allocation")
}

/// A frame without an offset inside a stack: `MyApp!main`, an address alone, or, indented, with more behind it. What tools
/// write where symbols are missing is not documented, so such a frame keeps its text.
fn is_unresolved(frame: &[u8], line: &[u8]) -> bool {
    let indented = line.first().is_some_and(|first| is_blank(*first));
    let (first, rest) = next_token(frame);
    let wide = parse_0x(first).is_some() || (first.len() >= 8 && parse_hex(first).is_some()) || is_bare_frame(first);
    // `00000898 byt`: the start of a record, where the file ends in it.
    let of_record = b"bytes".starts_with(next_token(rest).0);
    let wide = wide && (rest.is_empty() || !of_record);
    let named = memchr::memchr(b'!', first).is_some_and(|at| at > 0) && !first.contains(&b'(');
    (wide && (indented || rest.is_empty())) || (named && indented)
}
