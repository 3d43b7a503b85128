//! Little-endian numbers at an offset: never a panic, never an allocation.
//!
//! Structures of minidumps are packed to four bytes and may be at any offset, so they are read field by field.

/// Bytes of one record.
///
/// Fields behind its end read as 0; readers ask for the length of a record before they ask for its fields.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    /// The two bytes at an offset.
    pub fn u16(self, at: usize) -> u16 {
        u16_at(self.0, at).unwrap_or_default()
    }

    /// The four bytes at an offset.
    pub fn u32(self, at: usize) -> u32 {
        u32_at(self.0, at).unwrap_or_default()
    }

    /// The eight bytes at an offset.
    pub fn u64(self, at: usize) -> u64 {
        u64_at(self.0, at).unwrap_or_default()
    }

    /// A `MINIDUMP_LOCATION_DESCRIPTOR`: size and file offset.
    pub fn location(self, at: usize) -> (u32, u32) {
        (self.u32(at), self.u32(at + 4))
    }
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The two bytes at an offset, if they are there.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    chunk(bytes, at).map(u16::from_le_bytes)
}

/// The four bytes at an offset, if they are there.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    chunk(bytes, at).map(u32::from_le_bytes)
}

/// The eight bytes at an offset, if they are there.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    chunk(bytes, at).map(u64::from_le_bytes)
}

/// The bytes of `[offset, offset + size)` that the file has; fewer than `size` where it is cut.
pub fn present(file: &[u8], offset: u64, size: u64) -> &[u8] {
    let clamp = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(file.len());
    &file[clamp(offset)..clamp(offset.saturating_add(size))]
}

/// A `FILETIME` (100 ns since 1601 UTC) as ns since 1970 UTC; absent for 0 and for what 64 bits of ns cannot hold.
pub fn file_time(ticks: u64) -> Option<i64> {
    const TICKS_TO_1970: i64 = 116_444_736_000_000_000;
    let ticks = i64::try_from(ticks).ok().filter(|ticks| *ticks != 0)?;
    (ticks - TICKS_TO_1970).checked_mul(100)
}

/// A span of 100 ns ticks as ns; absent for what 64 bits of ns cannot hold.
pub fn span(ticks: u64) -> Option<i64> {
    i64::try_from(ticks).ok()?.checked_mul(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_behind_the_end_are_absent() {
        assert_eq!(u32_at(&[1, 0, 0, 0], 0), Some(1));
        assert_eq!(u32_at(&[1, 0, 0, 0], 1), None);
        assert_eq!(u64_at(&[1, 0, 0, 0], usize::MAX), None);
        assert_eq!(present(b"abc", 1, 9), b"bc");
        assert_eq!(present(b"abc", u64::MAX, u64::MAX), b"");
    }

    #[test]
    fn file_times_count_from_1601() {
        assert_eq!(file_time(116_444_736_000_000_000 + 10_000_000), Some(1_000_000_000));
        assert_eq!(file_time(0), None, "0 says that the time is not known");
        assert_eq!(file_time(u64::MAX), None);
        assert_eq!(span(10_000_000), Some(1_000_000_000));
        assert_eq!(span(u64::MAX), None);
    }
}
