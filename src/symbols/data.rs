//! Names of data: of what lies exactly where pointers point, such as the tables of virtual functions of classes.
//!
//! ```text
//! shop+0x2010   ??_7Basket@shop@@6BItem@1@@   -> shop::Basket
//! shop+0x3010   _ZTVN4shop4ItemE at 0x3000    -> shop::Item, for objects point behind its first two words
//! shop+0x4000   ?limits@shop@@3HA             -> shop::limits
//! ```
//!
//! Invariant: a name counts for the place that it begins at, and for no other. Nothing is said of places in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    Store,
    resolve::{Code, Map, Outcome, refuse},
    undecorate::undecorated,
};

/// Between the names of one place: linkers fold tables that are alike.
const AND: &str = " | ";

/// Bytes of all names of a place, at most; where there are more, the text shows it.
const LONGEST: usize = 4096;

/// What symbols say of places: filled by a format, with what its file has.
pub struct Data<'p> {
    places: &'p [u32],
    /// Bytes of a pointer.
    pointer: u32,
    found: BTreeMap<u32, Names>,
}

/// The names of a place.
#[derive(Default)]
struct Names {
    classes: BTreeSet<String>,
    others: BTreeSet<String>,
    bytes: usize,
    are_more: bool,
}

impl<'p> Data<'p> {
    /// For places in a module, bytes from its base, in ascending order.
    pub fn of(places: &'p [u32]) -> Self {
        Self { places, pointer: 8, found: BTreeMap::new() }
    }

    /// The module is of a 32-bit program.
    pub fn is_32_bit(&mut self) {
        self.pointer = 4;
    }

    /// Tells a symbol: where it begins, and its name as the linker knows it.
    pub fn tell(&mut self, start: u32, name: &str) {
        self.add(start, name, self.pointer == 4);
    }

    /// Tells a symbol whose name has no decoration of C.
    pub fn tell_plain(&mut self, start: u32, name: &str) {
        self.add(start, name, false);
    }

    fn add(&mut self, start: u32, name: &str, is_decorated: bool) {
        let Some(place) = pointed_at(start, name, self.pointer) else { return };
        if self.places.binary_search(&place).is_err() {
            return;
        }
        let names = self.found.entry(place).or_default();
        if names.bytes >= LONGEST {
            names.are_more = true;
            return;
        }
        let shown = undecorated(name, is_decorated);
        let (list, shown) = match class(&shown) {
            Some(class) => (&mut names.classes, class),
            None => (&mut names.others, &*shown),
        };
        let shown = cut(shown);
        let bytes = shown.len() + AND.len();
        if list.insert(shown) {
            names.bytes += bytes;
        }
    }

    /// The names of the places that have one.
    pub fn finish(self) -> impl Iterator<Item = (u32, Arc<str>)> {
        self.found.into_iter().map(|(place, names)| (place, names.shown()))
    }
}

impl Names {
    /// Where one is that of a class, those of classes.
    fn shown(self) -> Arc<str> {
        let list = if self.classes.is_empty() { self.others } else { self.classes };
        let all = list.into_iter().collect::<Vec<_>>().join(AND);
        let mut shown = cut(&all);
        if self.are_more && !shown.ends_with('…') {
            shown.push_str(AND);
            shown.push('…');
        }
        shown.into()
    }
}

fn cut(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    format!("{}…", &name[..name.floor_char_boundary(LONGEST - '…'.len_utf8())])
}

/// Where pointers to a symbol point. The tables of the Itanium ABI begin with two words that no object points to.
fn pointed_at(start: u32, name: &str, pointer: u32) -> Option<u32> {
    let is_itanium = ["_ZTV", "__ZTV", "vtable for "].iter().any(|begin| name.starts_with(begin));
    if is_itanium { start.checked_add(2 * pointer) } else { Some(start) }
}

/// The class of a table of virtual functions, by its undecorated name; of which of several base classes the table is, is left out.
fn class(shown: &str) -> Option<&str> {
    let of_microsoft = ["::`vftable'", "::`local vftable'"].iter().find_map(|word| shown.rfind(word));
    let found = match of_microsoft {
        Some(end) => shown[..end].strip_prefix("const ").unwrap_or(&shown[..end]),
        None => {
            let braced = shown.strip_prefix("{vtable(").and_then(|shown| shown.strip_suffix(")}"));
            braced.or_else(|| shown.strip_prefix("vtable for "))?
        }
    };
    Some(found).filter(|found| !found.is_empty())
}

/// Names what begins exactly at addresses, in the order of these.
pub fn resolve_data(
    store: &Store,
    modules: &[Code<'_>],
    addresses: &[Option<u64>],
    by_name: bool,
) -> (Vec<Outcome>, Vec<Option<Arc<str>>>) {
    let by_module = Map::of(modules).by_module(0, addresses.iter().copied());
    let answers: Vec<_> = modules
        .par_iter()
        .zip(&by_module)
        .map(|(module, rows)| {
            let mut places: Vec<u32> = rows.iter().map(|(place, _)| *place).collect();
            places.sort_unstable();
            places.dedup();
            let mut found = store.find(&module.wanted, &[], by_name);
            let file = found.file.as_ref().filter(|_| !places.is_empty()).map(Arc::clone);
            let names = file.map_or_else(|| Ok(Vec::new()), |file| file.data(&places)).unwrap_or_else(|fault| {
                refuse(&mut found, &fault);
                Vec::new()
            });
            (found, places, names)
        })
        .collect();
    let mut names = vec![None; addresses.len()];
    let mut outcomes = Vec::with_capacity(modules.len());
    for ((found, places, said), rows) in answers.into_iter().zip(by_module) {
        for (place, row) in rows {
            let at = places.binary_search(&place).ok();
            names[row as usize] = at.and_then(|at| said.get(at).cloned().flatten());
        }
        let named = said.iter().flatten().count() as u32;
        outcomes.push(Outcome { found, addresses: places.len() as u32, named });
    }
    (outcomes, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(symbols: &[(u32, &str)], is_32_bit: bool) -> Vec<(u32, String)> {
        let places: Vec<u32> = (0..0x10).map(|number| 0x1000 + 8 * number).collect();
        let mut data = Data::of(&places);
        if is_32_bit {
            data.is_32_bit();
        }
        symbols.iter().for_each(|(start, name)| data.tell(*start, name));
        data.finish().map(|(place, name)| (place, name.to_string())).collect()
    }

    #[test]
    fn tables_of_virtual_functions_name_their_classes() {
        for (name, class) in [
            ("??_7Basket@shop@@6B@", "shop::Basket"),
            ("??_7Basket@shop@@6BItem@1@@", "shop::Basket"),
            ("??_7Basket@shop@@6BItem@1@Shipped@1@@", "shop::Basket"),
            ("??_7?$Held@VItem@shop@@@shop@@6B@", "shop::Held<shop::Item>"),
            ("??_7Hidden@?A0x1a2b3c4d@@6B@", "`anonymous namespace'::Hidden"),
            ("??_SBasket@shop@@6B@", "shop::Basket"),
            ("const shop::Basket::`vftable'", "shop::Basket"),
            ("shop::Basket::`vftable'{for `shop::Item'}", "shop::Basket"),
        ] {
            assert_eq!(names(&[(0x1000, name)], false), [(0x1000, class.to_owned())], "{name}");
        }
    }

    #[test]
    fn objects_point_behind_the_first_two_words_of_a_table_of_the_itanium_abi() {
        for (name, class) in [
            ("_ZTVN4shop6BasketE", "shop::Basket"),
            ("_ZTVN4shop4HeldINS_4ItemEEE", "shop::Held<shop::Item>"),
            ("_ZTVN12_GLOBAL__N_16HiddenE", "(anonymous namespace)::Hidden"),
            ("vtable for shop::Basket", "shop::Basket"),
        ] {
            assert_eq!(names(&[(0x1000, name)], false), [(0x1010, class.to_owned())], "{name}");
        }
        assert_eq!(names(&[(0x1000, "__ZTVN4shop6BasketE")], true), [(0x1008, "shop::Basket".to_owned())]);
        assert_eq!(names(&[(u32::MAX - 3, "_ZTV1A")], false), []);
    }

    #[test]
    fn other_data_has_its_name_and_what_lies_between_has_none() {
        let found = names(&[(0x1000, "?limits@shop@@3HA"), (0x1008, "_ops"), (0x100C, "between")], true);
        assert_eq!(found, [(0x1000, "shop::limits".to_owned()), (0x1008, "ops".to_owned())]);
        assert_eq!(names(&[(0x1008, "_ops")], false), [(0x1008, "_ops".to_owned())]);
    }

    #[test]
    fn all_names_of_a_place_are_shown_and_those_of_classes_before_others() {
        let folded = [(0x1000, "??_7B@@6B@"), (0x1000, "??_7A@@6BX@@@"), (0x1000, "label"), (0x1000, "??_7A@@6BY@@@")];
        assert_eq!(names(&folded, false), [(0x1000, "A | B".to_owned())]);
        let many: Vec<String> = (0..10_000).map(|number| format!("??_7Class{number}@@6B@")).collect();
        let many: Vec<(u32, &str)> = many.iter().map(|name| (0x1000, name.as_str())).collect();
        let shown = &names(&many, false)[0].1;
        assert!(shown.ends_with('…') && shown.len() <= LONGEST + 32, "{}", shown.len());
        let long = "x".repeat(10_000);
        assert_eq!(names(&[(0x1000, &long)], false)[0].1, format!("{}…", "x".repeat(LONGEST - 3)));
    }
}
