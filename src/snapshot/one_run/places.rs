//! Which addresses the module lists of a run place differently.

use crate::table::modules::ModuleMap;

/// Frames of which a run's snapshots may say different things.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsettled {
    /// Any frame may be: they are texts, which no module list decides about.
    Everything,
    /// Addresses in these places, `[start, end)`, sorted, without overlaps.
    Addresses(Vec<(u64, u64)>),
}

impl Unsettled {
    /// Where module lists disagree; absent if they agree everywhere.
    pub fn between(maps: &[ModuleMap]) -> Option<Self> {
        let (first, others) = maps.split_first()?;
        let mut places: Vec<(u64, u64)> = Vec::new();
        for (at, other) in others.iter().enumerate() {
            // Most lists of a run are those of the log before.
            if other != first && (at == 0 || *other != others[at - 1]) {
                places.extend(differences(first, other));
            }
        }
        places.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (start, end) in places {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        (!joined.is_empty()).then_some(Self::Addresses(joined))
    }

    /// True if an address lies where lists disagree.
    pub fn holds(&self, address: u64) -> bool {
        match self {
            Self::Everything => true,
            Self::Addresses(places) => {
                let behind = places.partition_point(|(start, _)| *start <= address);
                places[..behind].last().is_some_and(|(_, end)| address < *end)
            }
        }
    }
}

/// Where one list has another module than the other, or none: between two edges each has the same everywhere.
fn differences(one: &ModuleMap, other: &ModuleMap) -> Vec<(u64, u64)> {
    let mut edges: Vec<u64> =
        one.ranges().iter().chain(other.ranges()).flat_map(|range| [range.base, range.end]).collect();
    edges.sort_unstable();
    edges.dedup();
    let place = |map: &ModuleMap, at| map.of_address(at).map(|range| (range.base, range.lower_name.clone()));
    let differ = |pair: &&[u64]| place(one, pair[0]) != place(other, pair[0]);
    edges.windows(2).filter(differ).map(|pair| (pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::table::modules::Range;

    fn map() -> impl Strategy<Value = ModuleMap> {
        let module = (0..40_u64, 0..12_u64, prop::sample::select(vec!["a", "A", "b", "c"]));
        prop::collection::vec(module, 0..5).prop_map(|modules| {
            let range = |(base, size, name): (u64, u64, &str)| Range::new(base, base + size, &Arc::from(name));
            ModuleMap::of_ranges(modules.into_iter().map(range).collect())
        })
    }

    proptest! {
        #[test]
        fn an_address_is_unsettled_if_two_lists_place_it_differently(maps in prop::collection::vec(map(), 0..4)) {
            let unsettled = Unsettled::between(&maps);
            for address in 0..60 {
                let places: Vec<_> = maps
                    .iter()
                    .map(|map| map.of_address(address).map(|range| (range.base, range.lower_name.clone())))
                    .collect();
                let expected = places.windows(2).any(|pair| pair[0] != pair[1]);
                prop_assert_eq!(unsettled.as_ref().is_some_and(|places| places.holds(address)), expected);
            }
        }
    }
}
