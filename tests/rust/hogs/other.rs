//! DH sections whose layout no public document shows.

use super::{Outcome, Row, read};

/// A made-up DH log: what the sections look like is ours, as no specimen is public.
pub const LOG: &str = "\
DH: Logtime 2001-03-04 05:06 - Machine=SPRUCE - PID=321
*********** Modules ********************
Base     Size     Path
00400000 00012000 C:\\Program Files\\Spruce\\spruce.exe
77E80000 000C0000 ntdll.dll C:\\WINNT\\system32\\ntdll.dll
Total: 2
*********** Locks ********************
0 77FC9340 ntdll.dll owner 00000141
*********** Heap 00150000 Summary ********************
    Bytes Allocated: 00004000
    Shade: dark
*********** Heap 00150000 Entries ********************
00151E90 00000040 BackTrace00031
        Spruce!Leak+0x0000001E

00151ED8 00000018 free
*********** Heap 00150000 Tags ********************
0001 00012340 00000018 LEAF
*********** BackTrace Database ********************
BackTrace00031:
        Spruce!Leak+0x0000001E
        77F9D123
BackTrace00032 and BackTrace00033
        Spruce!Other+0x00000001
*********** Objects ********************
\"Event\" <unknown> 0x12
";

fn kinds(found: &Outcome) -> Vec<&str> {
    found.sections.iter().map(|row| row.kind).collect()
}

#[test]
fn every_line_is_kept_word_for_word() {
    let found = read(LOG);
    let kept: Vec<&str> = found.sections.iter().map(|row| row.text.as_str()).collect();
    let expected: Vec<&str> = LOG.lines().skip(1).filter(|line| !line.is_empty()).collect();
    assert_eq!(kept, expected);
    assert_eq!(found.lines.total(), LOG.lines().count() as u64);
    assert_eq!(found.issues, []);
    assert_eq!(
        kinds(&found),
        [
            "banner",
            "text",
            "module",
            "module",
            "field",
            "banner",
            "text",
            "banner",
            "field",
            "field",
            "banner",
            "heap_entry",
            "frame",
            "heap_entry",
            "banner",
            "text",
            "banner",
            "stack",
            "frame",
            "frame",
            "stack",
            "frame",
            "banner",
            "text",
        ]
    );
}

#[test]
fn lines_are_told_by_their_tokens() {
    let found = read(LOG);
    let tokens = |text: &str| {
        let row = found.sections.iter().find(|row| row.text.starts_with(text));
        row.map(|row| (row.section.as_str(), row.tokens.as_deref().unwrap_or("")))
    };
    assert_eq!(tokens("00400000"), Some(("Modules", "hex hex path")));
    assert_eq!(tokens("00151E90"), Some(("Heap 00150000 Entries", "hex hex trace")));
    assert_eq!(tokens("\"Event\""), Some(("Objects", "quoted unknown 0xhex")));
    assert_eq!(tokens("        Spruce!Leak"), Some(("Heap 00150000 Entries", "frame")));
    assert_eq!(tokens("*********** Locks"), Some(("Locks", "")));
}

#[test]
fn modules_are_inferred_from_a_path_and_an_address() {
    let found = read(LOG);
    let modules: Vec<_> = found.modules.iter().map(|it| (it.base, it.size, it.path.as_str(), it.inferred)).collect();
    assert_eq!(
        modules,
        [
            (Some(0x40_0000), Some(0x1_2000), "C:\\Program Files\\Spruce\\spruce.exe", true),
            (Some(0x77E8_0000), Some(0xC_0000), "C:\\WINNT\\system32\\ntdll.dll", true),
        ]
    );
}

#[test]
fn module_rows_without_any_banner_are_modules() {
    let found = read(
        "DH: Logtime 2001-03-04 05:06 - Machine=SPRUCE - PID=321\n77E80000 000C0000 ntdll.dll\nntdll.dll at 77E80000\n",
    );
    assert_eq!(found.modules.len(), 1);
    assert_eq!(kinds(&found), ["module", "console"]);
}

#[test]
fn entries_are_inferred_and_free_ones_are_no_allocations() {
    let found = read(LOG);
    let trace = Some("00031".to_owned());
    let entry = Row {
        heap: Some(0x15_0000),
        address: Some(0x15_1E90),
        bytes: 0x40,
        overhead: None,
        count: 1,
        trace,
        inferred: true,
    };
    assert_eq!(found.rows, [entry]);
}

#[test]
fn summary_fields_go_to_the_heap() {
    let found = read(LOG);
    assert_eq!(found.heaps.iter().filter(|(_, line, _)| *line == 9).count(), 1);
    assert_eq!(found.lines.rows, 7, "two modules, a field, an entry, three frames");
}

#[test]
fn stacks_are_inferred_from_one_id_and_the_frames_below_it() {
    let found = read(LOG);
    assert!(found.stacks.iter().all(|stack| stack.inferred && !stack.cut));
    assert_eq!(
        found.stack_frames(),
        [("00031", vec!["Spruce!Leak+0x0000001E"]), ("00031", vec!["Spruce!Leak+0x0000001E", "77F9D123"]),],
        "two ids on one line leave a choice"
    );
    assert_eq!((found.stacks[0].line, found.stacks[1].line), (12, 19));
}

#[test]
fn hogs_are_read_under_any_banner() {
    let hog = "00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n        Spruce!a+0x1\n";
    let found = read(&format!("*** Memory Hogs ***\n{hog}"));
    assert_eq!((found.rows.len(), found.rows[0].inferred, found.sections.len()), (1, false, 0));
    let found = read(&format!("*** Heap 00150000 Leaves ***\n{hog}"));
    assert_eq!((found.rows[0].heap, found.rows[0].inferred), (Some(0x15_0000), false));
    assert_eq!(kinds(&found), ["banner", "heap_entry", "frame"]);
    assert!(!found.stacks[0].inferred);
}

#[test]
fn rule_of_stars_does_not_end_a_section() {
    let found =
        read("*** Heap 00150000 Hogs ***\n**********\n00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n");
    assert_eq!((found.rows[0].heap, found.lines.structure), (Some(0x15_0000), 2));
}

#[test]
fn ids_that_say_nothing_was_recorded_define_no_stack() {
    let found = read("*** BackTrace Database ***\nBackTrace00000\n        Spruce!a+0x1\n");
    assert_eq!((found.stacks.len(), found.issues.len(), found.lines.preamble), (0, 0, 2));
    assert_eq!(kinds(&found), ["banner", "stack", "frame"]);
}

#[test]
fn symbol_lines_keep_their_file() {
    let found = read("DBGHELP: ntdll - public symbols\n         d:\\symbols\\ntdll.pdb\n");
    let note = &found.symbols[0];
    assert_eq!((note.module.as_str(), note.file.as_deref()), ("ntdll", Some("d:\\symbols\\ntdll.pdb")));
    assert_eq!(kinds(&found), ["symbols", "symbols"]);
}
