//! The numbers of curves against the plainest way to get them.

use heapdelta::internals::series::{Axis, Describer, Shape, Times, theil_sen};
use proptest::prelude::*;

fn naive_score(times: &[f64], values: &[f64]) -> i64 {
    let mut score = 0;
    for later in 0..values.len() {
        for earlier in 0..later {
            if times[earlier] < times[later] {
                score += i64::from(values[earlier] < values[later]) - i64::from(values[earlier] > values[later]);
            }
        }
    }
    score
}

fn naive_slopes(times: &[f64], values: &[f64]) -> Vec<f64> {
    let mut slopes = Vec::new();
    for later in 0..values.len() {
        for earlier in (0..later).filter(|earlier| times[*earlier] < times[later]) {
            slopes.push((values[later] - values[earlier]) / (times[later] - times[earlier]));
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes
}

/// Times with a few equal ones, and values with many or few ties.
fn curves() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let point = (0u8..4, prop_oneof![0u64..4, 0u64..1000, 0u64..1 << 40]);
    proptest::collection::vec(point, 2..160).prop_map(|points| {
        let mut time = 0.0;
        let timed = points.into_iter().map(|(step, value)| {
            time += f64::from(step) / 2.0;
            (time, value as f64)
        });
        timed.unzip()
    })
}

proptest! {
    #[test]
    fn score_and_slopes_are_those_of_all_pairs((times, values) in curves()) {
        let prepared = Times::new(&times);
        let kendall = prepared.compare(&values);
        prop_assert_eq!(kendall.score, naive_score(&times, &values));
        let slopes = naive_slopes(&times, &values);
        prop_assert_eq!(kendall.pairs_in_time(), slopes.len());
        let found = theil_sen(&times, &values, &kendall, 1.96, &mut Vec::new());
        if slopes.is_empty() {
            prop_assert_eq!(found.slope, None);
        } else {
            let middle = (slopes[(slopes.len() - 1) / 2] + slopes[slopes.len() / 2]) / 2.0;
            prop_assert_eq!(found.slope, Some(middle));
            let (low, high) = (found.low.unwrap(), found.high.unwrap());
            prop_assert!(slopes.contains(&low) && slopes.contains(&high) && low <= middle && middle <= high);
        }
    }

    #[test]
    fn chance_of_few_points_is_counted_over_all_orders(order in Just((0..6).collect::<Vec<i32>>()).prop_shuffle()) {
        let times: Vec<f64> = (0..6).map(f64::from).collect();
        let prepared = Times::new(&times);
        let score = |order: &[i32]| prepared.compare(&order.iter().map(|v| f64::from(*v)).collect::<Vec<_>>()).score;
        let mine = score(&order).abs();
        let mut all = (0..6).collect::<Vec<i32>>();
        let (mut as_far, mut count) = (0u32, 0u32);
        permute(&mut all, 0, &mut |order| {
            count += 1;
            as_far += u32::from(score(order).abs() >= mine);
        });
        let values: Vec<f64> = order.iter().map(|v| f64::from(*v)).collect();
        let expected = f64::from(as_far) / f64::from(count);
        prop_assert!((prepared.compare(&values).p_value() - expected).abs() < 1e-12);
    }
}

fn permute(values: &mut Vec<i32>, from: usize, visit: &mut impl FnMut(&[i32])) {
    if from == values.len() {
        return visit(values);
    }
    for place in from..values.len() {
        values.swap(from, place);
        permute(values, from + 1, visit);
        values.swap(from, place);
    }
}

fn shape(values: &[f64]) -> Shape {
    Shape::of(values, values.len() - 4..values.len(), 0.4)
}

#[test]
fn step_is_told_from_a_line() {
    let step = shape(&[1.0, 1.0, 2.0, 1.0, 11.0, 12.0, 11.0, 11.0]);
    assert_eq!((step.step, step.step_to, step.level_rise, step.side_spread), (10.0, 4, 10.0, 1.0));
    assert!(step.has_step());
    let line: Vec<f64> = (0..12).map(f64::from).collect();
    assert!(!shape(&line).has_step());
    // One odd point at the end is no step.
    assert_eq!(shape(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 50.0]).level_rise, 0.0);
}

#[test]
fn falls_are_counted_without_small_ups_and_downs() {
    let saw = shape(&[0.0, 5.0, 10.0, 1.0, 6.0, 5.5, 10.0, 0.0, 4.0, 9.0, 2.0]);
    // The third fall goes on at the end, so its low is not looked at: two others are.
    assert_eq!((saw.falls, saw.floor), (3, 1.0));
    assert_eq!(saw.turns, 7);
    assert_eq!(shape(&[0.0, 1.0, 2.0, 3.0, 4.0]).falls, 0);
    assert_eq!(shape(&[4.0, 3.0, 2.0, 1.0, 0.0]).falls, 1);
}

#[test]
fn waves_of_the_settled_part_are_its_own() {
    let values = [0u64, 30, 60, 100, 70, 95, 70, 95, 71, 96];
    let times = (0..10).map(f64::from).collect();
    let axis = Axis { times, middle: 3..7, late: 6..10, settled: 3, quantile: 1.96, fall_share: 0.4 };
    let curve = Describer::new(&axis).describe(values.into_iter());
    assert_eq!(curve.shape.falls, 0);
    assert_eq!((curve.settled.falls, curve.settled.floor, curve.settled.turns), (3, 1.0, 5));
    assert_eq!((curve.settled.min, curve.settled.max), (70.0, 100.0));
}

#[test]
fn curve_that_never_changes_has_no_trend() {
    let axis =
        Axis { times: vec![0.0, 1.0, 2.0], middle: 0..3, late: 3..3, settled: 3, quantile: 1.96, fall_share: 0.4 };
    let curve = Describer::new(&axis).describe([7, 7, 7].into_iter());
    assert_eq!((curve.p_value, curve.slopes.slope, curve.late.slope), (1.0, Some(0.0), None));
    assert_eq!((curve.shape.late_min, curve.shape.last), (7.0, 7.0));
}
