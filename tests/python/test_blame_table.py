"""The table of allocator frames: every rule takes a frame of the field, its caller is left, and no owner is hidden."""

from __future__ import annotations

from pathlib import Path

import heapdelta as hd
import polars as pl
import pytest
from heapdelta import blame, cli
from heapdelta._blame.rules import Row
from heapdelta._blame.table import TABLE, markdown
from heapdelta.blame import ADDRESS, Allocators, Rule, frame_flags

PAGE = Path(__file__).parents[2] / "docs" / "blame.md"
# The case fault-tolerant-heap of issue 14: three stacks, 95 of whose hundred bytes were blamed on the shims.
FAULT_TOLERANT = """\
+   25000 (  25800 -    800)    260 allocs\tBackTraceF10
+     250 (    260 -     10)\tBackTraceF10\tallocations

\tntdll!RtlAllocateHeap+3E
\tAcLayers!NS_FaultTolerantHeap::APIHook_RtlAllocateHeap+2A1
\tglaze!Glaze::mix+5B
\tKERNEL32!BaseThreadInitThunk+14

+   1a000 (  1a800 -    800)    1a0 allocs\tBackTraceF20
+     190 (    1a0 -     10)\tBackTraceF20\tallocations

\tntdll!RtlReAllocateHeap+51
\tAcLayers!NS_FaultTolerantHeap::APIHook_RtlReAllocateHeap+843
\tKERNELBASE!LocalReAlloc+135
\tkilnd!Shelf::load+88
\tKERNEL32!BaseThreadInitThunk+14

+    a000 (   a800 -    800)     a0 allocs\tBackTraceF30
+      90 (     a0 -     10)\tBackTraceF30\tallocations

\tntdll!RtlAllocateHeap+3E
\tAcXtrnal!NS_FaultTolerantHeap::APIHook_RtlAllocateHeap+1A0
\tucrtbase!_malloc_base+36
\tkilnd!Kiln::fire+1C
\tKERNEL32!BaseThreadInitThunk+14

Total increase ==  49000 requested +    120 overhead =  49120
"""


def frame(text: str) -> tuple[str, str | None]:
    """``app!malloc`` or ``app+0x1C3F``."""
    module, bang, function = text.partition("!")
    return (module, function) if bang else (text.rpartition("+0x")[0], None)


def flags(*texts: str, rules: Allocators = blame.DEFAULT) -> list[bool]:
    schema = {"module": pl.String, "function": pl.String}
    return frame_flags(pl.DataFrame([frame(text) for text in texts], schema=schema, orient="row"), rules).to_list()


def blamed(*texts: str) -> str:
    """Blame a stack, given from the innermost frame outward, read from a comparison as the tools write it."""
    lines = "".join(f"\t{text}+3E\n" if "!" in text else f"\t{text.replace('+0x', '+')}\n" for text in texts)
    row = (
        "+     100 (   100 -     0)      1 allocs\tBackTrace1\n+       1 (     1 -     0)\tBackTrace1\tallocations\n\n"
    )
    read = hd.read(f"{row}{lines}\nTotal increase ==    100 requested +      0 overhead =    100\n".encode(), radix=16)
    assert isinstance(read, hd.Comparison)
    owner = read.by("function").row(0, named=True)
    return f"{owner['module']}!{owner['function']}"


@pytest.mark.parametrize("row", TABLE, ids=[row.title for row in TABLE])
def test_every_rule_takes_a_frame_of_the_field(row: Row) -> None:
    assert row.reason
    for rule in row.rules:
        taken = flags(*row.frames, rules=Allocators([rule]))
        assert any(taken), f"{rule} takes none of its frames"
    assert all(flags(*row.frames)), [
        text for text, taken in zip(row.frames, flags(*row.frames), strict=True) if not taken
    ]
    spelled = [text.swapcase() if "!" in text else text for text in row.frames]
    assert all(flags(*spelled))


@pytest.mark.parametrize(
    "text", [text for row in TABLE for text in row.frames if "!" in text and not text.endswith(")")]
)
def test_the_caller_is_blamed(text: str) -> None:
    stack = ["ntdll!RtlAllocateHeap", text, "orders!Order::Load", "orders!main", "KERNEL32!BaseThreadInitThunk"]
    assert blamed(*stack) == "orders!Order::Load"


@pytest.mark.parametrize(
    ("stack", "owner"),
    [
        (
            """ntdll!RtlpAllocateHeapInternal ntdll!RtlAllocateHeap orders!heap_alloc_dbg_internal orders!heap_alloc_dbg
            orders!_malloc_dbg orders!malloc orders!operator.new orders!std::_Default_allocate_traits::_Allocate
            orders!std::_Allocate<16,std::_Default_allocate_traits,0> orders!std::allocator<char>::allocate
            orders!std::_Container_base12::_Alloc_proxy<std::allocator<std::_Container_proxy>.>
            orders!std::basic_string<char>::basic_string<char> orders!Order::SetName orders!main""",
            "orders!Order::SetName",
        ),
        (
            """verifier!AVrfDebugPageHeapAllocate ntdll!RtlDebugAllocateHeap ntdll!RtlpAllocateHeap
            ntdll!RtlpAllocateHeapInternal ntdll!RtlAllocateHeap vrfcore!VfCoreRtlAllocateHeap
            vfbasics!AVrfpRtlAllocateHeap orders!malloc orders!operator.new orders!std::_Allocate
            orders!std::vector<Line,std::allocator<Line>.>::_Buy orders!Order::AddLine""",
            "orders!Order::AddLine",
        ),
        (
            """ntdll!RtlpCallInterceptRoutine ntdll!RtlpAllocateHeapInternal ntdll!RtlAllocateHeap
            Plugin!ATL::CWin32Heap::Allocate Plugin!ATL::CSimpleStringT<wchar_t,0>::Fork
            Plugin!ATL::CSimpleStringT<wchar_t,0>::operator= Plugin!CommonConfig::ParseBase""",
            "Plugin!CommonConfig::ParseBase",
        ),
        (
            """ntdll!RtlAllocateHeap OLEAUT32!APP_DATA::AllocCachedMem OLEAUT32!SysAllocStringByteLen
            jscript!PvarAllocBstrByteLen jscript!JsStrSubstrCore""",
            "jscript!PvarAllocBstrByteLen",
        ),
        (
            """ntdll!RtlReAllocateHeap app!alloc::raw_vec::RawVecInner::finish_grow<std::alloc::System>
            app!alloc::raw_vec::RawVecInner::grow_amortized<std::alloc::System>
            app!alloc::raw_vec::RawVec<u8,std::alloc::System>::grow_one app!orders::load""",
            "app!orders::load",
        ),
        (
            """ntdll!RtlAllocateHeap app!alloc::raw_vec::RawVecInner::finish_grow<std::alloc::System>
            app!alloc::vec::Vec<u8,std::alloc::System>::reserve app!alloc::string::String::push_str
            app!core::fmt::write app!alloc::fmt::format::format_inner app!orders::title""",
            "app!orders::title",
        ),
        (
            """ntdll!RtlAllocateHeap orders!malloc orders!operator.new orders!Name::Name
            orders!std::_Default_allocator_traits<std::allocator<Order>.>::construct<Order>
            orders!std::_Ref_count_obj2<Order>::_Ref_count_obj2<Order> orders!std::make_shared<Order>
            orders!Order::Load""",
            "orders!Name::Name",
        ),
        (
            """ntdll!RtlAllocateHeap orders!malloc orders!operator.new orders!std::vector<int>::push_back
            orders!std::_Func_impl_no_alloc<lambda_1,void>::_Do_call orders!std::thread::_Invoke<lambda_1,0>""",
            "orders!std::_Func_impl_no_alloc<lambda_1,void>::_Do_call",
        ),
        (
            """ntdll!RtlDebugAllocateHeap ntdll!RtlpAllocateHeapInternal chrome!malloc chrome!operator.new
            chrome!content::BrowserAccessibility::Update""",
            "chrome!content::BrowserAccessibility::Update",
        ),
        (
            """ntdll!RtlAllocateHeap msvcr90!malloc LeakTrack!CCRTMemoryLT::R90mallocDetour oleaut32!CTypeInfo2::Invoke
            leakcom!ATL::IDispatchImpl::Invoke""",
            "oleaut32!CTypeInfo2::Invoke",
        ),
        (
            """ntdll!RtlAllocateHeap ucrtbase!_malloc_base mfc140u!CAfxStringMgr::Allocate
            mfc140u!ATL::CSimpleStringT<wchar_t,1>::PrepareWrite2 ledger!Ledger::Title""",
            "ledger!Ledger::Title",
        ),
        (
            """ntdll!RtlAllocateHeap MSVCR90!malloc MSVCR90!operator.new
            MSVCP90!std::basic_string<char,std::char_traits<char>,std::allocator<char>.>::_Copy ledger!Ledger::Title""",
            "ledger!Ledger::Title",
        ),
    ],
)
def test_stacks_of_the_field_are_blamed_on_their_owner(stack: str, owner: str) -> None:
    texts = [text.replace("operator.new", "operator new").replace(".>", " >") for text in stack.split()]
    assert blamed(*texts) == owner


@pytest.mark.parametrize(
    ("frames", "owner"),
    [
        (["ntdll+0x3e", "AcLayers+0x2a1", "glaze+0x5b"], "glaze!glaze+0x5B"),
        (["ntdll+0x3e", "AcXtrnal+0x1a0", "ucrtbase+0x36", "kilnd+0x1c"], "kilnd!kilnd+0x1C"),
        (["ntdll+0x3e", "KERNELBASE+0x135", "kilnd+0x88", "KERNEL32+0x14"], "kilnd!kilnd+0x88"),
        (["ntdll+0x3e", "combase+0x4a7e1", "combase+0x4a713", "kilnd+0x88"], "kilnd!kilnd+0x88"),
        (["ntdll+0x3e", "oleaut32+0x4c7f", "oleaut32+0x4b52", "kilnd+0x88"], "kilnd!kilnd+0x88"),
        (["ntdll+0x3e", "msvcr90+0x3db8", "msvcp90+0x1c01", "kilnd+0x88"], "kilnd!kilnd+0x88"),
        (["ntdll+0x3e", "rpcrt4+0x1c01", "kilnd+0x88"], "rpcrt4!rpcrt4+0x1C01"),
        (["ntdll+0x3e", "mfc140u+0x1c01", "kilnd+0x88"], "mfc140u!mfc140u+0x1C01"),
    ],
)
def test_addresses_are_blamed_on_their_owner(frames: list[str], owner: str) -> None:
    modules, offsets = zip(*(text.split("+0x") for text in frames), strict=True)
    bases = {name: 0x1000_0000 * place for place, name in enumerate(dict.fromkeys(modules), start=1)}
    lines = ["// Loaded modules:", "//     Base Size Module"]
    lines += [f"//     {base:X} 1000000 C:\\W\\{name}.dll" for name, base in bases.items()]
    lines += ["//", "*- - - - Start of data for heap @ 10000 - - - -", "40 bytes + 18 at 2E9FB00 by BackTrace7"]
    lines += [f"\t{bases[name] + int(offset, 16):X}" for name, offset in zip(modules, offsets, strict=True)]
    log = hd.read(("\n".join(lines) + "\n\n*- - - - End of data for heap @ 10000 - - - -\n").encode())
    assert isinstance(log, hd.Snapshot)
    row = hd.diff(log, log).by("function").row(0, named=True)
    assert f"{row['module']}!{row['function']}" == owner


@pytest.mark.parametrize(
    "text",
    [
        "combase!CoCreateInstance",
        "oleaut32!LoadTypeLib",
        "oleaut32!CTypeInfo2::Invoke",
        "KERNELBASE!CreateFileW",
        "KERNELBASE!BasepCreateActCtx",
        "kernel32!BaseThreadInitThunk",
        "kernel32!FindNextFileW",
        "rpcrt4!LRPC_ADDRESS::Listen",
        "msvcp90!std::locale::_Init",
        "msvcp140!std::basic_filebuf<char,std::char_traits<char> >::open",
        "mfc140u!CMapStringToOb::NewAssoc",
        "mfc140u!CWnd::CreateEx",
        "clr!MethodTable::Allocate",
        "jvm!Arena::grow",
        "AcSpecfc+0x1000",
        "app!MyAllocator::Report",
        "app!operator newLine",
        "app!operator new_list",
        "app!mallocator",
        "app!malloc_stats",
        "app!HeapAllocTracker",
        "app!LocalAllocate",
        "app!AllocWrapper",
        "app!AllocateHeap",
        "app!os::malloc",
        "app!IMallocTracker::Report",
        "app!_expand_tree",
        "app!heap_allocation_report",
        "app!std::allocator_report",
        "app!std::thread::_Invoke<std::tuple<app::Load>,0>",
        "app!std::_Func_impl_no_alloc<app::Load<std::vector<int> >,void>::_Do_call",
        "app!std::__1::__function::__func<app::Load<std::__1::vector<int> >,void ()>::operator()",
        "app!std::function<void __cdecl(void)>::operator()",
        "app!std::invoke<app::Load,std::vector<int> >",
        "app!std::sort<std::_Vector_iterator<Order>,app::Less>",
        "app!std::for_each<Order *,app::Load>",
        "app!std::transform<int *,std::back_insert_iterator<std::vector<int> >,app::Load>",
        "app!std::vectorize",
        "app!std::listen<int>",
        "app!vector<int>::push_back",
        "app!app::vector<int>::push_back",
        "app!app::std::vector<int>::push_back",
        "app!eastl::vector<int>::push_back",
        "app!app::Pool<std::vector<int> >::Grow",
        "app!app::alloc::vec::Vec<int>::push",
        "app!app::shared_ptr<Order>::shared_ptr<Order>",
        "app!app::make_shared<Order>",
        "app!app::string::append",
        "app!alloc::report::Report::build",
        "app!alloc::boxed::impl$48::call_once<app::new_clone::closure_env$0>",
        "app!<alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once",
        "app!alloc::slice::impl$0::sort_by<app::Order,app::to_vec::closure_env$0>",
        "app!<app::Order as core::fmt::Display>::fmt",
        "app!<app::Order as core::clone::Clone>::clone",
        "app!<app::Order as core::convert::From<alloc::string::String>>::from",
        "app!app::hashbrown::insert",
        "app!app::Vec::push",
        "app!std::thread::local::LocalKey<T>::with",
        "app!core::ops::function::FnOnce::call_once<app::load::closure_env$0>",
        "app!_o_mymalloc",
        "app!__imp_grab",
        "app!hoarder",
        "hoarder+0x10",
        "appleak+0x10",
        "apphelp!SdbOpenDatabase",
        "app!allocate",
        "app!Pool::Allocate",
        "app!Order::newItem",
        "app!mi_newline",
        "app!tc_newsletter",
        "python311!PyType_GenericAlloc",
        "Qt5Core!QObject::QObject",
        "Qt5Core!QSettings::value",
        "libglib-2.0-0!g_object_new",
        "app!System.TStringList.Add",
        "app!?run@App@@QAEXV?$basic_string@DU?$char_traits@D@std@@V?$allocator@D@2@@std@@@Z",
        "app!?title@App@@QAE?AV?$CStringT@_WV?$StrTraitMFC@_W@@@ATL@@XZ",
        "ntdllx+0x10",
        "verifiers+0x10",
    ],
)
def test_an_owner_stays(text: str) -> None:
    assert flags(text) == [False]


@pytest.mark.parametrize("inline", ["", "__1::", "__2::", "__Cr::", "__ndk1::", "__cxx11::", "__debug::", "tr1::"])
def test_inline_namespaces_of_the_library_are_the_library(inline: str) -> None:
    rules = Allocators(["*!std::vector<*"])
    texts = [f"app!std::{inline}vector<int>::push_back", f"app!app::std::{inline}vector<int>::push_back"]
    assert flags(*texts, rules=rules) == [True, False]
    assert flags("app!std::__3::vector<int>::push_back", "app!std::vectorize", rules=rules) == [False, False]


def test_a_rule_may_name_one_inline_namespace() -> None:
    rules = Allocators(["*!std::__1::vector<*"])
    assert flags("app!std::__1::vector<int>::push_back", "app!std::vector<int>::push_back", rules=rules) == [
        True,
        False,
    ]


def test_an_exception_brings_back_a_member_of_a_container() -> None:
    rules = ["-*!std::vector<*"] + blame.DEFAULT  # noqa: RUF005
    assert flags("app!std::vector<int>::push_back", "app!std::list<int>::push_back", rules=rules) == [False, True]


def test_the_case_of_a_fault_tolerant_heap() -> None:
    read = hd.read(FAULT_TOLERANT.encode())
    assert isinstance(read, hd.Comparison)
    assert read.by("module").select("module", "requested_bytes_delta").rows() == [
        ("glaze", 151_552),
        ("kilnd", 147_456),
    ]
    assert set(read.by("function")["function"]) == {"Glaze::mix", "Shelf::load", "Kiln::fire"}


def test_a_stack_of_allocators_alone_counts_for_its_outermost_frame() -> None:
    assert blamed("ntdll!RtlAllocateHeap", "ucrtbase!_malloc_base", "app!operator new") == "app!operator new"


def test_parameters_may_be_left_out_of_a_rule() -> None:
    rules = Allocators(["mymem!grab", "*!operator new"])
    assert flags("mymem!grab(unsigned int)", "mymem!grabber", "x!operator new(void)", rules=rules) == [
        True,
        False,
        True,
    ]


def test_rules_for_addresses_take_nothing_else() -> None:
    rules = Allocators(["mymem+0x*"])
    schema = {"module": pl.String, "function": pl.String}
    frames = [("MyMem", None), ("mymem", "grab"), ("other", None), (None, None), (None, "grab")]
    assert frame_flags(pl.DataFrame(frames, schema=schema, orient="row"), rules).to_list() == [True] + 4 * [False]
    assert Rule("*", ADDRESS) == Allocators([Rule("*", ADDRESS)])[0]
    everywhere = Allocators([Rule("*", ADDRESS)])
    assert frame_flags(pl.DataFrame(frames, schema=schema, orient="row"), everywhere).to_list() == [
        True, False, True, False, False
    ]  # fmt: skip


def test_exceptions_overrule_the_table() -> None:
    assert flags("KERNELBASE+0x10", rules=["-kernelbase+0x*"] + blame.DEFAULT) == [False]  # noqa: RUF005
    assert flags("app!malloc", rules=["-app"] + blame.DEFAULT) == [False]  # noqa: RUF005


def test_a_file_of_rules_knows_addresses_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules, log = tmp_path / "rules.txt", tmp_path / "log.txt"
    rules.write_text("mymem+0x*\nDEFAULT\n")
    log.write_text(
        "// Loaded modules:\n//     Base Size Module\n//     10000000 1000 C:\\W\\mymem.dll\n"
        "//     20000000 1000 C:\\W\\orders.exe\n//\n*- - - - Start of data for heap @ 10000 - - - -\n"
        "40 bytes + 18 at 2E9FB00 by BackTrace7\n\t10000010\n\t20000010\n\n"
        "*- - - - End of data for heap @ 10000 - - - -\n"
    )
    assert cli.run(["diff", str(log), str(log), "--by", "module", "--csv", "--allocators", str(rules)]) == cli.OK
    assert capsys.readouterr().out.splitlines()[1].startswith("orders,")


def test_the_page_is_written_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "docs/blame.md is out of date: run make docs"
    assert sum(len(row.rules) for row in TABLE) == len(blame.DEFAULT)
    assert len(set(blame.DEFAULT)) == len(blame.DEFAULT)
