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

/// Splits a path into an archive that is there, and the label of a member: `case.zip!logs/before.txt`.
pub fn split(path: &Path) -> Option<(PathBuf, String)> {
    let text = path.to_str()?;
    let places = text.char_indices().filter(|(_, letter)| *letter == LEVEL);
    let halves = places.map(|(place, _)| (Path::new(&text[..place]), &text[place + LEVEL.len_utf8()..]));
    let (archive, label) = halves.into_iter().find(|(archive, label)| !label.is_empty() && archive.is_file())?;
    Some((archive.to_owned(), slashed(label)))
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

    #[test]
    fn names_are_utf_8_or_of_a_code_page() {
        assert_eq!(decoded("logs\\größe.txt".as_bytes(), None), "logs/größe.txt");
        assert_eq!(decoded(b"gr\x94\xe1e.txt", None), "größe.txt");
        assert_eq!(decoded(b"\x84\x8e.txt", Encoding::named("cp866")), "ДО.txt");
        assert_eq!(decoded(b"\x83\x8d\x83O.txt", Encoding::named("cp932")), "ログ.txt");
    }
}
