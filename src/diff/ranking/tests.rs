//! A ranking held to sums that are added row by row.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Stack, side, and the measures of both sides, after first.
type Row = (Option<u32>, u32, [[Option<u64>; MEASURES]; 2]);

const STACKS: u32 = 40;

fn row() -> impl Strategy<Value = Row> {
    let number = prop_oneof![8 => (0..1000u64).prop_map(Some), 1 => Just(None), 1 => Just(Some(1 << 63))];
    let zeros = [Some(0); MEASURES];
    let stack = prop::option::weighted(0.9, 0..STACKS);
    (stack, 0..3u32, prop::array::uniform2(prop::array::uniform3(number))).prop_map(move |(stack, side, measures)| {
        match side {
            0 => (stack, side, [measures[0], zeros]),
            1 => (stack, side, [zeros, measures[1]]),
            _ => (stack, side, measures),
        }
    })
}

fn batch(rows: &[Row]) -> RecordBatch {
    let measure = |side: usize, measure: usize| {
        Arc::new(rows.iter().map(|(_, _, sums)| sums[side][measure]).collect::<UInt64Array>()) as ArrayRef
    };
    let names = ["requested_bytes", "overhead_bytes", "allocation_count"];
    let measures = names.iter().enumerate().flat_map(|(place, name)| {
        [("after", 0), ("before", 1)].map(|(side, number)| (format!("{name}_{side}"), measure(number, place)))
    });
    let stack: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<UInt32Array>());
    let side: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<UInt32Array>());
    let keys = [("stack".to_owned(), stack), ("side".to_owned(), side)];
    RecordBatch::try_from_iter_with_nullable(
        keys.into_iter().chain(measures).map(|(name, column)| (name, column, true)),
    )
    .expect("columns of one length")
}

/// What one side has of a key: the first stack, and the sums.
type Naive = (Option<u32>, [Option<u64>; MEASURES]);

/// For each key, side by side: the first stack, and sums that are absent if a part is.
fn naive(rows: &[Row], keys: &[u32]) -> BTreeMap<u32, [Naive; 2]> {
    let mut sums = BTreeMap::new();
    for (stack, side, measures) in rows {
        let Some(stack) = *stack else { continue };
        let key = keys[stack as usize];
        if key == NO_KEY {
            continue;
        }
        let sides = sums.entry(key).or_insert([(None, [Some(0); MEASURES]); 2]);
        for (number, (first, sums)) in sides.iter_mut().enumerate() {
            if *side as usize != 1 - number {
                *first = first.or(Some(stack));
            }
            for (sum, more) in sums.iter_mut().zip(measures[number]) {
                *sum = sum.zip(more).and_then(|(sum, more): (u64, u64)| sum.checked_add(more));
            }
        }
    }
    sums
}

proptest! {
    #[test]
    fn a_ranking_is_what_adding_row_by_row_gives(
        parts in prop::collection::vec(prop::collection::vec(row(), 0..60), 0..3),
        keys in prop::collection::vec(prop_oneof![4 => 0..30u32, 1 => Just(NO_KEY)], STACKS as usize),
    ) {
        let batches: Vec<RecordBatch> = parts.iter().map(|rows| batch(rows)).collect();
        let table = rank(&batches, &keys).expect("all columns are there");
        let ranking = &table.batches[0];
        let numbers = |name: &str| column::<UInt64Type>(ranking, name).expect(name);
        let small = |name: &str| column::<UInt32Type>(ranking, name).expect(name);
        let deltas = |name: &str| column::<arrow_array::types::Int64Type>(ranking, name).expect(name);
        let expected = naive(&parts.concat(), &keys);
        prop_assert_eq!(ranking.num_rows(), expected.len());
        let mut order = Vec::new();
        for row in 0..ranking.num_rows() {
            let at = |column: &UInt64Array| column.is_valid(row).then(|| column.value(row));
            let stack = |name| small(name).is_valid(row).then(|| small(name).value(row));
            let key = small("key").value(row);
            let [(after, new), (before, old)] = expected[&key];
            prop_assert_eq!((stack("stack_after"), stack("stack_before"), stack("stack")), (after, before, after.or(before)));
            for (place, measure) in ["requested_bytes", "overhead_bytes", "allocation_count"].iter().enumerate() {
                prop_assert_eq!(at(numbers(&format!("{measure}_after"))), new[place]);
                prop_assert_eq!(at(numbers(&format!("{measure}_before"))), old[place]);
                let sides = new[place].zip(old[place]);
                let delta = sides.and_then(|(new, old)| i64::try_from(i128::from(new) - i128::from(old)).ok());
                let column = deltas(&format!("{measure}_delta"));
                prop_assert_eq!(column.is_valid(row).then(|| column.value(row)), delta);
                if place == 0 {
                    order.push((delta.is_none(), delta.map(Reverse), key));
                }
            }
        }
        prop_assert!(order.is_sorted());
    }
}
