//! A member of an archive becomes bytes: unpacked on a thread of its own, while those that are there are parsed.
//!
//! Invariant: what cannot be unpacked is the end of the bytes and a [`Fault`] beside them, so that what was there is read.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    control::Control,
    error::{Error, ErrorKind, Result, visible},
    input::{
        Bytes,
        archive::{
            self, Format, LEVEL, Member, ReadSeek, Rules, Visitor, all_parts, fault::Fault, missing_part, parts::Joined,
        },
        content::Content,
        waiting::{Pieces, Sender, Waiting, hand_over},
    },
};

/// The bytes of an archive, and its format.
type Opened = (Box<dyn ReadSeek>, &'static dyn Format);

/// The bytes of an archive.
#[derive(Debug, Clone)]
pub enum Packed {
    /// A file; the other parts of an archive in several files are beside it.
    Path(PathBuf),
    /// Bytes in memory.
    Content(Content),
}

impl Packed {
    /// The bytes, from the first.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn bytes(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(match self {
            Packed::Path(path) => match all_parts(path) {
                Some(parts) => Box::new(Joined::open(&parts)?),
                None => Box::new(File::open(path)?),
            },
            Packed::Content(content) => Box::new(Cursor::new(content.clone())),
        })
    }

    /// The bytes and their format, if it is that of an archive.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn open(&self) -> io::Result<Option<Opened>> {
        let mut bytes = self.bytes()?;
        let (_, format) = look(&mut *bytes)?;
        Ok(format.map(|format| (bytes, format)))
    }

    /// Its first bytes, and its format if it is an archive, or has a zip at its end.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn look(&self) -> io::Result<(Vec<u8>, Option<&'static dyn Format>)> {
        look(&mut *self.bytes()?)
    }

    /// Walks through it; false if it is no archive.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn walk(&self, rules: &Rules, visitor: &mut dyn Visitor) -> io::Result<bool> {
        let Some((bytes, format)) = self.open()? else { return Ok(false) };
        let missing = match self {
            Packed::Path(path) => missing_part(path),
            Packed::Content(_) => None,
        };
        let name = missing.as_ref().and_then(|part| part.file_name());
        match name {
            Some(name) => {
                let part = visible(&name.to_string_lossy());
                visitor.fault("", Fault::Damaged(format!("its part {part} is missing")));
                archive::walk(format, bytes, rules, &mut WithoutPart(visitor))?;
            }
            None => archive::walk(format, bytes, rules, visitor)?,
        }
        Ok(true)
    }
}

/// Takes the members of an archive of which a part is missing: why the rest of it is damaged was told.
struct WithoutPart<'a>(&'a mut dyn Visitor);

impl Visitor for WithoutPart<'_> {
    fn wants(&mut self, label: &str) -> bool {
        self.0.wants(label)
    }

    fn visit(&mut self, member: &Member, content: &mut dyn Read) -> bool {
        self.0.visit(member, content)
    }

    fn fault(&mut self, label: &str, fault: Fault) {
        if !label.is_empty() || !matches!(fault, Fault::Damaged(_)) {
            self.0.fault(label, fault);
        }
    }

    fn goes_on(&mut self) -> bool {
        self.0.goes_on()
    }
}

fn look(bytes: &mut dyn ReadSeek) -> io::Result<(Vec<u8>, Option<&'static dyn Format>)> {
    let mut start = Vec::new();
    bytes.take(archive::PEEK as u64).read_to_end(&mut start)?;
    let format = archive::outermost(&start, bytes);
    Ok((start, format))
}

/// A member that can be opened as often as it takes.
#[derive(Debug, Clone)]
pub struct MemberSource {
    /// Where it is.
    pub archive: Packed,
    /// Which it is.
    pub label: String,
    /// How the archive is opened.
    pub rules: Rules,
    /// `case.zip!logs/before.txt`; absent for the content of a compressed file that is bytes without a name.
    pub path: Option<PathBuf>,
    /// Its bytes, where they are in memory, and why there are no more.
    pub unpacked: Option<(Content, Option<Fault>)>,
    /// Its bytes as they are unpacked, for the first who opens it.
    pub live: Option<Live>,
    /// What is wrong with the archive as a whole, if that is known.
    pub fault: Option<Fault>,
}

/// Bytes that another thread unpacks, and what ended them early.
#[derive(Debug, Clone)]
pub struct Live {
    pieces: Arc<Mutex<Option<Pieces>>>,
    /// What goes wrong.
    pub fault: FaultSlot,
}

impl Live {
    /// Somebody sends these pieces.
    pub fn new(pieces: Pieces) -> Self {
        Self { pieces: Arc::new(Mutex::new(Some(pieces))), fault: FaultSlot::default() }
    }
}

impl MemberSource {
    /// The member of an archive with a path; bytes without a name are called that.
    pub fn new(archive: Packed, path: Option<&Path>, label: String, rules: Rules) -> Self {
        let path = if label.is_empty() {
            path.map(ToOwned::to_owned)
        } else {
            let mut path = path.unwrap_or(Path::new("<bytes>")).as_os_str().to_owned();
            path.push(format!("{LEVEL}{label}"));
            Some(path.into())
        };
        Self { archive, label, rules, path, unpacked: None, live: None, fault: None }
    }

    /// What is wrong with all of its bytes, wherever they end.
    pub fn faults_of_all(&self) -> FaultSlot {
        let slot = FaultSlot::default();
        self.fault.iter().for_each(|fault| slot.set(fault.clone()));
        slot
    }

    /// Its bytes, and what ends them early.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn open<'a>(&self, control: &'a Control) -> Result<Bytes<'a>> {
        let slot = self.faults_of_all();
        if let Some((content, fault)) = &self.unpacked {
            fault.iter().for_each(|fault| slot.set(fault.clone()));
            let len = content.len() as u64;
            return Ok(Bytes { reader: Box::new(Cursor::new(content.clone())), len: Some(len), fault: slot });
        }
        if let Some(Live { pieces, fault }) = &self.live
            && let Some(pieces) = pieces.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            return Ok(Bytes { reader: Box::new(Waiting::of(pieces, control)), len: None, fault: fault.clone() });
        }
        let (member, fault) = (Self { live: None, ..self.clone() }, slot.clone());
        let feed = move |sender: &Sender| {
            let mut feed = Feed { label: &member.label, sender, fault, found: false };
            let outcome = member.archive.walk(&member.rules, &mut feed);
            let missing = |kind: ErrorKind| io::Error::other(Error::new(kind));
            let error = match outcome {
                Ok(false) => missing(ErrorKind::NotAnArchive),
                Ok(true) if feed.found || feed.fault.first().is_some() => return,
                Ok(true) => missing(ErrorKind::NoSuchMember { wanted: member.label.clone(), near: None }),
                Err(error) => error,
            };
            sender.send(Err(error));
        };
        Ok(Bytes { reader: Box::new(Waiting::fed(feed, control)?), len: None, fault: slot })
    }
}

/// Why the bytes of a member ended early, once they have.
#[derive(Debug, Clone, Default)]
pub struct FaultSlot(Arc<Mutex<Vec<Fault>>>);

impl FaultSlot {
    /// The first thing that went wrong.
    pub fn first(&self) -> Option<Fault> {
        self.all().into_iter().next()
    }

    /// All that went wrong.
    pub fn all(&self) -> Vec<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What an error comes from: of bytes that ended early, what their parser says is not the reason.
    pub fn reason_for(&self, error: Error) -> Error {
        match self.first() {
            Some(fault) if error.kind().is_of_content() => ErrorKind::Packed { fault }.into(),
            _ => error,
        }
    }

    /// Notes what goes wrong, once.
    pub fn set(&self, fault: Fault) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
}

/// Sends the bytes of one member.
struct Feed<'a> {
    label: &'a str,
    sender: &'a Sender,
    fault: FaultSlot,
    found: bool,
}

impl Visitor for Feed<'_> {
    fn wants(&mut self, label: &str) -> bool {
        let inside = |rest: &str| rest.is_empty() || rest.starts_with(LEVEL);
        label.is_empty() || self.label.strip_prefix(label).is_some_and(inside)
    }

    fn visit(&mut self, member: &Member, content: &mut dyn Read) -> bool {
        if member.label != self.label {
            return true;
        }
        self.found = true;
        if let Err(error) = hand_over(content, self.sender) {
            self.fault.set(error.into());
        }
        false
    }

    fn fault(&mut self, label: &str, fault: Fault) {
        if self.wants(label) {
            self.fault.set(fault);
        }
    }
}
