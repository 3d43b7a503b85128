//! What one pass found becomes a snapshot or a comparison, with its header and all of its tables.

use super::log::{Outcome, Pass, entries};
use crate::{
    assemble::Tables,
    error::{Error, ErrorKind, Result, excerpt_of},
    input::Source,
    log::{Dialect, comparison, sink::SectionLine},
    snapshot::{About, Capture, Comparison, Header, Snapshot},
    table::{Table, rows, schema, text},
};

/// The capture of one pass.
///
/// # Errors
///
/// [`ErrorKind::FailedCapture`] for a log whose tool gave up.
pub fn finish(source: &Source<'_>, pass: Pass) -> Result<Capture> {
    let Pass { dialect, encoding, byte_count, .. } = pass;
    let about = |tables: &Tables| About {
        path: source.path().map(ToOwned::to_owned),
        encoding: match &tables.ansi {
            Some(_) if encoding.is_assumed() => "windows-1252".to_owned(),
            _ => encoding.name(),
        },
        lines: tables.lines,
        byte_count,
    };
    match pass.outcome {
        Outcome::Capture(tables) => {
            let about = about(&tables);
            snapshot(*tables, dialect, about)
        }
        Outcome::Comparison(tables, comparison) => {
            let about = about(&tables);
            Ok(Capture::Comparison(finish_comparison(*tables, comparison, about)))
        }
        // A capture is one: its first line and its end were found by the same rules.
        Outcome::Several(starts) => Err(ErrorKind::ManyCaptures { captures: entries(&starts) }.into()),
    }
}

/// Makes a snapshot of a capture, unless it failed.
fn snapshot(tables: Tables, dialect: Dialect, about: About) -> Result<Capture> {
    let header = tables.headers.first().cloned().unwrap_or_default();
    // A DH log can hold sections without any heap; only a capture without a word of its own has failed.
    let is_console = |row: &SectionLine| matches!(row.kind, "console" | "comment" | "symbols");
    let is_silent = header.tool == "UMDH" || tables.sections.iter().all(is_console);
    if tables.heaps.is_empty() && !tables.headers.is_empty() && is_silent {
        let message = failure(&tables.sections, header.line);
        let error = Error::new(ErrorKind::FailedCapture { message });
        return Err(error.at(header.line, header.byte));
    }
    let header = Header {
        format: dialect.as_str().to_owned(),
        tool_version: header.version,
        taken_at: header.taken_at,
        machine: header.machine,
        pid: header.pid,
        pointer_width: if tables.address_bits > u64::from(u32::MAX) { 64 } else { 32 },
    };
    let sections = Table::new(&schema::SECTIONS, vec![text::sections(&tables.sections)]);
    let issues = Table::new(&schema::ISSUES, vec![text::issues(tables.issues)]);
    let tables = vec![
        ("allocations", tables.allocations),
        ("usage", tables.usage),
        ("stacks", tables.stacks),
        ("frames", tables.frames),
        ("modules", tables.modules),
        ("heaps", tables.heaps),
        ("sections", sections),
        ("issues", issues),
    ];
    Ok(Capture::Snapshot(Snapshot { about, header, tables }))
}

/// Gives every row of a comparison its stack.
fn finish_comparison(tables: Tables, comparison: comparison::Comparison, about: About) -> Comparison {
    let stack = |row: &comparison::Row| {
        let printed = row.definition.map(|definition| tables.stack_of_definition[definition as usize]);
        printed.or_else(|| row.trace.map(|slot| tables.stack_of_trace[slot.0 as usize]))
    };
    let stacks: Vec<Option<u32>> = comparison.rows.iter().map(stack).collect();
    let rows = Table::new(&schema::ROWS, vec![rows::batch(&comparison.rows, &stacks)]);
    let sections = Table::new(&schema::SECTIONS, vec![text::sections(&tables.sections)]);
    let issues = Table::new(&schema::ISSUES, vec![text::issues(tables.issues)]);
    Comparison {
        about,
        format: comparison.style.as_str().to_owned(),
        radix: comparison.radix,
        total_requested_delta: comparison.total_requested_delta,
        total_overhead_delta: comparison.total_overhead_delta,
        tables: vec![
            ("rows", rows),
            ("stacks", tables.stacks),
            ("frames", tables.frames),
            ("modules", tables.modules),
            ("sections", sections),
            ("issues", issues),
        ],
    }
}

/// What the tool said before it gave up: from the first line of its output that speaks of a failure to the last one, else its
/// last words on the console. A log that was cut on its way says nothing of the kind.
fn failure(sections: &[SectionLine], header_line: u64) -> String {
    const SIGNS: [&str; 8] = ["fail", "error", "couldn't", "cannot", "unable", "denied", "incorrect", "c0000"];
    let mut said =
        sections.iter().filter(|row| row.line > header_line && !row.text.trim_matches(['/', ' ']).is_empty());
    let speaks = |text: &str| SIGNS.iter().any(|sign| text.to_ascii_lowercase().contains(sign));
    let console = |row: &&SectionLine| row.kind == "console" && !row.text.trim_start().starts_with("//");
    let spoken: Vec<&str> = said.clone().map(|row| row.text.trim()).collect();
    let first = spoken.iter().position(|text| speaks(text));
    let last = spoken.iter().rposition(|text| speaks(text));
    let words = match first.zip(last) {
        Some((first, last)) => Some(spoken[first..=last].join(" ")),
        None => said.rfind(console).map(|row| row.text.trim().to_owned()),
    };
    words.map_or_else(|| "the log ends before its first heap".to_owned(), |words| excerpt_of(words.as_bytes(), 400))
}
