//! In: a time in the usual form of events. Out: milliseconds since 1970.

/// Converts `2026-11-22T12:00:00Z` to milliseconds since 1970; `None` for any other form and for
/// February 29.
pub fn time(text: &str) -> Option<i64> {
    let text: &[u8; 20] = text.as_bytes().try_into().ok()?;
    Some((days(text.first_chunk()?)? * 86_400 + seconds(text)?) * 1000)
}

fn digits<const N: usize>(text: &[u8; N], from: usize, to: usize) -> Option<i64> {
    text[from..to].iter().try_fold(0_i64, |all, byte| {
        byte.is_ascii_digit()
            .then(|| all * 10 + i64::from(byte - b'0'))
    })
}

/// Reads two digits.
#[inline]
fn pair(text: &[u8; 20], at: usize) -> Option<i64> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// Converts `2026-11-22` to days since 1970; `None` for February 29.
pub fn days(date: &[u8; 10]) -> Option<i64> {
    let (year, month, day) = (
        digits(date, 0, 4)?,
        digits(date, 5, 7)?,
        digits(date, 8, 10)?,
    );
    const LAST: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    // February 29 is left to a library that knows the calendar.
    if date[4] != b'-' || date[7] != b'-' || year == 0 || !(1..=12).contains(&month) {
        return None;
    }
    if !(1..=LAST[month as usize - 1]).contains(&day) {
        return None;
    }
    // Let years begin in March, so that the leap day comes last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    Some(
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468,
    )
}

/// The seconds of the `T12:00:00Z` after the date.
pub fn seconds(text: &[u8; 20]) -> Option<i64> {
    let (hour, minute, second) = (pair(text, 11)?, pair(text, 14)?, pair(text, 17)?);
    let marks = text[10] == b'T' && text[13] == b':' && text[16] == b':' && text[19] == b'Z';
    (marks && hour <= 23 && minute <= 59 && second <= 59)
        .then_some((hour * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let mut compared = 0;
        for year in [
            1, 1600, 1899, 1900, 1970, 1999, 2000, 2024, 2026, 2100, 9998,
        ] {
            for month in 1..=12 {
                for day in 1..=31 {
                    let text = format!(
                        "{year:04}-{month:02}-{day:02}T23:{:02}:{:02}Z",
                        day * 2 % 60,
                        month * 5 % 60
                    );
                    let known = text
                        .parse::<jiff::Timestamp>()
                        .ok()
                        .map(|time| time.as_millisecond());
                    if let Some(time) = time(&text) {
                        assert_eq!(Some(time), known, "{text}");
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(compared, 11 * 365);
        for other in [
            "2026-11-22T12:00:60Z",
            "2026-11-22T24:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-11-22 12:00:00Z",
        ] {
            assert_eq!(time(other), None);
        }
        // Try wrong characters in every position.
        let right = "2026-11-22T12:34:56Z";
        for at in 0..right.len() {
            for other in [b'/', b':', b'+', b' ', b'T', b'z'] {
                let mut wrong = right.as_bytes().to_vec();
                wrong[at] = other;
                let wrong = String::from_utf8(wrong).expect("it is text");
                let known = wrong
                    .parse::<jiff::Timestamp>()
                    .ok()
                    .map(|time| time.as_millisecond());
                assert!(time(&wrong).is_none() || time(&wrong) == known, "{wrong}");
            }
        }
    }
}
