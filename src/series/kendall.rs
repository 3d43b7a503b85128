//! The test of Mann and Kendall: are later points higher than earlier ones more often than chance would have it?

use std::sync::LazyLock;

/// Times of the points, and what the test needs to know of them.
#[derive(Debug, Clone)]
pub struct Times {
    times: Vec<f64>,
    ties: Ties,
}

/// Up to this many points without ties, the distribution is counted out; beyond, it is as good as normal.
const EXACT_POINTS: usize = 33;

/// Sums over groups of equal values, as the variance takes them; `t` is the size of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Ties {
    /// t (t - 1) / 2: pairs.
    pairs: f64,
    /// t (t - 1) (t - 2).
    triples: f64,
    /// t (t - 1) (2 t + 5).
    spread: f64,
}

/// How a curve's points compare, pair by pair.
#[derive(Debug, Clone, Copy)]
pub struct Kendall<'a> {
    /// Pairs that rise less pairs that fall, points of one moment left out.
    pub score: i64,
    /// Variance that ties leave for the interval of a slope: t (t - 1) (2 t + 5) over times and values.
    pub tied_spread: f64,
    times: &'a Times,
    ties: Ties,
}

impl Times {
    /// Prepares the test for points at these times, which never fall.
    pub fn new(times: &[f64]) -> Self {
        let ties = Ties::of_sorted(times);
        Self { times: times.to_vec(), ties }
    }

    /// Compares all points of a curve, one value for each time.
    ///
    /// A merge sort counts the pairs that fall, so the work grows with n log n (Knight 1966), and leaves the values sorted.
    pub fn compare(&self, values: &[f64]) -> Kendall<'_> {
        let mut sorted = values.to_vec();
        let mut tied_in_both = 0.0;
        let mut place = 0;
        for group in self.times.chunk_by(|left, right| left == right).filter(|_| self.ties.pairs > 0.0) {
            let values = &mut sorted[place..place + group.len()];
            place += group.len();
            // In rising order no pair of one moment counts as a fall.
            values.sort_unstable_by(f64::total_cmp);
            tied_in_both += Ties::of_sorted(values).pairs;
        }
        let mut spare = sorted.clone();
        let falling = sort_and_count(&mut sorted, &mut spare);
        let ties = Ties::of_sorted(&sorted);
        let size = values.len() as f64;
        let pairs = size * (size - 1.0) / 2.0 - self.ties.pairs - ties.pairs + tied_in_both;
        Kendall {
            score: pairs as i64 - 2 * falling as i64,
            tied_spread: self.ties.spread + ties.spread,
            times: self,
            ties,
        }
    }
}

/// Sorts values, and counts the pairs that were in falling order. `spare` is as long.
fn sort_and_count(values: &mut [f64], spare: &mut [f64]) -> u64 {
    const SHORT: usize = 6;
    let mut falling = 0;
    if values.len() <= SHORT {
        for end in 1..values.len() {
            let value = values[end];
            let place = values[..end].iter().rposition(|earlier| *earlier <= value).map_or(0, |place| place + 1);
            values.copy_within(place..end, place + 1);
            values[place] = value;
            falling += (end - place) as u64;
        }
        return falling;
    }
    let middle = values.len() / 2;
    falling += sort_and_count(&mut values[..middle], &mut spare[..middle]);
    falling += sort_and_count(&mut values[middle..], &mut spare[middle..]);
    spare.copy_from_slice(values);
    let (mut left, mut right) = (0, middle);
    for slot in values {
        // Chosen without a branch: in a noisy curve each choice would be a guess.
        let from_right = right < spare.len() && (left >= middle || spare[right] < spare[left]);
        let from = if from_right { right } else { left };
        *slot = spare[from];
        falling += if from_right { (middle - left) as u64 } else { 0 };
        left += usize::from(!from_right);
        right += usize::from(from_right);
    }
    falling
}

impl Ties {
    fn of_sorted(values: &[f64]) -> Self {
        let mut ties = Self::default();
        for group in values.chunk_by(|left, right| left == right) {
            let size = group.len() as f64;
            ties.pairs += size * (size - 1.0) / 2.0;
            ties.triples += size * (size - 1.0) * (size - 2.0);
            ties.spread += size * (size - 1.0) * (2.0 * size + 5.0);
        }
        ties
    }
}

impl Kendall<'_> {
    /// Pairs of points that differ in time.
    pub fn pairs_in_time(&self) -> usize {
        let size = self.times.times.len();
        size * size.saturating_sub(1) / 2 - self.times.ties.pairs as usize
    }

    /// Chance that points in random order rise or fall as much as these: exact for few points without ties, else by the
    /// normal distribution with the variance corrected for ties; 1 where nothing can be compared.
    pub fn p_value(&self) -> f64 {
        let size = self.times.times.len() as f64;
        let pairs = size * (size - 1.0) / 2.0;
        let (in_time, in_value) = (self.times.ties, self.ties);
        if size < 2.0 || in_time.pairs == pairs || in_value.pairs == pairs {
            return 1.0;
        }
        // Of the pairs that are no ties, those against the majority.
        let minority = (pairs - self.score.unsigned_abs() as f64) / 2.0;
        if in_time.pairs == 0.0 && in_value.pairs == 0.0 {
            if let Some(tail) = LOWER_TAILS.get(self.times.times.len()).and_then(|tails| tails.get(minority as usize)) {
                return (2.0 * tail).min(1.0);
            }
            if minority <= 1.0 {
                return nearly_sorted(size, minority);
            }
        }
        libm::erfc(self.score.unsigned_abs() as f64 / self.variance().sqrt() / std::f64::consts::SQRT_2)
    }

    /// Variance of the score in random order, corrected for ties in time and in value; of two points or more.
    fn variance(&self) -> f64 {
        let size = self.times.times.len() as f64;
        let (in_time, in_value) = (self.times.ties, self.ties);
        let ordered = size * (size - 1.0);
        let mut variance = (ordered * (2.0 * size + 5.0) - in_time.spread - in_value.spread) / 18.0;
        variance += 2.0 * in_time.pairs * in_value.pairs / ordered;
        if size > 2.0 {
            variance += in_time.triples * in_value.triples / (9.0 * ordered * (size - 2.0));
        }
        variance
    }
}

/// Twice the chance of none or one discordant pair among many points: 1 and n of n! orders.
fn nearly_sorted(size: f64, minority: f64) -> f64 {
    let orders = libm::lgamma(size + 1.0);
    2.0 * (minority * size.ln() - orders).exp()
}

/// [`lower_tails`] of up to [`EXACT_POINTS`] points, counted out once.
static LOWER_TAILS: LazyLock<Vec<Vec<f64>>> = LazyLock::new(|| (0..=EXACT_POINTS).map(lower_tails).collect());

/// Chance that a random order of this many points has at most 0, 1, 2, … pairs in the wrong order.
///
/// The n-th point adds 0 to n - 1 wrong pairs, each with the same chance.
fn lower_tails(points: usize) -> Vec<f64> {
    let mut chances = vec![1.0];
    for point in 2..=points {
        let mut next = vec![0.0; chances.len() + point - 1];
        for (wrong, chance) in chances.iter().enumerate() {
            next[wrong..wrong + point].iter_mut().for_each(|sum| *sum += chance / point as f64);
        }
        chances = next;
    }
    let add = |sum: &mut f64, chance: f64| {
        *sum += chance;
        Some(*sum)
    };
    chances.into_iter().scan(0.0, add).collect()
}
