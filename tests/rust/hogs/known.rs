//! What has a known layout: header, information, creator, hogs, frames.

use heapdelta::internals::log::sink::{HeapEvent, HeapField, LineCounts};

use super::{Event, Row, read, read_blocks};

/// A made-up log with everything in it that UMDH 1 is known to print.
pub const LOG: &str = "\
UMDH: Logtime 2001-03-04 05:06 - Machine=SPRUCE - PID=321
*********** Heap 00150000 Information ********************
    Flags: 58000062
    Number Of Entries: 12
    Number Of Tags: <unknown>
    Bytes Allocated: 00004000
    Bytes Committed: 00006000
    Total FreeSpace: 00002000
    Number of Virtual Address chunks used: 2
    Address Space Used: <unknown>
    Entry Overhead: 8
    Creator:  (Backtrace00004)
        ntdll!RtlCreateHeap+0x0000023F
        Spruce!start+0x00000011
*********** Heap 00150000 Hogs ********************
00000090 bytes in 0x3 allocations (@ 0x00000030) by: BackTrace00009
        ntdll!RtlAllocateHeap+0x00000D81
        Spruce!operator new+0x0000000E
        Spruce!Table<int, char>::operator+=+0x0000002A

00000020 bytes in 0x1 allocations (@ 0x00000020) by: BackTrace00000

*********** Heap 00250000 Hogs ********************
00000040 bytes in 0x2 allocations (@ 0x00000020) by: BackTrace00009
        ntdll!RtlAllocateHeap+0x00000D81
        Spruce!operator new+0x0000000E
        Spruce!Table<int, char>::operator+=+0x0000002A

";

const HOGS: &str = "*********** Heap 00150000 Hogs ********************\n";

fn hog(heap: Option<u64>, bytes: u64, count: u32, trace: Option<&str>) -> Row {
    let trace = trace.map(str::to_owned);
    Row { heap, address: None, bytes, overhead: None, count, trace, inferred: false }
}

#[test]
fn whole_log_gives_hogs_stacks_and_heaps() {
    let found = read(LOG);
    assert_eq!(found.issues, []);
    assert_eq!(found.sections, []);
    assert_eq!(found.lines, LineCounts { rows: 21, structure: 4, preamble: 0, blank: 3, issues: 0 });
    assert_eq!(found.headers.len(), 1);
    let (first, second) = (Some(0x15_0000), Some(0x25_0000));
    let rows = [hog(first, 0x90, 3, Some("00009")), hog(first, 0x20, 1, None), hog(second, 0x40, 2, Some("00009"))];
    assert_eq!(found.rows, rows);
    let stacks: Vec<(&str, usize, i64)> =
        found.stacks.iter().map(|stack| (stack.trace.as_str(), stack.frames.len(), stack.line)).collect();
    assert_eq!(stacks, [("00004", 2, 11), ("00009", 3, 15), ("00009", 3, 23)]);
    assert_eq!(found.stacks[1].frames[2], "Spruce!Table<int, char>::operator+=+0x0000002A");
    assert_eq!(found.usage.len(), 3, "the same id under two heaps is two sums");
}

#[test]
fn information_fields_are_read_in_their_radix() {
    let fields: Vec<(HeapField, Option<u64>)> = read(LOG)
        .heaps
        .into_iter()
        .filter_map(|(_, _, event)| match event {
            Event::Other(HeapEvent::Field(field, value)) => Some((field, value)),
            _ => None,
        })
        .collect();
    assert_eq!(
        fields,
        [
            (HeapField::Flags, Some(0x5800_0062)),
            (HeapField::EntryCount, Some(12)),
            (HeapField::TagCount, None),
            (HeapField::AllocatedBytes, Some(0x4000)),
            (HeapField::CommittedBytes, Some(0x6000)),
            (HeapField::FreeBytes, Some(0x2000)),
            (HeapField::VirtualChunkCount, Some(2)),
            (HeapField::AddressSpaceBytes, None),
            (HeapField::EntryOverheadBytes, Some(8)),
        ]
    );
}

const INFORMATION: &str = "*********** Heap 00150000 Information ********************\n";

#[test]
fn unknown_field_is_kept_and_a_spoilt_one_is_an_issue() {
    let found =
        read(&format!("{INFORMATION}    Colour Of Heap: green\n    Flags: none at all\n    Entry Overhead: 1A\n"));
    assert_eq!(found.kept(), [("field", "    Colour Of Heap: green")]);
    assert_eq!(found.sections[0].section, "Heap 00150000 Information");
    assert_eq!(found.issue_kinds(), [("unreadable_line", 2), ("unreadable_line", 3)]);
}

#[test]
fn creator_without_an_id_has_no_stack() {
    for words in ["(No backtrace)", "<unknown>", "", "(Backtrace00000)"] {
        let found = read(&format!("{INFORMATION}    Creator:  {words}\n"));
        assert_eq!(found.issues, [], "{words}");
        assert_eq!(found.heaps.last(), Some(&(Some(0x15_0000), 1, Event::Creator(None))), "{words}");
    }
    let found = read(&format!("{INFORMATION}    Creator:  who knows\n"));
    assert_eq!(found.issue_kinds(), [("unreadable_line", 1)]);
}

#[test]
fn creator_names_its_stack() {
    let found = read(LOG);
    assert!(found.heaps.contains(&(Some(0x15_0000), 11, Event::Creator(Some("00004".to_owned())))));
    assert_eq!(found.stack_frames()[0].1, ["ntdll!RtlCreateHeap+0x0000023F", "Spruce!start+0x00000011"]);
}

#[test]
fn text_with_a_margin_and_no_banner_is_a_heap_without_a_base() {
    let text = "   00000030 bytes in 0x1 allocations (@ 0x00000030) by: BackTrace00053\n           Spruce!leak+0x1E\n";
    let found = read(text);
    assert_eq!(found.rows, [hog(None, 0x30, 1, Some("00053"))]);
    assert_eq!(found.heaps, [(None, 0, Event::Other(HeapEvent::Open))]);
    assert_eq!(found.stack_frames(), [("00053", vec!["Spruce!leak+0x1E"])]);
    assert_eq!((found.lines.rows, found.issues.len()), (2, 0));
}

#[test]
fn frames_without_symbols_are_frames() {
    let frames = ["Spruce+0x0000A1B2", "77F9D123", "0x77F9D124", "Spruce!main", "77F9D125 ??", "Spruce!???+0x12"];
    let body: String = frames.iter().map(|frame| format!("        {frame}\n")).collect();
    let found = read(&format!("{HOGS}00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n{body}"));
    assert_eq!(found.stack_frames(), [("00007", frames.to_vec())]);
}

#[test]
fn pasted_frames_without_a_margin_stay_in_their_stack() {
    let found = read(&format!(
        "{HOGS}00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\nSpruce!a+0x1\n\nSpruce!RtlLogStackBackTrace+0x2\n77F9D123\n"
    ));
    assert_eq!(found.stack_frames(), [("00007", vec!["Spruce!a+0x1", "Spruce!RtlLogStackBackTrace+0x2", "77F9D123"])]);
}

#[test]
fn allocation_without_a_saved_stack_has_none() {
    let found = read(&format!(
        "{HOGS}00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00000\n    A stack trace was not saved for this allocation (Index == 0)\n"
    ));
    assert_eq!(found.rows, [hog(Some(0x15_0000), 0x30, 1, None)]);
    assert_eq!((found.stacks.len(), found.issues.len(), found.lines.structure), (0, 0, 2));
}

#[test]
fn sum_is_believed_where_a_hog_contradicts_itself() {
    for each in ["0x00000068", "differs", "0xFFFFFFFFFFFFFFFF"] {
        let found = read(&format!("{HOGS}000001A1 bytes in 0x4 allocations (@ {each}) by: BackTrace00031\n"));
        assert_eq!(found.rows[0].bytes, 0x1A1, "{each}");
        assert_eq!(found.issue_kinds(), [("hog_sum_mismatch", 1)], "{each}");
        assert_eq!(found.lines.issues, 0, "the line is a row");
    }
    let found = read(&format!("{HOGS}000001A1 bytes in 0x4 allocations by: BackTrace00031\n"));
    assert_eq!((found.rows.len(), found.issues.len()), (1, 0));
}

#[test]
fn sizes_pass_32_bits_but_counts_do_not() {
    let found = read(&format!(
        "{HOGS}113FAF000 bytes in 0x1 allocations (@ 0x113FAF000) by: BackTrace00031\n\
         200000000 bytes in 0x200000000 allocations (@ 0x1) by: BackTrace00032\n        Spruce!a+0x1\n"
    ));
    assert_eq!(found.rows, [hog(Some(0x15_0000), 0x1_13FA_F000, 1, Some("00031"))]);
    assert_eq!(found.issue_kinds(), [("unreadable_line", 2)]);
    assert_eq!(found.stack_frames(), [("00032", vec!["Spruce!a+0x1"])], "its frames are good all the same");
}

#[test]
fn console_text_before_the_first_heap_is_kept_word_for_word() {
    let text = "\
C:\\>umdh -p:321
UMDH: Logtime 2001-03-04 05:06 - Machine=SPRUCE - PID=321
Connecting.....Module enumeration complete.
SymGetSymFromName(process, ntdll!RtlpStackTraceDataBase, xxx) failed,
  LastError = 126
OpenProcess failed, LastError = 0x57
";
    let found = read(text);
    assert_eq!(found.issues, []);
    assert!(found.sections.iter().all(|row| row.section == "preamble" && row.kind == "console"));
    let kept: Vec<&str> = found.sections.iter().map(|row| row.text.as_str()).collect();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("Logtime")).collect();
    assert_eq!(kept, lines);
}

#[test]
fn console_text_inside_hogs_is_an_issue_and_leaves_the_stack_whole() {
    let found = read(&format!(
        "{HOGS}00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n        Spruce!a+0x1\n\
         SymGetSymFromName(process, ntdll!Rtlp, xxx) failed, LastError = 126\n        Spruce!b+0x2\n"
    ));
    assert_eq!(found.issue_kinds(), [("unreadable_line", 3)]);
    assert_eq!(found.stack_frames(), [("00007", vec!["Spruce!a+0x1", "Spruce!b+0x2"])]);
}

#[test]
fn frames_of_a_spoilt_record_go_to_no_other_stack() {
    let found = read(&format!(
        "{HOGS}00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n        Spruce!a+0x1\n\
         00000030 bytes in four allocations (@ 0x30) by: BackTrace00008\n        Spruce!b+0x2\n"
    ));
    assert_eq!(found.issue_kinds(), [("unreadable_line", 3)]);
    assert_eq!(found.stack_frames(), [("00007", vec!["Spruce!a+0x1"]), ("00008", vec!["Spruce!b+0x2"])]);
    let found = read(&format!(
        "{HOGS}00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n        Spruce!a+0x1\n\
         00000030 bytes in four allocations (@ 0x30) by: Back00008\n        Spruce!b+0x2\n"
    ));
    assert_eq!(found.issue_kinds(), [("unreadable_line", 3), ("frame_without_record", 4)]);
    assert_eq!(found.stack_frames(), [("00007", vec!["Spruce!a+0x1"])]);
}

#[test]
fn failure_text_is_an_error_wherever_it_stands() {
    for before in ["", HOGS, INFORMATION, "*********** Locks ***********\n"] {
        let found = read(&format!("{before}RtlQueryProcessDebugInformation failed: c0000017\n"));
        let kinds: Vec<&str> = found.issues.iter().map(|issue| issue.kind).collect();
        assert_eq!(kinds, ["failure_text"], "{before}");
    }
}

#[test]
fn second_capture_starts_afresh() {
    let first = LOG.trim_end();
    let found = read(&format!(
        "{first}\nC:\\tools>dh -p 7\nDH: Logtime 03/04/2001-05:07 - Machine=SPRUCE - PID=7\nConnecting\n{}",
        "00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n"
    ));
    assert_eq!(found.issues, []);
    assert_eq!(found.headers.len(), 2);
    assert_eq!(found.kept(), [("console", "C:\\tools>dh -p 7"), ("console", "Connecting")]);
    assert_eq!(found.rows.last().map(|row| row.heap), Some(None), "the heaps of the first capture are not its own");
}

#[test]
fn end_inside_a_stack_marks_it_as_cut() {
    let text = format!("{HOGS}00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n        Spruce!a+0x1");
    let cut = |text: &str| {
        let found = read(text);
        let kinds: Vec<&str> = found.issues.iter().map(|issue| issue.kind).collect();
        (found.stacks[0].cut, kinds == ["cut_line"])
    };
    assert_eq!(cut(&text), (true, true));
    assert_eq!(cut(&format!("{text}\n")), (true, false));
    assert_eq!(cut(&format!("{text}\n\n")), (false, false));
}

#[test]
fn end_that_comes_as_an_empty_block_is_the_same_end() {
    let text = format!("{HOGS}00000030 bytes in 0x1 allocations (@ 0x30) by: BackTrace00007\n        Spruce!a+0x1\n");
    assert_eq!(read_blocks(&[text.as_bytes(), b""]), read(&text));
}

#[test]
fn every_line_end_gives_the_same_tables() {
    let expected = read(LOG);
    for end in ["\r\n", "\r\r\n"] {
        let mut found = read(&LOG.replace('\n', end));
        found.headers.clone_from(&expected.headers);
        assert_eq!(found, expected, "{end:?}");
    }
}

#[test]
fn blocks_and_aliases_of_version_2_are_read_too() {
    let found = read(
        "UMDH: Logtime 2001-03-04 05:06 - Machine=SPRUCE - PID=321\n\
         *- - - - - - - - - - Start of data for heap @ 2E60000 - - - - - - - - - -\n\
         64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0\n\t776CDD82\n\tAlias\n\t7768EC66\n\n\
         *- - - - - - - - - - End of data for heap @ 2E60000 - - - - - - - - - -\n",
    );
    assert_eq!(found.issue_kinds(), [("other_format", 2)]);
    assert_eq!(found.stack_frames(), [("18D0A0D0", vec!["776CDD82"]), ("18D0A0D0", vec!["7768EC66"])]);
    assert!(found.stacks[1].alias);
    assert_eq!(found.usage.values().copied().collect::<Vec<_>>(), [(0x64, 1)]);
    assert!(found.heaps.contains(&(Some(0x2E6_0000), 7, Event::Other(HeapEvent::End))));
}
