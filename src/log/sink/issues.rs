//! Issues of a log, never more than [`ISSUE_LIMIT`] rows of a kind: millions of bad lines must not become millions of texts.
//! The rest of a kind is counted, in one row more:
//!
//! ```text
//! unreadable_line, line 1001, "and 5,998,999 more from here on"
//! ```
//!
//! Invariant: which issues are rows depends on the file alone. Each worker keeps the first of a kind that it meets, and it
//! meets the pieces of the file in their order; so the first of the file are among those that the workers keep.

use std::collections::HashMap;

use crate::{error::ISSUE_LIMIT, log::sink::records::Issue};

/// Issues of a kind that are kept: the first of those that are not listed is, too, for its place.
const KEPT: u64 = ISSUE_LIMIT + 1;

/// How many issues of each kind were met.
#[derive(Debug, Default)]
pub struct IssueCounts(HashMap<&'static str, u64>);

impl IssueCounts {
    /// Counts an issue; true if it is to be kept.
    pub fn keeps(&mut self, kind: &'static str) -> bool {
        let count = self.0.entry(kind).or_default();
        *count += 1;
        *count <= KEPT
    }

    /// Issues that were not kept, by kind.
    pub fn left_out(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(kind, count)| (*kind, count.saturating_sub(KEPT))).filter(|(_, more)| *more > 0)
    }
}

/// The issues of a file, in the order of its pieces.
#[derive(Debug, Default)]
pub struct Issues {
    kept: Vec<Issue>,
    counts: IssueCounts,
    /// Issues that the workers counted but did not keep, by kind.
    elsewhere: HashMap<&'static str, u64>,
}

impl Issues {
    /// Where they are, of those that say so.
    pub fn bytes_mut(&mut self) -> impl Iterator<Item = &mut u64> {
        self.kept.iter_mut().filter_map(|issue| issue.byte.as_mut())
    }

    /// Counts issues that a worker did not keep.
    pub fn count_more(&mut self, kind: &'static str, more: u64) {
        *self.elsewhere.entry(kind).or_default() += more;
    }

    /// The rows, and how many issues each stands for: sorted by line, then byte; those without a line last.
    pub fn finish(mut self) -> Vec<(Issue, u64)> {
        self.kept.sort_by_key(|issue| (issue.line.unwrap_or(u64::MAX), issue.byte));
        let mut rows = IssueCounts::default();
        let row = |mut issue: Issue| {
            let count = rows.0.entry(issue.kind).or_default();
            *count += 1;
            let all = [&self.counts.0, &self.elsewhere].map(|counts| counts.get(issue.kind).copied().unwrap_or(0));
            let more = (all[0] + all[1]).saturating_sub(ISSUE_LIMIT);
            if *count <= ISSUE_LIMIT || more <= 1 {
                return (issue, 1);
            }
            issue.text = format!("and {more} more from here on");
            issue.action = "counted, not listed";
            (issue, more)
        };
        self.kept.into_iter().map(row).collect()
    }
}

impl Extend<Issue> for Issues {
    fn extend<T: IntoIterator<Item = Issue>>(&mut self, issues: T) {
        let counts = &mut self.counts;
        self.kept.extend(issues.into_iter().filter(|issue| counts.keeps(issue.kind)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Severity;

    fn issue(kind: &'static str, line: u64) -> Issue {
        Issue {
            severity: Severity::Error,
            kind,
            line: Some(line),
            byte: None,
            text: line.to_string(),
            action: "left out",
        }
    }

    #[test]
    fn the_first_of_a_kind_are_rows_and_the_rest_is_one() {
        let mut issues = Issues::default();
        issues.extend((1..=5000).map(|line| issue("unreadable_line", line)));
        issues.extend([issue("cut_line", 7)]);
        issues.count_more("unreadable_line", 20);
        let rows = issues.finish();
        assert_eq!(rows.len(), 1002);
        assert_eq!(rows.iter().map(|(_, count)| count).sum::<u64>(), 5021);
        let (rest, count) = rows.last().unwrap();
        assert_eq!((rest.line, rest.text.as_str(), *count), (Some(1001), "and 4020 more from here on", 4020));
        assert_eq!((rows[7].0.kind, rows[7].1), ("cut_line", 1));
    }

    #[test]
    fn a_single_one_past_the_limit_is_told_as_it_is() {
        let mut issues = Issues::default();
        issues.extend((1..=ISSUE_LIMIT + 1).map(|line| issue("unreadable_line", line)));
        let rows = issues.finish();
        assert_eq!(rows.len() as u64, ISSUE_LIMIT + 1);
        assert!(rows.iter().all(|(issue, count)| issue.action == "left out" && *count == 1));
    }
}
