//! Paths become nodes: the call tree, in preorder.
//!
//! Paths are put in the order of the tree, so that those below one node are neighbours: a node is a range of paths, and many
//! nodes are the same range.

use std::{cmp::Reverse, sync::Arc};

use arrow_array::{ArrayRef, UInt32Array};
use rayon::prelude::*;

use super::paths::TOTAL;
use crate::table::{
    self, Table,
    schema::{self, TableSchema},
};

/// The tree of some paths.
#[derive(Debug, Clone)]
pub struct Nodes {
    /// The table `nodes`.
    pub nodes: Table,
    /// The table `spans`.
    pub spans: Table,
    /// The table `path_order`.
    pub order: Table,
}

/// Nodes by number; a child has a higher one than its parent.
struct Tree {
    parent: Vec<u32>,
    depth: Vec<u32>,
    code: Vec<u32>,
    /// Paths that pass it: the first, and the one behind the last.
    start: Vec<u32>,
    end: Vec<u32>,
    /// Paths that end in it, which are the first of those that pass it.
    ending: Vec<u32>,
}

/// Makes the tree. Of siblings those of more weight come first, those of which it is not known last, then those of a lower code.
/// Absent if there are more nodes than numbers, or not as many weights as paths. Uses the threads of the pool it is called in.
pub fn nodes(paths: &[&[u32]], weights: &[Option<u64>]) -> Option<Nodes> {
    let steps: usize = paths.iter().map(|path| path.len()).sum();
    if paths.len() != weights.len() || u32::try_from(steps).is_err() || u32::try_from(paths.len()).is_err() {
        return None;
    }
    let order = sorted(paths);
    let by_code = Tree::of(&order, paths, steps);
    let by_weight = by_code.preorder(&Weights::of(&order, weights));
    Some(by_code.written(&by_weight, &order))
}

/// The numbers of paths, sorted by their steps.
fn sorted(paths: &[&[u32]]) -> Vec<u32> {
    // The first steps beside the number decide most comparisons without a look at the paths, which are far apart.
    let key = |(number, path): (u32, &&[u32])| ([path.first().copied(), path.get(1).copied()], number);
    let mut keyed: Vec<_> = (0..).zip(paths).map(key).collect();
    let rest = |number: u32| paths[number as usize].get(2..).unwrap_or_default();
    keyed.par_sort_unstable_by(|(steps, number), (others, other)| {
        steps.cmp(others).then_with(|| rest(*number).cmp(rest(*other))).then(number.cmp(other))
    });
    keyed.into_iter().map(|(_, number)| number).collect()
}

/// Running sums of what paths weigh, and of how many it is not known.
struct Weights(Vec<(u128, u32)>);

impl Weights {
    fn of(order: &[u32], weights: &[Option<u64>]) -> Self {
        let mut running = vec![(0, 0)];
        let (mut sum, mut unknown) = (0, 0);
        for path in order {
            match weights[*path as usize] {
                Some(weight) => sum += u128::from(weight),
                None => unknown += 1,
            }
            running.push((sum, unknown));
        }
        Self(running)
    }

    /// What some neighbours weigh; absent where that of one of them is not known.
    fn between(&self, (start, end): (u32, u32)) -> Option<u128> {
        let ((from, unknown_before), (to, unknown)) = (self.0[start as usize], self.0[end as usize]);
        (unknown == unknown_before).then(|| to - from)
    }
}

impl Tree {
    /// The nodes of paths that are in order; they are in preorder, siblings by their codes.
    fn of(order: &[u32], paths: &[&[u32]], steps: usize) -> Self {
        let room = || Vec::with_capacity(steps + 1);
        let mut tree = Self { parent: room(), depth: room(), code: room(), start: room(), end: room(), ending: room() };
        let mut open = vec![0];
        tree.push(0, 0, TOTAL, 0);
        let mut before: &[u32] = &[];
        for (place, path) in (0..).zip(order) {
            let path = paths[*path as usize];
            let shared = before.iter().zip(path).take_while(|(one, other)| one == other).count();
            for closed in open.drain(shared + 1..) {
                tree.end[closed as usize] = place;
            }
            for (step, code) in path.iter().enumerate().skip(shared) {
                let node = tree.push(open[step], step as u32 + 1, *code, place);
                open.push(node);
            }
            tree.ending[open[path.len()] as usize] += 1;
            before = path;
        }
        for left in open {
            tree.end[left as usize] = order.len() as u32;
        }
        tree
    }

    fn push(&mut self, parent: u32, depth: u32, code: u32, start: u32) -> u32 {
        self.parent.push(parent);
        self.depth.push(depth);
        self.code.push(code);
        self.start.push(start);
        self.end.push(start);
        self.ending.push(0);
        self.parent.len() as u32 - 1
    }

    /// The nodes in preorder, siblings by their weights.
    fn preorder(&self, weights: &Weights) -> Vec<u32> {
        let count = self.parent.len();
        // How many nodes are in a node and below it.
        let mut sizes = vec![1_u32; count];
        for node in (1..count).rev() {
            sizes[self.parent[node] as usize] += sizes[node];
        }
        let mut found = Vec::with_capacity(count);
        let mut ahead = vec![0];
        while let Some(node) = ahead.pop() {
            found.push(node);
            let (first, end) = (ahead.len(), node + sizes[node as usize]);
            let mut child = node + 1;
            while child < end {
                ahead.push(child);
                child += sizes[child as usize];
            }
            // The one that is taken next stands last.
            if ahead.len() > first + 1 {
                ahead[first..].sort_by_cached_key(|child| {
                    let child = *child as usize;
                    (weights.between(self.passing(child)), Reverse(self.code[child]))
                });
            }
        }
        found
    }

    /// The tables, nodes in the order given, and paths in the order of those.
    fn written(&self, order: &[u32], paths: &[u32]) -> Nodes {
        let count = order.len();
        let (mut parents, mut spans) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        let mut ordered = Vec::with_capacity(paths.len());
        // By old number: the new one, and the span.
        let mut known = vec![(0_u32, 0_u32); count];
        for (new, old) in (0..).zip(order.iter().map(|node| *node as usize)) {
            let (parent, span) = known[self.parent[old] as usize];
            let is_root = new == 0;
            let is_same = !is_root && self.passing(old) == self.passing(self.parent[old] as usize);
            let span = if is_same {
                span
            } else {
                // Its paths come next: those that end here do, and those of its children follow.
                starts.push(ordered.len() as u32);
                ends.push(ordered.len() as u32 + self.end[old] - self.start[old]);
                starts.len() as u32 - 1
            };
            let first = self.start[old] as usize;
            ordered.extend_from_slice(&paths[first..first + self.ending[old] as usize]);
            known[old] = (new, span);
            parents.push((!is_root).then_some(parent));
            spans.push(span);
        }
        let told = |column: &[u32]| -> Vec<u32> { order.iter().map(|node| column[*node as usize]).collect() };
        let columns = [told(&self.depth), told(&self.code), spans, told(&self.ending)];
        let parents: ArrayRef = Arc::new(UInt32Array::from(parents));
        let nodes = std::iter::once(parents).chain(columns.map(numbers)).collect();
        Nodes {
            nodes: table_of(&schema::NODES, nodes),
            spans: table_of(&schema::SPANS, vec![numbers(starts), numbers(ends)]),
            order: table_of(&schema::PATH_ORDER, vec![numbers(ordered)]),
        }
    }

    fn passing(&self, node: usize) -> (u32, u32) {
        (self.start[node], self.end[node])
    }
}

fn numbers(values: Vec<u32>) -> ArrayRef {
    Arc::new(UInt32Array::from(values))
}

fn table_of(schema: &'static TableSchema, columns: Vec<ArrayRef>) -> Table {
    Table::new(schema, vec![table::batch(schema, columns)])
}

#[cfg(test)]
mod tests {
    use arrow_array::{cast::AsArray, types::UInt32Type};

    use super::*;

    const SEVERAL: [&[u32]; 6] = [&[7, 8, 9], &[7], &[6, 8], &[7, 8], &[5], &[6, 9]];

    fn column(table: &Table, name: &str) -> Vec<Option<u32>> {
        table.batches[0].column_by_name(name).unwrap().as_primitive::<UInt32Type>().iter().collect()
    }

    #[test]
    fn heavier_siblings_come_first_and_unknown_ones_last() {
        let found = nodes(&SEVERAL, &[Some(1), Some(2), Some(1), Some(3), None, Some(1)]).unwrap();
        assert_eq!(column(&found.nodes, "code"), [1, 7, 8, 9, 6, 8, 9, 5].map(Some));
        assert_eq!(column(&found.nodes, "depth"), [0, 1, 2, 3, 1, 2, 2, 1].map(Some));
        let parents = [None, Some(0), Some(1), Some(2), Some(0), Some(4), Some(4), Some(0)];
        assert_eq!(column(&found.nodes, "parent_id"), parents);
        assert_eq!(column(&found.order, "path"), [1, 3, 0, 2, 5, 4].map(Some));
        assert_eq!(column(&found.nodes, "ending"), [0, 1, 1, 1, 0, 1, 1, 1].map(Some));
    }

    #[test]
    fn nodes_through_which_the_same_paths_go_have_one_span() {
        let found = nodes(&[&[3, 4, 5], &[2, 4], &[2, 4, 6]], &[Some(9), Some(1), Some(1)]).unwrap();
        assert_eq!(column(&found.nodes, "code"), [1, 3, 4, 5, 2, 4, 6].map(Some));
        assert_eq!(column(&found.nodes, "span"), [0, 1, 1, 1, 2, 2, 3].map(Some));
        assert_eq!(column(&found.spans, "start"), [0, 0, 1, 2].map(Some));
        assert_eq!(column(&found.spans, "end"), [3, 1, 3, 3].map(Some));
    }

    #[test]
    fn no_paths_are_a_root_alone_and_each_path_has_a_weight() {
        let found = nodes(&[], &[]).unwrap();
        assert_eq!((column(&found.nodes, "parent_id"), column(&found.spans, "end")), (vec![None], vec![Some(0)]));
        assert!(nodes(&SEVERAL, &[Some(1)]).is_none());
    }
}
