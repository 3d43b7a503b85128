//! Dates of archives become numbers.

/// Seconds from 1970 to a moment: year, month and day, and hour, minute and second; absent for what no calendar has.
pub fn seconds(date: [i64; 3], time: [i64; 3]) -> Option<i64> {
    let [year, month, day] = date;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468;
    let [hour, minute, second] = time;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn moments_are_counted_from_1970() {
        assert_eq!(seconds([1970, 1, 1], [0, 0, 0]), Some(0));
        assert_eq!(seconds([2000, 2, 29], [12, 0, 1]), Some(951_825_601));
        assert_eq!(seconds([2026, 11, 28], [17, 0, 24]), Some(1_795_885_224));
        assert_eq!(seconds([1980, 0, 0], [0, 0, 0]), None);
    }
}
