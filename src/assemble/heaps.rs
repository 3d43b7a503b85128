//! The heaps of a file, each once, with those whose headings cannot be read.
//!
//! ```text
//! *- - - Start of data for heap @ 2?000 - - -      which heap?
//! 40 bytes + 18 at 3E9FB00 by BackTrace7
//! *- - - End of data for heap @ 20000 - - -        this one: its start was not read, and no other is open
//! 40 bytes + 18 at 3E9FB40 by BackTrace7           of no heap
//! ```
//!
//! Invariant: what a heading names depends on the headings of the file alone, in their order, not on who read them.

use std::collections::{HashMap, HashSet};

use crate::{
    assemble::merge::Placed,
    log::sink::{HeapEvent, Issue, Severity, Sink},
};

/// Heaps of all workers.
pub struct MergedHeaps {
    /// Addresses in order of first appearance; absent for the heap of rows that no heading names one for.
    pub bases: Vec<Option<u64>>,
    /// Number of each worker's heaps.
    pub numbers: Vec<Vec<u32>>,
    /// Rows behind the end of a heap.
    pub issues: Vec<Issue>,
}

/// What a heading names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Heap(u64),
    /// It cannot be read: the byte of the text where it is.
    InDoubt(u64),
    Nothing,
}

/// Brings the heaps of all workers together.
pub fn heaps(sinks: &[Sink], pieces: &[Placed]) -> MergedHeaps {
    let names: Vec<Vec<Name>> = sinks.iter().map(names).collect();
    let mut headings = Headings::default();
    for placed in pieces {
        for (heap, line, event) in &placed.piece.heaps {
            headings.take(names[placed.worker][*heap as usize], event, placed.line + line + 1);
        }
    }
    let mut bases: Vec<Option<u64>> = Vec::new();
    let mut known: HashMap<Option<u64>, u32> = HashMap::new();
    let mut number = |name: Name| {
        let base = headings.base(name);
        *known.entry(base).or_insert_with(|| {
            bases.push(base);
            bases.len() as u32 - 1
        })
    };
    for placed in pieces {
        let events = placed.piece.heaps.iter().map(|(heap, ..)| *heap);
        let runs = placed.piece.heap_runs.iter().map(|(heap, _)| *heap);
        let sums = placed.piece.sums.iter().map(|(heap, _)| *heap);
        for heap in events.chain(runs).chain(sums) {
            number(names[placed.worker][heap as usize]);
        }
    }
    let numbers = names.iter().map(|names| names.iter().map(|name| number(*name)).collect()).collect();
    MergedHeaps { bases, numbers, issues: headings.issues }
}

/// What each heap of a worker is called.
fn names(sink: &Sink) -> Vec<Name> {
    let mut names: Vec<Name> = sink.heap_bases.iter().map(|base| base.map_or(Name::Nothing, Name::Heap)).collect();
    sink.doubtful_heaps.iter().for_each(|(heap, byte)| names[*heap as usize] = Name::InDoubt(*byte));
    names
}

/// The headings of a file up to here.
#[derive(Default)]
struct Headings {
    /// The heaps of headings that cannot be read, by the byte of the heading.
    meant: HashMap<u64, Name>,
    seen: HashSet<u64>,
    /// The heap that began and did not end.
    open: Option<Name>,
    /// The heap that began last.
    last: Option<Name>,
    /// The last heading was an end, and no row came behind it.
    behind_end: bool,
    issues: Vec<Issue>,
}

impl Headings {
    fn take(&mut self, name: Name, event: &HeapEvent, line: u64) {
        match (name, event) {
            (Name::Nothing, HeapEvent::Open) => self.rows_without_heading(line),
            (Name::Nothing, _) | (_, HeapEvent::Field(..) | HeapEvent::Creator(_)) => {}
            (_, HeapEvent::Start) => (self.open, self.last) = (Some(name), Some(name)),
            (Name::InDoubt(byte), event) => {
                let meant = if *event == HeapEvent::End { self.open.or(self.last) } else { self.open };
                if let Some(meant) = meant.filter(|meant| *meant != name) {
                    self.meant.entry(byte).or_insert(meant);
                }
            }
            (Name::Heap(heap), _) => {
                if let Some(Name::InDoubt(byte)) = self.open
                    && !self.seen.contains(&heap)
                {
                    (self.open, self.last) = (Some(name), Some(name));
                    self.meant.entry(byte).or_insert(name);
                }
            }
        }
        if let Name::Heap(heap) = name {
            self.seen.insert(heap);
        }
        if *event == HeapEvent::End {
            self.open = None;
        }
        if name != Name::Nothing {
            self.behind_end = *event == HeapEvent::End;
        }
    }

    fn rows_without_heading(&mut self, line: u64) {
        if std::mem::take(&mut self.behind_end) {
            self.issues.push(Issue {
                severity: Severity::Warning,
                kind: "heap_in_doubt",
                line: Some(line),
                byte: None,
                text: "a row behind the end of a heap".to_owned(),
                action: "its heap, and that of the rows below it, is null: a heading may be missing",
            });
        }
    }

    fn base(&self, mut name: Name) -> Option<u64> {
        // What an unreadable heading stands for is above it, or can be read.
        while let Name::InDoubt(byte) = name {
            name = *self.meant.get(&byte)?;
        }
        match name {
            Name::Heap(heap) => Some(heap),
            Name::InDoubt(_) | Name::Nothing => None,
        }
    }
}
