//! The heaps of a dump, walked when they are asked for: segments side by side, on the threads of the pool.

use arrow_array::{StringViewArray, cast::AsArray, types::UInt64Type};
use rayon::prelude::*;

use crate::{
    dump::heap::{
        backend::{Asked, walk},
        content::{Known, Ranges},
        find::{everywhere, lists},
        fragment,
        layout::{NARROW, WIDE},
        page,
        plan::{Plan, plan},
        result::{add_up, find_stacks},
        segment_heap,
        space::{Committed, Space},
        types::HeapSymbols,
        walked::{Budget, Walked},
    },
    engine::threads::Pool,
    error::Result,
    snapshot::{Dump, dump::HeapSources, find},
    table::{Table, dump::heaps, modules::ModuleMap},
};

/// The heaps of a dump as tables; see [`crate::schema::HEAP_TABLES`].
#[derive(Debug, Clone)]
pub struct HeapWalk {
    tables: Vec<(&'static str, Table)>,
}

impl HeapWalk {
    /// A table by its name: `heaps`, `segments`, `allocations`, `sizes`, `usage`, `stacks`, `frames` or `issues`; `contents` and `crt_blocks`, too,
    /// if contents were asked for.
    pub fn table(&self, name: &str) -> Option<&Table> {
        find(&self.tables, name)
    }
}

impl Dump {
    /// Walks the heaps of the process, as far as the dump holds them, on `threads` threads at the most. With `contents`, what
    /// blocks begin with is looked at as well.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the system gives no threads; [`ErrorKind::Closed`](crate::ErrorKind::Closed).
    pub fn heap_walk(&self, threads: Option<usize>, contents: bool) -> Result<HeapWalk> {
        self.heap_walk_with(threads, contents, &HeapSymbols::default())
    }

    /// The same with what symbols say of the structures of heaps; see [`heap_symbols`](Self::heap_symbols).
    ///
    /// # Errors
    ///
    /// As for [`heap_walk`](Self::heap_walk).
    pub fn heap_walk_with(&self, threads: Option<usize>, contents: bool, symbols: &HeapSymbols) -> Result<HeapWalk> {
        let symbols = &symbols.with_paths(self.ntdll_paths());
        let pool = Pool::new(threads)?;
        let HeapSources { space, found, tebs } = self.heap_sources()?;
        let narrow = self.header.pointer_width == 32;
        let everywhere = found.is_none().then(|| everywhere(&space, narrow));
        let found = found.or(everywhere.as_deref()).unwrap_or_default();
        let mut plan = plan(&space, found, &lists(&space, tebs, narrow), self.build(), symbols);
        page::add(&space, narrow, &mut plan);
        let modules = ModuleMap::of_table(self.table("modules"));
        let known = contents.then(|| self.known(&plan, &modules));
        let budget = Budget::of(space.file.len());
        let committed = self.committed();
        let asked = Asked { own: &[], budget: &budget, contents: known.as_ref(), committed: committed.as_ref() };
        let mut walked = pool.install(|| segments(&space, &plan, &asked));
        if plan.heaps.is_empty() {
            let width = if narrow { &NARROW } else { &WIDE };
            for (heap, parts) in fragment::find(&space, width, self.build(), symbols, &asked) {
                plan.heaps.push(heap);
                walked.push(parts);
            }
        }
        let mut heaps = add_up(plan, walked, &space, known.as_ref());
        for heap in &mut heaps.heaps {
            committed.iter().for_each(|committed| heap.compare_committed(committed, &mut heaps.issues));
        }
        let unloaded = ModuleMap::of_table(self.table("unloaded_modules"));
        let is_code = |address| [&modules, &unloaded].iter().any(|modules| modules.of_address(address).is_some());
        find_stacks(&mut heaps, &space, is_code);
        Ok(HeapWalk { tables: heaps::tables(heaps, &space, &modules, contents) })
    }

    /// Build of Windows.
    fn build(&self) -> Option<u32> {
        self.header.os_version.as_deref()?.split('.').nth(2)?.parse().ok()
    }

    /// What addresses mean that blocks begin with.
    fn known(&self, plan: &Plan, modules: &ModuleMap) -> Known {
        let modules = modules.ranges().iter().map(|range| (range.base, range.end)).collect();
        let pieces = plan.heaps.iter().flat_map(|heap| {
            let segments = heap.segments.iter().map(|segment| (segment.base, segment.end));
            let large = heap.large.iter().map(|large| (large.base, large.base + large.committed));
            segments.chain(large).chain(heap.pages.iter().map(|page| (page.base, page.end)))
        });
        Known { modules: Ranges::new(modules), code: Ranges::new(self.code()), heaps: Ranges::new(pieces.collect()) }
    }

    /// Regions that can be executed.
    fn code(&self) -> Vec<(u64, u64)> {
        self.regions_with("protect", |words| words.contains("EXECUTE"))
    }

    /// Regions with memory; absent where the dump does not list them.
    fn committed(&self) -> Option<Committed> {
        let regions = self.regions_with("state", |state| state == "commit");
        (!regions.is_empty()).then(|| Committed::new(regions))
    }

    /// Regions of which a column says something: first address, and the address behind the last.
    fn regions_with(&self, column: &str, says: impl Fn(&str) -> bool) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        for batch in self.table("regions").map_or(&[][..], |table| &table.batches) {
            let number = |name| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
            let words: Option<&StringViewArray> =
                batch.column_by_name(column).and_then(|words| words.as_string_view_opt());
            let (Some(base), Some(size), Some(words)) = (number("base"), number("size"), words) else { continue };
            let rows = base.iter().zip(size).zip(words);
            found.extend(rows.filter_map(|((base, size), words)| {
                words.filter(|words| says(words)).and(Some((base?, base?.saturating_add(size?))))
            }));
        }
        found
    }
}

/// Walks through all segments; of each heap in their order.
fn segments(space: &Space<'_>, plan: &Plan, asked: &Asked<'_>) -> Vec<Vec<Walked>> {
    let segments: Vec<(usize, usize)> = (plan.heaps.iter().enumerate())
        .flat_map(|(heap, planned)| (0..planned.segments.len()).map(move |segment| (heap, segment)))
        .collect();
    let one = |(heap, segment): (usize, usize)| {
        let planned = &plan.heaps[heap];
        let header = planned.heap.as_ref().ok()?;
        let asked = Asked { own: &planned.own, ..*asked };
        Some((
            heap,
            match &planned.segment_heap {
                Some(own) => segment_heap::walk::walk(space, own, segment, &asked),
                None => walk(space, header, &planned.segments[segment], &asked),
            },
        ))
    };
    let walked: Vec<Option<(usize, Walked)>> = segments.into_par_iter().with_max_len(1).map(one).collect();
    let mut of_heaps: Vec<Vec<Walked>> = plan.heaps.iter().map(|_| Vec::new()).collect();
    walked.into_iter().flatten().for_each(|(heap, walked)| of_heaps[heap].push(walked));
    of_heaps
}
