//! What could not be read, with its place in the dump.

use std::collections::HashMap;

use crate::{
    error::{ISSUE_LIMIT, Severity},
    input::archive::fault::Fault,
};

/// Where in a dump something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct StreamPlace {
    /// The stream, by its documented name.
    pub stream: Option<&'static str>,
    /// Record of the stream, from 0.
    pub index: Option<u64>,
    /// Offset in the file.
    pub byte: Option<u64>,
}

/// One row of `issues`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamIssue {
    /// How bad.
    pub severity: Severity,
    /// Stable name of the rule.
    pub kind: &'static str,
    /// Where.
    pub place: StreamPlace,
    /// What is in doubt.
    pub text: String,
    /// What the reader did about it.
    pub action: &'static str,
    /// Things that the row speaks of: 1, or how many are not listed.
    pub count: u64,
}

/// Why the bytes of a dump end before it does.
pub fn of_archive(fault: &Fault) -> StreamIssue {
    StreamIssue {
        severity: Severity::Error,
        kind: fault.kind(),
        place: StreamPlace::default(),
        text: fault.to_string(),
        action: "what had been unpacked until then was read",
        count: 1,
    }
}

/// Issues, in the order in which they were found, never more than [`ISSUE_LIMIT`] of a kind and stream: a damaged list of
/// millions of records must not become millions of texts.
#[derive(Debug, Default)]
pub struct StreamIssues {
    rows: Vec<StreamIssue>,
    counts: HashMap<(&'static str, Option<&'static str>), u64>,
}

impl StreamIssues {
    /// Adds a row; `text` is not called for those past the limit.
    pub fn push(
        &mut self,
        severity: Severity,
        kind: &'static str,
        place: StreamPlace,
        text: impl FnOnce() -> String,
        action: &'static str,
    ) {
        let count = self.counts.entry((kind, place.stream)).or_default();
        *count += 1;
        if *count <= ISSUE_LIMIT {
            self.rows.push(StreamIssue { severity, kind, place, text: text(), action, count: 1 });
        }
    }

    /// The rows, sorted by their offset in the file; those without one are last.
    pub fn finish(self) -> Vec<StreamIssue> {
        let mut rows = self.rows;
        let mut more: Vec<_> = self.counts.into_iter().filter(|(_, count)| *count > ISSUE_LIMIT).collect();
        more.sort_unstable();
        for ((kind, stream), count) in more {
            let known = rows.iter().find(|row| row.kind == kind).map(|row| (row.severity, row.action));
            if let Some((severity, action)) = known {
                let count = count - ISSUE_LIMIT;
                let text = format!("and {count} more of this kind");
                rows.push(StreamIssue {
                    severity,
                    kind,
                    place: StreamPlace { stream, ..StreamPlace::default() },
                    text,
                    action,
                    count,
                });
            }
        }
        rows.sort_by_key(|row| row.place.byte.unwrap_or(u64::MAX));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_a_limit_in_each_stream() {
        let mut issues = StreamIssues::default();
        for index in 0..ISSUE_LIMIT + 7 {
            let place = StreamPlace { stream: Some("ModuleListStream"), index: Some(index), byte: Some(index) };
            issues.push(Severity::Info, "cut_text", place, || index.to_string(), "left out");
        }
        let rows = issues.finish();
        assert_eq!(rows.len() as u64, ISSUE_LIMIT + 1);
        assert_eq!(rows.last().unwrap().text, "and 7 more of this kind");
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), ISSUE_LIMIT + 7);
    }
}
