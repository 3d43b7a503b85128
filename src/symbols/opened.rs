//! A symbol file that was opened, with what it said so far.

use std::{
    collections::HashMap,
    fs::{File, read_to_string},
    io::{Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    data::Data,
    fault::Fault,
    files::{self, Facts, Format},
    image::{self, Calls, Image},
    known::Known,
    structures::Structure,
};
use crate::input::{
    archive::{self, Member, Rules, Visitor, fault::Fault as ArchiveFault},
    content::Content,
};

/// A file that has names, or is an image, or both.
pub struct Opened {
    /// The file.
    pub path: PathBuf,
    content: Content,
    /// Names, and what the file says of itself.
    names: Result<(&'static dyn Format, Facts), Fault>,
    /// The image.
    pub image: Option<Image>,
    known: Mutex<Arc<Known>>,
    data: Mutex<DataNames>,
}

/// Places that were asked for, and the names of the data that begins there.
type DataNames = HashMap<u32, Option<Arc<str>>>;

impl Opened {
    /// Opens a file. A packed one (`name.pd_`) is unpacked into memory; in place of a pointer (`file.ptr`) the file that it names is
    /// opened.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is neither symbols nor an image.
    pub fn of(path: &Path) -> Result<Self, Fault> {
        Self::of_content(path, content(path)?)
    }

    /// Opens what a file holds.
    ///
    /// # Errors
    ///
    /// If it is neither symbols nor an image.
    pub fn of_content(path: &Path, content: Content) -> Result<Self, Fault> {
        let start = &content[..content.len().min(START)];
        let image = if image::begins(start) { Some(guarded(|| image::image(&content))?) } else { None };
        let names = files::format(start).and_then(|format| Ok((format, guarded(|| format.facts(&content))?)));
        match (&names, &image) {
            (Err(fault), None) => Err(fault.clone()),
            _ => Ok(Self {
                path: path.to_owned(),
                content,
                names,
                image,
                known: Mutex::default(),
                data: Mutex::default(),
            }),
        }
    }

    /// What it says of its names.
    ///
    /// # Errors
    ///
    /// If it has none.
    pub fn facts(&self) -> Result<&Facts, &Fault> {
        self.names.as_ref().map(|(_, facts)| facts)
    }

    /// Looks up places: bytes from the base of the module, in ascending order and each once. What was asked before is known.
    ///
    /// # Errors
    ///
    /// If the file is damaged.
    pub fn answers(&self, places: &[u32]) -> Result<Arc<Known>, Fault> {
        let (format, _) = self.names.as_ref().map_err(Clone::clone)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = known.lacks(places);
        if !new.is_empty() {
            // What a reader told before it gave up counts for nothing.
            let mut more = known.open(new.len(), self.content.len());
            guarded(|| format.tell(&self.content, &new, &mut more))?;
            more.close();
            *known = Arc::new(more);
        }
        Ok(Arc::clone(&known))
    }

    /// Names of the data that begins at places: bytes from the base of the module, in ascending order and each once. What was asked
    /// before is known.
    ///
    /// # Errors
    ///
    /// If the file is damaged.
    pub fn data(&self, places: &[u32]) -> Result<Vec<Option<Arc<str>>>, Fault> {
        let (format, _) = self.names.as_ref().map_err(Clone::clone)?;
        let mut known = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<u32> = places.iter().filter(|place| !known.contains_key(place)).copied().collect();
        if !new.is_empty() {
            let mut data = Data::of(&new);
            guarded(|| format.tell_data(&self.content, &mut data))?;
            known.extend(new.iter().map(|place| (*place, None)));
            known.extend(data.finish().map(|(place, name)| (place, Some(name))));
        }
        Ok(places.iter().map(|place| known.get(place).cloned().flatten()).collect())
    }

    /// The structures of some names.
    ///
    /// # Errors
    ///
    /// If the file is damaged, or has no names.
    pub fn structures(&self, names: &[&str]) -> Result<Vec<Structure>, Fault> {
        let (format, _) = self.names.as_ref().map_err(Clone::clone)?;
        guarded(|| format.structures(&self.content, names))
    }

    /// How many of some return addresses, bytes from the base of the module, are behind a call.
    ///
    /// # Errors
    ///
    /// If it is no image.
    pub fn calls(&self, places: &[u32]) -> Result<Calls, Fault> {
        guarded(|| image::calls(&self.content, places))
    }
}

/// First bytes that tell what a file is.
const START: usize = 4096;

/// Others' readers read what strangers made. Our own unwind with a fault, where others' are between.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let gave_up = |_| Fault::Damaged("its reader gave up".to_owned());
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(panic.downcast::<Fault>().map_or_else(gave_up, |fault| *fault)))
}

fn content(path: &Path) -> Result<Content, Fault> {
    if path.file_name().is_some_and(|name| name.eq_ignore_ascii_case("file.ptr")) {
        let text = read_to_string(path)?;
        let target = text.strip_prefix("PATH:").unwrap_or(&text).trim();
        return mapped(Path::new(target));
    }
    mapped(path)
}

fn mapped(path: &Path) -> Result<Content, Fault> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Fault::NotSymbols);
    }
    let mut start = Vec::new();
    file.by_ref().take(archive::PEEK as u64).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    match archive::format(&start) {
        Some(format) => unpacked(format, file),
        None if start.is_empty() => Err(Fault::Damaged("it is empty".to_owned())),
        None => Ok(Content::map_file(file)?),
    }
}

/// The largest PDB that is unpacked.
const UNPACKED: u64 = 4 << 30;

fn unpacked(format: &dyn archive::Format, file: File) -> Result<Content, Fault> {
    let mut rules = Rules::default();
    rules.limits.member_bytes = UNPACKED;
    let mut only = Only::default();
    archive::walk(format, Box::new(file), &rules, &mut only)?;
    match (only.content, only.fault) {
        (Some(content), _) => Ok(Content::new(content)),
        (None, Some(fault)) => Err(Fault::Damaged(fault.to_string())),
        (None, None) => Err(Fault::NotSymbols),
    }
}

/// Takes the only file of an archive.
#[derive(Default)]
struct Only {
    content: Option<Vec<u8>>,
    fault: Option<ArchiveFault>,
}

impl Visitor for Only {
    fn wants(&mut self, _: &str) -> bool {
        self.content.is_none()
    }

    fn visit(&mut self, _: &Member, content: &mut dyn Read) -> bool {
        let mut bytes = Vec::new();
        match content.read_to_end(&mut bytes) {
            Ok(_) => self.content = Some(bytes),
            Err(error) => self.fault = Some(error.into()),
        }
        false
    }

    fn fault(&mut self, _: &str, fault: ArchiveFault) {
        self.fault = Some(fault);
    }
}
