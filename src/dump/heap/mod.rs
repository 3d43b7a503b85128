//! The NT heap, read from the memory that a dump holds. No files, no threads, no Arrow.
//!
//! ```text
//! find (where heaps are) -> plan (headers proved, segments, large blocks) -> page (blocks of page heap) -> backend (one segment at a time) with lfh
//!   -> result (sums of each heap, what was checked)
//! ```
//!
//! The invariants: a layout is proved on the heap itself or nothing is read by it; every byte of a segment is busy, free,
//! overhead, uncommitted or unknown, once ([`account`]); what contradicts itself is an issue with its address, and unknown.
//! Every list is bounded, addresses of a walk only go up, and all walks together read no more headers than the file can hold.

pub mod account;
pub mod backend;
pub mod blocks;
pub mod content;
pub mod find;
pub mod fragment;
pub mod header;
pub mod issues;
pub mod layout;
pub mod lfh;
pub mod page;
pub mod plan;
pub mod proof;
pub mod result;
pub mod rows;
pub mod segment;
pub mod segment_heap;
pub mod space;
pub mod stacks;
pub mod types;
pub mod walked;

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod proof_tests;
#[cfg(test)]
mod tests;
