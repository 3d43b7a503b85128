//! `_NT_SYMBOL_PATH`: folders, stores and servers in one text. What is on a network is named and left alone.
//!
//! Source: Microsoft, "Symbol path for Windows debuggers".

use std::{
    env,
    path::{Path, PathBuf},
};

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
    /// name; a folder of a network that is named alone is meant, and one among others is left alone as servers are.
    /// `%NAME%` stands for a variable of the environment, and `~` in front for the home of the user: not every shell puts them in.
    pub fn of(text: &Path) -> Self {
        let words = text.to_str().filter(|_| !text.exists());
        let mut found = Self::default();
        match words {
            None => found.places.push(text.to_owned()),
            Some(words) => found.read(&expanded(words, &|name| env::var(name).ok())),
        }
        found
    }

    fn read(&mut self, words: &str) {
        if words.contains([';', '*']) {
            words.split(';').for_each(|element| self.add(bare(element)));
        } else {
            self.place(bare(words), false);
        }
    }

    fn add(&mut self, element: &str) {
        let mut parts = element.split('*').map(bare);
        let first = parts.next().unwrap_or_default();
        match first.to_ascii_lowercase().as_str() {
            "srv" | "cache" => {}
            // The program that asks the servers is named first.
            "symsrv" => drop(parts.next()),
            _ => self.place(first, true),
        }
        parts.for_each(|part| self.place(part, true));
    }

    fn place(&mut self, part: &str, is_one_of_many: bool) {
        let lower = part.to_ascii_lowercase();
        if part.is_empty() {
            return;
        }
        // Of `file:///C:/symbols` the path is behind the third slash, of `file:///builds` with it.
        let path = lower.strip_prefix("file:///").map(|path| &part[part.len() - path.len()..]);
        let path =
            path.map(|path| if path.as_bytes().get(1) == Some(&b':') { path.to_owned() } else { format!("/{path}") });
        let path = path.as_deref().unwrap_or(part);
        let is_server =
            ["http:", "https:", "ftp:", "file:"].iter().any(|scheme| lower.starts_with(scheme) && path == part);
        if is_server || (is_one_of_many && is_of_a_network(path)) {
            self.servers.push(part.to_owned());
        } else {
            self.places.push(at_home(path).unwrap_or_else(|| path.into()));
        }
    }
}

/// With the values of variables in their places; what is no name of one stays.
fn expanded(words: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut made = String::new();
    let mut rest = words;
    while let Some((before, behind)) = rest.split_once('%') {
        made.push_str(before);
        let named = behind.split_once('%').filter(|(name, _)| !name.is_empty());
        if let Some((value, after)) = named.and_then(|(name, after)| Some((value_of(name)?, after))) {
            made.push_str(&value);
            rest = after;
        } else {
            made.push('%');
            rest = behind;
        }
    }
    made + rest
}

/// The path below the home of the user that `~` begins; absent for any other.
fn at_home(path: &str) -> Option<PathBuf> {
    let rest = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))?;
    Some(env::home_dir()?.join(rest.trim_start_matches(['/', '\\'])))
}

/// Without blanks and quotes around it.
fn bare(part: &str) -> &str {
    part.trim().trim_matches('"').trim()
}

/// `\\server\share`, but for `\\?\C:\` and `\\.\`, which are of this machine.
fn is_of_a_network(path: &str) -> bool {
    let bytes = path.as_bytes();
    let is_slash = |at: usize| matches!(bytes.get(at), Some(b'\\' | b'/'));
    is_slash(0) && is_slash(1) && !matches!(bytes.get(2), None | Some(b'?' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_the_home_of_the_user_are_put_in() {
        let value_of = |name: &str| match name {
            "SystemRoot" => Some(r"C:\Windows".to_owned()),
            "MORE" => Some("D:\\a;D:\\b".to_owned()),
            _ => None,
        };
        for (words, wanted) in [
            (r"srv*%SystemRoot%\Symbols;%MORE%", r"srv*C:\Windows\Symbols;D:\a;D:\b"),
            (r"%NONE%\a;50%;%SystemRoot%", r"%NONE%\a;50%;C:\Windows"),
            ("%%SystemRoot%%", r"%C:\Windows%"),
            ("100%", "100%"),
        ] {
            assert_eq!(expanded(words, &value_of), wanted, "{words}");
        }
        let home = env::home_dir().unwrap();
        for (words, below) in [("~", ""), ("~/symbols", "symbols"), (r"~\symbols", "symbols")] {
            assert_eq!(SymbolPath::of(Path::new(words)).places, [home.join(below)], "{words}");
        }
        assert_eq!(SymbolPath::of(Path::new("~other/x")).places, [PathBuf::from("~other/x")]);
    }

    #[test]
    fn a_path_is_taken_apart() {
        for (text, places, servers) in [
            ("/builds/2.3", &["/builds/2.3"][..], &[][..]),
            ("/a;/b", &["/a", "/b"], &[]),
            (r"srv*C:\cache*https://msdl.example/download", &[r"C:\cache"], &["https://msdl.example/download"]),
            (r"SRV*https://msdl.example", &[], &["https://msdl.example"]),
            (r"symsrv*symsrv.dll*C:\a*\\server\share*http://x", &[r"C:\a"], &[r"\\server\share", "http://x"]),
            (r"\\server\share", &[r"\\server\share"], &[]),
            (r"srv*\\?\C:\a;//server/share", &[r"\\?\C:\a"], &["//server/share"]),
            (r#"srv*"C:\my symbols"*"https://x""#, &[r"C:\my symbols"], &["https://x"]),
            ("\"/a b\"", &["/a b"], &[]),
            ("file:///builds/x", &["/builds/x"], &[]),
            ("file:///C:/builds", &["C:/builds"], &[]),
            ("file://server/share", &[], &["file://server/share"]),
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
