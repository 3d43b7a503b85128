//! Which stacks of several snapshots are the same: those of equal fingerprints.

use std::sync::Arc;

use arrow_array::{Array, UInt32Array, UInt64Array, builder::BooleanBufferBuilder, cast::AsArray, types::UInt64Type};
use arrow_buffer::NullBuffer;

use super::Snapshot;
use crate::table::{self, Table, intern::Interner, schema};

/// Stacks whose fingerprints are looked up together.
const BATCH: usize = 128;

/// The stacks of one snapshot by what they contain.
#[derive(Debug)]
pub struct Contents {
    /// [`schema::CONTENTS`]: a row for each of `stacks`.
    pub table: Table,
    /// Some of its stacks have the same content.
    pub repeats: bool,
}

/// Numbers the contents of stacks, from 0 in order of first appearance, through all snapshots.
pub fn contents(snapshots: &[&Snapshot]) -> Vec<Contents> {
    let stacks = |snapshot: &&Snapshot| snapshot.table("stacks").map_or(0, Table::len);
    let mut numbers = Interner::with_room(snapshots.iter().map(stacks).max().unwrap_or(0));
    // By content, the snapshot in which it was seen last, from 1.
    let mut seen: Vec<u32> = Vec::new();
    let mut of_snapshot = |(snapshot, place): (&&Snapshot, u32)| {
        let (mut ids, mut repeats) = (Vec::new(), false);
        let mut known = BooleanBufferBuilder::new(0);
        for fingerprints in fingerprints(snapshot) {
            let before = ids.len();
            number(fingerprints, &mut numbers, &mut ids, || seen.push(0));
            for (row, id) in ids[before..].iter().enumerate() {
                let is_known = fingerprints.is_valid(row);
                known.append(is_known);
                repeats |= is_known && std::mem::replace(&mut seen[*id as usize], place) == place;
            }
        }
        let known = Some(NullBuffer::new(known.finish())).filter(|known| known.null_count() > 0);
        let batch = table::batch(&schema::CONTENTS, vec![Arc::new(UInt32Array::new(ids.into(), known))]);
        Contents { table: Table::new(&schema::CONTENTS, vec![batch]), repeats }
    };
    snapshots.iter().zip(1..).map(&mut of_snapshot).collect()
}

fn fingerprints(snapshot: &Snapshot) -> impl Iterator<Item = &UInt64Array> {
    let batches = snapshot.table("stacks").map_or(&[][..], |table| &table.batches);
    batches.iter().filter_map(|batch| batch.column_by_name("fingerprint")?.as_primitive_opt::<UInt64Type>())
}

/// Numbers a column; where it is null, what number stands there means nothing.
fn number(fingerprints: &UInt64Array, numbers: &mut Interner, ids: &mut Vec<u32>, mut new: impl FnMut()) {
    if fingerprints.null_count() > 0 {
        ids.extend(fingerprints.iter().map(|known| known.map_or(0, |known| numbers.intern(known, &mut new))));
        return;
    }
    for fingerprints in fingerprints.values().chunks(BATCH) {
        fingerprints.iter().for_each(|fingerprint| numbers.announce(*fingerprint));
        numbers.intern_batch(fingerprints, ids, |_| new());
    }
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
        assert_eq!(ids(&found[0]), [Some(0), Some(1), None]);
        assert_eq!(ids(&found[1]), [Some(1), Some(2), Some(0), Some(0)]);
        assert_eq!((found[0].repeats, found[1].repeats), (false, true));
    }
}
