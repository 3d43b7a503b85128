//! The symbols of the imagined server, as Breakpad's text: every function of the product, with invented files and lines, and the tables of
//! virtual functions of its classes.

use std::io::{self, Write};

use xxhash_rust::xxh3::xxh3_128;

use super::{
    classes::{self, CLASSES},
    program::{FUNCTION_BYTES, MODULES, Module},
};

/// The module whose symbols the customer's machine lacks.
pub const WITHOUT: &str = "fhlicence";
/// A part of others, built with tools of another age.
pub const OLD: &str = "marlinsql";
/// Age of all symbols.
pub const AGE: u32 = 1;

/// The modules of which there are symbols.
pub(super) fn modules() -> impl Iterator<Item = (usize, &'static Module)> {
    MODULES.iter().enumerate().filter(|(_, module)| !module.is_system() && ![WITHOUT, OLD].contains(&module.name()))
}

/// The identity of a module's symbols, as symbol stores write it.
pub(super) fn id(module: &Module) -> String {
    format!("{:032X}{AGE:X}", xxh3_128(module.path.as_bytes()))
}

/// The GUID of it as dumps have it: the three numbers in front begin with their lowest byte.
pub fn guid(path: &str) -> [u8; 16] {
    let mut bytes = xxh3_128(path.as_bytes()).to_be_bytes();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

/// Bytes of code for each line of source, but for the last of a function.
const LINE_BYTES: u64 = 0x20;
/// Which line of a class's functions is a call that was inlined, and the line where that function is.
const INLINED: (u64, u64) = (4, 12);

/// The files of symbols: the name of each, and what is in it.
///
/// # Errors
///
/// None that can be.
pub fn files() -> io::Result<Vec<(String, Vec<u8>)>> {
    let file = |(place, module): (usize, &Module)| {
        let mut text = Vec::new();
        write(&mut text, place)?;
        Ok((format!("{}.sym", module.name()), text))
    };
    modules().map(file).collect()
}

/// Writes the symbols of a module by its place in [`MODULES`].
fn write(out: &mut impl Write, place: usize) -> io::Result<()> {
    let module = &MODULES[place];
    let name = module.name();
    writeln!(out, "MODULE windows x86_64 {} {name}.pdb", id(module))?;
    let mut files: Vec<String> = Vec::new();
    let mut classes: Vec<String> = Vec::new();
    let mut functions = Vec::new();
    for number in 0..=module.function_count() {
        let function = module.function_name(number);
        let class = function.split_once("::").map_or("allocator", |(class, _)| class);
        let file = format!(r"D:\fernhollow\{name}\{}.cpp", class.to_lowercase());
        let known = files.iter().position(|known| *known == file).unwrap_or_else(|| {
            files.push(file);
            classes.push(class.to_owned());
            files.len() - 1
        });
        functions.push((number, function, known));
    }
    for (number, file) in files.iter().enumerate() {
        writeln!(out, "FILE {number} {file}")?;
    }
    for (number, class) in classes.iter().enumerate() {
        writeln!(out, "INLINE_ORIGIN {number} {class}::Keep")?;
    }
    for (number, function, file) in functions {
        let start = Module::function_start(place, number);
        writeln!(out, "FUNC {start:x} {FUNCTION_BYTES:x} 0 {function}")?;
        let first = 20 + number % 12 * 40;
        let has_inlined = function.contains("::");
        if has_inlined {
            let (line, place) = (first + INLINED.0, start + INLINED.0 * LINE_BYTES);
            writeln!(out, "INLINE 0 {line} {file} {file} {place:x} {LINE_BYTES:x}")?;
        }
        for line in 0..FUNCTION_BYTES / LINE_BYTES {
            let shown = if has_inlined && line == INLINED.0 { INLINED.1 } else { first + line };
            writeln!(out, "{:x} {LINE_BYTES:x} {shown} {file}", start + line * LINE_BYTES)?;
        }
    }
    for class in 0..CLASSES {
        let symbol = classes::symbol(module, class).unwrap_or_default();
        writeln!(out, "PUBLIC {:x} 0 {symbol}", classes::table(module, class))?;
    }
    Ok(())
}
