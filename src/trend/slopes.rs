//! The slope of Theil and Sen: the median of the slopes between all pairs of points, which a few odd points do not move.

use super::kendall::Kendall;

/// A slope with its interval, in bytes per unit of time; all absent where no two points differ in time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slopes {
    /// The median.
    pub slope: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl Slopes {
    /// Of a curve that never changes.
    pub fn flat(times: &[f64]) -> Self {
        let zero = (times.first() < times.last()).then_some(0.0);
        Self { slope: zero, low: zero, high: zero }
    }
}

/// The median of all slopes, and the interval of Sen (1968), as `scipy.stats.theilslopes` has them.
///
/// `times` never fall; `kendall` compares the same points; `buffer` is used again from curve to curve.
pub fn theil_sen(times: &[f64], values: &[f64], kendall: &Kendall<'_>, quantile: f64, buffer: &mut Vec<f64>) -> Slopes {
    fill(times, values, buffer);
    let count = buffer.len();
    if count == 0 {
        return Slopes::default();
    }
    let size = times.len() as f64;
    let variance = (size * (size - 1.0) * (2.0 * size + 5.0) - kendall.tied_spread) / 18.0;
    let reach = quantile * variance.max(0.0).sqrt();
    let upper = (((count as f64 + reach) / 2.0).round_ties_even() as usize).min(count - 1);
    let lower = (((count as f64 - reach) / 2.0).round_ties_even() - 1.0).max(0.0) as usize;
    let ranks = [lower, (count - 1) / 2, count / 2, upper];
    let [low, below, above, high] = at_ranks(buffer, ranks);
    Slopes { slope: Some((below + above) / 2.0), low: Some(low), high: Some(high) }
}

/// The slopes between all pairs of points that differ in time.
fn fill(times: &[f64], values: &[f64], buffer: &mut Vec<f64>) {
    buffer.clear();
    for later in 1..times.len() {
        let (time, value) = (times[later], values[later]);
        let before = times[..later].partition_point(|earlier| *earlier < time);
        let pairs = times[..before].iter().zip(&values[..before]);
        buffer.extend(pairs.map(|(earlier, was)| (value - was) / (time - earlier)));
    }
}

/// The values that stand at four ranks, which never fall, if all were sorted.
fn at_ranks(values: &mut [f64], ranks: [usize; 4]) -> [f64; 4] {
    let [low, below, above, high] = ranks;
    let (before, median, after) = values.select_nth_unstable_by(above, f64::total_cmp);
    let above_value = *median;
    let high_value =
        if high > above { *after.select_nth_unstable_by(high - above - 1, f64::total_cmp).1 } else { above_value };
    if below < above {
        let (least, middle, _) = before.select_nth_unstable_by(below, f64::total_cmp);
        let below_value = *middle;
        let low_value = if low < below { *least.select_nth_unstable_by(low, f64::total_cmp).1 } else { below_value };
        return [low_value, below_value, above_value, high_value];
    }
    let low_value = if low < above { *before.select_nth_unstable_by(low, f64::total_cmp).1 } else { above_value };
    [low_value, above_value, above_value, high_value]
}
