//! The tests of the Rust core that need more than one module: one binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod archives;
mod comparison;
mod compat;
mod corpus;
mod damage;
mod documents;
mod dumps;
mod dumps_damaged;
mod dumps_said;
mod dumps_with_log;
mod errors;
mod fixtures;
mod formats;
mod hogs;
#[cfg(feature = "polars")]
mod polars_frames;
mod properties;
mod quirks;
mod sample_dump;
mod series;
mod sums;
mod support;
mod survival;
mod testing;
mod testing_dump;
mod texts;
mod truncated;
