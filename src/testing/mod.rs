//! Writes synthetic logs and dumps whose answers are known: for tests, benches, notebooks and the demo.
//!
//! Three kinds, each written straight into a sink of bytes, each a pure function of its options:
//!
//! - [`investigation`]: a server with one leak, one cache that fills up, one false alarm and the noise of an ordinary
//!   day; small enough for a test, told so that an analyst would believe it.
//! - [`mod@reference`]: logs of any size for benchmarks, written at the speed of memory.
//! - [`dump`]: minidumps: of the same server, for benchmarks, and damaged ones.
//!
//! Invariant: the answer is counted while writing, never by reading back, so a reader can be checked against it.

pub mod dump;
mod encode;
pub mod investigation;

pub mod random;
pub mod reference;

pub use encode::{Encoding, LineEnd};
