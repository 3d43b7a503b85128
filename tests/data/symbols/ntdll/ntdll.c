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

struct _HEAP heap;
struct _HEAP_UCR_DESCRIPTOR range;
struct _HEAP_VIRTUAL_ALLOC_ENTRY large;
struct _LFH_HEAP store;
struct _HEAP_SUBSEGMENT subsegment;
struct _HEAP_USERDATA_HEADER area;
int _fltused;
