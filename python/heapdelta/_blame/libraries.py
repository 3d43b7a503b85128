"""More of the table of allocator frames: other languages' runtimes, replacement allocators, wrappers of large projects.

See `heapdelta._blame.rules`, which says what a row is.
"""

from __future__ import annotations

from heapdelta._blame.rules import Row

LANGUAGES = (
    Row(
        "Delphi and C++Builder",
        "memory manager, and what the compiler calls for objects, strings and arrays",
        (
            *("System.@GetMem", "System.@ReallocMem", "System.@AllocMem", "System.GetMem", "System.AllocMem"),
            *("System.SysGetMem", "System.SysReallocMem", "System.SysAllocMem", "System.TObject.NewInstance"),
            *("System.@ClassCreate", "System.@NewAnsiString", "System.@NewUnicodeString", "System.@NewWideString"),
            *("System.@*StrSetLength", "System.@*StrFrom*", "System.@*StrCat*", "System.*DynArraySetLength"),
            *("FastMM?.*", "@System@*GetMem$*", "@System@*ReallocMem$*", "@System@@New*String$*"),
        ),
        (
            *("app!System.@GetMem", "app!System.@ReallocMem", "app!System.@AllocMem", "app!System.GetMem"),
            *("app!System.AllocMem", "app!System.SysGetMem", "app!System.SysReallocMem", "app!System.SysAllocMem"),
            *("app!System.TObject.NewInstance", "app!System.@ClassCreate", "app!System.@NewAnsiString"),
            *("app!System.@NewUnicodeString", "app!System.@NewWideString", "app!System.@UStrSetLength"),
            *("app!System.@LStrFromPCharLen", "app!System.@UStrCat3", "app!System.DynArraySetLength"),
            *("app!FastMM4.FastGetMem", "app!@System@SysGetMem$qqri", "app!@System@@ReallocMem$qqrrpvi"),
            "app!@System@@NewAnsiString$qqrius",
        ),
    ),
    Row(
        "Python",
        "the interpreter's memory functions; the object's type, which called them, is not here",
        ("PyMem_*alloc*", "_PyMem_*alloc*", "PyObject_*alloc", "_PyObject_*alloc", "pymalloc_alloc"),
        (
            *("python311!PyMem_Malloc", "python311!_PyMem_RawMalloc", "python311!PyObject_Malloc"),
            *("python311!_PyObject_Realloc", "python311!pymalloc_alloc"),
        ),
    ),
)
"""Runtimes of other languages."""

ALLOCATORS = (
    Row(
        "jemalloc, Mozilla's too",
        "the entry points and what lies between them and the system; Mozilla's infallible wrappers",
        (
            *("je_*alloc*", "je_memalign", "je_arena_*", "je_huge_*", "je_large_*", "je_extent_*", "je_base_*"),
            *(
                "je_tcache_*",
                "arena_t::*",
                "arena_malloc*",
                "imalloc",
                "imalloc_*",
                "moz_x*alloc",
                "moz_arena_*alloc",
                "moz_xmemdup",
            ),
            *("MozJemalloc*::*", "BaseAllocator::*alloc", "Allocator<*>::malloc", "Allocator<*>::calloc"),
            *("Allocator<*>::realloc",),
        ),
        (
            *(
                "app!je_malloc",
                "app!je_memalign",
                "app!je_arena_malloc_hard",
                "app!je_huge_palloc",
                "app!je_large_malloc",
            ),
            *("app!je_extent_alloc_wrapper", "app!je_base_alloc", "app!je_tcache_alloc_small_hard"),
            *(
                "mozglue!arena_t::MallocSmall",
                "mozglue!arena_malloc",
                "app!imalloc",
                "app!imalloc_body",
                "mozglue!moz_xmalloc",
            ),
            *("mozglue!moz_arena_malloc", "mozglue!moz_xmemdup", "mozglue!MozJemalloc::malloc"),
            *("mozglue!BaseAllocator::malloc", "mozglue!Allocator<MozJemallocBase>::malloc"),
            *("mozglue!Allocator<MozJemallocBase>::calloc", "mozglue!Allocator<MozJemallocBase>::realloc"),
        ),
    ),
    Row(
        "mimalloc",
        "prefixes of the library's public and internal functions that allocate",
        (
            "mi_*alloc*",
            "mi_new",
            "mi_new_*",
            "mi_heap_*alloc*",
            "mi_*strdup",
            "_mi_*alloc*",
            "_mi_heap_*",
            "_mi_os_*",
            "_mi_page_*",
        ),
        (
            *("app!mi_malloc_aligned", "app!mi_new", "app!mi_new_nothrow", "app!mi_heap_malloc_small", "app!mi_strdup"),
            *("app!_mi_malloc_generic", "app!_mi_heap_realloc_zero", "app!_mi_os_alloc", "app!_mi_page_malloc"),
        ),
    ),
    Row(
        "tcmalloc",
        "the library's name space and its entry points",
        (
            "tcmalloc::*",
            "tc_*alloc*",
            "tc_new",
            "tc_new_*",
            "tc_newarray*",
            "tc_memalign",
            "do_malloc",
            "do_malloc_*",
            "*::do_malloc*",
            "do_calloc",
            "do_realloc*",
            "do_memalign*",
        ),
        (
            *(
                "app!tcmalloc::allocate_full_malloc_oom",
                "app!tc_malloc",
                "app!tc_new",
                "app!tc_new_nothrow",
                "app!tc_newarray",
                "app!tc_memalign",
            ),
            *(
                "app!`anonymous namespace'::do_malloc",
                "app!do_malloc",
                "app!do_malloc_or_cpp_alloc",
                "app!do_calloc",
                "app!do_realloc_with_callback",
            ),
            "app!do_memalign",
        ),
    ),
    Row(
        "Chromium: PartitionAlloc and the allocator shim",
        "every allocation of Chromium and of what is built on it passes through them",
        (
            *("partition_alloc::*", "allocator_shim::*", "base::allocator::*", "base::PartitionRoot<*", "ShimMalloc*"),
            *("ShimCppNew*", "ShimCalloc*", "ShimRealloc*", "base::internal::Partition*", "WTF::Partitions::*"),
            *("WTF::PartitionAllocator::*", "blink::Partitions::*", "base::UncheckedMalloc", "base::UncheckedCalloc"),
        ),
        (
            *("chrome!partition_alloc::PartitionRoot::Alloc", "chrome!allocator_shim::internal::PartitionMalloc"),
            *(
                "chrome!base::allocator::WinHeapMalloc",
                "chrome!base::PartitionRoot<1>::AllocFlags",
                "chrome!ShimMalloc",
            ),
            *("chrome!ShimCppNew", "chrome!ShimCalloc", "chrome!ShimRealloc"),
            *("chrome!base::internal::PartitionBucket<1>::SlowPathAlloc", "chrome!WTF::Partitions::FastMalloc"),
            *("chrome!WTF::PartitionAllocator::AllocateBacking", "chrome!blink::Partitions::BufferMalloc"),
            *("chrome!base::UncheckedMalloc", "chrome!base::UncheckedCalloc"),
        ),
    ),
    Row(
        "rpmalloc, snmalloc, dlmalloc, nedmalloc, Hoard, TBB, SmartHeap",
        "the libraries' documented entry points",
        (
            *("rpmalloc*", "rpcalloc*", "rprealloc*", "rpaligned_*alloc", "rpmemalign", "dlmalloc*", "dlcalloc*"),
            *("dlrealloc*", "dlmemalign*", "mspace_*alloc", "nedalloc::*", "nedmalloc*", "nedcalloc*", "nedrealloc*"),
            *("nedp*alloc", "xxmalloc", "Hoard::*", "scalable_*alloc", "rml::*", "MemAllocPtr*", "MemReAllocPtr*"),
            "snmalloc::*",
        ),
        (
            *("app!rpmalloc", "app!rpcalloc", "app!rprealloc", "app!rpaligned_alloc", "app!rpmemalign", "app!dlmalloc"),
            *("app!dlcalloc", "app!dlrealloc", "app!dlmemalign", "app!mspace_malloc", "app!nedalloc::nedpmalloc"),
            *("app!nedmalloc", "app!nedcalloc", "app!nedrealloc", "app!nedpmalloc", "app!xxmalloc"),
            *("app!Hoard::HoardHeapType::malloc", "app!scalable_malloc", "app!rml::internal::internalMalloc"),
            *("app!MemAllocPtr", "app!MemReAllocPtr", "app!snmalloc::ThreadAlloc::alloc"),
        ),
    ),
)
"""Allocators that programs put in place of the C runtime's."""

WRAPPERS = (
    Row(
        "Qt",
        "storage of strings, byte arrays, lists and maps: it lies in Qt5Core for programs that share it",
        (
            *("QArrayData::*allocate*", "QTypedArrayData<*>::*allocate*", "QListData::*", "QVectorData::*"),
            *("QHashData::allocateNode", "QMapDataBase::create*", "QString::*", "QByteArray::*", "qMallocAligned"),
            "qReallocAligned",
        ),
        (
            *(
                "Qt5Core!QArrayData::allocate",
                "app!QTypedArrayData<unsigned short>::allocate",
                "Qt5Core!QListData::append",
            ),
            *("QtCore4!QVectorData::allocate", "Qt5Core!QHashData::allocateNode", "Qt5Core!QMapDataBase::createNode"),
            *("Qt5Core!QString::reallocData", "Qt5Core!QByteArray::append", "Qt5Core!qMallocAligned"),
            "Qt5Core!qReallocAligned",
        ),
    ),
    Row(
        "GLib",
        "the library's memory and string copies, which the caller frees",
        (
            "g_malloc*",
            "g_try_malloc*",
            "g_realloc*",
            "g_try_realloc*",
            "g_slice_alloc*",
            "g_strdup*",
            "g_strndup",
            "g_memdup*",
        ),
        (
            *("libglib-2.0-0!g_malloc0", "libglib-2.0-0!g_try_malloc", "libglib-2.0-0!g_realloc"),
            *("libglib-2.0-0!g_try_realloc_n", "libglib-2.0-0!g_slice_alloc", "libglib-2.0-0!g_strdup_printf"),
            *("libglib-2.0-0!g_strndup", "libglib-2.0-0!g_memdup2"),
        ),
    ),
    Row(
        "Wrappers of libraries",
        "functions that only call malloc: OpenSSL, SQLite, APR, libxml2, ICU, and the GNU names that end on failure",
        (
            *("CRYPTO_*alloc", "CRYPTO_strdup", "CRYPTO_memdup", "sqlite3MemMalloc", "sqlite3MemRealloc"),
            *("sqlite3Malloc*", "sqlite3Realloc*", "sqlite3DbMalloc*", "sqlite3DbRealloc*", "sqlite3_malloc*"),
            *(
                "sqlite3_realloc*",
                "mallocWithAlarm",
                "apr_palloc*",
                "apr_pcalloc*",
                "apr_pstrdup",
                "apr_allocator_alloc",
            ),
            *(
                "xmlStrdup",
                "xmlStrndup",
                "uprv_malloc*",
                "uprv_calloc*",
                "uprv_realloc*",
                "xmalloc",
                "xcalloc",
                "xrealloc",
            ),
            *("xstrdup",),
        ),
        (
            *("libcrypto-3-x64!CRYPTO_zalloc", "libcrypto-3-x64!CRYPTO_strdup", "libcrypto-3-x64!CRYPTO_memdup"),
            *("app!sqlite3MemMalloc", "app!sqlite3MemRealloc", "app!sqlite3Malloc", "app!sqlite3Realloc"),
            *("app!sqlite3DbMallocRawNN", "app!sqlite3DbRealloc", "app!sqlite3_malloc64", "app!sqlite3_realloc"),
            *("app!mallocWithAlarm", "libapr-1!apr_palloc", "libapr-1!apr_pcalloc", "libapr-1!apr_pstrdup"),
            *("libapr-1!apr_allocator_alloc", "libxml2!xmlStrdup", "libxml2!xmlStrndup", "icuuc68!uprv_malloc_68"),
            *("icuuc68!uprv_calloc_68", "icuuc68!uprv_realloc_68", "app!xmalloc", "app!xcalloc", "app!xrealloc"),
            "app!xstrdup",
        ),
    ),
    Row(
        "Unreal Engine",
        "the engine's memory interface with the allocators behind it",
        (
            *(
                "FMemory::Malloc*",
                "FMemory::Realloc*",
                "FMalloc*::Malloc*",
                "FMalloc*::Realloc*",
                "FMalloc*::TryMalloc*",
            ),
        ),
        (
            *("UnrealEditor-Core!FMemory::Malloc", "UnrealEditor-Core!FMemory::Realloc"),
            *("UnrealEditor-Core!FMallocBinned2::MallocExternal", "UnrealEditor-Core!FMallocAnsi::Realloc"),
            *("UnrealEditor-Core!FMallocAnsi::TryMalloc",),
        ),
    ),
)
"""Wrappers of malloc in libraries that many programs share."""

ONE_MODULE = (
    Row(
        "Functions with everyday names",
        "wrappers of malloc whose names may mean something else in a program: Java's, Unity's, RPC's, and "
        "the detours of DebugDiag's leak tracking",
        (
            *("jvm!os::malloc", "jvm!os::realloc", "jvm!AllocateHeap", "jvm!ReallocateHeap", "rpcrt4!AllocWrapper"),
            *("UnityPlayer!malloc_internal", "UnityPlayer!calloc_internal", "UnityPlayer!realloc_internal"),
            *("LeakTrack!*Detour",),
        ),
        (
            *("jvm!os::malloc", "jvm!os::realloc", "jvm!AllocateHeap", "jvm!ReallocateHeap", "RPCRT4!AllocWrapper"),
            *("UnityPlayer!malloc_internal", "UnityPlayer!calloc_internal", "UnityPlayer!realloc_internal"),
            *("LeakTrack!CCRTMemoryLT::R90mallocDetour",),
        ),
    ),
)
"""Functions of single modules. They come last: what looks at one column is decided together."""
