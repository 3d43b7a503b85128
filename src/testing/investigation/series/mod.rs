//! Days of the server, hour by hour: logs between which blocks stay where they are, die, or are traded for others.
//!
//! - Blocks of the leak are never freed; more of them come by day than by night.
//! - The cache fills up in the first day of a run. From then on it trades entries: as many as before, but others.
//! - Sessions end within hours. By day they are under other stacks than by night, and there are more of them.
//! - Ordinary sites trade blocks at a pace of their own, some none, some nearly all in a day.
//! - A restart begins an hour before its log: other process id, addresses and ids; leak and cache start from nothing.
//!
//! Invariant: a block keeps its address, size and stack until it is freed; a freed place may be given to another block.

mod heap;
mod plan;

use std::io::{self, Write};

use super::{
    Answer, Encoding, LineEnd, Options, Random, Totals,
    blocks::{Block, Story, Trace, overhead},
    sites::{Behaviour, HEAPS, Site},
    taken_at, write_story,
};
use heap::Heap;
use plan::{Hour, plan};

/// What to write.
#[derive(Debug, Clone, Copy)]
pub struct SeriesOptions {
    /// Same seed, same program and same days.
    pub seed: u64,
    /// Size of the story: 2,000 stacks and about 75,000 blocks at the start, or fewer of both.
    pub stack_count: u64,
    /// Hours from one log to the next.
    pub hours_apart: u64,
    /// The first log of a new run, if there is one; never the first of all.
    pub restart_at: Option<u64>,
}

/// What was written, and how old the blocks are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesAnswer {
    /// What is in the log.
    pub log: Answer,
    /// Which run of the program it is of: 0, or 1 after the restart.
    pub run: u64,
    /// Blocks of the leak by the log before which they were born, from the first log of the run to this one; what was
    /// there in that one counts as born before it.
    pub leaked_by_birth: Vec<Totals>,
    /// The same for the entries of the cache.
    pub cached_by_birth: Vec<Totals>,
    /// The same for the sessions.
    pub sessions_by_birth: Vec<Totals>,
}

/// A block that lives.
#[derive(Debug, Clone, Copy)]
struct Life {
    block: Block,
    heap: usize,
    /// Number of the first log after its birth.
    born: u64,
}

/// The server between two logs.
pub struct Series {
    options: SeriesOptions,
    /// Number of the next log.
    next: u64,
    run: u64,
    started_at: i64,
    first_of_run: u64,
    story: Story,
    heaps: Vec<Heap>,
    /// Blocks of each site, then those without a stack in the first and in the second heap, then those of the id that
    /// has no stack in the log.
    lives: Vec<Vec<Life>>,
}

/// One block of a heap in this many has no stack; of a thousand, this many are freed in an hour.
const STACKLESS: usize = 48;
const STACKLESS_FREED: u64 = 100;
const UNDEFINED_BLOCKS: u64 = 3;

impl Series {
    /// The server an hour before the first log.
    pub fn new(options: SeriesOptions) -> Self {
        let sites = super::sites::sites(options.seed, options.stack_count);
        let mut series = Self {
            options: SeriesOptions { hours_apart: options.hours_apart.max(1), ..options },
            next: 0,
            run: 0,
            started_at: -1,
            first_of_run: 0,
            story: Story { sites, heaps: vec![Vec::new(); HEAPS] },
            heaps: Vec::new(),
            lives: Vec::new(),
        };
        series.start(-1);
        series
    }

    /// Lets the hours up to the next log pass and writes it.
    ///
    /// # Errors
    ///
    /// What `out` returns.
    pub fn write_next(&mut self, out: &mut impl Write) -> io::Result<SeriesAnswer> {
        let now = (self.next * self.options.hours_apart) as i64;
        let mut from = if self.next == 0 { 0 } else { now - self.options.hours_apart as i64 + 1 };
        if self.options.restart_at == Some(self.next) && self.next > 0 {
            (self.run, self.first_of_run) = (self.run + 1, self.next);
            self.start(now - 1);
            from = now;
        }
        (from..=now).for_each(|hour| self.hour(hour));
        let answer = self.write(out, now as u64)?;
        self.next += 1;
        Ok(answer)
    }

    fn start(&mut self, hour: i64) {
        self.started_at = hour;
        self.heaps = (0..HEAPS).map(|_| Heap::new()).collect();
        self.lives = vec![Vec::new(); self.story.sites.len() + 3];
    }

    /// Frees first, then allocates: what comes may lie where something went.
    fn hour(&mut self, number: i64) {
        let hour = Hour { number, age: (number - self.started_at - 1) as u64 };
        let mut random = Random::of(self.options.seed, "hour", ((self.run + 1) << 40) + (number + 1) as u64);
        let plans: Vec<_> = (0..self.lives.len()).map(|place| self.plan(place, hour)).collect();
        for (place, plan) in plans.iter().enumerate() {
            self.free(place, plan, &mut random);
        }
        for (place, plan) in plans.iter().enumerate() {
            while (self.lives[place].len() as u64) < plan.count {
                self.allocate(place, &mut random);
            }
        }
    }

    fn plan(&self, place: usize, hour: Hour) -> plan::Plan {
        let sites = &self.story.sites;
        let count = self.lives[place].len() as u64;
        match sites.get(place) {
            Some(site) => plan(site, self.options.seed, place, hour, count),
            None if place == sites.len() + 2 => plan::Plan { freed: 0, count: UNDEFINED_BLOCKS },
            None => {
                let heap = place - sites.len();
                let with_stack = self.lives[..sites.len()].iter().flatten().filter(|life| life.heap == heap).count();
                plan::Plan { freed: STACKLESS_FREED, count: (with_stack / STACKLESS) as u64 }
            }
        }
    }

    fn free(&mut self, place: usize, plan: &plan::Plan, random: &mut Random) {
        let (lives, heaps) = (&mut self.lives[place], &mut self.heaps);
        let mut gone = |life: Life| heaps[life.heap].free(life.block.offset, bytes(life.block));
        if plan.freed > 0 {
            let mut kept = Vec::with_capacity(lives.len());
            for life in lives.drain(..) {
                if random.below(1000) < plan.freed { gone(life) } else { kept.push(life) }
            }
            *lives = kept;
        }
        while lives.len() as u64 > plan.count {
            gone(lives.swap_remove(random.below(lives.len() as u64) as usize));
        }
    }

    fn allocate(&mut self, place: usize, random: &mut Random) {
        let options = self.log_options();
        let sites = &self.story.sites;
        let (trace, heap, requested) = match sites.get(place) {
            Some(site) => (Trace::Site(place), home(site, random), site.some_bytes(random)),
            None if place == sites.len() + 2 => (Trace::Undefined, 1, 0x58),
            None => (Trace::None, place - sites.len(), random.between(0x10, 0x100)),
        };
        let mut block = Block { trace, requested, overhead: overhead(&options, requested), offset: 0 };
        block.offset = self.heaps[heap].place(random, bytes(block));
        self.lives[place].push(Life { block, heap, born: self.next });
    }

    fn write(&mut self, out: &mut impl Write, hours: u64) -> io::Result<SeriesAnswer> {
        self.story.heaps.iter_mut().for_each(Vec::clear);
        for life in self.lives.iter().flatten() {
            self.story.heaps[life.heap].push(life.block);
        }
        for heap in &mut self.story.heaps {
            heap.sort_unstable_by_key(|block| block.offset);
        }
        let log = write_story(out, &self.log_options(), &taken_at(hours), &self.story)?;
        Ok(SeriesAnswer {
            log,
            run: self.run,
            leaked_by_birth: self.by_birth(|behaviour| matches!(behaviour, Behaviour::Leak(_))),
            cached_by_birth: self.by_birth(|behaviour| matches!(behaviour, Behaviour::Cache(_))),
            sessions_by_birth: self.by_birth(|behaviour| matches!(behaviour, Behaviour::Even(_) | Behaviour::Odd(_))),
        })
    }

    fn by_birth(&self, counts: impl Fn(Behaviour) -> bool) -> Vec<Totals> {
        let mut births = vec![Totals::default(); (self.next - self.first_of_run + 1) as usize];
        for (_, lives) in self.story.sites.iter().zip(&self.lives).filter(|(site, _)| counts(site.behaviour)) {
            for Life { block, born, .. } in lives {
                births[(born - self.first_of_run) as usize].add(block.requested, block.overhead);
            }
        }
        births
    }

    fn log_options(&self) -> Options {
        let SeriesOptions { seed, stack_count, .. } = self.options;
        Options {
            seed,
            run: self.run,
            stack_count,
            line_end: LineEnd::CrLf,
            encoding: Encoding::Utf8,
            ..Options::default()
        }
    }
}

/// Room that a block takes up.
fn bytes(block: Block) -> u64 {
    block.requested + block.overhead
}

/// Heap of a new block.
fn home(site: &Site, random: &mut Random) -> usize {
    site.block_heap(random.below(8))
}
