//! Curves of bytes over time become numbers that tell how they grow: slope and its interval, chance, shape.
//!
//! Pure functions of numbers; what the numbers mean is decided in `python/heapdelta/_series/verdict.py`. The statistics are those
//! of SciPy (`theilslopes`, `kendalltau`), which needs tens of seconds for what takes one here: a call for each of twenty
//! thousand stacks.

mod grid;
mod kendall;
mod shape;
mod slopes;

pub use grid::{Grid, Key};
pub use kendall::{Kendall, Times};
pub use shape::Shape;
pub use slopes::{Slopes, theil_sen};

use std::ops::Range;

/// What all curves of one run share.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Time of each point, in hours (or steps), never falling.
    pub times: Vec<f64>,
    /// Points of the middle third.
    pub middle: Range<usize>,
    /// Points of the last third that count: those after the first hours, which prove nothing.
    pub late: Range<usize>,
    /// First point of the settled part, in which a cache that filled at the start shows what it does when it is full.
    pub settled: usize,
    /// Quantile of the normal distribution for the intervals: 1.96 for 95 %.
    pub quantile: f64,
    /// Share of a curve's range that makes a fall a large one.
    pub fall_share: f64,
}

/// What one curve looks like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// Of the whole curve.
    pub slopes: Slopes,
    /// Of the middle third alone; its interval is not looked for.
    pub middle: Slopes,
    /// Of the late part alone.
    pub late: Slopes,
    /// Pairs of points that rise less pairs that fall, of the whole curve.
    pub score: i64,
    /// Two-sided p-value of Mann and Kendall, of the whole curve.
    pub p_value: f64,
    /// The same of the late part.
    pub late_p_value: f64,
    /// The same of what is left without the step: do the points before it rise, or those after it? 1 without a step.
    pub rest_p_value: f64,
    /// The form.
    pub shape: Shape,
    /// Ups and downs of the settled part alone.
    pub settled: Shape,
}

/// Curves of one run, described with buffers that are used again.
pub struct Describer<'a> {
    axis: &'a Axis,
    all: Times,
    middle: Times,
    late: Times,
    buffer: Vec<u64>,
    values: Vec<f64>,
}

impl<'a> Describer<'a> {
    /// Prepares what depends on the times alone.
    pub fn new(axis: &'a Axis) -> Self {
        let times = |range: Range<usize>| Times::new(&axis.times[range]);
        Self {
            axis,
            all: times(0..axis.times.len()),
            middle: times(axis.middle.clone()),
            late: times(axis.late.clone()),
            buffer: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Describes a curve: bytes at each point of the axis.
    pub fn describe(&mut self, bytes: impl Iterator<Item = u64>) -> Curve {
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        values.extend(bytes.map(|bytes| bytes as f64));
        let shape = Shape::of(&values, self.axis.late.clone(), self.axis.fall_share);
        let curve = if shape.constant() { self.flat(shape) } else { self.changing(&values, shape) };
        self.values = values;
        curve
    }

    /// A curve that never changes has no trend to test.
    fn flat(&self, shape: Shape) -> Curve {
        let slopes = |range: Range<usize>| Slopes::flat(&self.axis.times[range]);
        Curve {
            slopes: slopes(0..self.axis.times.len()),
            middle: slopes(self.axis.middle.clone()),
            late: slopes(self.axis.late.clone()),
            score: 0,
            p_value: 1.0,
            late_p_value: 1.0,
            rest_p_value: 1.0,
            shape,
            settled: Shape::default(),
        }
    }

    fn changing(&mut self, values: &[f64], shape: Shape) -> Curve {
        let axis = self.axis;
        let mut part = |range: Range<usize>, times: &Times, quantile: f64| {
            let kendall = times.compare(&values[range.clone()]);
            let slopes = theil_sen(&axis.times[range.clone()], &values[range], &kendall, quantile, &mut self.buffer);
            (slopes, kendall.score, kendall.p_value())
        };
        let (slopes, score, p_value) = part(0..values.len(), &self.all, axis.quantile);
        let (middle, ..) = part(axis.middle.clone(), &self.middle, 0.0);
        let (late, _, late_p_value) = part(axis.late.clone(), &self.late, axis.quantile);
        let rest_p_value = if shape.has_step() { rest(&axis.times, values, shape.step_to as usize) } else { 1.0 };
        let settled = Shape::waves(&values[axis.settled.min(values.len())..], axis.fall_share);
        Curve { slopes, middle, late, score, p_value, late_p_value, rest_p_value, shape, settled }
    }
}

/// Do the points before a step rise, or those after it? Twice the smaller p-value, as for any two tests.
fn rest(times: &[f64], values: &[f64], step_to: usize) -> f64 {
    let rising = |part: Range<usize>| {
        let times = Times::new(&times[part.clone()]);
        let kendall = times.compare(&values[part]);
        if kendall.score > 0 { kendall.p_value() } else { 1.0 }
    };
    (2.0 * rising(0..step_to).min(rising(step_to..values.len()))).min(1.0)
}
