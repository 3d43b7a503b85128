//! What was checked of a heap, and how much of it held.

use std::ops::AddAssign;

/// How often one thing was looked at, and how often it held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Looked at.
    pub made: u64,
    /// Held.
    pub held: u64,
}

impl Share {
    /// It held.
    #[inline(always)]
    pub fn hold(&mut self) {
        self.made += 1;
        self.held += 1;
    }

    /// It did not.
    pub fn fail(&mut self) {
        self.made += 1;
    }

    /// It held each time.
    pub fn whole(self) -> bool {
        self.made == self.held
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.made += other.made;
        self.held += other.held;
    }
}

/// What was checked of a heap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proof {
    /// Headers of blocks: the checksum, where headers are encoded, and the size of the block before.
    pub headers: Share,
    /// Marks of blocks of the low-fragmentation heap, against its bitmaps or their own form.
    pub marks: Share,
    /// Memory of the low-fragmentation heap that its own structures point back at.
    pub user_blocks: Share,
    /// Bytes that the dump lacks.
    pub absent: u64,
    /// The dump lacks the header of the heap.
    pub headerless: bool,
    /// Free bytes that were found, and those of `TotalFreeSize`.
    pub free: Option<(u64, u64)>,
    /// Keys of the low-fragmentation heap that are that of the process.
    pub keys: Share,
    /// No formula that is known gives one key: none was checked.
    pub keys_unknown: bool,
    /// Page segments of segment heaps that have the key of the process.
    pub segments: Share,
    /// Something has a key that nothing proves, and was not read.
    pub unsolved: bool,
    /// Committed bytes that were found, and those that the dump lists, of a segment heap.
    pub committed: Option<(u64, u64)>,
    /// Busy blocks whose stacks are proved, where blocks have some.
    pub stacks: Share,
}

impl AddAssign for Proof {
    fn add_assign(&mut self, other: Self) {
        self.headers += other.headers;
        self.marks += other.marks;
        self.user_blocks += other.user_blocks;
        self.absent += other.absent;
        self.headerless |= other.headerless;
        self.free = self.free.or(other.free);
        self.keys += other.keys;
        self.keys_unknown |= other.keys_unknown;
        self.segments += other.segments;
        self.unsolved |= other.unsolved;
        self.committed = self.committed.or(other.committed);
        self.stacks += other.stacks;
    }
}

impl Proof {
    /// Whether stacks are taken: at least nine in ten blocks have a proved one.
    pub fn stacks_count(&self) -> bool {
        self.stacks.made > 0 && self.stacks.held >= self.stacks.made - self.stacks.made / 10
    }

    /// How far the heap can be trusted.
    pub fn trust(&self) -> &'static str {
        // Areas that the front end keeps for later look like areas that nothing points at: these say nothing of damage.
        let shares = [self.headers, self.marks, self.keys, self.segments];
        let sums = [self.free, self.committed];
        let differ = sums.into_iter().flatten().any(|(found, told)| found != told);
        if differ || !shares.iter().all(|share| share.whole()) {
            "damaged"
        } else if self.absent > 0 || self.headerless || self.unsolved {
            "partial"
        } else {
            "proved"
        }
    }

    /// What was checked, in words.
    pub fn words(&self, evidence: &str) -> String {
        let mut words = Vec::new();
        if self.headerless {
            words.push("the header of the heap is not in the dump".to_owned());
        } else {
            words.push(of("block headers", self.headers));
        }
        if let Some((found, told)) = self.free {
            words.push(match found == told {
                true => format!("{found} free bytes, as the heap counts"),
                false => format!("{found} free bytes, and the heap counts {told}"),
            });
        }
        if let Some((found, told)) = self.committed {
            words.push(match found == told {
                true => format!("{found} committed bytes, as the dump lists"),
                false => format!("{found} committed bytes, and the dump lists {told}"),
            });
        }
        for (name, share) in [
            ("page segments", self.segments),
            ("LFH areas", self.user_blocks),
            ("LFH marks", self.marks),
            ("LFH keys", self.keys),
            ("stacks of blocks", self.stacks),
        ] {
            if share.made > 0 {
                words.push(of(name, share));
            }
        }
        if self.keys_unknown {
            words.push("LFH keys not checked: no known formula gives one for all blocks".to_owned());
        }
        if self.absent > 0 {
            words.push(format!("{} bytes are not in the dump", self.absent));
        }
        words.push(format!("layout known from {evidence}"));
        words.join("; ")
    }
}

fn of(name: &str, share: Share) -> String {
    format!("{} of {} {name}", share.held, share.made)
}
