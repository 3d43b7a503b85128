//! One line of a comparison, read by its tokens: pastes lose the columns and turn TABs into blanks.
//!
//! Numbers stay digits here, because one line does not say which radix they are in; [`super::radix`] decides that once for
//! the whole file.

use crate::log::fields::{
    is_bare_frame, is_blank, is_doubtful_name, next_token, parse_0x, parse_frame, parse_hex, trim, trim_start,
};

/// A line of a comparison that holds numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// `+    5320 (  f110 -  9df0)     3a allocs<TAB>BackTrace00053`
    Bytes {
        /// Bytes in both logs.
        change: Change<'a>,
        /// Blocks in the newer log; absent for `?`, which heapdelta writes where it does not know.
        count: Option<&'a [u8]>,
        /// Whose bytes they are.
        name: Name<'a>,
    },
    /// `+   15cf4 ( 15cf4 -     0)<TAB>BackTrace74050<TAB>allocations`
    Count {
        /// Blocks in both logs.
        change: Change<'a>,
        /// Whose blocks they are.
        name: Name<'a>,
    },
    /// `Total increase ==  27000 requested +    9c0 overhead =  279c0`
    Total(Total<'a>),
}

/// An amount in two logs, and the difference that was printed with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The amount shrank.
    pub negative: bool,
    /// Digits of the difference.
    pub delta: &'a [u8],
    /// Digits of the amount in the newer and in the older log; absent where there is one amount alone (`umdh A`).
    pub sides: Option<(&'a [u8], &'a [u8])>,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name<'a> {
    /// `BackTrace00053`: the id behind the word.
    Trace(&'a [u8]),
    /// Anything else: a call site, from a comparison of two outputs of mode 2.
    Site(&'a [u8]),
}

impl Name<'_> {
    /// True for what only a log names: an id, or the frame of a call site. Anything else may be of another program's text.
    fn is_of_log(&self) -> bool {
        match self {
            Name::Trace(_) => true,
            Name::Site(site) => site.starts_with(b"BackTrace") || is_bare_frame(site) || parse_frame(site).is_some(),
        }
    }
}

/// The last line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total<'a> {
    /// `decrease`, which is also printed for zero.
    pub negative: bool,
    /// Sum of the rows.
    pub requested: Signed<'a>,
    /// Overhead, and the sum of both; absent in the old form.
    pub overhead: Option<(Signed<'a>, Signed<'a>)>,
}

/// Digits, with a sign where a part runs against the direction of the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// A `-` is before the digits.
    pub negative: bool,
    /// The digits.
    pub digits: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a line; `None` for every line without numbers of a comparison.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let body = trim(line);
        match body.first()? {
            b'T' => total(body),
            b'+' | b'-' | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => row(body),
            _ => None,
        }
    }

    /// All digits that stand for amounts.
    pub fn numbers(&self) -> impl Iterator<Item = &'a [u8]> {
        let (change, count, total) = match *self {
            Record::Bytes { change, count, .. } => (Some(change), count, None),
            Record::Count { change, .. } => (Some(change), None, None),
            Record::Total(total) => (None, None, Some(total)),
        };
        let change = change.into_iter().flat_map(|change| {
            let sides = change.sides.map(|(after, before)| [after, before]);
            std::iter::once(change.delta).chain(sides.into_iter().flatten())
        });
        let total = total.into_iter().flat_map(|total| {
            let overhead = total.overhead.map(|(overhead, sum)| [overhead.digits, sum.digits]);
            std::iter::once(total.requested.digits).chain(overhead.into_iter().flatten())
        });
        change.chain(count).chain(total)
    }
}

fn row(body: &[u8]) -> Option<Record<'_>> {
    let (change, signed, rest) = change(body)?;
    let record = bytes_row(change, rest).or_else(|| count_row(change, rest))?;
    // Without brackets a line is known by its id alone, and has nothing to shrink from.
    let (Record::Bytes { name, .. } | Record::Count { name, .. }) = record else { return None };
    let alone = change.sides.is_none() && !change.negative && matches!(name, Name::Trace(_));
    (alone || (signed && change.sides.is_some())).then_some(record)
}

/// `+    5320 (  f110 -  9df0)`, whether it has a sign, and what follows it.
fn change(body: &[u8]) -> Option<(Change<'_>, bool, &[u8])> {
    let signed = matches!(body.first(), Some(b'+' | b'-'));
    let negative = body.first() == Some(&b'-');
    let (delta, rest) = number(&body[usize::from(signed)..])?;
    let Some(inner) = trim_start(rest).strip_prefix(b"(") else {
        return Some((Change { negative, delta, sides: None }, signed, rest));
    };
    let (after, inner) = number(inner)?;
    let (before, inner) = number(trim_start(inner).strip_prefix(b"-")?)?;
    let rest = trim_start(inner).strip_prefix(b")")?;
    Some((Change { negative, delta, sides: Some((after, before)) }, signed, rest))
}

fn bytes_row<'a>(change: Change<'a>, rest: &'a [u8]) -> Option<Record<'a>> {
    let (count, rest) = match trim_start(rest).strip_prefix(b"?") {
        Some(rest) => (None, rest),
        None => number(rest).map(|(digits, rest)| (Some(digits), rest))?,
    };
    let (word, rest) = next_token(rest);
    if word != b"allocs" {
        return None;
    }
    Some(Record::Bytes { change, count, name: name(rest)? })
}

fn count_row<'a>(change: Change<'a>, rest: &'a [u8]) -> Option<Record<'a>> {
    let text = trim(rest).strip_suffix(b"allocations")?;
    text.last().filter(|byte| is_blank(**byte))?;
    Some(Record::Count { change, name: name(text)? })
}

fn name(text: &[u8]) -> Option<Name<'_>> {
    const WORD: &[u8] = b"BackTrace";
    let text = trim(text);
    let id = text.get(WORD.len()..).filter(|_| text[..WORD.len()].eq_ignore_ascii_case(WORD)).map(trim_start);
    let is_id = |id: &&[u8]| !id.is_empty() && id.len() <= 64 && id.iter().all(u8::is_ascii_alphanumeric);
    match id.filter(is_id) {
        Some(id) => Some(Name::Trace(id)),
        None => (!text.is_empty()).then_some(Name::Site(text)),
    }
}

fn total(body: &[u8]) -> Option<Record<'_>> {
    let (word, rest) = next_token(body);
    let (direction, rest) = next_token(rest);
    let negative = match direction {
        b"increase" => false,
        b"decrease" => true,
        _ => return None,
    };
    if word != b"Total" {
        return None;
    }
    let (requested, rest) = signed(keyword(rest, b"==")?)?;
    if trim(rest).is_empty() {
        return Some(Record::Total(Total { negative, requested, overhead: None }));
    }
    let (overhead, rest) = signed(keyword(keyword(rest, b"requested")?, b"+")?)?;
    let (sum, rest) = signed(keyword(keyword(rest, b"overhead")?, b"=")?)?;
    let overhead = Some((overhead, sum));
    trim(rest).is_empty().then_some(Record::Total(Total { negative, requested, overhead }))
}

fn signed(text: &[u8]) -> Option<(Signed<'_>, &[u8])> {
    let text = trim_start(text);
    let digits = text.strip_prefix(b"-");
    let negative = digits.is_some();
    let (digits, rest) = number(digits.unwrap_or(text))?;
    Some((Signed { negative, digits }, rest))
}

fn keyword<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    trim_start(text).strip_prefix(word)
}

/// Hexadecimal digits and what follows them; `None` if a letter or another digit does.
fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = trim_start(text);
    let end = text.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(text.len());
    let ends = text.get(end).is_none_or(|next| is_blank(*next) || matches!(next, b'(' | b')' | b'-'));
    (end > 0 && ends).then(|| text.split_at(end))
}

/// The frame on a line, without its margin; `None` for a line that is none.
///
/// A frame is behind a TAB, of which a paste may leave one blank or nothing: without a margin only `module!name+1E`
/// will do, so that prose with a `!` in it is not taken for a frame.
pub fn frame(line: &[u8]) -> Option<&[u8]> {
    let body = trim(line);
    let indented = line.first().is_some_and(|first| is_blank(*first));
    if indented && parse_0x(body).or_else(|| parse_hex(body)).is_some() {
        return Some(body);
    }
    let parts = parse_frame(body)?;
    let plain = parts.module.is_none_or(|module| !module.iter().any(|byte| is_blank(*byte)));
    let whole = indented || (parts.offset.is_some() && body.contains(&b'!'));
    (plain && whole).then_some(body)
}

/// True for a frame whose name comes from export symbols: `MFC42!Ordinal1176+14B4`, or one far from its function.
pub fn is_suspect(frame: &[u8]) -> bool {
    let Some(parts) = parse_frame(frame) else { return false };
    parts.function.is_some_and(|function| is_doubtful_name(function, parts.offset))
}

/// A line that was a row before it was spoilt: whose frames follow, if that can still be read.
pub fn spoilt(line: &[u8]) -> Option<Option<&[u8]>> {
    let body = trim(line);
    let has = |word: &[u8]| memchr::memmem::find(body, word).is_some();
    let like = match body.first()? {
        b'+' | b'-' => has(b" allocs") || has(b"allocations") || (has(b"BackTrace") && has(b"(")),
        _ => parse_hex(next_token(body).0).is_some() && has(b"BackTrace") && (has(b" allocs") || has(b"allocations")),
    };
    // The name is behind the last bracket or word, in front of `allocations`.
    let mut names = body.split(|byte| is_blank(*byte)).filter_map(|token| match name(token) {
        Some(Name::Trace(id)) => Some(id),
        _ => None,
    });
    like.then(|| names.next())
}

/// True for a total line, also one whose numbers cannot be read.
pub fn is_total(line: &[u8]) -> bool {
    let (word, rest) = next_token(line);
    let (direction, rest) = next_token(rest);
    word == b"Total" && matches!(direction, b"increase" | b"decrease") && trim_start(rest).starts_with(b"==")
}

/// True for a line that decides that a file is a comparison.
pub fn decides(line: &[u8]) -> bool {
    match Record::parse(line) {
        Some(Record::Bytes { name, .. }) => name.is_of_log(),
        other => matches!(other, Some(Record::Total(_))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_decide_not_columns() {
        let printed = Record::parse(b"+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053").unwrap();
        let pasted = Record::parse(b"  +5320 (f110-9df0) 3a allocs  BackTrace00053  ").unwrap();
        assert_eq!(printed, pasted);
        assert_eq!(printed.numbers().collect::<Vec<_>>(), [&b"5320"[..], b"f110", b"9df0", b"3a"]);
    }

    #[test]
    fn what_only_looks_like_a_row_is_none() {
        for line in [
            "+ 5320 ( f110 - 9df0 3a allocs BackTrace1",
            "+ 5320 ( f110 - 9df0) 3a allocs",
            "5320 ( f110 - 9df0) 3a allocs BackTrace1",
            "- 5320 3a allocs BackTrace1",
            "+ 5320 3a allocs app!f+1",
            "+ 0x20 ( 30 - 10) 3 allocs BackTrace1",
            "Total increase == 12 bytes",
            "Total growth == 12",
            "64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0",
            "000001A0 bytes in 0x4 allocations (@ 0x00000068) by: BackTrace00031",
        ] {
            assert_eq!(Record::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn frames_keep_their_form_and_prose_is_none() {
        for line in ["\tapp!f+1E", " app!f", "app!f+1E", "\t776cdd82", "\t<no module>!???+12 : 40A234"] {
            assert_eq!(frame(line.as_bytes()), Some(line.trim().as_bytes()), "{line}");
        }
        for line in ["Done! Bye", "\tall done! bye", "776cdd82", "DBGHELP: app - no symbols loaded", "\t+12"] {
            assert_eq!(frame(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_name_of_no_log_decides_nothing() {
        for line in
            ["+ 5 ( 10 - 5) 3 allocs maybe", "- 5 ( 5 - 10) 3 allocs for the request +1", "+ 5 ( 10 - 5) 3 allocs 12"]
        {
            assert!(!decides(line.as_bytes()), "{line}");
        }
        for line in ["BackTrace1", "app!f+1E", "app!f", "app+0x12", "7FFB51012345", "<nomodule>!???+12 : 40A234"] {
            assert!(decides(format!("+ 5 ( 10 - 5) 3 allocs\t{line}").as_bytes()), "{line}");
        }
    }

    #[test]
    fn far_and_ordinal_names_are_suspect() {
        assert!(is_suspect(b"MFC42!Ordinal1176+14B4"));
        assert!(is_suspect(b"app!f+00010001"));
        assert!(!is_suspect(b"app!f+00010000"));
        assert!(!is_suspect(b"app!OrdinalPosition+14"));
        assert!(!is_suspect(b"app!???+00023456 : 0040A234"), "an offset in a module says nothing of a name");
    }
}
