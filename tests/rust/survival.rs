//! Following blocks through the public interface: logs as they are read, tables as they are given.

use arrow_array::{
    Array,
    cast::AsArray,
    types::{UInt32Type, UInt64Type},
};
use heapdelta::{
    ErrorKind, Snapshot,
    internals::{
        survival::{Survival, survival, survivors},
        table::Table,
    },
    testing::investigation::series::{Series, SeriesOptions},
};

use crate::support::snapshot;

fn days() -> Vec<Snapshot> {
    let mut series = Series::new(SeriesOptions { seed: 5, stack_count: 120, hours_apart: 6, restart_at: None });
    let log = |_| {
        let mut out = Vec::new();
        series.write_next(&mut out).unwrap();
        snapshot(&out)
    };
    (0..5).map(log).collect()
}

/// Rows of `survivors`: stack, birth, point, blocks, bytes.
fn rows(survivors: &Table) -> Vec<(u32, u32, u32, u64, u64)> {
    let batch = &survivors.batches[0];
    let small = |place: usize| batch.column(place).as_primitive::<UInt32Type>().values().to_vec();
    let large = |place: usize| batch.column(place).as_primitive::<UInt64Type>().values().to_vec();
    let (keys, sums) = ([small(0), small(1), small(2)], [large(3), large(4)]);
    (0..batch.num_rows()).map(|row| (keys[0][row], keys[1][row], keys[2][row], sums[0][row], sums[1][row])).collect()
}

fn total(snapshot: &Snapshot, name: &str) -> u64 {
    let batches = &snapshot.table("usage").unwrap().batches;
    batches
        .iter()
        .map(|batch| batch.column_by_name(name).unwrap().as_primitive::<UInt64Type>().iter().flatten().sum::<u64>())
        .sum()
}

#[test]
fn survivors_add_up_to_the_snapshots_and_never_grow() {
    let days = days();
    let Survival { stacks, lives } = survival(&days.iter().collect::<Vec<_>>()).unwrap();
    let rows = rows(&survivors(&lives));
    for (point, snapshot) in (0..).zip(&days) {
        let there = rows.iter().filter(|row| row.2 == point);
        let (count, bytes) = there.fold((0, 0), |sum, row| (sum.0 + row.3, sum.1 + row.4));
        assert_eq!((count, bytes), (total(snapshot, "allocation_count"), total(snapshot, "requested_bytes")));
    }
    assert!(rows.is_sorted(), "by stack, birth and point");
    assert!(rows.iter().all(|row| row.1 <= row.2 && row.3 > 0 && (row.0 as usize) < stacks.len()));
    for pair in rows.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
        assert!(pair[1].2 == pair[0].2 + 1 && pair[1].3 <= pair[0].3, "{pair:?}");
    }
    // Blocks without a stack come first, and there are some.
    let ids = stacks.batches[0].column_by_name("stack_id").unwrap().as_primitive::<UInt32Type>();
    assert!(ids.is_null(0) && ids.null_count() == 1);
}

#[test]
fn number_of_threads_changes_nothing() {
    let days = days();
    let on = |threads| {
        let pool = heapdelta::internals::engine::threads::Pool::new(Some(threads)).unwrap();
        pool.install(|| survival(&days.iter().collect::<Vec<_>>()).unwrap())
    };
    let (one, many) = (on(1), on(5));
    assert_eq!(one.lives.batches, many.lives.batches);
    assert_eq!(one.stacks.batches, many.stacks.batches);
}

#[test]
fn blocks_without_addresses_are_refused() {
    let sums = snapshot(include_bytes!("../data/umdh1_service.txt"));
    let error = survival(&[&sums]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Option { .. }), "{error}");
    assert!(survivors(&survival(&[]).unwrap().lives).is_empty());
}
