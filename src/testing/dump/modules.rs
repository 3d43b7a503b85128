//! ModuleList and UnloadedModuleList.

use super::{
    bytes::Bytes,
    layout::{Layout, Text},
    stream::{MODULE_LIST, UNLOADED_MODULE_LIST},
};

/// `MINIDUMP_MODULE`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// First address.
    pub base: u64,
    /// Size of the image.
    pub size: u32,
    /// Of the PE header.
    pub checksum: u32,
    /// Of the PE header.
    pub time_date_stamp: u32,
    /// Full path.
    pub path: Text,
    /// File version and product version, four parts each; without them no `VS_FIXEDFILEINFO` is written.
    pub version: Option<([u16; 4], [u16; 4])>,
    /// Which symbol file belongs to it.
    pub code_view: Option<CodeView>,
}

/// CodeView record of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeView {
    /// `RSDS`: identity of the PDB file as 16 bytes in the order of the file, its age, its path.
    Rsds {
        /// Bytes of the GUID as they are in the file.
        guid: [u8; 16],
        /// How often the file was written.
        age: u32,
        /// Path of the PDB file.
        file: String,
    },
    /// `NB10`: time stamp, age, path.
    Nb10 {
        /// Time stamp of the PDB file.
        time_date_stamp: u32,
        /// How often the file was written.
        age: u32,
        /// Path of the PDB file.
        file: String,
    },
    /// Any bytes.
    Raw(Vec<u8>),
    /// A place where no record is.
    At {
        /// Bytes the file says it has.
        size: u32,
        /// Offset the file says it is at.
        offset: u32,
    },
}

impl CodeView {
    /// Size and offset.
    fn put(&self, layout: &mut Layout) -> [u32; 2] {
        let mut record = Bytes::default();
        match self {
            CodeView::Rsds { guid, age, file } => record.bytes(b"RSDS").bytes(guid).u32(*age).bytes(file.as_bytes()),
            CodeView::Nb10 { time_date_stamp, age, file } => {
                record.bytes(b"NB10").u32(0).u32(*time_date_stamp).u32(*age).bytes(file.as_bytes())
            }
            CodeView::Raw(bytes) => {
                let at = layout.push(bytes);
                return [bytes.len() as u32, at];
            }
            CodeView::At { size, offset } => return [*size, *offset],
        };
        record.u8(0);
        let at = layout.push(&record.0);
        [record.0.len() as u32, at]
    }
}

fn put_version(record: &mut Bytes, version: Option<([u16; 4], [u16; 4])>) {
    let end = record.0.len() + 52;
    if let Some((file, product)) = version {
        record.u32(0xFEEF_04BD).u32(0x1_0000);
        for [major, minor, build, revision] in [file, product] {
            // Two numbers of 32 bits, the upper first; each its upper half first: as 16-bit numbers, crosswise.
            record.u16(minor).u16(major).u16(revision).u16(build);
        }
        record.u32(0x3F).u32(0).u32(0x4_0004).u32(2);
    }
    record.zeros_to(end);
}

pub(super) fn put_modules(layout: &mut Layout, modules: &[Module]) {
    let mut list = Bytes::default();
    list.u32(modules.len() as u32);
    for module in modules {
        let path = layout.text(&module.path);
        let [size, offset] = module.code_view.as_ref().map_or([0; 2], |code_view| code_view.put(layout));
        list.u64(module.base).u32(module.size).u32(module.checksum).u32(module.time_date_stamp).u32(path);
        put_version(&mut list, module.version);
        list.u32(size).u32(offset).u64(0).u64(0).u64(0);
    }
    let at = layout.push(&list.0);
    layout.stream(MODULE_LIST, at);
}

/// `MINIDUMP_UNLOADED_MODULE`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnloadedModule {
    /// First address it had.
    pub base: u64,
    /// Size of the image.
    pub size: u32,
    /// Of the PE header.
    pub checksum: u32,
    /// Of the PE header.
    pub time_date_stamp: u32,
    /// File name.
    pub path: Text,
}

pub(super) fn put_unloaded(layout: &mut Layout, modules: &[UnloadedModule]) {
    let mut list = Bytes::default();
    list.u32(12).u32(24).u32(modules.len() as u32);
    for module in modules {
        let path = layout.text(&module.path);
        list.u64(module.base).u32(module.size).u32(module.checksum).u32(module.time_date_stamp).u32(path);
    }
    let at = layout.push(&list.0);
    layout.stream(UNLOADED_MODULE_LIST, at);
}
