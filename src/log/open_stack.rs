//! A stack whose last frame has not been seen yet: its frames wait here, because the block of text may end before it does.
//!
//! Invariant: frames reach the sink only together with their definition, so both stand in the same piece.

use crate::log::sink::{Sink, TraceSlot};

/// Whose frames they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A record or creator line named the id.
    Slot(TraceSlot),
    /// A row that was read by tokens names the id; it counts as mentioned only once frames follow.
    Inferred(Box<[u8]>),
}

/// The line that opened a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    owner: Owner,
    /// Lines before it in the file.
    line: u64,
    /// The frames stand behind `Alias`.
    alias: bool,
}

/// The stack that further frames belong to, if any.
#[derive(Debug, Default)]
pub struct OpenStack {
    record: Option<Record>,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// A blank line came after the frames: if the file ends now, nothing is missing.
    settled: bool,
}

impl OpenStack {
    /// Starts a stack; the one before it has been closed.
    pub fn open(&mut self, owner: Owner, line: u64, alias: bool) {
        self.record = Some(Record { owner, line, alias });
        self.text.clear();
        self.ends.clear();
        self.settled = false;
    }

    /// True if a frame has a stack to go to.
    pub fn is_open(&self) -> bool {
        self.record.is_some()
    }

    /// True if the file may end inside the stack when it ends now.
    pub fn is_unsettled(&self) -> bool {
        self.is_open() && !self.settled && !self.ends.is_empty()
    }

    /// The slot of a stack that was opened by a record line.
    pub fn slot(&self) -> Option<TraceSlot> {
        match self.record.as_ref()?.owner {
            Owner::Slot(slot) => Some(slot),
            Owner::Inferred(_) => None,
        }
    }

    /// Notes a blank line.
    pub fn settle(&mut self) {
        self.settled = true;
    }

    /// Takes a frame.
    pub fn push(&mut self, frame: &[u8]) {
        self.text.extend_from_slice(frame);
        self.ends.push(self.text.len());
        self.settled = false;
    }

    /// Hands the stack over, if there is one with frames. `now` is the number of lines before the present one in the
    /// piece, `piece_start` the number of lines before the piece.
    pub fn close(&mut self, now: u64, piece_start: u64, sink: &mut Sink) {
        let Some(record) = self.record.take() else { return };
        if self.ends.is_empty() {
            return;
        }
        let (slot, inferred) = match record.owner {
            Owner::Slot(slot) => (slot, false),
            Owner::Inferred(id) => (sink.trace_slot(&id, now), true),
        };
        let mut start = 0;
        for end in &self.ends {
            sink.frame(&self.text[start..*end]);
            start = *end;
        }
        sink.define(slot, 0, record.alias, inferred);
        if let Some(definition) = sink.piece.definitions.last_mut() {
            definition.line = (record.line as i64 - piece_start as i64) as i32;
        }
    }
}
