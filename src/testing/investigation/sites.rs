//! The story: who allocates, through which calls, how much, and how that changes from one log to the next.
//!
//! Invariant: what a site is and how many blocks it holds at a step depends on the seed alone, never on addresses, so the
//! story told by two runs of the program is the same.

use std::collections::HashSet;

use super::super::random::Random;
use super::calls;
use super::program::{
    CACHE, CULPRIT, FALSE_ALARM, Frame, MODULES, Module, Role, module_named, operator_new, some_frame, system,
};

/// One call stack that allocates.
#[derive(Debug, Clone)]
pub struct Site {
    /// Module that the memory belongs to: that of the first frame past the allocator.
    pub owner: usize,
    /// Innermost first.
    pub frames: Vec<Frame>,
    /// Number of the heap most of its blocks lie in.
    heap: usize,
    /// Every eighth block of such a site lies in the first heap: two heaps share its id.
    shares_first_heap: bool,
    /// Smallest block in bytes.
    pub bytes: u64,
    /// Blocks are up to this much larger.
    spread: u64,
    /// How its number of blocks changes.
    pub behaviour: Behaviour,
}

/// How the number of blocks of a site changes from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// About this many, now some more, now some less.
    Steady(u64),
    /// This many more with every step, none given back.
    Leak(u64),
    /// Fills up to this many and stays there.
    Cache(u64),
    /// This many at even steps, none at odd ones.
    Even(u64),
    /// This many at odd steps, none at even ones.
    Odd(u64),
}

/// Heaps of the process; the last is empty.
pub const HEAPS: usize = 5;
/// Heap of the C runtime, in which most blocks lie.
const RUNTIME_HEAP: usize = 1;
/// Heap that the cache has for itself.
const CACHE_HEAP: usize = 2;
/// Deepest stack that UMDH prints, and that of Windows 2000.
const DEEPEST: usize = 32;
const FEWEST: usize = 16;
/// Stacks of the full-sized story; amounts of smaller ones shrink with them.
const FULL: u64 = 2_000;
/// How full the cache is at the first steps, in hundredths; full later.
const FILLED: [u64; 3] = [30, 72, 94];

/// All sites of the story.
pub fn sites(seed: u64, stack_count: u64) -> Vec<Site> {
    let scaled = |number: u64| (number * stack_count / FULL).max(2);
    let mut sites = leak(seed, scaled(120));
    sites.extend(cache(seed, scaled(1_250)));
    sites.extend(false_alarm(seed, scaled(700)));
    sites.extend(loader(seed));
    let others = stack_count.saturating_sub(sites.len() as u64);
    sites.extend((1..=others).map(|number| ordinary(&mut Random::of(seed, "site", number))));
    let mut known = HashSet::new();
    for site in &mut sites {
        tell_apart(site, &mut known);
    }
    sites
}

/// Takes other places in one function as long as a stack is one of those that are known, also where fewer frames are printed.
fn tell_apart(site: &mut Site, known: &mut HashSet<Vec<Frame>>) {
    let shown = site.frames.len().min(FEWEST);
    let own = site.frames[..shown].iter().rposition(|frame| frame.module == site.owner).unwrap_or_default();
    while !known.insert(site.frames[..shown].to_vec()) {
        site.frames[own] = calls::beside(site.frames[own]);
    }
}

/// Six ways into one function that forgets to free what it keeps.
fn leak(seed: u64, per_step: u64) -> Vec<Site> {
    let owner = module_named(CULPRIT);
    let forgets = Frame { module: owner, function: 16, offset: 0x8C };
    let site = |number| {
        let mut random = Random::of(seed, "leak", number);
        let mut frames = allocator(owner, Way::Malloc);
        frames.push(forgets);
        callers(&mut random, owner, &mut frames);
        Site {
            owner,
            frames,
            heap: RUNTIME_HEAP,
            shares_first_heap: false,
            bytes: 0x5000,
            spread: 0x2000,
            behaviour: Behaviour::Leak(per_step),
        }
    };
    (0..6).map(site).collect()
}

fn cache(seed: u64, capacity: u64) -> Vec<Site> {
    let owner = module_named(CACHE);
    let site = |number| {
        let mut random = Random::of(seed, "cache", number);
        let mut frames = allocator(owner, Way::Heap);
        callers(&mut random, owner, &mut frames);
        Site {
            owner,
            frames,
            heap: CACHE_HEAP,
            shares_first_heap: false,
            bytes: 0x1000,
            spread: 0x800,
            behaviour: Behaviour::Cache(capacity),
        }
    };
    (0..4).map(site).collect()
}

/// The same sessions, found under one stack at even steps and under another at odd ones.
fn false_alarm(seed: u64, count: u64) -> Vec<Site> {
    let owner = module_named(FALSE_ALARM);
    let site = |number| {
        let mut random = Random::of(seed, "sessions", number);
        let mut frames = allocator(owner, Way::New);
        callers(&mut random, owner, &mut frames);
        let behaviour = if number % 2 == 0 { Behaviour::Even(count) } else { Behaviour::Odd(count) };
        Site { owner, frames, heap: RUNTIME_HEAP, shares_first_heap: false, bytes: 0x8A0, spread: 0, behaviour }
    };
    (0..6).map(site).collect()
}

/// Stacks that are nothing but ntdll.
fn loader(seed: u64) -> Vec<Site> {
    let site = |number| {
        let offset = Random::of(seed, "loader", number).between(0x10, 0x300);
        let frames = vec![
            system("ntdll", "RtlAllocateHeap", 0xAF2),
            system("ntdll", "LdrpAllocateDataTableEntry", 0x5D),
            system("ntdll", "LdrpLoadDllInternal", offset),
            system("ntdll", "LdrpInitializeProcess", 0x1F3),
        ];
        let owner = module_named("ntdll");
        let behaviour = Behaviour::Steady(4);
        Site { owner, frames, heap: 0, shares_first_heap: false, bytes: 0x120, spread: 0x40, behaviour }
    };
    (0..3).map(site).collect()
}

/// Work as usual.
fn ordinary(random: &mut Random) -> Site {
    let owners = |module: &Module| module.role != Role::System && ![CULPRIT, CACHE].contains(&module.name());
    let owners: Vec<usize> = (0..MODULES.len()).filter(|place| owners(&MODULES[*place])).collect();
    // The smaller of two draws: some modules hold much, most hold little. The leaking one and the cache have ordinary
    // memory too.
    let owner = match random.below(50) {
        0 => module_named(CULPRIT),
        1 => module_named(CACHE),
        _ => owners[random.below(owners.len() as u64).max(random.below(owners.len() as u64)) as usize],
    };
    let way = *random.choose(&[Way::New, Way::New, Way::Malloc, Way::OldMalloc, Way::Grow, Way::Heap]);
    let mut frames = allocator(owner, way);
    callers(random, owner, &mut frames);
    let bytes = 1 << random.between(4, 11);
    let count = random.between(1, 40) * random.between(1, 40) * 64 / (bytes + 512) + 1;
    Site {
        owner,
        frames,
        heap: *random.choose(&[0, RUNTIME_HEAP, RUNTIME_HEAP, RUNTIME_HEAP, 3]),
        shares_first_heap: random.below(16) == 0,
        bytes,
        spread: random.below(bytes),
        behaviour: Behaviour::Steady(count),
    }
}

/// How memory is asked for.
#[derive(Clone, Copy)]
enum Way {
    New,
    Malloc,
    OldMalloc,
    Grow,
    Heap,
}

/// The frames of the allocator, innermost first.
fn allocator(owner: usize, way: Way) -> Vec<Frame> {
    let heap = system("ntdll", "RtlAllocateHeap", 0xAF2);
    let mut frames = match way {
        Way::New | Way::Malloc => vec![heap, system("ucrtbase", "_malloc_base", 0x36)],
        Way::OldMalloc => {
            vec![system("ntdll", "RtlpAllocateHeapInternal", 0x1B0), heap, system("msvcrt", "malloc", 0x70)]
        }
        Way::Grow => vec![heap, system("ntdll", "RtlReAllocateHeap", 0x64), system("ucrtbase", "_realloc_base", 0x5B)],
        Way::Heap => vec![heap],
    };
    if matches!(way, Way::New) && !MODULES[owner].is_system() {
        frames.push(operator_new(owner));
    }
    frames
}

/// Adds the frames from the owner out to the start of the thread.
fn callers(random: &mut Random, owner: usize, frames: &mut Vec<Frame>) {
    let with_role = |role: Role| (0..MODULES.len()).filter(move |place| MODULES[*place].role == role).collect();
    let services: Vec<usize> = with_role(Role::Service);
    let framework: Vec<usize> = with_role(Role::Framework);
    let first = frames.len();
    // One in twelve stacks is a recursion, too deep to be printed whole.
    let own = if random.below(12) == 0 { random.between(20, 30) } else { random.between(1, 5) };
    frames.extend((0..own).map(|_| some_frame(random, owner)));
    if MODULES[owner].role != Role::Service {
        let service = *random.choose(&services);
        frames.extend((0..random.between(1, 4)).map(|_| some_frame(random, service)));
    }
    for _ in 0..random.between(1, 3) {
        let part = *random.choose(&framework);
        frames.extend((0..random.between(1, 4)).map(|_| some_frame(random, part)));
    }
    let start = match random.below(3) {
        0 => system("ntdll", "TppWorkerThread", 0x2C6),
        1 => system("ucrtbase", "thread_start", 0x42),
        _ => system("msvcrt", "_threadstartex", 0xA3),
    };
    calls::connect(&mut frames[first..], start);
    frames.push(start);
    frames.push(system("KERNEL32", "BaseThreadInitThunk", 0x14));
    frames.push(system("ntdll", "RtlUserThreadStart", 0x21));
    frames.truncate(DEEPEST);
}

impl Site {
    /// How many blocks it holds at a step; `number` is the site's own.
    pub fn count(&self, seed: u64, number: usize, step: u64) -> u64 {
        match self.behaviour {
            Behaviour::Steady(count) => {
                let slack = count / 16 + 1;
                let now = Random::of(seed, "churn", (step << 32) + number as u64).below(2 * slack + 1);
                (count + now).saturating_sub(slack)
            }
            Behaviour::Leak(per_step) => per_step / 4 + per_step * step,
            Behaviour::Cache(capacity) => capacity * FILLED.get(step as usize).unwrap_or(&100) / 100,
            Behaviour::Even(count) => count * (1 - step % 2),
            Behaviour::Odd(count) => count * (step % 2),
        }
    }

    /// Bytes of its block of a number: the same block has the same size in every log.
    pub fn block_bytes(&self, seed: u64, number: usize, block: u64) -> u64 {
        self.bytes + Random::of(seed, "bytes", ((number as u64) << 32) + block).below(self.spread + 1)
    }

    /// Bytes of a block of no number.
    pub fn some_bytes(&self, random: &mut Random) -> u64 {
        self.bytes + random.below(self.spread + 1)
    }

    /// Heap of its block of a number.
    pub fn block_heap(&self, block: u64) -> usize {
        if self.shares_first_heap && block % 8 == 7 { 0 } else { self.heap }
    }
}
