//! Encodings: told from the first bytes, from the caller, or assumed.

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};

use crate::input::oem::Page;

/// How the text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    pub(super) form: Form,
    /// Bytes of the byte-order mark before the text.
    pub(super) mark: usize,
}

/// What the bytes of a character are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// UTF-8 or plain ASCII; bytes that are not UTF-8 are read as windows-1252.
    Assumed,
    /// Two bytes, or twice two.
    Utf16 { high_first: bool },
    /// Four bytes.
    Utf32 { high_first: bool },
    /// What the caller says, of the encoding standard.
    Known(&'static encoding_rs::Encoding),
    /// What the caller says, of DOS.
    Dos(&'static Page),
}

/// UTF-8 and nothing else.
const UTF_8_ALONE: Form = Form::Known(UTF_8);

/// First bytes that say how the others are meant.
const MARKS: [(&[u8], Form); 5] = [
    (b"\xEF\xBB\xBF", Form::Assumed),
    (b"\xFF\xFE\0\0", Form::Utf32 { high_first: false }),
    (b"\0\0\xFE\xFF", Form::Utf32 { high_first: true }),
    (b"\xFF\xFE", Form::Utf16 { high_first: false }),
    (b"\xFE\xFF", Form::Utf16 { high_first: true }),
];

/// Bytes behind the mark that are looked at.
const SAMPLE: usize = 256;

impl Encoding {
    /// Tells the encoding from the first bytes: the mark, or where the zeros of ASCII text lie. What the caller says counts
    /// where neither is there. True as well if the mark is that of another encoding than the bytes behind it.
    pub(crate) fn detect(start: &[u8], told: Option<Encoding>) -> (Self, bool) {
        let marked = MARKS.iter().find(|(mark, _)| start.starts_with(mark));
        let mark = marked.map_or(0, |(mark, _)| mark.len());
        let behind = &start[mark..];
        let sample = &behind[..behind.len().min(SAMPLE) & !3];
        let zeros = by_zeros(if sample.is_empty() { &behind[..behind.len() & !1] } else { sample });
        let (form, wrong) = match (marked.map(|(_, form)| *form), zeros) {
            (Some(form), Some(found)) => (found, form != found),
            // Text of two or four bytes each has zeros, for every log has blanks and digits.
            (Some(Form::Utf16 { .. } | Form::Utf32 { .. }), None) if is_narrow(sample) => {
                (told.map_or(Form::Assumed, |told| told.form), true)
            }
            (Some(Form::Assumed), None) => {
                (told.filter(|told| told.form == UTF_8_ALONE).map_or(Form::Assumed, |told| told.form), false)
            }
            (Some(form), None) => (form, false),
            (None, Some(found)) => (found, false),
            (None, None) => (told.map_or(Form::Assumed, |told| told.form), false),
        };
        (Self { form, mark }, wrong)
    }

    /// Bytes of the mark.
    pub(crate) fn mark_len(self) -> usize {
        self.mark
    }

    /// True if bytes that are no UTF-8 are read as windows-1252 because nobody says what they are.
    pub(crate) fn is_assumed(self) -> bool {
        self.form == Form::Assumed
    }

    /// The name in `Snapshot.encoding`: Python's.
    pub fn name(self) -> String {
        match self.form {
            form if self.mark == 3 && (form == Form::Assumed || form == UTF_8_ALONE) => "utf-8-sig",
            Form::Assumed => "utf-8",
            Form::Utf16 { high_first: false } => "utf-16-le",
            Form::Utf16 { high_first: true } => "utf-16-be",
            Form::Utf32 { high_first: false } => "utf-32-le",
            Form::Utf32 { high_first: true } => "utf-32-be",
            Form::Dos(page) => page.name,
            Form::Known(known) => return python_name(known),
        }
        .to_owned()
    }

    /// Bytes of an ASCII character.
    pub(super) fn unit(self) -> usize {
        match self.form {
            Form::Utf16 { .. } => 2,
            Form::Utf32 { .. } => 4,
            _ => 1,
        }
    }

    /// The decoder of the encoding standard for it, if there is one.
    pub(super) fn standard(self) -> Option<&'static encoding_rs::Encoding> {
        match self.form {
            Form::Utf16 { high_first } => Some(if high_first { UTF_16BE } else { UTF_16LE }),
            Form::Known(known) => Some(known),
            _ => None,
        }
    }
}

/// True for text with nothing but bytes of its own, most of them ASCII.
fn is_narrow(sample: &[u8]) -> bool {
    let ascii = sample.iter().filter(|byte| byte.is_ascii()).count();
    !sample.is_empty() && !sample.contains(&0) && ascii * 8 >= sample.len() * 7
}

/// Tells text of two and of four bytes for each character by where its zeros lie.
fn by_zeros(sample: &[u8]) -> Option<Form> {
    let zeros = |place: usize, step: usize| sample.iter().skip(place).step_by(step).filter(|byte| **byte == 0).count();
    let (low, high) = (zeros(1, 2), zeros(0, 2));
    let most = |count: usize, of: usize| count > 0 && of > 0 && count >= of - of / 4;
    let quarter = sample.len() / 4;
    match () {
        () if most(zeros(1, 4), quarter) && zeros(2, 4) == quarter && zeros(3, 4) == quarter && zeros(0, 4) == 0 => {
            Some(Form::Utf32 { high_first: false })
        }
        () if most(zeros(2, 4), quarter) && zeros(0, 4) == quarter && zeros(1, 4) == quarter && zeros(3, 4) == 0 => {
            Some(Form::Utf32 { high_first: true })
        }
        () if most(low, sample.len() / 2) && high == 0 => Some(Form::Utf16 { high_first: false }),
        () if most(high, sample.len() / 2) && low == 0 => Some(Form::Utf16 { high_first: true }),
        () => None,
    }
}

/// Python's name of an encoding of the standard, where the two differ.
fn python_name(known: &'static encoding_rs::Encoding) -> String {
    let name = known.name();
    match name {
        "Shift_JIS" => "cp932",
        "EUC-KR" => "cp949",
        "Big5" => "cp950",
        "windows-874" => "cp874",
        "x-mac-cyrillic" => "mac-cyrillic",
        "ISO-8859-8-I" => "iso-8859-8",
        _ => return name.to_ascii_lowercase(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    fn encoded(text: &str, name: &str) -> Vec<u8> {
        let units = text.chars().map(|letter| letter as u32);
        match name {
            "utf-16-le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16-be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "utf-32-le" => units.flat_map(u32::to_le_bytes).collect(),
            "utf-32-be" => units.flat_map(u32::to_be_bytes).collect(),
            _ => text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn mark_and_bytes_must_agree_else_the_bytes_count() {
        const TEXT: &str = "// UMDH: version 6.1: Logtime\n";
        const NAMES: [&str; 5] = ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"];
        for name in NAMES {
            for other in ["", "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"] {
                if (name, other) == ("utf-32-be", "utf-16-le") {
                    // The mark and the first zeros are the mark of UTF-32, low byte first.
                    continue;
                }
                let mark = if other.is_empty() { Vec::new() } else { encoded("\u{FEFF}", other) };
                let bytes = [mark.clone(), encoded(TEXT, name)].concat();
                let (found, wrong) = Encoding::detect(&bytes, None);
                let expected = if name == "utf-8" && other == name { "utf-8-sig" } else { name };
                assert_eq!((found.name().as_str(), found.mark_len()), (expected, mark.len()), "{name} behind {other}");
                assert_eq!(wrong, !other.is_empty() && other != name, "{name} behind {other}");
            }
        }
    }

    #[test]
    fn what_the_caller_says_counts_where_the_bytes_say_nothing() {
        let told = Encoding::named("cp932");
        assert_eq!(Encoding::detect(b"plain text", told).0.name(), "cp932");
        assert_eq!(Encoding::detect(b"\xEF\xBB\xBFplain text", told).0.name(), "utf-8-sig");
        assert_eq!(Encoding::detect(&encoded("plain text", "utf-16-le"), told).0.name(), "utf-16-le");
        assert_eq!(Encoding::detect(b"", None).0.name(), "utf-8");
    }
}
