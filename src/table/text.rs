//! The tables that keep the file's own words: `sections` and `issues`.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringViewArray, UInt64Array};

use super::schema;
use crate::log::{
    issues::Issues,
    sink::{Issue, SectionLine},
};

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

/// Builds `sections`; lines are those of the file.
pub fn sections(rows: &[SectionLine]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|row| row.section.as_str())),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.line))),
        texts(rows.iter().map(|row| row.kind)),
        texts(rows.iter().map(|row| row.text.as_str())),
        Arc::new(rows.iter().map(|row| row.tokens.as_deref()).collect::<StringViewArray>()),
    ];
    super::batch(&schema::SECTIONS, columns)
}

/// Builds `issues`; lines and bytes are those of the file.
pub fn issues(issues: Issues) -> RecordBatch {
    let (rows, counts): (Vec<Issue>, Vec<u64>) = issues.finish().into_iter().unzip();
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|row| row.severity.as_str())),
        texts(rows.iter().map(|row| row.kind)),
        Arc::new(rows.iter().map(|row| row.line).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| row.byte).collect::<UInt64Array>()),
        texts(rows.iter().map(|row| row.text.as_str())),
        texts(rows.iter().map(|row| row.action)),
        Arc::new(UInt64Array::from(counts)),
    ];
    super::batch(&schema::ISSUES, columns)
}
