//! The tables of a log that symbols fill.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array, UInt64Array};

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
        text::texts(rows.iter().map(|((_, code), _)| code.wanted.id.map(|id| id.to_string()))),
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

/// Builds `inlines`.
pub fn inlines(named: &[Option<Named>]) -> RecordBatch {
    let rows = named.iter().enumerate().filter_map(|(frame, named)| Some((frame as u32, named.as_ref()?)));
    let rows: Vec<_> = rows
        .flat_map(|(frame, named)| {
            named.answer.inlined.iter().enumerate().map(move |(depth, call)| (frame, depth as u32, call))
        })
        .collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| row.1).collect::<UInt32Array>()),
        text::texts(rows.iter().map(|row| row.2.function.as_deref())),
        text::texts(rows.iter().map(|row| row.2.file.as_deref())),
        Arc::new(rows.iter().map(|row| row.2.line).collect::<UInt32Array>()),
    ];
    batch(&schema::INLINES, columns)
}

/// Builds `frame_symbols`.
pub fn frame_symbols(named: &[Option<Named>]) -> RecordBatch {
    let rows: Vec<_> =
        named.iter().enumerate().filter_map(|(frame, named)| Some((frame as u32, named.as_ref()?))).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| u64::from(row.1.place)).collect::<UInt64Array>()),
        text::texts(rows.iter().map(|row| row.1.answer.decorated.as_deref())),
        Arc::new(rows.iter().map(|row| row.1.answer.other_names).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.1.is_doubtful)).collect::<BooleanArray>()),
    ];
    batch(&schema::FRAME_SYMBOLS, columns)
}

/// Builds `names`.
pub fn names(named: &[Option<Named>]) -> RecordBatch {
    let rows: Vec<_> =
        named.iter().enumerate().filter_map(|(row, named)| Some((row as u32, named.as_ref()?))).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<UInt32Array>()),
        text::texts(rows.iter().map(|row| row.1.answer.call.function.as_deref())),
        Arc::new(rows.iter().map(|row| row.1.offset()).collect::<UInt64Array>()),
        text::texts(rows.iter().map(|row| row.1.answer.call.file.as_deref())),
        Arc::new(rows.iter().map(|row| row.1.answer.call.line).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.1.is_doubtful)).collect::<BooleanArray>()),
    ];
    batch(&schema::NAMES, columns)
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
