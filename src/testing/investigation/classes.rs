//! The classes of the server whose objects lie on its heaps: where their tables of virtual functions are, and what linkers call these.
//!
//! Parts of Windows have classes, too, of which nobody but their makers has the names.

use super::{
    program::{MODULES, Module},
    symbols,
};

/// Classes of each module.
pub const CLASSES: u64 = 8;
/// Bytes from one table to the next, and the functions in each.
pub const APART: u64 = 0x40;
const FUNCTIONS: u64 = 5;
/// Templates, each of which makes a class of a class.
const TEMPLATES: [&str; 7] = ["Held", "Shared", "Lazy", "Queued", "Counted", "Pooled", "Cached"];

/// Where the constants of a module start, from its base.
pub fn constants(module: &Module) -> u64 {
    (module.bytes / 0x1000 * 3 / 4) * 0x1000
}

/// Where the table of a class is, from the base of its module.
pub fn table(module: &Module, class: u64) -> u64 {
    constants(module) + class * APART
}

/// What is in the table of a class of the module at a place in `MODULES`: functions, from its base.
pub fn functions(place: usize, class: u64) -> impl Iterator<Item = u64> {
    let count = MODULES[place].function_count();
    (0..FUNCTIONS).map(move |number| Module::function_start(place, (class * FUNCTIONS + number) % count))
}

/// The name of a class: what the classes of the module are called, and templates of these.
pub fn name(module: &Module, class: u64) -> Option<String> {
    let (word, template) = parts(module, class)?;
    Some(template.map_or_else(|| word.to_owned(), |template| format!("{template}<{word}>")))
}

/// What the linker calls the table of a class.
pub fn symbol(module: &Module, class: u64) -> Option<String> {
    let (word, template) = parts(module, class)?;
    Some(template.map_or_else(|| format!("??_7{word}@@6B@"), |template| format!("??_7?${template}@V{word}@@@@6B@")))
}

/// The class, and the template around it; nothing where there are no symbols.
fn parts(module: &Module, class: u64) -> Option<(&'static str, Option<&'static str>)> {
    let has_symbols = symbols::modules().any(|(_, known)| known.path == module.path);
    let words = module.classes().filter(|_| has_symbols)?;
    let class = usize::try_from(class).ok()?;
    let template = (class / words.len()).checked_sub(1).map(|number| TEMPLATES[number % TEMPLATES.len()]);
    Some((words[class % words.len()], template))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_name_of_its_own_and_a_table_in_its_module() {
        for module in &MODULES {
            let names: Vec<_> = (0..CLASSES).filter_map(|class| name(module, class)).collect();
            let symbols: Vec<_> = (0..CLASSES).filter_map(|class| symbol(module, class)).collect();
            let mut distinct = names.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!((distinct.len(), symbols.len()), (names.len(), names.len()), "{}", module.path);
            assert!(names.is_empty() || names.len() as u64 == CLASSES);
            assert!(names.is_empty() || !module.is_system());
            assert!(table(module, CLASSES) < module.bytes);
        }
        assert_eq!(name(&MODULES[24], 1).as_deref(), Some("Thumbnail"));
        assert_eq!(symbol(&MODULES[24], 4).as_deref(), Some("??_7?$Held@VThumbnail@@@@6B@"));
    }
}
