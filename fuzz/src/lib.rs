//! The fuzz targets, each a function that panics where a promise of heapdelta is broken.
//!
//! `make fuzz` runs them under libFuzzer; `tests/seeds.rs` runs them over their seeds on any toolchain.

pub mod archive_any;
pub mod comparison_round_trip;
pub mod dump_any;
pub mod heap_walk;
pub mod pdb_records;
pub mod read_any;
pub mod symbols_any;
pub mod umdh2_fast_path;
