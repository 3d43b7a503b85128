//! What became of the blocks: every block followed from one snapshot of a run to the next.
//!
//! A block is the same as long as address, requested size and stack are the same in every snapshot between. Blocks of all
//! snapshots are cut into parts by address, small enough for a core's cache; each part is followed from first to last on
//! one thread, and only the lives that end there leave it.
//!
//! Invariant: at each point the survivors of all births are the blocks of that snapshot, and their bytes are its bytes.

mod follow;
mod lives;
mod parts;
mod stacks;
mod tables;
#[cfg(test)]
mod tests;

pub use tables::survivors;

use arrow_array::{
    Array,
    cast::AsArray,
    types::{UInt32Type, UInt64Type},
};
use arrow_buffer::NullBuffer;

use crate::{
    Snapshot,
    engine::threads,
    error::{Error, ErrorKind, Result},
    table::Table,
};
use follow::Follower;
use lives::{Life, Lives};
use parts::{Cut, Parts};
use stacks::Numbered;

/// The answer of [`survival`].
#[derive(Debug, Clone)]
pub struct Survival {
    /// [`crate::table::schema::SURVIVAL_STACKS`]: the stacks that held blocks.
    pub stacks: Table,
    /// [`crate::table::schema::LIVES`]: how many blocks were first seen at one point and last seen at another.
    pub lives: Table,
}

/// Blocks of a snapshot that are in one batch.
struct Columns<'a> {
    addresses: &'a [u64],
    sizes: &'a [u64],
    stacks: &'a [u32],
    nulls: Option<&'a NullBuffer>,
}

/// Blocks of a snapshot, and the number of each of its stacks.
struct Blocks<'a> {
    batches: Vec<Columns<'a>>,
    numbers: Vec<u32>,
}

impl Blocks<'_> {
    fn len(&self) -> usize {
        self.batches.iter().map(|batch| batch.addresses.len()).sum()
    }
}

/// Follows the blocks of snapshots of one run, given in the order of time. Uses the threads of the pool it is called in.
///
/// Stacks are told apart by their fingerprints; one whose frames are not in its file is the one of the same trace id in
/// another snapshot, or stands for itself under its id.
///
/// # Errors
///
/// [`ErrorKind::Option`] if a row of `allocations` has no address.
pub fn survival(snapshots: &[&Snapshot]) -> Result<Survival> {
    let Numbered { numbers, stacks } = stacks::number(snapshots);
    let blocks: Vec<Blocks<'_>> = snapshots
        .iter()
        .zip(numbers)
        .map(|(snapshot, numbers)| Ok(Blocks { batches: columns(snapshot)?, numbers }))
        .collect::<Result<_>>()?;
    let (lives, reused) = follow(&blocks, stacks.len(), Cut::default());
    Ok(tables::of(&lives, &reused, &stacks))
}

fn columns(snapshot: &Snapshot) -> Result<Vec<Columns<'_>>> {
    let batches = snapshot.table("allocations").map_or(&[][..], |table| &table.batches);
    let columns = batches.iter().filter_map(|batch| {
        let addresses = batch.column_by_name("address")?.as_primitive_opt::<UInt64Type>()?;
        let sizes = batch.column_by_name("requested_bytes")?.as_primitive_opt::<UInt64Type>()?;
        let stacks = batch.column_by_name("stack_id")?.as_primitive_opt::<UInt32Type>()?;
        if addresses.null_count() > 0 {
            let expected = "logs with the address of every block";
            let error = Error::new(ErrorKind::Option { expected, found: "lines without one".to_owned() });
            return Some(Err(error.in_file(snapshot.about.path.clone())));
        }
        let nulls = stacks.nulls().filter(|nulls| nulls.null_count() > 0);
        Some(Ok(Columns { addresses: addresses.values(), sizes: sizes.values(), stacks: stacks.values(), nulls }))
    });
    columns.collect()
}

/// All lives, sorted, and for each stack how many blocks were born at an address that another had held.
fn follow(snapshots: &[Blocks<'_>], stack_count: usize, cut: Cut) -> (Vec<Life>, Vec<u64>) {
    let parts = Parts::new(snapshots, cut);
    let followers = threads::share(
        parts.count(),
        || Follower::new(snapshots, stack_count),
        |follower, part| follower.part(&parts, part),
    );
    let mut reused = vec![0; stack_count];
    let mut all = Vec::new();
    for follower in followers {
        let (lives, some_reused) = follower.finish();
        all.push(lives);
        reused.iter_mut().zip(some_reused).for_each(|(sum, count)| *sum += count);
    }
    (Lives::merged(all), reused)
}
