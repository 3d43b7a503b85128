//! One part from the first snapshot to the last: who held each address, and since when.

use super::{Blocks, lives::Lives, parts::Parts, stacks::NO_STACK};

/// One block of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    address: u64,
    size: u64,
    stack: u32,
}

/// Who holds an address, or held it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    row: Row,
    /// Point at which it was first seen; [`GONE`] for a block that is no more.
    born: u32,
}

const GONE: u32 = u32::MAX;

/// Follows parts on one thread.
pub struct Follower<'a> {
    snapshots: &'a [Blocks<'a>],
    lives: Lives,
    reused: Vec<u64>,
    rows: Vec<Row>,
    held: Vec<Held>,
    next: Vec<Held>,
}

impl<'a> Follower<'a> {
    pub fn new(snapshots: &'a [Blocks<'a>], stack_count: usize) -> Self {
        Self {
            snapshots,
            lives: Lives::default(),
            reused: vec![0; stack_count],
            rows: Vec::new(),
            held: Vec::new(),
            next: Vec::new(),
        }
    }

    /// What was found in all parts.
    pub fn finish(self) -> (Lives, Vec<u64>) {
        (self.lives, self.reused)
    }

    /// Follows one part.
    pub fn part(&mut self, parts: &Parts, part: usize) {
        self.held.clear();
        for point in 0..self.snapshots.len() {
            self.take(parts, part, point);
            self.advance(point as u32);
            std::mem::swap(&mut self.held, &mut self.next);
        }
        let last = (self.snapshots.len() as u32).saturating_sub(1);
        for held in self.held.iter().filter(|held| held.born != GONE) {
            self.lives.add(held.row.stack, held.born, last, held.row.size);
        }
    }

    /// Takes the rows of a snapshot, by address; by size and stack where an address comes again.
    fn take(&mut self, parts: &Parts, part: usize, point: usize) {
        let Blocks { batches, numbers } = &self.snapshots[point];
        self.rows.clear();
        let mut ascending = true;
        let mut before = None;
        for run in parts.runs(point, part) {
            let batch = &batches[run.batch as usize];
            let (start, end) = (run.start as usize, run.end as usize);
            let columns = batch.addresses[start..end].iter().zip(&batch.sizes[start..end]);
            let rows = columns.zip(&batch.stacks[start..end]).map(|((address, size), stack)| {
                ascending &= before < Some(*address);
                before = Some(*address);
                let stack = numbers.get(*stack as usize).copied().unwrap_or(NO_STACK);
                Row { address: *address, size: *size, stack }
            });
            let first = self.rows.len();
            self.rows.extend(rows);
            if let Some(nulls) = batch.nulls {
                let own = self.rows[first..].iter_mut().zip(start..);
                own.filter(|(_, at)| nulls.is_null(*at)).for_each(|(row, _)| row.stack = NO_STACK);
            }
        }
        if !ascending {
            self.rows.sort_unstable();
        }
    }

    /// Goes through the addresses that were held before and those of a snapshot side by side.
    fn advance(&mut self, point: u32) {
        self.next.clear();
        let (mut at, mut row) = (0, 0);
        loop {
            // Nearly all of a process stays as it is.
            let pairs = self.held[at..].iter().zip(&self.rows[row..]);
            let same = pairs.take_while(|(held, row)| held.row == **row && held.born != GONE).count();
            self.next.extend_from_slice(&self.held[at..at + same]);
            (at, row) = (at + same, row + same);
            let Some(new) = self.rows.get(row).copied() else { break };
            while let Some(held) = self.held.get(at).filter(|held| held.row.address < new.address) {
                leave(&mut self.next, &mut self.lives, *held, point);
                at += 1;
            }
            let Some(held) = self.held.get(at).filter(|held| held.row.address == new.address) else {
                // Of several at one address, the others may be the same as before.
                let beside = at > 0 && self.held[at - 1].row.address == new.address;
                self.reused[new.stack as usize] += u64::from(beside);
                self.next.push(Held { row: new, born: point });
                row += 1;
                continue;
            };
            let alone = |next: Option<u64>| next != Some(new.address);
            if alone(self.held.get(at + 1).map(|held| held.row.address))
                && alone(self.rows.get(row + 1).map(|row| row.address))
            {
                if held.row != new || held.born == GONE {
                    end(&mut self.lives, *held, point);
                    self.next.push(Held { row: new, born: point });
                    self.reused[new.stack as usize] += 1;
                    (at, row) = (at + 1, row + 1);
                }
            } else {
                (at, row) = self.several(at, row, point);
            }
        }
        for held in &self.held[at..] {
            leave(&mut self.next, &mut self.lives, *held, point);
        }
    }

    /// Several blocks at one address, as only a damaged log has them: each is matched with one of its kind, the oldest
    /// first. Gives the places behind them.
    fn several(&mut self, at: usize, row: usize, point: u32) -> (usize, usize) {
        let address = self.rows[row].address;
        let rows = &self.rows[row..];
        let rows = &rows[..rows.partition_point(|row| row.address <= address)];
        let mut held: Vec<Held> =
            self.held[at..].iter().take_while(|held| held.row.address == address).copied().collect();
        let behind = (at + held.len(), row + rows.len());
        held.sort_unstable_by_key(|held| (held.row, held.born));
        let mut old = held.into_iter().filter(|held| held.born != GONE).peekable();
        for new in rows {
            while let Some(held) = old.next_if(|held| held.row < *new) {
                end(&mut self.lives, held, point);
            }
            let same = old.next_if(|held| held.row == *new);
            self.reused[new.stack as usize] += u64::from(same.is_none());
            self.next.push(same.unwrap_or(Held { row: *new, born: point }));
        }
        old.for_each(|held| end(&mut self.lives, held, point));
        behind
    }
}

/// A block that lived until the point before this one.
fn end(lives: &mut Lives, held: Held, point: u32) {
    if held.born != GONE {
        lives.add(held.row.stack, held.born, point - 1, held.row.size);
    }
}

/// Nobody holds the address now; it is remembered once.
fn leave(next: &mut Vec<Held>, lives: &mut Lives, held: Held, point: u32) {
    end(lives, held, point);
    if next.last().is_none_or(|last| last.row.address != held.row.address) {
        next.push(Held { born: GONE, ..held });
    }
}
