//! Names of members become labels: text that names each member, and nothing else. No label is ever a place to write.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Path, PathBuf},
};

use crate::input::text::Encoding;

/// Between an archive and its member.
pub const LEVEL: char = '!';

/// A label that no member before has: `before.txt`, then `before.txt#2`.
pub fn distinct(name: &str, seen: &mut HashMap<String, u64>) -> String {
    loop {
        let count = seen.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 {
            return name.to_owned();
        }
        let numbered = format!("{name}#{count}");
        if !seen.contains_key(&numbered) {
            seen.insert(numbered.clone(), 1);
            return numbered;
        }
    }
}

/// The text of a name: UTF-8 if it is that, else in the code page of the rules, else in 437. Windows' tools write `\`.
pub fn decoded(raw: &[u8], names: Option<Encoding>) -> String {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(
            names
                .or_else(|| Encoding::named("cp437"))
                .map_or_else(|| String::from_utf8_lossy(raw).into_owned(), |encoding| encoding.decoded(raw)),
        ),
    };
    slashed(&text)
}

/// A path with `/` between its parts.
pub fn slashed(path: &str) -> String {
    path.replace('\\', "/")
}

/// Splits a path into an archive that is there, and the label of a member: `case.zip!logs/before.txt`. The path of the archive
/// need not be text.
pub fn split(path: &Path) -> Option<(PathBuf, String)> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let halves = memchr::memchr_iter(LEVEL as u8, bytes).map(|place| (&bytes[..place], &bytes[place + 1..]));
    let (archive, label) = halves
        .filter(|(_, label)| !label.is_empty())
        .find_map(|(archive, label)| Some((path_of(archive).filter(|archive| archive.is_file())?, label)))?;
    Some((archive.to_owned(), slashed(&String::from_utf8_lossy(label))))
}

/// The start of a path, as a path.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "it is none on other systems")]
fn path_of(bytes: &[u8]) -> Option<&Path> {
    Some(Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)))
}

/// The start of a path, as a path; absent where it is no text.
#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<&Path> {
    std::str::from_utf8(bytes).ok().map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_label_of_its_own() {
        let mut seen = HashMap::new();
        let labels = ["a", "a", "a#2", "a", "b", "a#2"].map(|name| distinct(name, &mut seen));
        assert_eq!(labels, ["a", "a#2", "a#2#2", "a#3", "b", "a#2#3"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_path_of_an_archive_need_not_be_text() {
        use std::{
            ffi::OsString,
            os::unix::ffi::{OsStrExt, OsStringExt},
        };

        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join(OsString::from_vec(b"gr\xF6\xDFe!.zip".to_vec()));
        std::fs::write(&archive, "").unwrap();
        let named = |label: &[u8]| PathBuf::from(OsString::from_vec([archive.as_os_str().as_bytes(), label].concat()));
        assert_eq!(split(&named(b"!logs\\a!b.txt")), Some((archive.clone(), "logs/a!b.txt".to_owned())));
        assert_eq!(split(&named(b"!\xFF")), Some((archive.clone(), "\u{FFFD}".to_owned())));
        assert_eq!(split(&named(b"!")), None);
    }

    #[test]
    fn names_are_utf_8_or_of_a_code_page() {
        assert_eq!(decoded("logs\\größe.txt".as_bytes(), None), "logs/größe.txt");
        assert_eq!(decoded(b"gr\x94\xe1e.txt", None), "größe.txt");
        assert_eq!(decoded(b"\x84\x8e.txt", Encoding::named("cp866")), "ДО.txt");
        assert_eq!(decoded(b"\x83\x8d\x83O.txt", Encoding::named("cp932")), "ログ.txt");
    }
}
