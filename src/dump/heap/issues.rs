//! What does not hold of a heap, with the address.

use crate::error::{ISSUE_LIMIT, Severity};

/// One thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeapIssue {
    /// How bad.
    pub severity: Severity,
    /// Stable name of the rule.
    pub kind: &'static str,
    /// Where in the process; none where it concerns all of it.
    pub address: Option<u64>,
    /// What is in doubt.
    pub text: String,
    /// What the reader did about it.
    pub action: &'static str,
    /// Things that the row speaks of.
    pub count: u64,
}

/// Issues of a walk, at most [`ISSUE_LIMIT`] of a kind with their texts; one row more counts the others.
#[derive(Debug, Default)]
pub struct HeapIssues {
    /// Those that are listed.
    pub rows: Vec<HeapIssue>,
    /// How many there are of each kind, and the row of those that are not listed.
    counts: Vec<(&'static str, u64, usize)>,
}

impl HeapIssues {
    /// Adds one.
    pub fn push(
        &mut self,
        severity: Severity,
        kind: &'static str,
        address: impl Into<Option<u64>>,
        text: impl FnOnce() -> String,
        action: &'static str,
    ) {
        let issue = HeapIssue { severity, kind, address: address.into(), text: String::new(), action, count: 1 };
        self.add(issue, text);
    }

    /// Says that something that a heap names at an address is in no sum.
    pub fn left_out(&mut self, what: &'static str, heap: u64, at: u64) {
        self.push(
            Severity::Error,
            "heap_damage",
            at,
            || format!("no {what} of the heap at {heap:#X} can be read at {at:#X}"),
            "left it out: it is in no sum",
        );
    }

    /// Says that a list of a heap breaks off, and what is lost by that.
    pub fn open_list(&mut self, list: &'static str, heap: u64, action: &'static str) {
        self.push(
            Severity::Error,
            "heap_damage",
            heap,
            || format!("{list} of the heap at {heap:#X} does not come back to its head"),
            action,
        );
    }

    /// Adds those of another part of the walk.
    pub fn extend(&mut self, other: Self) {
        for mut issue in other.rows {
            let text = std::mem::take(&mut issue.text);
            self.add(issue, || text);
        }
    }

    fn add(&mut self, mut issue: HeapIssue, text: impl FnOnce() -> String) {
        let known = self.counts.iter_mut().position(|(kind, ..)| *kind == issue.kind);
        let known = known.unwrap_or_else(|| {
            self.counts.push((issue.kind, 0, 0));
            self.counts.len() - 1
        });
        let (_, count, more) = &mut self.counts[known];
        *count = count.saturating_add(issue.count);
        if *count <= ISSUE_LIMIT {
            issue.text = text();
            self.rows.push(issue);
        } else if *more == 0 {
            issue.text = "and more of this kind".to_owned();
            *more = self.rows.len();
            self.rows.push(issue);
        } else {
            self.rows[*more].count = self.rows[*more].count.saturating_add(issue.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_a_limit() {
        let mut issues = HeapIssues::default();
        for at in 0..ISSUE_LIMIT + 7 {
            issues.push(Severity::Error, "heap_damage", at, || at.to_string(), "read on");
        }
        let mut all = HeapIssues::default();
        all.push(Severity::Error, "heap_layout", None, String::new, "not read");
        all.extend(issues);
        assert_eq!(all.rows.len() as u64, ISSUE_LIMIT + 2);
        assert_eq!(all.rows.iter().map(|row| row.count).sum::<u64>(), ISSUE_LIMIT + 8);
    }
}
