//! The form of a curve: how far it reaches, its largest step, its falls, how often it turns.

use std::ops::Range;

/// What a curve looks like, apart from its trend. Sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shape {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// First value.
    pub first: f64,
    /// Last value.
    pub last: f64,
    /// Smallest value of the late part; the last value if that has no points.
    pub late_min: f64,
    /// Largest value of the late part.
    pub late_max: f64,
    /// Steps up, of all steps.
    pub rising_share: f64,
    /// The largest step up from one point to the next; 0 if there is none.
    pub step: f64,
    /// The point that step leads to.
    pub step_to: u32,
    /// Median of the points from that step on less the median of those before; 0 where either are fewer than
    /// [`SIDE`].
    pub level_rise: f64,
    /// How far the points on the wider side of that step reach from the lowest to the highest.
    pub side_spread: f64,
    /// Falls of at least a share of the range from a high to a low, smaller ups and downs in between left out.
    pub falls: u32,
    /// From the lowest to the highest of the lows that large falls lead to: small if the curve is level but for them.
    pub floor: f64,
    /// Points at which the curve turns, equal neighbours counted as one.
    pub turns: u32,
}

/// Points that must lie on either side of a step, so that one odd point at an end is none.
const SIDE: usize = 3;

impl Shape {
    /// Looks at a curve; `late` are the points of its late part.
    pub fn of(values: &[f64], late: Range<usize>, fall_share: f64) -> Self {
        let (Some(first), Some(last)) = (values.first().copied(), values.last().copied()) else {
            return Self::default();
        };
        let (late_min, late_max) = extent(&values[late]).unwrap_or((last, last));
        let mut shape = Self { first, last, late_min, late_max, ..Self::waves(values, fall_share) };
        let mut up = 0u32;
        for (place, pair) in values.windows(2).enumerate() {
            let step = pair[1] - pair[0];
            up += u32::from(step > 0.0);
            if step > shape.step {
                (shape.step, shape.step_to) = (step, place as u32 + 1);
            }
        }
        shape.rising_share = if values.len() > 1 { f64::from(up) / (values.len() - 1) as f64 } else { 0.0 };
        let (before, after) = values.split_at(shape.step_to as usize);
        if before.len() >= SIDE && after.len() >= SIDE {
            shape.level_rise = median(after) - median(before);
            let spread = |side| extent(side).map_or(0.0, |(lowest, highest)| highest - lowest);
            shape.side_spread = f64::max(spread(before), spread(after));
        }
        shape
    }

    /// Looks at the ups and downs alone.
    pub fn waves(values: &[f64], fall_share: f64) -> Self {
        let Some((min, max)) = extent(values) else { return Self::default() };
        let lows = lows(values, (max - min) * fall_share);
        Self { min, max, falls: lows.falls, floor: lows.spread(), turns: turns(values), ..Self::default() }
    }

    /// True if the largest step up is higher than the points on either side of it reach.
    pub fn has_step(&self) -> bool {
        self.side_spread < self.level_rise
    }

    /// True if every value is the same.
    pub fn constant(&self) -> bool {
        self.min == self.max
    }
}

fn extent(values: &[f64]) -> Option<(f64, f64)> {
    values.iter().fold(None, |extent, value| {
        let (min, max) = extent.unwrap_or((*value, *value));
        Some((value.min(min), value.max(max)))
    })
}

/// The median; 0 of nothing.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (low, high) = (sorted.get(sorted.len().saturating_sub(1) / 2), sorted.get(sorted.len() / 2));
    low.zip(high).map_or(0.0, |(low, high)| (low + high) / 2.0)
}

/// What falls of at least some size lead to.
#[derive(Default)]
struct Lows {
    falls: u32,
    /// Lows from which the curve rose again as far.
    ended: Vec<f64>,
    /// The low so far of a fall that goes on at the end.
    open: Option<f64>,
}

impl Lows {
    /// The open low may not be the bottom yet: it counts only where there is one other at most.
    fn spread(&self) -> f64 {
        let open = self.open.filter(|_| self.ended.len() < 2);
        let lows: Vec<f64> = self.ended.iter().copied().chain(open).collect();
        extent(&lows).map_or(0.0, |(lowest, highest)| highest - lowest)
    }
}

fn lows(values: &[f64], least: f64) -> Lows {
    let mut found = Lows::default();
    // The high since the last low, while no fall is known.
    let mut high = f64::NEG_INFINITY;
    for value in values.iter().copied() {
        match found.open {
            Some(low) if value - low >= least => {
                found.ended.push(low);
                found.open = None;
                high = value;
            }
            Some(low) => found.open = Some(low.min(value)),
            None => {
                high = high.max(value);
                if high - value >= least {
                    found.falls += 1;
                    found.open = Some(value);
                }
            }
        }
    }
    found
}

/// How often the direction changes, equal neighbours counted as one.
fn turns(values: &[f64]) -> u32 {
    let mut turns = 0;
    let mut direction = 0.0;
    for pair in values.windows(2).filter(|pair| pair[0] != pair[1]) {
        let now = (pair[1] - pair[0]).signum();
        turns += u32::from(direction * now < 0.0);
        direction = now;
    }
    turns
}
