//! ModuleList and UnloadedModuleList: a bad name or debug record costs itself, never its module.

use super::{
    directory::Stream,
    fields::{Fields, present},
    issues::StreamPlace,
    shared::Shared,
};
use crate::error::{Severity, excerpt};

/// One `MINIDUMP_MODULE`, or one `MINIDUMP_UNLOADED_MODULE`, which has neither version nor debug record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// First address.
    pub base: u64,
    /// Bytes of address space.
    pub size: u64,
    /// Path as the loader knew it; empty if it cannot be read.
    pub path: String,
    /// File version; absent where the writer has none.
    pub version: Option<String>,
    /// Product version.
    pub product_version: Option<String>,
    /// Link time stamp.
    pub timestamp: u32,
    /// Checksum of the image's header.
    pub checksum: u32,
    /// Identity of the symbols.
    pub debug_id: Option<String>,
    /// File of the symbols, as linked.
    pub debug_file: Option<String>,
}

const MODULE_SIZE: usize = 108;
const UNLOADED_SIZE: usize = 24;

/// Reads ModuleList.
pub fn loaded<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>) -> Vec<Module> {
    let records = shared.counted(stream, MODULE_SIZE);
    let mut modules = Vec::with_capacity(records.count());
    for (place, record) in records.iter() {
        let fields = Fields(record);
        shared.check_end(shared.address(fields.u64(0)), fields.u32(8).into(), place);
        let (debug_id, debug_file) = debug_record(shared, fields.location(76), place).unzip();
        let (version, product_version) = versions(fields);
        modules.push(Module {
            base: shared.address(fields.u64(0)),
            size: fields.u32(8).into(),
            path: shared.text(fields.u32(20).into(), place).unwrap_or_default(),
            version,
            product_version,
            timestamp: fields.u32(16),
            checksum: fields.u32(12),
            debug_id: debug_id.flatten(),
            debug_file: debug_file.flatten(),
        });
    }
    modules
}

/// Reads UnloadedModuleList. A module of size 0 is one like any other.
pub fn unloaded<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>) -> Vec<Module> {
    let records = shared.headed(stream, 12, UNLOADED_SIZE);
    let mut modules = Vec::with_capacity(records.count());
    for (place, record) in records.iter() {
        let fields = Fields(record);
        shared.check_end(shared.address(fields.u64(0)), fields.u32(8).into(), place);
        modules.push(Module {
            base: shared.address(fields.u64(0)),
            size: fields.u32(8).into(),
            path: shared.text(fields.u32(20).into(), place).unwrap_or_default(),
            timestamp: fields.u32(16),
            checksum: fields.u32(12),
            ..Module::default()
        });
    }
    modules
}

/// File and product version of the `VS_FIXEDFILEINFO` at byte 24; absent without its signature, and where all parts are zero:
/// Crashpad writes the signature for modules without a version too.
fn versions(fields: Fields<'_>) -> (Option<String>, Option<String>) {
    const SIGNATURE: u32 = 0xFEEF_04BD;
    let version = |at| {
        let (high, low) = (fields.u32(at), fields.u32(at + 4));
        let is_one = fields.u32(24) == SIGNATURE && (high, low) != (0, 0);
        is_one.then(|| format!("{}.{}.{}.{}", high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF))
    };
    (version(32), version(40))
}

/// Id and file of a CodeView record: `RSDS` (GUID, age), `NB10` (time stamp, age), or the build id of an ELF file. Zeros
/// identify nothing, whatever the age beside them.
fn debug_record(
    shared: &mut Shared<'_>,
    (size, offset): (u32, u32),
    place: StreamPlace,
) -> Option<(Option<String>, Option<String>)> {
    if size == 0 {
        return None;
    }
    let record = present(shared.file, offset.into(), size.into());
    let fields = Fields(record);
    let (id, name_at) = match record.first_chunk::<4>() {
        Some(b"RSDS") if record.len() >= 24 => (guid(&record[4..20]) + &format!("{:X}", fields.u32(20)), 24),
        Some(b"NB10") if record.len() >= 16 => (format!("{:08X}{:X}", fields.u32(8), fields.u32(12)), 16),
        Some(b"LEpB") if record.len() > 4 => {
            // Breakpad's rule for ELF: the first 16 bytes of the build id, filled up with zeros, as a GUID of age 0.
            let mut id = [0; 16];
            let build_id = &record[4..record.len().min(20)];
            id[..build_id.len()].copy_from_slice(build_id);
            return Some((is_something(&id).then(|| guid(&id) + "0"), None));
        }
        _ => {
            shared.issues.push(
                Severity::Warning,
                "unreadable_debug_record",
                place,
                || match record.first_chunk::<4>() {
                    Some(signature) => format!("{size} bytes at byte {offset} start with {}", excerpt(signature)),
                    None => format!("{} of {size} bytes at byte {offset} are in the file", record.len()),
                },
                "kept the module without its debug id",
            );
            return None;
        }
    };
    let name = shared.utf8(&record[name_at..], place);
    let identity = if name_at == 24 { &record[4..20] } else { &record[8..12] };
    Some((is_something(identity).then_some(id), name))
}

fn is_something(identity: &[u8]) -> bool {
    identity.iter().any(|byte| *byte != 0)
}

/// A GUID as symbol stores write it: without dashes, its first three fields low byte first in the file.
fn guid(bytes: &[u8]) -> String {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    format!("{:032X}", u128::from_be_bytes(ORDER.map(|at| bytes[at])))
}
