//! `Grid`: the sums of a series, and every curve of it described on all threads.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, UInt8Array, UInt32Array, UInt64Array,
};
use arrow_schema::{Field, Schema};
use pyo3::{
    exceptions::{PyIndexError, PyValueError},
    prelude::*,
};
use rayon::prelude::*;

use super::{
    arrow::{Rows, Table},
    pool,
    snapshot::Snapshot,
};
use crate::{
    diff::totals::{By, Total},
    numbers,
    series::{self, Axis, Curve, Describer},
};

/// Every key of a series at every point. Wrapped by `heapdelta.Series`.
#[pyclass(frozen, module = "heapdelta._native")]
pub struct Grid {
    inner: series::Grid,
    threads: Option<usize>,
}

#[pymethods]
impl Grid {
    /// Sum up snapshots by `stack`, which is the content of their stacks, or by `heap`, which is the address of their heaps.
    #[new]
    #[pyo3(signature = (snapshots, by, *, threads=None))]
    fn new(py: Python<'_>, snapshots: Vec<PyRef<'_, Snapshot>>, by: &str, threads: Option<usize>) -> PyResult<Self> {
        let by = by.parse::<By>()?;
        let snapshots: Vec<&crate::Snapshot> = snapshots.iter().map(|snapshot| &snapshot.inner).collect();
        let inner = pool::run(py, threads, || series::Grid::of(&snapshots, by))?;
        Ok(Self { inner, threads })
    }

    /// Take sums that are known: a row for each key and point that has something, with the columns key u32, point u32 and the
    /// sums u64, null where they are not known. `keys` and `points` say how many there are; `overhead` whether each point's log
    /// writes it.
    #[staticmethod]
    #[pyo3(signature = (sums, *, keys, overhead, threads=None))]
    fn of_sums(sums: Rows, keys: usize, overhead: Vec<bool>, threads: Option<usize>) -> PyResult<Self> {
        let inner = series::Grid::of_sums(&sums.0, keys, overhead);
        let inner =
            inner.ok_or_else(|| PyValueError::new_err("expected key, point and the sums of cells that are there"))?;
        Ok(Self { inner, threads })
    }

    /// One row per key: value u64, status u8, and where it was seen last: point u32, row u32.
    fn keys(&self) -> PyResult<Table> {
        let keys = &self.inner.keys;
        table(vec![
            ("value", Arc::new(keys.iter().map(|key| key.value).collect::<UInt64Array>())),
            ("status", Arc::new(UInt8Array::from_iter_values(keys.iter().map(|key| key.status as u8)))),
            ("point", Arc::new(UInt32Array::from_iter_values(keys.iter().map(|key| key.point)))),
            ("row", Arc::new(UInt32Array::from_iter_values(keys.iter().map(|key| key.row)))),
        ])
    }

    /// Add keys up into groups: each key goes into the group that is at the same place.
    fn sum(&self, py: Python<'_>, keys: Vec<u32>, groups: Vec<u32>, group_count: usize) -> PyResult<Self> {
        let outside = |numbers: &[u32], count: usize| numbers.iter().any(|number| *number as usize >= count);
        if keys.len() != groups.len() || outside(&keys, self.inner.len()) || outside(&groups, group_count) {
            return Err(PyIndexError::new_err("expected a key and a group that are there, for every pair"));
        }
        let pairs: Vec<(u32, u32)> = keys.into_iter().zip(groups).collect();
        let inner = pool::run(py, self.threads, || self.inner.sum(&pairs, group_count))?;
        Ok(Self { inner, threads: self.threads })
    }

    /// The cells of keys in the order given, a row for each key and point: key u32, point u32, present bool, sums u64, null
    /// where they are not known.
    fn cells(&self, keys: Vec<u32>) -> PyResult<Table> {
        self.check(&keys)?;
        let points = self.inner.points();
        let cells = || keys.iter().flat_map(|key| (0..points).map(|point| self.inner.cell(*key as usize, point)));
        let sums = |of: fn(&Total) -> Option<u64>| Arc::new(cells().map(|cell| of(&cell)).collect::<UInt64Array>());
        let each_key = keys.iter().flat_map(|key| std::iter::repeat_n(*key, points));
        table(vec![
            ("key", Arc::new(UInt32Array::from_iter_values(each_key))),
            ("point", Arc::new(UInt32Array::from_iter_values(keys.iter().flat_map(|_| 0..points as u32)))),
            ("present", Arc::new(BooleanArray::from_iter(cells().map(|cell| Some(cell.present))))),
            ("requested_bytes", sums(Total::requested_bytes)),
            ("overhead_bytes", sums(Total::overhead_bytes)),
            ("allocation_count", sums(Total::allocation_count)),
        ])
    }

    /// Requested bytes of every key at one point, null where they are not known.
    fn sizes(&self, point: usize) -> PyResult<Table> {
        if point >= self.inner.points() {
            return Err(PyIndexError::new_err("expected a point of the grid"));
        }
        let sizes = (0..self.inner.len()).map(|key| self.inner.cell(key, point).requested_bytes());
        table(vec![("requested_bytes", Arc::new(sizes.collect::<UInt64Array>()))])
    }

    /// Describe the curves of requested bytes over a stretch of points, of all keys that have something there.
    ///
    /// Sizes ending in `_bytes` are exact; the others are above the least. A curve with a point that is not known is not
    /// described: `unknown_points` counts these, and its numbers are null.
    /// `times` has a time for each point from `first` on; ranges are pairs (from, to) inside it, `to` left out;
    /// `settled` is where the settled part begins.
    #[pyo3(signature = (first, times, *, middle, late, settled, quantile, fall_share))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn curves(
        &self,
        py: Python<'_>,
        first: usize,
        times: Vec<f64>,
        middle: (usize, usize),
        late: (usize, usize),
        settled: usize,
        quantile: f64,
        fall_share: f64,
    ) -> PyResult<Table> {
        let fits = |range: (usize, usize)| range.0 <= range.1 && range.1 <= times.len();
        let rising = times.windows(2).all(|pair| pair[0] <= pair[1]);
        if times.is_empty() || !rising || !fits(middle) || !fits(late) || first + times.len() > self.inner.points() {
            return Err(PyValueError::new_err("expected times that never fall, for points of the grid"));
        }
        let axis = Axis { times, middle: middle.0..middle.1, late: late.0..late.1, settled, quantile, fall_share };
        let curves = pool::run(py, self.threads, || describe(&self.inner, first, &axis))?;
        curve_table(&curves)
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }
}

impl Grid {
    fn check(&self, keys: &[u32]) -> PyResult<()> {
        let known = keys.iter().all(|key| (*key as usize) < self.inner.len());
        if known { Ok(()) } else { Err(PyIndexError::new_err("expected keys of the grid")) }
    }
}

/// A curve, and what is beside it.
struct Described {
    key: u32,
    /// Absent where it is not known, or 64 bits do not hold it.
    count_delta: Option<i64>,
    /// Points whose bytes are not known.
    unknown_points: u32,
    /// Bytes at the first point, and at the last.
    ends: [Option<u64>; 2],
    /// The least bytes, and the most; absent if a point is not known.
    reach: Option<[u64; 2]>,
    /// The bytes above the least; absent if a point is not known.
    curve: Option<Curve>,
}

fn describe(grid: &series::Grid, first: usize, axis: &Axis) -> Vec<Described> {
    let keys = (0..grid.len()).into_par_iter();
    let one = |(describer, cells): &mut (Describer<'_>, Vec<Total>), key: usize| {
        cells.clear();
        cells.extend((first..first + axis.times.len()).map(|point| grid.cell(key, point)));
        cells.iter().any(|cell| cell.present).then(|| described(key as u32, cells, describer))
    };
    keys.map_init(|| (Describer::new(axis), Vec::new()), one).flatten_iter().collect()
}

fn described(key: u32, cells: &[Total], describer: &mut Describer<'_>) -> Described {
    let (first, last) = (&cells[0], &cells[cells.len() - 1]);
    let bytes = || cells.iter().map(Total::requested_bytes);
    let known: Option<Vec<u64>> = bytes().collect();
    let reach = known.as_ref().and_then(|bytes| Some([*bytes.iter().min()?, *bytes.iter().max()?]));
    // Above the least, floating-point numbers are exact up to 2^53 bytes, however large one damaged block is.
    let curve = known.zip(reach).map(|(bytes, [least, _])| describer.describe(bytes.iter().map(|bytes| bytes - least)));
    Described {
        key,
        count_delta: count_delta(first, last),
        unknown_points: bytes().filter(Option::is_none).count() as u32,
        ends: [first, last].map(Total::requested_bytes),
        reach,
        curve,
    }
}

fn count_delta(first: &Total, last: &Total) -> Option<i64> {
    numbers::difference(last.allocation_count(), first.allocation_count())
}

fn curve_table(curves: &[Described]) -> PyResult<Table> {
    type Number = fn(&Curve) -> Option<f64>;
    let numbers: [(&str, Number); 25] = [
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
        ("settled_min", |curve| Some(curve.settled.min)),
        ("settled_max", |curve| Some(curve.settled.max)),
        ("settled_floor", |curve| Some(curve.settled.floor)),
    ];
    type Count = fn(&Curve) -> u32;
    let counts: [(&str, Count); 5] = [
        ("step_to", |curve| curve.shape.step_to),
        ("falls", |curve| curve.shape.falls),
        ("turns", |curve| curve.shape.turns),
        ("settled_falls", |curve| curve.settled.falls),
        ("settled_turns", |curve| curve.settled.turns),
    ];
    let deltas = curves.iter().map(|described| described.count_delta);
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("key", Arc::new(UInt32Array::from_iter_values(curves.iter().map(|described| described.key)))),
        ("count_delta", Arc::new(deltas.collect::<Int64Array>())),
        ("unknown_points", Arc::new(UInt32Array::from_iter_values(curves.iter().map(|one| one.unknown_points)))),
    ];
    type Bytes = fn(&Described) -> Option<u64>;
    let bytes: [(&str, Bytes); 4] = [
        ("first_bytes", |described| described.ends[0]),
        ("last_bytes", |described| described.ends[1]),
        ("min_bytes", |described| Some(described.reach?[0])),
        ("max_bytes", |described| Some(described.reach?[1])),
    ];
    for (name, number) in bytes {
        columns.push((name, Arc::new(curves.iter().map(number).collect::<UInt64Array>())));
    }
    let curves = || curves.iter().map(|described| described.curve.as_ref());
    for (name, number) in numbers {
        columns.push((name, Arc::new(curves().map(|curve| number(curve?)).collect::<Float64Array>())));
    }
    for (name, count) in counts {
        columns.push((name, Arc::new(curves().map(|curve| Some(count(curve?))).collect::<UInt32Array>())));
    }
    table(columns)
}

fn table(columns: Vec<(&str, ArrayRef)>) -> PyResult<Table> {
    let field = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays);
    let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(crate::table::Table { schema, batches: vec![batch] }.into())
}
