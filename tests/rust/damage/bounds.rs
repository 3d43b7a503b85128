//! No damage makes the reader panic, or take more memory than a stated multiple of the file.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use heapdelta::{
    ErrorKind, Options, read,
    testing::dump::{Damage, Handle, ObjectInfo, Plan, Range, Text},
};

use super::super::sample_dump::{bytes, damaged, full_sample, range_base, sample};

thread_local! {
    /// Bytes this thread holds, and the most it held since it was last asked.
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counting for each thread what it takes.
struct Counting;

fn count(bytes: i64) {
    let live = LIVE.get() + bytes;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
}

// SAFETY: every call is passed on to `System`, which keeps the contract; counting touches two cells of the thread, which
// need neither memory nor a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What reading may take: a record of 12 bytes becomes a row of at most some 200, an issue some 300.
const FACTOR: usize = 40;
const CONSTANT: usize = 1 << 20;

/// Reads bytes; gives the most memory it took on the way.
fn peak(bytes: &[u8]) -> usize {
    let before = LIVE.get();
    PEAK.set(before);
    let outcome = read(bytes, &Options { threads: Some(1), ..Options::default() });
    let peak = (PEAK.get() - before) as usize;
    if let Err(error) = outcome {
        assert!(!matches!(error.kind(), ErrorKind::Internal { .. }), "{error}");
    }
    peak
}

fn assert_bounded(bytes: &[u8], what: &str) {
    let peak = peak(bytes);
    assert!(peak <= FACTOR * bytes.len() + CONSTANT, "{what}: {peak} bytes for {}", bytes.len());
}

#[test]
fn every_defect_is_bounded() {
    for (name, damage) in Damage::NAMED {
        for plan in [sample(), full_sample()] {
            assert_bounded(&damaged(&plan, damage), name);
        }
    }
}

#[test]
fn file_cut_anywhere_is_bounded() {
    let whole = bytes(&full_sample());
    let head = whole.len() - 4 * 0x1000;
    for length in (0..head).step_by(7).chain(head..head + 40).chain((head..whole.len()).step_by(999)) {
        assert_bounded(&whole[..length], "cut");
    }
}

/// All numbers but those amid registers, which are mostly zeros and of which none counts anything.
#[test]
fn any_number_of_the_head_may_lie() {
    let plan = Plan { memory64: full_sample().memory64, ..sample() };
    let sound = bytes(&plan);
    let mut lying = sound.clone();
    for at in (4..sound.len() - 8 * 0x1000).step_by(4) {
        if sound[at - 4..at + 60].iter().all(|byte| *byte == 0) {
            continue;
        }
        for lie in [1, 0x7FFF_FFFF, 0xFFFF_FFFF_u32] {
            lying[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            assert_bounded(&lying, "a lie");
        }
        lying[at..at + 4].copy_from_slice(&sound[at..at + 4]);
    }
}

#[test]
fn one_long_text_that_all_records_share_is_bounded() {
    let long = Text { units: vec![u16::from(b'a'); 0x7FF0], ..Text::default() };
    let handle = |number| Handle { handle: number, type_name: Some(long.clone()), ..Handle::default() };
    let plan = Plan { handles: Some((0..20_000).map(handle).collect()), ..Plan::default() };
    assert_bounded(&bytes(&plan), "one text, 20,000 times");
}

#[test]
fn names_that_are_long_and_hold_nothing_are_bounded() {
    let zeros = Text { units: vec![0; 0x7FFF], ..Text::default() };
    let handle = |number| Handle { handle: number, type_name: Some(zeros.clone()), ..Handle::default() };
    let plan = Plan { handles: Some((0..20_000).map(handle).collect()), ..Plan::default() };
    assert_bounded(&bytes(&plan), "zeros, 20,000 times");
}

#[test]
fn long_chains_are_bounded() {
    let info = ObjectInfo { info_type: 1, data: vec![0; 4], next: None };
    let mut plan = sample();
    plan.handles.as_mut().unwrap()[0].object_infos = vec![info; 100_000];
    assert_bounded(&bytes(&plan), "a chain of 100,000");
}

#[test]
fn ranges_that_all_overlap_are_bounded() {
    let range = |number| Range { declared_size: Some(0x10_0000), ..Range::new(range_base(0) + number, 1) };
    let plan = Plan { memory64: Some((0..20_000).map(range).collect()), ..Plan::default() };
    assert_bounded(&bytes(&plan), "20,000 ranges in each other");
    let range = |number| Range { declared_offset: Some(0), ..Range::new(range_base(number), 0) };
    let range = |number| Range { declared_size: Some(0xFFFF), ..range(number) };
    let plan = Plan { memory: Some((0..20_000).map(range).collect()), ..Plan::default() };
    assert_bounded(&bytes(&plan), "20,000 ranges of the same bytes");
}
