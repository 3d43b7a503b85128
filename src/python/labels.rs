//! What Python tells of every frame, and what it is told.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch, StringViewArray, cast::AsArray, types::UInt32Type};
use arrow_schema::DataType;
use pyo3::{exceptions::PyValueError, prelude::*};
use rayon::prelude::*;

use super::{
    arrow::{Rows, Table},
    pool,
};
use crate::{
    diff::{self, NO_KEY},
    table::{self, schema},
};

/// Which frames are an allocator's.
pub struct Flags(pub Vec<bool>);

impl Flags {
    pub fn of(rows: &Rows) -> PyResult<Self> {
        let mut flags = Vec::new();
        for column in rows.only_column(&DataType::Boolean)? {
            let column = column.as_boolean();
            flags.extend((0..column.len()).map(|row| column.is_valid(row) && column.value(row)));
        }
        Ok(Self(flags))
    }

    pub fn has(&self, frame: u32) -> bool {
        self.0.get(frame as usize).is_some_and(|flag| *flag)
    }
}

/// The group of each frame, or the key of each stack; [`NO_KEY`] for none.
pub struct Groups(pub Vec<u32>);

impl Groups {
    pub fn of(rows: &Rows) -> PyResult<Self> {
        let mut groups = Vec::new();
        for column in rows.only_column(&DataType::UInt32)? {
            let column = column.as_primitive::<UInt32Type>();
            match column.null_count() {
                0 => groups.extend_from_slice(column.values()),
                _ => groups.extend(column.iter().map(|group| group.unwrap_or(NO_KEY))),
            }
        }
        Ok(Self(groups))
    }

    pub fn of_frame(&self, frame: u32) -> Option<u32> {
        self.0.get(frame as usize).copied().filter(|group| *group != NO_KEY)
    }
}

/// The words of the column `status`, by number.
#[pyfunction]
pub fn statuses() -> Vec<&'static str> {
    diff::Status::ALL.map(diff::Status::as_str).to_vec()
}

/// What steps of a path are that are neither a module nor a frame, by number.
#[pyfunction]
pub fn path_kinds() -> Vec<&'static str> {
    diff::paths::KINDS.to_vec()
}

/// Tell which frames have a name that is probably that of another function: one column `doubtful`. `frames` has the columns
/// function and offset of `frames`.
#[pyfunction]
pub fn doubtful_names(frames: Rows) -> PyResult<Table> {
    let doubtful: Option<Vec<RecordBatch>> = frames.0.iter().map(diff::doubtful_names).collect();
    let doubtful = doubtful.ok_or_else(|| PyValueError::new_err("expected function and offset of frames"))?;
    Ok(table::Table::new(&schema::DOUBTFUL_NAMES, doubtful).into())
}

/// Write numbers as upper-case hexadecimal: one column `text`. `numbers` has one column u64.
#[pyfunction]
pub fn hexadecimal(numbers: Rows) -> PyResult<Table> {
    let columns = numbers.only_column(&DataType::UInt64)?;
    let texts = columns.map(|column| text(diff::hexadecimal(column.as_primitive())));
    Ok(table::Table::new(&schema::TEXT, texts.collect()).into())
}

fn text(texts: StringViewArray) -> RecordBatch {
    table::batch(&schema::TEXT, vec![Arc::new(texts)])
}

/// Name frames for a ranking: one column `text`. `frames` has the columns module, function, offset and text of `frames`.
#[pyfunction]
pub fn function_labels(py: Python<'_>, frames: Rows) -> PyResult<Table> {
    /// Rows that one thread names in one go.
    const PORTION: usize = 1 << 14;
    let portions = frames.0.iter().flat_map(|batch| {
        let portion = |start| batch.slice(start, PORTION.min(batch.num_rows() - start));
        (0..batch.num_rows()).step_by(PORTION).map(portion)
    });
    let portions: Vec<RecordBatch> = portions.collect();
    let label = |portion| Some(text(diff::function_labels(portion)?));
    let labels: Option<Vec<RecordBatch>> = pool::run(py, None, || portions.par_iter().map(label).collect())?;
    let labels = labels.ok_or_else(|| PyValueError::new_err("expected module, function, offset and text of frames"))?;
    Ok(table::Table::new(&schema::TEXT, labels).into())
}
