//! Following blocks against a slow way that shares nothing with it: a list of who holds each address.

use std::collections::{BTreeMap, BTreeSet};

use arrow_buffer::NullBuffer;
use proptest::prelude::*;

use super::{Blocks, Columns, Cut, follow};

/// Address, size, stack; no stack at 0.
type Block = (u64, u64, u32);
/// Blocks and bytes by (stack, born, last), and births at addresses in use before, by stack.
type Naive = (BTreeMap<(u32, u32, u32), (u64, u64)>, BTreeMap<u32, u64>);

fn naive(logs: &[Vec<Block>]) -> Naive {
    let (mut lives, mut reused) = Naive::default();
    let mut alive: Vec<(Block, u32)> = Vec::new();
    let mut used = BTreeSet::new();
    let mut end = |(block, born): (Block, u32), last: usize| {
        let sum = lives.entry((block.2, born, last as u32)).or_default();
        *sum = (sum.0 + 1, sum.1 + block.1);
    };
    for (point, log) in logs.iter().enumerate() {
        let mut now = Vec::new();
        for block in log {
            // Of several that are alike, the oldest goes on.
            let same = alive.iter().enumerate().filter(|(_, (old, _))| old == block).min_by_key(|(_, (_, born))| *born);
            if let Some((place, _)) = same {
                now.push(alive.remove(place));
            } else {
                now.push((*block, point as u32));
                *reused.entry(block.2).or_default() += u64::from(used.contains(&block.0));
            }
        }
        alive.drain(..).for_each(|gone| end(gone, point - 1));
        used.extend(log.iter().map(|block| block.0));
        alive = now;
    }
    alive.into_iter().for_each(|left| end(left, logs.len() - 1));
    reused.retain(|_, count| *count > 0);
    (lives, reused)
}

/// Stacks have the numbers of the test in one log and others in the next, as in real ones.
fn followed(logs: &[Vec<Block>], batch_rows: usize, cut: Cut) -> Naive {
    struct Batch(Vec<u64>, Vec<u64>, Vec<u32>, NullBuffer);
    let own = |stack: u32, point: usize| if point.is_multiple_of(2) { stack } else { 7 - stack };
    let batches: Vec<Vec<Batch>> = logs
        .iter()
        .enumerate()
        .map(|(point, log)| {
            log.chunks(batch_rows)
                .map(|rows| {
                    Batch(
                        rows.iter().map(|row| row.0).collect(),
                        rows.iter().map(|row| row.1).collect(),
                        // A null has any value below it.
                        rows.iter().map(|row| own(row.2.max(1), point)).collect(),
                        rows.iter().map(|row| row.2 > 0).collect(),
                    )
                })
                .collect()
        })
        .collect();
    let blocks: Vec<Blocks<'_>> = batches
        .iter()
        .enumerate()
        .map(|(point, batches)| Blocks {
            batches: batches
                .iter()
                .map(|Batch(addresses, sizes, stacks, nulls)| Columns {
                    addresses,
                    sizes,
                    stacks,
                    nulls: Some(nulls).filter(|nulls| nulls.null_count() > 0),
                })
                .collect(),
            numbers: (0..8).map(|stack| own(stack, point)).collect(),
        })
        .collect();
    let (lives, reused) = follow(&blocks, 8, cut);
    let sums = lives.iter().map(|life| {
        ((life.stack, life.born, life.last), (life.count, life.bytes.expect("sizes of the tests are small")))
    });
    (sums.collect(), (0..).zip(reused).filter(|(_, count)| *count > 0).collect())
}

fn logs(addresses: u64) -> impl Strategy<Value = Vec<Vec<Block>>> {
    let block = (0..addresses, 1..3u64, 0..3u32).prop_map(|(address, size, stack)| (address << 4, size, stack));
    prop::collection::vec(prop::collection::vec(block, 0..60), 1..7)
}

/// No address twice in a log, in order or in none.
fn sound(addresses: u64) -> impl Strategy<Value = Vec<Vec<Block>>> {
    (logs(addresses), any::<bool>()).prop_map(|(mut logs, sorted)| {
        for log in &mut logs {
            let mut seen = BTreeSet::new();
            log.retain(|block| seen.insert(block.0));
            if sorted {
                log.sort_unstable();
            }
        }
        logs
    })
}

proptest! {
    #[test]
    fn lives_are_those_of_the_slow_way(logs in sound(90), batch in 1..20usize, rows in 1..40usize, sample in 1..4usize) {
        prop_assert_eq!(followed(&logs, batch, Cut { rows, sample }), naive(&logs));
    }

    #[test]
    fn addresses_that_come_twice_lose_no_block(logs in logs(9), batch in 1..20usize, rows in 1..40usize) {
        prop_assert_eq!(followed(&logs, batch, Cut { rows, sample: 1 }), naive(&logs));
    }
}

#[test]
fn ends_of_the_address_space_are_addresses_too() {
    let logs = vec![vec![(0, 1, 1), (u64::MAX, 1, 1)], vec![(u64::MAX, 1, 1), (0, 1, 2)]];
    for rows in 1..4 {
        assert_eq!(followed(&logs, 1, Cut { rows, sample: 1 }), naive(&logs));
    }
}

#[test]
fn nothing_gives_nothing() {
    assert_eq!(followed(&[], 1, Cut::default()), (BTreeMap::new(), BTreeMap::new()));
    assert_eq!(followed(&[vec![], vec![]], 1, Cut::default()), (BTreeMap::new(), BTreeMap::new()));
}
