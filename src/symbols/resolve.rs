//! Addresses of many modules become names.

use std::sync::Arc;

use rayon::prelude::*;

use super::{Answer, Found, Kind, Store, Wanted, fault::Fault};

/// A module, and where it lies.
#[derive(Debug, Clone)]
pub struct Code<'a> {
    /// What is looked for.
    pub wanted: Wanted<'a>,
    /// First address.
    pub base: u64,
    /// Address behind the last.
    pub end: u64,
}

/// What became of a module.
pub struct Outcome {
    /// The file, or why there is none.
    pub found: Found,
    /// Addresses that lie in the module.
    pub addresses: u32,
    /// Those with a name.
    pub named: u32,
}

/// A name for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Bytes from the base of the module.
    pub place: u32,
    /// What the file says.
    pub answer: Arc<Answer>,
    /// It is far from the public symbol before it, and may be in another function.
    pub is_doubtful: bool,
}

impl Named {
    /// Bytes from the start of the function.
    pub fn offset(&self) -> u64 {
        self.place.saturating_sub(self.answer.start).into()
    }
}

/// Bytes behind a public symbol from which a name is doubtful, and from which there is none. Measured on eight PDBs with and without
/// their private symbols: below 0x100 three in four names are right or more, beyond 0x1000 one in three.
const DOUBTFUL: (u64, u64) = (0x100, 0x1000);

/// Whether addresses are those of instructions, or where calls return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// The instruction before it is the one that is meant.
    Return,
    /// It is that of the instruction.
    Own,
}

/// Looks addresses up in the files of their modules.
///
/// Of modules that overlap, the one with the highest base that is not above the address holds it; of those with one base, the first.
pub fn resolve(
    store: &Store,
    modules: &[Code<'_>],
    addresses: &[Option<u64>],
    kind: Address,
    by_name: bool,
) -> (Vec<Outcome>, Vec<Option<Named>>) {
    let of_modules = by_module(modules, addresses);
    let answers: Vec<_> = modules
        .par_iter()
        .zip(&of_modules)
        .map(|(module, places)| of_module(store, module, places, kind, by_name))
        .collect();
    let mut named = vec![None; addresses.len()];
    let mut outcomes = Vec::with_capacity(modules.len());
    for (places, (found, answers)) in of_modules.into_iter().zip(answers) {
        let mut count = 0;
        for ((_, row), answer) in places.iter().zip(answers) {
            count += u32::from(answer.is_some());
            named[*row] = answer;
        }
        outcomes.push(Outcome { found, addresses: places.len() as u32, named: count });
    }
    (outcomes, named)
}

/// The addresses of each module: bytes from its base, and the row; in ascending order.
fn by_module(modules: &[Code<'_>], addresses: &[Option<u64>]) -> Vec<Vec<(u32, usize)>> {
    let mut order: Vec<usize> = (0..modules.len()).collect();
    order.sort_by_key(|index| modules[*index].base);
    order.dedup_by_key(|index| modules[*index].base);
    let mut found = vec![Vec::new(); modules.len()];
    for (row, address) in addresses.iter().enumerate() {
        let Some(address) = *address else { continue };
        let behind = order.partition_point(|index| modules[*index].base <= address);
        let Some(index) = order[..behind].last() else { continue };
        if let (true, Ok(place)) = (address < modules[*index].end, u32::try_from(address - modules[*index].base)) {
            found[*index].push((place, row));
        }
    }
    found.iter_mut().for_each(|places| places.sort_unstable());
    found
}

fn of_module(
    store: &Store,
    module: &Code<'_>,
    places: &[(u32, usize)],
    kind: Address,
    by_name: bool,
) -> (Found, Vec<Option<Named>>) {
    let own: Vec<u32> = places.iter().map(|(place, _)| *place).collect();
    let mut distinct = own.clone();
    distinct.dedup();
    let returns = if kind == Address::Return { &distinct[..] } else { &[] };
    let mut found = store.find(&module.wanted, returns, by_name);
    let Some(file) = found.file.as_ref().map(Arc::clone) else { return (found, vec![None; places.len()]) };
    let back = u32::from(kind == Address::Return);
    let asked: Vec<u32> = distinct.iter().map(|place| place.saturating_sub(back)).collect();
    let is_public_only = file.facts().is_ok_and(|facts| facts.kind == Kind::Public);
    match file.answers(&asked) {
        Ok(answers) => {
            let mut known = distinct.iter().zip(answers).peekable();
            let name = |place: &u32| {
                while known.next_if(|(known, _)| *known < place).is_some() {}
                known.peek().and_then(|(_, answer)| named(*place, answer.as_ref()?, is_public_only))
            };
            (found, own.iter().map(name).collect())
        }
        Err(fault) => {
            refuse(&mut found, &fault);
            (found, vec![None; places.len()])
        }
    }
}

fn refuse(found: &mut Found, fault: &Fault) {
    if let Some(file) = found.file.take() {
        found.reason = Some(format!("{}: {fault}", file.path.display()));
        found.faults.push((file.path.clone(), fault.to_string()));
        found.by = super::Match::None;
    }
}

fn named(place: u32, answer: &Arc<Answer>, is_public_only: bool) -> Option<Named> {
    let mut named = Named { place, answer: Arc::clone(answer), is_doubtful: false };
    if answer.is_public || is_public_only {
        let offset = named.offset();
        if offset >= DOUBTFUL.1 {
            return None;
        }
        named.is_doubtful = offset >= DOUBTFUL.0;
    }
    Some(named)
}
