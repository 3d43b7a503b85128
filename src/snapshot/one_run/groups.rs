//! Which stacks of a run are one: those of equal trace id and equal addresses.
//!
//! Where frames are texts, a frame has a name in one log and none in another (symbols cannot be found once the module is
//! gone). Then stacks of one id and one depth are one if all frames that both name are equal, at least one is, and no other
//! stack fits as well.

use std::collections::HashMap;

use super::{
    Change, Frame,
    logs::{Candidate, Log},
};

/// Candidates of all logs, each with its group.
pub struct Grouped {
    /// For each log the group of each of its candidates.
    of_candidate: Vec<Vec<u32>>,
    /// The frames of each group, each from the first log that names it.
    frames: Vec<Vec<Frame>>,
}

/// Groups as they are found.
#[derive(Default)]
struct Found<'a> {
    by_key: HashMap<(&'a str, u64), u32>,
    /// Groups of the first stacks of an id, which hold its blocks.
    of_id: HashMap<&'a str, Vec<u32>>,
    frames: Vec<Vec<Frame>>,
    /// The stacks of each group that differ in what they say, each with its log.
    variants: Vec<Vec<(u32, &'a [u32])>>,
}

impl Grouped {
    /// Goes through the logs in the order given.
    pub fn new(logs: &[Log<'_>]) -> Self {
        let mut found = Found::default();
        let mut of_candidate = Vec::with_capacity(logs.len());
        for (source, log) in (0..).zip(logs) {
            let groups = log.candidates.iter().map(|stack| {
                let key = (stack.trace_id, stack.key);
                let known = found.by_key.get(&key).copied();
                let group = known.unwrap_or_else(|| {
                    let alike = found.alike(logs, source, stack);
                    let group = alike.unwrap_or_else(|| found.add(stack.trace_id, stack.is_alias));
                    found.by_key.insert(key, group);
                    found.variants[group as usize].push((source, stack.frames));
                    group
                });
                found.take(group, logs, source, stack.frames);
                group
            });
            of_candidate.push(groups.collect());
        }
        Self { of_candidate, frames: found.frames }
    }

    /// Candidates of a log of which another knows more, in the order of the table.
    pub fn changes<'a>(&'a self, logs: &'a [Log<'_>], source: usize) -> Vec<Change<'a>> {
        let log = &logs[source];
        let candidates = log.candidates.iter().zip(&self.of_candidate[source]);
        let changes = candidates.filter_map(|(stack, group)| {
            let better = &self.frames[*group as usize];
            let same = |(own, better): (&u32, &Frame)| log.mark_of(*own).hash == better.mark(logs).hash;
            let unchanged = stack.frames.iter().zip(better).all(same);
            (!unchanged).then_some(Change { row: stack.row, own: stack.frames, better })
        });
        changes.collect()
    }
}

impl<'a> Found<'a> {
    fn add(&mut self, trace_id: &'a str, is_alias: bool) -> u32 {
        let group = self.frames.len() as u32;
        self.frames.push(Vec::new());
        self.variants.push(Vec::new());
        if !is_alias {
            self.of_id.entry(trace_id).or_default().push(group);
        }
        group
    }

    /// Takes in what a stack knows of the frames of its group.
    fn take(&mut self, group: u32, logs: &[Log<'_>], source: u32, frames: &[u32]) {
        let known = &mut self.frames[group as usize];
        if known.is_empty() {
            known.extend(frames.iter().map(|id| Frame { source, id: *id }));
            return;
        }
        for (known, id) in known.iter_mut().zip(frames) {
            let own = Frame { source, id: *id };
            if !known.mark(logs).is_named && own.mark(logs).is_named {
                *known = own;
            }
        }
    }

    /// The only group of the id that a stack fits to although not all of their frames are equal.
    fn alike(&self, logs: &[Log<'_>], source: u32, stack: &Candidate<'_>) -> Option<u32> {
        let groups = self.of_id.get(stack.trace_id).filter(|_| !stack.is_alias)?;
        let mut fitting = groups.iter().filter(|group| {
            let fits = |(known_by, known): &(u32, &[u32])| {
                fits(&logs[*known_by as usize], known, &logs[source as usize], stack.frames)
            };
            self.variants[**group as usize].iter().map(fits).reduce(|one, other| Some(one? | other?)).flatten()
                == Some(true)
        });
        fitting.next().copied().filter(|_| fitting.next().is_none())
    }
}

/// Whether some frame is surely the same in both; none if stacks contradict each other.
fn fits(log: &Log<'_>, frames: &[u32], other: &Log<'_>, others: &[u32]) -> Option<bool> {
    if frames.len() != others.len() {
        return None;
    }
    let mut sure = false;
    for (one, other) in frames.iter().map(|one| log.mark_of(*one)).zip(others.iter().map(|two| other.mark_of(*two))) {
        let have_addresses = one.has_address && other.has_address;
        if one.identity == other.identity {
            sure |= have_addresses || one.is_named;
        } else if have_addresses || one.is_named == other.is_named {
            // Two addresses, two names, or two texts that say nothing and are not the same.
            return None;
        }
    }
    Some(sure)
}
