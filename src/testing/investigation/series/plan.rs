//! What an hour of the server does to the blocks of a site: how many die, and how many are there at its end.

use super::super::sites::{Behaviour, Site};
use super::super::{FIRST_HOUR, Random};

/// An hour of a run.
#[derive(Debug, Clone, Copy)]
pub struct Hour {
    /// Hours since the first log; negative before it.
    pub number: i64,
    /// Hours since the program was started.
    pub age: u64,
}

/// What happens to the blocks of a site.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many of a thousand blocks are freed.
    pub freed: u64,
    /// Blocks at the end of the hour.
    pub count: u64,
}

/// Hours of the day at which the loads below are given; between them they change evenly.
const EVERY: u64 = 4;
/// Requests in percent of the average, from midnight on: the leak follows them.
const LOAD: [u64; 6] = [70, 70, 95, 130, 130, 105];
/// Sessions under the stacks of the day, and under those of the night, in percent of their number.
const BY_DAY: [u64; 6] = [10, 15, 60, 100, 90, 40];
const BY_NIGHT: [u64; 6] = [60, 55, 30, 10, 15, 35];
/// How many of a thousand sessions end in an hour.
const SESSIONS_ENDED: u64 = 250;
/// How full the cache is after every four hours of a run, in percent; full after a day.
const FILLED: [u64; 7] = [10, 38, 60, 77, 89, 97, 100];
/// How many of a thousand entries of the full cache are traded for others in an hour.
const TRADED: u64 = 40;
/// The same for the blocks of ordinary sites, which differ.
const ORDINARY: [u64; 6] = [0, 5, 20, 80, 80, 300];

/// The plan of a site of a number that holds `count` blocks.
pub fn plan(site: &Site, seed: u64, number: usize, hour: Hour, count: u64) -> Plan {
    match site.behaviour {
        Behaviour::Steady(_) => {
            let kind = Random::of(seed, "turnover", number as u64).below(ORDINARY.len() as u64);
            let step = (hour.number + 1) as u64;
            Plan { freed: ORDINARY[kind as usize], count: site.count(seed, number, step) }
        }
        Behaviour::Leak(per_step) => {
            let forgotten = (per_step * by_hour(&LOAD, hour)).div_ceil(400);
            Plan { freed: 0, count: count + forgotten }
        }
        Behaviour::Cache(capacity) => {
            let filled = between(&FILLED, hour.age.min(24));
            Plan { freed: if filled == 100 { TRADED } else { 0 }, count: capacity * filled / 100 }
        }
        Behaviour::Even(count) => Plan { freed: SESSIONS_ENDED, count: count * by_hour(&BY_DAY, hour) / 100 },
        Behaviour::Odd(count) => Plan { freed: SESSIONS_ENDED, count: count * by_hour(&BY_NIGHT, hour) / 100 },
    }
}

fn by_hour(loads: &[u64; 6], hour: Hour) -> u64 {
    between(loads, (hour.number + FIRST_HOUR as i64).rem_euclid(24) as u64)
}

/// A value between those that are given; the first comes again after the last.
fn between(values: &[u64], hour: u64) -> u64 {
    let (place, part) = ((hour / EVERY) as usize, hour % EVERY);
    let (before, after) = (values[place], values[(place + 1) % values.len()]);
    (before * (EVERY - part) + after * part) / EVERY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_change_evenly_and_come_round_at_midnight() {
        assert_eq!([20, 22, 23, 0, 2].map(|hour| between(&BY_DAY, hour)), [40, 25, 17, 10, 12]);
        assert_eq!([0, 2, 23, 24].map(|hour| between(&FILLED, hour)), [10, 24, 99, 100]);
    }

    #[test]
    fn average_load_is_the_rate_of_the_leak() {
        let day: u64 = (0..24).map(|hour| between(&LOAD, hour)).sum();
        assert!((99..=101).contains(&(day / 24)), "{day}");
    }
}
