//! The tables of a log that symbols fill.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array, UInt64Array};

use super::texts::Texts;
use crate::{
    error::Severity,
    snapshot::modules::Module,
    symbols::{Code, Match, Named, Outcome, Store},
    table::{batch, schema, text},
};

/// Builds `symbols`.
pub fn symbols(modules: &[Module<'_>], codes: &[Code<'_>], outcomes: &[Outcome]) -> RecordBatch {
    let rows: Vec<_> = modules.iter().zip(codes).zip(outcomes).filter(|(_, outcome)| outcome.addresses > 0).collect();
    let found = |outcome: &Outcome| {
        let taken = outcome.found.file.as_ref();
        let taken = taken.map(|file| (file.path.clone(), file.facts().ok().and_then(|facts| facts.id)));
        taken.or_else(|| outcome.found.refused.clone())
    };
    let kind = |outcome: &Outcome| Some(outcome.found.file.as_ref()?.facts().ok()?.kind.as_str());
    let columns: Vec<ArrayRef> = vec![
        text::texts(rows.iter().map(|((module, _), _)| Some(module.name))),
        Arc::new(rows.iter().map(|((module, _), _)| module.base).collect::<UInt64Array>()),
        text::texts(rows.iter().map(|((_, code), _)| Some(code.wanted.asked()))),
        text::texts(rows.iter().map(|((_, code), outcome)| Some(code.wanted.id.or(outcome.found.id)?.to_string()))),
        text::texts(rows.iter().map(|(_, outcome)| Some(found(outcome)?.0.display().to_string()))),
        text::texts(rows.iter().map(|(_, outcome)| Some(found(outcome)?.1?.to_string()))),
        text::texts(rows.iter().map(|(_, outcome)| Some(outcome.found.by.as_str()))),
        text::texts(rows.iter().map(|(_, outcome)| kind(outcome))),
        Arc::new(rows.iter().map(|(_, outcome)| outcome.addresses).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|(_, outcome)| outcome.named).collect::<UInt32Array>()),
        text::texts(rows.iter().map(|(_, outcome)| outcome.found.reason.as_deref())),
    ];
    batch(&schema::SYMBOLS, columns)
}

/// Builds `inlines` of some addresses; `first` is the number of the first.
pub fn inlines(first: usize, named: &[Option<Named<'_>>], texts: &Texts) -> RecordBatch {
    let rows: Vec<_> = rows(first, named)
        .flat_map(|(frame, named)| {
            (0_u32..).zip(named.calls).map(move |(depth, call)| (frame, depth, named.module, call))
        })
        .collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.0))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.1))),
        texts.column(rows.iter().map(|row| (row.2, row.3.function))),
        texts.column(rows.iter().map(|row| (row.2, row.3.file))),
        Arc::new(rows.iter().map(|row| row.3.line).collect::<UInt32Array>()),
    ];
    batch(&schema::INLINES, columns)
}

/// Builds `frame_symbols` of some frames; `first` is the number of the first.
pub fn frame_symbols(first: usize, named: &[Option<Named<'_>>], texts: &Texts) -> RecordBatch {
    let rows = || rows(first, named);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(rows().map(|row| row.0))),
        Arc::new(UInt64Array::from_iter_values(rows().map(|row| row.1.place.into()))),
        texts.column(rows().map(|row| (row.1.module, row.1.function.decorated))),
        Arc::new(UInt32Array::from_iter_values(rows().map(|row| row.1.function.other_names))),
        Arc::new(rows().map(|row| Some(row.1.is_doubtful)).collect::<BooleanArray>()),
    ];
    batch(&schema::FRAME_SYMBOLS, columns)
}

/// Builds `names`.
pub fn names(named: &[Option<Named<'_>>], texts: &Texts) -> RecordBatch {
    let rows = || rows(0, named);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(rows().map(|row| row.0))),
        texts.column(rows().map(|row| (row.1.module, row.1.function.name))),
        Arc::new(UInt64Array::from_iter_values(rows().map(|row| row.1.offset()))),
        texts.column(rows().map(|row| (row.1.module, row.1.told.file))),
        Arc::new(rows().map(|row| row.1.told.line).collect::<UInt32Array>()),
        Arc::new(rows().map(|row| Some(row.1.is_doubtful)).collect::<BooleanArray>()),
    ];
    batch(&schema::NAMES, columns)
}

/// Addresses that have a name, and their numbers.
fn rows<'n, 'a>(first: usize, named: &'n [Option<Named<'a>>]) -> impl Iterator<Item = (u32, &'n Named<'a>)> {
    (first as u32..).zip(named).filter_map(|(row, named)| Some((row, named.as_ref()?)))
}

/// Builds the rows of `issues` about files: those that are damaged or cannot be read, and those of other builds.
pub fn issues_of(store: &Store, outcomes: &[Outcome]) -> RecordBatch {
    let mut rows: Vec<(Severity, &str, String, &str)> = Vec::new();
    let places = store.faults().iter().chain(outcomes.iter().flat_map(|outcome| &outcome.found.faults));
    for (path, fault) in places {
        let said = format!("{}: {fault}", path.display());
        if !rows.iter().any(|(_, _, known, _)| *known == said) {
            rows.push((Severity::Warning, "unreadable_symbols", said, "the file was left out"));
        }
    }
    let of_other_builds =
        outcomes.iter().filter(|outcome| outcome.addresses > 0 && outcome.found.by == Match::Mismatch);
    rows.extend(of_other_builds.map(|outcome| {
        let said = outcome.found.reason.clone().unwrap_or_default();
        (Severity::Warning, "symbols_mismatch", said, "the module has no names")
    }));
    let count = rows.len();
    let columns: Vec<ArrayRef> = vec![
        text::texts(rows.iter().map(|row| Some(row.0.as_str()))),
        text::texts(rows.iter().map(|row| Some(row.1))),
        Arc::new(UInt64Array::new_null(count)),
        Arc::new(UInt64Array::new_null(count)),
        text::texts(rows.iter().map(|row| Some(row.2.as_str()))),
        text::texts(rows.iter().map(|row| Some(row.3))),
        Arc::new(UInt64Array::from(vec![1; count])),
    ];
    batch(&schema::ISSUES, columns)
}
