//! The dump around the heaps: the server's modules, threads and other memory, with the heaps in their places.

use super::{
    Options, Windows,
    content::Images,
    damage::Damage,
    memory::{Allocation, Memory},
    page_heap::Pages,
    rows::row,
    segment_heap::SegmentHeap,
    story,
    traces::Traces,
    world::{World, global_flag, peb, tebs},
};
use crate::testing::{
    dump::{
        CodeView, Module, Plan, Range, Region, State, Text,
        memory::{IMAGE, MAPPED, PRIVATE, READ_WRITE},
        process,
    },
    investigation::{
        self,
        program::{CULPRIT, MODULES, Run, module_named},
        sites::sites,
    },
};

/// A build that nobody knows, and the symbols of its two `ntdll.dll`: their GUIDs as bytes, and their names.
const UNKNOWN_BUILD: u32 = 29_999;
const NTDLL: &str = r"C:\Windows\SYSTEM32\ntdll.dll";
const NTDLL_64: (&[u8; 16], &str) = (b"heapdelta ntdl64", "ntdll.pdb");
const NTDLL_32: (&[u8; 16], &str) = (b"heapdelta ntdl32", "wntdll.pdb");
/// Environment blocks of a 32-bit process on 64-bit Windows, and a stack.
const WOW_TEB: u64 = 0x7EFD_B000;
const WOW_INNER_PEB: u64 = 0x7EFD_E000;
const WOW_PEB: u64 = 0x7EFD_F000;
const WOW_STACK: (u64, u64) = (0x10_4000, 0x10_0000);
const WOW_MODULE: u64 = 0x7FFC_3000_0000;
/// From the first thread's environment block to the process's in the dumps of the story.
const PEB_BEFORE_TEB: u64 = 0x1_0000;
/// Where the database of the stacks is.
const TRACES_64: u64 = 0xD0_0000_0000;
const TRACES_32: u64 = 0x5400_0000;
/// A segment heap, from the base of the heap that it takes its blocks of; with 32 bits behind all modules.
const SEGMENT_HEAP: u64 = 0x40_0000_0000;
const SEGMENT_HEAP_32: u64 = 0x7800_0000;
/// Pages of page heap, from the base of their heap, and room for them with 32 bits.
const PAGES_64: u64 = 0x1_0000_0000;
const PAGES_32: (u64, u64) = (0x9C0_0000, 0x1C0_0000);

/// The sides of the process: the one that the story is of, and behind it that of 64-bit Windows around it.
pub fn worlds(options: &Options) -> Vec<World> {
    let is_64_bit = options.pointer_width == 64 && !options.wow64;
    let inner_row = row(options.windows, is_64_bit);
    let mut heaps = story::heaps(options, inner_row);
    let pages = options.page_heap.then(|| {
        let heap = &mut heaps[1];
        let (distance, room) = if is_64_bit { (PAGES_64, 0x4000_0000) } else { PAGES_32 };
        Pages::take(inner_row, heap, heap.base + distance, room)
    });
    let segment_heap = options.segment_heap.then(|| {
        let heap = &mut heaps[1];
        let base = if is_64_bit { heap.base + SEGMENT_HEAP } else { SEGMENT_HEAP_32 };
        SegmentHeap::take(options.seed, heap, base, is_64_bit)
    });
    let run = Run::new(options.seed, 0, is_64_bit);
    let mut inner = World::new(inner_row, heaps, images(&run));
    inner.pages = pages;
    inner.segment_heap = segment_heap;
    if options.traces {
        let addresses = |frames: &Vec<_>| frames.iter().map(|frame| run.address(*frame)).collect();
        let sites = sites(options.seed, options.stack_count);
        let stacks = sites.iter().map(|site| addresses(&site.frames)).collect();
        let base = if is_64_bit { TRACES_64 } else { TRACES_32 };
        inner.traces = Some(Traces::new(inner_row, base, stacks, options.page_heap));
    }
    let mut worlds = vec![inner];
    if options.wow64 {
        let outer_row = row(options.windows, true);
        let run = Run::new(options.seed, 0, true);
        let mut heaps = story::outer_heaps(options, outer_row);
        let segment_heap = options.segment_heap.then(|| {
            let base = heaps[1].base + SEGMENT_HEAP;
            SegmentHeap::take(options.seed + 1, &mut heaps[1], base, true)
        });
        worlds.push(World { segment_heap, ..World::new(outer_row, heaps, images(&run)) });
    }
    worlds
}

/// The modules of the story where its first run has them.
pub fn images_of(seed: u64, is_64_bit: bool) -> Images {
    images(&Run::new(seed, 0, is_64_bit))
}

fn images(run: &Run) -> Images {
    Images { bases: run.bases.clone(), debug_module: module_named(CULPRIT) }
}

/// The stacks of the story as places in modules.
pub fn stacks(options: &Options, is_64_bit: bool) -> Vec<Vec<String>> {
    let run = Run::new(options.seed, 0, is_64_bit);
    let place = |frame: &investigation::program::Frame| {
        let offset = run.address(*frame) - run.bases[frame.module];
        format!("{}+0x{offset:X}", MODULES[frame.module].name())
    };
    let sites = sites(options.seed, options.stack_count);
    sites.iter().map(|site| site.frames.iter().map(place).collect()).collect()
}

/// Everything else of the dump, and what is in it of the server.
pub fn plan(options: &Options, worlds: &[World], mut parts: Vec<Allocation>) -> (Plan, process::Answer) {
    let (mut plan, answer) = server(options, if options.wow64 { 64 } else { options.pointer_width });
    let mut regions = plan.regions.take().unwrap_or_default();
    let before = charged(&regions);
    let mut ranges = plan.memory.take().unwrap_or_default();
    let threads = plan.threads.get_or_insert_default();
    let teb = threads.first().map_or(0, |thread| thread.teb);
    let mut gone = investigation::heap_bases(&story::log_options(options, plan.is_64_bit));
    let old_peb = teb - PEB_BEFORE_TEB;
    gone.push(old_peb);
    if options.wow64 {
        gone.extend(threads.iter().map(|thread| thread.teb));
        threads.truncate(1);
        threads.iter_mut().for_each(|thread| thread.teb = WOW_TEB);
        plan.thread_infos.get_or_insert_default().truncate(1);
        plan.thread_names.get_or_insert_default().truncate(1);
        gone.extend(swap_modules(options, &mut plan, &mut regions, &mut ranges));
        let outer = worlds[1].row;
        let stack = Memory { is_64_bit: false, parts: Vec::new() }.add(WOW_STACK.1, 0x4000, 0).clone();
        parts.push(stack);
        parts.push(tebs(outer, WOW_TEB, WOW_STACK, WOW_PEB, worlds[0].row, WOW_INNER_PEB));
    }
    regions.retain(|region| region.state != State::Free && !gone.contains(&region.allocation_base));
    ranges.retain(|range| {
        regions.iter().any(|region| region.base <= range.base && range.base < region.base + region.size)
    });
    let pebs: &[u64] = if options.wow64 { &[WOW_INNER_PEB, WOW_PEB] } else { &[old_peb] };
    for (world, base) in worlds.iter().zip(pebs) {
        parts.push(peb(world.row, *base, world.images.bases[0], global_flag(options), &listed(options, world)));
    }
    constants(&worlds[0], &mut ranges);
    let end = if plan.is_64_bit { 0x7FFF_FFFF_0000 } else { 0x7FFF_0000 };
    for part in parts {
        regions.extend(region_rows(&part));
        ranges.extend(range_rows(part));
    }
    regions.sort_by_key(|region| region.base);
    ranges.sort_by_key(|range| range.base);
    charge(&mut plan, before, charged(&regions));
    plan.regions = Some(process::with_free(regions, end));
    plan.memory64 = Some(ranges);
    plan.flags = 0x1826;
    (plan, answer)
}

/// What private memory the process is charged for, and its address space.
pub fn charged(regions: &[Region]) -> [u64; 2] {
    let bytes =
        |is: &dyn Fn(&Region) -> bool| regions.iter().filter(|region| is(region)).map(|region| region.size).sum();
    let is_private = |region: &Region| region.state == State::Commit && region.kind == PRIVATE;
    [bytes(&is_private), bytes(&|region: &Region| region.state != State::Free)]
}

/// Lets the counters say what the regions do.
pub fn charge(plan: &mut Plan, before: [u64; 2], after: [u64; 2]) {
    let Some(counters) = &mut plan.counters else { return };
    let [private, space] = [0, 1].map(|part: usize| (before[part], after[part]));
    let moved = |(before, after): (u64, u64), field: &mut u64| *field = (*field + after).saturating_sub(before);
    moved(private, &mut counters.private_usage);
    moved(private, &mut counters.pagefile_usage);
    moved(private, &mut counters.peak_pagefile_usage);
    moved(space, &mut counters.virtual_size);
    moved(space, &mut counters.peak_virtual_size);
}

/// The dump of the story that has everything but the heaps.
fn server(options: &Options, pointer_width: u32) -> (Plan, process::Answer) {
    let process = process::Options {
        seed: options.seed,
        step: options.step,
        stack_count: options.stack_count,
        pointer_width,
        ..process::Options::default()
    };
    // Without heaps, any step fits.
    let (mut plan, answer) = process::plan(&process).unwrap_or_default();
    if options.windows == Windows::Seven {
        if let Some(system) = &mut plan.system {
            system.version = [6, 1, 7601];
        }
        for module in plan.modules.iter_mut().flatten() {
            if let Some((file, product)) = module.version.as_mut().filter(|(file, _)| file[0] == 10) {
                (*file, *product) = ([6, 1, 7601, 1], [6, 1, 7601, 1]);
            }
        }
    }
    if options.windows == Windows::Unknown {
        if let Some(system) = &mut plan.system {
            system.version[2] = UNKNOWN_BUILD;
        }
        let (guid, name) = if pointer_width == 64 { NTDLL_64 } else { NTDLL_32 };
        for module in plan.modules.iter_mut().flatten().filter(|module| module.path == Text::from(NTDLL)) {
            module.code_view = Some(CodeView::Rsds { guid: *guid, age: 1, file: name.to_owned() });
        }
    }
    (plan, answer)
}

/// The modules of a 32-bit process with those of Windows around it; gives the bases of images that are not there.
fn swap_modules(options: &Options, plan: &mut Plan, regions: &mut Vec<Region>, ranges: &mut Vec<Range>) -> Vec<u64> {
    let (inner, _) = server(options, 32);
    let run = Run::new(options.seed, 0, true);
    let is_gone =
        |base: u64| run.bases.iter().zip(&MODULES).any(|(own, module)| *own == base && module.name() != "ntdll");
    let modules = plan.modules.get_or_insert_default();
    let gone = modules.iter().map(|module| module.base).filter(|base| is_gone(*base)).collect();
    modules.retain(|module| !is_gone(module.base));
    let wow =
        Module { base: WOW_MODULE, size: 0x5_3000, path: r"C:\Windows\System32\wow64.dll".into(), ..Module::default() };
    modules.push(wow);
    let image = Allocation { base: WOW_MODULE, reserved: 0x5_3000, bytes: vec![0; 0x5_3000], ..Allocation::default() };
    regions.extend(region_rows(&image).into_iter().map(|region| Region { kind: IMAGE, ..region }));
    modules.extend(inner.modules.unwrap_or_default());
    let images: Vec<Region> = inner.regions.into_iter().flatten().filter(|region| region.kind == IMAGE).collect();
    let is_image = |range: &Range| images.iter().any(|region| region.base == range.base);
    ranges.extend(inner.memory.into_iter().flatten().filter(is_image));
    regions.extend(images);
    gone
}

/// The heaps that the environment block lists.
fn listed(options: &Options, world: &World) -> Vec<u64> {
    let mut heaps = world.listed();
    if options.damage == Some(Damage::UnlistedHeap) && heaps.len() > 2 {
        heaps.remove(2);
    }
    if options.damage == Some(Damage::FalseHeap) {
        heaps.insert(1, world.images.bases[0]);
    }
    heaps
}

/// What blocks point to in images: vtables, and the names of files of the debug C runtime's blocks.
fn constants(world: &World, ranges: &mut Vec<Range>) {
    let images = &world.images;
    let vtables = (0..images.bases.len()).map(|module| images.vtables(module, world.row.is_64_bit));
    ranges.extend(vtables.chain([images.files()]).map(|(base, bytes)| {
        let mut range = Range::new(base, 0x1000);
        range.known.push((0, bytes));
        range
    }));
}

fn region_rows(part: &Allocation) -> Vec<Region> {
    regions_of(part.base, part.reserved, &part.committed(), part.is_mapped)
}

/// The regions of an allocation by its committed parts.
pub fn regions_of(allocation_base: u64, reserved: u64, committed: &[(u64, u64)], is_mapped: bool) -> Vec<Region> {
    let mut rows = Vec::new();
    let kind = if is_mapped { MAPPED } else { PRIVATE };
    let mut row = |base: u64, end: u64, state: State| {
        if base < end {
            let protect = if state == State::Commit { READ_WRITE } else { 0 };
            let (size, allocation_protect) = (end - base, READ_WRITE);
            rows.push(Region { base, size, allocation_base, allocation_protect, state, protect, kind });
        }
    };
    let mut next = allocation_base;
    for (start, size) in committed {
        row(next, *start, State::Reserve);
        row(*start, start + size, State::Commit);
        next = start + size;
    }
    row(next, allocation_base + reserved, State::Reserve);
    rows
}

/// What the dump holds of an allocation; its bytes are not held twice.
fn range_rows(mut part: Allocation) -> Vec<Range> {
    let mut present = part.present();
    let mut ranges = Vec::with_capacity(present.len());
    // From the end, so that each part can be split off.
    while let Some((base, size)) = present.pop() {
        let mut bytes = part.bytes.split_off((base - part.base) as usize);
        bytes.truncate(size as usize);
        let mut range = Range::new(base, size);
        range.known.push((0, bytes));
        ranges.push(range);
    }
    ranges
}
