//! The low-fragmentation heap: a store, zones of subsegments, and UserBlocks, each a busy block cut into equal slots.

use super::{
    content::fill,
    memory::Memory,
    paint::Painting,
    place::{ZONE, fronts, store_is_large},
    plan::{Block, Piece},
    rows::Windows,
};

const SIGNATURE: u64 = 0xF0E0_D0C0;
const FREE: u8 = 0x80;
/// Of a busy slot with a second header: two units back to the first one.
const WITH_TRACE: u8 = 0xC2;

/// UserBlocks on their way into memory.
struct Users<'a> {
    /// Where they start, and bytes of the entry that holds them.
    address: u64,
    entry_bytes: u64,
    subsegment: u64,
    stride: u64,
    slots: &'a [Option<Block>],
}

pub fn paint(memory: &mut Memory, painting: &Painting<'_>) {
    let (row, plan) = (painting.row, painting.plan);
    let Some(store) = plan.store_address(row) else { return };
    if !store_is_large(row) {
        memory.add(plan.store, row.lfh.store_bytes, 0x1_0000);
    }
    let (zones, users) = fronts(row, painting.segments);
    memory.word(store + row.lfh.store_heap, plan.base);
    memory.ring(&std::iter::once(store + row.lfh.zones).chain(zones.iter().copied()).collect::<Vec<_>>());
    for (zone, used) in zones.iter().zip(users.chunks(ZONE)) {
        let first = zone + row.lfh.zone_first;
        let limit = first + ZONE as u64 * row.lfh.subsegment;
        match row.windows {
            Windows::Seven => {
                memory.words(zone + 2 * row.pointer, first + used.len() as u64 * row.lfh.subsegment, limit);
            }
            Windows::Ten | Windows::Unknown => memory.u32(zone + 2 * row.pointer, used.len() as u64),
        }
        for (number, (piece, address, entry_bytes)) in (0..).zip(used) {
            if let Piece::Slots(stride, slots) = &plan.pieces[*piece as usize] {
                let subsegment = first + number * row.lfh.subsegment;
                let users = Users { address: *address, entry_bytes: *entry_bytes, subsegment, stride: *stride, slots };
                users.describe(memory, painting, store);
                users.head(memory, painting, store);
                users.fill(memory, painting);
            }
        }
    }
}

impl Users<'_> {
    fn free(&self) -> impl Iterator<Item = u64> {
        self.slots.iter().zip(0..).filter(|(slot, _)| slot.is_none()).map(|(_, number)| number)
    }

    /// The subsegment.
    fn describe(&self, memory: &mut Memory, painting: &Painting<'_>, store: u64) {
        let (row, at) = (painting.row, self.subsegment);
        let units = self.stride / row.unit;
        memory.word(at, store + 0x400);
        memory.word(at + row.lfh.user_blocks, self.address);
        memory.u16(at + row.lfh.block_size, units);
        memory.u16(at + row.lfh.block_count, self.slots.len() as u64);
        memory.u8(at + row.lfh.size_index, (units - 1).min(0x7F) as u8);
        let free = self.free().count() as u64;
        if row.windows == Windows::Seven {
            let first = row.first_slot(self.slots.len() as u64);
            let next = self.free().next().map_or(0xFFFF, |slot| (first + slot * self.stride) / row.unit);
            memory.u16(at + row.lfh.aggregate, free);
            memory.u16(at + row.lfh.aggregate + 2, next);
            memory.u32(at + row.lfh.aggregate + 4, 1);
        } else {
            memory.u32(at + row.lfh.aggregate, free << 16 | free);
        }
    }

    /// What is in front of the slots.
    fn head(&self, memory: &mut Memory, painting: &Painting<'_>, store: u64) {
        let (row, lfh, at) = (painting.row, painting.row.lfh, self.address);
        let count = self.slots.len() as u64;
        memory.words(at, self.subsegment, store + 0x800);
        let index = u64::from(self.entry_bytes.next_power_of_two().ilog2());
        memory.u32(at + lfh.users_index, index);
        memory.u32(at + lfh.users_signature, SIGNATURE);
        if row.windows == Windows::Seven {
            return;
        }
        let first = row.first_slot(count);
        let places = (first | self.stride << 16) as u32;
        let code = places ^ at as u32 ^ store as u32 ^ painting.plan.key;
        memory.u32(at + lfh.users_offsets, u64::from(code));
        memory.u32(at + lfh.users_bitmap, count);
        memory.word(at + lfh.users_bitmap + row.pointer, at + lfh.users_bytes);
        // Bits behind the last slot are ones.
        let bits = 8 * row.pointer;
        for word in 0..count.div_ceil(bits) {
            let busy = |bit: &u64| {
                let slot = (word * bits + bit) as usize;
                self.slots.get(slot).is_none_or(Option::is_some)
            };
            let value = (0..bits).filter(busy).fold(0_u64, |value, bit| value | 1 << bit);
            memory.word(at + lfh.users_bytes + word * row.pointer, value);
        }
    }

    fn fill(&self, memory: &mut Memory, painting: &Painting<'_>) {
        let row = painting.row;
        let first = row.first_slot(self.slots.len() as u64);
        let mut next_free = self.free().skip(1);
        for (number, slot) in (0..).zip(self.slots) {
            let entry = self.address + first + number * self.stride;
            let header = entry + row.header;
            memory.u32(header, u64::from(self.code(painting, entry)));
            match slot {
                None => {
                    memory.u8(header + 7, FREE);
                    if row.windows == Windows::Seven {
                        let next = next_free.next().map_or(0xFFFF, |slot| (first + slot * self.stride) / row.unit);
                        memory.u16(header + 8, next);
                    }
                }
                Some(block) => {
                    let requested = u64::from(block.requested);
                    let unused = self.stride - requested;
                    let mark = if painting.plan.has_traces { WITH_TRACE } else { FREE | unused as u8 };
                    memory.u8(header + 7, mark);
                    painting.trace(memory, entry, self.stride, block.stack, requested);
                    let user = entry + row.front(painting.plan.has_traces);
                    fill(memory, painting.images, user, block);
                    painting.tail(memory, user + requested);
                }
            }
            if row.windows != Windows::Seven {
                memory.u16(header + 4, (number & 0xFF) << 8);
            }
        }
    }

    /// The first word of a slot's header: whose it is, combined with where it is and a key.
    fn code(&self, painting: &Painting<'_>, entry: u64) -> u32 {
        let row = painting.row;
        let place = (entry / row.unit) as u32 ^ painting.plan.base as u32 ^ painting.plan.key;
        match row.windows {
            Windows::Seven => place ^ self.subsegment as u32,
            Windows::Ten | Windows::Unknown => place ^ (((entry - self.address) / row.unit) as u32) << 16,
        }
    }
}
