//! MB/s per dialect.
fn main() {}
