//! `modules` and `unloaded_modules`, named as the modules of logs are.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::{ModuleMap, all_u32s, all_u64s, texts};
use crate::{
    dump::modules::Module,
    table::{
        modules::{self, file_name},
        schema,
    },
};

fn names(modules: &[Module]) -> Vec<Arc<str>> {
    modules::names(modules.iter().map(|module| file_name(&module.path)))
}

/// Builds `modules`, and the map from an address to the module that holds it.
pub fn loaded(modules: &[Module]) -> (RecordBatch, ModuleMap) {
    let names = names(modules);
    let range = |(module, name): (&Module, &Arc<str>)| {
        modules::Range::new(module.base, module.base.saturating_add(module.size), name)
    };
    let ranges = modules.iter().zip(&names).map(range);
    let map = ModuleMap::of_ranges(ranges.collect());
    let columns = vec![
        all_u64s(modules.iter().map(|module| module.base)),
        all_u64s(modules.iter().map(|module| module.size)),
        texts(names.iter().map(|name| Some(name.as_ref()))),
        texts(modules.iter().map(|module| Some(module.path.as_str()))),
        texts(modules.iter().map(|module| module.version.as_deref())),
        texts(modules.iter().map(|module| module.product_version.as_deref())),
        all_u32s(modules.iter().map(|module| module.timestamp)),
        all_u32s(modules.iter().map(|module| module.checksum)),
        texts(modules.iter().map(|module| module.debug_id.as_deref())),
        texts(modules.iter().map(|module| module.debug_file.as_deref())),
    ];
    (crate::table::batch(&schema::DUMP_MODULES, columns), map)
}

/// Builds `unloaded_modules`.
pub fn unloaded(modules: &[Module]) -> RecordBatch {
    let names = names(modules);
    let columns = vec![
        all_u64s(modules.iter().map(|module| module.base)),
        all_u64s(modules.iter().map(|module| module.size)),
        texts(names.iter().map(|name| Some(name.as_ref()))),
        texts(modules.iter().map(|module| Some(module.path.as_str()))),
        all_u32s(modules.iter().map(|module| module.timestamp)),
        all_u32s(modules.iter().map(|module| module.checksum)),
    ];
    crate::table::batch(&schema::UNLOADED_MODULES, columns)
}
