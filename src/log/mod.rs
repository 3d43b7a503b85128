//! The DH/UMDH text family: what each dialect looks like, and a reader for each. Pure: no files, no threads, no Arrow.
//!
//! A reader takes blocks of text and fills a [`sink::Sink`]. Lines it understands become rows, the rest becomes issues or
//! verbatim sections; [`sink::LineCounts`] accounts for every line.

pub mod blocks;
pub mod comparison;
pub mod console;
mod cut;
pub mod fields;
mod header;
pub mod hogs;
pub mod line;
pub mod lines;
mod module_row;
mod open_stack;
pub mod sections;
pub mod sink;
pub mod sites;
pub mod sniff;
mod symbol_noise;
pub mod time;
mod tokens;
pub mod typography;
pub mod umdh2;

pub use sniff::Evidence;

/// Which tool wrote a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// DH.EXE of the NT 4 and 2000 Resource Kits.
    Dh,
    /// UMDH.EXE of 2000-2001.
    Umdh1,
    /// UMDH 6.x to 10.x.
    Umdh2,
    /// A comparison by DHCMP.EXE (mode 1) or UMDH.
    Comparison,
    /// Bytes per call site: DHCMP.EXE mode 2, in the layout that heapdelta writes.
    Sites,
}

impl Dialect {
    /// The name in `Snapshot.format`. Comparisons refine it to `dhcmp` or `umdh-compare`.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::Dh => "dh",
            Dialect::Umdh1 => "umdh1",
            Dialect::Umdh2 => "umdh2",
            Dialect::Comparison => "umdh-compare",
            Dialect::Sites => "dhcmp-sites",
        }
    }
}
