//! Issues that show only when all of the file is read: heaps without an end, stacks in conflict or without frames, sums that
//! are too large.

use crate::{
    assemble::merge::{MergedStacks, MergedTraces, Placed},
    log::sink::{HeaderLine, Issue, Severity},
    table::{
        heaps::Heap,
        usage::{Exact, Usage},
    },
};

/// A heap that began and did not end.
pub fn missing_end(heap: &Heap) -> Issue {
    Issue {
        severity: Severity::Error,
        kind: "missing_end",
        line: None,
        byte: None,
        text: heap.base.map(|base| format!("heap {base:X}")).unwrap_or_default(),
        action: "read what is there; the file stops before the heap's end, so blocks are missing",
    }
}

/// A heap that begins more than once.
pub fn repeated_heap(heap: &Heap) -> Issue {
    Issue {
        severity: Severity::Warning,
        kind: "repeated_heap",
        line: None,
        byte: None,
        text: heap.base.map(|base| format!("heap {base:X}, {} times", heap.started)).unwrap_or_default(),
        action: "all of it counts; the file may hold the heap, or the whole log, more than once",
    }
}

/// Rows above the only header: the header of their own capture may be missing.
pub fn late_header(headers: &[HeaderLine], pieces: &[Placed]) -> Option<Issue> {
    let [header] = headers else { return None };
    let first = pieces.iter().find_map(|placed| placed.piece.heaps.first().map(|(_, line, _)| placed.line + line + 1));
    first.filter(|line| *line < header.line).map(|_| Issue {
        severity: Severity::Warning,
        kind: "late_header",
        line: Some(header.line),
        byte: Some(header.byte),
        text: header.text.clone(),
        action: "read as one capture; the rows above the header may be of another",
    })
}

/// The stacks of a file by their names, and where these are mentioned first.
pub struct Named<'a> {
    /// Number of each piece in the file, and the lines before it.
    lines: Vec<(u32, u64)>,
    traces: &'a MergedTraces,
    stacks: &'a MergedStacks,
}

impl<'a> Named<'a> {
    pub fn new(pieces: &[Placed], traces: &'a MergedTraces, stacks: &'a MergedStacks) -> Self {
        let lines = pieces.iter().map(|placed| (placed.piece.index, placed.line)).collect();
        Self { lines, traces, stacks }
    }

    /// Stacks that differ from the first of their id.
    pub fn conflicts(&self, pieces: &[Placed]) -> impl Iterator<Item = Issue> {
        self.stacks.conflicts.iter().map(|stack| {
            let place = self.stacks.stacks[*stack as usize];
            let placed = &pieces[place.piece as usize];
            let line = placed.piece.definitions[place.definition as usize].line;
            Issue {
                severity: Severity::Warning,
                kind: "conflicting_stack",
                line: Some((placed.line + 1).saturating_add_signed(i64::from(line))),
                byte: None,
                text: self.name(place.trace),
                action: "kept as an alias; blocks count for the first stack of the id, hogs and rows of a comparison for their own",
            }
        })
    }

    /// Ids without frames.
    pub fn undefined(&self) -> impl Iterator<Item = Issue> {
        self.stacks.undefined.iter().map(|trace| Issue {
            severity: Severity::Warning,
            kind: "stack_not_in_file",
            line: self.first_line(*trace),
            byte: None,
            text: self.name(*trace),
            action: "its bytes are counted; its frames are not in the file",
        })
    }

    /// Sums past 64 bits: of a stack in a heap, or of all of them only together.
    pub fn overflows(&self, usage: &Usage, heaps: &[Option<u64>]) -> impl Iterator<Item = Issue> {
        let of_rows = usage.overflows.iter().map(|row| {
            let trace = row.stack.map(|stack| self.trace_of(stack));
            let stack = trace.map_or_else(|| "blocks without a stack".to_owned(), |trace| self.name(trace));
            let heap = heaps[row.heap as usize].map(|base| format!(" in heap {base:X}")).unwrap_or_default();
            Issue {
                line: trace.and_then(|trace| self.first_line(trace)),
                ..overflow(
                    &format!("{stack}{heap}"),
                    &row.exact,
                    "a sum past 2^64 - 1 is null, and so is whatever it is a part of",
                )
            }
        });
        let of_all = usage.total.iter().any(Option::is_some).then(|| {
            overflow(
                "all stacks together",
                &usage.total,
                "every stack is counted; sums of several past 2^64 - 1 are null",
            )
        });
        of_rows.chain(of_all)
    }

    fn name(&self, trace: u32) -> String {
        let mut id = String::new();
        match self.traces.ids.write(self.traces.keys[trace as usize], &mut id) {
            true => format!("BackTrace{id}"),
            false => "a call site".to_owned(),
        }
    }

    fn trace_of(&self, stack: u32) -> u32 {
        let defined = self.stacks.stacks.len();
        match self.stacks.stacks.get(stack as usize) {
            Some(place) => place.trace,
            None => self.stacks.undefined[stack as usize - defined],
        }
    }

    fn first_line(&self, trace: u32) -> Option<u64> {
        let first = self.traces.first[trace as usize];
        let piece = self.lines.binary_search_by_key(&((first >> 32) as u32), |(index, _)| *index).ok()?;
        Some(self.lines[piece].1 + 1 + (first & 0xFFFF_FFFF))
    }
}

fn overflow(what: &str, exact: &Exact, action: &'static str) -> Issue {
    let sums = exact.iter().zip(["requested bytes", "overhead bytes", "blocks"]);
    let sums: Vec<String> = sums.filter_map(|(sum, unit)| Some(format!("{} {unit}", (*sum)?))).collect();
    Issue {
        severity: Severity::Error,
        kind: "sum_overflow",
        line: None,
        byte: None,
        text: format!("{what}: {}", sums.join(", ")),
        action,
    }
}
