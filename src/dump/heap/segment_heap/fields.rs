//! Where a segment heap keeps what: by name, from the PDB of the `ntdll.dll` of the process. There is no table of versions.

use super::{
    super::{
        layout::Width,
        types::{Missing, Types},
    },
    number::Number,
};

const SEGMENT: &str = "_HEAP_PAGE_SEGMENT";
const DESCRIPTOR: &str = "_HEAP_PAGE_RANGE_DESCRIPTOR";

/// Of the heap itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapFields {
    /// `SegContexts`: two, one behind the other.
    pub contexts: u64,
    /// `LargeAllocMetadata`.
    pub large: u64,
    /// `UncommittedBase`: address behind what is committed of the heap's own allocation.
    pub uncommitted: u64,
    /// `ReservedLimit`: address behind this allocation.
    pub limit: u64,
}

/// Of a context: segments of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextFields {
    /// Its bytes.
    pub size: u64,
    /// `Heap`.
    pub heap: u64,
    /// `SegmentMask`: what is zero of the addresses of segments.
    pub mask: u64,
    /// `UnitShift`: bytes of a unit, as a power of two.
    pub shift: u64,
    /// `FirstDescriptorIndex`.
    pub first: u64,
    /// `SegmentListHead`.
    pub segments: u64,
}

/// Of a page segment, and of the descriptors of its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFields {
    /// Bytes of the structure.
    pub size: u64,
    /// `ListEntry`.
    pub link: u64,
    /// `Signature`.
    pub signature: u64,
    /// `DescArray`.
    pub descriptors: u64,
    /// Bytes of a descriptor.
    pub step: u64,
    /// How many there are: one for each unit.
    pub count: usize,
    /// `RangeFlags`.
    pub flags: Number,
    /// `CommittedPageCount`.
    pub committed: Number,
    /// `UnitSize` of the first descriptor of a range.
    pub units: Number,
    /// `UnitOffset` of the others.
    pub offset: Number,
    /// `UnusedBytes`.
    pub unused: Number,
}

/// How a block says in its last bytes how many are not the program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusedFields {
    count: Number,
    is_one: Number,
}

/// Of variable sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VsFields {
    /// Bytes of a subsegment's structure.
    pub size: u64,
    /// `Size` of a subsegment, in units.
    pub units: Number,
    /// `Signature` of a subsegment.
    pub signature: Number,
    /// Bytes of a chunk's header.
    pub header: u64,
    /// `Sizes` of a chunk, which are encoded.
    pub sizes: usize,
    /// Bytes of these: eight or four.
    pub encoded: usize,
    /// `UnusedBytes` of a chunk: it has some, and says in its last bytes how many.
    pub has_unused: Number,
    /// `UnsafeSize`, in units, of the decoded sizes.
    pub chunk: Number,
    /// `UnsafePrevSize`.
    pub previous: Number,
    /// `Allocated`.
    pub allocated: Number,
    /// What the last bytes say.
    pub unused: UnusedFields,
}

/// Of the low-fragmentation heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LfhFields {
    /// `BlockCount`.
    pub count: Number,
    /// `BlockOffsets`: four bytes that are encoded.
    pub offsets: u64,
    /// `BlockSize` of the decoded ones.
    pub block: Number,
    /// `FirstBlockOffset` of the decoded ones.
    pub first: Number,
    /// `BlockBitmap`: two bits for each block.
    pub bitmap: u64,
    /// Bytes of one of its words.
    pub word: u64,
    /// `CommitStateOffset` and `CommitUnitCount`, where there are such.
    pub commit: Option<(Number, Number)>,
    /// What the last bytes of a block say.
    pub unused: UnusedFields,
}

/// Of blocks with an allocation of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeFields {
    /// `_RTL_RB_TREE.Root`.
    pub root: u64,
    /// `_RTL_RB_TREE.Encoded`.
    pub encoded: Number,
    /// `TreeNode`.
    pub node: u64,
    /// `_RTL_BALANCED_NODE.Left` and `Right`.
    pub children: [u64; 2],
    /// `_RTL_BALANCED_NODE.ParentValue`.
    pub parent: u64,
    /// `VirtualAddress`; the low bits are others'.
    pub address: u64,
    /// `UnusedBytes`.
    pub unused: Number,
    /// `AllocatedPages`.
    pub pages: Number,
    /// Bytes of the structure.
    pub size: u64,
}

/// All that is read of a segment heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// The heap.
    pub heap: HeapFields,
    /// Its contexts.
    pub context: ContextFields,
    /// Page segments.
    pub segment: SegmentFields,
    /// Variable sizes.
    pub vs: VsFields,
    /// Low fragmentation.
    pub lfh: LfhFields,
    /// Large blocks.
    pub large: LargeFields,
}

impl LfhFields {
    /// Bytes of the bitmap for a number of blocks.
    pub fn bitmap_bytes(&self, count: u64) -> u64 {
        (2 * count).div_ceil(8 * self.word) * self.word
    }
}

impl UnusedFields {
    fn of_type(types: &Types, structure: &str) -> Result<Self, Missing> {
        Ok(Self {
            count: Number::of_type(types, structure, "UnusedBytes", 2)?,
            is_one: Number::of_type(types, structure, "OneByteUnused", 2)?,
        })
    }

    /// How many of the bytes of a block, which end so, are unused.
    #[inline]
    pub fn of(&self, end: [u8; 2]) -> Option<u64> {
        if self.is_one.of(&end)? == 1 { Some(1) } else { self.count.of(&end) }
    }
}

impl Fields {
    /// Those of types of a PDB.
    ///
    /// # Errors
    ///
    /// What they lack.
    pub fn of(types: &Types, width: &Width) -> Result<Self, Missing> {
        if types.at("_SEGMENT_HEAP", "Signature")? != width.segment_heap {
            return Err(Missing::other("_SEGMENT_HEAP", "Signature"));
        }
        let place = |structure, field| types.at(structure, field).map(|at| at as u64);
        let number = |structure, field, bytes| Number::of_type(types, structure, field, bytes);
        let heap = |field| place("_SEGMENT_HEAP", field);
        let context = |field| place("_HEAP_SEG_CONTEXT", field);
        Ok(Self {
            heap: HeapFields {
                contexts: heap("SegContexts")?,
                large: heap("LargeAllocMetadata")?,
                uncommitted: heap("UncommittedBase")?,
                limit: heap("ReservedLimit")?,
            },
            context: ContextFields {
                size: types.size("_HEAP_SEG_CONTEXT")?,
                heap: context("Heap")?,
                mask: context("SegmentMask")?,
                shift: context("UnitShift")?,
                first: context("FirstDescriptorIndex")?,
                segments: context("SegmentListHead")?,
            },
            segment: SegmentFields::of(types)?,
            vs: VsFields::of(types)?,
            lfh: LfhFields::of(types)?,
            large: LargeFields {
                root: place("_RTL_RB_TREE", "Root")?,
                encoded: number("_RTL_RB_TREE", "Encoded", 1)?,
                node: place("_HEAP_LARGE_ALLOC_DATA", "TreeNode")?,
                children: [place("_RTL_BALANCED_NODE", "Left")?, place("_RTL_BALANCED_NODE", "Right")?],
                parent: place("_RTL_BALANCED_NODE", "ParentValue")?,
                address: place("_HEAP_LARGE_ALLOC_DATA", "VirtualAddress")?,
                unused: number("_HEAP_LARGE_ALLOC_DATA", "UnusedBytes", 2)?,
                pages: number("_HEAP_LARGE_ALLOC_DATA", "AllocatedPages", width.pointer as u8)?,
                size: types.size("_HEAP_LARGE_ALLOC_DATA")?,
            },
        })
    }
}

impl SegmentFields {
    fn count(types: &Types) -> Result<usize, Missing> {
        let (bytes, _) = types.array(SEGMENT, "DescArray")?;
        let step = types.size(DESCRIPTOR)?.max(1);
        let count = bytes / step;
        // A descriptor says in a byte how many units there are.
        let is_one = bytes.is_multiple_of(step) && count.is_power_of_two() && (2..=256).contains(&count);
        if is_one { Ok(count as usize) } else { Err(Missing::other(SEGMENT, "DescArray")) }
    }

    fn of(types: &Types) -> Result<Self, Missing> {
        let at = |field| types.at(SEGMENT, field).map(|at| at as u64);
        let number = |field, bytes| Number::of_type(types, DESCRIPTOR, field, bytes);
        Ok(Self {
            size: types.size(SEGMENT)?,
            link: at("ListEntry")?,
            signature: at("Signature")?,
            descriptors: at("DescArray")?,
            step: types.size(DESCRIPTOR)?,
            count: Self::count(types)?,
            flags: number("RangeFlags", 1)?,
            committed: number("CommittedPageCount", 1)?,
            units: number("UnitSize", 1)?,
            offset: number("UnitOffset", 1)?,
            unused: number("UnusedBytes", 4)?,
        })
    }
}

impl VsFields {
    fn of(types: &Types) -> Result<Self, Missing> {
        const SUBSEGMENT: &str = "_HEAP_VS_SUBSEGMENT";
        const CHUNK: &str = "_HEAP_VS_CHUNK_HEADER";
        const SIZES: &str = "_HEAP_VS_CHUNK_HEADER_SIZE";
        let number = |structure, field, bytes| Number::of_type(types, structure, field, bytes);
        let encoded = types.size(SIZES)? as usize;
        if !matches!(encoded, 4 | 8) {
            return Err(Missing::other(CHUNK, "Sizes"));
        }
        let of_sizes = |field, bytes| {
            let found = number(SIZES, field, bytes)?;
            if found.is_within(encoded) { Ok(found) } else { Err(Missing::other(SIZES, field)) }
        };
        Ok(Self {
            size: types.size(SUBSEGMENT)?,
            units: number(SUBSEGMENT, "Size", 2)?,
            signature: number(SUBSEGMENT, "Signature", 2)?,
            header: types.size(CHUNK)?,
            sizes: types.at(CHUNK, "Sizes")?,
            encoded,
            has_unused: number(CHUNK, "UnusedBytes", 1)?,
            chunk: of_sizes("UnsafeSize", 2)?,
            previous: of_sizes("UnsafePrevSize", 2)?,
            allocated: of_sizes("Allocated", 1)?,
            unused: UnusedFields::of_type(types, "_HEAP_VS_UNUSED_BYTES_INFO")?,
        })
    }
}

impl LfhFields {
    fn of(types: &Types) -> Result<Self, Missing> {
        const SUBSEGMENT: &str = "_HEAP_LFH_SUBSEGMENT";
        const OFFSETS: &str = "_HEAP_LFH_SUBSEGMENT_ENCODED_OFFSETS";
        let number = |structure, field, bytes| Number::of_type(types, structure, field, bytes);
        let commit = (number(SUBSEGMENT, "CommitStateOffset", 2), number(SUBSEGMENT, "CommitUnitCount", 1));
        let (_, word) = types.array(SUBSEGMENT, "BlockBitmap")?;
        let Some(word @ (4 | 8)) = word else { return Err(Missing::other(SUBSEGMENT, "BlockBitmap")) };
        Ok(Self {
            count: number(SUBSEGMENT, "BlockCount", 2)?,
            offsets: types.at(SUBSEGMENT, "BlockOffsets")? as u64,
            block: number(OFFSETS, "BlockSize", 2)?,
            first: number(OFFSETS, "FirstBlockOffset", 2)?,
            bitmap: types.at(SUBSEGMENT, "BlockBitmap")? as u64,
            word,
            commit: commit.0.ok().zip(commit.1.ok()),
            unused: UnusedFields::of_type(types, "_HEAP_LFH_UNUSED_BYTES_INFO")?,
        })
    }
}
