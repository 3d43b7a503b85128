//! Which tool wrote a log? The first row says, for rows of one format are those of no other: headers, and banners that name a
//! heap, only speak where there is no row.
//!
//! ```text
//! **********************                                              of a transcript: nothing
//! *********** Locks ********************                              DH, if rows follow
//! *********** Heap 00270000 Hogs ********************                 UMDH 1
//! // UMDH: version 6.1.7650.0: Logtime 2012-04-30 12:09 - …           UMDH 2
//! 64 bytes + 1C at 2E9FA20 by BackTrace18D0A0D0                       UMDH 2, whatever is above
//! ```

use crate::log::{
    Dialect, comparison,
    line::{Banner, BannerKind, Edge, Line, classify},
    lines::lines,
    sites,
};

/// What the sections of DH are about, by its help.
const DH_WORDS: [&[u8]; 11] = [
    b"module",
    b"lock",
    b"tag",
    b"back trace",
    b"backtrace",
    b"object",
    b"handle",
    b"process",
    b"thread",
    b"pool",
    b"entr",
];

/// What the lines of a text say about their format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    row: Option<Row>,
    header: Option<Dialect>,
    /// What a header says that has something in front of it: only beside rows, for a mail that quotes a log has such lines too.
    quoted_header: Option<Dialect>,
    heap: Option<Dialect>,
    /// A heading of a section of DH, which names no heap.
    section: bool,
    /// One with words of the help of DH.
    dh_section: bool,
    legend: bool,
}

/// A row that only one reader can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// One of a format of its own.
    Of(Dialect),
    /// A hog: of UMDH 1 and of DH.
    Hog,
}

impl Evidence {
    /// Takes the next lines; true once a row has decided.
    pub fn add(&mut self, text: &[u8]) -> bool {
        self.row.is_some() || lines(text).any(|line| self.line(line.bytes))
    }

    fn line(&mut self, line: &[u8]) -> bool {
        self.row = if sites::decides(line) {
            Some(Row::Of(Dialect::Sites))
        } else if comparison::line::decides(line) {
            Some(Row::Of(Dialect::Comparison))
        } else {
            match classify(line) {
                Line::Block { .. } => Some(Row::Of(Dialect::Umdh2)),
                Line::Hog { .. } => Some(Row::Hog),
                other => {
                    self.words(&other, line);
                    None
                }
            }
        };
        self.row.is_some()
    }

    fn words(&mut self, shape: &Line<'_>, line: &[u8]) {
        match shape {
            Line::Header(header) => {
                let dialect = match header.tool {
                    b"DH" => Dialect::Dh,
                    _ if header.version.is_some() => Dialect::Umdh2,
                    _ => Dialect::Umdh1,
                };
                let known = if header.behind_words { &mut self.quoted_header } else { &mut self.header };
                known.get_or_insert(dialect);
            }
            Line::Banner(banner) => self.banner(banner, line),
            Line::Legend => self.legend = true,
            _ => {}
        }
    }

    fn banner(&mut self, banner: &Banner<'_>, line: &[u8]) {
        let of_umdh2 = !line.contains(&b'*') || memchr::memmem::find(line, b"- - ").is_some();
        let dialect = match banner.kind {
            BannerKind::Decoration => return,
            BannerKind::Other => {
                let words = banner.words.to_ascii_lowercase();
                let has = |word: &&[u8]| memchr::memmem::find(&words, word).is_some();
                self.section |= !of_umdh2;
                self.dh_section |= !of_umdh2 && DH_WORDS.iter().any(has);
                return;
            }
            _ if of_umdh2 => Dialect::Umdh2,
            BannerKind::Hogs(_) | BannerKind::Information(_) | BannerKind::Spoilt(Edge::Neither) => Dialect::Umdh1,
            _ => Dialect::Dh,
        };
        self.heap.get_or_insert(dialect);
    }

    /// The format; `None` if nothing speaks for any.
    pub fn dialect(&self) -> Option<Dialect> {
        let known = self.header.or(self.heap);
        let header = self.header.or(self.quoted_header);
        let of_hogs = match header.or(self.heap) {
            _ if header.is_none() && self.dh_section => Dialect::Dh,
            Some(dialect @ (Dialect::Dh | Dialect::Umdh1)) => dialect,
            _ => Dialect::Umdh1,
        };
        match self.row {
            Some(Row::Of(dialect)) => Some(dialect),
            Some(Row::Hog) => Some(of_hogs),
            None if known == Some(Dialect::Umdh1) => Some(of_hogs),
            None if known.is_some() => known,
            None if self.section => Some(Dialect::Dh),
            None => self.legend.then_some(Dialect::Umdh2),
        }
    }

    /// True if a row, a header or a banner of a heap speaks: the text is a log, whatever else it may look like.
    pub fn is_strong(&self) -> bool {
        self.row.is_some() || self.header.is_some() || self.heap.is_some()
    }
}
