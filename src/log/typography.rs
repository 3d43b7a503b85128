//! What mail programs, chats and web pages make of a log's blanks and dashes becomes blanks and dashes again.
//!
//! ```text
//! –<U+00A0>    ec0<U+00A0>(    b40 –   1a00)       c<U+00A0>allocs<TAB>BackTrace5C1230
//! <TAB>glaze!std::vector&lt;int&gt;::push_back+5B
//! ```
//!
//! | in the paste | read as |
//! |---|---|
//! | U+00A0, U+2007, U+202F, U+3000 and all other blanks of Unicode, `&nbsp;` | a blank |
//! | U+200B and others without a width, a byte-order mark inside | nothing |
//! | a form feed, Ctrl-Z and zeros around a line | a blank |
//! | dashes and the minus sign, outside of frames and names | `-` |
//! | `&lt;` `&gt;` `&amp;` `&quot;` | `<` `>` `&` `"` |
//!
//! Invariant: every line stays where it is and as long as it is; what it loses it gets back as blanks at its end. A row of the
//! module table that can be read as it is keeps its path, and ASCII text is looked at and never copied.

use std::borrow::Cow;

use crate::log::{
    comparison::line::Record,
    fields::parse_frame,
    line::{Line, classify},
    lines::lines,
    sections::{self, Meaning},
};

/// A text as the tool wrote it, and the place of the first line that was changed.
pub fn restored(text: &[u8]) -> (Cow<'_, [u8]>, Option<usize>) {
    if !may_be_pasted(text) && memchr::memchr3(0, FORM_FEED, CTRL_Z, text).is_none() {
        return (Cow::Borrowed(text), None);
    }
    let mut first = None;
    let mut whole = Vec::with_capacity(text.len());
    for line in lines(text) {
        let end = line.start + line.bytes.len();
        match restored_line(line.bytes) {
            Some(mut found) => {
                first.get_or_insert(line.start);
                found.resize(line.bytes.len(), b' ');
                whole.append(&mut found);
            }
            None => whole.extend_from_slice(line.bytes),
        }
        whole.extend_from_slice(&text[end..line.next]);
    }
    match first {
        Some(_) => (Cow::Owned(whole), first),
        None => (Cow::Borrowed(text), None),
    }
}

const FORM_FEED: u8 = 0x0C;

/// The end of a file, as DOS marked it.
const CTRL_Z: u8 = 0x1A;

/// A line without the controls of printers and editors around it, each a blank; `None` if there is none, or nothing else.
fn without_controls(line: &[u8]) -> Option<Vec<u8>> {
    let is_control = |byte: &u8| matches!(*byte, 0 | FORM_FEED | CTRL_Z);
    let is_around = |byte: &u8| is_control(byte) || matches!(byte, b' ' | b'\t');
    if !is_around(line.first()?) && !is_around(line.last()?) {
        return None;
    }
    let start = line.iter().position(|byte| !is_around(byte))?;
    let end = line.iter().rposition(|byte| !is_around(byte))? + 1;
    if !line[..start].iter().chain(&line[end..]).any(is_control) {
        return None;
    }
    let mut found = line.to_vec();
    let blank = |byte: &mut u8| *byte = if *byte == b'\t' { b'\t' } else { b' ' };
    found[..start].iter_mut().for_each(blank);
    found[end..].iter_mut().for_each(blank);
    Some(found)
}

/// True for text that is not ASCII, or has a character as web pages write it.
fn may_be_pasted(text: &[u8]) -> bool {
    !text.is_ascii() || memchr::memchr_iter(b'&', text).any(|at| entity(&text[at..]).is_some())
}

/// A line as the tool wrote it; `None` if it is so already.
pub fn restored_line(line: &[u8]) -> Option<Vec<u8>> {
    if let Some(line) = without_controls(line) {
        return Some(restored_line(&line).unwrap_or(line));
    }
    if !may_be_pasted(line) || outside_of_path(line).is_some_and(|parts| parts.iter().all(|part| plain(part) == *part))
    {
        return None;
    }
    let plain = plain(line);
    let dashes = with_dashes(&plain);
    let found = if is_of_log(&dashes) { dashes } else { plain };
    (found != line).then_some(found)
}

/// What is before and behind the path of a module or of a source file.
fn outside_of_path(line: &[u8]) -> Option<[&[u8]; 2]> {
    let path = match classify(line) {
        Line::Module { path, .. } => path,
        _ => match sections::bare_module(line) {
            Some(Meaning::Module { path, .. }) => path,
            _ => parse_frame(line)?.file?,
        },
    };
    let start = (path.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
    let end = start + path.len();
    // A blank at the very end of a line is not the path's.
    let last = path.utf8_chunks().last().filter(|last| last.invalid().is_empty())?.valid().chars().next_back()?;
    let end = if is_blank(last) || is_nothing(last) { start } else { end };
    Some([line.get(..start)?, line.get(end..)?])
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() && !matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// True for what has no width.
fn is_nothing(letter: char) -> bool {
    matches!(letter, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}')
}

fn plain(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    for part in line.utf8_chunks() {
        plain_of(part.valid(), &mut plain);
        // Bytes that are no UTF-8 are windows-1252.
        plain.extend(part.invalid().iter().map(|byte| if *byte == 0xA0 { b' ' } else { *byte }));
    }
    plain
}

/// Blanks are blanks, what has no width is nothing, and what web pages write for a character is that character.
fn plain_of(text: &str, plain: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let mut length = letter.len_utf8();
        match letter {
            '&' => match entity(rest.as_bytes()) {
                Some((byte, long)) => {
                    plain.push(byte);
                    length = long;
                }
                None => plain.push(b'&'),
            },
            _ if letter.is_ascii() => plain.push(letter as u8),
            _ if is_nothing(letter) => {}
            _ if is_blank(letter) => plain.push(b' '),
            _ => plain.extend_from_slice(&rest.as_bytes()[..length]),
        }
        rest = &rest[length..];
    }
}

/// A character as web pages write it, at the start of a text, and its length there.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    const KNOWN: [(&[u8], u8); 9] = [
        (b"&nbsp;", b' '),
        (b"&#160;", b' '),
        (b"&#xA0;", b' '),
        (b"&#xa0;", b' '),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&amp;", b'&'),
        (b"&quot;", b'"'),
        (b"&#39;", b'\''),
    ];
    KNOWN.iter().find(|(name, _)| text.starts_with(name)).map(|(name, byte)| (*byte, name.len()))
}

/// All dashes up to the bracket behind the amounts of a comparison, or in a whole line without one.
fn with_dashes(line: &[u8]) -> Vec<u8> {
    let end = memchr::memchr(b')', line).unwrap_or(line.len());
    let mut dashes = Vec::with_capacity(line.len());
    for part in line[..end].utf8_chunks() {
        for letter in part.valid().chars() {
            match letter {
                '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => dashes.push(b'-'),
                _ => dashes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        let dash = |byte: &u8| if matches!(byte, 0x96 | 0x97) { b'-' } else { *byte };
        dashes.extend(part.invalid().iter().map(dash));
    }
    dashes.extend_from_slice(&line[end..]);
    dashes
}

/// True for lines in which a dash means something: amounts, totals, headings and headers.
fn is_of_log(line: &[u8]) -> bool {
    Record::parse(line).is_some() || matches!(classify(line), Line::Header(_) | Line::Banner(_) | Line::Symbols { .. })
}

#[cfg(test)]
mod tests {
    use super::{restored, restored_line};

    fn read(line: &str) -> String {
        restored_line(line.as_bytes()).map_or_else(|| line.to_owned(), |line| String::from_utf8(line).unwrap())
    }

    #[test]
    fn blanks_dashes_and_characters_of_pages_are_those_of_the_tool() {
        for (pasted, printed) in [
            (
                "64\u{A0}bytes\u{202F}+\u{2003}1C at\u{3000}2E9FA20 by BackTrace1",
                "64 bytes + 1C at 2E9FA20 by BackTrace1",
            ),
            ("\u{FEFF}64 bytes + 1C at 2E9F\u{200B}A20 by BackTrace1", "64 bytes + 1C at 2E9FA20 by BackTrace1"),
            ("\u{A0}\u{A0}776CDD82", "  776CDD82"),
            ("\u{2013}  20 ( 10 \u{2212} 30) 1 allocs\tBackTrace1", "-  20 ( 10 - 30) 1 allocs\tBackTrace1"),
            ("\u{2010}  1 ( 1 \u{2011} 2)\tBackTrace1\tallocations", "-  1 ( 1 - 2)\tBackTrace1\tallocations"),
            ("Total decrease == \u{2013}20", "Total decrease == -20"),
            ("*\u{2013} \u{2013} \u{2013} Heap 2E60000 Hogs - - -", "*- - - Heap 2E60000 Hogs - - -"),
            ("\tapp!operator\u{A0}new+1E (a.cpp,\u{A0}12)", "\tapp!operator new+1E (a.cpp, 12)"),
            ("\tapp!std::vector&lt;a,b&gt;::at+1E", "\tapp!std::vector<a,b>::at+1E"),
            ("+&nbsp;20 ( 30 - 10) 1 allocs BackTrace1", "+ 20 ( 30 - 10) 1 allocs BackTrace1"),
            ("\tapp!operator&amp;+1E", "\tapp!operator&+1E"),
            ("\x0C64 bytes + 1C at 2E9FA20 by BackTrace1", " 64 bytes + 1C at 2E9FA20 by BackTrace1"),
            ("\0\0\u{A0}// UMDH: a\x1A", "   // UMDH: a "),
        ] {
            assert_eq!(read(pasted), printed);
        }
    }

    #[test]
    fn what_is_no_blank_and_what_names_a_file_stays() {
        for line in [
            "\t776CDD82",
            "\x0C",
            " \x1A",
            "app!f\0g+1",
            "\tapp!f<à>+1E",
            "//   77650000   180000 C:\\My\u{A0}App\\à.dll",
            "//   77650000   180000 C:\\新しい\u{3000}フォルダー\\app.dll",
            "//   77650000   180000 C:\\R&amp;D\\app.dll",
            "\tapp!f \u{2013} g+1E",
            "\tapp!operator&+1E",
            "\tapp!f+1E (d:\\新しい\u{3000}フォルダー\\a.cpp, 12)",
            "77E80000 000C0000 C:\\新しい\u{3000}フォルダー\\a.dll",
        ] {
            assert_eq!(restored_line(line.as_bytes()), None, "{line}");
        }
        // Pasted through and through, blanks of the path are blanks too.
        assert_eq!(read("//\u{A0}77650000\u{A0}180000 C:\\My\u{A0}App\\a.dll"), "// 77650000 180000 C:\\My App\\a.dll");
        assert_eq!(restored_line(b"64\xA0bytes \xE9\xA0").as_deref(), Some(&b"64 bytes \xE9 "[..]));
    }

    #[test]
    fn lines_keep_their_places() {
        let text = "a\r\n\u{A0}b\u{A0}\r\r\n\u{3000}\n\nc".as_bytes();
        let (found, first) = restored(text);
        assert_eq!((&*found, first), (&b"a\r\n b   \r\r\n   \n\nc"[..], Some(3)));
        assert_eq!(restored(b"a\nb").1, None);
        assert_eq!(restored("à\n".as_bytes()).1, None);
    }
}
