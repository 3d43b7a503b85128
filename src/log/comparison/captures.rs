//! Where the captures of a file begin whose first row is one of a comparison: somebody ran the tool several times, and saved the
//! window.
//!
//! ```text
//! PS D:\kiln> umdh mon.log tue.log
//! + 2a98c90 ( 2a98c90 -     0)  15cf4 allocs<TAB>BackTrace74050
//! Total increase ==  27000 requested +    9c0 overhead =  279c0          the first ends here
//! PS D:\kiln> umdh tue.log wed.log                                       and the second begins
//! +      20 (    3a -    1a)      2 allocs<TAB>BackTrace74050
//! ```
//!
//! Invariant: every row and every total is in one capture, and a capture has one total at the most, which is its end. What is
//! behind the last total belongs to the last capture.

use crate::log::{
    comparison::line::{Record, is_total},
    console,
    fields::trim,
    line::{Line, classify},
    lines::{self, lines},
    sink::{ComparisonRow, HeaderLine, decode},
};

/// Where a capture starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Lines of the text before it.
    pub line: u64,
    /// Bytes of the text before it.
    pub byte: u64,
    /// Lines before the one that names it best.
    pub title_line: u64,
    /// That line: the command, a header, the first row.
    pub title: String,
    /// Its first row is one of a comparison.
    pub is_comparison: bool,
}

/// What a line says about captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// A command, a legend, a header: with rows below it a capture begins here.
    Opener,
    Row,
    Total,
    /// A heap or a row of a snapshot.
    Snapshot,
}

/// What the last capture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Comparison,
    /// Its total was seen.
    Ended,
    Snapshot,
}

/// The captures of a text.
pub fn starts(text: &[u8]) -> Vec<Start> {
    let mut found: Vec<Start> = Vec::new();
    let mut state = None;
    // The first line that can open a capture since the last row, and the first line of the text behind the last total.
    let (mut opener, mut behind): (Option<Start>, Option<Start>) = (None, None);
    for (number, line) in lines(text).enumerate() {
        let Some(sign) = sign(line.bytes) else { continue };
        let here = || start(&line, number as u64);
        if sign == Sign::Opener {
            // A command says more than the legend below it, or the one above.
            match &mut opener {
                Some(opener) if console::calls_a_tool(line.bytes) => {
                    (opener.title_line, opener.title) = (number as u64, here().title);
                }
                Some(_) => {}
                None => opener = Some(here()),
            }
            continue;
        }
        let is_comparison = sign != Sign::Snapshot;
        let begins = match state {
            None | Some(State::Ended) => true,
            Some(State::Comparison) => !is_comparison || (sign == Sign::Row && opener.is_some()),
            Some(State::Snapshot) => is_comparison || opener.as_ref().is_some_and(|opener| is_header(&opener.title)),
        };
        if begins {
            let mut next = Start { is_comparison, ..opener.clone().unwrap_or_else(here) };
            if !console::calls_a_tool(next.title.as_bytes()) && !is_header(&next.title) {
                (next.title_line, next.title) = (number as u64, here().title);
            }
            if let Some(behind) = behind.take() {
                (next.line, next.byte) = (behind.line, behind.byte);
            }
            found.push(next);
        }
        opener = None;
        state = Some(match sign {
            Sign::Snapshot => State::Snapshot,
            Sign::Total => State::Ended,
            _ => State::Comparison,
        });
        if sign == Sign::Total {
            behind = Some(Start { line: number as u64 + 1, byte: line.next as u64, ..here() });
        }
    }
    if let Some(first) = found.first_mut() {
        (first.line, first.byte) = (0, 0);
    }
    found
}

fn start(line: &lines::Line<'_>, number: u64) -> Start {
    let title = decode(trim(line.bytes)).0;
    Start { line: number, byte: line.start as u64, title_line: number, title, is_comparison: false }
}

fn is_header(title: &str) -> bool {
    matches!(classify(title.as_bytes()), Line::Header(_))
}

fn sign(line: &[u8]) -> Option<Sign> {
    match Record::parse(line) {
        Some(Record::Bytes { .. }) => return Some(Sign::Row),
        Some(Record::Count { .. }) => return None,
        // A total whose numbers cannot be read is the end of its rows all the same.
        _ if is_total(line) => return Some(Sign::Total),
        _ => {}
    }
    match classify(line) {
        Line::Header(_) => Some(Sign::Opener),
        Line::Comment(text) if is_legend(text) => Some(Sign::Opener),
        Line::Block { .. } | Line::Hog { .. } => Some(Sign::Snapshot),
        Line::Banner(banner) if banner.kind.is_of_heap() => Some(Sign::Snapshot),
        _ => console::calls_a_tool(line).then_some(Sign::Opener),
    }
}

/// First lines of what UMDH prints above the rows.
fn is_legend(comment: &[u8]) -> bool {
    let text = trim(comment.strip_prefix(b"//").unwrap_or(comment));
    [&b"Debug library initialized"[..], b"Each log entry has the following syntax", b"+ BYTES_DELTA"]
        .iter()
        .any(|words| text.starts_with(words))
}

/// The captures of a file whose first row is one of a snapshot, by what its readers noted: headers, and rows of comparisons.
/// Lines and bytes are those of the file; `first` is where it starts.
pub fn beside_snapshots(headers: &[HeaderLine], rows: &[ComparisonRow], first: (u64, u64)) -> Vec<Start> {
    let of_header = |header: &HeaderLine| (header.line, header.byte, header.text.clone(), None);
    let of_row = |row: &ComparisonRow| (row.line, row.byte, row.text.clone(), Some(row.is_total));
    let mut signs: Vec<_> = headers.iter().map(of_header).chain(rows.iter().map(of_row)).collect();
    signs.sort_by_key(|sign| sign.0);
    let mut found = Vec::new();
    let mut inside = false;
    for (line, byte, title, is_total) in signs {
        if is_total.is_none() || !inside {
            // A row of a snapshot is above, or it would not be one.
            if found.is_empty() && is_total.is_some() {
                let (line, byte) = first;
                let title = "without a header".to_owned();
                found.push(Start { line, byte, title_line: line, title, is_comparison: false });
            }
            found.push(Start { line, byte, title_line: line, title, is_comparison: is_total.is_some() });
        }
        inside = is_total.is_some_and(|is_total| !is_total);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "+ 1a ( 2a - 10) 1 allocs\tBackTrace1\n";
    const TOTAL: &str = "Total increase == 1a\n";

    fn titles(text: &str) -> Vec<(u64, u64, String)> {
        starts(text.as_bytes()).into_iter().map(|start| (start.line, start.title_line, start.title)).collect()
    }

    fn named(starts: &[(u64, u64, &str)]) -> Vec<(u64, u64, String)> {
        starts.iter().map(|(line, title_line, title)| (*line, *title_line, (*title).to_owned())).collect()
    }

    #[test]
    fn a_total_ends_a_comparison_and_the_next_one_begins_behind_it() {
        let row = ROW.trim_end();
        assert_eq!(titles(&format!("{ROW}{ROW}{TOTAL}")), named(&[(0, 0, row)]));
        assert_eq!(titles(&format!("{ROW}{TOTAL}\nDone.\n")), named(&[(0, 0, row)]));
        assert_eq!(titles(&format!("{ROW}{TOTAL}\n// note\n{ROW}")), named(&[(0, 0, row), (2, 4, row)]));
        assert_eq!(titles(&format!("{TOTAL}{TOTAL}")), named(&[(0, 0, TOTAL.trim_end()), (1, 1, TOTAL.trim_end())]));
        assert_eq!(titles(&format!("{ROW}Total increase == 1z\n{ROW}")), named(&[(0, 0, row), (2, 2, row)]));
    }

    #[test]
    fn a_legend_or_a_command_ends_one_that_lost_its_total() {
        let row = ROW.trim_end();
        let legend = "// Debug library initialized ...\n// Each log entry has the following syntax:\n";
        assert_eq!(titles(&format!("{legend}{ROW}{legend}{ROW}")), named(&[(0, 2, row), (3, 5, row)]));
        let command = "PS D:\\> umdh a b";
        let expected = named(&[(0, 0, command), (4, 4, command)]);
        assert_eq!(titles(&format!("{command}\n{legend}{ROW}{command}\n{ROW}")), expected);
        assert_eq!(titles(&format!("{ROW}PS D:\\> dir\n// a comment\n{ROW}")), named(&[(0, 0, row)]));
    }

    #[test]
    fn a_snapshot_behind_a_comparison_is_a_capture() {
        let (row, block) = (ROW.trim_end(), "64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0");
        let header = "UMDH: version 6.1: Logtime 2012-04-30 12:09 - Machine=PC - PID=7";
        assert_eq!(titles(&format!("{ROW}{TOTAL}{block}\n")), named(&[(0, 0, row), (2, 2, block)]));
        assert_eq!(titles(&format!("{ROW}{TOTAL}{header}\n{block}\n")), named(&[(0, 0, row), (2, 2, header)]));
        assert_eq!(titles(&format!("{header}\nfailed\n{ROW}{TOTAL}")), named(&[(0, 0, header)]));
        let expected = named(&[(0, 0, row), (2, 2, header), (4, 4, header)]);
        assert_eq!(titles(&format!("{ROW}{TOTAL}{header}\n{block}\n{header}\n{block}\n")), expected);
    }
}
