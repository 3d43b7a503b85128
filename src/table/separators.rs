//! Where a file's name begins in a path whose code page nobody knows, so that no module is named after half a character.
//!
//! ```text
//! D:\表.exe in Shift-JIS: 44 3A 5C 95 5C 2E 65 78 65, read as windows-1252: D:\•\.exe
//! ```
//!
//! In Shift-JIS, GBK and Big5 a `\` can be the second byte of a character. Such a `\` parts a path only beyond doubt; one in
//! doubt belongs to the name, which is then longer than it was, and never shorter.

/// The file name at the end of a path that was read as windows-1252 for want of better knowledge.
pub fn file_name_beyond_doubt(path: &str) -> &str {
    let letters: Vec<(usize, char)> = path.char_indices().collect();
    let parts = |at: &usize| match letters[*at].1 {
        '/' => true,
        '\\' => !is_doubtful(&letters, *at),
        _ => false,
    };
    let last = (0..letters.len()).rev().find(parts);
    last.map_or(path, |at| &path[letters[at].0 + 1..])
}

/// True for a `\` that may be the second byte of a character.
fn is_doubtful(letters: &[(usize, char)], at: usize) -> bool {
    let before = &letters[..at];
    let run = before.iter().rposition(|(_, letter)| letter.is_ascii()).map_or(0, |ascii| ascii + 1);
    let bytes: Vec<u8> = before[run..].iter().filter_map(|(_, letter)| byte_of(*letter)).collect();
    let Some(lead) = bytes.last().copied().filter(|_| bytes.len() == at - run) else { return false };
    if !(bytes.len() % 2 == 1 || ends_in_lead_of_shift_jis(&bytes)) {
        return false;
    }
    let next = letters.get(at + 1).map(|(_, letter)| *letter);
    if next.is_none_or(|next| next == '.') {
        return true;
    }
    // `Café\été.exe`: one accented letter at the end of a word of Latin letters.
    let of_word = run.checked_sub(1).is_some_and(|word| before[word].1.is_ascii_alphabetic());
    let is_european = bytes.len() == 1 && of_word && before[at - 1].1.is_alphabetic();
    !is_european && (lead < 0xA0 || next.is_some_and(|next| !next.is_ascii()))
}

/// True if Shift-JIS reads the last of these bytes as the first of a character: it has letters of one byte too, and none
/// from 0xF0 to 0xF9 but those that users make themselves.
fn ends_in_lead_of_shift_jis(bytes: &[u8]) -> bool {
    let mut waiting = false;
    for byte in bytes {
        waiting = !waiting && matches!(byte, 0x81..=0x9F | 0xE0..=0xEF | 0xFA..=0xFC);
    }
    waiting
}

/// The byte of windows-1252 that a character above ASCII was.
fn byte_of(letter: char) -> Option<u8> {
    let mut bytes = [0; 4];
    match encoding_rs::WINDOWS_1252.encode(letter.encode_utf8(&mut bytes)) {
        (encoded, _, false) => encoded.first().copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::file_name_beyond_doubt;

    /// What windows-1252 makes of a path in another code page.
    fn misread(path: &str, code_page: &'static encoding_rs::Encoding) -> String {
        let bytes = code_page.encode(path).0;
        encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned()
    }

    #[test]
    fn half_a_character_is_no_separator() {
        use encoding_rs::{BIG5, GBK, SHIFT_JIS};
        for (path, name, code_page) in [
            ("D:\\業務\\表.exe", "表.exe", SHIFT_JIS),
            ("D:\\業務\\予定表.exe", "予定表.exe", SHIFT_JIS),
            ("D:\\業務\\ソフト.exe", "ソフト.exe", SHIFT_JIS),
            ("D:\\業務\\表app.exe", "表app.exe", SHIFT_JIS),
            ("D:\\業務\\機能\\app.exe", "app.exe", SHIFT_JIS),
            ("D:\\管理\\app.exe", "app.exe", SHIFT_JIS),
            ("D:\\ｱﾌﾟﾘ\\ｿ.exe", "ｿ.exe", SHIFT_JIS),
            ("D:\\功能.exe", "功能.exe", BIG5),
            ("D:\\許可.exe", "許可.exe", BIG5),
            ("D:\\程序\\app.exe", "app.exe", GBK),
            ("D:\\程序\\程序.exe", "程序.exe", GBK),
        ] {
            let found = misread(path, code_page);
            assert_eq!(file_name_beyond_doubt(&found), misread(name, code_page), "{path}");
        }
    }

    #[test]
    fn separators_of_european_paths_are_none_in_doubt() {
        for path in
            ["C:\\Société\\app.exe", "C:\\Café\\été.exe", "C:\\Tomáš\\app.exe", "C:\\Aleš\\app.exe", "C:\\é\\app.exe"]
        {
            assert_eq!(file_name_beyond_doubt(path), path.rsplit('\\').next().unwrap(), "{path}");
        }
        assert_eq!(file_name_beyond_doubt("app.exe"), "app.exe");
        assert_eq!(file_name_beyond_doubt("C:\\dir\\"), "");
    }
}
