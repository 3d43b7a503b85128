//! The low-fragmentation heap: blocks of one size without headers, and two bits for each: whether it is busy, and whether it says in its
//! last bytes how many of them are not the program's.

use std::borrow::Cow;

use super::{
    super::{account::Part, blocks::FrontEnd},
    keys::Places,
    walk::{Subsegment, Walk},
};
use crate::error::Severity;

impl Walk<'_> {
    /// Counts the blocks of a subsegment. Its bytes without memory are counted already.
    pub(super) fn low_fragmentation(&mut self, of: Subsegment) {
        let fields = self.heap.fields.lfh;
        let bytes = of.end - of.start;
        let known = bytes - self.uncommitted(of.start, of.end);
        let Some(key) = self.heap.keys.lfh else {
            self.out.proof.unsolved = true;
            return self.unproved(of.start, known, "no key is proved by other areas");
        };
        let Some(bitmap) = self.bitmap(of.start) else { return self.absent(of.start, known) };
        let places = Places::decoded(self.space, of.start, bytes, &fields, self.heap.width.unit, key);
        let Some(places) = places else {
            self.out.proof.keys.fail();
            return self.unproved(of.start, known, "by the key of the process its blocks do not fit into it");
        };
        self.out.proof.keys.hold();
        self.out.proof.user_blocks.hold();
        let blocks = of.start + places.first;
        let behind = blocks + places.count * places.block;
        let around = places.first + (of.end - behind);
        let holes = self.uncommitted(of.start, blocks) + self.uncommitted(behind, of.end);
        self.out.account.take(Part::Overhead, around - holes);
        let mut unlike = 0;
        for number in 0..places.count {
            if !self.may_read(of.start) {
                return;
            }
            let bits = bitmap[(number / 4) as usize] >> (number % 4 * 2);
            let at = blocks + number * places.block;
            unlike += u64::from(!self.slot(at, places.block, bits & 1 != 0, bits & 2 != 0));
        }
        if unlike > 0 {
            let (start, count) = (of.start, places.count);
            self.out.issues.push(
                Severity::Error,
                "heap_front_end",
                start,
                || format!("{unlike} of {count} blocks of the LFH area at {start:#X} contradict it"),
                "counted these blocks as unknown",
            );
        }
    }

    /// Counts a block; false if it contradicts itself.
    fn slot(&mut self, at: u64, bytes: u64, is_busy: bool, has_unused: bool) -> bool {
        let holes = self.uncommitted(at, at + bytes);
        if !is_busy {
            self.out.proof.marks.hold();
            self.free(FrontEnd::Lfh, at, bytes - holes);
            self.out.counts.lfh_free.0 += u64::from(holes < bytes);
            self.out.counts.lfh_free.1 += bytes - holes;
            return true;
        }
        let end = if has_unused { self.space.read(at + bytes - 2, 2) } else { Some(Cow::Borrowed(&[0, 0][..])) };
        let Some(end) = end else {
            self.out.proof.absent += bytes - holes;
            return true;
        };
        let unused = if has_unused { self.heap.fields.lfh.unused.of([end[0], end[1]]) } else { Some(0) };
        let Some(unused) = unused.filter(|unused| holes == 0 && *unused <= bytes && (*unused > 0) == has_unused) else {
            self.out.proof.marks.fail();
            return false;
        };
        self.out.proof.marks.hold();
        self.busy(FrontEnd::Lfh, at, bytes, unused);
        self.out.account.take(Part::Overhead, unused);
        self.out.counts.lfh.0 += 1;
        self.out.counts.lfh.1 += bytes - unused;
        true
    }

    /// The bits of all blocks.
    fn bitmap(&self, start: u64) -> Option<Vec<u8>> {
        let fields = &self.heap.fields.lfh;
        let head = self.space.read(start, fields.bitmap)?;
        let count = fields.count.of(&head)?;
        Some(self.space.read(start.checked_add(fields.bitmap)?, fields.bitmap_bytes(count))?.into_owned())
    }

    fn unproved(&mut self, start: u64, bytes: u64, why: &'static str) {
        self.out.issues.push(
            Severity::Warning,
            "heap_front_end",
            start,
            || format!("{bytes} bytes of the LFH area at {start:#X}: {why}"),
            "counted them as unknown",
        );
    }
}
