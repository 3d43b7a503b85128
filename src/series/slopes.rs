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

/// Up to this many slopes, all of them are looked at.
const FEW: usize = 4096;

/// Slopes that are drawn to find out where the ranks in question lie.
const SAMPLE: usize = 512;

/// The median of all slopes, and the interval of Sen (1968), as `scipy.stats.theilslopes` has them.
///
/// `times` never fall; `kendall` compares the same points; `buffer` is used again from curve to curve.
pub fn theil_sen(times: &[f64], values: &[f64], kendall: &Kendall<'_>, quantile: f64, buffer: &mut Vec<u64>) -> Slopes {
    let count = kendall.pairs_in_time();
    if count == 0 {
        return Slopes::default();
    }
    let size = times.len() as f64;
    let variance = (size * (size - 1.0) * (2.0 * size + 5.0) - kendall.tied_spread) / 18.0;
    let reach = quantile * variance.max(0.0).sqrt();
    let upper = (((count as f64 + reach) / 2.0).round_ties_even() as usize).min(count - 1);
    let lower = (((count as f64 - reach) / 2.0).round_ties_even() - 1.0).max(0.0) as usize;
    let ranks = [lower, (count - 1) / 2, count / 2, upper.max(count / 2)];
    let narrowed = if count > FEW { from_bracket(times, values, count, ranks, buffer) } else { None };
    let [low, below, above, high] = narrowed.unwrap_or_else(|| {
        buffer.clear();
        each_row(times, values, |slopes| buffer.extend_from_slice(slopes));
        at_ranks(buffer, ranks)
    });
    Slopes {
        slope: Some((slope_of(below) + slope_of(above)) / 2.0),
        low: Some(slope_of(low)),
        high: Some(slope_of(high)),
    }
}

/// A whole number that sorts as the slope does: whole numbers are compared in half the time.
fn key_of(slope: f64) -> u64 {
    // A zero has two signs; adding one leaves the positive.
    let bits = (slope + 0.0).to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

fn slope_of(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key ^ 1 << 63 } else { !key })
}

/// Hands on the keys of the slopes from all earlier points that differ in time to each point.
fn each_row(times: &[f64], values: &[f64], mut take: impl FnMut(&[u64])) {
    let mut row = Vec::with_capacity(times.len());
    let mut before = 0;
    for later in 1..times.len() {
        let (time, value) = (times[later], values[later]);
        if times[later - 1] < time {
            before = later;
        }
        row.clear();
        let pairs = times[..before].iter().zip(&values[..before]);
        row.extend(pairs.map(|(earlier, was)| key_of((value - was) / (time - earlier))));
        take(&row);
    }
}

/// The same as sorting everything, in less than half the time: the ranks lie close together, so a sample tells between
/// which two slopes they must be, and only those in between are kept. None where the sample was wrong, which is rare.
fn from_bracket(
    times: &[f64],
    values: &[f64],
    count: usize,
    ranks: [usize; 4],
    buffer: &mut Vec<u64>,
) -> Option<[u64; 4]> {
    draw(times, values, buffer);
    let drawn = buffer.len();
    // Three standard deviations of a rank in the sample.
    let margin = 1.5 * (drawn as f64).sqrt();
    let rank = |rank: usize| rank as f64 / count as f64 * drawn as f64;
    let (from, to) = (rank(ranks[0]) - margin, rank(ranks[3]) + margin);
    let mut at = |place: f64| *buffer.select_nth_unstable(place as usize).1;
    let least = if from >= 0.0 { at(from) } else { 0 };
    let most = if to < drawn as f64 { at(to) } else { u64::MAX };
    buffer.resize(count + 1, 0);
    let (mut below, mut kept) = (0, 0);
    each_row(times, values, |slopes| {
        for slope in slopes {
            // Written in any case and counted if it belongs: no branch to guess wrongly.
            buffer[kept] = *slope;
            below += usize::from(*slope < least);
            kept += usize::from(slope.wrapping_sub(least) <= most - least);
        }
    });
    (below <= ranks[0] && ranks[3] < below + kept)
        .then(|| at_ranks(&mut buffer[..kept], ranks.map(|rank| rank - below)))
}

/// Draws slopes between points, always the same ones: a fixed sequence, so that results never differ between runs.
fn draw(times: &[f64], values: &[f64], buffer: &mut Vec<u64>) {
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
            buffer.push(key_of((values[one] - values[other]) / (times[one] - times[other])));
        }
    }
}

/// The keys that are at four ranks, which never fall, if all were sorted.
fn at_ranks(keys: &mut [u64], ranks: [usize; 4]) -> [u64; 4] {
    let [low, below, above, high] = ranks;
    let (before, median, after) = keys.select_nth_unstable(above);
    let at_above = *median;
    let at_high = if high > above { *after.select_nth_unstable(high - above - 1).1 } else { at_above };
    // Two ranks in the middle are neighbours: the lower one is the largest of those before.
    let at_below = if below < above { before.iter().copied().max().unwrap_or(at_above) } else { at_above };
    let at_low = if low < above { *before.select_nth_unstable(low).1 } else { at_above };
    [at_low, at_below, at_above, at_high]
}
