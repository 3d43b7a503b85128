//! Archives in several files: `case.7z.001`, `case.7z.002`, …, or `case.z01`, …, `case.zip`. Read as if they were one.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// The files of an archive, in order, if it has several. The one named is the first part (`.001`) or the last (`.zip`).
pub fn all_parts(path: &Path) -> Option<Vec<PathBuf>> {
    let numbered = Numbered::new(path)?;
    let mut parts: Vec<PathBuf> = (1..).map(|number| numbered.part(number)).take_while(|part| part.is_file()).collect();
    if numbered.is_zip {
        parts.push(path.to_owned());
    }
    (parts.len() > 1).then_some(parts)
}

/// Parts in a row that can be missing and are still noticed: each is a question to the system, for every zip.
const GAP: u32 = 8;

/// The first part that is missing, if one behind it is there.
pub fn missing_part(path: &Path) -> Option<PathBuf> {
    let numbered = Numbered::new(path)?;
    let first = (1..).find(|number| !numbered.part(*number).is_file())?;
    let behind = (first + 1..=first + GAP).any(|number| numbered.part(number).is_file());
    behind.then(|| numbered.part(first))
}

/// How the parts of an archive are named.
struct Numbered<'a> {
    path: &'a Path,
    is_zip: bool,
    digits: usize,
}

impl<'a> Numbered<'a> {
    fn new(path: &'a Path) -> Option<Self> {
        let end = path.extension()?.to_str()?;
        let is_zip = end.eq_ignore_ascii_case("zip");
        let is_first = end.len() >= 3 && end.parse() == Ok(1u32);
        (is_zip || is_first).then_some(Self { path, is_zip, digits: if is_zip { 2 } else { end.len() } })
    }

    /// The path of a part, from 1.
    fn part(&self, number: u32) -> PathBuf {
        let mark = if self.is_zip { "z" } else { "" };
        self.path.with_extension(format!("{mark}{number:0digits$}", digits = self.digits))
    }
}

/// Files as one.
pub struct Joined {
    /// Each with where it begins.
    parts: Vec<(u64, File)>,
    len: u64,
    place: u64,
}

impl Joined {
    /// Opens all of them.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn open(paths: &[PathBuf]) -> io::Result<Self> {
        let mut joined = Self { parts: Vec::new(), len: 0, place: 0 };
        for path in paths {
            let file = File::open(path)?;
            let len = file.metadata()?.len();
            joined.parts.push((joined.len, file));
            joined.len += len;
        }
        Ok(joined)
    }
}

impl Read for Joined {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // Empty files begin where the next one does.
        let behind = self.parts.partition_point(|(start, _)| *start <= self.place);
        let Some((start, file)) = behind.checked_sub(1).and_then(|index| self.parts.get_mut(index)) else {
            return Ok(0);
        };
        file.seek(SeekFrom::Start(self.place - *start))?;
        let count = file.read(out)?;
        self.place += count as u64;
        Ok(count)
    }
}

impl Seek for Joined {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        let to = match place {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        self.place = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.place)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::write;

    use super::*;

    #[test]
    fn parts_are_read_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, bytes) in [("a.7z.001", "abc"), ("a.7z.002", ""), ("a.7z.003", "de"), ("a.7z.005", "x")] {
            write(path(name), bytes).unwrap();
        }
        let parts = all_parts(&path("a.7z.001")).unwrap();
        assert_eq!(parts.len(), 3);
        let mut joined = Joined::open(&parts).unwrap();
        let mut text = String::new();
        joined.read_to_string(&mut text).unwrap();
        joined.seek(SeekFrom::End(-3)).unwrap();
        joined.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcdecde");
        assert_eq!(all_parts(&path("a.7z.002")), None);
        assert_eq!(missing_part(&path("a.7z.001")), Some(path("a.7z.004")));
        write(path("a.7z.004"), "").unwrap();
        assert_eq!(missing_part(&path("a.7z.001")), None);
    }

    #[test]
    fn the_last_part_of_a_zip_names_those_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a.z01", "a.z02", "a.zip", "b.zip"] {
            write(path(name), "").unwrap();
        }
        assert_eq!(all_parts(&path("a.zip")), Some(vec![path("a.z01"), path("a.z02"), path("a.zip")]));
        assert_eq!(all_parts(&path("b.zip")), None);
        assert_eq!((missing_part(&path("a.zip")), missing_part(&path("b.zip"))), (None, None));
        write(path("b.z03"), "").unwrap();
        assert_eq!(missing_part(&path("b.zip")), Some(path("b.z01")));
    }
}
