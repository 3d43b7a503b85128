//! Blocks with an allocation of their own: a tree of their descriptions, of which each child points back at its parent.

use super::{
    super::{
        header::Large,
        issues::HeapIssues,
        layout::Width,
        space::{Space, pointer_at},
    },
    fields::LargeFields,
    plan::SegmentHeap,
};
use crate::error::Severity;

/// Addresses of large blocks are multiples of this: the bits below say something else.
const GRANULARITY: u64 = 0x1_0000;

/// A description, and how its pointers are read.
struct Tree<'a> {
    space: &'a Space<'a>,
    fields: &'a LargeFields,
    width: &'static Width,
    /// Pointers are combined with the address of what they are in.
    is_encoded: bool,
}

impl Tree<'_> {
    fn pointer(&self, holder: u64, at: u64) -> Option<u64> {
        let value = self.space.pointer(holder.checked_add(at)?, self.width)?;
        Some(if self.is_encoded && value != 0 { value ^ holder } else { value })
    }

    /// True if a node's parent is this one; the lowest two bits are its balance.
    fn is_of(&self, node: u64, parent: Option<u64>) -> bool {
        let found = self.pointer(node, self.fields.parent).map(|value| value & !3);
        match parent {
            Some(parent) => found == Some(parent & !3),
            None => found == Some(0),
        }
    }
}

impl SegmentHeap {
    /// All large blocks. `claim` tells whether nobody else has their addresses.
    pub fn large(
        &self,
        space: &Space<'_>,
        mut claim: impl FnMut(u64, u64) -> bool,
        issues: &mut HeapIssues,
    ) -> Vec<Large> {
        let fields = &self.fields.large;
        let Some(tree) = self.base.checked_add(self.fields.heap.large) else { return Vec::new() };
        let bytes = space.read(tree, fields.encoded.at as u64 + 1).unwrap_or_default();
        let is_encoded = fields.encoded.of(&bytes) == Some(1);
        let nodes = Tree { space, fields, width: self.width, is_encoded };
        // Ranges of a damaged dump may show the same bytes at many addresses.
        let most = space.file.len() / fields.size.max(1) as usize;
        let mut found = Vec::new();
        let root = nodes.pointer(tree, fields.root).filter(|root| *root != 0);
        let mut open: Vec<(u64, Option<u64>)> = root.map(|root| (root, None)).into_iter().collect();
        while let Some((node, parent)) = open.pop() {
            let large = self.one(space, node).filter(|_| nodes.is_of(node, parent) && found.len() < most);
            // A description that is met again has an address that is taken.
            match large.filter(|large| claim(large.base, large.base + large.reserved)) {
                Some(large) => {
                    found.push(large);
                    let children = fields.children.map(|at| nodes.pointer(node, at).filter(|child| *child != 0));
                    open.extend(children.into_iter().flatten().map(|child| (child, Some(node))));
                }
                None => {
                    let base = self.base;
                    issues.push(
                        Severity::Error,
                        "heap_damage",
                        node,
                        || format!("no large block of the heap at {base:#X} is described at {node:#X}"),
                        "left it and those below it out: they are in no sum",
                    );
                }
            }
        }
        found.sort_by_key(|large| large.base);
        found
    }

    fn one(&self, space: &Space<'_>, node: u64) -> Option<Large> {
        const PAGE: u64 = 0x1000;
        let fields = &self.fields.large;
        let bytes = space.read(node.checked_sub(fields.node)?, fields.size)?;
        let address = pointer_at(&bytes, fields.address as usize, self.width)?;
        let committed = fields.pages.of(&bytes)?.checked_mul(PAGE)?;
        let unused = fields.unused.of(&bytes)?;
        let base = address / GRANULARITY * GRANULARITY;
        let holds = base > 0 && committed > 0 && unused < committed && base.checked_add(committed).is_some();
        holds.then_some(Large { base, committed, reserved: committed, unused, flags: 0 })
    }
}
