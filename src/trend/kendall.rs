//! The test of Mann and Kendall: do later points stand higher than earlier ones more often than chance would have it?

/// Times of the points, and what the test needs to know of them.
#[derive(Debug, Clone)]
pub struct Times {
    times: Vec<f64>,
    ties: Ties,
    /// For up to [`EXACT_POINTS`] points: chance of so many discordant pairs or fewer, by their number.
    exact: Vec<f64>,
}

/// Up to so many points without ties, the distribution is counted out; from there on it is as good as normal.
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
        let exact =
            if times.len() <= EXACT_POINTS && ties.pairs == 0.0 { lower_tails(times.len()) } else { Vec::new() };
        Self { times: times.to_vec(), ties, exact }
    }

    /// Compares all points of a curve, one value for each time.
    pub fn compare(&self, values: &[f64]) -> Kendall<'_> {
        let mut score = 0i64;
        for (later, value) in values.iter().enumerate() {
            let before = self.times[..later].partition_point(|time| *time < self.times[later]);
            // Two sums without a branch: the compiler makes vector instructions of them.
            let rising: i64 = values[..before].iter().map(|earlier| i64::from(earlier < value)).sum();
            let falling: i64 = values[..before].iter().map(|earlier| i64::from(earlier > value)).sum();
            score += rising - falling;
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let ties = Ties::of_sorted(&sorted);
        Kendall { score, tied_spread: self.ties.spread + ties.spread, times: self, ties }
    }
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
            if let Some(tail) = self.times.exact.get(minority as usize) {
                return (2.0 * tail).min(1.0);
            }
            if minority <= 1.0 {
                return nearly_sorted(size, minority);
            }
        }
        let ordered = 2.0 * pairs;
        let variance = (ordered * (2.0 * size + 5.0) - in_time.spread - in_value.spread) / 18.0
            + 2.0 * in_time.pairs * in_value.pairs / ordered
            + if size > 2.0 { in_time.triples * in_value.triples / (9.0 * ordered * (size - 2.0)) } else { 0.0 };
        libm::erfc(self.score.unsigned_abs() as f64 / variance.sqrt() / std::f64::consts::SQRT_2)
    }
}

/// Twice the chance of none or one discordant pair among many points: 1 and n of n! orders.
fn nearly_sorted(size: f64, minority: f64) -> f64 {
    let orders = libm::lgamma(size + 1.0);
    2.0 * (minority * size.ln() - orders).exp()
}

/// Chance that a random order of so many points has at most 0, 1, 2, … pairs in the wrong order.
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
