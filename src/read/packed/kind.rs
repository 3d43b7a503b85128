//! What a file of an archive is, told from its first bytes.

use std::io::{Cursor, Read};

use crate::{
    dump::directory,
    error::ErrorKind,
    input::{archive::fault::Fault, line_ends::LineEnds, text::Encoding},
    log::Dialect,
    read::{open::sniffed, other},
};

/// What a file is, told from its first bytes.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A minidump.
    Dump,
    /// A log or a comparison; false if only weak signs say so.
    Log(Dialect, bool),
    /// Something else, in words.
    Other(String),
    /// It cannot be unpacked.
    Fault(Fault),
}

impl Kind {
    /// What a file is.
    pub fn of(content: &mut dyn Read, encoding: Option<Encoding>) -> Self {
        kind(content, encoding).unwrap_or_else(Kind::Fault)
    }

    /// In a word or a few.
    pub fn words(&self) -> String {
        match self {
            Kind::Dump => "dump".to_owned(),
            Kind::Log(Dialect::Comparison, _) => "comparison".to_owned(),
            Kind::Log(dialect, _) => dialect.as_str().to_owned(),
            Kind::Other(words) => words.clone(),
            Kind::Fault(fault) => fault.to_string(),
        }
    }

    /// True for what can be read.
    pub fn is_ours(&self) -> bool {
        matches!(self, Kind::Dump | Kind::Log(..))
    }

    /// Whether it can be read; absent for what cannot be unpacked, which might be anything.
    pub fn readable(&self) -> Option<bool> {
        if self.is_lost() { None } else { Some(self.is_ours()) }
    }

    /// True for what is that beyond doubt.
    pub(super) fn is_sure(&self) -> bool {
        matches!(self, Kind::Dump | Kind::Log(_, true))
    }

    /// True for what might be anything.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Kind::Fault(fault) if !matches!(fault, Fault::Link(_) | Fault::Overlap))
    }

    /// True for what is damaged.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Kind::Fault(Fault::Damaged(_)))
    }
}

/// First bytes of a file that are looked at, and those that are where they do not tell.
const STEPS: [u64; 2] = [64 << 10, 4 << 20];

fn kind(content: &mut dyn Read, encoding: Option<Encoding>) -> Result<Kind, Fault> {
    let mut start = Vec::new();
    let mut kind = Kind::Other("an empty file".to_owned());
    for step in STEPS {
        let before = start.len();
        let outcome = content.take(step - before as u64).read_to_end(&mut start);
        if start.len() > before {
            kind = told(&start, encoding);
        }
        match outcome {
            _ if kind.is_ours() => break,
            // It might have been ours further on.
            Err(error) => return Err(error.into()),
            Ok(0) => break,
            Ok(_) => {}
        }
    }
    Ok(kind)
}

fn told(start: &[u8], encoding: Option<Encoding>) -> Kind {
    if start.starts_with(directory::MAGIC) {
        return Kind::Dump;
    }
    if let Some(found) = other::name(start) {
        return Kind::Other(found.to_owned());
    }
    let (encoding, _) = Encoding::detect(start, encoding);
    let text = start[encoding.mark_len()..].to_vec();
    let (reader, _) = encoding.to_utf8(Box::new(Cursor::new(text)), 0);
    match sniffed(&mut LineEnds::new(reader)) {
        Ok((_, dialect, otherwise)) => Kind::Log(dialect, otherwise.is_none()),
        Err(error) => match error.kind() {
            ErrorKind::NotALog { found } => Kind::Other(found.clone()),
            _ => Kind::Other("an empty file".to_owned()),
        },
    }
}
