//! Any bytes as a minidump: no panic, every table there, contents of memory as long as asked for, and nothing larger than a
//! small multiple of the file.

use heapdelta::{
    Capture, ErrorKind, Options,
    internals::{input::content::Content, table::schema::DUMP_TABLES},
    read,
};

/// Bytes of text that tables may hold for each byte of the file, and for a file of none.
const TEXT_FACTOR: usize = 64;
const TEXT_FLOOR: usize = 4 << 20;

/// Reads `data`, with the first bytes of a dump if it has others, and asks for everything.
///
/// # Panics
///
/// If a promise is broken.
pub fn target(data: &[u8]) {
    let mut data = data.to_vec();
    if let Some(magic) = data.first_chunk_mut::<4>() {
        *magic = *b"MDMP";
    }
    let size = data.len();
    let addresses: Vec<u64> =
        data.chunks_exact(8).take(64).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default())).collect();
    let dump = match read(Content::new(data), &Options::default()) {
        Ok(Capture::Dump(dump)) => dump,
        Ok(_) => return,
        Err(error) => {
            assert!(!matches!(error.kind(), ErrorKind::Internal { .. }), "{error}");
            return;
        }
    };
    let mut bytes = 0;
    for schema in DUMP_TABLES {
        let table = dump.table(schema.name).expect("every table is there");
        assert!(table.batches.iter().all(|batch| batch.schema() == table.schema));
        bytes += table.batches.iter().map(|batch| batch.get_array_memory_size()).sum::<usize>();
    }
    assert!(bytes <= TEXT_FACTOR * size + TEXT_FLOOR, "{bytes} bytes of tables for a file of {size}");
    for address in addresses {
        for count in [0, 1, 64, size as u64, u64::MAX] {
            if let Ok(contents) = dump.bytes_at(address, count) {
                assert_eq!(contents.len() as u64, count);
            }
        }
    }
}
