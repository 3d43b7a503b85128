//! Files that are no logs, and logs that hardly look like any.

use heapdelta::{Capture, ErrorKind, read};

use super::{COMPARISON, UMDH1, UMDH2, doubts, format, read_all_ways};
use crate::support::{options, outcome, table};

/// What a file is that is no log.
fn found(text: &str) -> String {
    match read(text.as_bytes(), &options(2, 64)).map_err(|error| error.to_string()) {
        Ok(log) => panic!("read as {}:\n{text}", format(&log)),
        Err(message) => message
            .strip_prefix("<bytes>: expected a heap log of dh, umdh or dhcmp, found ")
            .unwrap_or_else(|| panic!("{message}"))
            .to_owned(),
    }
}

#[test]
fn output_of_other_tools_is_named() {
    for (text, name) in [
        (
            "0:000> !heap -s\n\n**********************************************************\n    NT HEAP STATS BELOW\n**********************************************************\nLFH Key                   : 0x8302cac2f8dd8a0d\n  Heap     Flags   Reserv  Commit  Virt   Free  List   UCR  Virt  Lock  Fast\n000001d0f7c30000 00000002   16756  15116  16364     30   129     5    0      1   LFH\n",
            "output of WinDbg's !heap",
        ),
        (
            "0:000> !heap -stat -h 003f0000\n heap @ 003f0000\ngroup-by: TOTSIZE max-display: 20\n    size     #blocks     total     ( %) (percent of total busy bytes)\n    4d4 - 1f8  9891a0  (99.76)\n",
            "output of WinDbg's !heap",
        ),
        (
            "    address 1e8a42f0 found in\n    _HEAP @ 3f0000\n      HEAP_ENTRY Size Prev Flags    UserPtr UserSize - state\n        1e8a42e8 0074 0000  [00]   1e8a42f0    00384 - (busy)\n        Trace: 0025\n        7c98d6c5 ntdll!RtlAllocateHeapSlowly+0x00000041\n",
            "output of WinDbg's !heap",
        ),
        (
            "*******************************************************************************\n*                                                                             *\n*                        Exception Analysis                                   *\n*                                                                             *\n*******************************************************************************\n\n*** ERROR: Symbol file could not be found.  Defaulted to export symbols for a.dll - \nFAULTING_IP:\na!f+12\n",
            "output of WinDbg's !analyze",
        ),
        (
            "--- Usage Summary ---------------- RgnCount ----------- Total Size -------- %ofBusy %ofTotal\nFree                                    126     7ff9`8d0d2000 ( 127.975 TB)           99.98%\n",
            "output of WinDbg's !address",
        ),
        (
            "*** modules ***\nstart    end        module name\n00400000 0041c000   app        C:\\app\\app.exe\n77650000 777d0000   ntdll      C:\\Windows\\SysWOW64\\ntdll.dll\n",
            "a list of modules of WinDbg's lm",
        ),
        ("0:003:x86> r\neax=00000000 ebx=00000000\n", "output of WinDbg"),
        ("lkd> vertarget\n", "output of WinDbg"),
        ("*** WARNING: Unable to verify checksum for app.exe\n", "output of WinDbg"),
        ("\"VMMap v3.40\"\n\"Process:\",\"app.exe\"\n", "a file of VMMap"),
        ("\"Type\",\"Size\",\"Committed\",\"Private\",\"Total WS\",\"Private WS\"\n", "a file of VMMap"),
        ("\"Time of Day\",\"Process Name\",\"PID\",\"Operation\"\n", "a list of Process Monitor"),
        ("Process\tCPU\tPrivate Bytes\tWorking Set\tPID\n", "a list of Process Explorer"),
        ("BeginHeader\n      P-Start,  TimeStamp,     Process Name ( PID)\nEndHeader\n", "text of an ETW trace"),
        (
            "Current Registry Settings for app.exe executable are: 00001000\n    ust - Create user mode stack trace database\n",
            "output of gflags",
        ),
        (
            "Dr. Memory version 2.3.0\nError #1: LEAK 64 direct bytes 0x02000000-0x02000040 + 0 indirect bytes\n# 0 replace_malloc\n# 1 kilnd!main\n",
            "a report of Dr. Memory",
        ),
        ("==9==ERROR: AddressSanitizer: heap-use-after-free\n    #0 0x7ff in main\n", "a report of AddressSanitizer"),
        ("==7== HEAP SUMMARY:\n==7==     in use at exit: 64 bytes in 1 blocks\n", "a report of Valgrind"),
        (
            "Detected memory leaks!\nDumping objects ->\n{18} normal block at 0x00780E80, 64 bytes long.\n",
            "a list of leaks of the debug C runtime",
        ),
        ("<!DOCTYPE html>\n<p>*** heap ***\n", "an HTML page"),
        ("<?xml version=\"1.0\"?>\n<a/>\n", "an XML document"),
        ("{\"heap\": 1}\n", "JSON"),
        ("From: somebody\nSubject: *** heap log ***\n\nHello\n", "a mail without a heap log in it"),
        ("# Case 4711\n\n*** IMPORTANT ***\n\nplease look at these logs\n", "Markdown without a heap log in it"),
        ("The log\n=======\nis attached.\n", "Markdown without a heap log in it"),
        (
            "**********************\nWindows PowerShell transcript start\n**********************\nPS C:\\> dir\n",
            "a PowerShell transcript without a heap log in it",
        ),
        ("C:\\>dir\n Volume in drive C has no label.\n", "text of a console without a heap log in it"),
        (
            "> 64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0\n> \t776CDD82\n",
            "a mail that quotes a heap log (take the \"> \" off its lines)",
        ),
        ("*** heap 4711 ***\nHello\n", "text that starts with \"*** heap 4711 ***\""),
        (
            "REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID\n",
            "text that starts with \"REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID\"",
        ),
        ("*****\nserver started\n*****\n", "text that starts with \"*****\""),
    ] {
        assert_eq!(found(text), name, "{text}");
        let utf16: Vec<u8> = "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert!(outcome(&utf16, &options(1, 64), &[]).ends_with(name), "{text}");
    }
}

#[test]
fn weak_logs_are_logs() {
    for (text, name, tables) in [
        (
            "*********** Modules ********************\n77E80000 000C0000 C:\\WINNT\\system32\\KERNEL32.dll\n",
            "dh",
            [0, 1, 0],
        ),
        ("*********** Heap 00270000 Entries ********************\n00271E90 00000040 BackTrace00031\n", "dh", [1, 0, 1]),
        ("*********** Heap 00270000 Summary ********************\n    Bytes Allocated: 00004000\n", "dh", [0, 0, 1]),
        (
            "DH: Logtime 2001-03-04 05:06 - Machine=S - PID=3\n*********** Locks ********************\n0 77FC9340\n",
            "dh",
            [0, 0, 0],
        ),
        (
            "*- - - - - - Start of data for heap @ 10000 - - - - - -\n*- - - - - - End of data for heap @ 10000 - - - - - -\n",
            "umdh2",
            [0, 0, 1],
        ),
        ("*********** Heap 00270000 Hogs ********************\n", "umdh1", [0, 0, 1]),
    ] {
        let log = read_all_ways(text);
        assert_eq!(format(&log), name, "{text}");
        assert_eq!(["allocations", "modules", "heaps"].map(|name| table(&log, name).len()), tables, "{text}");
    }
}

#[test]
fn a_header_without_heaps_is_a_failed_capture() {
    let text = "*****\nPS C:\\> umdh -p:7\n// UMDH: version 6.1: Logtime 2012-04-30 12:09 - Machine=PC - PID=7\nOpenProcess failed, LastError = 0x57\n=====\n";
    let error = read(text.as_bytes(), &options(2, 64)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::FailedCapture { message } if message.contains("0x57")), "{error}");
}

/// A row far below a header, a banner and a great many lines of a console.
#[test]
fn a_row_is_looked_for_behind_weaker_signs() {
    let noise = "PS D:\\kiln> dir\n-----\n".repeat(20_000);
    let log = read(format!("*** Locks ***\n{noise}{COMPARISON}").as_bytes(), &options(2, 1 << 20)).unwrap();
    assert_eq!((format(&log), table(&log, "rows").len()), ("umdh-compare", 2));
    let log =
        read(format!("*********** Heap 00270000 Hogs ***********\n{noise}{UMDH2}").as_bytes(), &options(2, 1 << 20))
            .unwrap();
    assert_eq!((format(&log), table(&log, "allocations").len()), ("umdh2", 5));
}

#[test]
fn rows_of_another_format_without_a_header_are_errors() {
    let headless = |text: &str| text.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    let log = read_all_ways(&format!("{UMDH2}{}", headless(UMDH1)));
    assert_eq!((format(&log), table(&log, "allocations").len()), ("umdh2", 5));
    let errors = doubts(&log);
    assert_eq!(errors.iter().filter(|kind| *kind == "unreadable_line").count(), 4, "three hogs, the flags: {errors:?}");
    assert_eq!(errors.iter().filter(|kind| *kind == "frame_without_record").count(), 4, "{errors:?}");
    let log = read_all_ways(&format!("{UMDH1}{}", headless(UMDH2)));
    assert_eq!((format(&log), doubts(&log)), ("umdh1", vec!["other_format".to_owned()]));
    let Capture::Snapshot(_) = log else { panic!() };
}

#[test]
fn rows_above_the_only_header_are_in_doubt() {
    for plain in [UMDH1, UMDH2] {
        let (header, rest) = plain.split_once('\n').unwrap();
        let log = read_all_ways(&format!("{rest}{header}\n{rest}"));
        assert!(doubts(&log).contains(&"late_header".to_owned()), "{:?}", doubts(&log));
    }
}

#[test]
fn a_row_that_names_neither_an_id_nor_a_frame_is_none() {
    let text = "2024-01-01 12:00 ===== START =====\n+ 5 ( 10 - 5) 3 allocs maybe\n***\n";
    let error = read(text.as_bytes(), &options(1, 64)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotALog { .. }), "{error}");
}
