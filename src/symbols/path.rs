//! `_NT_SYMBOL_PATH`: folders, stores and servers in one text. What is on a network is named and left alone.
//!
//! Source: Microsoft, "Symbol path for Windows debuggers".

use std::path::{Path, PathBuf};

/// A symbol path taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SymbolPath {
    /// Folders and files of this machine, in order.
    pub places: Vec<PathBuf>,
    /// Servers, as they are written.
    pub servers: Vec<String>,
}

impl SymbolPath {
    /// Reads `srv*C:\cache*https://server;D:\build;cache*E:\more`. What is there by the whole name is a path, whatever is in its
    /// name.
    pub fn of(text: &Path) -> Self {
        let words = text.to_str().filter(|_| !text.exists());
        let mut found = Self::default();
        match words {
            None => found.places.push(text.to_owned()),
            Some(words) => words.split(';').for_each(|element| found.add(element.trim())),
        }
        found
    }

    fn add(&mut self, element: &str) {
        let mut parts = element.split('*').map(str::trim);
        let first = parts.next().unwrap_or_default();
        match first.to_ascii_lowercase().as_str() {
            "srv" | "cache" => {}
            // The program that asks the servers is named first.
            "symsrv" => drop(parts.next()),
            _ => self.place(first),
        }
        parts.for_each(|part| self.place(part));
    }

    fn place(&mut self, part: &str) {
        let lower = part.to_ascii_lowercase();
        if part.is_empty() {
            return;
        }
        if ["http:", "https:", "ftp:"].iter().any(|scheme| lower.starts_with(scheme)) {
            self.servers.push(part.to_owned());
        } else {
            self.places.push(part.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart() {
        for (text, places, servers) in [
            ("/builds/2.3", &["/builds/2.3"][..], &[][..]),
            ("/a;/b", &["/a", "/b"], &[]),
            (r"srv*C:\cache*https://msdl.example/download", &[r"C:\cache"], &["https://msdl.example/download"]),
            (r"SRV*https://msdl.example", &[], &["https://msdl.example"]),
            (r"symsrv*symsrv.dll*C:\a*\\server\share*http://x", &[r"C:\a", r"\\server\share"], &["http://x"]),
            (r"cache*C:\c;srv*;; D:\b ", &[r"C:\c", r"D:\b"], &[]),
            ("https://x", &[], &["https://x"]),
            ("", &[], &[]),
        ] {
            let found = SymbolPath::of(Path::new(text));
            assert_eq!(found.places, places.iter().map(PathBuf::from).collect::<Vec<_>>(), "{text}");
            assert_eq!(found.servers, servers, "{text}");
        }
    }
}
