//! Lines of the window, the message or the debugger that a log was copied out of. They say nothing of heaps.
//!
//! ```text
//! **********************
//! Windows PowerShell transcript start
//! PS D:\kiln> umdh.exe -p:6132
//! *** ERROR: Symbol file could not be found.  Defaulted to export symbols for app.exe -
//! ```
//!
//! Invariant: no line of a record, a stack or a heading is taken for one of these.

use crate::log::{
    comparison::line::Record,
    fields::{next_token, trim},
};

/// First words of the lines that PowerShell puts around a transcript.
const TRANSCRIPT: [&[u8]; 19] = [
    b"Windows PowerShell transcript ",
    b"PowerShell transcript ",
    b"Transcript started, output file is",
    b"Transcript stopped, output file is",
    b"Start time: ",
    b"End time: ",
    b"Username: ",
    b"RunAs User: ",
    b"Configuration Name:",
    b"Machine: ",
    b"Host Application: ",
    b"Process ID: ",
    b"PSVersion: ",
    b"PSEdition: ",
    b"PSCompatibleVersions: ",
    b"GitCommitId: ",
    b"BuildVersion: ",
    b"CLRVersion: ",
    b"WSManStackVersion: ",
];

/// First words of other lines of consoles and debuggers.
const OTHER: [&[u8]; 11] = [
    b"PSRemotingProtocolVersion: ",
    b"SerializationVersion: ",
    b"OS: ",
    b"Platform: ",
    b"Microsoft Windows [Version ",
    b"(c) ",
    b"Copyright (",
    b"ERROR: Symbol file could not be found",
    b"ERROR: Module load completed but symbols could not be loaded",
    b"WARNING: Unable to verify ",
    b"WARNING: Stack unwind information not available",
];

/// True for a rule, a prompt, a fence, a heading, a mark of a page, a line of a transcript or one of the debugger's own.
pub fn is_decoration(line: &[u8]) -> bool {
    let body = trim(line);
    let starts = |words: &[&[u8]]| words.iter().any(|word| body.starts_with(word));
    is_rule(body)
        || is_without_words(body)
        || is_prompt(body)
        || body.starts_with(b"#")
        || is_mark_of_page(body)
        || is_tag(body)
        || starts(&TRANSCRIPT)
        || starts(&OTHER)
}

/// `══════`, `+------+`, `[...]`, `> `, a form feed: without a letter and a digit nothing is said.
fn is_without_words(body: &[u8]) -> bool {
    let plain = |part: std::str::Utf8Chunk<'_>| {
        // Bytes that are no UTF-8: a rule of a DOS box, if they are all the same.
        let invalid = part.invalid();
        !part.valid().chars().any(char::is_alphanumeric)
            && (invalid.is_empty() || body.iter().all(|b| *b == invalid[0]))
    };
    !body.is_empty() && body.utf8_chunks().all(plain)
}

/// `-- More  --`, `--More--(12%)`, `**Note**`, `^C`, `Page 3 of 7`.
fn is_mark_of_page(body: &[u8]) -> bool {
    let page = body.get(..5).filter(|word| word.eq_ignore_ascii_case(b"page ")).map(|word| &body[word.len()..]);
    let control = matches!(body, [b'^', letter] if letter.is_ascii_uppercase());
    let numbered = |rest: &[u8]| {
        let (number, rest) = next_token(rest);
        let (of, rest) = next_token(rest);
        let (count, rest) = next_token(rest);
        let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        digits(number) && (of.is_empty() || (matches!(of, b"of" | b"/") && digits(count))) && trim(rest).is_empty()
    };
    body.starts_with(b"--") || body.starts_with(b"**") || control || page.is_some_and(numbered)
}

/// `<pre>`, `</pre><br>`, `[code]`, `{noformat}`, `{code:title=log}`, `<!-- log -->`: brackets around the whole line, as pages and
/// tickets have them. Frames of no module begin with such a word, but go on with `!`.
fn is_tag(body: &[u8]) -> bool {
    let ends = body.first().zip(body.last());
    let around = matches!(ends, Some((b'<', b'>') | (b'[', b']') | (b'{', b'}')));
    around && memchr::memmem::find(body, b">!").is_none() && !is_like_data(body)
}

/// `-----`, `* * *`, `-----Original Message-----`, `*** ERROR:`, a fence: three marks of one kind in front.
fn is_rule(body: &[u8]) -> bool {
    let Some(mark) = body.first().copied().filter(|mark| b"*=-_~`+.:".contains(mark)) else { return false };
    let run = body.iter().take_while(|byte| **byte == mark).count();
    let spaced = body.iter().all(|byte| *byte == mark || *byte == b' ' || *byte == b'\t');
    run >= 3 || (spaced && body.iter().filter(|byte| **byte == mark).count() >= 3)
}

/// `C:\>umdh -p:1140`, `PS D:\kiln> `, `0:000> `: a prompt of the window that the text was copied from.
pub fn is_prompt(body: &[u8]) -> bool {
    command(body).is_some()
}

/// True for a prompt whose command starts one of the tools.
pub fn calls_a_tool(line: &[u8]) -> bool {
    let Some(command) = command(trim(line)) else { return false };
    let command = command.to_ascii_lowercase();
    let command = trim(&command);
    let command = trim(command.strip_prefix(b"&").unwrap_or(command));
    let program = match command.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|byte| *byte == b'"').next().unwrap_or(quoted),
        None => next_token(command).0,
    };
    let name = program.rsplit(|byte| matches!(byte, b'\\' | b'/')).next().unwrap_or(program);
    matches!(name.strip_suffix(b".exe").unwrap_or(name), b"umdh" | b"dh" | b"dhcmp" | b"heapdelta")
}

/// What is behind a prompt.
fn command(body: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b'>', body)?;
    let (prompt, command) = (&body[..end], &body[end + 1..]);
    let debugger = || {
        let (process, thread) = prompt.split_at(memchr::memchr(b':', prompt)?);
        let digits = |text: &[u8]| !text.is_empty() && text.len() <= 5 && text.iter().all(u8::is_ascii_digit);
        (digits(process) && digits(thread[1..].split(|byte| *byte == b':').next()?)).then_some(())
    };
    if prompt == b"PS" {
        return Some(command);
    }
    let path = prompt.strip_prefix(b"PS ").unwrap_or(prompt);
    let is_path = matches!(path, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic()) || path.starts_with(b"\\\\");
    let plain = !path.iter().any(|byte| matches!(byte, b'<' | b'"' | b'|' | b'*' | b'?'));
    let known = (is_path && plain) || matches!(prompt, b"kd" | b"lkd" | b"cdb" | b"ntsd") || debugger().is_some();
    known.then_some(command)
}

/// True for a line that was a record, or a frame, or a row of a comparison, before it was spoilt; or is one of another kind of
/// log. Where prose is allowed, it must not pass for prose.
pub fn is_like_data(line: &[u8]) -> bool {
    let body = trim(line);
    let lower = body.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&lower, word).is_some();
    let (first, rest) = next_token(body);
    let alone = first.len() >= 5 && trim(rest).is_empty() && first.iter().all(u8::is_ascii_alphanumeric);
    let digits = first.iter().filter(|byte| byte.is_ascii_digit()).count();
    (has(b"backtrace") && lower.iter().any(u8::is_ascii_digit))
        || (has(b" bytes ") && (has(b" + ") || has(b" alloc") || has(b" in 0x")))
        || (has(b" allocs") && has(b"("))
        || (alone && digits * 2 >= first.len())
        || Record::parse(body).is_some()
}

/// The id of a record that was spoilt: `64 bytes + 100000000 at 2E9FA20 by BackTrace18D0A0D0` says whose stack follows, though
/// not how much it holds.
pub fn id_of_spoilt(line: &[u8]) -> Option<&[u8]> {
    const WORD: &[u8] = b"BackTrace";
    let body = trim(line);
    let start = body.iter().rposition(|byte| matches!(byte, b' ' | b'\t'))?;
    let before = trim(&body[..start]);
    let by = before.rsplit(|byte| matches!(byte, b' ' | b'\t')).next()?;
    let by = by.strip_suffix(b":").unwrap_or(by);
    let id = body[start + 1..].split_at_checked(WORD.len()).filter(|(word, _)| word.eq_ignore_ascii_case(WORD))?.1;
    let is_id = !id.is_empty() && id.len() <= 64 && id.iter().all(u8::is_ascii_hexdigit);
    (by.eq_ignore_ascii_case(b"by") && is_id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_messages_and_debuggers_are_seen() {
        for line in [
            "**********************",
            "=====",
            "* * *",
            "- - -",
            "___",
            "```text",
            "## Log",
            "-----Original Message-----",
            "*** ERROR: Symbol file could not be found.  Defaulted to export symbols for app.exe - ",
            "C:\\>",
            "C:\\tools>umdh -p:12",
            "PS C:\\Users\\a b> umdh a b",
            "PS>",
            "0:000> !heap -s",
            "12:034:x86> k",
            "kd> lm",
            "\\\\srv\\share>dir",
            "══════",
            "─────",
            "• • •",
            "-- More  --",
            "--More--(12%)",
            "-- ",
            "\x0C",
            "\x1A",
            "<pre>",
            "</pre><br>",
            "[code]",
            "{code:title=a b}",
            "{noformat}",
            "<!-- a log -->",
            "+------+",
            "> ",
            "**Note**",
            "[...]",
            "^C",
            "Page 3 of 7",
            "PAGE 12",
            "Windows PowerShell transcript start",
        ] {
            assert!(is_decoration(line.as_bytes()), "{line}");
            assert!(!is_like_data(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn lines_of_logs_are_none_of_these() {
        for line in [
            "64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0",
            "\t776CDD82",
            "-     100 (     0 -   100)      0 allocs\tBackTrace2A10",
            "+ 1a ( 1a - 0) 1 allocs BackTrace1",
            "        std::a<b>!c+0x1",
            "// Loaded modules:",
            "    Flags: 58000062",
            "\t<nomodule>!f<int>",
            "\t<no module>!???+12 : 40A234",
            "<64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0>",
            "Page heap is on",
        ] {
            assert!(!is_decoration(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn prompts_that_call_a_tool_are_told_from_others() {
        for line in [
            "PS D:\\kiln> umdh.exe a b",
            "C:\\>\"C:\\Debugging Tools\\umdh.exe\" a b",
            "C:\\>dhcmp a b",
            "PS D:\\> & .\\UMDH a",
        ] {
            assert!(calls_a_tool(line.as_bytes()), "{line}");
        }
        for line in ["C:\\>dir umdh", "PS D:\\kiln> Stop-Transcript", "umdh a b"] {
            assert!(!calls_a_tool(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_spoilt_record_keeps_its_id() {
        let id = |line: &'static str| id_of_spoilt(line.as_bytes()).map(|id| std::str::from_utf8(id).unwrap());
        assert_eq!(id("1 bytes + 100000000 at 123456A8 by BackTraceEBD3"), Some("EBD3"));
        assert_eq!(id("00000030 bytes in four allocations (@ 0x30) by: BackTrace00008 "), Some("00008"));
        for line in
            ["see BackTrace00008", "64 bytes + 1C at 2E9FA by Back", "10 bytes + 10 at 2E9FAA0 by BackTraceA-B", "by"]
        {
            assert_eq!(id(line), None, "{line}");
        }
    }
}
