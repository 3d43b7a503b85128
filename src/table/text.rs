//! Columns of text, and the tables that keep the file's own words: `sections` and `issues`.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array, builder::StringViewBuilder};

use super::schema;
use crate::log::sink::{Issue, SectionLine, issues::Issues};

/// A builder of texts for as many rows. Left to itself it takes 8 KiB for the first text, which is more than a small log has.
pub fn builder(rows: usize) -> StringViewBuilder {
    const FEW: usize = 128;
    /// Bytes of a text, about; longer ones get room of their own.
    const TEXT: u32 = 64;
    let builder = StringViewBuilder::with_capacity(rows);
    if rows < FEW { builder.with_fixed_block_size(TEXT * (1 + rows as u32)) } else { builder }
}

/// A column of texts, some of which may be absent.
pub fn texts<T: AsRef<str>>(values: impl ExactSizeIterator<Item = Option<T>>) -> ArrayRef {
    let mut texts = builder(values.len());
    values.for_each(|value| texts.append_option(value));
    Arc::new(texts.finish())
}

/// Builds `sections`; lines are those of the file.
pub fn sections(rows: &[SectionLine]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|row| Some(row.section.as_str()))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.line))),
        texts(rows.iter().map(|row| Some(row.kind))),
        texts(rows.iter().map(|row| Some(row.text.as_str()))),
        texts(rows.iter().map(|row| row.tokens.as_deref())),
    ];
    super::batch(&schema::SECTIONS, columns)
}

/// Builds `issues`; lines and bytes are those of the file.
pub fn issues(issues: Issues) -> RecordBatch {
    let (rows, counts): (Vec<Issue>, Vec<u64>) = issues.finish().into_iter().unzip();
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|row| Some(row.severity.as_str()))),
        texts(rows.iter().map(|row| Some(row.kind))),
        Arc::new(rows.iter().map(|row| row.line).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| row.byte).collect::<UInt64Array>()),
        texts(rows.iter().map(|row| Some(row.text.as_str()))),
        texts(rows.iter().map(|row| Some(row.action))),
        Arc::new(UInt64Array::from(counts)),
    ];
    super::batch(&schema::ISSUES, columns)
}
