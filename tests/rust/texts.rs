//! Text that is not as the tool wrote it: in any code page, pasted, without margins, with the debugger's words in between.

mod code_pages;
mod margins;
mod module_rows;
mod noise;
mod pasted;

use heapdelta::{Capture, Options, read};

use crate::{
    formats::{frames, numbers, rows},
    support::{count_lines, dump, lines, options, outcome, table},
};

/// Reads a text in several ways, which must agree, and counts its lines.
fn log_with(text: &[u8], with: &Options) -> Capture {
    let log = read(text, &Options { threads: Some(1), block_size: 1 << 20, ..with.clone() }).unwrap();
    let expected = dump(&log, &[]);
    for (threads, block_size) in [(1, 1), (2, 64), (7, 97), (2, 400)] {
        let ways = Options { threads: Some(threads), block_size, ..with.clone() };
        assert_eq!(outcome(text, &ways, &[]), expected, "{threads} threads, {block_size} bytes");
    }
    log
}

/// As [`log_with`], of text in ASCII or UTF-8, whose lines are counted.
fn log(text: &str) -> Capture {
    let log = log_with(text.as_bytes(), &options(1, 1 << 20));
    assert_eq!(lines(&log).total(), count_lines(text.as_bytes()));
    log
}

/// What was read, whatever it looked like: amounts and frames of every row.
fn essence(log: &Capture) -> String {
    if matches!(log, Capture::Snapshot(_)) {
        return format!("{:?}", (rows(log), frames(log)));
    }
    let column = |name| numbers(table(log, "rows"), name);
    let bytes = (column("requested_bytes_before"), column("requested_bytes_after"));
    let counts = (column("allocation_count_before"), column("allocation_count_after"));
    format!("{:?}", (bytes, counts, column("stack_id"), frames(log)))
}
