/* Heaps as no version of Windows keeps them: the public names of its structures and of their fields, with other places. Only a reader
   that takes the places from the symbols can read heaps of this build. Ours, under the licence of heapdelta. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
#ifdef _WIN64
typedef u64 word;
#else
typedef u32 word;
#endif

struct _LIST_ENTRY { struct _LIST_ENTRY *Flink, *Blink; };
typedef struct _LIST_ENTRY LIST_ENTRY;

/* NT heaps. */
struct _HEAP_ENTRY {
#ifdef _WIN64
    void *PreviousBlockPrivateData;
#endif
    u16 Size;
    u8 Flags, SmallTagIndex;
    u16 PreviousSize;
    u8 SegmentOffset, UnusedBytes;
};

struct _HEAP_SEGMENT {
    struct _HEAP_ENTRY Entry;
    u32 SegmentSignature, SegmentFlags;
    LIST_ENTRY SegmentListEntry;
    struct _HEAP *Heap;
    void *BaseAddress;
#ifdef _WIN64
    u32 NumberOfPages, Reserved0;
#else
    u32 NumberOfPages;
#endif
    struct _HEAP_ENTRY *FirstEntry, *LastValidEntry;
#ifdef _WIN64
    u16 SegmentAllocatorBackTraceIndex, Reserved1, Reserved2, Reserved3;
#else
    u16 SegmentAllocatorBackTraceIndex, Reserved1;
#endif
    u32 NumberOfUnCommittedPages, NumberOfUnCommittedRanges;
    LIST_ENTRY UCRSegmentList;
};

struct _HEAP {
    union {
        struct _HEAP_SEGMENT Segment;
        struct { struct _HEAP_ENTRY Entry; u32 SegmentSignature, SegmentFlags; };
    };
    word MoreThanBefore[4];
    u32 Flags, ForceFlags, CompatibilityFlags, EncodeFlagMask;
    struct _HEAP_ENTRY Encoding;
    u32 Interceptor, VirtualMemoryThreshold, Signature;
#ifdef _WIN64
    u32 Reserved0;
#endif
    word SegmentReserve, SegmentCommit, DeCommitFreeBlockThreshold, DeCommitTotalFreeThreshold;
    word TotalFreeSize, MaximumAllocationSize;
    u16 ProcessHeapsListIndex, HeaderValidateLength;
    u8 BeforeLists[sizeof(word) == 8 ? 0x1C : 0xC];
    LIST_ENTRY UCRList;
    word AlignRound, AlignMask;
    LIST_ENTRY VirtualAllocdBlocks, SegmentList;
    word AllocatorBackTraceIndex;
    void *BlocksIndex;
#ifdef _WIN64
    word Reserved1[2];
#else
    word Reserved1;
#endif
    LIST_ENTRY FreeLists;
    u8 BeforeFrontEnd[sizeof(word) == 8 ? 0x38 : 0x1C];
    void *FrontEndHeap;
    u16 FrontHeapLockCount;
    u8 FrontEndHeapType, RequestedFrontEndHeapType;
};

struct _HEAP_UCR_DESCRIPTOR {
    LIST_ENTRY ListEntry, SegmentEntry;
    void *Address;
    word Size;
};

struct _HEAP_VIRTUAL_ALLOC_ENTRY {
    LIST_ENTRY Entry;
    word ExtraStuff[2];
    word CommitSize, ReserveSize;
    struct _HEAP_ENTRY BusyBlock;
};

struct _LFH_HEAP {
    word Lock[2];
    LIST_ENTRY SubSegmentZones;
    struct _HEAP *Heap;
};

struct _HEAP_SUBSEGMENT {
    void *LocalInfo, *Reserved0;
    struct _HEAP_USERDATA_HEADER *UserBlocks;
    word Reserved1[2];
    u32 AggregateExchg;
    u16 BlockSize, Flags, BlockCount;
    u8 SizeIndex, AffinityIndex;
};

struct _RTL_BITMAP {
    u32 SizeOfBitMap;
    void *Buffer;
};

struct _HEAP_USERDATA_HEADER {
    union { word SFreeListEntry; struct _HEAP_SUBSEGMENT *SubSegment; };
    word Reserved[2];
    u32 SizeIndexAndPadding, Signature;
    union { struct { u16 FirstAllocationOffset, BlockStride; } Plain; u32 EncodedOffsets; };
    struct _RTL_BITMAP BusyBitmap;
    word BitmapData[1];
};

/* Segment heaps. */
struct _RTL_BALANCED_NODE {
    union {
        struct _RTL_BALANCED_NODE *Children[2];
        struct { struct _RTL_BALANCED_NODE *Left, *Right; };
    };
    union { u8 Red : 1; u8 Balance : 2; word ParentValue; };
};

struct _RTL_RB_TREE {
    struct _RTL_BALANCED_NODE *Root;
    union { u8 Encoded : 1; struct _RTL_BALANCED_NODE *Min; };
};

struct _HEAP_SEG_CONTEXT {
    void *Heap;
    word MoreThanBefore;
    u8 UnitShift, PagesPerUnitShift, FirstDescriptorIndex, CachedCommitSoftShift;
    u32 MaxAllocationSize;
    word SegmentMask;
    word SegmentLock;
    LIST_ENTRY SegmentListHead;
    word SegmentCount;
    struct _RTL_RB_TREE FreePageRanges;
    word Reserved[6];
};

struct _SEGMENT_HEAP {
    word EnvHandle[2];
    u32 Signature, GlobalFlags, Interceptor;
    u16 ProcessHeapListIndex, Flags;
    word MoreThanBefore[3];
    word LargeMetadataLock;
    struct _RTL_RB_TREE LargeAllocMetadata;
    word LargeReservedPages, LargeCommittedPages;
    u8 *AllocatedBase, *UncommittedBase, *ReservedLimit;
    word Reserved[3];
    struct _HEAP_SEG_CONTEXT SegContexts[2];
};

struct _HEAP_PAGE_RANGE_DESCRIPTOR {
    union {
        struct _RTL_BALANCED_NODE TreeNode;
        struct {
            u32 TreeSignature, UnusedBytes;
            u16 ExtraPresent : 1;
            u16 Spare0 : 15;
        };
    };
    u8 CommittedPageCount, RangeFlags;
    u16 Spare;
    union {
        u32 Key;
        struct {
            u8 Align[2];
            union { u8 UnitOffset; u8 UnitSize; };
        };
    };
};

struct _HEAP_PAGE_SEGMENT {
    union {
        struct {
            LIST_ENTRY ListEntry;
            void *SegmentCommitState;
            word Signature;
            u8 UnusedWatermark;
        };
        struct _HEAP_PAGE_RANGE_DESCRIPTOR DescArray[sizeof(word) == 8 ? 256 : 128];
    };
};

struct _HEAP_VS_SUBSEGMENT {
    LIST_ENTRY ListEntry;
    u64 CommitBitmap, CommitLock, MoreThanBefore;
    u16 Signature : 15;
    u16 FullCommit : 1;
    u16 Size;
};

struct _HEAP_VS_CHUNK_HEADER_SIZE {
    union {
#ifdef _WIN64
        struct {
            u32 UnsafeSize : 16;
            u32 MemoryCost : 16;
            u32 Allocated : 8;
            u32 UnsafePrevSize : 16;
            u32 Spare : 8;
        };
#else
        struct {
            u32 UnsafePrevSize : 15;
            u32 Allocated : 1;
            u32 UnsafeSize : 15;
            u32 MemoryCost : 1;
        };
#endif
        word HeaderBits;
    };
};

struct _HEAP_VS_CHUNK_HEADER {
    union {
        struct {
            u32 Spare : 22;
            u32 SkipDuringWalk : 1;
            u32 UnusedBytes : 1;
            u32 EncodedSegmentPageOffset : 8;
        };
        u32 AllocatedChunkBits;
    };
#ifdef _WIN64
    u32 Reserved;
#endif
    struct _HEAP_VS_CHUNK_HEADER_SIZE Sizes;
};

struct _HEAP_VS_UNUSED_BYTES_INFO {
    union {
        struct { u16 UnusedBytes : 13; u16 LfhSubsegment : 1; u16 ExtraPresent : 1; u16 OneByteUnused : 1; };
        u8 Bytes[2];
    };
};

struct _HEAP_LFH_UNUSED_BYTES_INFO {
    union {
        struct { u16 UnusedBytes : 14; u16 ExtraPresent : 1; u16 OneByteUnused : 1; };
        u8 Bytes[2];
    };
};

struct _HEAP_LFH_SUBSEGMENT_ENCODED_OFFSETS {
    union {
        struct { u16 FirstBlockOffset, BlockSize; };
        u32 EncodedData;
    };
};

struct _HEAP_LFH_SUBSEGMENT {
    LIST_ENTRY ListEntry;
    void *Owner;
    word CommitLock, MoreThanBefore;
    struct _HEAP_LFH_SUBSEGMENT_ENCODED_OFFSETS BlockOffsets;
    u16 BlockCount, FreeCount;
    u16 FreeHint;
    u8 Location, WitheldBlockCount, CommitUnitShift, CommitUnitCount;
    u16 CommitStateOffset;
    word BlockBitmap[1];
};

struct _HEAP_LARGE_ALLOC_DATA {
    word MoreThanBefore;
    struct _RTL_BALANCED_NODE TreeNode;
    union { word VirtualAddress; u16 UnusedBytes : 16; };
    union {
        word Flags;
        struct {
            word ExtraPresent : 1;
            word GuardPageCount : 1;
            word GuardPageAlignment : 6;
            word Spare : 4;
            word AllocatedPages : sizeof(word) * 8 - 12;
        };
    };
};

struct _HEAP heap;
struct _HEAP_UCR_DESCRIPTOR range;
struct _HEAP_VIRTUAL_ALLOC_ENTRY large;
struct _LFH_HEAP store;
struct _HEAP_SUBSEGMENT subsegment;
struct _HEAP_USERDATA_HEADER area;
struct _SEGMENT_HEAP segment_heap;
struct _HEAP_PAGE_SEGMENT page_segment;
struct _HEAP_VS_SUBSEGMENT vs_subsegment;
struct _HEAP_VS_CHUNK_HEADER chunk;
struct _HEAP_VS_UNUSED_BYTES_INFO vs_unused;
struct _HEAP_LFH_SUBSEGMENT lfh_subsegment;
struct _HEAP_LFH_UNUSED_BYTES_INFO lfh_unused;
struct _HEAP_LARGE_ALLOC_DATA large_data;
int _fltused;
