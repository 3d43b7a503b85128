//! Words of messages: lists that end, and input as it may be shown.

use super::CaptureEntry;

/// Captures of a file, as a message lists them.
pub(super) fn list(captures: &[CaptureEntry]) -> String {
    let captures = captures.iter().enumerate();
    let words =
        captures.map(|(index, capture)| format!("capture {} at line {} ({})", index + 1, capture.line, capture.title));
    shortened(words)
}

/// Files of an archive, as a message lists them.
pub(super) fn files(members: &[String]) -> String {
    if members.is_empty() {
        return "no file".to_owned();
    }
    shortened(members.iter().map(|member| visible(member)))
}

/// A name as it may be in a message.
pub fn visible(name: &str) -> String {
    name.chars().flat_map(escape).collect()
}

/// The member that may be meant.
pub(super) fn meant(label: Option<&str>) -> String {
    label.map_or_else(|| "none of that name".to_owned(), |label| excerpt(label.as_bytes()))
}

/// What to do about a file that another program keeps others from, or a part of it.
pub(super) fn in_use(error: &std::io::Error) -> Option<&'static str> {
    is_in_use(error).then_some("another program has it open and lets nobody read: close it there, or read a copy")
}

/// Whether another program keeps us from a file, which only Windows does: `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`.
pub fn is_in_use(error: &std::io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33))
}

/// The first of many, and how many more there are.
fn shortened(words: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 20;
    let more = words.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("and {more} more"));
    words.take(SHOWN).chain(more).collect::<Vec<_>>().join(", ")
}

/// Input bytes as they may be in a message: at most 60 of them, quoted, everything unprintable escaped.
pub fn excerpt(bytes: &[u8]) -> String {
    excerpt_of(bytes, 60)
}

/// The same, of a given number of bytes at most.
pub fn excerpt_of(bytes: &[u8], limit: usize) -> String {
    let shown = &bytes[..bytes.len().min(limit)];
    let dots = if bytes.len() > limit { "…" } else { "" };
    let text: String = match std::str::from_utf8(shown) {
        Ok(text) => text.chars().flat_map(escape).collect(),
        Err(_) => shown.escape_ascii().to_string(),
    };
    format!("\"{text}{dots}\"")
}

/// Escapes what cannot be seen; `\` stays as it is, so that Windows paths read as they are.
fn escape(character: char) -> impl Iterator<Item = char> {
    let plain = character == '\\' || character == '\'' || !(character.is_control() || character == '"');
    let escaped: String = if plain { character.into() } else { character.escape_default().collect() };
    escaped.chars().collect::<Vec<_>>().into_iter()
}
