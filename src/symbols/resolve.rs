//! Addresses of many modules become names.

use std::{ops::Range, sync::Arc};

use rayon::prelude::*;

use super::{
    Found, Kind, Store, Wanted,
    fault::Fault,
    known::{Function, Inlined, Known, Told},
};

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

/// Names for addresses, in the order of these.
pub struct Names {
    rows: Vec<Option<Row>>,
    said: Vec<Said>,
}

/// What the file of a module said; nothing, where there is none.
#[derive(Default)]
pub struct Said {
    /// All that is known.
    pub known: Arc<Known>,
    /// Texts that names have.
    pub used: Vec<bool>,
}

/// An address that has a name.
#[derive(Debug, Clone, Copy)]
struct Row {
    module: u32,
    /// Of the places that the file knows.
    row: u32,
    place: u32,
    is_doubtful: bool,
}

impl Names {
    /// What the file of each module said.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// The names for some of the addresses.
    pub fn of(&self, rows: Range<usize>) -> Vec<Option<Named<'_>>> {
        self.rows[rows].iter().map(|row| self.named(row.as_ref()?)).collect()
    }

    fn named(&self, row: &Row) -> Option<Named<'_>> {
        let known = &self.said[row.module as usize].known;
        let told = known.places()[row.row as usize].1?;
        let function = known.functions[told.function as usize];
        let Row { module, place, is_doubtful, .. } = *row;
        Some(Named { module, place, function, told, calls: known.calls(&told), is_doubtful })
    }
}

/// A name for an address.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The module's number; its texts are those of this.
    pub module: u32,
    /// Bytes from the base of the module.
    pub place: u32,
    /// The function that it is in.
    pub function: Function,
    /// Where in the source.
    pub told: Told,
    /// Calls that were inlined there, innermost first.
    pub calls: &'a [Inlined],
    /// It is far from the public symbol before it, and may be in another function.
    pub is_doubtful: bool,
}

impl Named<'_> {
    /// Bytes from the start of the function.
    pub fn offset(&self) -> u64 {
        self.place.saturating_sub(self.function.start).into()
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

/// Looks addresses up in the files of their modules; they come in parts, one behind the other.
///
/// Of modules that overlap, the one with the highest base that is not above the address holds it; of those with one base, the first.
pub fn resolve<A: ExactSizeIterator<Item = Option<u64>> + Send>(
    store: &Store,
    modules: &[Code<'_>],
    addresses: Vec<A>,
    kind: Address,
    by_name: bool,
) -> (Vec<Outcome>, Names) {
    let mut count = 0;
    let numbered = addresses.into_iter().map(|part| {
        let first = count;
        count += part.len();
        (first as u32, part)
    });
    let numbered: Vec<(u32, A)> = numbered.collect();
    let map = Map::of(modules);
    let parts: Vec<_> = numbered.into_par_iter().map(|(first, part)| map.by_module(first, part)).collect();
    let answers: Vec<_> = modules
        .par_iter()
        .enumerate()
        .map(|(index, module)| {
            let mut places: Vec<(u32, u32)> = parts.iter().flat_map(|part| &part[index]).copied().collect();
            places.sort_unstable();
            let (found, answers) = of_module(store, module, &places, kind, by_name);
            (places, found, answers)
        })
        .collect();
    drop(parts);
    let mut names = Names { rows: vec![None; count], said: Vec::with_capacity(modules.len()) };
    let mut outcomes = Vec::with_capacity(modules.len());
    for (module, (places, found, (said, named))) in answers.into_iter().enumerate() {
        let mut count = 0;
        for ((place, at), (row, is_doubtful)) in
            places.iter().zip(named).filter_map(|(place, named)| Some((place, named?)))
        {
            count += 1;
            names.rows[*at as usize] = Some(Row { module: module as u32, row, place: *place, is_doubtful });
        }
        names.said.push(said);
        outcomes.push(Outcome { found, addresses: places.len() as u32, named: count });
    }
    (outcomes, names)
}

/// Where modules lie.
pub struct Map<'m, 'a> {
    modules: &'m [Code<'a>],
    /// Numbers of modules, by their bases.
    order: Vec<usize>,
    bases: Vec<u64>,
}

impl<'m, 'a> Map<'m, 'a> {
    /// Of some modules.
    pub fn of(modules: &'m [Code<'a>]) -> Self {
        let mut order: Vec<usize> = (0..modules.len()).collect();
        order.sort_by_key(|index| modules[*index].base);
        order.dedup_by_key(|index| modules[*index].base);
        let bases = order.iter().map(|index| modules[*index].base).collect();
        Self { modules, order, bases }
    }

    /// The addresses of each module: bytes from its base, and the row; `first` is that of the first address.
    pub fn by_module(&self, first: u32, addresses: impl Iterator<Item = Option<u64>>) -> Vec<Vec<(u32, u32)>> {
        let mut found = vec![Vec::new(); self.modules.len()];
        for (row, address) in (first..).zip(addresses) {
            let Some(address) = address else { continue };
            let Some(before) = self.bases.partition_point(|base| *base <= address).checked_sub(1) else { continue };
            let index = self.order[before];
            if let (true, Ok(place)) = (address < self.modules[index].end, u32::try_from(address - self.bases[before]))
            {
                found[index].push((place, row));
            }
        }
        found
    }
}

/// What the file of a module says, and for each place that has a name its row there, and whether it is doubtful.
type Answers = (Said, Vec<Option<(u32, bool)>>);

fn of_module(
    store: &Store,
    module: &Code<'_>,
    places: &[(u32, u32)],
    kind: Address,
    by_name: bool,
) -> (Found, Answers) {
    let mut distinct: Vec<u32> = places.iter().map(|(place, _)| *place).collect();
    distinct.dedup();
    let returns = if kind == Address::Return { &distinct[..] } else { &[] };
    let mut found = store.find(&module.wanted, returns, by_name);
    let Some(file) = found.file.as_ref().map(Arc::clone) else { return (found, Answers::default()) };
    let back = u32::from(kind == Address::Return);
    let mut asked = distinct;
    asked.iter_mut().for_each(|place| *place = place.saturating_sub(back));
    // The places 0 and 1 are one then.
    asked.dedup();
    let is_public_only = file.facts().is_ok_and(|facts| facts.kind == Kind::Public);
    match file.answers(&asked) {
        Ok(known) => {
            let mut used = vec![false; known.texts().len()];
            let rows = known.rows(places.iter().map(|(place, _)| place.saturating_sub(back)));
            let name = |((place, _), row): (&(u32, u32), Option<usize>)| {
                let told = known.places()[row?].1.as_ref()?;
                let is_doubtful = is_doubtful(*place, &known.functions[told.function as usize], is_public_only)?;
                known.mark(told, &mut used);
                Some((row? as u32, is_doubtful))
            };
            let named = places.iter().zip(rows).map(name).collect();
            (found, (Said { known, used }, named))
        }
        Err(fault) => {
            refuse(&mut found, &fault);
            (found, Answers::default())
        }
    }
}

/// Takes a file back that turned out to be damaged.
pub fn refuse(found: &mut Found, fault: &Fault) {
    if let Some(file) = found.file.take() {
        found.reason = Some(format!("{}: {fault}", file.path.display()));
        found.faults.push((file.path.clone(), fault.to_string()));
        found.by = super::Match::None;
    }
}

/// Whether a name is doubtful; none where it is no name any more.
fn is_doubtful(place: u32, function: &Function, is_public_only: bool) -> Option<bool> {
    if !function.is_public && !is_public_only {
        return Some(false);
    }
    let offset = u64::from(place.saturating_sub(function.start));
    (offset < DOUBTFUL.1).then_some(offset >= DOUBTFUL.0)
}
