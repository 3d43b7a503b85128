//! What can be wrong with a dump: every defect by its name, each done to a sound plan or to its layout.

use super::{
    CodeView, Layout, ObjectInfo, Plan, Range, State, UnloadedModule,
    layout::{ENTRY, HEADER},
    memory::{PRIVATE, READ_WRITE, Region},
    stream::{
        HANDLE_DATA, MEMORY_INFO_LIST, MEMORY_LIST, MEMORY64_LIST, MODULE_LIST, THREAD_INFO_LIST, THREAD_LIST,
        THREAD_NAMES, UNLOADED_MODULE_LIST,
    },
};

/// A defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The last 4,096 bytes of the file are not there: the copy was interrupted.
    ShortByAPage,
    /// The name of module 1 has half of a surrogate pair.
    LoneSurrogate,
    /// The CodeView record of module 1 is past the end of the file.
    BadCodeView,
    /// An unloaded module of size 0 is before the others.
    EmptyUnloadedModule,
    /// The first object information of handle 1 is followed by itself.
    LoopedHandleChain,
    /// Two object informations of handle 1 follow each other.
    LoopedHandlePair,
    /// The header says that there are 0x10000000 streams.
    StreamCount,
    /// The file ends within the header.
    CutHeader,
    /// The file ends within the third directory entry.
    CutDirectory,
    /// A range comes twice, the second time half a range higher and with other contents.
    OverlappingRanges,
    /// The name of module 1 says that it has 4 GiB.
    EndlessName,
    /// The name of module 1 says that it has an odd number of bytes.
    OddName,
    /// The name of module 1 is past the end of the file.
    NamePastTheEnd,
    /// The list of modules is past the end of the file.
    StreamPastTheEnd,
    /// Offset and size of the list of modules together are more than 32 bits hold.
    StreamOverflow,
    /// 39,000 more directory entries, of a vendor's stream.
    ManyStreams,
    /// Every list says that it has 0xFFFFFFF0 records.
    CountsTooLarge,
    /// Lists that say the size of a record say 0.
    RecordSizeZero,
    /// A region, and a range with contents, reach beyond the last address of 64 bits.
    AddressOverflow,
    /// Offset and size of a range of the MemoryList together are more than 32 bits hold.
    OffsetOverflow,
    /// The last range of the Memory64List says that it has 2^64 - 1 bytes.
    SizeOverflow,
}

use Damage::*;

/// Streams that start with the number of their records, and where in the stream the number is.
const COUNTS: [(u32, usize); 9] = [
    (THREAD_LIST, 0),
    (MODULE_LIST, 0),
    (MEMORY_LIST, 0),
    (MEMORY64_LIST, 0),
    (HANDLE_DATA, 8),
    (UNLOADED_MODULE_LIST, 8),
    (MEMORY_INFO_LIST, 8),
    (THREAD_INFO_LIST, 8),
    (THREAD_NAMES, 0),
];
/// Streams that say the size of a record, which is at byte 4.
const SIZED: [u32; 4] = [HANDLE_DATA, UNLOADED_MODULE_LIST, MEMORY_INFO_LIST, THREAD_INFO_LIST];
/// An offset that no file reaches whose contents of memory are left out.
const FAR: u32 = 0xFFFF_FF00;
const MANY: usize = 39_000;
const VENDOR: u32 = 0xFFF0;

impl Damage {
    /// All defects, each by the name that `heapdelta.testing` gives it.
    pub const NAMED: [(&'static str, Damage); 21] = [
        ("short-by-a-page", ShortByAPage),
        ("lone-surrogate", LoneSurrogate),
        ("bad-code-view", BadCodeView),
        ("empty-unloaded-module", EmptyUnloadedModule),
        ("looped-handle-chain", LoopedHandleChain),
        ("looped-handle-pair", LoopedHandlePair),
        ("stream-count", StreamCount),
        ("cut-header", CutHeader),
        ("cut-directory", CutDirectory),
        ("overlapping-ranges", OverlappingRanges),
        ("endless-name", EndlessName),
        ("odd-name", OddName),
        ("name-past-the-end", NamePastTheEnd),
        ("stream-past-the-end", StreamPastTheEnd),
        ("stream-overflow", StreamOverflow),
        ("many-streams", ManyStreams),
        ("counts-too-large", CountsTooLarge),
        ("record-size-zero", RecordSizeZero),
        ("address-overflow", AddressOverflow),
        ("offset-overflow", OffsetOverflow),
        ("size-overflow", SizeOverflow),
    ];

    /// The defect of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, damage)| damage)
    }

    /// Lays out a plan with this defect. A plan that lacks what is to be damaged stays sound.
    pub fn layout(self, plan: &Plan) -> Layout {
        let mut plan = plan.clone();
        self.do_to_plan(&mut plan);
        let mut layout = plan.layout();
        self.do_to_layout(&mut layout);
        layout
    }

    fn do_to_plan(self, plan: &mut Plan) {
        match self {
            LoneSurrogate | BadCodeView | EndlessName | OddName | NamePastTheEnd => self.do_to_module(plan),
            LoopedHandleChain | LoopedHandlePair => self.do_to_handle(plan),
            EmptyUnloadedModule => {
                let empty = UnloadedModule { base: 0x7FF6_0000_0000, path: "empty.dll".into(), ..Default::default() };
                plan.unloaded_modules.get_or_insert_default().insert(0, empty);
            }
            OverlappingRanges => {
                for ranges in [&mut plan.memory, &mut plan.memory64].into_iter().flatten() {
                    if let Some(first) = ranges.first() {
                        let base = first.base + first.size / 2;
                        let known = (0, vec![0xEE; first.size as usize]);
                        ranges.push(Range { known: vec![known], ..Range::new(base, first.size) });
                    }
                }
            }
            ManyStreams => plan.other.extend(vec![(VENDOR, vec![0; 4]); MANY]),
            AddressOverflow => overflow(plan),
            OffsetOverflow => {
                if let Some(range) = plan.memory.as_mut().and_then(|ranges| ranges.get_mut(1)) {
                    range.declared_offset = Some(FAR);
                }
            }
            SizeOverflow => {
                if let Some(range) = plan.memory64.as_mut().and_then(|ranges| ranges.last_mut()) {
                    range.declared_size = Some(u64::MAX);
                }
            }
            _ => {}
        }
    }

    fn do_to_module(self, plan: &mut Plan) {
        let Some(module) = plan.modules.as_mut().and_then(|modules| modules.get_mut(1)) else { return };
        match self {
            LoneSurrogate => {
                let last = module.path.units.len().saturating_sub(5);
                module.path.units.insert(last, 0xD83D);
            }
            BadCodeView => module.code_view = Some(CodeView::At { size: 0x40, offset: FAR }),
            EndlessName => module.path.declared_bytes = Some(u32::MAX - 1),
            OddName => module.path.declared_bytes = Some(2 * module.path.units.len() as u32 - 1),
            _ => module.path.offset = Some(FAR),
        }
    }

    fn do_to_handle(self, plan: &mut Plan) {
        let Some(handle) = plan.handles.as_mut().and_then(|handles| handles.get_mut(1)) else { return };
        let info = |next| ObjectInfo { info_type: 1, data: vec![0; 8], next: Some(next) };
        handle.object_infos = if self == LoopedHandleChain { vec![info(0)] } else { vec![info(1), info(0)] };
    }

    fn do_to_layout(self, layout: &mut Layout) {
        match self {
            ShortByAPage => layout.byte_count = layout.byte_count.saturating_sub(0x1000),
            StreamCount => layout.put(8, &0x1000_0000_u32.to_le_bytes()),
            CutHeader => layout.byte_count = 20,
            CutDirectory => layout.byte_count = (HEADER + 2 * ENTRY + 6) as u64,
            StreamPastTheEnd | StreamOverflow => {
                let size = if self == StreamOverflow { u32::MAX } else { 0x80 };
                if let Some(entry) = layout.entry(MODULE_LIST) {
                    layout.put(entry + 4, &[size, FAR].map(u32::to_le_bytes).concat());
                }
            }
            CountsTooLarge => {
                for (stream, at) in COUNTS {
                    if let Some(place) = layout.place(stream) {
                        layout.put(place.offset as usize + at, &0xFFFF_FFF0_u32.to_le_bytes());
                    }
                }
            }
            RecordSizeZero => {
                for place in SIZED.into_iter().filter_map(|stream| layout.place(stream)).collect::<Vec<_>>() {
                    layout.put(place.offset as usize + 4, &0_u32.to_le_bytes());
                }
            }
            _ => {}
        }
    }
}

/// A region and a range that end after the last address.
fn overflow(plan: &mut Plan) {
    let base = u64::MAX - 0xFFF;
    if let Some(regions) = &mut plan.regions {
        let kind = PRIVATE;
        let (protect, allocation_protect, state) = (READ_WRITE, READ_WRITE, State::Commit);
        regions.push(Region { base, size: 0x2000, allocation_base: base, allocation_protect, state, protect, kind });
    }
    for ranges in [&mut plan.memory, &mut plan.memory64].into_iter().flatten() {
        ranges.push(Range::new(base, 0x2000));
    }
}
