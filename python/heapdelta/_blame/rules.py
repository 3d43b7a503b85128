"""The table of allocator frames: what is between a caller and the heap in the field, with the reason of each rule.

A row is a kind of code: its rules as `heapdelta.blame.Rule.parse` reads them, why its frames own nothing, and frames as
logs show them, at least one for each rule. Tests hold every rule to its frames; ``docs/blame.md`` is written from the
table. The names are from public stacks (bug reports, crash signature lists such as Mozilla's) and public documentation
and headers. What is in doubt is not here: a rule too many hides an owner, one too few shows the wrapper's name.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One kind of code that allocates for others."""

    title: str
    reason: str
    rules: tuple[str, ...]
    frames: tuple[str, ...]


MODULES = (
    Row(
        "Heap manager",
        "every block of a heap log comes from it; what it keeps for itself is not a block of a heap",
        ("ntdll",),
        ("ntdll!RtlAllocateHeap", "ntdll!RtlpAllocateHeapInternal", "ntdll!RtlDebugAllocateHeap", "ntdll+0x3f8a2"),
    ),
    Row(
        "Application Verifier and page heap",
        "they are between the heap and its caller and check; their own records are in a heap of their own",
        (
            *("verifier", "vrfcore", "vrfauto", "vfbasics", "vfcompat", "vfluapriv", "vfnet", "vfntlmless", "vfnws"),
            "vfprint*",
        ),
        (
            "verifier!AVrfDebugPageHeapAllocate",
            "vrfcore!VfCoreRtlAllocateHeap",
            "vrfauto+0x1100",
            "vfbasics!AVrfpRtlAllocateHeap",
            "vfcompat+0x1c20",
            "vfluapriv+0x2a10",
            "vfnet+0x1100",
            "vfntlmless+0x1100",
            "vfnws+0x1100",
            "vfprintpthelper+0x1100",
        ),
    ),
    Row(
        "Fault Tolerant Heap and other compatibility shims",
        "Windows puts them in front of the heap of a program that crashed often; a hook passes on what it is asked for",
        ("AcLayers", "AcXtrnal", "AcGenral", "AcRedir"),
        (
            "AcLayers!NS_FaultTolerantHeap::APIHook_RtlAllocateHeap",
            "AcXtrnal!NS_FaultTolerantHeap::APIHook_RtlReAllocateHeap",
            "AcGenral+0x1c88",
            "AcRedir+0x1100",
        ),
    ),
    Row(
        "C runtime as a DLL",
        "its heap functions are called by everyone; buffers of its own (files, environment) are few and do not grow",
        ("msvcr*", "ucrtbase*", "vcruntime*", "crtdll"),
        ("MSVCR90D!_nh_malloc_dbg", "msvcrt!malloc", "ucrtbase!_malloc_base", "VCRUNTIME140+0x1a3c", "crtdll+0x8f10"),
    ),
    Row(
        "Memory managers as a DLL",
        "they do nothing but hand out memory: mimalloc, jemalloc, tcmalloc, TBB, Hoard, others, Delphi's shared one",
        (
            "mimalloc*",
            "jemalloc*",
            "tcmalloc*",
            "libtcmalloc*",
            "tbbmalloc*",
            "hoard",
            "libhoard*",
            "rpmalloc*",
            "snmalloc*",
            "borlndmm",
            "FastMM_FullDebug*",
        ),
        (
            "mimalloc-redirect!mi_malloc",
            "jemalloc+0x2f10",
            "tcmalloc_minimal+0x8c20",
            "libtcmalloc_minimal+0x8c20",
            "tbbmalloc_debug!scalable_malloc",
            "hoard+0x1f20",
            "libhoard+0x1f20",
            "rpmalloc+0x1f20",
            "snmallocshim+0x1f20",
            "borlndmm!Borlndmm::SysGetMem",
            "FastMM_FullDebugMode64+0x31c0",
        ),
    ),
)
"""Whole modules, which own nothing that grows."""

ADDRESSES = (
    Row(
        "System modules without function names",
        "in a log of addresses LocalAlloc, CoTaskMemAlloc or SysAllocString cannot be told from their neighbours; what "
        "such a module allocates it does for its caller nearly always. Where the function is known, it decides",
        ("KERNELBASE+0x*", "kernel32+0x*", "combase+0x*", "ole32+0x*", "oleaut32+0x*"),
        ("KERNELBASE+0x1c135", "kernel32+0x1f6a2", "combase+0x4a7e1", "ole32+0x2c901", "OLEAUT32+0x4c7f"),
    ),
    Row(
        "C++ library without function names",
        "strings grow inside, in msvcp60 to msvcp120, for whoever holds them; locales and streams are made once",
        ("msvcp*+0x*", "libstdc++*+0x*", "libc++*+0x*"),
        ("msvcp90+0x2e1a1", "MSVCP140D+0x1f20", "libstdc++-6+0x1f20", "libc++.1+0x1f20"),
    ),
    Row(
        "The shims' loader without function names",
        "its stubs are in front of hooked functions; the database of shims, which it keeps, is made once",
        ("shimeng+0x*", "apphelp+0x*"),
        ("shimeng+0x1f20", "apphelp+0x1f20"),
    ),
    Row(
        "DebugDiag's leak tracking without function names",
        "its detours are in front of every function that allocates",
        ("LeakTrack+0x*",),
        ("LeakTrack+0x13cc7",),
    ),
)
"""Addresses of modules that own something as well: only frames without a function."""

SYSTEM = (
    Row(
        "Heap functions",
        "the documented way to a block, in kernel32, KERNELBASE, or a hook of the same name",
        (
            *("Rtl*AllocateHeap*", "HeapAlloc", "HeapAllocStub", "HeapReAlloc", "HeapReAllocStub"),
            *("LocalAlloc", "LocalAllocStub", "LocalReAlloc", "LocalReAllocStub"),
            *("GlobalAlloc", "GlobalAllocStub", "GlobalReAlloc", "GlobalReAllocStub"),
        ),
        (
            *("app!RtlAllocateHeapHook", "kernel32!HeapAlloc", "kernel32!HeapAllocStub", "kernel32!HeapReAlloc"),
            *(
                "kernel32!HeapReAllocStub",
                "KERNELBASE!LocalAlloc",
                "kernel32!LocalAllocStub",
                "KERNELBASE!LocalReAlloc",
            ),
            *("kernel32!LocalReAllocStub", "kernel32!GlobalAlloc", "kernel32!GlobalAllocStub"),
            *("kernel32!GlobalReAlloc", "kernel32!GlobalReAllocStub"),
        ),
    ),
    Row(
        "COM task allocator",
        "memory that the caller frees with CoTaskMemFree",
        ("CoTaskMemAlloc", "CoTaskMemRealloc", "CRetailMalloc_*", "IMalloc::*Alloc", "SHAlloc"),
        (
            *(
                "combase!CoTaskMemAlloc",
                "ole32!CoTaskMemRealloc",
                "ole32!CRetailMalloc_Alloc",
            ),
            *("app!IMalloc::Alloc", "SHELL32!SHAlloc"),
        ),
    ),
    Row(
        "BSTR, SAFEARRAY and VARIANT",
        "the strings, arrays and copies belong to whoever asked for them; the type libraries of oleaut32 are its own",
        (
            *(
                "SysAllocString*",
                "SysReAllocString*",
                "APP_DATA::AllocCachedMem",
                "SafeArrayAlloc*",
                "SafeArrayCreate*",
            ),
            *("SafeArrayCopy", "SafeArrayRedim", "VariantCopy", "VariantCopyInd"),
            *("_bstr_t::*", "_com_util::ConvertStringToBSTR", "ATL::CComBSTR::*"),
        ),
        (
            *("OLEAUT32!SysAllocStringByteLen", "OLEAUT32!SysReAllocStringLen", "OLEAUT32!APP_DATA::AllocCachedMem"),
            *("OLEAUT32!SafeArrayAllocData", "OLEAUT32!SafeArrayCreateVector", "OLEAUT32!SafeArrayCopy"),
            *("OLEAUT32!SafeArrayRedim", "OLEAUT32!VariantCopy", "OLEAUT32!VariantCopyInd"),
            *("app!_bstr_t::Data_t::Data_t", "app!_com_util::ConvertStringToBSTR", "app!ATL::CComBSTR::CComBSTR"),
        ),
    ),
    Row(
        "RPC, MAPI and network buffers",
        "stubs and buffers that the caller frees; what rpcrt4 keeps of connections is its own",
        (
            *(
                "MIDL_user_allocate",
                "NdrAllocate",
                "NdrOleAllocate",
                "NdrRpcSmClientAllocate",
                "NdrRpcSsDefaultAllocate",
            ),
            *("I_RpcAllocate", "RpcSmAllocate", "RpcSsAllocate", "NetApiBufferAllocate"),
            *("MAPIAllocateBuffer*", "MAPIAllocateMore*"),
        ),
        (
            *("app!midl_user_allocate", "RPCRT4!NdrAllocate", "RPCRT4!NdrOleAllocate", "RPCRT4!NdrRpcSmClientAllocate"),
            *("RPCRT4!NdrRpcSsDefaultAllocate", "RPCRT4!I_RpcAllocate", "RPCRT4!RpcSmAllocate", "RPCRT4!RpcSsAllocate"),
            *("netutils!NetApiBufferAllocate", "OLMAPI32!MAPIAllocateBuffer"),
            "OLMAPI32!MAPIAllocateMore",
        ),
    ),
    Row(
        "Visual Leak Detector",
        "its hooks note who allocates and pass the call on",
        ("VisualLeakDetector::_*alloc*", "VisualLeakDetector::_*new*"),
        (
            "vld_x64!VisualLeakDetector::_RtlAllocateHeap",
            "vld_x86!VisualLeakDetector::_crtd_scalar_new",
        ),
    ),
    Row(
        ".NET's host",
        "the runtime's entry to the process heap; what clr and coreclr do with the block is their own",
        ("EEHeapAlloc*", "ClrAllocInProcessHeap*", "ClrHeapAlloc", "CExecutionEngine::ClrHeapAlloc"),
        (
            *("clr!EEHeapAllocInProcessHeap", "coreclr!ClrAllocInProcessHeap", "clr!ClrHeapAlloc"),
            "mscorwks!CExecutionEngine::ClrHeapAlloc",
        ),
    ),
)
"""Functions of Windows, and of what hooks them, in whatever module."""

RUNTIME = (
    Row(
        "C runtime, linked into the program",
        "a static runtime has these in the program's own module; the compiler's names differ by version",
        (
            *("malloc", "calloc", "realloc", "recalloc", "strdup", "wcsdup"),
            *("_malloc", "_malloc_*", "_calloc", "_calloc_*", "_realloc", "_realloc_*", "_recalloc", "_recalloc_*"),
            *(
                "_expand",
                "_expand_base",
                "_expand_dbg*",
                "_nh_malloc*",
                "_heap_alloc*",
                "_aligned_*alloc*",
                "_mm_malloc",
            ),
            *("_strdup*", "_wcsdup*", "_mbsdup*", "__acrt_*alloc*", "_dupenv_s*", "_wdupenv_s*"),
            *("malloc_base", "calloc_base", "realloc_base", "recalloc_base", "expand_base", "heap_alloc_base"),
        ),
        (
            *("app!malloc", "app!calloc", "app!realloc", "app!recalloc", "app!strdup", "app!wcsdup", "app!_malloc"),
            *("app!_malloc_base", "app!_malloc_crt", "app!_calloc", "app!_calloc_impl", "app!_realloc"),
            *(
                "app!_realloc_crt",
                "app!_recalloc",
                "app!_recalloc_base",
                "app!_expand",
                "app!_expand_base",
                "app!_expand_dbg",
            ),
            *("app!_nh_malloc", "app!_heap_alloc", "app!_aligned_offset_malloc", "app!_mm_malloc", "app!_strdup"),
            *("app!_wcsdup", "app!_mbsdup", "app!__acrt_allocate_buffer_for_argv", "app!_dupenv_s"),
            "app!_wdupenv_s_dbg",
            *("app!malloc_base", "app!calloc_base", "app!realloc_base", "app!recalloc_base", "app!expand_base"),
            "app!heap_alloc_base",
        ),
    ),
    Row(
        "C runtime, under the names of imports",
        "Windows' private exports of the runtime begin with _o_; a stub may have the name of the slot it jumps through",
        (
            *("_o_malloc", "_o_calloc", "_o_realloc", "_o__*alloc*", "_o__strdup", "_o__wcsdup"),
            *("__imp_malloc", "__imp_calloc", "__imp_realloc", "__imp__malloc", "__imp__calloc", "__imp__realloc"),
            *("__imp_??2@YA*", "__imp_??_U@YA*", "__imp_HeapAlloc", "__imp_HeapReAlloc"),
        ),
        (
            *("ucrtbase!_o_malloc", "ucrtbase!_o_calloc", "ucrtbase!_o_realloc", "app!_o__aligned_malloc"),
            *("app!_o__strdup", "app!_o__wcsdup", "app!__imp_malloc", "app!__imp_calloc", "app!__imp_realloc"),
            *("app!__imp__malloc", "app!__imp__calloc", "app!__imp__realloc", "app!__imp_??2@YAPEAX_K@Z"),
            *("app!__imp_??_U@YAPEAX_K@Z", "app!__imp_HeapAlloc", "app!__imp_HeapReAlloc"),
        ),
    ),
    Row(
        "Debug C runtime, linked into the program",
        "debug builds pass through four of these before the heap; names without underscore are internal functions",
        (
            *("heap_alloc_dbg*", "malloc_dbg*", "calloc_dbg*", "realloc_dbg*", "recalloc_dbg*", "expand_dbg*"),
            *("aligned_*_dbg", "strdup_dbg*", "wcsdup_dbg*", "mbsdup_dbg*"),
        ),
        (
            *("app!heap_alloc_dbg_internal", "app!malloc_dbg", "app!calloc_dbg_internal", "app!realloc_dbg_nolock"),
            *("app!recalloc_dbg", "app!expand_dbg", "app!aligned_offset_malloc_dbg", "app!strdup_dbg"),
            *("app!wcsdup_dbg", "app!mbsdup_dbg"),
        ),
    ),
    Row(
        "operator new",
        "all forms: array, aligned, nothrow, MFC's with file and line, of a class, and as export tables decorate them",
        (
            *("operator new<*", "operator new[]<*", "`operator new'", "`operator new[]'"),
            *("operator new", "operator new[]", "*::operator new", "*::operator new[]", "* operator new"),
            *("* operator new[]", "??2@YA*", "??_U@YA*", "??2*@@S*", "??_U*@@S*", "_Znw*", "_Zna*"),
        ),
        (
            *("app!operator new<int>", "app!operator new[]<int>", "app!`operator new'", "app!`operator new[]'"),
            *("app!operator new(unsigned __int64)", "app!operator new[]", "mfc140u!CObject::operator new"),
            *("app!Pool::operator new[]", "app!void * __cdecl operator new(unsigned int)"),
            *("app!void * __cdecl operator new[](unsigned int)", "app!??2@YAPEAX_K@Z", "app!??_U@YAPAXI@Z"),
            *("mfc90!??2CObject@@SGPAXI@Z", "mfc90!??2CObject@@SAPAXI@Z", "mfc90!??_UCObject@@SAPAXI@Z"),
            *("app!_Znwy", "app!_Znay"),
        ),
    ),
    Row(
        "Heaps and strings of ATL and MFC",
        "CString lives in the MFC DLL for programs that share it, and its memory is the program's",
        (
            *(
                "ATL::CWin32Heap::*",
                "ATL::CCRTHeap::*",
                "ATL::CComHeap::*",
                "ATL::CLocalHeap::*",
                "ATL::CGlobalHeap::*",
            ),
            *("ATL::CCRTAllocator::*", "ATL::CComAllocator::*", "ATL::CAtlStringMgr::*", "CAfxStringMgr::*"),
            *(
                "ATL::CSimpleStringT<*",
                "ATL::CStringT<*",
                "?*@?$CSimpleStringT@*",
                "?*@?$CStringT@*",
                "????$CSimpleStringT@*",
                "????$CStringT@*",
            ),
            *(
                "ATL::CStringData::*",
                "ATL::CHeapPtrBase<*>::Allocate*",
                "ATL::CHeapPtr<*>::Allocate*",
                "ATL::CTempBuffer<*>::Allocate*",
                "CPlex::Create",
            ),
            *("ATL::AtlAllocTaskAnsiString", "ATL::AtlAllocTaskWideString", "Microsoft::WRL::Details::MakeAllocator<*"),
        ),
        (
            *("app!ATL::CWin32Heap::Allocate", "app!ATL::CCRTHeap::Allocate", "app!ATL::CComHeap::Reallocate"),
            *("app!ATL::CLocalHeap::Allocate", "app!ATL::CGlobalHeap::Allocate", "app!ATL::CCRTAllocator::Allocate"),
            *(
                "app!ATL::CComAllocator::Allocate",
                "app!ATL::CAtlStringMgr::Allocate",
                "mfc140u!CAfxStringMgr::Allocate",
            ),
            *("app!ATL::CSimpleStringT<wchar_t,0>::Fork",),
            *("mfc140u!ATL::CStringT<wchar_t,StrTraitMFC_DLL<wchar_t> >::Format",),
            *("mfc90u!?PrepareWrite2@?$CSimpleStringT@_W$00@ATL@@AAEXH@Z",),
            *("mfc90u!?Format@?$CStringT@_WV?$StrTraitMFC_DLL@_W@@@ATL@@QAAXPB_WZZ",),
            *("mfc90u!??4?$CSimpleStringT@_W$00@ATL@@QAEAAV01@ABV01@@Z",),
            *("mfc90u!??0?$CStringT@_WV?$StrTraitMFC_DLL@_W@@@ATL@@QAE@PB_W@Z", "app!ATL::CStringData::Clone"),
            *("app!ATL::CHeapPtrBase<char,ATL::CCRTAllocator>::AllocateBytes",),
            *("app!ATL::CHeapPtr<char,ATL::CCRTAllocator>::Allocate",),
            *("app!ATL::CTempBuffer<char,256,ATL::CCRTAllocator>::AllocateHeap", "mfc140u!CPlex::Create"),
            *("app!ATL::AtlAllocTaskAnsiString", "app!ATL::AtlAllocTaskWideString"),
            *("app!Microsoft::WRL::Details::MakeAllocator<Button>::Allocate",),
        ),
    ),
)
"""Functions of the C and C++ runtimes, in whatever module: both are often linked statically."""
