//! How much of an archive is believed: a few bytes can unpack to more than any disk holds.

use std::{
    io::{self, Read},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::fault::{Fault, is_of_library};

/// How much of an archive is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes unpacked for each packed byte, of a member past its first 256 MiB, and of all past the first GiB.
    pub ratio: u64,
    /// Bytes of a member.
    pub member_bytes: u64,
    /// Bytes of all members, those of archives inside included.
    pub total_bytes: u64,
    /// Members, those of archives inside included.
    pub members: u64,
    /// Archives in archives.
    pub depth: u64,
    /// Bytes of a dump, or of an archive inside, that are kept in memory; more go into a nameless file.
    pub memory_bytes: u64,
}

impl Default for Limits {
    /// Deflate packs a byte a thousand times at most, heap logs ten to thirty times.
    fn default() -> Self {
        Self {
            ratio: 250,
            member_bytes: 64 << 30,
            total_bytes: 1 << 40,
            members: 100_000,
            depth: 8,
            memory_bytes: 256 << 20,
        }
    }
}

/// Bytes of a member whose ratio does not matter.
const FREE_OF_MEMBER: u64 = 256 << 20;

/// The same of all members.
const FREE_OF_ALL: u64 = 1 << 30;

/// What a walk has used up.
pub struct Budget {
    /// Bytes of the outermost archive; absent for one that comes through a pipe.
    packed: Option<u64>,
    members: AtomicU64,
    bytes: AtomicU64,
}

impl Budget {
    /// Nothing is used yet.
    pub fn new(packed: Option<u64>) -> Self {
        Self { packed, members: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Counts a member.
    ///
    /// # Errors
    ///
    /// If there were as many as are allowed.
    pub fn member(&self, limits: &Limits) -> Result<(), Fault> {
        let before = self.members.fetch_add(1, Relaxed);
        if before < limits.members { Ok(()) } else { Err(Fault::Limit("members", limits.members)) }
    }

    /// Counts bytes.
    fn add(&self, bytes: u64, limits: &Limits) -> Result<(), Fault> {
        let all = self.bytes.fetch_add(bytes, Relaxed) + bytes;
        let allowed = |packed: u64| packed.saturating_mul(limits.ratio).max(FREE_OF_ALL);
        if self.packed.is_some_and(|packed| all > allowed(packed)) {
            return Err(Fault::Limit("ratio", limits.ratio));
        }
        if all > limits.total_bytes { Err(Fault::Limit("total_bytes", limits.total_bytes)) } else { Ok(()) }
    }

    /// Whether bytes of further members can be read.
    ///
    /// # Errors
    ///
    /// If there were as many as are allowed.
    pub fn left(&self, limits: &Limits) -> Result<(), Fault> {
        self.add(0, limits)
    }
}

/// The size that an archive gives for a member.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Bytes in the archive, where the format tells them for one member alone.
    pub packed: Option<u64>,
    /// Bytes unpacked, where fewer mean that the archive is cut.
    pub exact: Option<u64>,
}

/// A member that gives no more bytes than are allowed.
pub struct Metered<'a, R> {
    content: R,
    sizes: Sizes,
    limits: &'a Limits,
    budget: &'a Budget,
    read: u64,
}

impl<'a, R: Read> Metered<'a, R> {
    /// Nothing was read yet.
    pub fn new(content: R, sizes: Sizes, limits: &'a Limits, budget: &'a Budget) -> Self {
        Self { content, sizes, limits, budget, read: 0 }
    }

    fn allowed(&self) -> Result<(), Fault> {
        let limits = self.limits;
        if self.read > limits.member_bytes {
            return Err(Fault::Limit("member_bytes", limits.member_bytes));
        }
        let most = |packed: u64| packed.saturating_mul(limits.ratio).max(FREE_OF_MEMBER);
        if self.sizes.packed.is_some_and(|packed| self.read > most(packed)) {
            return Err(Fault::Limit("ratio", limits.ratio));
        }
        Ok(())
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(out).map_err(|error| match is_of_library(&error) {
            true => Fault::Damaged(format!("only its first {} bytes can be unpacked", self.read)).into(),
            false => error,
        })?;
        if let (0, Some(exact), false) = (count, self.sizes.exact, out.is_empty())
            && self.read < exact
        {
            return Err(Fault::Damaged(format!("it ends after {} of {exact} bytes", self.read)).into());
        }
        self.read += count as u64;
        self.allowed()?;
        self.budget.add(count as u64, self.limits)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limits: &Limits, sizes: Sizes, bytes: u64) -> Result<u64, Fault> {
        let budget = Budget::new(None);
        let mut member = Metered::new(io::repeat(b'a').take(bytes), sizes, limits, &budget);
        Ok(io::copy(&mut member, &mut io::sink())?)
    }

    #[test]
    fn a_member_has_no_more_bytes_than_are_allowed() {
        let limits = Limits { member_bytes: 100_000, ..Limits::default() };
        assert_eq!(read(&limits, Sizes::default(), 100_000), Ok(100_000));
        assert_eq!(read(&limits, Sizes::default(), 100_001), Err(Fault::Limit("member_bytes", 100_000)));
        let limits = Limits { total_bytes: 99, ..Limits::default() };
        assert_eq!(read(&limits, Sizes::default(), 100), Err(Fault::Limit("total_bytes", 99)));
    }

    #[test]
    fn a_ratio_counts_behind_the_first_bytes() {
        let limits = Limits::default();
        let sizes = Sizes { packed: Some(10), exact: None };
        assert_eq!(read(&limits, sizes, FREE_OF_MEMBER), Ok(FREE_OF_MEMBER));
        assert_eq!(read(&limits, sizes, FREE_OF_MEMBER + 1), Err(Fault::Limit("ratio", 250)));
    }

    #[test]
    fn fewer_bytes_than_there_must_be_are_told() {
        let sizes = Sizes { packed: None, exact: Some(11) };
        assert_eq!(read(&Limits::default(), sizes, 11), Ok(11));
        let fault = read(&Limits::default(), sizes, 10);
        assert_eq!(fault, Err(Fault::Damaged("it ends after 10 of 11 bytes".to_owned())));
    }

    #[test]
    fn members_are_counted() {
        let limits = Limits { members: 2, ..Limits::default() };
        let budget = Budget::new(None);
        assert!(budget.member(&limits).is_ok() && budget.member(&limits).is_ok());
        assert_eq!(budget.member(&limits), Err(Fault::Limit("members", 2)));
    }
}
