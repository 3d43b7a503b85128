//! The segment heap of Windows 10 and later, read by the types of the process's own `ntdll.pdb`. Experimental: what is known of it is
//! from public talks (Yason, "Windows 10 Segment Heap Internals", Black Hat 2016; Bayet and Fariello, "Scoop the Windows 10 pool!",
//! SSTIC 2020) and from types in public symbol files; no real process was seen.
//!
//! ```text
//! plan (contexts, page segments, keys) -> ranges (what the units of a segment are) -> walk (blocks of the back end) with vs and lfh
//!                                      -> large (blocks with an allocation of their own)
//! ```
//!
//! The invariants are those of NT heaps. Instead of checksums there are keys of the process: each page segment gives one, and all have to
//! give the same; chunks are decoded by it, and follow each other; areas of the low-fragmentation heap have one key, too.

pub mod fields;
pub mod keys;
mod large;
mod lfh;
mod number;
pub mod plan;
mod ranges;
mod vs;
pub mod walk;
