//! `describe_curves`: every curve of a run, on all threads, as one table.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{Field, Schema};
use pyo3::{exceptions::PyValueError, prelude::*};
use rayon::prelude::*;

use super::arrow::{Table, column_of};
use crate::{
    parallel::Pool,
    trend::{Axis, Curve, Describer},
};

/// Describe curves. `bytes` is a frame with one column of u64: curve after curve, a value for each of `times`.
///
/// Ranges of points are pairs (from, to), `to` left out. Wrapped by `heapdelta.Series.growth`.
#[pyfunction]
#[pyo3(signature = (bytes, times, *, middle, late, quantile, fall_share, threads=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn describe_curves(
    py: Python<'_>,
    bytes: &Bound<'_, PyAny>,
    times: Vec<f64>,
    middle: (usize, usize),
    late: (usize, usize),
    quantile: f64,
    fall_share: f64,
    threads: Option<usize>,
) -> PyResult<Table> {
    let points = times.len();
    let fits = |range: (usize, usize)| range.0 <= range.1 && range.1 <= points;
    if points == 0 || !fits(middle) || !fits(late) || times.windows(2).any(|pair| pair[1] < pair[0]) {
        return Err(PyValueError::new_err("expected times that never fall, and ranges inside them"));
    }
    let values = column_of::<UInt64Array>(bytes)?;
    if values.iter().any(|chunk| chunk.null_count() > 0) {
        return Err(PyValueError::new_err("expected bytes without nulls"));
    }
    let axis = Axis { times, middle: middle.0..middle.1, late: late.0..late.1, quantile, fall_share };
    let curves = py.detach(|| {
        let values: Vec<u64> = values.iter().flat_map(|chunk| chunk.values().iter().copied()).collect();
        if values.len() % points != 0 {
            return Err(PyValueError::new_err("expected a value for every time of every curve"));
        }
        let pool = Pool::new(threads).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(pool.install(|| describe(&values, &axis)))
    })?;
    table(&curves)
}

fn describe(values: &[u64], axis: &Axis) -> Vec<Curve> {
    let curves = values.par_chunks_exact(axis.times.len());
    curves.map_init(|| Describer::new(axis), |describer, curve| describer.describe(curve)).collect()
}

fn table(curves: &[Curve]) -> PyResult<Table> {
    type Number = fn(&Curve) -> Option<f64>;
    let numbers: [(&str, Number); 22] = [
        ("slope", |curve| curve.slopes.slope),
        ("slope_low", |curve| curve.slopes.low),
        ("slope_high", |curve| curve.slopes.high),
        ("middle_slope", |curve| curve.middle.slope),
        ("late_slope", |curve| curve.late.slope),
        ("late_low", |curve| curve.late.low),
        ("late_high", |curve| curve.late.high),
        ("score", |curve| Some(curve.score as f64)),
        ("p_value", |curve| Some(curve.p_value)),
        ("late_p_value", |curve| Some(curve.late_p_value)),
        ("rest_p_value", |curve| Some(curve.rest_p_value)),
        ("min", |curve| Some(curve.shape.min)),
        ("max", |curve| Some(curve.shape.max)),
        ("first", |curve| Some(curve.shape.first)),
        ("last", |curve| Some(curve.shape.last)),
        ("late_min", |curve| Some(curve.shape.late_min)),
        ("late_max", |curve| Some(curve.shape.late_max)),
        ("rising_share", |curve| Some(curve.shape.rising_share)),
        ("step", |curve| Some(curve.shape.step)),
        ("level_rise", |curve| Some(curve.shape.level_rise)),
        ("side_spread", |curve| Some(curve.shape.side_spread)),
        ("floor", |curve| Some(curve.shape.floor)),
    ];
    let counts: [(&str, fn(&Curve) -> u32); 3] = [
        ("step_to", |curve| curve.shape.step_to),
        ("falls", |curve| curve.shape.falls),
        ("turns", |curve| curve.shape.turns),
    ];
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    for (name, number) in numbers {
        columns.push((name, Arc::new(curves.iter().map(number).collect::<Float64Array>())));
    }
    for (name, count) in counts {
        columns.push((name, Arc::new(UInt32Array::from_iter_values(curves.iter().map(count)))));
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays);
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(crate::table::Table { schema, batches: vec![batch] }.into())
}
