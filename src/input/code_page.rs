//! Names of encodings, as Python and Windows give them, become encodings.

use encoding_rs::Encoding as Known;

use crate::input::{
    oem::Page,
    text::{Encoding, Form},
};

/// Code pages of Windows that have a name of their own.
const NUMBERED: [(&str, &str); 16] = [
    ("932", "shift_jis"),
    ("936", "gbk"),
    ("949", "euc-kr"),
    ("950", "big5"),
    ("866", "ibm866"),
    ("874", "windows-874"),
    ("10000", "macintosh"),
    ("10007", "x-mac-cyrillic"),
    ("20127", "ascii"),
    ("20866", "koi8-r"),
    ("21866", "koi8-u"),
    ("20932", "euc-jp"),
    ("51932", "euc-jp"),
    ("50220", "iso-2022-jp"),
    ("51949", "euc-kr"),
    ("54936", "gb18030"),
];

/// Names that the encoding standard does not list, and what it calls them.
const OTHERS: [(&str, &str); 7] = [
    ("iso2022-jp", "iso-2022-jp"),
    ("uhc", "euc-kr"),
    ("ms949", "euc-kr"),
    ("ms936", "gbk"),
    ("ms950", "big5"),
    ("big5hkscs", "big5"),
    ("mac-roman", "macintosh"),
];

impl Encoding {
    /// The encoding of a name: Python's (`cp932`, `latin-1`), the encoding standard's (`windows-1251`), or the bare number
    /// of a code page of Windows.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        let form = unicode(&name).or_else(|| dos(&name)).or_else(|| standard(&name).map(Form::Known))?;
        Some(Encoding { form, mark: 0 })
    }
}

/// Windows' code pages, each with the one of DOS that the same Windows has.
const PAIRS: [(&str, &str); 11] = [
    ("windows-1250", "cp852"),
    ("windows-1251", "cp866"),
    ("windows-1252", "cp850"),
    ("windows-1253", "cp737"),
    ("windows-1254", "cp857"),
    ("windows-1255", "cp862"),
    ("windows-1256", "cp720"),
    ("windows-1257", "cp775"),
    ("koi8-r", "cp866"),
    ("koi8-u", "cp866"),
    ("iso-8859-5", "cp866"),
];

impl Encoding {
    /// The code page that names in a zip are in, where those of logs are in this one. Where Windows has one page for both, that.
    pub fn of_names(self) -> Self {
        let name = self.name();
        let pair = PAIRS.iter().find(|(ansi, _)| *ansi == name);
        pair.and_then(|(_, oem)| Self::named(oem)).unwrap_or(self)
    }
}

fn unicode(name: &str) -> Option<Form> {
    Some(match name {
        "utf-8" | "utf8" | "utf-8-sig" | "u8" | "65001" | "cp65001" => Form::Known(encoding_rs::UTF_8),
        "utf-16" | "utf16" | "utf-16-le" | "utf-16le" | "1200" => Form::Utf16 { high_first: false },
        "utf-16-be" | "utf-16be" | "1201" => Form::Utf16 { high_first: true },
        "utf-32" | "utf32" | "utf-32-le" | "utf-32le" | "12000" => Form::Utf32 { high_first: false },
        "utf-32-be" | "utf-32be" | "12001" => Form::Utf32 { high_first: true },
        _ => return None,
    })
}

fn dos(name: &str) -> Option<Form> {
    Page::named(&format!("cp{}", number(name))).map(Form::Dos)
}

/// `850` of `cp850`, `ibm850`, `windows-850`.
fn number(name: &str) -> &str {
    ["windows-", "cp", "ms", "ibm"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

fn standard(name: &str) -> Option<&'static Known> {
    let listed = |label: &str| Known::for_label_no_replacement(label.as_bytes());
    let number = number(name);
    let by_number = NUMBERED.iter().find(|(known, _)| *known == number).map(|(_, label)| (*label).to_owned());
    let of_windows = || {
        let page: u32 = number.parse().ok()?;
        match page {
            1250..=1258 => Some(format!("windows-{page}")),
            28591..=28606 => Some(format!("iso-8859-{}", page - 28590)),
            _ => None,
        }
    };
    let other = OTHERS.iter().find(|(known, _)| *known == name).map(|(_, label)| *label);
    let known = by_number.or_else(of_windows).and_then(|label| listed(&label));
    let known = known.or_else(|| other.and_then(listed));
    let known = known.or_else(|| listed(name)).or_else(|| listed(&name.replace('-', "_")));
    known.or_else(|| listed(&name.replace('-', ""))).filter(|known| *known != encoding_rs::X_USER_DEFINED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_python_of_windows_and_of_the_standard_are_known() {
        for (name, expected) in [
            ("cp932", "cp932"),
            ("932", "cp932"),
            ("Shift_JIS", "cp932"),
            ("ms932", "cp932"),
            ("windows-31j", "cp932"),
            ("CP936", "gbk"),
            ("gb2312", "gbk"),
            ("gb18030", "gb18030"),
            ("euc_kr", "cp949"),
            ("uhc", "cp949"),
            ("big5", "cp950"),
            ("latin-1", "windows-1252"),
            ("iso8859_15", "iso-8859-15"),
            ("28592", "iso-8859-2"),
            ("cp1251", "windows-1251"),
            ("windows_1250", "windows-1250"),
            ("cp866", "ibm866"),
            ("ibm850", "cp850"),
            ("437", "cp437"),
            ("cp874", "cp874"),
            ("KOI8-R", "koi8-r"),
            ("euc_jp", "euc-jp"),
            ("iso2022_jp", "iso-2022-jp"),
            ("utf-8", "utf-8"),
            ("UTF8", "utf-8"),
            ("utf_16_be", "utf-16-be"),
            ("utf-32", "utf-32-le"),
        ] {
            assert_eq!(Encoding::named(name).map(|found| found.name()).as_deref(), Some(expected), "{name}");
        }
        for name in
            ["", "klingon", "base64", "cp0", "1361", "mbcs", "x-user-defined", "iso-2022-kr", "utf-7", "99999999999"]
        {
            assert_eq!(Encoding::named(name), None, "{name}");
        }
    }
}
