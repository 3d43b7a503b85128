//! Files with quirks, read by heapdelta and by a second reader that is as simple as it can be: where the two differ, an issue of
//! that very line says why, or the test fails.
//!
//! `HEAPDELTA_QUIRK_FILES` is the number of files of each kind, `HEAPDELTA_QUIRK_SEED` the first of them: `make fuzz` sets both.

mod generate;
mod naive;

use std::collections::{BTreeMap, BTreeSet};

use heapdelta::{Capture, ErrorKind, Options, read};

use crate::{
    formats::{numbers, rows, texts},
    support::{count_lines, lines, options, outcome, table},
};
use generate::Kind;

/// Files of each kind, unless the environment says otherwise.
const FILES: u64 = 120;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn files(kind: Kind) -> impl Iterator<Item = (u64, String)> {
    let first = setting("HEAPDELTA_QUIRK_SEED", 0);
    (first..first + setting("HEAPDELTA_QUIRK_FILES", FILES)).map(move |seed| (seed, generate::file(kind, seed)))
}

/// The files are of use only if most of what is in them is read.
fn enough(rows_read: usize) {
    let files = setting("HEAPDELTA_QUIRK_FILES", FILES) as usize;
    assert!(files < 100 || rows_read > 2 * files, "the files have hardly any row: {rows_read}");
}

/// Lines with an issue.
fn told(log: &Capture) -> BTreeSet<u64> {
    numbers(table(log, "issues"), "line").into_iter().flatten().collect()
}

/// Reads in several ways, which must agree; `None` for a file that is refused, of which the second reader must have no row.
fn read_file(seed: u64, text: &str, has_rows: bool) -> Option<Capture> {
    let ways = [(1, 1 << 20), (2, 64), (7, 1 + seed as usize % 300)];
    let with = |(threads, block_size)| Options { radix: None, ..options(threads, block_size) };
    let expected = outcome(text.as_bytes(), &with(ways[0]), &[]);
    for way in &ways[1..] {
        assert_eq!(outcome(text.as_bytes(), &with(*way), &[]), expected, "file {seed}, {way:?}:\n{text}");
    }
    match read(text.as_bytes(), &with(ways[0])) {
        Ok(log) => {
            assert_eq!(lines(&log).total(), count_lines(text.as_bytes()), "file {seed}:\n{text}");
            Some(log)
        }
        Err(error) => {
            let is_none =
                matches!(error.kind(), ErrorKind::NotALog { .. } | ErrorKind::FailedCapture { .. } | ErrorKind::Empty);
            let is_open = error.kind().name().starts_with("radix");
            assert!(is_open || (is_none && !has_rows), "file {seed}: {error}\n{text}");
            None
        }
    }
}

/// Goes through what the second reader found, in order: every row is there, or an issue of its line says why not.
fn check_rows<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[(u64, T)], log: &Capture, file: &str) {
    let told = told(log);
    let mut found = found.iter().peekable();
    for (line, row) in expected {
        if found.peek() == Some(&row) {
            found.next();
        } else {
            assert!(told.contains(line), "line {line}: expected {row:?}, found {:?}; {file}", found.peek());
        }
    }
    // The name in the last line may be cut, of which an issue tells.
    let extra = found.next().filter(|_| !told.contains(&lines(log).total()));
    assert_eq!(extra, None, "a row that is not in the file; {file}");
    assert_eq!(found.next(), None, "rows that are not in the file; {file}");
}

/// First stack of each id.
fn stacks(log: &Capture) -> BTreeMap<String, Vec<String>> {
    let stacks = table(log, "stacks");
    let (ids, aliases, frames) = (texts(stacks, "trace_id"), numbers(stacks, "alias_of"), crate::formats::frames(log));
    let first = ids.into_iter().zip(aliases).zip(frames).filter(|((_, alias), _)| alias.is_none());
    first.map(|((id, _), frames)| (id, frames)).filter(|(_, frames)| !frames.is_empty()).collect()
}

fn check_stacks(log: &Capture, expected: &[naive::Stack], told: &BTreeSet<u64>, file: &str) {
    let found = stacks(log);
    let last_is_told = told.contains(&lines(log).total());
    let mut first: BTreeMap<&str, &naive::Stack> = BTreeMap::new();
    for stack in expected.iter().filter(|stack| !stack.frames.is_empty()) {
        first.entry(&stack.id).or_insert(stack);
    }
    for (id, stack) in &first {
        let frames: Vec<String> = stack.frames.iter().map(|frame| frame.1.clone()).collect();
        let agree = |found: &Vec<String>| found.starts_with(&frames) || frames.starts_with(found);
        let is_cut = last_is_told && found.get(*id).is_some_and(agree);
        let excused = (stack.is_torn && stack.frames.iter().any(|(line, _)| told.contains(line))) || is_cut;
        assert!(found.get(*id) == Some(&frames) || excused, "{id}: {frames:?}, found {:?}; {file}", found.get(*id));
    }
    for id in found.keys() {
        assert!(first.contains_key(id.as_str()) || last_is_told, "{id} has a stack that is not in the file; {file}");
    }
}

fn check_snapshots(kind: Kind) {
    let mut rows_read = 0;
    for (seed, text) in files(kind) {
        let expected = naive::snapshot(&text);
        let Some(log) = read_file(seed, &text, !expected.rows.is_empty()) else { continue };
        let (file, told) = (format!("file {seed}:\n{text}"), told(&log));
        let ids = texts(table(&log, "stacks"), "trace_id");
        let of_rows = numbers(table(&log, "allocations"), "stack_id");
        let found: Vec<naive::Row> = rows(&log)
            .into_iter()
            .zip(of_rows)
            .map(|((heap, requested, overhead, count, _), stack)| naive::Row {
                heap,
                requested: requested.unwrap(),
                overhead,
                count: count.unwrap(),
                id: stack.map(|stack| ids[stack as usize].clone()),
            })
            .collect();
        check_rows(&found, &expected.rows, &log, &file);
        check_stacks(&log, &expected.stacks, &told, &file);
        rows_read += found.len();
    }
    enough(rows_read);
}

#[test]
fn umdh2() {
    check_snapshots(Kind::Umdh2);
}

#[test]
fn umdh1() {
    check_snapshots(Kind::Umdh1);
}

#[test]
fn comparisons() {
    let mut rows_read = 0;
    for (seed, text) in files(Kind::Comparison) {
        let expected = naive::comparison(&text);
        let Some(log) = read_file(seed, &text, !expected.rows.is_empty()) else { continue };
        let (file, told) = (format!("file {seed}:\n{text}"), told(&log));
        let rows = table(&log, "rows");
        let column = |name: &str| numbers(rows, name);
        let (before, after) = (column("requested_bytes_before"), column("requested_bytes_after"));
        let (count_before, count_after) = (column("allocation_count_before"), column("allocation_count_after"));
        let ids = texts(rows, "trace_id");
        let found: Vec<naive::Change> = (0..ids.len())
            .map(|at| naive::Change {
                before: before[at].unwrap(),
                after: after[at].unwrap(),
                counts: count_before[at].zip(count_after[at]),
                id: ids[at].clone(),
            })
            .collect();
        check_rows(&found, &expected.rows, &log, &file);
        check_stacks(&log, &expected.stacks, &told, &file);
        let Capture::Comparison(comparison) = &log else { panic!("{file}") };
        let total = expected.total.filter(|(line, _)| !told.contains(line)).map(|(_, total)| total);
        assert!(comparison.total_requested_delta == total.map(i128::from) || total.is_none(), "{total:?}; {file}");
        rows_read += found.len();
    }
    enough(rows_read);
}
