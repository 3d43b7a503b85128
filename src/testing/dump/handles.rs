//! HandleData, with the chains of object information that hang on its descriptors.

use std::collections::HashMap;

use super::{
    bytes::Bytes,
    layout::{Layout, Text},
    stream::HANDLE_DATA,
};

/// `MINIDUMP_HANDLE_DESCRIPTOR_2`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handle {
    /// The handle itself.
    pub handle: u64,
    /// Type of the object.
    pub type_name: Option<Text>,
    /// Name of the object.
    pub object_name: Option<Text>,
    /// Attributes.
    pub attributes: u32,
    /// Granted access.
    pub granted_access: u32,
    /// Handles to the object.
    pub handle_count: u32,
    /// References to the object.
    pub pointer_count: u32,
    /// Object information, the first that the descriptor points to.
    pub object_infos: Vec<ObjectInfo>,
}

/// `MINIDUMP_HANDLE_OBJECT_INFORMATION`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectInfo {
    /// `MINIDUMP_HANDLE_OBJECT_INFORMATION_TYPE`
    pub info_type: u32,
    /// What the type says about the object.
    pub data: Vec<u8>,
    /// Place in the chain that follows, where it is not the next one.
    pub next: Option<usize>,
}

/// Bytes of the fields before `data`.
const INFO_HEADER: usize = 12;

/// Writes a chain; gives the offset of its first link, 0 if it has none.
fn put_infos(layout: &mut Layout, infos: &[ObjectInfo]) -> u32 {
    let mut offsets = Vec::with_capacity(infos.len());
    let mut next = layout.next();
    for info in infos {
        offsets.push(next as u32);
        next = (next + INFO_HEADER + info.data.len()).next_multiple_of(8);
    }
    for (number, info) in infos.iter().enumerate() {
        let follows = info.next.unwrap_or(number + 1);
        let mut bytes = Bytes::default();
        bytes.u32(offsets.get(follows).copied().unwrap_or(0)).u32(info.info_type);
        bytes.u32((INFO_HEADER + info.data.len()) as u32).bytes(&info.data);
        layout.push(&bytes.0);
    }
    offsets.first().copied().unwrap_or(0)
}

/// Equal texts are written once, as Windows does.
pub(super) fn put_handles(layout: &mut Layout, handles: &[Handle]) {
    let mut texts: HashMap<Text, u32> = HashMap::new();
    let mut list = Bytes::default();
    list.u32(16).u32(40).u32(handles.len() as u32).u32(0);
    for handle in handles {
        let [type_name, object_name] = [&handle.type_name, &handle.object_name].map(|text| {
            let Some(text) = text else { return 0 };
            if let Some(offset) = texts.get(text) {
                return *offset;
            }
            let offset = layout.text(text);
            texts.insert(text.clone(), offset);
            offset
        });
        let infos = put_infos(layout, &handle.object_infos);
        list.u64(handle.handle).u32(type_name).u32(object_name).u32(handle.attributes).u32(handle.granted_access);
        list.u32(handle.handle_count).u32(handle.pointer_count).u32(infos).u32(0);
    }
    let at = layout.push(&list.0);
    layout.stream(HANDLE_DATA, at);
}
