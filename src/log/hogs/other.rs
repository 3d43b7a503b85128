//! Sections without a public layout: what [`sections`] makes of their lines goes to the tables.
//!
//! Invariant: every line but a blank one is kept word for word, whatever else it gave.

use crate::log::{
    console,
    fields::{parse_frame, trim},
    hogs::{FAILURE_ACTION, Place, Reader, issue},
    line::Line,
    open_stack::Owner,
    sections::{self, Meaning, Subject},
    sink::{Allocation, Severity, Sink},
};

impl Reader {
    /// A line of a section without a public layout: word for word, and what its tokens leave no choice about.
    pub(super) fn other(&mut self, shape: &Line<'_>, subject: Subject, place: Place<'_>, sink: &mut Sink) {
        let body = trim(place.text);
        let row = sections::row(body, subject, self.named_heap());
        if self.record(shape, place, sink) {
            let kind = match shape {
                Line::NoStack => "text",
                Line::Module { .. } => "module",
                _ => "heap_entry",
            };
            self.verbatim(kind, Some(row.tokens), place, sink);
            return;
        }
        if let Some(frame) = frame_of(shape).filter(|_| self.stack.is_open() && !sections::is_failure(body)) {
            self.frame(frame, place, sink);
            self.verbatim("frame", Some(row.tokens), place, sink);
            return;
        }
        self.close(place.line, sink);
        if let Some(id) = console::id_of_spoilt(body) {
            sink.unreadable(place.line, place.byte, place.text);
            self.begin(id, place, sink);
            self.verbatim(row.kind, Some(row.tokens), place, sink);
            return;
        }
        let counted = match row.meaning {
            Meaning::Module { base, size, path } => {
                self.module(base, size, path, true, sink);
                true
            }
            Meaning::Entry { address, size } => {
                self.entry(address, size, row.trace, place, sink);
                true
            }
            Meaning::Field { key, value } => self.field_of_heap(key, value, place, sink),
            Meaning::Text => false,
        };
        if !counted && subject.is_spoilt_entry(&row, body) {
            sink.unreadable(place.line, place.byte, place.text);
        } else if !counted {
            sink.piece.lines.preamble += 1;
        }
        if matches!(row.meaning, Meaning::Field { .. } | Meaning::Text) && sections::is_failure(body) {
            issue(sink, Severity::Error, "failure_text", place, FAILURE_ACTION);
        }
        if let (Some(id), false) = (row.trace, self.stack.is_open()) {
            self.stack.open(Owner::Inferred(id.into()), self.piece_start + place.line, false);
        }
        self.verbatim(row.kind, Some(row.tokens), place, sink);
    }

    fn entry(&mut self, address: u64, size: u64, trace: Option<&[u8]>, place: Place<'_>, sink: &mut Sink) {
        self.enter_heap(place, sink);
        let trace = trace.and_then(|id| sink.trace(id, place.line));
        let row = Allocation {
            address: Some(address),
            requested_bytes: size,
            overhead_bytes: None,
            allocation_count: 1,
            trace,
            inferred: true,
        };
        sink.allocation(row);
        sink.piece.lines.rows += 1;
    }
}

/// A frame beyond doubt: resolved, or alone on an indented line and as wide as an address.
fn frame_of<'a>(shape: &Line<'a>) -> Option<&'a [u8]> {
    match *shape {
        Line::RawFrame(frame) => (frame.len() >= 8).then_some(frame),
        Line::ResolvedFrame(frame) | Line::Other(frame) => {
            parse_frame(frame).filter(|frame| frame.offset.is_some()).map(|_| frame)
        }
        _ => None,
    }
}
