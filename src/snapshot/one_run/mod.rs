//! The snapshots of one run: a stack is the same in all of them, whatever their module lists say of its addresses.
//!
//! ```text
//! before: BackTraceC50  7FFB20001C40    glaze.dll is listed at 7FFB20000000    glaze+1C40
//! after:  BackTraceC50  7FFB20001C40    nothing is listed there any more       7FFB20001C40, so glaze+1C40 as well
//! ```
//!
//! Inside one run a trace id with the same addresses is the same stack ([`groups`]). Each of its frames is in the module that
//! the first snapshot that knows one has for it, in later snapshots (the module was unloaded, its base went to another) and in
//! earlier ones (their list lacked it). Such stacks are written anew ([`rewrite`]); everything else stays as it is.
//!
//! Invariant: numbers of stacks and of frames stay the same, added frames are behind the others, and no sum changes.

mod groups;
mod logs;
mod places;
mod rewrite;

use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{ArrayRef, StringViewArray, UInt32Array, UInt64Array};
use rayon::prelude::*;

use super::Snapshot;
use crate::table::{self, Table, modules::ModuleMap, schema};
use groups::Grouped;
use logs::{Log, Mark};
use places::Unsettled;

/// The snapshots of one run, brought together.
#[derive(Debug)]
pub struct OneRun {
    /// Those of which a stack changed; absent for those that stay as they are.
    pub snapshots: Vec<Option<Snapshot>>,
    /// [`schema::CARRIED`]: which stacks took which module.
    pub carried: Table,
}

/// A frame of one of the snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Frame {
    source: u32,
    id: u32,
}

impl Frame {
    fn mark(&self, logs: &[Log<'_>]) -> Mark {
        logs[self.source as usize].mark_of(self.id)
    }
}

/// A stack whose frames another snapshot knows better.
struct Change<'a> {
    row: u32,
    own: &'a [u32],
    better: &'a [Frame],
}

/// Brings snapshots of one run together, given in the order of time. Uses the threads of the pool it is called in.
pub fn one_run(snapshots: &[&Snapshot]) -> OneRun {
    let maps: Vec<ModuleMap> = snapshots.iter().map(|one| ModuleMap::of_table(one.table("modules"))).collect();
    let unsettled = if logs::any_text(snapshots) {
        logs::can_differ(snapshots).then_some(Unsettled::Everything)
    } else {
        Unsettled::between(&maps)
    };
    let Some(unsettled) = unsettled else { return unchanged(snapshots.len()) };
    let sources = snapshots.par_iter().zip(&maps);
    let logs: Vec<Log<'_>> = sources.map(|(snapshot, map)| Log::new(snapshot, map, &unsettled)).collect();
    let grouped = Grouped::new(&logs);
    let changes: Vec<Vec<Change<'_>>> = (0..logs.len()).map(|source| grouped.changes(&logs, source)).collect();
    let rewritten = |(source, changes): (usize, &Vec<Change<'_>>)| {
        (!changes.is_empty()).then(|| rewrite::snapshot(snapshots[source], &logs, source, changes))
    };
    OneRun { snapshots: changes.par_iter().enumerate().map(rewritten).collect(), carried: carried(&logs, &changes) }
}

fn unchanged(count: usize) -> OneRun {
    OneRun { snapshots: vec![None; count], carried: Table::new(&schema::CARRIED, Vec::new()) }
}

/// Builds [`schema::CARRIED`].
fn carried(logs: &[Log<'_>], changes: &[Vec<Change<'_>>]) -> Table {
    let mut rows = Vec::new();
    for (source, changes) in (0..).zip(changes) {
        for change in changes {
            let taken = change.own.iter().zip(change.better).filter_map(|(own, better)| {
                let (log, other) = (&logs[source as usize], &logs[better.source as usize]);
                if log.mark_of(*own).hash == other.mark_of(better.id).hash {
                    return None;
                }
                let (own, known) = (log.frame(*own), other.frame(better.id));
                let base = known.address.and_then(|address| address.checked_sub(known.offset?));
                let moved = own.module != known.module;
                moved.then_some((known.module?, base.filter(|_| known.function.is_none()), own.module, better.source))
            });
            // Many frames of one stack may be in one module.
            rows.extend(taken.collect::<BTreeSet<_>>().into_iter().map(|taken| (source, change.row, taken)));
        }
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.1)).collect::<UInt32Array>()),
        Arc::new(rows.iter().map(|row| Some(row.2.0)).collect::<StringViewArray>()),
        Arc::new(rows.iter().map(|row| row.2.1).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|row| row.2.2).collect::<StringViewArray>()),
        Arc::new(rows.iter().map(|row| Some(row.2.3)).collect::<UInt32Array>()),
    ];
    Table::new(&schema::CARRIED, vec![table::batch(&schema::CARRIED, columns)])
}
