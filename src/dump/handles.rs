//! HandleData: what the process had open.

use super::{
    directory::Stream,
    fields::{Fields, u32_at},
    issues::StreamPlace,
    shared::Shared,
};
use crate::error::Severity;

/// Object informations of one handle that are looked at; writers make two or three.
const CHAIN_LIMIT: usize = 64;

/// One `MINIDUMP_HANDLE_DESCRIPTOR`, or `_2`, which also leads to object informations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handle {
    /// Its value in the process.
    pub handle: u64,
    /// Type of the object.
    pub kind: Option<String>,
    /// Name of the object.
    pub name: Option<String>,
    /// Attributes of the handle.
    pub attributes: u32,
    /// Access that was granted.
    pub granted_access: u32,
    /// Handles of the object, in all processes.
    pub handle_count: u32,
    /// References to the object.
    pub pointer_count: u32,
}

/// Reads HandleData.
pub fn read<'a>(shared: &mut Shared<'a>, stream: &Stream<'a>) -> Vec<Handle> {
    let records = shared.headed(stream, 12, 32);
    let mut handles = Vec::with_capacity(records.count());
    for (place, record) in records.iter() {
        let fields = Fields(record);
        handles.push(Handle {
            handle: fields.u64(0),
            kind: shared.text(fields.u32(8).into(), place),
            name: shared.text(fields.u32(12).into(), place),
            attributes: fields.u32(16),
            granted_access: fields.u32(20),
            handle_count: fields.u32(24),
            pointer_count: fields.u32(28),
        });
        if let Some(information) = u32_at(record, 32) {
            follow(shared, information, place);
        }
    }
    handles
}

/// Follows the object informations of a handle. No public document shows their layout, so nothing is read of them but
/// the link to the next; a chain that cannot be true is worth knowing, because other readers never come to its end.
fn follow(shared: &mut Shared<'_>, first: u32, place: StreamPlace) {
    let mut seen = Vec::new();
    let mut at = first;
    while at != 0 {
        let back = seen.contains(&at);
        if back || seen.len() == CHAIN_LIMIT {
            shared.issues.push(
                Severity::Warning,
                "endless_chain",
                place,
                || match back {
                    true => format!("the object informations from byte {first} on lead back to byte {at}"),
                    false => format!("more than {CHAIN_LIMIT} object informations from byte {first} on"),
                },
                "left the object informations out; the handle is kept",
            );
            return;
        }
        seen.push(at);
        at = u32_at(shared.file, at as usize).unwrap_or_default();
    }
}
