//! Which file has the names of a module, and what proves it.
//!
//! ```text
//! the log or a dump names the build   -> a file of that build, or none
//! the image lies beside               -> the file of its build, if the log's return addresses are behind calls there
//! neither                             -> a file of that name and size, if the caller takes it
//! ```
//!
//! Measured on two builds of a program, of one name and one size: the symbols of the other named all 1,563 addresses, 93 % of them
//! wrong, and 8.4 % of the return addresses were behind a call in the other's image, 100 % in the own one.

use std::{fmt::Write, path::PathBuf, sync::Arc};

use super::{Store, answer::Kind, id::Id, opened::Opened, wanted::Wanted};

/// What shows that a file is of the build of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Match {
    /// The identity that a dump names.
    Id,
    /// The identity in the place from which the log's tool had the symbols.
    IdFromLog,
    /// The image lies beside, and return addresses are behind calls in it, or a dump names its time and size.
    Image,
    /// Name and size alone.
    NameAndSize,
    /// The name alone.
    Name,
    /// There is no file, or none that may be taken.
    None,
    /// There are files, of other builds.
    Mismatch,
}

impl Match {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Match::Id => "id",
            Match::IdFromLog => "id_from_log",
            Match::Image => "image",
            Match::NameAndSize => "name_and_size",
            Match::Name => "name",
            Match::None => "none",
            Match::Mismatch => "mismatch",
        }
    }
}

/// The file for a module, or why there is none.
#[derive(Clone)]
pub struct Found {
    /// What shows that it is the right one.
    pub by: Match,
    /// The file with the names.
    pub file: Option<Arc<Opened>>,
    /// The nearest file that was not taken.
    pub refused: Option<(PathBuf, Option<Id>)>,
    /// The build that the right image names, where nothing else told it.
    pub id: Option<Id>,
    /// Why, in words; absent where all is well.
    pub reason: Option<String>,
    /// Files that are damaged or cannot be read, and why.
    pub faults: Vec<(PathBuf, String)>,
}

impl Found {
    fn none(by: Match, reason: String) -> Self {
        Self { by, file: None, refused: None, id: None, reason: Some(reason), faults: Vec::new() }
    }

    fn of(by: Match, file: &Arc<Opened>, reason: Option<String>) -> Self {
        Self { by, file: Some(Arc::clone(file)), refused: None, id: None, reason, faults: Vec::new() }
    }
}

/// Files that are opened for one module, at most; those whose folder is named as the build come first.
const TRIED: usize = 256;

/// Return addresses that are needed for a proof, and the share of them behind calls that is one.
const PROOF: (u32, f64) = (8, 0.95);

impl Store {
    /// Looks for the file of a module; `places` are return addresses in it, bytes from its base. Names and sizes alone are enough if
    /// `by_name`.
    pub fn find(&self, wanted: &Wanted<'_>, places: &[u32], by_name: bool) -> Found {
        let mut faults = Vec::new();
        let mut found = match wanted.id {
            Some(id) => self.by_id(wanted, id, &mut faults),
            None => self.by_image(wanted, places, &mut faults).unwrap_or_else(|| {
                let files = self.opened(wanted, None, &mut faults);
                by_name_and_size(wanted, &files, by_name)
            }),
        };
        // That a file is damaged says more than that there is none.
        if found.file.is_none()
            && found.refused.is_none()
            && let Some((path, fault)) = faults.first()
        {
            found.reason = Some(format!("{}: {fault}", path.display()));
        }
        found.faults = faults;
        found
    }

    fn by_id(&self, wanted: &Wanted<'_>, id: Id, faults: &mut Vec<(PathBuf, String)>) -> Found {
        let files = self.opened(wanted, Some(id), faults);
        let by = if wanted.is_id_of_log { Match::IdFromLog } else { Match::Id };
        let ages = |file: &&Arc<Opened>| {
            let facts = file.facts().ok()?;
            let known = facts.id.filter(|known| known.has_signature_of(&id))?;
            Some((known.age, facts.file_age.unwrap_or(known.age)))
        };
        if let Some(file) = files.iter().find(|file| ages(file).is_some_and(|(age, _)| age == id.age)) {
            return Found::of(by, file, None);
        }
        // Programs that add to a PDB count on; of one that is older than the image nobody knows what it lacks.
        if let Some(file) =
            files.iter().find(|file| ages(file).is_some_and(|(age, of_file)| age.max(of_file) >= id.age))
        {
            let age = file.facts().ok().and_then(|facts| facts.id).map_or(0, |id| id.age);
            return Found::of(by, file, Some(format!("its age is {age}, that of the module {}", id.age)));
        }
        // An image with DWARF has its names in itself.
        let own = |file: &&Arc<Opened>| {
            let same = |image: &super::image::Image| {
                image.id == Some(id) || (Some(image.timestamp) == wanted.timestamp && Some(image.size) == wanted.size)
            };
            file.facts().is_ok_and(|facts| facts.kind == Kind::Dwarf) && file.image.as_ref().is_some_and(same)
        };
        if let Some(file) = files.iter().find(own) {
            return Found::of(Match::Image, file, None);
        }
        refused(&files, format!("expected the build {id}"))
    }

    /// By the image that lies beside; absent where there is none of the module's size.
    fn by_image(&self, wanted: &Wanted<'_>, places: &[u32], faults: &mut Vec<(PathBuf, String)>) -> Option<Found> {
        let size = wanted.size?;
        let images = self.named(wanted.file).into_iter().take(TRIED).filter_map(|path| self.open(&path).ok());
        let images: Vec<_> =
            images.filter(|file| file.image.as_ref().is_some_and(|image| image.size == size)).collect();
        let proved = |file: &Arc<Opened>| {
            let image = file.image.as_ref()?;
            if wanted.timestamp.is_some_and(|time| time != 0) {
                return (wanted.timestamp == Some(image.timestamp)).then_some(None);
            }
            let calls = file.calls(places).ok()?;
            let share = f64::from(calls.behind_a_call) / f64::from(calls.places.max(1));
            let said = format!("{} of {} return addresses are behind a call", calls.behind_a_call, calls.places);
            (calls.places >= PROOF.0 && share >= PROOF.1).then_some(Some(said))
        };
        let mut right: Vec<_> = images.iter().filter_map(|file| Some((file, proved(file)?))).collect();
        right.dedup_by_key(|(file, _)| file.image.clone());
        match right[..] {
            [] => {
                let file = images.first()?;
                let calls = file.calls(places).unwrap_or_default();
                // Of so few addresses nothing follows.
                if calls.places < PROOF.0 && wanted.timestamp.is_none_or(|time| time == 0) {
                    return None;
                }
                let said = format!(
                    "{} is of another build: {} of {} return addresses are behind a call",
                    file.path.display(),
                    calls.behind_a_call,
                    calls.places
                );
                let refused = Some((file.path.clone(), file.image.as_ref().and_then(|image| image.id)));
                Some(Found { refused, ..Found::none(Match::Mismatch, said) })
            }
            [(file, ref said)] => Some(self.of_image(wanted, file, said.clone(), faults)),
            [(one, _), (other, _), ..] => {
                let said = format!("two images fit: {} and {}", one.path.display(), other.path.display());
                Some(Found::none(Match::None, said))
            }
        }
    }

    /// The names for an image that is the right one.
    fn of_image(
        &self,
        wanted: &Wanted<'_>,
        file: &Arc<Opened>,
        said: Option<String>,
        faults: &mut Vec<(PathBuf, String)>,
    ) -> Found {
        if file.facts().is_ok() {
            return Found::of(Match::Image, file, said);
        }
        let image = file.image.as_ref();
        let Some(id) = image.and_then(|image| image.id) else {
            return Found::none(Match::None, format!("{} names no PDB", file.path.display()));
        };
        let debug_file = image.and_then(|image| image.debug_file.as_deref());
        let found = self.by_id(&Wanted { debug_file, id: Some(id), ..wanted.clone() }, id, faults);
        let found = Found { id: Some(id), ..found };
        if found.file.is_some() { Found { by: Match::Image, reason: found.reason.or(said), ..found } } else { found }
    }

    /// Opens the files that can have the names of a module.
    fn opened(&self, wanted: &Wanted<'_>, id: Option<Id>, faults: &mut Vec<(PathBuf, String)>) -> Vec<Arc<Opened>> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for name in wanted.names() {
            for path in self.named(&name) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        if let Some(id) = id {
            let folder = id.to_string();
            let is_of_it = |path: &PathBuf| {
                path.parent()
                    .and_then(|parent| parent.file_name())
                    .is_some_and(|name| name.eq_ignore_ascii_case(&folder))
            };
            paths.sort_by_key(|path| !is_of_it(path));
        }
        let mut open = |path: PathBuf| match self.open(&path) {
            Ok(file) => Some(file),
            Err(fault) => {
                faults.push((path, fault.to_string()));
                None
            }
        };
        paths.into_iter().take(TRIED).filter_map(&mut open).collect()
    }
}

fn by_name_and_size(wanted: &Wanted<'_>, files: &[Arc<Opened>], by_name: bool) -> Found {
    let of = |file: &&Arc<Opened>| file.facts().ok().cloned();
    let with_names: Vec<_> = files.iter().filter_map(|file| Some((file, of(&file)?))).collect();
    let fits = |size: Option<u64>| size.is_some() && size == wanted.size;
    let sized: Vec<_> = with_names.iter().filter(|(_, facts)| fits(facts.image_size)).collect();
    let (by, candidates) =
        if sized.is_empty() { (Match::Name, with_names.iter().collect()) } else { (Match::NameAndSize, sized) };
    let contradicts = |size: Option<u64>| wanted.size.is_some() && size.is_some() && size != wanted.size;
    let candidates: Vec<_> = candidates.into_iter().filter(|(_, facts)| !contradicts(facts.image_size)).collect();
    let Some((first, facts)) = candidates.first() else {
        if with_names.is_empty() {
            return Found::none(Match::None, format!("expected {}, found no file of that name", wanted.asked()));
        }
        return refused(files, format!("expected symbols of an image of {} bytes", wanted.size.unwrap_or(0)));
    };
    if let Some((other, _)) = candidates.iter().find(|(_, other)| other.id != facts.id) {
        let said = format!("two files of different builds fit: {} and {}", first.path.display(), other.path.display());
        return Found { refused: Some((first.path.clone(), facts.id)), ..Found::none(Match::None, said) };
    }
    let what = if by == Match::Name { "the name" } else { "name and size" };
    let said = format!("nothing but {what} shows that it is of this build");
    if by_name {
        return Found::of(by, first, Some(said));
    }
    let refused = Some((first.path.clone(), facts.id));
    Found { refused, ..Found::none(Match::None, format!("{}: {said}", first.path.display())) }
}

/// Files of other builds are there.
fn refused(files: &[Arc<Opened>], expected: String) -> Found {
    let mut with_names = files.iter().filter_map(|file| Some((file, file.facts().ok()?)));
    let Some((file, facts)) = with_names.next() else {
        return Found::none(Match::None, format!("{expected}, found no file of it"));
    };
    let mut said = format!("{expected}, found ");
    let _ = match (facts.id, facts.image_size) {
        (Some(id), _) if expected.contains("build") => write!(said, "{id}"),
        (_, Some(size)) => write!(said, "{size}"),
        _ => write!(said, "one that does not tell"),
    };
    let _ = write!(said, " in {}", file.path.display());
    let more = with_names.count();
    if more > 0 {
        let _ = write!(said, " and {more} more");
    }
    Found { refused: Some((file.path.clone(), facts.id)), ..Found::none(Match::Mismatch, said) }
}
