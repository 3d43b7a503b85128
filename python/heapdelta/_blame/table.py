"""The whole table of allocator frames, in the order of the rules, and ``docs/blame.md`` written from it."""

from __future__ import annotations

from heapdelta._blame.containers import CPP, RUST
from heapdelta._blame.libraries import ALLOCATORS, LANGUAGES, ONE_MODULE, WRAPPERS
from heapdelta._blame.rules import ADDRESSES, MODULES, RUNTIME, SYSTEM, Row

_OF_MODULES = (("Whole modules", MODULES), ("Addresses without a function", ADDRESSES))
_OF_FUNCTIONS = (
    ("Functions of Windows", SYSTEM),
    ("Functions of the C and C++ runtimes", RUNTIME),
    ("The C++ standard library", CPP),
    ("Rust's standard library", RUST),
    ("Runtimes of other languages", LANGUAGES),
    ("Replacement allocators", ALLOCATORS),
    ("Wrappers in libraries", WRAPPERS),
    ("Functions of one module", ONE_MODULE),
)

_HEAD = """\
# Whose frame is an allocator's

Written by `make docs` from the tables in `heapdelta/_blame`; do not edit.

A stack counts for its first frame, from the innermost outward, that none of these rules takes; if every frame is an
allocator's, the outermost decides. [concepts.md](concepts.md) tells why. The first rule that matches a frame decides.

| rule | takes |
|---|---|
| `mymem` | every frame of a module, named without extension |
| `mymem+0x*` | frames of a module without a function, shown as `mymem+0x1C3F` |
| `mymem!pool_*` | a function of a module |
| `*!pool_*` | a function of any module |
| `-mymem!pool_report` | nothing: this frame is nobody's allocator, whatever later rules say |

`*` is any text and `?` any character; case does not count; parameters behind a function's name may be left out.
`std::` at the beginning also stands for the inline namespaces of C++ libraries: `std::__1::`, `std::__2::`,
`std::__Cr::`, `std::__ndk1::`, `std::__cxx11::`, `std::__debug::`, and `std::tr1::`. Your own rules go before or behind
the built-in ones: `["-msvcr*"] + blame.DEFAULT`, `blame.DEFAULT + ["mymem"]`; on the command line `--allocators FILE`,
where the line `DEFAULT` stands for all of these.

Containers, strings and smart pointers of the C++ and Rust standard libraries are passed over with all their members,
because whoever holds one decides how long it lives. To see which member it was, make exceptions:
`["-*!std::vector<*"] + blame.DEFAULT`. Not passed over is what runs code of the program, which may be compiled into it:
`std::thread`, `std::function`, algorithms such as `std::sort`, Rust's closures and boxes that are called. Nor are
streams, and containers of other libraries or of your own, even if they are called `vector`.

Names are from public stacks in bug reports, the lists by which Mozilla groups crashes, and public documentation and
headers. Not taken, because it owns memory that grows, or cannot be told from what does: `mfc*` and `atl*` without
function names (windows, maps, documents), `rpcrt4` (connections), `clr` and `coreclr`, arenas of Java and V8, Go and
garbage collectors (their heaps are not Windows'), `mozglue` and `vld` as wholes.
"""


def _rules(row: Row, *, of_functions: bool) -> Row:
    """Complete the rules of functions: one without a module is for any."""
    if not of_functions:
        return row
    return row._replace(rules=tuple(rule if "!" in rule else f"*!{rule}" for rule in row.rules))


TABLE: tuple[Row, ...] = tuple(
    _rules(row, of_functions=parts is _OF_FUNCTIONS)
    for parts in (_OF_MODULES, _OF_FUNCTIONS)
    for _, rows in parts
    for row in rows
)
"""Every row, with its rules as `heapdelta.blame.Rule.parse` reads them."""


def markdown() -> str:
    """Write the page about the rules."""
    lines = [_HEAD]
    for title, rows in (*_OF_MODULES, *_OF_FUNCTIONS):
        lines += [f"## {title}", "", "| what | rules | why it owns nothing |", "|---|---|---|"]
        lines += [f"| {row.title} | {_listed(row)} | {row.reason} |" for row in rows]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _listed(row: Row) -> str:
    return ", ".join(_code(rule) for rule in row.rules).replace("|", "\\|")


def _code(rule: str) -> str:
    """Write a rule as code, in two backticks where it has one of its own."""
    return f"`` {rule} ``" if "`" in rule else f"`{rule}`"


if __name__ == "__main__":
    print(markdown(), end="")
