//! What the rows of a comparison say together: sums too large for their columns, and rows that say the same twice.

use std::collections::HashSet;

use crate::log::comparison::{Row, line::Name};

/// The rows up to here.
#[derive(Debug, Default)]
pub(super) struct Sums<'a> {
    /// Bytes of the stacks that grew, and of those that shrank.
    grown: i128,
    shrunk: i128,
    before: u128,
    after: u128,
    names: HashSet<Name<'a>>,
    rows: HashSet<(Name<'a>, u64, u64)>,
}

/// How a row compares with those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// No other is of its stack.
    Nothing,
    /// Another is of its stack, with other amounts.
    Name,
    /// Another says the same.
    Row,
}

impl<'a> Sums<'a> {
    /// Takes a row.
    pub(super) fn add(&mut self, name: Name<'a>, row: &Row) -> Repeats {
        let direction = if row.delta > 0 { &mut self.grown } else { &mut self.shrunk };
        *direction += row.delta;
        self.before += u128::from(row.before);
        self.after += u128::from(row.after);
        let is_new_row = self.rows.insert((name, row.before, row.after));
        match (self.names.insert(name), is_new_row) {
            (true, _) => Repeats::Nothing,
            (false, true) => Repeats::Name,
            (false, false) => Repeats::Row,
        }
    }

    /// The sums that are too large for their columns, in words.
    pub(super) fn overflows(&self) -> Option<String> {
        let fits = |sum: i128| i64::try_from(sum).is_ok();
        let mut parts = Vec::new();
        if !fits(self.grown) || !fits(self.shrunk) {
            parts.push(format!("{:+} and {:+} bytes of change", self.grown, self.shrunk));
        }
        for (sum, side) in [(self.before, "before"), (self.after, "after")] {
            if u64::try_from(sum).is_err() {
                parts.push(format!("{sum} bytes {side}"));
            }
        }
        (!parts.is_empty()).then(|| format!("all rows together: {}", parts.join(", ")))
    }
}
