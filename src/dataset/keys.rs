//! A key of module lists that means the same in every capture.

use xxhash_rust::xxh3::Xxh3;

use crate::{snapshot::modules::Module, table::Table};

/// A number that is the same for lists of the same files at the same addresses, in the same order.
pub fn modules_key(modules: Option<&Table>) -> u64 {
    let mut hash = Xxh3::new();
    for module in Module::list(modules) {
        hash.update(module.path.to_lowercase().as_bytes());
        hash.update(&[0, u8::from(module.base.is_some())]);
        hash.update(&module.base.unwrap_or_default().to_le_bytes());
    }
    hash.digest()
}
