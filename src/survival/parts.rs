//! Parts: ranges of addresses with about as many blocks each, and where the blocks of each snapshot are that lie in it.
//!
//! Tools walk a heap by address, so the rows of a part are together in a few runs; nothing is copied to find them again.

use rayon::prelude::*;

use super::Blocks;

/// How large parts are.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Blocks of one snapshot that a part should have.
    pub rows: usize,
    /// One address in this many is looked at to find the limits.
    pub sample: usize,
}

impl Default for Cut {
    /// A part fits into the cache of a core together with what is kept of the snapshots before.
    fn default() -> Self {
        Self { rows: 8 << 10, sample: 128 }
    }
}

/// Rows of a batch that lie in one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Number of the batch.
    pub batch: u32,
    /// First row.
    pub start: u32,
    /// Row behind the last.
    pub end: u32,
}

/// Where the rows of all parts are.
pub struct Parts {
    /// First address of each part but the first.
    limits: Vec<u64>,
    snapshots: Vec<Placed>,
}

/// The runs of a snapshot, part by part.
struct Placed {
    runs: Vec<Run>,
    /// First run of each part, and the end.
    starts: Vec<u32>,
}

impl Parts {
    /// Cuts the blocks of all snapshots.
    pub fn new(snapshots: &[Blocks<'_>], cut: Cut) -> Self {
        let most = snapshots.iter().map(Blocks::len).max().unwrap_or(0);
        let limits = limits(snapshots, most.div_ceil(cut.rows), cut.sample);
        let snapshots = snapshots.par_iter().map(|snapshot| placed(snapshot, &limits)).collect();
        Self { limits, snapshots }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.limits.len() + 1
    }

    /// Rows of a snapshot that lie in a part, in the order of the file.
    pub fn runs(&self, snapshot: usize, part: usize) -> &[Run] {
        let Placed { runs, starts } = &self.snapshots[snapshot];
        &runs[starts[part] as usize..starts[part + 1] as usize]
    }
}

/// Addresses that cut what there is into about `count` parts of the same size; fewer where many blocks share an address.
fn limits(snapshots: &[Blocks<'_>], count: usize, sample: usize) -> Vec<u64> {
    let batches = snapshots.iter().flat_map(|snapshot| &snapshot.batches);
    let mut some: Vec<u64> = batches.flat_map(|batch| batch.addresses.iter().step_by(sample).copied()).collect();
    some.par_sort_unstable();
    let mut limits: Vec<u64> = (1..count).filter_map(|part| some.get(part * some.len() / count).copied()).collect();
    limits.dedup();
    limits
}

fn placed(snapshot: &Blocks<'_>, limits: &[u64]) -> Placed {
    let found: Vec<Vec<(u32, Run)>> = snapshot
        .batches
        .par_iter()
        .enumerate()
        .map(|(batch, columns)| runs(columns.addresses, batch as u32, limits))
        .collect();
    let mut starts = vec![0u32; limits.len() + 2];
    for (part, _) in found.iter().flatten() {
        starts[*part as usize + 1] += 1;
    }
    for part in 1..starts.len() {
        starts[part] += starts[part - 1];
    }
    let mut next = starts.clone();
    let mut runs = vec![Run { batch: 0, start: 0, end: 0 }; found.iter().map(Vec::len).sum()];
    for (part, run) in found.iter().flatten() {
        runs[next[*part as usize] as usize] = *run;
        next[*part as usize] += 1;
    }
    Placed { runs, starts }
}

/// Neighbours that lie in the same part, each with its part.
fn runs(addresses: &[u64], batch: u32, limits: &[u64]) -> Vec<(u32, Run)> {
    let mut runs = Vec::new();
    let mut start = 0;
    while let Some(address) = addresses.get(start) {
        let part = limits.partition_point(|limit| limit <= address);
        let low = if part == 0 { 0 } else { limits[part - 1] };
        let width = limits.get(part).map_or(u64::MAX, |limit| limit - 1) - low;
        let rest = &addresses[start..];
        let end = start + rest.iter().position(|address| address.wrapping_sub(low) > width).unwrap_or(rest.len());
        runs.push((part as u32, Run { batch, start: start as u32, end: end as u32 }));
        start = end;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_where_the_part_changes() {
        let run = |part, start, end| (part, Run { batch: 3, start, end });
        assert_eq!(
            runs(&[0, 5, 9, 10, u64::MAX, 12, 3], 3, &[10, 20]),
            [run(0, 0, 3), run(1, 3, 4), run(2, 4, 5), run(1, 5, 6), run(0, 6, 7)]
        );
        assert_eq!(runs(&[u64::MAX, 0], 3, &[]), [run(0, 0, 2)]);
        assert!(runs(&[], 3, &[1]).is_empty());
    }
}
