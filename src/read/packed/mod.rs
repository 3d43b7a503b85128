//! An archive is looked through for what can be read; if that is one log or one dump, it is read.

mod all;
mod kind;

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use super::{Options, open::Opened};
pub use all::{Found, Hash, Unpacked, read_all};
pub use kind::Kind;

use crate::{
    control::Control,
    error::{Error, ErrorKind, Result},
    input::{
        Source,
        archive::{LEVEL, Member, PEEK, Rules, Visitor, all_parts, fault::Fault, format, is_program, split},
        content::Content,
        member::{MemberSource, Packed},
        text::Encoding,
    },
};

/// A file of an archive, and what it is.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its label, the bytes it should have, its time.
    pub member: Member,
    /// What it is.
    pub kind: Kind,
}

/// A file of an archive, or an archive inside of it, by the path `case.zip!logs/before.txt`.
pub struct Named {
    /// The archive.
    pub packed: Packed,
    /// Its path.
    pub path: PathBuf,
    /// What is behind the first `!`.
    pub label: String,
}

impl Named {
    /// What a path names, if there is no such file, and one is there whose name ends before a `!`.
    pub fn new(source: &Source<'_>) -> Option<Self> {
        let Source::Path(path) = source else { return None };
        let (archive, label) = if path.exists() { return None } else { split(path)? };
        Some(Self { packed: Packed::Path(archive.clone()), path: archive, label })
    }

    /// The file of that label.
    pub fn member(&self, options: &Options) -> Source<'static> {
        let member =
            MemberSource::new(self.packed.clone(), Some(&self.path), self.label.clone(), options.archives.clone());
        Source::Member(Box::new(member))
    }

    /// True if an archive has that label.
    pub fn is_archive(&self, rules: &Rules) -> bool {
        let mut seek = Seek { label: &self.label, found: false };
        self.packed.walk(rules, &mut seek).is_ok_and(|_| seek.found)
    }

    /// The one log or dump of the archive of that label.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchMember`] if there is no such archive; those of [`only`].
    pub fn inside(&self, options: &Options, control: &Control) -> Result<Source<'static>> {
        let all = entries(&self.packed, None, options, control)?;
        let inside: Vec<Entry> =
            all.iter().filter(|entry| is_inside(&entry.member.label, Some(&self.label))).cloned().collect();
        if inside.is_empty() {
            let plain = |label: &str| label.trim_start_matches("./").to_lowercase();
            let near = all.into_iter().map(|entry| entry.member.label).find(|label| plain(label) == plain(&self.label));
            return Err(ErrorKind::NoSuchMember { wanted: self.label.clone(), near }.into());
        }
        pick(self.packed.clone(), Some(&self.path), &inside, options)
    }
}

/// Whether a label is that of something inside of an archive in the archive; absent for the archive itself.
fn is_inside(label: &str, archive: Option<&str>) -> bool {
    archive.is_none_or(|archive| label.strip_prefix(archive).is_some_and(|rest| rest.starts_with(LEVEL)))
}

/// Whether something of a label has to be opened to get there.
fn leads_inside(label: &str, archive: Option<&str>) -> bool {
    let leads = |archive: &str| {
        label.is_empty() || archive == label || archive.strip_prefix(label).is_some_and(|rest| rest.starts_with(LEVEL))
    };
    is_inside(label, archive) || archive.is_none_or(leads)
}

/// True for a file that is an archive. One that begins as a log, a comparison or a dump is that, whatever is behind it.
///
/// # Errors
///
/// What the operating system says.
pub fn is_archive(packed: &Packed, encoding: Option<Encoding>) -> std::io::Result<bool> {
    let (start, found) = packed.look()?;
    Ok(found.is_some() && (format(&start).is_some() || !is_known(&start, encoding)))
}

fn is_known(start: &[u8], encoding: Option<Encoding>) -> bool {
    Kind::of(&mut &*start, encoding).is_ours()
}

/// The archive that an open source is.
///
/// # Errors
///
/// [`ErrorKind::Io`].
pub fn archive(source: &Source<'_>, opened: &mut Opened<'_>) -> Result<Option<Packed>> {
    // Of a program, its end tells; of the last file of several, the first.
    let has_parts = matches!(source, Source::Path(path) if all_parts(path).is_some());
    let is_asked = has_parts || is_program(&opened.start);
    if !is_asked && format(&opened.start[..opened.start.len().min(PEEK)]).is_none() {
        return Ok(None);
    }
    let packed = match source {
        Source::Path(_) if opened.rest.len.is_none() => {
            let mut bytes = opened.start.clone();
            opened.rest.reader.read_to_end(&mut bytes)?;
            Some(Packed::Content(Content::new(bytes)))
        }
        source => packed(source),
    };
    match packed {
        Some(packed) if is_asked && packed.look()?.1.is_none() => Ok(None),
        packed => Ok(packed),
    }
}

/// The archive behind the bytes of a source that are nothing of ours, as behind a script.
///
/// # Errors
///
/// [`ErrorKind::Io`].
pub fn behind(source: &Source<'_>) -> Result<Option<Packed>> {
    match packed(source) {
        Some(packed) if packed.look()?.1.is_some() => Ok(Some(packed)),
        _ => Ok(None),
    }
}

/// The same, of a source that may be ours.
///
/// # Errors
///
/// [`ErrorKind::Io`].
pub fn behind_others(source: &Source<'_>, opened: &Opened<'_>, options: &Options) -> Result<Option<Packed>> {
    if is_known(&opened.start, options.encoding) { Ok(None) } else { behind(source) }
}

/// The bytes of a source that can be read again, from anywhere.
fn packed(source: &Source<'_>) -> Option<Packed> {
    match source {
        // A member that is an archive was gone through when it was looked for.
        Source::Member(_) => None,
        Source::Path(path) => path.is_file().then(|| Packed::Path(path.clone())),
        Source::Shared(content, _) => Some(Packed::Content(content.clone())),
        Source::Bytes(bytes, _) => Some(Packed::Content(Content::new(bytes.to_vec()))),
    }
}

/// What an archive holds, or an archive inside of it.
///
/// # Errors
///
/// [`ErrorKind::Io`] and [`ErrorKind::Cancelled`].
pub fn entries(packed: &Packed, inside: Option<&str>, options: &Options, control: &Control) -> Result<Vec<Entry>> {
    let mut look = Look { entries: Vec::new(), inside, options, control, stopped: None };
    if !packed.walk(&options.archives, &mut look)? {
        return Err(ErrorKind::NotAnArchive.into());
    }
    match look.stopped {
        Some(error) => Err(error),
        None => Ok(look.entries),
    }
}

/// The one log or dump of an archive.
///
/// # Errors
///
/// [`ErrorKind::NoMember`] and [`ErrorKind::ManyMembers`], with a list of what there is; those of [`entries`].
pub fn only(packed: Packed, path: Option<&Path>, options: &Options, control: &Control) -> Result<Source<'static>> {
    let entries = entries(&packed, None, options, control)?;
    pick(packed, path, &entries, options)
}

/// The one that is meant. A damaged list is told with it; files that cannot be unpacked might be others.
fn pick(packed: Packed, path: Option<&Path>, entries: &[Entry], options: &Options) -> Result<Source<'static>> {
    let those =
        |is_one: fn(&Kind) -> bool| -> Vec<&Entry> { entries.iter().filter(|entry| is_one(&entry.kind)).collect() };
    let (sure, ours, lost) = (those(Kind::is_sure), those(Kind::is_ours), those(Kind::is_lost));
    let damage = entries.iter().find(|entry| entry.member.label.is_empty() && entry.kind.is_damage());
    let found = if sure.is_empty() { ours } else { sure };
    let damage = damage.filter(|_| !found.is_empty());
    let lost = lost.into_iter().filter(|entry| damage.is_none_or(|damage| !std::ptr::eq(*entry, damage)));
    let candidates: Vec<&Entry> = found.into_iter().chain(lost).collect();
    let &[Entry { member, kind }] = candidates.as_slice() else { return Err(refused(entries, &candidates)) };
    if let Kind::Fault(fault) = kind {
        return Err(ErrorKind::Packed { fault: fault.clone() }.into());
    }
    let mut member = MemberSource::new(packed, path, member.label.clone(), options.archives.clone());
    member.fault = damage.and_then(|entry| match &entry.kind {
        Kind::Fault(fault) => Some(fault.clone()),
        _ => None,
    });
    Ok(Source::Member(Box::new(member)))
}

/// Lists what there is: the files that might be meant, else all.
fn refused(entries: &[Entry], candidates: &[&Entry]) -> Error {
    let words = |entry: &Entry| match entry.member.label.as_str() {
        "" => format!("others ({})", entry.kind.words()),
        label => format!("{label} ({})", entry.kind.words()),
    };
    // A compressed file without a name of its own is the file.
    if let [Entry { member, kind: Kind::Other(found) }] = entries
        && member.label.is_empty()
    {
        return ErrorKind::NotALog { found: found.clone() }.into();
    }
    match candidates {
        [] => ErrorKind::NoMember { members: entries.iter().map(words).collect() },
        candidates => ErrorKind::ManyMembers { members: candidates.iter().map(|entry| words(entry)).collect() },
    }
    .into()
}

/// Looks for something inside of an archive in the archive.
struct Seek<'a> {
    label: &'a str,
    found: bool,
}

impl Visitor for Seek<'_> {
    fn wants(&mut self, label: &str) -> bool {
        self.found |= is_inside(label, Some(self.label));
        !self.found && leads_inside(label, Some(self.label))
    }

    fn visit(&mut self, _: &Member, _: &mut dyn Read) -> bool {
        !self.found
    }

    fn fault(&mut self, _: &str, _: Fault) {}
}

/// Looks at the start of every file.
struct Look<'a> {
    entries: Vec<Entry>,
    inside: Option<&'a str>,
    options: &'a Options,
    control: &'a Control,
    stopped: Option<Error>,
}

impl Visitor for Look<'_> {
    fn wants(&mut self, label: &str) -> bool {
        leads_inside(label, self.inside)
    }

    fn goes_on(&mut self) -> bool {
        self.stopped = self.control.go_on().err();
        self.stopped.is_none()
    }

    fn visit(&mut self, member: &Member, content: &mut dyn Read) -> bool {
        if !is_inside(&member.label, self.inside) {
            return true;
        }
        let kind = Kind::of(content, self.options.encoding);
        self.entries.push(Entry { member: member.clone(), kind });
        self.goes_on()
    }

    fn fault(&mut self, label: &str, fault: Fault) {
        let member = Member { label: label.to_owned(), size: None, modified: None };
        self.entries.push(Entry { member, kind: Kind::Fault(fault) });
    }
}
