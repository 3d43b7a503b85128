//! Hashes of contents, by which equal files are known: XXH128, as `xxhsum -H2` prints it.

use std::io::{self, Read};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The XXH128 hash of bytes, read to their end, as 32 hexadecimal digits.
///
/// # Errors
///
/// What the source says.
pub fn content_hash(source: &mut dyn Read) -> io::Result<String> {
    /// Bytes that are read at a time.
    const PIECE: usize = 1 << 20;
    let (mut hash, mut piece) = (Xxh3::new(), vec![0; PIECE]);
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(hash_text(&hash)),
            Ok(count) => hash.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A key made of text: XXH3 with 64 bits.
pub fn text_key(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// A hash as it is written.
pub fn hash_text(hash: &Xxh3) -> String {
    format!("{:032x}", hash.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_published_algorithm() {
        // XXH3_128bits of nothing, as its specification has it.
        assert_eq!(content_hash(&mut &b""[..]).unwrap(), "99aa06d3014798d86001c324468d497f");
    }
}
