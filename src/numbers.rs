//! Sums of bytes and counts: exact, or not known. One damaged line can name 2^64 bytes, so a sum that wraps or stops would be a
//! wrong number that nobody sees.

/// The sum of both; absent if one is, or 64 bits do not hold it.
pub fn plus(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one?.checked_add(other?)
}

/// Adds to sums that are beside each other. Gives a bit for each that 64 bits no longer hold, the first lowest; such a sum is not
/// to be used any more.
#[inline(always)]
pub fn add<const N: usize>(sums: &mut [u64; N], more: [u64; N]) -> u8 {
    let mut past = 0;
    for (at, (sum, more)) in sums.iter_mut().zip(more).enumerate() {
        let (added, is_past) = sum.overflowing_add(more);
        *sum = added;
        past |= u8::from(is_past) << at;
    }
    past
}

/// After - before, if 64 bits with a sign hold it.
pub fn difference(after: Option<u64>, before: Option<u64>) -> Option<i64> {
    i64::try_from(i128::from(after?) - i128::from(before?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_exact_or_not_known() {
        assert_eq!(plus(Some(1), Some(u64::MAX - 1)), Some(u64::MAX));
        assert_eq!((plus(Some(1), Some(u64::MAX)), plus(None, Some(1)), plus(Some(1), None)), (None, None, None));
        let mut sums = [1, u64::MAX, 5];
        assert_eq!(add(&mut sums, [2, 1, u64::MAX - 5]), 0b010);
        assert_eq!((sums[0], sums[2]), (3, u64::MAX));
        assert_eq!(difference(Some(0), Some(1 << 63)), Some(i64::MIN));
        assert_eq!((difference(Some(1 << 63), Some(0)), difference(None, Some(0))), (None, None));
    }
}
