//! What symbols a module needs, and what their files can be called.

use super::id::Id;

/// What a capture knows of the symbols of a module.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// Name of the module's file, without folder.
    pub file: &'a str,
    /// Bytes of address space.
    pub size: Option<u64>,
    /// Link time stamp; of dumps.
    pub timestamp: Option<u32>,
    /// Name of the PDB, where it is known.
    pub debug_file: Option<&'a str>,
    /// The build.
    pub id: Option<Id>,
    /// The log names the build itself, by the place that its tool had the symbols from.
    pub is_id_of_log: bool,
}

impl Wanted<'_> {
    /// The name of the file that a symbol server is asked for.
    pub fn asked(&self) -> String {
        let stem = self.file.rsplit_once('.').map_or(self.file, |(stem, _)| stem);
        self.debug_file.map_or_else(|| format!("{stem}.pdb"), |path| last_part(path).to_owned())
    }

    /// Names that its symbols can have.
    pub fn names(&self) -> Vec<String> {
        /// Files of 64-bit Windows that have the names of others in it for 32-bit programs.
        const OTHERS: [&str; 8] =
            ["ntdll", "kernel32", "kernelbase", "user32", "gdi32", "gdi32full", "win32u", "rpcrt4"];
        let file = self.file.to_lowercase();
        let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
        let named = self.debug_file.map(|path| last_part(path).to_lowercase());
        let mut pdbs: Vec<String> = named.into_iter().collect();
        pdbs.push(format!("{stem}.pdb"));
        if OTHERS.contains(&stem) {
            pdbs.push(format!("w{stem}.pdb"));
        }
        let mut names = Vec::new();
        for pdb in pdbs {
            let base = pdb.strip_suffix(".pdb").unwrap_or(&pdb);
            names.extend([format!("{base}.sym"), format!("{base}.pd_"), format!("{base}.pdb.gz")]);
            names.push(pdb);
        }
        names.push(format!("{file}.sym"));
        names.push(file);
        names
    }
}

/// The name at the end of a path of Windows or another system.
fn last_part(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}
