//! The time in a header, brought to one form.
//!
//! ```text
//! 2012-04-30 12:09      04/30/2012-12:09      04/30/2012 1:09 PM      30.04.2012 13:09:27
//! ```
//!
//! Invariant: a time is that of a day in the calendar, and every word of it was understood; else there is none. Numbers that
//! could be day and month in either order are those of `MM/DD/YYYY` between slashes, the one form that is known, and no
//! time between dots.

/// Years that a log can be of. Far beyond them, sums of times and spans would leave the calendar.
const YEARS: std::ops::RangeInclusive<u32> = 1970..=2999;

/// Brings a time to `2012-04-30 12:09`; `None` for what is no time, or more than one.
pub fn logtime(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (date, clock) = split(text)?;
    let (year, month, day) = day_of(date)?;
    let (hour, minute, second) = clock_of(clock)?;
    let seconds = second.map(|second| format!(":{second:02}")).unwrap_or_default();
    Some(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}{seconds}"))
}

/// Cuts behind the third number: blanks, a `-` or a `T` are between date and time.
fn split(text: &str) -> Option<(&str, &str)> {
    let digits = |from: usize| Some(from + text.get(from..)?.find(|letter: char| !letter.is_ascii_digit())?);
    let first = digits(0)?;
    let second = digits(first + 1)?;
    let end = digits(second + 1)?;
    let (date, rest) = text.split_at(end);
    let clock = rest.trim_start();
    let clock = clock.strip_prefix(['-', 'T']).unwrap_or(clock);
    Some((date, clock.trim_start()))
}

/// Year, month and day of `2012-04-30`, `2012/04/30`, `04/30/2012` or `30.04.2012`.
fn day_of(date: &str) -> Option<(u32, u32, u32)> {
    let mark = date.chars().find(|letter| !letter.is_ascii_digit()).filter(|mark| matches!(mark, '-' | '/' | '.'))?;
    let parts: Vec<&str> = date.split(mark).collect();
    let [first, second, third] = *parts.as_slice() else { return None };
    let (year, month, day) = match (mark, first.len(), third.len()) {
        (_, 4, 1..=2) => (number(first, 4)?, number(second, 2)?, number(third, 2)?),
        ('/', 1..=2, 4) => (number(third, 4)?, number(first, 2)?, number(second, 2)?),
        ('.', 1..=2, 4) => {
            let (day, month) = (number(first, 2)?, number(second, 2)?);
            // Which of them is the day must be beyond doubt.
            (day > 12 || day == month).then_some((number(third, 4)?, month, day))?
        }
        _ => return None,
    };
    let is_day = YEARS.contains(&year) && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day);
    is_day.then_some((year, month, day))
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Hour, minute and second of `12:09`, `12:09:27` or `1:09 p.m.`.
fn clock_of(clock: &str) -> Option<(u32, u32, Option<u32>)> {
    let end = clock.find(|letter: char| !letter.is_ascii_digit() && letter != ':').unwrap_or(clock.len());
    let (numbers, half) = clock.split_at(end);
    let parts: Vec<&str> = numbers.split(':').collect();
    let (hour, minute, second) = match *parts.as_slice() {
        [hour, minute] => (number(hour, 2)?, number(minute, 2)?, None),
        [hour, minute, second] => (number(hour, 2)?, number(minute, 2)?, Some(number(second, 2)?)),
        _ => return None,
    };
    let half: String = half.chars().filter(|letter| *letter != '.').collect::<String>().trim().to_ascii_lowercase();
    let hour = match half.as_str() {
        "" => hour,
        "am" | "a m" | "pm" | "p m" if !(1..=12).contains(&hour) => return None,
        "am" | "a m" => hour % 12,
        "pm" | "p m" => hour % 12 + 12,
        _ => return None,
    };
    (hour < 24 && minute < 60 && second.unwrap_or(0) < 60).then_some((hour, minute, second))
}

fn number(digits: &str, most: usize) -> Option<u32> {
    (1..=most).contains(&digits.len()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::logtime;

    fn read(text: &str) -> Option<String> {
        logtime(text.as_bytes())
    }

    #[test]
    fn forms_that_are_known_become_one() {
        for (text, expected) in [
            ("2012-04-30 12:09", "2012-04-30 12:09"),
            ("2012-4-3  7:05", "2012-04-03 07:05"),
            ("2012-04-30-12:09:27", "2012-04-30 12:09:27"),
            ("2012-04-30T12:09", "2012-04-30 12:09"),
            ("2012/04/30 12:09", "2012-04-30 12:09"),
            ("04/30/2012-12:09", "2012-04-30 12:09"),
            ("04/30/2012 - 12:09", "2012-04-30 12:09"),
            ("3/4/2000 05:06", "2000-03-04 05:06"),
            ("30.04.2012 13:09", "2012-04-30 13:09"),
            ("05.05.2012 13:09", "2012-05-05 13:09"),
            ("2012-02-29 12:09", "2012-02-29 12:09"),
            ("2000-02-29 12:09", "2000-02-29 12:09"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn clocks_of_twelve_hours_are_read() {
        for (text, expected) in [
            ("1:09 PM", "13:09"),
            ("1:09 pm", "13:09"),
            ("1:09PM", "13:09"),
            ("01:09 P.M.", "13:09"),
            ("1:09 p. m.", "13:09"),
            ("12:09 AM", "00:09"),
            ("12:09 PM", "12:09"),
            ("11:59:58 a.m.", "11:59:58"),
        ] {
            assert_eq!(read(&format!("04/30/2012 {text}")), Some(format!("2012-04-30 {expected}")), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_several_is_none() {
        for text in [
            "2012-02-30 12:09",
            "2012-04-31 12:09",
            "2013-02-29 12:09",
            "1900-02-29 12:09",
            "2100-02-29 12:09",
            "2012-13-01 12:09",
            "2012-00-01 12:09",
            "2012-04-00 12:09",
            "2012-04-30 24:00",
            "2012-04-30 12:60",
            "2012-04-30 12:09:60",
            "13/04/2012 12:09",
            "04.05.2012 12:09",
            "04/30/12 12:09",
            "12-04-30 12:09",
            "04-30-2012 12:09",
            "04/30/2012 13:09 PM",
            "04/30/2012 0:09 AM",
            "04/30/2012 1:09 PMT",
            "2012-04-30 12:09 UTC",
            "2012-04-30 12:09 +02:00",
            "2012-04-30 12:09 nachm.",
            "2012-04-30 12:09:27.5",
            "2012-04-30 12",
            "2012-04-30",
            "2012-04-99999999999999999999 12:09",
            "99999-04-30 12:09",
            "3000-04-30 12:09",
            "1969-12-31 23:59",
            "2012-04/30 12:09",
            "\u{661}-04-30 12:09",
            "yesterday",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(logtime(b"2012-04-30 12:0\xFF"), None);
    }
}
