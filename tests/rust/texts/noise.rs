//! What the debugger's libraries print while they look for symbols is no line of a log, wherever it broke into one.

use heapdelta::Capture;

use super::{essence, log};
use crate::{
    formats::{COMPARISON, UMDH1, UMDH2, doubts, issues, texts},
    support::table,
};

/// Lines that follow one another.
const SEARCH: &str = "\
SYMSRV:  BYINDEX: 0x1
         c:\\symbols*https://msdl.microsoft.com/download/symbols
         ntdll.pdb
         0123456789ABCDEF0123456789ABCDEF1
SYMSRV:  UNC: c:\\symbols\\ntdll.pdb\\0123456789ABCDEF0123456789ABCDEF1\\ntdll.pdb - path not found
SYMSRV:  HTTPGET: /download/symbols/ntdll.pdb/0123456789ABCDEF0123456789ABCDEF1/ntdll.pdb
SYMSRV:  HttpQueryInfo: 80190194 - HTTP_STATUS_NOT_FOUND
SYMSRV:  RESULT: 0x80190194
ntdll.pdb from https://msdl.microsoft.com/download/symbols: 12 bytes - copied
   86 percent
SYMSRV:  BYINDEX: 0x2
         c:\\symbols
         kilnd.exe
         629AE2E81e000
SYMSRV:  PATH: c:\\symbols\\ntdll.pdb\\0123456789ABCDEF0123456789ABCDEF1\\ntdll.pdb
SYMSRV:  RESULT: 0x00000000
DBGHELP: ntdll - public symbols
         c:\\symbols\\ntdll.pdb\\0123456789ABCDEF0123456789ABCDEF1\\ntdll.pdb
DBGENG:  kilnd.exe - Image mapping disallowed by non-local path.
SYMCHK: FAILED files = 0
";

fn told(log: &Capture) -> usize {
    let kinds = texts(table(log, "sections"), "kind");
    let of_issues =
        issues(log).into_iter().filter(|(severity, kind)| severity == "info" && kind == "console_text").count();
    of_issues + kinds.iter().filter(|kind| matches!(kind.as_str(), "console" | "symbols")).count()
}

#[test]
fn a_search_anywhere_in_a_log_takes_nothing_from_it() {
    let stripped: String = SEARCH.lines().map(|line| line.trim_start().to_owned() + "\n").collect();
    for text in [UMDH2, UMDH1, COMPARISON] {
        let expected = log(text);
        let places = text.match_indices('\n').map(|(at, _)| at + 1);
        for (at, search) in places.flat_map(|at| [(at, SEARCH), (at, stripped.as_str())]) {
            let found = log(&format!("{}{search}{}", &text[..at], &text[at..]));
            assert_eq!(essence(&found), essence(&expected), "at {at}:\n{search}");
            assert_eq!(doubts(&found), doubts(&expected), "at {at}:\n{search}");
            assert_eq!(told(&found) - told(&expected), SEARCH.lines().count(), "at {at}:\n{search}");
        }
    }
}

#[test]
fn one_line_at_a_time_takes_nothing_either() {
    let lines = SEARCH.lines().filter(|line| !line.starts_with(' ') || line.contains("percent"));
    for (line, text) in lines.flat_map(|line| [(line, UMDH2), (line, UMDH1), (line, COMPARISON)]) {
        let expected = log(text);
        let found = log(&text.replace('\n', &format!("\n{line}\n")));
        assert_eq!(essence(&found), essence(&expected), "{line}");
        assert_eq!(doubts(&found), doubts(&expected), "{line}");
    }
}

/// umdh-gui saves the modules' lines with their ranges, and TABs in the place of columns.
#[test]
fn what_other_tools_save_is_read() {
    let saved = "\
7FF7A0010000-7FF7A002C000 DBGHELP: kilnd - private symbols & lines
        d:\\kiln\\kilnd.pdb
7FFB51000000-7FFB511F8000 DBGHELP: ntdll - export symbols
+\t175b0 (\t1a4c0 -\t2f10)\t9e allocs\tBackTrace5C11A0
+\t82 (\t9e -\t1c)\tBackTrace5C11A0\tallocations

\tntdll!RtlAllocateHeap+A2
\tkilnd!Kiln::fire+1C

-\tec0 (\tb40 -\t1a00)\tc allocs\tBackTrace5C1230
-\te (\tc -\t1a)\tBackTrace5C1230\tallocations

\tkilnd!Shelf::load+88

Total increase ==  166f0 requested +    120 overhead =  16810
";
    let found = log(saved);
    assert_eq!(essence(&found), essence(&log(COMPARISON)));
    assert_eq!(doubts(&found), doubts(&log(COMPARISON)));
}

#[test]
fn above_a_comparison_it_is_console_text() {
    let found = log(&format!("{SEARCH}{COMPARISON}"));
    let kinds: Vec<String> = issues(&found).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, vec!["console_text"; SEARCH.lines().count()]);
}
