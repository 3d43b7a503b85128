//! Text of the old tools, for rows that Python has matched.

use pyo3::{exceptions::PyValueError, prelude::*};

use super::snapshot::Snapshot;
use crate::{
    compat::{self, dhcmp, umdh},
    snapshot::StackTexts,
};

/// A row as the frames hand it over: name, bytes before and after, blocks before and after, side and number of its stack.
type RowTuple = (String, Option<u64>, Option<u64>, Option<u64>, Option<u64>, Option<String>, Option<u32>);

fn rows_of<T: for<'a, 'py> FromPyObject<'a, 'py, Error = PyErr>>(frame: &Bound<'_, PyAny>) -> PyResult<Vec<T>> {
    frame.call_method0("rows")?.extract()
}

/// Stacks of both sides as text; absent where no frames are written.
struct Texts<'a> {
    before: Option<StackTexts<'a>>,
    after: Option<StackTexts<'a>>,
}

impl<'a> Texts<'a> {
    fn new(before: Option<&'a Snapshot>, after: &'a Snapshot) -> Self {
        Self { before: before.map(|side| side.inner.stack_texts()), after: Some(after.inner.stack_texts()) }
    }

    fn of_stack(&self, side: Option<&str>, stack: Option<u32>) -> PyResult<Vec<&str>> {
        let texts = match side {
            Some("before") => self.before.as_ref(),
            Some("after") => self.after.as_ref(),
            Some(other) => {
                return Err(PyValueError::new_err(format!("expected the side before or after, found {other}")));
            }
            None => None,
        };
        Ok(texts.zip(stack).map(|(texts, stack)| texts.of_stack(stack)).unwrap_or_default())
    }
}

/// Rows whose sums are known, and the names of the others.
fn rows<'a>(tuples: &'a [RowTuple], texts: &'a Texts<'a>) -> PyResult<(Vec<compat::Row<'a>>, Vec<&'a str>)> {
    let (mut rows, mut unknown) = (Vec::new(), Vec::new());
    for (name, before, after, count_before, count_after, side, stack) in tuples {
        let Some((before, after)) = before.zip(*after) else {
            unknown.push(name.as_str());
            continue;
        };
        rows.push(compat::Row {
            name: name.as_str().into(),
            before,
            after,
            count_before: *count_before,
            count_after: *count_after,
            frames: texts.of_stack(side.as_deref(), *stack)?,
        });
    }
    Ok((rows, unknown))
}

/// Text of DHCMP mode 1. `rows` is a polars.DataFrame of name, requested_bytes_before, requested_bytes_after,
/// allocation_count_before, allocation_count_after, side, stack_id.
#[pyfunction]
#[pyo3(signature = (rows, before, after, *, decimal, verbose))]
pub fn format_dhcmp(
    rows: &Bound<'_, PyAny>,
    before: Option<&Snapshot>,
    after: &Snapshot,
    decimal: bool,
    verbose: bool,
) -> PyResult<String> {
    let tuples: Vec<RowTuple> = rows_of(rows)?;
    let texts = if verbose { Texts::new(before, after) } else { Texts { before: None, after: None } };
    let (rows, unknown) = self::rows(&tuples, &texts)?;
    Ok(compat::with_unknown(dhcmp::write_mode1(&rows, decimal, verbose), &unknown))
}

/// Text of UMDH's comparison: two lines a stack, its frames, the total. `rows` as for format_dhcmp.
#[pyfunction]
#[pyo3(signature = (rows, before, after, *, decimal, overhead_delta))]
pub fn format_umdh(
    rows: &Bound<'_, PyAny>,
    before: Option<&Snapshot>,
    after: &Snapshot,
    decimal: bool,
    overhead_delta: Option<i64>,
) -> PyResult<String> {
    let tuples: Vec<RowTuple> = rows_of(rows)?;
    let texts = Texts::new(before, after);
    let (rows, unknown) = self::rows(&tuples, &texts)?;
    Ok(compat::with_unknown(umdh::write(&rows, decimal, overhead_delta), &unknown))
}

/// Text of DHCMP mode 2 in the layout of heapdelta. `rows` is a polars.DataFrame of name, requested_bytes,
/// allocation_count.
#[pyfunction]
#[pyo3(signature = (rows, *, decimal))]
pub fn format_sites(rows: &Bound<'_, PyAny>, decimal: bool) -> PyResult<String> {
    let tuples: Vec<(String, Option<u64>, Option<u64>)> = rows_of(rows)?;
    let (mut sites, mut unknown) = (Vec::new(), Vec::new());
    for (name, bytes, count) in &tuples {
        match bytes.zip(*count) {
            Some((bytes, count)) => sites.push(dhcmp::Site { name, bytes, count }),
            None => unknown.push(name.as_str()),
        }
    }
    Ok(compat::with_unknown(dhcmp::write_mode2(&sites, decimal), &unknown))
}
