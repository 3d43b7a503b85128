//! Which stacks of several snapshots are the same: those of equal fingerprints.

use std::sync::Arc;

use arrow_array::{Array, UInt32Array, UInt64Array, builder::BooleanBufferBuilder, cast::AsArray, types::UInt64Type};
use arrow_buffer::NullBuffer;
use rayon::prelude::*;

use super::Snapshot;
use crate::table::{self, Table, intern::Interner, schema};

/// The stacks of one snapshot by what they contain.
#[derive(Debug)]
pub struct Contents {
    /// [`schema::CONTENTS`]: a row for each of `stacks`.
    pub table: Table,
    /// Some of its stacks have the same content.
    pub repeats: bool,
}

/// Numbers the contents of stacks, from 0 in the order of their fingerprints, through all snapshots. Uses the threads of the pool it
/// is called in.
pub fn contents(snapshots: &[&Snapshot]) -> Vec<Contents> {
    let stacks = |snapshot: &&Snapshot| snapshot.table("stacks").map_or(0, Table::len);
    let mut numbers = Interner::with_room(snapshots.iter().map(stacks).max().unwrap_or(0));
    // By number: the fingerprint; and the snapshot in which it was seen last, from 1.
    let (mut known, mut seen): (Vec<u64>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut of_snapshot = |(snapshot, place): (&&Snapshot, u32)| {
        let (mut ids, mut repeats, mut is_known) = (Vec::new(), false, BooleanBufferBuilder::new(0));
        for fingerprints in fingerprints(snapshot) {
            let before = ids.len();
            number(fingerprints, &mut numbers, &mut ids, |fingerprint| known.push(fingerprint));
            seen.resize(known.len(), 0);
            let mut see = |id: u32| repeats |= std::mem::replace(&mut seen[id as usize], place) == place;
            match fingerprints.nulls() {
                None => {
                    is_known.append_n(fingerprints.len(), true);
                    ids[before..].iter().for_each(|id| see(*id));
                }
                Some(nulls) => {
                    nulls.iter().for_each(|valid| is_known.append(valid));
                    nulls.valid_indices().for_each(|row| see(ids[before + row]));
                }
            }
        }
        (ids, NullBuffer::new(is_known.finish()), repeats)
    };
    let numbered: Vec<_> = snapshots.iter().zip(1..).map(&mut of_snapshot).collect();
    let ranks = ranks(&known);
    let finished = |(mut ids, is_known, repeats): (Vec<u32>, NullBuffer, bool)| {
        // Where there is no fingerprint, any number stands, also in a file without one.
        ids.iter_mut().for_each(|id| *id = ranks.get(*id as usize).copied().unwrap_or(0));
        let column = UInt32Array::new(ids.into(), Some(is_known).filter(|known| known.null_count() > 0));
        let batch = table::batch(&schema::CONTENTS, vec![Arc::new(column)]);
        Contents { table: Table::new(&schema::CONTENTS, vec![batch]), repeats }
    };
    numbered.into_iter().map(finished).collect()
}

/// The place of each fingerprint among all.
fn ranks(known: &[u64]) -> Vec<u32> {
    let mut order: Vec<(u64, u32)> = known.iter().copied().zip(0..).collect();
    order.par_sort_unstable();
    let mut ranks = vec![0; order.len()];
    order.iter().zip(0..).for_each(|((_, number), rank)| ranks[*number as usize] = rank);
    ranks
}

fn fingerprints(snapshot: &Snapshot) -> impl Iterator<Item = &UInt64Array> {
    let batches = snapshot.table("stacks").map_or(&[][..], |table| &table.batches);
    batches.iter().filter_map(|batch| batch.column_by_name("fingerprint")?.as_primitive_opt::<UInt64Type>())
}

/// Numbers a column; where it is null, what number stands there means nothing.
fn number(fingerprints: &UInt64Array, numbers: &mut Interner, ids: &mut Vec<u32>, mut new: impl FnMut(u64)) {
    if fingerprints.null_count() > 0 {
        let mut id = |known: u64| numbers.intern(known, || new(known));
        ids.extend(fingerprints.iter().map(|known| known.map_or(0, &mut id)));
        return;
    }
    let fingerprints = fingerprints.values();
    numbers.intern_all(fingerprints, ids, |place| new(fingerprints[place]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Log, Options, read};

    fn snapshot(stacks: &[(&str, &str)]) -> Snapshot {
        let mut text = "*- - - - Start of data for heap @ 10000 - - - -\n".to_owned();
        for (id, frames) in stacks {
            text += &format!("10 bytes + 8 at 2E9FB00 by BackTrace{id}\n{frames}\n");
        }
        match read(text.as_bytes(), &Options::default()) {
            Ok(Log::Snapshot(snapshot)) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    fn ids(contents: &Contents) -> Vec<Option<u32>> {
        let column = contents.table.batches[0].column(0);
        column.as_primitive::<arrow_array::types::UInt32Type>().iter().collect()
    }

    #[test]
    fn equal_frames_have_one_number_in_all_snapshots() {
        const A: &str = "\t776CDD82\n\t1000\n";
        const B: &str = "\t776CDD82\n";
        // Frames of the last id stand nowhere.
        let one = snapshot(&[("1", A), ("2", B), ("7", "")]);
        let other = snapshot(&[("5", B), ("6", "\tABC\n"), ("8", A), ("9", A)]);
        let found = contents(&[&one, &other]);
        let (one_ids, other_ids) = (ids(&found[0]), ids(&found[1]));
        assert_eq!(one_ids[2], None);
        assert_eq!([one_ids[1], one_ids[0], one_ids[0]], [other_ids[0], other_ids[2], other_ids[3]]);
        let mut by_fingerprint: Vec<(u64, Option<u32>)> = Vec::new();
        for (snapshot, ids) in [(&one, one_ids), (&other, other_ids)] {
            let known = fingerprints(snapshot).flatten().zip(ids).filter_map(|(known, id)| Some((known?, id)));
            by_fingerprint.extend(known);
        }
        by_fingerprint.sort_unstable();
        by_fingerprint.dedup();
        assert!(by_fingerprint.iter().map(|(_, id)| *id).eq((0..3).map(Some)));
        assert_eq!((found[0].repeats, found[1].repeats), (false, true));
    }
}
