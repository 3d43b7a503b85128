//! The second reader: one line after the other, by its words. It shares nothing with the reader that it is held against.

/// A block or a hog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub heap: Option<u64>,
    pub requested: u64,
    pub overhead: Option<u64>,
    pub count: u64,
    /// Absent for `BackTrace0`.
    pub id: Option<String>,
}

/// A stack as it was printed: frames with their lines, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    pub id: String,
    pub frames: Vec<(u64, String)>,
    /// Prose was above one of its frames: whose they are is open.
    pub is_torn: bool,
}

/// What a snapshot says, with the line of each row.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub rows: Vec<(u64, Row)>,
    pub stacks: Vec<Stack>,
}

/// A row of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub before: u64,
    pub after: u64,
    pub counts: Option<(u64, u64)>,
    pub id: String,
}

/// What a comparison says.
#[derive(Debug, Default)]
pub struct Comparison {
    pub rows: Vec<(u64, Change)>,
    pub stacks: Vec<Stack>,
    pub total: Option<(u64, i64)>,
}

fn hex(word: &str) -> Option<u64> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, 16).ok() }
}

/// The id at the end of a record.
fn id(word: &str) -> Option<String> {
    let id = word.strip_prefix("BackTrace")?;
    (!id.is_empty() && id.chars().all(|digit| digit.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// The frame on a line.
fn frame(line: &str) -> Option<String> {
    let text = line.trim();
    let is_address = text.len() >= 5 && text.chars().all(|digit| digit.is_ascii_hexdigit());
    let is_name = text.contains('!') && text.contains('+');
    (line.starts_with([' ', '\t']) && (is_address || is_name)).then(|| text.to_owned())
}

fn named(id: &str) -> Option<String> {
    (!id.chars().all(|digit| digit == '0')).then(|| id.to_owned())
}

/// The heap that a banner speaks of, and whether it ends it.
fn banner(words: &[&str]) -> Option<(u64, bool)> {
    if !words.first()?.starts_with('*') {
        return None;
    }
    let at = words.iter().position(|word| word.eq_ignore_ascii_case("heap"))?;
    let base = words[at + 1..].iter().find(|word| **word != "@")?;
    let known = ["Hogs", "Information", "data"].iter().any(|word| words.contains(word));
    known.then_some((hex(base)?, words.contains(&"End")))
}

/// A line below a record: a frame of its stack, decoration, or prose.
fn below(stack: Option<&mut Stack>, line: &str, number: u64, prose: &mut bool) {
    const DECORATION: [&str; 28] = [
        "=",
        "***",
        "* *",
        "---",
        "- - -",
        "_",
        "~",
        "#",
        "`",
        "//",
        "C:\\",
        "PS ",
        "0:000>",
        "Windows Power",
        "Start time",
        "Host App",
        "DBGHELP",
        "Transcript",
        "══",
        "\x1A",
        "--",
        "**",
        "<",
        "[",
        "{",
        "+--",
        ">",
        "Page ",
    ];
    let text = line.trim();
    match (frame(line), stack) {
        (Some(frame), Some(stack)) => {
            stack.is_torn |= *prose;
            stack.frames.push((number, frame));
        }
        (None, Some(_)) => *prose |= !text.is_empty() && !DECORATION.iter().any(|start| text.starts_with(start)),
        (_, None) => {}
    }
}

/// Reads a snapshot of UMDH 1 or 2.
pub fn snapshot(text: &str) -> Snapshot {
    let mut found = Snapshot::default();
    let (mut heap, mut open, mut prose) = (None, false, false);
    for (number, line) in text.split('\n').enumerate() {
        let (number, line) = (number as u64 + 1, line.trim_end_matches('\r'));
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some((base, ends)) = banner(&words) {
            heap = (!ends).then_some(base);
            open = false;
            continue;
        }
        let row = match words.as_slice() {
            [requested, "bytes", "+", overhead, "at", address, "by", name] => hex(address).and_then(|_| {
                let overhead = hex(overhead).filter(|overhead| *overhead <= u64::from(u32::MAX))?;
                Some(Row {
                    heap,
                    requested: hex(requested)?,
                    overhead: Some(overhead),
                    count: 1,
                    id: named(&id(name)?),
                })
            }),
            [requested, "bytes", "in", count, "allocations", "(@", _, "by:", name] => {
                let count = hex(count).filter(|count| *count <= u64::from(u32::MAX));
                count.and_then(|count| {
                    Some(Row { heap, requested: hex(requested)?, overhead: None, count, id: named(&id(name)?) })
                })
            }
            _ => None,
        };
        let is_record = row.is_some();
        found.rows.extend(row.map(|row| (number, row)));
        match words.as_slice() {
            // The id is good even where a number is not.
            [.., "by" | "by:", name] if id(name).is_some() => {
                let id = id(name).and_then(|id| named(&id));
                (open, prose) = (id.is_some(), false);
                found.stacks.extend(id.map(|id| Stack { id, frames: Vec::new(), is_torn: false }));
            }
            _ if is_record || line.contains(" bytes ") || line.contains("BackTrace") => open = false,
            _ => below(found.stacks.last_mut().filter(|_| open), line, number, &mut prose),
        }
    }
    found
}

/// Reads a comparison of UMDH, in hexadecimal.
pub fn comparison(text: &str) -> Comparison {
    let mut found = Comparison::default();
    let (mut open, mut prose) = (false, false);
    for (number, line) in text.split('\n').enumerate() {
        let (number, line) = (number as u64 + 1, line.trim_end_matches('\r'));
        let apart = line.replace(['(', ')'], " ");
        let words: Vec<&str> = apart.split_whitespace().collect();
        let name = words.iter().rev().find_map(|word| id(word));
        match words.as_slice() {
            ["+" | "-", delta, after, "-", before, count, "allocs", _] => {
                (open, prose) = (name.is_some(), false);
                found.stacks.extend(name.clone().map(|id| Stack { id, frames: Vec::new(), is_torn: false }));
                let row = || {
                    hex(delta).and(hex(count))?;
                    Some(Change { before: hex(before)?, after: hex(after)?, counts: None, id: name.clone()? })
                };
                found.rows.extend(row().map(|row| (number, row)));
            }
            ["+" | "-", delta, after, "-", before, _, "allocations"] => {
                let counts = hex(delta).and(hex(before).zip(hex(after)));
                if let Some((_, row)) = found.rows.last_mut().filter(|(_, row)| Some(&row.id) == name.as_ref()) {
                    row.counts = row.counts.or(counts);
                }
            }
            ["Total", direction, "==", requested, ..] => {
                let sign = if *direction == "decrease" { -1 } else { 1 };
                found.total = hex(requested).and_then(|sum| Some((number, sign * i64::try_from(sum).ok()?)));
                open = false;
            }
            ["+" | "-", ..] if line.contains("alloc") => open = false,
            _ => below(found.stacks.last_mut().filter(|_| open), line, number, &mut prose),
        }
    }
    found
}
