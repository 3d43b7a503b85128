//! Files of other viewers, for stacks that Python has matched and named.

use arrow_array::{
    Array, ArrowPrimitiveType, RecordBatch,
    cast::AsArray,
    types::{Int64Type, UInt32Type},
};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};

use super::{arrow::Rows, pool};
use crate::export::{self, Call, Module, Place, Point, Stacks};

/// Write stacks as a file of `format`: pprof, folded, speedscope, firefox or heaptrack.
///
/// `places` has name str, module u32 (row of `modules`), allocator bool (null: no frame), file str, source_line u32; `inlined`
/// place u32, name, file str, source_line u32, sorted by place, innermost first; `modules` name, path, debug_id str; `steps` one
/// column u32, the places of all stacks, outermost first; `stacks` length u32, owner u32 (row of `owners`), and bytes and blocks of
/// each point i64; `owners` one column str; `points` label and milliseconds.
#[pyfunction]
#[pyo3(signature = (format, title, notes, *, places, inlined, modules, steps, stacks, owners, points, started, changes, packed))]
#[allow(clippy::too_many_arguments, reason = "each is a table")]
pub fn export_stacks<'py>(
    py: Python<'py>,
    format: &str,
    title: String,
    notes: Vec<String>,
    places: Rows,
    inlined: Rows,
    modules: Rows,
    steps: Rows,
    stacks: Rows,
    owners: Rows,
    points: Vec<(String, f64)>,
    started: f64,
    changes: bool,
    packed: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let owner_names = texts(&owners, "owner")?.into_iter().map(Option::unwrap_or_default).collect();
    let all = Stacks {
        title,
        started,
        notes,
        modules: modules_of(&modules)?,
        places: places_of(&places, &inlined)?,
        steps: whole(&steps, "step")?,
        starts: starts(&whole(&stacks, "length")?),
        owners: whole(&stacks, "owner")?,
        owner_names,
        points: points
            .into_iter()
            .enumerate()
            .map(|(place, (label, milliseconds))| {
                let bytes = numbers::<Int64Type>(&stacks, &format!("bytes_{place}"))?;
                let blocks = numbers::<Int64Type>(&stacks, &format!("blocks_{place}"))?;
                Ok(Point { label, milliseconds, bytes, blocks })
            })
            .collect::<PyResult<_>>()?,
    };
    check(&all)?;
    let all = all.prepared();
    let write: fn(&Stacks, bool) -> std::io::Result<Vec<u8>> = match format {
        "pprof" => |stacks, changes| Ok(export::pprof::write(stacks, changes)),
        "folded" => |stacks, changes| Ok(export::folded::write(stacks, changes)),
        "speedscope" => |stacks, changes| Ok(export::speedscope::write(stacks, changes)?),
        "firefox" => |stacks, changes| Ok(export::firefox::write(stacks, changes)?),
        "heaptrack" => |stacks, _| Ok(export::heaptrack::write(stacks)),
        _ => return Err(PyValueError::new_err(format!("expected the name of a format, found {format}"))),
    };
    let written = pool::run(py, None, || {
        let bytes = write(&all, changes)?;
        if packed { export::gzip(&bytes) } else { Ok(bytes) }
    })?;
    Ok(PyBytes::new(py, &written?))
}

/// Refuses tables that name rows which are not there.
fn check(stacks: &Stacks) -> PyResult<()> {
    let owns = |owner: &u32| (*owner as usize) < stacks.owner_names.len();
    let is_place = |place: &u32| (*place as usize) < stacks.places.len();
    let is_module = |place: &Place| place.module.is_none_or(|module| (module as usize) < stacks.modules.len());
    let whole = stacks.starts.last() == Some(&stacks.steps.len());
    let has_steps = stacks.starts.windows(2).all(|ends| ends[0] < ends[1]);
    let fits = whole
        && has_steps
        && !stacks.points.is_empty()
        && stacks.owners.iter().all(owns)
        && stacks.steps.iter().all(is_place)
        && stacks.places.iter().all(is_module);
    if fits { Ok(()) } else { Err(PyValueError::new_err("expected tables that belong together")) }
}

fn starts(lengths: &[u32]) -> Vec<usize> {
    let mut starts = Vec::with_capacity(lengths.len() + 1);
    let mut start = 0;
    starts.push(start);
    for length in lengths {
        start += *length as usize;
        starts.push(start);
    }
    starts
}

fn modules_of(rows: &Rows) -> PyResult<Vec<Module>> {
    let (names, paths, ids) = (texts(rows, "name")?, texts(rows, "path")?, texts(rows, "debug_id")?);
    let all = names.into_iter().zip(paths).zip(ids);
    Ok(all
        .map(|((name, path), debug_id)| Module {
            name: name.unwrap_or_default(),
            path: path.unwrap_or_default(),
            debug_id,
        })
        .collect())
}

fn places_of(places: &Rows, inlined: &Rows) -> PyResult<Vec<Place>> {
    let modules = numbers::<UInt32Type>(places, "module")?;
    let mut found: Vec<Place> = modules
        .into_iter()
        .zip(flags(places, "allocator")?)
        .map(|(module, is_allocator)| Place { calls: Vec::new(), module, is_allocator })
        .collect();
    for (place, call) in numbers::<UInt32Type>(inlined, "place")?.into_iter().zip(calls(inlined)?) {
        let place = place.and_then(|place| found.get_mut(place as usize));
        place.ok_or_else(|| PyValueError::new_err("expected places of inlined calls"))?.calls.push(call);
    }
    for (place, call) in found.iter_mut().zip(calls(places)?) {
        place.calls.push(call);
    }
    Ok(found)
}

fn calls(rows: &Rows) -> PyResult<impl Iterator<Item = Call>> {
    let lines = numbers::<UInt32Type>(rows, "source_line")?;
    let all = texts(rows, "name")?.into_iter().zip(texts(rows, "file")?).zip(lines);
    Ok(all.map(|((name, file), line)| Call { name: name.unwrap_or_default(), file, line }))
}

fn columns<'a, T>(
    rows: &'a Rows,
    name: &str,
    add: impl Fn(&'a dyn Array, &mut Vec<T>) -> Option<()>,
) -> PyResult<Vec<T>> {
    let mut values = Vec::new();
    for batch in &rows.0 {
        let column = RecordBatch::column_by_name(batch, name);
        let added = column.and_then(|column| add(column.as_ref(), &mut values));
        added.ok_or_else(|| PyValueError::new_err(format!("expected the column {name}")))?;
    }
    Ok(values)
}

fn texts(rows: &Rows, name: &str) -> PyResult<Vec<Option<String>>> {
    columns(rows, name, |column, values| {
        values.extend(column.as_string_view_opt()?.iter().map(|text| text.map(str::to_owned)));
        Some(())
    })
}

fn numbers<T: ArrowPrimitiveType>(rows: &Rows, name: &str) -> PyResult<Vec<Option<T::Native>>> {
    columns(rows, name, |column, values| {
        values.extend(column.as_primitive_opt::<T>()?.iter());
        Some(())
    })
}

/// Numbers of a column that has no nulls.
fn whole(rows: &Rows, name: &str) -> PyResult<Vec<u32>> {
    columns(rows, name, |column, values| {
        let column = column.as_primitive_opt::<UInt32Type>().filter(|column| column.null_count() == 0)?;
        values.extend_from_slice(column.values());
        Some(())
    })
}

fn flags(rows: &Rows, name: &str) -> PyResult<Vec<Option<bool>>> {
    columns(rows, name, |column, values| {
        values.extend(column.as_boolean_opt()?.iter());
        Some(())
    })
}
