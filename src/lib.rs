//! Reads the heap logs that Windows support engineers receive (DH, UMDH, DHCMP) into columnar tables.

pub mod error;
pub mod lines;
pub mod log;
pub mod synth;
pub mod table;
