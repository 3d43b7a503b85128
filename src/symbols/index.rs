//! Which files of a place have a name.
//!
//! A symbol store has a folder for each name (`name.pdb/GUIDAGE/name.pdb`). Such a folder is looked into when its name is asked for, so
//! that a store of any size costs the listing of one folder.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::read_dir,
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

/// Files by their names, in lower case.
#[derive(Debug, Default)]
pub struct Index {
    files: HashMap<String, Vec<PathBuf>>,
    /// Folders that are named as files are.
    stores: HashMap<String, Vec<PathBuf>>,
    /// What could not be looked at, and why.
    pub faults: Vec<(PathBuf, String)>,
}

/// Ends of names of files that stores have folders for.
const STORED: [&str; 12] = ["pdb", "dbg", "exe", "dll", "sys", "ocx", "drv", "cpl", "ax", "acm", "scr", "node"];

impl Index {
    /// Lists places. Folders are looked at once, whatever links lead to them.
    pub fn of(places: &[PathBuf]) -> Self {
        let mut index = Self::default();
        places.iter().for_each(|place| index.add(place));
        index
    }

    fn add(&mut self, place: &Path) {
        let mut walk = WalkDir::new(place).follow_links(true).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.fault(place, &error);
                    continue;
                }
            };
            let name = lower(entry.file_name());
            let found = if !entry.file_type().is_dir() {
                &mut self.files
            } else if entry.depth() > 0 && is_of_a_file(&name) && is_stored(entry.path()) {
                walk.skip_current_dir();
                &mut self.stores
            } else {
                continue;
            };
            found.entry(name).or_default().push(entry.into_path());
        }
    }

    fn fault(&mut self, place: &Path, error: &walkdir::Error) {
        // A link that leads back to where it is from leads to nothing new.
        if error.loop_ancestor().is_none() {
            let said = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
            self.faults.push((error.path().unwrap_or(place).to_owned(), said));
        }
    }

    /// The files of a name, and those that a store keeps for it. What cannot be looked at is left out.
    pub fn named(&self, name: &str) -> Vec<PathBuf> {
        let name = name.to_lowercase();
        let mut found = self.files.get(&name).cloned().unwrap_or_default();
        for store in self.stores.get(&name).into_iter().flatten() {
            let files = WalkDir::new(store).max_depth(2).follow_links(true).sort_by_file_name().into_iter().flatten();
            found.extend(files.filter(|entry| !entry.file_type().is_dir()).map(DirEntry::into_path));
        }
        found
    }
}

fn lower(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase()
}

fn is_of_a_file(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| STORED.contains(&end))
}

/// True if a folder has one for each build in it, whose name is a number; or nothing. Of others only the name is that of a file.
fn is_stored(folder: &Path) -> bool {
    let Ok(mut entries) = read_dir(folder) else { return true };
    let is_of_a_build = |entry: &std::fs::DirEntry| {
        lower(&entry.file_name()).bytes().all(|byte| byte.is_ascii_hexdigit())
            && entry.file_type().is_ok_and(|kind| !kind.is_file())
    };
    entries.next().is_none_or(|first| first.is_ok_and(|first| is_of_a_build(&first)))
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, write};

    use super::*;

    #[test]
    fn folders_and_stores_are_searched_without_regard_to_case() {
        let folder = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = folder.path().join(path);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(&path, "x").unwrap();
            path
        };
        let flat = make("build/x64/Shop.pdb");
        let stored = [make("store/shop.pdb/A1/shop.pdb"), make("store/shop.pdb/A2/shop.pd_")];
        let two_tier = make("store2/sh/shop.pdb/A3/shop.pdb");
        make("store/other.pdb/B/other.pdb");
        let below = make("crash of server.exe/new/shop.node/bin/shop.pdb");
        let index = Index::of(&[folder.path().to_owned(), folder.path().join("gone")]);
        let mut found = index.named("SHOP.PDB");
        found.sort();
        let mut expected = vec![flat, stored[0].clone(), stored[1].clone(), two_tier, below];
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(index.named("x64"), Vec::<PathBuf>::new());
        assert_eq!(index.faults.len(), 1);
        assert_eq!(index.faults[0].0, folder.path().join("gone"));
    }
}
