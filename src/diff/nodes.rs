//! Paths become nodes: the call tree, in preorder.
//!
//! Paths are put in the order of the tree, so that those below one node are neighbours: a node is a range of paths, and many
//! nodes are the same range.

use std::{cmp::Reverse, sync::Arc};

use arrow_array::{ArrayRef, UInt32Array};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer};

use super::paths::{TOTAL, sorted};
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

/// Nodes in preorder, siblings by their codes.
struct Tree {
    code: Vec<u32>,
    /// The node behind those below it.
    next: Vec<u32>,
    /// Paths that pass it: the first, and the one behind the last.
    start: Vec<u32>,
    end: Vec<u32>,
    /// Paths that end in it, which are the first of those that pass it.
    ending: Vec<u32>,
}

/// A node that is to be written, below one that is.
struct Ahead {
    node: u32,
    depth: u32,
    parent: u32,
    span: u32,
    /// Whether its parent is passed by the same paths.
    is_same: bool,
}

/// Makes the tree. Of siblings those of more weight come first, those of which it is not known last, then those of a lower code.
/// Absent if there are more nodes than numbers, or not as many weights as paths. Uses the threads of the pool it is called in.
pub fn nodes(paths: &[&[u32]], weights: &[Option<u64>]) -> Option<Nodes> {
    let steps: usize = paths.iter().map(|path| path.len()).sum();
    if paths.len() != weights.len() || u32::try_from(steps + 1).is_err() || u32::try_from(paths.len()).is_err() {
        return None;
    }
    let order = sorted(paths);
    Some(Tree::of(&order, paths).written(&order, &Weights::of(&order, weights)))
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
    /// The nodes of paths that are in order.
    fn of(order: &[u32], paths: &[&[u32]]) -> Self {
        let ordered = || order.iter().map(|path| paths[*path as usize]);
        // Each path beside what it shares with the one before it.
        let shared = || {
            let before = std::iter::once(&[][..]).chain(ordered());
            before.zip(ordered()).map(|(before, path)| (path, common(before, path)))
        };
        let count = 1 + shared().map(|(path, shared)| path.len() - shared).sum::<usize>();
        let room = || Vec::with_capacity(count);
        let mut tree = Self { code: room(), next: room(), start: room(), end: room(), ending: room() };
        let mut open = vec![tree.push(TOTAL, 0)];
        for (place, (path, shared)) in (0..).zip(shared()) {
            tree.close(open.drain(shared + 1..), place);
            open.extend(path[shared..].iter().map(|code| tree.push(*code, place)));
            tree.ending[open[path.len()] as usize] += 1;
        }
        tree.close(open.drain(..), order.len() as u32);
        tree
    }

    fn push(&mut self, code: u32, start: u32) -> u32 {
        let node = self.code.len() as u32;
        self.code.push(code);
        self.next.push(node);
        self.start.push(start);
        self.end.push(start);
        self.ending.push(0);
        node
    }

    fn close(&mut self, nodes: impl Iterator<Item = u32>, end: u32) {
        for node in nodes {
            self.end[node as usize] = end;
            self.next[node as usize] = self.code.len() as u32;
        }
    }

    /// The tables: nodes in preorder, siblings by their weights, and the paths in that order.
    fn written(&self, paths: &[u32], weights: &Weights) -> Nodes {
        let room = || Vec::with_capacity(self.code.len());
        let [mut parents, mut depths, mut codes, mut spans, mut endings] = [room(), room(), room(), room(), room()];
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        let mut order = Vec::with_capacity(paths.len());
        let mut ahead = vec![Ahead { node: 0, depth: 0, parent: 0, span: 0, is_same: false }];
        while let Some(Ahead { node, depth, parent, mut span, is_same }) = ahead.pop() {
            let (number, own) = (codes.len() as u32, self.passing(node));
            if !is_same {
                // Its paths come next: those that end here, then those of the nodes below.
                span = starts.len() as u32;
                starts.push(order.len() as u32);
                ends.push(order.len() as u32 + own.1 - own.0);
            }
            let ending = self.ending[node as usize];
            order.extend_from_slice(&paths[own.0 as usize..(own.0 + ending) as usize]);
            parents.push(parent);
            depths.push(depth);
            codes.push(self.code[node as usize]);
            spans.push(span);
            endings.push(ending);
            let first = ahead.len();
            let mut child = node + 1;
            while child < self.next[node as usize] {
                let is_same = self.passing(child) == own;
                ahead.push(Ahead { node: child, depth: depth + 1, parent: number, span, is_same });
                child = self.next[child as usize];
            }
            // The last one is taken next.
            if ahead.len() > first + 1 {
                ahead[first..].sort_by_cached_key(|child| {
                    (weights.between(self.passing(child.node)), Reverse(self.code[child.node as usize]))
                });
            }
        }
        let mut known = BooleanBufferBuilder::new(parents.len());
        known.append_n(parents.len(), true);
        known.set_bit(0, false);
        let parents = UInt32Array::new(parents.into(), Some(NullBuffer::new(known.finish())));
        let columns = [depths, codes, spans, endings].map(numbers);
        Nodes {
            nodes: table_of(&schema::NODES, std::iter::once(Arc::new(parents) as ArrayRef).chain(columns).collect()),
            spans: table_of(&schema::SPANS, vec![numbers(starts), numbers(ends)]),
            order: table_of(&schema::PATH_ORDER, vec![numbers(order)]),
        }
    }

    fn passing(&self, node: u32) -> (u32, u32) {
        (self.start[node as usize], self.end[node as usize])
    }
}

/// How many steps two paths begin with alike.
fn common(one: &[u32], other: &[u32]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
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
    fn long_paths_and_the_largest_codes_are_in_order() {
        let (first, last) = (u32::MAX - 1, u32::MAX);
        let found = nodes(&[&[first, 5], &[last, 3], &[first, 2]], &[Some(1); 3]).unwrap();
        assert_eq!(column(&found.nodes, "code"), [1, first, 2, 5, last, 3].map(Some));
        let long: Vec<u32> = (2..14).collect();
        let paths = [&[&long[..], &[30]].concat()[..], &long, &[&long[..], &[20]].concat()];
        let found = nodes(&paths, &[Some(1); 3]).unwrap();
        assert_eq!(column(&found.order, "path"), [1, 2, 0].map(Some));
        assert_eq!(found.nodes.len(), 1 + long.len() + 2);
    }

    #[test]
    fn no_paths_are_a_root_alone_and_each_path_has_a_weight() {
        let found = nodes(&[], &[]).unwrap();
        assert_eq!((column(&found.nodes, "parent_id"), column(&found.spans, "end")), (vec![None], vec![Some(0)]));
        assert!(nodes(&SEVERAL, &[Some(1)]).is_none());
    }
}
