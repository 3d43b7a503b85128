//! Tests of the Rust core, in one binary.

mod hogs;
