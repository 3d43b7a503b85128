//! What can be wrong with heaps: each defect by its name, done to memory that was sound.

use super::{
    memory::Allocation,
    place::{Entry, What, fronts},
    rows::Windows,
    world::World,
};

/// A defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// A bit of the header of a busy block of the second heap is another.
    FlippedHeader,
    /// The header of a busy block of the second heap says that it has no bytes, and is else sound.
    ZeroSize,
    /// A free entry of the second heap is followed by the first one.
    LoopedFreeList,
    /// The last segment of the third heap is followed by itself.
    LoopedSegmentList,
    /// The last large block is followed by itself.
    LoopedLargeList,
    /// The first zone of the second heap is followed by itself.
    LoopedZones,
    /// No page of the last segment of the third heap is in the dump.
    MissingSegment,
    /// Two pages in the middle of the second heap are not in the dump.
    MissingPages,
    /// The first page of the second heap is not in the dump.
    MissingHeapPage,
    /// The file ends after three quarters of the memory.
    Cut,
    /// The first heap counts seven units too many as free.
    WrongTotalFree,
    /// One bit of the bitmap of UserBlocks is another.
    WrongBitmap,
    /// The process does not list the third heap.
    UnlistedHeap,
    /// The process lists the base of its program as a heap.
    FalseHeap,
    /// Numbers of heaps, of pages, of slots and of bytes are as large as they can be.
    HostileCounts,
}

use Damage::*;

impl Damage {
    /// All defects, each by the name that `heapdelta.testing` gives it.
    pub const NAMED: [(&'static str, Damage); 15] = [
        ("flipped-header", FlippedHeader),
        ("zero-size", ZeroSize),
        ("looped-free-list", LoopedFreeList),
        ("looped-segment-list", LoopedSegmentList),
        ("looped-large-list", LoopedLargeList),
        ("looped-zones", LoopedZones),
        ("missing-segment", MissingSegment),
        ("missing-pages", MissingPages),
        ("missing-heap-page", MissingHeapPage),
        ("cut", Cut),
        ("wrong-total-free", WrongTotalFree),
        ("wrong-bitmap", WrongBitmap),
        ("unlisted-heap", UnlistedHeap),
        ("false-heap", FalseHeap),
        ("hostile-counts", HostileCounts),
    ];

    /// The defect of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, damage)| damage)
    }

    /// Does it to the memory of a side of the process; gives the address where. Heaps that lack what is to be damaged stay
    /// sound.
    pub(super) fn apply(self, world: &World, parts: &mut [Allocation]) -> u64 {
        let (row, heap) = (world.row, &world.heaps[1]);
        let third = world.segments[2].last().map_or(0, |segment| segment.base);
        let pointer = |value: u64| value.to_le_bytes()[..row.pointer as usize].to_vec();
        match self {
            FlippedHeader => {
                let at = middle(world, &|entry| matches!(entry.what, What::Block(_))) + row.header;
                change(parts, at, |bytes| bytes[0] ^= 0x20);
                at - row.header
            }
            ZeroSize => {
                let at = middle(world, &|entry| matches!(entry.what, What::Block(_))) + row.header;
                let code = heap.encoding.unwrap_or_default();
                change(parts, at, |bytes| {
                    bytes[..2].copy_from_slice(&code[..2]);
                    bytes[3] = code[3] ^ bytes[2] ^ code[2];
                });
                at - row.header
            }
            LoopedFreeList => {
                let links = free(world);
                let Some(last) = links.get(links.len() / 2).copied() else { return 0 };
                change(parts, last, |bytes| bytes[..row.pointer as usize].copy_from_slice(&pointer(links[0])));
                last
            }
            LoopedSegmentList | LoopedLargeList | LoopedZones => {
                let (zones, _) = fronts(row, &world.segments[1]);
                let large = world.heaps[3].large.last().map_or(0, |(base, _)| *base);
                let at = match self {
                    LoopedSegmentList => third + row.segment.list,
                    LoopedLargeList => large,
                    _ => zones.first().copied().unwrap_or_default(),
                };
                change(parts, at, |bytes| bytes[..row.pointer as usize].copy_from_slice(&pointer(at)));
                at
            }
            MissingSegment => missing(parts, third, third, u64::MAX >> 1),
            MissingPages => {
                let at = middle(world, &|entry| matches!(entry.what, What::Block(_))) & !0xFFF;
                missing(parts, at, at, 0x2000)
            }
            MissingHeapPage => missing(parts, heap.base, heap.base, 0x1000),
            WrongTotalFree => {
                let at = world.heaps[0].base + row.heap.total_free;
                change(parts, at, |bytes| bytes[0] = bytes[0].wrapping_add(7));
                at
            }
            WrongBitmap => {
                let (_, users) = fronts(row, &world.segments[1]);
                // Without a bitmap there is the byte that tells whether a slot is busy.
                let Some((_, users, _)) = users.get(users.len() / 2).copied() else { return 0 };
                let seven = row.first_slot(0) + row.header + 7;
                let at = users + if row.windows == Windows::Seven { seven } else { row.lfh.users_bytes };
                change(parts, at, |bytes| bytes[0] ^= if row.windows == Windows::Seven { 0x80 } else { 1 });
                at
            }
            HostileCounts => self.hostile(world, parts),
            Cut | UnlistedHeap | FalseHeap => 0,
        }
    }

    fn hostile(self, world: &World, parts: &mut [Allocation]) -> u64 {
        let (row, base) = (world.row, world.heaps[1].base);
        let (zones, users) = fronts(row, &world.segments[1]);
        let width = row.pointer as usize;
        for at in [row.segment.pages, row.segment.last, row.heap.total_free, row.heap.counters] {
            change(parts, base + at, |bytes| bytes[..width].fill(0xFF));
        }
        change(parts, base + row.segment.uncommitted_pages, |bytes| bytes[..8].fill(0xFF));
        for zone in zones {
            change(parts, zone + 2 * row.pointer, |bytes| bytes[..4].fill(0xFF));
            change(parts, zone + row.lfh.zone_first + row.lfh.block_count, |bytes| bytes[..2].fill(0xFF));
        }
        for (_, users, _) in users.iter().filter(|_| row.windows != Windows::Seven) {
            change(parts, users + row.lfh.users_bitmap, |bytes| bytes[..4].fill(0xFF));
        }
        for (large, _) in &world.heaps[3].large {
            change(parts, large + 4 * row.pointer, |bytes| bytes[..2 * width].fill(0xFF));
        }
        base
    }
}

/// The entry of a kind in the middle of the first segment of the second heap.
fn middle(world: &World, is_kind: &dyn Fn(&Entry) -> bool) -> u64 {
    let entries: Vec<u64> =
        world.segments[1][0].entries.iter().filter(|entry| is_kind(entry)).map(|entry| entry.address).collect();
    entries.get(entries.len() / 2).copied().unwrap_or_default()
}

/// Links of the free entries of the second heap, in the order of their list.
fn free(world: &World) -> Vec<u64> {
    let entries = world.segments[1].iter().flat_map(|segment| &segment.entries);
    let mut free: Vec<(u16, u64)> =
        entries.filter(|entry| entry.what == What::Free).map(|entry| (entry.units, entry.address)).collect();
    free.sort_unstable();
    free.into_iter().map(|(_, address)| address + world.row.front(false)).collect()
}

/// Changes bytes at an address, if they are there.
fn change(parts: &mut [Allocation], address: u64, how: impl FnOnce(&mut [u8])) {
    let holds = |part: &&mut Allocation| (part.base..part.base + part.bytes.len() as u64).contains(&address);
    if let Some(part) = parts.iter_mut().find(holds) {
        how(&mut part.bytes[(address - part.base) as usize..]);
    }
}

/// Leaves memory out of the dump.
fn missing(parts: &mut [Allocation], address: u64, start: u64, bytes: u64) -> u64 {
    let holds = |part: &&mut Allocation| (part.base..part.base + part.bytes.len() as u64).contains(&address);
    if let Some(part) = parts.iter_mut().find(holds) {
        part.missing.push((start, bytes));
    }
    start
}
