//! Values that are read at random, in pages as large as the system has them.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use zerocopy::FromZeros;

/// Values at a fixed place, all zero at first.
///
/// Large ones are in huge pages where the system has them: the processor keeps the places of some 2,000 pages at hand, which are
/// 8 MB in pages of 4 KiB. Tables of a log of 680,000 stacks have five times that; without huge pages a read of it takes a sixth
/// longer on one thread (2 cores of an EPYC, 2026-11-28).
pub struct RandomAccess<T> {
    start: NonNull<T>,
    len: usize,
    /// Whose memory it is; it is used through `start` only.
    _owner: Owner<T>,
}

enum Owner<T> {
    Vector {
        _values: Vec<T>,
    },
    #[cfg(target_os = "linux")]
    Map {
        _map: memmap2::MmapMut,
        /// Values for which there are addresses.
        room: usize,
    },
}

// SAFETY: it owns its values, as a vector does.
unsafe impl<T: Send> Send for RandomAccess<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for RandomAccess<T> {}

impl<T: FromZeros + Copy> RandomAccess<T> {
    /// A number of values, all of zero bits.
    pub fn zeros(len: usize) -> Self {
        #[cfg(target_os = "linux")]
        if let Some(values) = Self::in_huge_pages(len, len) {
            return values;
        }
        let mut values = T::new_vec_zeroed(len).expect("memory for a table"); // proof: without memory nothing can go on
        let start = NonNull::from(values.as_mut_slice()).cast();
        Self { start, len, _owner: Owner::Vector { _values: values } }
    }

    /// Another number of values: those that are there, and zero bits behind them.
    ///
    /// Large ones stay where they are, in a map that has addresses for far more: the system gives memory only to those that are
    /// written. A table that moves whenever it doubles touches twice the memory that it needs in the end.
    pub fn grow(&mut self, len: usize) {
        let stays = match &self._owner {
            Owner::Vector { .. } => false,
            #[cfg(target_os = "linux")]
            Owner::Map { room, .. } => len <= *room,
        };
        if stays {
            self.len = self.len.max(len);
            return;
        }
        let mut grown = Self::with_room(len);
        grown[..self.len].copy_from_slice(self);
        *self = grown;
    }

    /// A number of values of zero bits, which may become more.
    fn with_room(len: usize) -> Self {
        /// Times what is asked for: three doublings. Addresses are not free where a process has a limit for them.
        #[cfg(target_os = "linux")]
        const ROOM: usize = 8;
        #[cfg(target_os = "linux")]
        if let Some(values) = len.checked_mul(ROOM).and_then(|room| Self::in_huge_pages(len, room)) {
            return values;
        }
        Self::zeros(len)
    }

    /// Memory of its own, which begins where a huge page does, with addresses for `room` values; none for values that do not fill
    /// a huge page.
    #[cfg(target_os = "linux")]
    fn in_huge_pages(len: usize, room: usize) -> Option<Self> {
        const HUGE_PAGE: usize = 2 << 20;
        len.checked_mul(size_of::<T>()).filter(|size| *size >= HUGE_PAGE)?;
        let size = room.checked_mul(size_of::<T>())?;
        let mapped = size.checked_add(HUGE_PAGE)?;
        let mut map = memmap2::MmapOptions::new().len(mapped).no_reserve_swap().map_anon().ok()?;
        // Advice: nothing depends on whether it is taken.
        let _ = map.advise(memmap2::Advice::HugePage);
        let skipped = map.as_ptr().align_offset(HUGE_PAGE);
        let start = NonNull::from(map.get_mut(skipped..skipped + size)?).cast();
        Some(Self { start, len, _owner: Owner::Map { _map: map, room } })
    }
}

impl<T> Deref for RandomAccess<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `start` points to `len` values that the owner keeps where they are. They are aligned, as values of a vector are
        // and as a huge page is; in a map they are zero bits, which `FromZeros` allows.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for RandomAccess<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; nobody else has a way to them.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: FromZeros + Copy> Default for RandomAccess<T> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T> fmt::Debug for RandomAccess<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RandomAccess of {}", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_zero_then_what_was_written_in_pages_of_any_size() {
        for len in [0, 1, 1000, (2 << 20) / 8 - 1, (2 << 20) / 8, (5 << 20) / 8 + 3] {
            let mut values = RandomAccess::<u64>::zeros(len);
            assert_eq!(values.len(), len);
            assert!(values.iter().all(|value| *value == 0));
            values.iter_mut().enumerate().for_each(|(place, value)| *value = place as u64);
            assert!(values.iter().enumerate().all(|(place, value)| *value == place as u64));
        }
    }

    #[test]
    fn growing_keeps_what_is_there_and_adds_zeros() {
        let (mut values, mut len) = (RandomAccess::<u64>::zeros(1), 1);
        values[0] = 1;
        // Past a huge page, and past the addresses of the first map.
        while len < 3 << 20 {
            let grown = len * 3 + 1;
            values.grow(grown);
            assert_eq!(values.len(), grown);
            assert!(values[..len].iter().zip(1..).all(|(value, place)| *value == place));
            assert!(values[len..].iter().all(|value| *value == 0));
            values[len..].iter_mut().zip(len as u64 + 1..).for_each(|(value, place)| *value = place);
            len = grown;
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn large_values_begin_where_a_huge_page_does() {
        assert_eq!(RandomAccess::<u64>::zeros(1 << 19).as_ptr().addr() % (2 << 20), 0);
    }
}
