//! The native module, whole on one screen. Everything users see is made of it in `python/heapdelta`.

mod archive;
mod arrow;
mod compat;
mod dataset;
mod diff;
mod dump;
mod error;
mod export;
mod labels;
mod pool;
mod read;
mod series;
mod snapshot;
mod survival;
mod symbols;
mod testing;
mod testing_heaps;

/// Native part of heapdelta: use the package `heapdelta`, not this module.
#[pyo3::pymodule(name = "_native")]
pub mod native {
    #[pymodule_export]
    use super::archive::{archive_of, are_archives, members, read_members};
    #[pymodule_export]
    use super::arrow::{Bytes, Table};
    #[pymodule_export]
    use super::compat::{format_dhcmp, format_sites, format_umdh};
    #[pymodule_export]
    use super::dataset::{
        Keys, blamed_frames, content_hashes, empty_tables, gathered, issue_count, key_of, modules_keys, restored,
        shared_stacks, stack_index,
    };
    #[pymodule_export]
    use super::diff::{Diff, one_run, tree_nodes, without_partner};
    #[pymodule_export]
    use super::dump::{Dump, HeapSymbols, HeapWalk, why_not_one_process};
    #[pymodule_export]
    use super::export::export_stacks;
    #[pymodule_export]
    use super::labels::{doubtful_names, function_labels, hexadecimal, path_kinds, statuses};
    #[pymodule_export]
    use super::read::{encoding_name, read, read_each, read_every};
    #[pymodule_export]
    use super::snapshot::{Comparison, Snapshot, why_not_one_run};
    #[pymodule_export]
    use super::survival::{follow_blocks, survivors};
    #[pymodule_export]
    use super::symbols::{SymbolStore, empty_symbols};
    #[pymodule_export]
    use super::testing::{
        damage_names, server_symbols, write_investigation_log, write_process_dump, write_reference_dump,
        write_reference_log, write_series_logs,
    };
    #[pymodule_export]
    use super::testing_heaps::{heap_damage_names, write_heap_dump, write_heap_dump_log, write_reference_heaps};

    #[pymodule_export]
    use super::series::Grid;

    /// Version of the crate.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// True for a build without optimisation, which is some thirty times slower.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "a value of the module, not a constant of Rust")]
    const is_debug_build: bool = cfg!(debug_assertions);
}
