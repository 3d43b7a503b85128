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

/// Up to so many slopes, all of them are looked at.
const FEW: usize = 4096;

/// Slopes that are drawn to find out where the ranks in question lie.
const SAMPLE: usize = 512;

/// The median of all slopes, and the interval of Sen (1968), as `scipy.stats.theilslopes` has them.
///
/// `times` never fall; `kendall` compares the same points; `buffer` is used again from curve to curve.
pub fn theil_sen(times: &[f64], values: &[f64], kendall: &Kendall<'_>, quantile: f64, buffer: &mut Vec<f64>) -> Slopes {
    let count = kendall.pairs_in_time();
    if count == 0 {
        return Slopes::default();
    }
    let size = times.len() as f64;
    let variance = (size * (size - 1.0) * (2.0 * size + 5.0) - kendall.tied_spread) / 18.0;
    let reach = quantile * variance.max(0.0).sqrt();
    let upper = (((count as f64 + reach) / 2.0).round_ties_even() as usize).min(count - 1);
    let lower = (((count as f64 - reach) / 2.0).round_ties_even() - 1.0).max(0.0) as usize;
    let ranks = [lower, (count - 1) / 2, count / 2, upper];
    let narrowed = if count > FEW { from_bracket(times, values, count, ranks, buffer) } else { None };
    let [low, below, above, high] = narrowed.unwrap_or_else(|| {
        buffer.clear();
        each_row(times, values, &mut Vec::new(), |slopes| buffer.extend_from_slice(slopes));
        at_ranks(buffer, ranks)
    });
    Slopes { slope: Some((below + above) / 2.0), low: Some(low), high: Some(high) }
}

/// Hands on the slopes from all earlier points that differ in time to each point.
fn each_row(times: &[f64], values: &[f64], row: &mut Vec<f64>, mut take: impl FnMut(&[f64])) {
    for later in 1..times.len() {
        let (time, value) = (times[later], values[later]);
        let before = times[..later].partition_point(|earlier| *earlier < time);
        row.clear();
        let pairs = times[..before].iter().zip(&values[..before]);
        row.extend(pairs.map(|(earlier, was)| (value - was) / (time - earlier)));
        take(row);
    }
}

/// The same as sorting everything, in half the time: the ranks lie close together, so a sample tells between which two
/// slopes they must be, and only those in between are kept. None where the sample was wrong, which is rare.
fn from_bracket(
    times: &[f64],
    values: &[f64],
    count: usize,
    ranks: [usize; 4],
    buffer: &mut Vec<f64>,
) -> Option<[f64; 4]> {
    draw(times, values, buffer);
    let drawn = buffer.len();
    // Four standard deviations of a rank in the sample.
    let margin = 2.0 * (drawn as f64).sqrt();
    let rank = |rank: usize| rank as f64 / count as f64 * drawn as f64;
    let (from, to) = (rank(ranks[0]) - margin, rank(ranks[3]) + margin);
    let mut at = |place: f64| *buffer.select_nth_unstable_by(place as usize, f64::total_cmp).1;
    let least = if from >= 0.0 { at(from) } else { f64::NEG_INFINITY };
    let most = if to < drawn as f64 { at(to) } else { f64::INFINITY };
    buffer.resize(count + 1, 0.0);
    let (mut below, mut kept) = (0, 0);
    each_row(times, values, &mut Vec::with_capacity(times.len()), |slopes| {
        for slope in slopes {
            // Written in any case and counted if it belongs: no branch to guess wrongly.
            buffer[kept] = *slope;
            below += usize::from(*slope < least);
            kept += usize::from(*slope >= least) & usize::from(*slope <= most);
        }
    });
    (below <= ranks[0] && ranks[3] < below + kept)
        .then(|| at_ranks(&mut buffer[..kept], ranks.map(|rank| rank - below)))
}

/// Draws slopes between points, always the same ones: a fixed sequence, so that results never differ between runs.
fn draw(times: &[f64], values: &[f64], buffer: &mut Vec<f64>) {
    buffer.clear();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (((state >> 32) * end as u64) >> 32) as usize
    };
    while buffer.len() < SAMPLE {
        let (one, other) = (below(times.len()), below(times.len()));
        if times[one] != times[other] {
            buffer.push((values[one] - values[other]) / (times[one] - times[other]));
        }
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
