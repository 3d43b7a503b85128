//! A stack whose last frame has not been seen yet: its frames wait here, because the block of text may end before it does.
//!
//! A row whose frames follow it waits here as well, until they are known: it counts for the stack that it prints, also where its id
//! was printed with another one before.
//!
//! Invariant: frames reach the sink only together with their definition, so both are in the same piece.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use crate::log::sink::{Allocation, Sink, TraceSlot};

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
    /// The frames are behind `Alias`.
    alias: bool,
    /// The row that they are below.
    row: Option<Allocation>,
}

/// The stack that further frames belong to, if any.
#[derive(Debug, Default)]
pub struct OpenStack {
    record: Option<Record>,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// A blank line came after the frames: if the file ends now, nothing is missing.
    settled: bool,
    printed: Printed,
}

/// The stacks that were printed below rows.
#[derive(Debug, Default)]
struct Printed {
    /// Frames of the first of each id, as one number.
    first: HashMap<TraceSlot, u64>,
    /// What the rows of any other count for.
    others: HashMap<(TraceSlot, u64), TraceSlot>,
}

impl Printed {
    /// What a row of an id with these frames counts for.
    fn slot(&mut self, id: TraceSlot, frames: u64, line: u64, sink: &mut Sink) -> TraceSlot {
        if *self.first.entry(id).or_insert(frames) == frames {
            return id;
        }
        *self.others.entry((id, frames)).or_insert_with(|| sink.another_trace(id, line))
    }
}

impl OpenStack {
    /// Starts a stack; the one before it has been closed.
    pub fn open(&mut self, owner: Owner, line: u64, alias: bool) {
        self.record = Some(Record { owner, line, alias, row: None });
        self.text.clear();
        self.ends.clear();
        self.settled = false;
    }

    /// Takes the row that opened the stack; false if none is open.
    pub fn take_row(&mut self, row: Allocation) -> bool {
        self.record.as_mut().map(|record| record.row = Some(row)).is_some()
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
            record.row.into_iter().for_each(|row| sink.allocation(row));
            return;
        }
        let (slot, inferred) = match record.owner {
            Owner::Slot(slot) => (slot, false),
            Owner::Inferred(id) => (sink.trace_slot(&id, now), true),
        };
        let own = record.row.and_then(|row| {
            let counts_for = if record.alias { slot } else { self.printed.slot(slot, self.content(), now, sink) };
            sink.allocation(Allocation { trace: Some(counts_for), ..row });
            (counts_for != slot).then_some(counts_for)
        });
        let mut start = 0;
        for end in &self.ends {
            sink.frame(&self.text[start..*end]);
            start = *end;
        }
        sink.define(slot, 0, record.alias, inferred);
        if let Some(definition) = sink.piece.definitions.last_mut() {
            definition.line = (record.line as i64 - piece_start as i64) as i32;
        }
        let definition = sink.piece.definitions.len() as u32 - 1;
        sink.piece.own_stacks.extend(own.map(|slot| (definition, slot)));
    }

    /// The frames as one number.
    fn content(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.text, &self.ends).hash(&mut hasher);
        hasher.finish()
    }
}
