//! Changes to a PDB that keep what holds it together: numbers of types, ids and symbols, counts and kinds, each in its place.
//!
//! Bytes that are changed anywhere seldom get past the lists of pages and streams. Here a record stays a record, and leads elsewhere.

#[path = "../../src/symbols/files/pdb/tests/msf.rs"]
#[allow(dead_code)]
mod msf;

pub use msf::Msf;
use msf::{IDS, TYPES, put, u16_at};

/// Kinds of types, ids and symbols that lead to others, or count something.
const KINDS: [u16; 32] = [
    0x1001, 0x1002, 0x1008, 0x1009, 0x1201, 0x1203, 0x1206, 0x1503, 0x1504, 0x1505, 0x1506, 0x1507, 0x1516, 0x151D,
    0x1601, 0x1602, 0x1603, 0x1604, 0x1605, 0x1606, 0x110F, 0x1110, 0x1102, 0x1132, 0x114D, 0x114E, 0x115A, 0x115B,
    0x115D, 0x1168, 0x1146, 0x0006,
];

/// Numbers that are the same whenever the first is.
pub struct Random(pub u64);

impl Random {
    /// The next (xorshift).
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below another.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> Option<T> {
        values.get(self.below(values.len())).copied()
    }
}

/// Changes records of a sound PDB.
pub fn change(pdb: &mut Msf, random: &mut Random) {
    for _ in 0..=random.below(64) {
        match random.below(8) {
            0..=1 => numbered(pdb, TYPES, random),
            2..=4 => numbered(pdb, IDS, random),
            5..=6 => symbols(pdb, random),
            _ => header(pdb, random),
        };
    }
}

/// A type or an id gets another kind, or leads to another: itself, its neighbour, any, or none that there is.
fn numbered(pdb: &mut Msf, stream: usize, random: &mut Random) -> Option<()> {
    let (first, records) = pdb.records(stream);
    let row = random.below(records.len());
    let number = first.wrapping_add(row as u32);
    let any = first.wrapping_add(random.below(records.len()) as u32);
    let to =
        random.of(&[number, number, number + 1, number.wrapping_sub(1), any, any, 0, u32::MAX, any | 0x8000_0000])?;
    word(&mut pdb.0[stream], *records.get(row)?, to, random)
}

/// A symbol gets another kind, or another place as its end, or leads to another type or id.
fn symbols(pdb: &mut Msf, random: &mut Random) -> Option<()> {
    let modules = pdb.modules();
    let (_, stream, size) = random.of(&modules)?;
    let symbols = pdb.symbols(stream, size);
    let at = random.of(&symbols)?;
    let place = random.of(&symbols)? as u32;
    let to = random.of(&[
        place - 2,
        place - 2,
        place,
        at as u32 - 2,
        0,
        size as u32,
        u32::MAX,
        0x1000 + place,
        0x8000_0001,
    ])?;
    word(&mut pdb.0[stream], at, to, random)
}

/// The kind of a record at a place, or one of its numbers.
fn word(bytes: &mut [u8], at: usize, to: u32, random: &mut Random) -> Option<()> {
    let len = usize::from(u16_at(bytes, at - 2)).min(bytes.len() - at);
    if random.below(8) == 0 {
        bytes[at..at + 2].copy_from_slice(&random.of(&KINDS)?.to_le_bytes());
    } else if len >= 6 {
        let word = at + 2 + 4 * random.below(((len - 2) / 4).min(8));
        put(bytes, word, to);
    }
    Some(())
}

/// A number in the header of a stream.
fn header(pdb: &mut Msf, random: &mut Random) -> Option<()> {
    let stream = random.below(pdb.0.len());
    let bytes = &mut pdb.0[stream];
    let word = 4 * random.below((bytes.len() / 4).min(16));
    let to = random.of(&[0, 1, u32::MAX, 0x1000, bytes.len() as u32, 0x7FFF_FFFF])?;
    // Those of types and ids tell where records are; the mutation needs them.
    if bytes.len() >= word + 4 && stream != TYPES && stream != IDS && word != 24 {
        put(bytes, word, to);
    }
    Some(())
}
