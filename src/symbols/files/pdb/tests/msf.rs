//! A PDB as its streams, so that tests can change what they hold, and write it again.

/// Streams that lie at fixed numbers.
pub const TYPES: usize = 2;
pub const LISTS: usize = 3;
pub const IDS: usize = 4;

const MAGIC: &[u8; 32] = b"Microsoft C/C++ MSF 7.00\r\n\x1ADS\0\0\0";
const PAGE: usize = 4096;
const MISSING: u32 = u32::MAX;

/// The streams of a PDB.
#[derive(Clone)]
pub struct Msf(pub Vec<Vec<u8>>);

/// Four bytes as a number.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Two bytes as a number.
pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Writes a number over four bytes.
pub fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

impl Msf {
    /// Reads a PDB that is sound; panics where it is not.
    pub fn of(file: &[u8]) -> Self {
        let page = u32_at(file, 32) as usize;
        let mut total = 0;
        let mut gather = |size: usize, pages: &[u8]| {
            let mut bytes: Vec<u8> = Vec::new();
            for number in pages.chunks_exact(4).map(|number| u32_at(number, 0) as usize) {
                total += page;
                assert!(total <= 2 * file.len(), "pages that are there twice");
                bytes.extend(&file[number * page..(number + 1) * page]);
            }
            bytes.truncate(size);
            bytes
        };
        let size = u32_at(file, 44) as usize;
        let map = u32_at(file, 52) as usize * page;
        let directory = gather(size, &file[map..map + size.div_ceil(page) * 4]);
        let count = u32_at(&directory, 0) as usize;
        assert!(count < directory.len() / 4, "more streams than are listed");
        let mut at = 4 + 4 * count;
        let stream = |index: usize| {
            let size = Some(u32_at(&directory, 4 + 4 * index)).filter(|size| *size != MISSING).unwrap_or(0) as usize;
            let pages = size.div_ceil(page) * 4;
            at += pages;
            gather(size, &directory[at - pages..at])
        };
        Self((0..count).map(stream).collect())
    }

    /// Writes it as a file.
    pub fn written(&self) -> Vec<u8> {
        let mut file = vec![0; 3 * PAGE];
        let mut store = |bytes: &[u8]| -> Vec<u8> {
            let first = file.len() / PAGE;
            file.extend(bytes);
            file.resize(file.len().next_multiple_of(PAGE), 0);
            (first..file.len() / PAGE).flat_map(|page| (page as u32).to_le_bytes()).collect()
        };
        let pages: Vec<u8> = self.0.iter().flat_map(|stream| store(stream)).collect();
        let sizes = self.0.iter().flat_map(|stream| (stream.len() as u32).to_le_bytes());
        let directory: Vec<u8> = (self.0.len() as u32).to_le_bytes().into_iter().chain(sizes).chain(pages).collect();
        let map = store(&directory);
        let map = store(&map);
        let used = (file.len() / PAGE) as u32;
        file[..32].copy_from_slice(MAGIC);
        for (at, number) in [(32, PAGE as u32), (36, 1), (40, used), (44, directory.len() as u32)] {
            put(&mut file, at, number);
        }
        file[52..56].copy_from_slice(&map[..4]);
        file
    }

    /// Where records of types or ids begin, with their kinds; the first has the number `first`.
    pub fn records(&self, stream: usize) -> (u32, Vec<usize>) {
        let bytes = &self.0[stream];
        let mut at = u32_at(bytes, 4) as usize;
        let mut found = Vec::new();
        while at + 4 <= bytes.len() {
            found.push(at + 2);
            at += 2 + usize::from(u16_at(bytes, at));
        }
        (u32_at(bytes, 8), found)
    }

    /// Adds a record of a type or an id, and tells its number.
    pub fn add(&mut self, stream: usize, record: &[u8]) -> u32 {
        let bytes = &mut self.0[stream];
        let number = u32_at(bytes, 12);
        bytes.extend((record.len() as u16).to_le_bytes());
        bytes.extend(record);
        put(bytes, 12, number + 1);
        let size = u32_at(bytes, 16) + record.len() as u32 + 2;
        put(bytes, 16, size);
        number
    }

    /// The modules that have symbols: where their entries begin in the lists, their streams, and bytes of symbols.
    pub fn modules(&self) -> Vec<(usize, usize, usize)> {
        let lists = &self.0[LISTS];
        let end = 64 + u32_at(lists, 24) as usize;
        let mut at = 64;
        let mut found = Vec::new();
        while at + 64 <= end {
            let (stream, size) = (usize::from(u16_at(lists, at + 34)), u32_at(lists, at + 36) as usize);
            if size > 4 && stream < self.0.len() {
                found.push((at, stream, size));
            }
            let texts = lists[at + 64..].split_inclusive(|byte| *byte == 0).take(2);
            at += (64 + texts.map(<[u8]>::len).sum::<usize>()).next_multiple_of(4);
        }
        found
    }

    /// Where the symbols of a module begin, with their kinds.
    pub fn symbols(&self, stream: usize, size: usize) -> Vec<usize> {
        let bytes = &self.0[stream];
        let mut at = 4;
        let mut found = Vec::new();
        while at + 4 <= size {
            found.push(at + 2);
            at += 2 + usize::from(u16_at(bytes, at));
        }
        found
    }
}
