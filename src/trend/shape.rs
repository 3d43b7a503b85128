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
    /// Falls of more than a share of the range, each followed or preceded by a rise as large.
    pub falls: u32,
    /// Lowest point after the last large fall less the lowest before the first: does the floor rise?
    pub floor_rise: f64,
    /// Points at which the curve turns, equal neighbours counted as one.
    pub turns: u32,
}

/// A step of so much of what was gained in all is looked at by itself.
const STEPPED: f64 = 0.4;

impl Shape {
    /// Looks at a curve; `late` are the points of its late part.
    pub fn of(values: &[f64], late: Range<usize>, fall_share: f64) -> Self {
        let (Some(first), Some(last)) = (values.first().copied(), values.last().copied()) else {
            return Self::default();
        };
        let (min, max) = extent(values).unwrap_or((first, first));
        let (late_min, late_max) = extent(&values[late]).unwrap_or((last, last));
        let mut shape = Self { min, max, first, last, late_min, late_max, ..Self::default() };
        let mut up = 0u32;
        for (place, pair) in values.windows(2).enumerate() {
            let step = pair[1] - pair[0];
            up += u32::from(step > 0.0);
            if step > shape.step {
                (shape.step, shape.step_to) = (step, place as u32 + 1);
            }
        }
        shape.rising_share = if values.len() > 1 { f64::from(up) / (values.len() - 1) as f64 } else { 0.0 };
        (shape.falls, shape.floor_rise) = falls(values, (max - min) * fall_share);
        shape.turns = turns(values);
        shape
    }

    /// True if every value is the same.
    pub fn constant(&self) -> bool {
        self.min == self.max
    }

    /// True if one step makes up much of what was gained.
    pub fn is_stepped(&self) -> bool {
        self.step > STEPPED * (self.last - self.first).abs()
    }
}

fn extent(values: &[f64]) -> Option<(f64, f64)> {
    values.iter().fold(None, |extent, value| {
        let (min, max) = extent.unwrap_or((*value, *value));
        Some((value.min(min), value.max(max)))
    })
}

/// Counts falls of at least `least` from a high to a low, smaller ups and downs in between left out; and tells how much
/// higher the last low is than the first.
fn falls(values: &[f64], least: f64) -> (u32, f64) {
    let (mut count, mut lows) = (0, Vec::new());
    let (mut high, mut low) = (values[0], values[0]);
    let mut falling = false;
    for value in values {
        if falling {
            low = low.min(*value);
            if value - low >= least {
                lows.push(low);
                (falling, high) = (false, *value);
            }
        } else {
            high = high.max(*value);
            if lows.is_empty() {
                low = low.min(*value);
            }
            if high - value >= least {
                if lows.is_empty() {
                    lows.push(before_first_high(values, high));
                }
                count += 1;
                (falling, low) = (true, *value);
            }
        }
    }
    if falling {
        lows.push(low);
    }
    let rise = lows.first().zip(lows.last()).map_or(0.0, |(first, last)| last - first);
    (count, rise)
}

/// The lowest value before the curve first reaches `high`.
fn before_first_high(values: &[f64], high: f64) -> f64 {
    values.iter().copied().take_while(|value| *value < high).fold(high, f64::min)
}

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
